"""Reads bpmn/_inspection.yaml: which rules there are, what each looks for, and from when on that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.bundles import keys
from app.bundles.data_fields import FILE_KINDS
from app.bundles.keys import Found, Key, Many, Record, Text, Whole, finding, nearest
from app.bundles.yaml_file import Path, YamlRefused, read_yaml
from app.core.errors import FieldError, Unprocessable
from app.engine.check.finding import Finding
from app.engine.durations import DurationRefused, parse_duration

FILE = "_inspection.yaml"
"""Beside the processes."""
UNIT, SUPERVISOR = "unit", "supervisor"
TELL = {UNIT: "办理单位", SUPERVISOR: "督办员"}

_NAME = r"[a-z][a-z0-9_-]{0,58}"
_STEP = Text(longest=120, says="环节")
_LASTS = Text(longest=20, says="时长，例如 PT2H、P3D")
_SHAPES: Mapping[str, Key] = {
    "steps": Key(Many(_STEP, least=1, most=20), "哪些环节"),
    "returned": Key(Many(_STEP, least=1, most=20), "无人签收时自动退回到的环节"),
    "of": Key(Many(_STEP, least=1, most=20), "附件应在哪些环节上传"),
    "after": Key(_LASTS, "过多久算异常"),
    "within": Key(_LASTS, "看多久以内的"),
    "clock": Key(Text(longest=60, says="时钟"), "哪个时钟"),
    "field": Key(Text(longest=60, says="字段"), "哪个字段是回复"),
    "times": Key(Whole(2, 100), "多少次（件）算异常"),
    "least": Key(Whole(1, 500), "至少多少字"),
    "min": Key(Whole(1, 20), "至少几个附件；不写就看流程的 attachments"),
    "kinds": Key(Many(Text(one_of=tuple(FILE_KINDS), says="附件的种类"), least=1), "哪几种附件才算"),
}
_RULE = Record(
    {
        "key": Key(Text(_NAME, "小写字母开头的英文名"), "规则的键，不能重复", required=True),
        "name": Key(Text(longest=60), "规则的名称", required=True),
        "detect": Key(Text(longest=40, says="查什么"), "查什么", required=True),
        "process": Key(Text(_NAME, "流程的键"), "查哪个流程", required=True),
        "tell": Key(Many(Text(one_of=tuple(TELL), says="提示谁"), most=2), "提示谁；不写就不提示"),
        **_SHAPES,
    }
)
_TOP = Record({"rules": Key(Many(_RULE, most=100), "巡检规则", required=True)})
_DURATIONS = ("after", "within")


class InspectionRefused(Unprocessable):
    """巡检规则有误，没有导入。"""

    def __init__(self, found: list[Finding]) -> None:
        self.findings = found
        errors = [FieldError("/yaml", each.rule, each.told) for each in found]
        super().__init__("\n".join(each.told for each in found[:20]), errors=errors)


@dataclass(frozen=True)
class Takes:
    """Which keys a kind of detector takes beside those of every rule, and which it cannot do without.

    Of `either` exactly one is given.
    """

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    either: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.needs, *self.either, *self.may)


@dataclass(frozen=True)
class Rule:
    """One rule. What its kind does not take is empty; durations are natural time."""

    key: str
    name: str
    detect: str
    process: str
    tell: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    after: timedelta | None = None
    within: timedelta | None = None
    clock: str = ""
    field: str = ""
    times: int = 0
    least: int = 0
    min: int | None = None
    kinds: tuple[str, ...] = ()


def read_rules(file: str, data: bytes, known: Mapping[str, Takes]) -> tuple[Rule, ...]:
    """The rules of a file, for these kinds of detectors. Raises InspectionRefused with every finding."""
    try:
        doc = read_yaml(file, data)
    except YamlRefused as refused:
        raise InspectionRefused(
            [finding("error", refused.rule, file, refused.line, refused.zh, refused.en)]
        ) from None
    found = Found(doc)
    if not keys.check(_TOP, doc.value, found):
        raise InspectionRefused(found.findings)
    seen: dict[str, Rule] = {}
    for i, given in enumerate(doc.value["rules"]):
        path: Path = ("rules", i)
        if given["key"] in seen:
            key = given["key"]
            found.error("rule-twice", (*path, "key"), f"规则“{key}”写了两次。", f'Rule "{key}" stands twice.')
        rule = _rule(given, known, found, path)
        seen[rule.key] = rule
    if found.failed:
        raise InspectionRefused(found.findings)
    return tuple(seen.values())


def _rule(given: Mapping[str, Any], known: Mapping[str, Takes], found: Found, path: Path) -> Rule:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    for name in _DURATIONS:
        if name in given:
            values[name] = _length(given[name], found, (*path, name))
    kind, takes = given["detect"], known.get(given["detect"])
    if takes is None:
        near = nearest(kind, known)
        found.error("value-invalid", (*path, "detect"), f"detect 只能是{near}。", f"Unknown: {kind}.")
        return Rule(**values)
    for name in given:
        if name in _SHAPES and name not in takes.all:
            zh = f"detect: {kind} 不看“{name}”；可以写{nearest(name, takes.all)}。"
            found.error("key-unknown", (*path, name), zh, f'"{kind}" does not take "{name}".')
    for name in takes.needs:
        if name not in given:
            zh = f"detect: {kind} 缺少“{name}”（{_SHAPES[name].says}）。"
            found.error("key-missing", path, zh, f'"{kind}" needs "{name}".')
    if takes.either and sum(name in given for name in takes.either) != 1:
        zh = f"detect: {kind} 要写{'或'.join(takes.either)}，只写一个。"
        found.error("key-missing", path, zh, f'"{kind}" needs one of {", ".join(takes.either)}.')
    return Rule(**values)


def _length(text: str, found: Found, path: Path) -> timedelta | None:
    try:
        length = parse_duration(text)
    except DurationRefused as refused:
        found.error("duration-invalid", path, refused.zh, refused.en)
        return None
    if length.years or length.months or length.working_days:
        zh = f"“{text}”不能用在这里：巡检的时长只写天、小时、分钟，例如 P3D、PT2H。"
        found.error("duration-invalid", path, zh, "Only days, hours and minutes.")
        return None
    return timedelta(weeks=length.weeks, days=length.days, hours=length.hours, minutes=length.minutes)
