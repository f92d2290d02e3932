"""What process.yaml wants people to be told beside their work: repeated complaints, and hints of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import limit_text
from app.bundles.data_fields import RESERVED, DataField
from app.bundles.keys import Found, Key, Many, Record, Text, Whole, nearest
from app.bundles.yaml_file import Path
from app.engine.expressions import Expression, ExpressionRefused, compile_expression

CALLERS = ("phone", "idcard")
"""Formats of secret names by which a person is found again."""
_TEXTS = ("title", "content")

REPEATS = Record(
    {
        "caller": Key(Many(Text(says="名字"), least=1, most=5), "哪些加密字段相同算同一个人", required=True),
        "within": Key(Text(says="时长"), "看多久以前的，例如 P30D", required=True),
        "steps": Key(Many(Text(says="环节"), least=1), "办理哪些环节时提示", required=True),
        "text": Key(
            Many(Text(says="名字"), least=1, most=5), "比较哪些文字；不写就是标题和诉求内容（title、content）"
        ),
        "likeness": Key(Whole(20, 100), "百分之几以上算相似；不写是 45"),
        "place": Key(Text(one_of=("same", "any"), says="地点"), "same 同一地点才算（默认），any 不论地点"),
    }
)
_HINT = Record(
    {
        "key": Key(Text(r"[a-z][a-z0-9-]{1,40}", "小写字母开头的英文名"), "提示的键", required=True),
        "when": Key(Text(says="条件", longest=500), "什么条件下提示", required=True),
        "text": Key(Text(says="文字", longest=300), "提示什么", required=True),
        "steps": Key(Many(Text(says="环节"), least=1), "办理哪些环节时也提示；不写就只在办件页提示"),
    }
)
HINTS = Many(_HINT, most=30)


@dataclass(frozen=True)
class Repeats:
    """When a case repeats an earlier one of the same person: whom, how alike, how long ago, told where."""

    caller: tuple[str, ...]
    within: str
    steps: tuple[str, ...]
    text: tuple[str, ...] = _TEXTS
    likeness: int = 45
    same_place: bool = True


@dataclass(frozen=True)
class Hint:
    """A sentence that is shown while a condition holds; it stops nobody."""

    key: str
    when: Expression
    text: str
    steps: tuple[str, ...] = ()


def read_repeats(
    given: Mapping[str, Any] | None, data: Mapping[str, DataField], found: Found
) -> Repeats | None:
    """The rule of a checked mapping; none where the process says nothing."""
    if given is None:
        return None
    if (wrong := limit_text.duration_error(given["within"])) is not None or limit_text.is_working(
        given["within"]
    ):
        zh = wrong[1] if wrong is not None else "这里只能写自然时间，例如 P30D。"
        found.error("duration-invalid", ("repeats", "within"), zh, "Not a length in natural time.")
    for i, name in enumerate(given["caller"]):
        declared = data.get(name)
        if declared is None or not declared.secret or declared.format not in CALLERS:
            able = [each.name for each in data.values() if each.secret and each.format in CALLERS]
            zh = (
                f"repeats 的 caller 只能是加密的电话或身份证号，不能是“{name}”；可以写{nearest(name, able)}。"
            )
            found.error("value-invalid", ("repeats", "caller", i), zh, f'"{name}" finds nobody.')
    for i, name in enumerate(given.get("text", ())):
        declared = data.get(name)
        if declared is None or declared.type != "text" or declared.secret or declared.per_item:
            able = [each.name for each in data.values() if each.type == "text" and not each.secret]
            zh = f"repeats 的 text 只能是不加密的文字，不能是“{name}”；可以写{nearest(name, able)}。"
            found.error("value-invalid", ("repeats", "text", i), zh, f'"{name}" is no open text.')
    return Repeats(
        tuple(given["caller"]),
        given["within"],
        tuple(given["steps"]),
        tuple(given.get("text", _TEXTS)),
        given.get("likeness", 45),
        given.get("place", "same") == "same",
    )


def read_hints(
    given: list[Mapping[str, Any]], data: Mapping[str, DataField], found: Found
) -> tuple[Hint, ...]:
    """The hints of a checked list; a condition reads what is not secret."""
    seen: dict[str, Hint] = {}
    for i, each in enumerate(given):
        path: Path = ("prompts", i)
        if each["key"] in seen:
            zh = f"提示“{each['key']}”写了两次。"
            found.error("prompt-twice", (*path, "key"), zh, f'"{each["key"]}" stands twice.')
        if (when := _condition(each["when"], data, found, (*path, "when"))) is not None:
            seen[each["key"]] = Hint(each["key"], when, each["text"], tuple(each.get("steps", ())))
    return tuple(seen.values())


def _condition(text: str, data: Mapping[str, DataField], found: Found, path: Path) -> Expression | None:
    names = {name for name, each in data.items() if not each.secret} | set(RESERVED)
    try:
        return compile_expression(text, names, {})
    except ExpressionRefused as refused:
        rule = refused.rule.removeprefix("bpmn-")
        found.error(rule, path, f"prompts 的条件“{text}”{refused.zh}", refused.en)
        return None
