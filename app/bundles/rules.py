"""Who is in the pool: the lane rules of process.yaml and `candidateGroups`, as text and as frozen values."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

TIERS = {
    "district": "区",
    "street": "街道",
    "community": "社区",
    "grid": "网格",
    "department": "部门",
    "site": "站点",
}

FORMS = (
    "role(角色)、role(角色)@层级、unit(单位字段)、item、handler(环节)、superior(环节)、reporter、filer、system，"
    "例如 role(dispatcher)@district、unit(main_unit)"
)

_CALL = re.compile(r"(?P<kind>[a-z_]+)(?:\((?P<arg>[^()]*)\))?(?:@(?P<tier>[^\s@()]+))?")
_WITH_ARGUMENT = {
    "role": "角色",
    "unit": "单位字段",
    "handler": "环节",
    "superior": "环节",
    "group": "小组",
}
_ALONE = ("item", "system", "reporter", "filer")
STEP_RULES = ("handler", "superior")
"""Rules whose argument is a step."""
_NOT_YET = {
    "group": "按固定小组指派",
}


@dataclass(frozen=True)
class Rule:
    """One rule. `kind` is role, unit, item, handler, superior, reporter, filer or system.

    role: `argument` is the role, at the case's place or at its ancestor of `tier`. unit: role handler in the
    unit that the data name `argument` holds. item: role handler in this item's unit, or the person that the
    item is, where a step is done by several. handler: who completed the step `argument` last; superior: their
    role in the nearest unit above. reporter: the resident whom the case is about. filer: who filed it.
    system: nobody, for lanes in which no person acts.
    """

    kind: str
    argument: str
    tier: str | None
    text: str


class RuleRefused(ValueError):
    """办理人规则写得不对。

    rule: rule-invalid | key-not-yet | bpmn-unknown-role.
    """

    def __init__(self, rule: str, zh: str, en: str) -> None:
        super().__init__(zh)
        self.rule, self.zh, self.en = rule, zh, en


def parse_rule(text: str) -> Rule:
    """One rule from its text. Raises RuleRefused with the forms that exist."""
    text = text.strip()
    found = _CALL.fullmatch(text)
    if found is None and ("（" in text or "）" in text or "＠" in text):
        raise RuleRefused(
            "rule-invalid",
            f"办理人规则“{text[:60]}”里的括号和 @ 要用英文的，例如 role(dispatcher)@district。",
            f'Write ASCII brackets and @ in "{text[:60]}".',
        )
    if found is None:
        raise RuleRefused(
            "rule-invalid",
            f"看不懂办理人规则“{text[:60]}”；可以写 {FORMS}。",
            f'Cannot read rule "{text[:60]}".',
        )
    kind, argument, tier = found["kind"], found["arg"], found["tier"]
    argument = argument.strip() if argument is not None else None
    if kind in _NOT_YET:
        raise RuleRefused(
            "key-not-yet",
            f"办理人规则“{text}”尚未开放（{_NOT_YET[kind]}）；现在可以写 {FORMS}。",
            f'Rule "{text}" is not open yet.',
        )
    if kind not in _WITH_ARGUMENT and kind not in _ALONE:
        zh = f"没有名为“{kind}”的办理人规则，自定义规则尚未开放；可以写 {FORMS}。"
        raise RuleRefused("rule-invalid", zh, f'No rule called "{kind}".')
    if kind in _ALONE and (argument is not None or tier is not None):
        raise RuleRefused(
            "rule-invalid", f"“{kind}”后面不写括号，也不写 @层级。", f'"{kind}" takes no argument.'
        )
    if kind in _WITH_ARGUMENT and not argument:
        raise RuleRefused(
            "rule-invalid",
            f"“{kind}”后面要在括号里写{_WITH_ARGUMENT[kind]}，例如 {_example(kind)}。",
            f'"{kind}" needs an argument, such as {_example(kind)}.',
        )
    if tier is not None and kind != "role":
        raise RuleRefused(
            "rule-invalid", f"只有 role(角色) 后面可以写 @层级，“{kind}”不可以。", f'"{kind}" takes no @tier.'
        )
    if tier is not None and tier not in TIERS:
        zh = f"没有层级“{tier}”；{likely(tier, TIERS)}可以写 {_listed(TIERS)}。"
        raise RuleRefused("rule-invalid", zh, f'No tier "{tier}".')
    return Rule(kind, argument or "", tier, text)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Several rules with commas between them, as `candidateGroups` has them: who fits any is in the pool."""
    return tuple(parse_rule(each) for each in text.split(",") if each.strip())


def rule_error(
    text: str,
    roles: Collection[str] | None = None,
    unit_fields: Collection[str] | None = None,
    steps: Collection[str] | None = None,
) -> str | None:
    """What is wrong with a rule, in Chinese, or None; a collection that is None is not looked at.

    A mapping of keys to Chinese names lets the answer propose the key where somebody wrote the name.
    """
    try:
        rule = parse_rule(text)
    except RuleRefused as refused:
        return refused.zh
    named = rule.argument
    if rule.kind == "role" and roles is not None and named not in roles:
        return role_error(named, roles)
    if rule.kind == "unit" and unit_fields is not None and named not in unit_fields:
        return (
            f"“{named}”不是单位字段；{likely(named, unit_fields)}"
            f"process.yaml 的 data 里类型为 unit 的有 {_listed(unit_fields)}。"
        )
    if rule.kind in STEP_RULES and steps is not None and named not in steps:
        return f"图中没有环节“{named}”；{likely(named, steps)}有 {_listed(steps)}。"
    return None


def role_error(role: str, roles: Collection[str]) -> str:
    """What to say of a role that the organisation does not have."""
    return f"没有角色“{role}”；{likely(role, roles)}机构文件 _org.yaml 里有 {_listed(roles)}。"


def likely(word: str, known: Collection[str]) -> str:
    """请写 worker（社工）。 for a Chinese name, 是不是 worker（社工）？ for a slip, else nothing."""
    names = known if isinstance(known, Mapping) else {}
    meant = [key for key, name in names.items() if name == word]
    if meant:
        return f"请写 {_shown(meant[0], names)}。"
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    if not close:
        close = [key for key, name in names.items() if difflib.get_close_matches(word, [name], 1, 0.6)][:1]
    return f"是不是 {_shown(close[0], names)}？" if close else ""


def _listed(names: Collection[str]) -> str:
    shown = names if isinstance(names, Mapping) else {}
    ordered = names if isinstance(names, Mapping) else sorted(names)
    return "、".join(_shown(each, shown) for each in ordered) or "（没有）"


def _shown(key: str, names: Mapping[str, str]) -> str:
    name = names.get(key, key)
    return key if name == key else f"{key}（{name}）"


def _example(kind: str) -> str:
    return {"role": "role(dispatcher)", "unit": "unit(main_unit)"}.get(kind, f"{kind}(sign)")
