"""The tiers of sla.yaml: points of a clock that set a light or a mark, alone or in classes that exclude
each other."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.bundles import keys
from app.bundles.keys import Flag, Found, Key, Many, Record, Text
from app.bundles.limit_text import duration_error, elapsed, in_words, is_working, natural_or_days
from app.bundles.rules import TIERS
from app.bundles.yaml_file import Path
from app.engine.durations import Duration

TIER_NAME = r"[a-z][a-z0-9_]{0,39}"

COLOURS = ("yellow", "orange", "red")

TELL: Mapping[str, str] = {
    "handler": "办件当前待办的办理人（没人签收时是待办池里的人）",
    "superior": "当前办理人的上级：同一角色，最近的上级单位",
    "filer": "登记人",
    "reporter": "反映人",
    "followers": "关注这件办件的人",
}
"""Who may be told beside `role@level`."""
_AT_LEVEL = re.compile(r"([a-z][a-z0-9_]{0,39})@([a-z]+)")

_SHARE = re.compile(r"([1-9][0-9]{0,2})%")

TIER = Record(
    {
        "key": Key(
            Text(TIER_NAME, "小写字母开头的英文名"), "档的英文名，图中 tier(时钟, 档) 用它", required=True
        ),
        "clock": Key(Text(says="时钟名"), "属于哪个时钟", required=True),
        "at": Key(
            Text(
                r"[1-9][0-9]{0,2}%|[+-]P.{1,30}", "百分比，例如 80%，或到期以前、以后多久，例如 -P7D、+P1WD"
            ),
            "用去时限的百分之几，或到期以前（自然时间）、以后多久",
        ),
        "age": Key(Text(says="时长"), "起算之后多久，例如 PT24H、P1M"),
        "label": Key(Text(says="标签", longest=60), "标签，照规定的原文写", required=True),
        "colour": Key(Text(one_of=COLOURS, says="颜色"), "灯的颜色"),
        "tell": Key(
            Many(Text(says="告诉谁"), least=1, most=10),
            "到档时告诉谁：handler、superior、filer、reporter、followers，或 角色@层级",
        ),
        "urgent": Key(Flag(), "true：紧急，工作时间以外也马上告诉"),
        "class": Key(Text(TIER_NAME, "小写字母开头的英文名"), "互斥的一类：同类的档只显示最后到的一个"),
    }
)


@dataclass(frozen=True)
class TierDef:
    """One tier: reached when `at` percent of the limit has passed, `after` the due time, or at `age` after
    the start (ISO texts)."""

    key: str
    clock: str
    at: int | None
    age: str | None
    label: str
    colour: str | None
    after: str = ""
    before: str = ""
    """How long before the due time, in weeks, days, hours; a clock shorter than that never reaches it."""
    kind: str = ""
    """Its class: of the tiers of one class a case shows one, the last reached."""
    just_after: bool = False
    """Whether it begins only after its instant, which still belongs to the tier before it."""
    tell: tuple[str, ...] = ()
    """Who is told that it was reached: words of TELL, or `role@level`."""
    urgent: bool = False
    """Whether they are told at once also while they do not work."""


def role_at(word: str) -> tuple[str, str] | None:
    """`supervisor@district` → the role, and the level of the unit above the case's place; None otherwise."""
    found = _AT_LEVEL.fullmatch(word)
    return (found[1], found[2]) if found and found[2] in TIERS else None


def read_tiers(given: Sequence[Mapping[str, Any]], clocks: Collection[str], found: Found) -> list[TierDef]:
    """The tiers in the order of the file; findings say what is wrong with them."""
    tiers = [_tier(tier, clocks, found, ("tiers", i)) for i, tier in enumerate(given)]
    seen: set[tuple[str, str]] = set()
    for i, tier in enumerate(tiers):
        if (tier.clock, tier.key) in seen:
            found.error(
                "tier-twice",
                ("tiers", i),
                f"时钟“{tier.clock}”已经有档“{tier.key}”。",
                f'Tier "{tier.key}" stands twice.',
            )
        seen.add((tier.clock, tier.key))
    return tiers if found.failed else _in_classes(tiers, found)


