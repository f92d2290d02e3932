"""sla.yaml: the clocks of a process, what starts and stops them, how long they run, and their tiers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.keys import Found, Key, Many, Named, Record, Scalar, Text, Whole
from app.bundles.limit_text import FORMS_ZH, duration_error
from app.bundles.tiers import TIER, TIER_NAME, TierDef, read_tiers
from app.bundles.yaml_file import Path

LIMITS = "limits"
"""The name under which `table(limits)` means the table of the file that `limits:` names."""

LIFE = ("case.received", "case.redone", "case.closed", "case.reopened")
MILESTONES = (
    "case.dispatched",
    "case.signed",
    "case.replied",
    "case.resolved",
    "case.rated",
    "case.escalated",
)
TASK_EVENTS = ("task.opened", "task.claimed", "task.done", "task.cancelled")
SAID = "data.true"
"""A yes-or-no name of the data is said to be so: by a form, a mark, a message or the diagram."""
OF_UNITS = ("unit.assigned", "unit.released")
"""When a unit gets the case in hand, and when it is let go."""
_NOT_YET = (
    "case.cancelled",
    "case.merged",
    "case.suspended",
    "case.resumed",
    "task.returned",
    "case.returned",
)
EVENTS_SAY = (
    "case.received、case.redone（重办）、case.closed、case.reopened（重新打开）、task.opened(环节)、task.claimed(环节)、task.done(环节)、"
    "task.cancelled(环节)、data.true(名字)（某个是/否填成“是”），"
    "或图中 event 属性给出的里程碑；per: unit 的时钟用 unit.assigned、unit.released"
)

PAUSES = {"hold": "挂账", "suspend": "挂起"}
"""Kinds of pause, and what people call them."""

_EXTENDABLE = Record(
    {
        "max": Key(Whole(1, 10), "最多几次", required=True),
        "by": Key(
            Text(says="时长"),
            f"每次最多延长多久，例如 {FORMS_ZH}，或 table(决策)：延期时问决策表",
            required=True,
        ),
    }
)
_CLOCK = Record(
    {
        "start": Key(Text(says="事件"), f"什么事件起算：{EVENTS_SAY}", required=True),
        "stop": Key(Text(says="事件"), "什么事件停止，写法同 start", required=True),
        "resume": Key(
            Many(Text(says="事件"), least=1, most=5),
            "停止以后什么事件接着算，起算时刻、到期时刻都不变，例如 [case.redone, case.reopened]",
        ),
        "limit": Key(
            Scalar(),
            f"时限，例如 {FORMS_ZH}，table(决策)：起算时问决策表，或 until(名字)：到那个日期为止",
            required=True,
        ),
        "label": Key(Text(says="名称", longest=60), "时钟的名称，办件经过里显示；不写就显示英文名"),
        "per": Key(
            Text(says="范围"),
            "round：每一轮（重办）各计各的；unit：每个承办单位各计各的；start：每次起算各计各的，"
            "退回、撤回到起算以前，或者重办，这一个就停；不写就是一件一个",
        ),
        "pauseOn": Key(
            Many(Text(one_of=tuple(PAUSES), says="暂停的种类"), least=1, most=len(PAUSES)),
            "什么时候暂停计时：hold 挂账（图中由 clocks.pause 暂停，clocks.resume 恢复），"
            "suspend 整件挂起期间",
        ),
        "extendable": Key(_EXTENDABLE, "可以延期（图中由 clocks.extend 延期）：最多几次，每次最多多久"),
        "extendedWith": Key(
            Text(TIER_NAME, "时钟的英文名"), "哪个时钟延期，这个就跟着延长一样多，例如 resolve"
        ),
        "basis": Key(Text(says="依据条款", longest=200), "时限的依据条款，解释到期时刻时显示"),
    }
)
QUIET = Record(
    {
        "outside": Key(Text(one_of=("working_hours",), says="什么时间"), "什么时间以外不打扰", required=True),
        "except": Key(Text(one_of=("urgent",), says="例外"), "urgent：紧急的随时告诉"),
    }
)
"""When nobody is disturbed; the same words in bpmn/_notices.yaml."""
SHAPE = Record(
    {
        "clocks": Key(Named(_CLOCK, TIER_NAME, "小写字母开头的英文名"), "时钟", required=True),
        "tiers": Key(Many(TIER), "档：到了某一刻亮灯、打标签"),
        "limits": Key(
            Text(r"decisions/[^/]+\.dmn", "decisions/ 下的决策表文件"), "table(limits) 用哪个文件里的决策表"
        ),
        "quiet": Key(QUIET, "免打扰：工作时间以外到的档，到上班时再告诉；不写就随时告诉"),
    }
)


PER_ROUND, PER_UNIT, PER_START = "round", "unit", "start"
_UNTIL = re.compile(r"until\(\s*([A-Za-z一-鿿][A-Za-z0-9_一-鿿]*)\s*\)")
_TABLE = re.compile(r"table\(\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\)")


@dataclass(frozen=True)
class ClockDef:
    """One clock. `start` and `stop` are events as written, e.g. `task.opened(sign)`; `limit` is ISO text, or
    empty when the decision `table` says it; `label` is what people read, the name when there is none.
    `per` is empty for one clock of the case, `PER_ROUND`: another round of the case has a clock of its own,
    whose start is its own too; `PER_UNIT`: each unit that gets the case in hand has, until it is let go;
    `PER_START`: each time that it starts, until the case goes back to before that."""

    name: str
    start: str
    stop: str
    limit: str
    label: str = ""
    table: str = ""
    per: str = ""
    resume: tuple[str, ...] = ()
    """The events with which a stopped clock runs on as if it had not stopped."""
    pauses: tuple[str, ...] = ()
    """The kinds of pause that it heeds."""
    extensions: int = 0
    """How often it may be extended, each time by at most `extends` (ISO text)."""
    extends: str = ""
    extends_table: str = ""
    """The decision that says by how much, where `extends` does not."""
    basis: str = ""
    """The clause that people may be pointed to."""
    extended_with: str = ""
    """The clock with whose extensions it gets as much more time."""
    until: str = ""
    """The date of the case's data that is its limit; a change of it moves the due time."""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name)

    @property
    def events(self) -> Sequence[tuple[str, str]]:
        """What it waits for: (start, stop or resume, the event as written)."""
        return (("start", self.start), ("stop", self.stop), *(("resume", event) for event in self.resume))