def _tier(given: Mapping[str, Any], clocks: Collection[str], found: Found, path: Path) -> TierDef:
    if given["clock"] not in clocks:
        found.error(
            "clock-unknown",
            (*path, "clock"),
            f"没有时钟“{given['clock']}”；有{keys.nearest(given['clock'], clocks)}。",
            f'No clock "{given["clock"]}".',
        )
    if ("at" in given) == ("age" in given):
        found.error(
            "tier-when",
            path,
            "at（百分比，或到期后多久）和 age（起算后多久）要写且只写一个。",
            "Write exactly one of at and age.",
        )
    at = given.get("at", "")
    share = _SHARE.fullmatch(at)
    after = at.removeprefix("+") if at.startswith("+") else ""
    before = at.removeprefix("-") if at.startswith("-") else ""
    for key, text in (("age", given.get("age")), ("at", after or before)):
        if text and (wrong := duration_error(text)) is not None:
            found.error(wrong[0], (*path, key), *wrong[1:])
    if before and duration_error(before) is None and elapsed(before) is None:
        zh = f"到期以前只能写周、天、小时，例如 -P7D，现在是“{at}”。"
        found.error("duration-invalid", (*path, "at"), zh, "Before the due time only weeks, days and hours.")
    for n, word in enumerate(given.get("tell", ())):
        _check_told(word, found, (*path, "tell", n))
    return TierDef(
        key=given["key"],
        clock=given["clock"],
        at=int(share[1]) if share else None,
        age=given.get("age"),
        label=given["label"],
        colour=given.get("colour"),
        after=after,
        before=before,
        kind=given.get("class", ""),
        tell=tuple(dict.fromkeys(given.get("tell", ()))),
        urgent=given.get("urgent", False),
    )


def _check_told(word: str, found: Found, path: Path) -> None:
    if word in TELL or role_at(word) is not None:
        return
    _, at, level = word.partition("@")
    if at and level not in TIERS:
        zh = f"“{word}”里没有“{level}”这个层级；可以写{keys.nearest(level, TIERS)}。"
    else:
        known = keys.nearest(word, TELL)
        zh = f"不知道“{word}”是谁；可以写{known}，或 角色@层级，例如 supervisor@district。"
    found.error("tell-unknown", path, zh, f'Nobody is called "{word}".')


def _in_classes(tiers: list[TierDef], found: Found) -> list[TierDef]:
    """Each class on one clock, by age, from early to late without doubt: then no instant has two of them."""
    last: dict[str, TierDef] = {}
    ordered = []
    for i, tier in enumerate(tiers):
        before = last.get(tier.kind) if tier.kind else None
        if tier.kind and not found.failed:
            _check_class(tier, before, found, ("tiers", i))
        ordered.append(replace(tier, just_after=before is not None))
        last[tier.kind] = tier
    return ordered


def _check_class(tier: TierDef, before: TierDef | None, found: Found, path: Path) -> None:
    if tier.age is None or is_working(tier.age):
        zh = f"互斥的分档“{tier.kind}”按起算后的自然时间分：“{tier.label}”请写 age，例如 P1M。"
        found.error("tier-class", path, zh, "A class counts natural time from the start.")
    elif before is not None and before.clock != tier.clock:
        zh = (
            f"互斥的分档“{tier.kind}”里，“{before.label}”属于时钟“{before.clock}”，"
            f"“{tier.label}”属于“{tier.clock}”；一类只能用一个时钟。"
        )
        found.error("tier-class", path, zh, f'Class "{tier.kind}" uses two clocks.')
    elif before is not None and before.age is not None:
        earlier, later = natural_or_days(before.age), natural_or_days(tier.age)
        if _longest(earlier) >= _shortest(later):
            zh = (
                f"互斥的分档“{tier.kind}”里，“{before.label}”（{in_words(before.age)}）和"
                f"“{tier.label}”（{in_words(tier.age)}）会重叠，或分不出先后；请从早到晚写，一档比一档晚。"
            )
            found.error("tier-overlap", path, zh, f'Tiers of class "{tier.kind}" overlap.')


def _shortest(each: Duration) -> float:
    """In hours; years and months as short as they can be."""
    return (each.years * 365 + each.months * 28 + _days(each)) * 24 + _hours(each)


def _longest(each: Duration) -> float:
    return (each.years * 366 + each.months * 31 + _days(each)) * 24 + _hours(each)


def _days(each: Duration) -> int:
    return each.weeks * 7 + each.days


def _hours(each: Duration) -> float:
    return each.hours + each.minutes / 60