@dataclass(frozen=True)
class Sla:
    """The clocks by name, and the tiers in the order of the file; `limits` is the path of a decision file."""

    clocks: Mapping[str, ClockDef]
    tiers: tuple[TierDef, ...]
    limits: str = ""
    quiet: bool = False
    """Whether people are told of tiers only while they work, but for urgent ones."""

    def pairs_of(self, tier: TierDef) -> list[tuple[str, str]]:
        """Every (earlier, later) of the keys in a tier's class; none for a tier that stands alone."""
        keys = [each.key for each in self.tiers_of(tier.clock) if tier.kind and each.kind == tier.kind]
        return [(early, late) for i, early in enumerate(keys) for late in keys[i + 1 :]]

    @cached_property
    def said(self) -> frozenset[str]:
        """The names of the data that some clock waits for to be said."""
        events = [event_parts(e) for c in self.clocks.values() for _, e in c.events]
        return frozenset(name for event, name in events if event == SAID and name is not None)

    def tiers_of(self, clock: str) -> tuple[TierDef, ...]:
        return tuple(tier for tier in self.tiers if tier.clock == clock)


NO_SLA = Sla(MappingProxyType({}), ())


def read_sla(found: Found) -> Sla | None:
    """The policy of a checked document, or None when findings say why not. Events are held against the
    diagram later (`event_parts`), since this file knows no steps."""
    given: Any = found.doc.value
    if not keys.check(SHAPE, given, found):
        return None
    clocks: dict[str, ClockDef] = {}
    for name, clock in given["clocks"].items():
        path: Path = ("clocks", name)
        resume = tuple(clock.get("resume", ()))
        ends = (("start", clock["start"]), ("stop", clock["stop"]), *(("resume", event) for event in resume))
        for end, event in ends:
            _check_event(event, found, (*path, end))
        until = _UNTIL.fullmatch(str(clock["limit"]))
        limit, table = ("", "") if until else _limit(clock["limit"], found, (*path, "limit"))
        _check_per(clock, [event for _, event in ends], found, path)
        label = clock.get("label", "")
        longer = clock.get("extendable", {})
        by, by_table = _limit(longer["by"], found, (*path, "extendable", "by")) if longer else ("", "")
        clocks[name] = ClockDef(
            name,
            clock["start"],
            clock["stop"],
            limit,
            label,
            table,
            clock.get("per", ""),
            resume,
            tuple(clock.get("pauseOn", ())),
            longer.get("max", 0),
            by,
            by_table,
            clock.get("basis", ""),
            clock.get("extendedWith", ""),
            until[1] if until else "",
        )
        if (other := clock.get("extendedWith")) and "extendable" not in given["clocks"].get(other, {}):
            may = [each for each, said in given["clocks"].items() if "extendable" in said]
            zh = f"extendedWith 写的“{other}”不是可以延期（extendable）的时钟；有{keys.nearest(other, may)}。"
            found.error("value-invalid", (*path, "extendedWith"), zh, f'"{other}" is not extendable.')
    tiers = read_tiers(given.get("tiers", []), clocks, found)
    if found.failed:
        return None
    return Sla(MappingProxyType(clocks), tuple(tiers), given.get("limits", ""), "quiet" in given)


def event_parts(event: str) -> tuple[str, str | None]:
    """`task.opened(sign)` → ("task.opened", "sign"), the name in brackets is a step, or a name of the data
    where the event is `SAID`; `case.received` → ("case.received", None)."""
    name, _, rest = event.partition("(")
    return name, rest.removesuffix(")") or None


def _check_event(event: str, found: Found, path: Path) -> None:
    if not re.fullmatch(r"[a-z]+\.[a-z_]+(\([A-Za-z_][A-Za-z0-9_./-]*\))?", event):
        found.error(
            "event-invalid",
            path,
            f"看不懂事件“{event}”；可以写 {EVENTS_SAY}。",
            f'Cannot read event "{event}".',
        )
        return
    name, step = event_parts(event)
    if name in _NOT_YET:
        found.error(
            "key-not-yet",
            path,
            f"事件“{name}”尚未开放；可以写 {EVENTS_SAY}。",
            f'Event "{name}" is not open yet.',
        )
    elif name == SAID and step is None:
        zh = f"“{name}”后面要写是/否的名字，例如 {name}(contacted)。"
        found.error("event-invalid", path, zh, f'"{name}" needs a name of the data.')
    elif name in TASK_EVENTS and step is None:
        found.error(
            "event-invalid", path, f"“{name}”后面要写环节，例如 {name}(sign)。", f'"{name}" needs a step.'
        )
    elif name not in (*TASK_EVENTS, SAID) and step is not None:
        found.error("event-invalid", path, f"“{name}”后面不写括号。", f'"{name}" takes no step.')
    elif name not in (*TASK_EVENTS, SAID, *LIFE, *MILESTONES, *OF_UNITS):
        known = keys.nearest(name, (*LIFE, *TASK_EVENTS, SAID, *MILESTONES))
        found.error("event-invalid", path, f"没有事件“{name}”；可以写{known}。", f'No event "{name}".')


def _check_per(clock: Mapping[str, Any], events: Sequence[str], found: Found, path: Path) -> None:
    per, start = clock.get("per"), event_parts(clock["start"])[0]
    of_units = sorted({event_parts(event)[0] for event in events} & set(OF_UNITS))
    if per == PER_UNIT and (start != OF_UNITS[0] or "resume" in clock):
        zh = "per: unit 由 unit.assigned（单位首次签收，成为承办单位）起算，不写 resume。"
        found.error("value-invalid", (*path, "per"), zh, "per: unit starts with unit.assigned.")
    elif per != PER_UNIT and of_units:
        zh = f"{'、'.join(of_units)} 只用在每个承办单位各计各的时钟：请写上 per: unit。"
        found.error("value-invalid", path, zh, "Say per: unit.")
    elif per not in (None, PER_ROUND, PER_UNIT, PER_START):
        zh = (
            "per 只能写 round（每一轮各计各的）、unit（每个承办单位各计各的）或 start（每次起算各计各的），"
            f"现在是“{per}”。"
        )
        found.error("value-invalid", (*path, "per"), zh, "per is round, unit or start.")
    elif per in (PER_ROUND, PER_START) and start in ("task.opened", "case.received"):
        zh = f"由 {start} 起算的不写 per: {per}："
        zh += "一件只收到一次。" if start == "case.received" else "每次打开已经各计各的。"
        found.error("value-invalid", (*path, "per"), zh, f"per: {per} does not go with {start}.")


def _limit(limit: Any, found: Found, path: Path) -> tuple[str, str]:
    """A fixed limit, or the decision that gives it: one of the two is empty."""
    text = str(limit)
    if table := _TABLE.fullmatch(text):
        return "", table[1]
    if "(" in text:
        zh = f"看不懂“{text}”；可以写 {FORMS_ZH}，table(决策)，例如 table(limits)，或 until(日期的名字)。"
        found.error("value-invalid", path, zh, f'Cannot read "{text}".')
        return "", ""
    _check_duration(text, found, path)
    return text, ""


def _check_duration(text: str, found: Found, path: Path) -> None:
    if (wrong := duration_error(text)) is not None:
        found.error(wrong[0], path, *wrong[1:])
