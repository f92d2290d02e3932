"""The functions of measures: clocks, tiers, steps, ends and links of a case, as typed SQL."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Boolean, Integer, and_, case, func, or_, select

from app.bundles.keys import nearest
from app.cases.measuring.terms import BOOL, MOMENT, NOW, NUMBER, TEXT, Function, Reading, Refused, Term
from app.cases.models import CASE_STATES, GOING, case_facts, case_links, cases, rejections, tasks
from app.cases.requests import kinds
from app.cases.requests.models import case_requests
from app.cases.secrets.table import case_secrets
from app.clocks.models import clocks, timers
from app.clocks.rows import RUNNING, STOPPED
from app.core import dialects
from app.core.db import Instant
from app.engine.durations import parse_duration


def _state(reading: Reading, _: tuple[str, ...]) -> Term:
    return Term(TEXT, reading.tables.column("state"), CASE_STATES)


def _closed(reading: Reading, _: tuple[str, ...]) -> Term:
    return Term(BOOL, reading.tables.column("state") == "closed")


def _ended(reading: Reading, given: tuple[str, ...]) -> Term:
    end, known = reading.tables.column("end_element"), reading.ends
    if not given:
        return Term(TEXT, end, tuple(known or ()))
    _known("结束事件", given[0], known)
    return Term(BOOL, end == given[0])


def _returned(reading: Reading, given: tuple[str, ...]) -> Term:
    rows = select(func.count()).where(rejections.c.case_id == reading.tables.case_id)
    if given:
        _known("退单的结果", given[0], ("pending", "granted", "refused"))
        rows = rows.where(rejections.c.state == given[0])
    return _counted(reading, f"returned:{given}", rows)


def _requests(what: str, *conditions: Any) -> Function:
    """How many requests of a kind there were beside the case."""

    def read(reading: Reading, given: tuple[str, ...]) -> Term:
        _known("申请", given[0], kinds.KINDS)
        row = case_requests.c
        rows = select(func.count()).where(row.parent_id == reading.tables.case_id, row.kind == given[0])
        return _counted(reading, f"{what}:{given[0]}", rows.where(*conditions))

    return read


def _answers(what: str, made: Callable[[Any], Any]) -> Function:
    """How often what a request demands was, or was not, given in time: by the clocks of the case it is."""

    def read(reading: Reading, given: tuple[str, ...]) -> Term:
        _known("申请", given[0], kinds.KINDS)
        row, limit = case_requests.c, clocks.alias("limit_of_request")
        asked = select(func.count()).join(limit, limit.c.case_id == row.id)
        rows = asked.where(row.parent_id == reading.tables.case_id, row.kind == given[0], made(limit.c))
        return _counted(reading, f"{what}:{given[0]}", rows)

    return read


def _repeated(reading: Reading, _: tuple[str, ...]) -> Term:
    """Whether the same caller told the same class of thing before, as long ago as `repeats` looks back."""
    process = reading.bundle.process
    rule, category = process.repeats, process.statistics.category if process.statistics is not None else None
    if rule is None:
        raise Refused("要先在 process.yaml 里写 repeats：按哪些号码认人、看多久以前。")
    mine, earlier = cases.alias("repeating"), cases.alias("earlier")
    own, other = case_secrets.alias("own_number"), case_secrets.alias("same_number")
    found = (
        select(earlier.c.id)
        .select_from(own)
        .join(other, and_(other.c.name == own.c.name, other.c.blind == own.c.blind))
        .join(earlier, earlier.c.id == other.c.case_id)
        .join(mine, mine.c.id == own.c.case_id)
        .where(
            own.c.case_id == reading.tables.case_id,
            own.c.name.in_(rule.caller),
            earlier.c.process_key == reading.bundle.key,
            earlier.c.state != "cancelled",
            earlier.c.received_at < mine.c.received_at,
            dialects.seconds_between(earlier.c.received_at, mine.c.received_at) <= _seconds(rule.within),
        )
    )
    if rule.same_place:
        found = found.where(earlier.c.place_unit == mine.c.place_unit)
    if category is not None and category in process.facts:
        of_mine, of_earlier = case_facts.alias("own_class"), case_facts.alias("earlier_class")
        mine_so = and_(of_mine.c.case_id == mine.c.id, of_mine.c.name == category)
        same = and_(of_earlier.c.case_id == earlier.c.id, of_earlier.c.name == category)
        found = found.join(of_mine, mine_so).join(of_earlier, same)
        found = found.where(of_mine.c.as_text == of_earlier.c.as_text)
    return _there(reading, "repeated", found)


def _seconds(length: str) -> int:
    """A length of time in natural seconds; a month is 31 days."""
    parts = parse_duration(length)
    days = 366 * parts.years + 31 * parts.months + 7 * parts.weeks + parts.days
    return 86_400 * days + 3_600 * parts.hours + 60 * parts.minutes


def _linked(reading: Reading, given: tuple[str, ...]) -> Term:
    """Whether a case of that process hangs together with this one, whichever was first."""
    return _there(reading, f"linked:{given[0]}", _tied(reading, given[0], case_links.c.id))


def _links(reading: Reading, given: tuple[str, ...]) -> Term:
    """How many of them are under way."""
    rows = _tied(reading, given[0], func.count(), going=True)
    return _counted(reading, f"links:{given[0]}", rows)


def _tied(reading: Reading, process: str, made: Any, *, going: bool = False) -> Any:
    """Links are found by either end, then the few cases at their other ends: each by its own index."""
    other, mine, link = cases.alias("linked"), reading.tables.case_id, case_links.c
    far = case((link.from_id == mine, link.to_id), else_=link.from_id)
    rows = select(made).select_from(case_links.join(other, other.c.id == far))
    rows = rows.where(or_(link.from_id == mine, link.to_id == mine), other.c.process_key == process)
    return rows.where(other.c.state.in_(GOING)) if going else rows


def _steps(reading: Reading, given: tuple[str, ...]) -> Any:
    """The condition that a task of this case is one that was done at that step, with that outcome."""
    steps = reading.steps
    _known("环节", given[0], steps)
    done = and_(tasks.c.case_id == reading.tables.case_id, tasks.c.step == given[0], tasks.c.state == "done")
    if len(given) == 1:
        return done
    _known(f"结论（环节 {given[0]}）", given[1], steps and (steps.get(given[0]) or None))
    return and_(done, tasks.c.outcome == given[1])


def _done(reading: Reading, given: tuple[str, ...]) -> Term:
    return _there(reading, f"done:{given}", select(tasks.c.id).where(_steps(reading, given)))


def _times(reading: Reading, given: tuple[str, ...]) -> Term:
    return _counted(reading, f"times:{given}", select(func.count()).where(_steps(reading, given)))


def _finished(reading: Reading, given: tuple[str, ...]) -> Term:
    last = select(func.max(tasks.c.closed_at)).where(_steps(reading, given))
    return Term(MOMENT, reading.tables.once(f"finished:{given}", last.scalar_subquery(), Instant()))


def _waiting(reading: Reading, given: tuple[str, ...]) -> Term:
    _known("环节", given[0], reading.steps)
    open_ = tasks.c.state.in_(("open", "claimed", "waiting"))
    mine = and_(tasks.c.case_id == reading.tables.case_id, tasks.c.step == given[0], open_)
    return _there(reading, f"waiting:{given[0]}", select(tasks.c.id).where(mine))


def _of_clock(kind: str, made: Callable[[Any], Any]) -> Function:
    def read(reading: Reading, given: tuple[str, ...]) -> Term:
        _known("时钟", given[0], reading.bundle.sla.clocks)
        return Term(kind, made(reading.tables.clock(given[0])))

    return read


def _tier(what: str, *conditions: Any) -> Function:
    def read(reading: Reading, given: tuple[str, ...]) -> Term:
        name, tier = given
        _known("时钟", name, reading.bundle.sla.clocks)
        _known(f"档（时钟 {name}）", tier, [each.key for each in reading.bundle.sla.tiers_of(name)])
        mine = and_(clocks.c.case_id == reading.tables.case_id, clocks.c.name == name)
        rows = select(timers.c.id).join(clocks, timers.c.key == clocks.c.id)
        rows = rows.where(mine, timers.c.kind == "flag", timers.c.tier == tier, *conditions)
        return _there(reading, f"{what}:{name}.{tier}", rows)

    return read


def _column(kind: str, name: str) -> Function:
    return lambda reading, _: Term(kind, reading.tables.column(name))


FUNCTIONS: Mapping[str, Function] = {
    "now": lambda _, __: Term(MOMENT, NOW),
    "state": _state,
    "status": _column(TEXT, "status"),
    "ended": _ended,
    "closed": _closed,
    "closed_at": _column(MOMENT, "closed_at"),
    "returned": _returned,
    "reopened": _column(NUMBER, "reopened"),
    "supervised": _column(BOOL, "supervised"),
    "unsatisfied": _column(BOOL, "unsatisfied"),
    "linked": _linked,
    "links": _links,
    "repeated": _repeated,
    "asked": _requests("asked"),
    "granted": _requests("granted", case_requests.c.state == "granted"),
    "pending": _requests("pending", case_requests.c.state == "pending"),
    "answered": _answers("answered", lambda row: and_(row.state == STOPPED, row.stopped_at <= row.due_at)),
    "unanswered": _answers(
        "unanswered",
        lambda row: or_(
            and_(row.state == STOPPED, row.stopped_at > row.due_at),
            and_(row.state == RUNNING, row.due_at < NOW),
        ),
    ),
    "done": _done,
    "times": _times,
    "finished": _finished,
    "waiting": _waiting,
    "met": _of_clock(
        BOOL,
        lambda row: and_(row.state == STOPPED, or_(row.due_at.is_(None), row.stopped_at <= row.due_at)),
    ),
    "late": _of_clock(BOOL, lambda row: and_(row.state == STOPPED, row.stopped_at > row.due_at)),
    "overdue": _of_clock(BOOL, lambda row: and_(row.state == RUNNING, row.due_at < NOW)),
    "started": _of_clock(MOMENT, lambda row: row.started_at),
    "stopped": _of_clock(MOMENT, lambda row: row.stopped_at),
    # `past`: a later tier of its class was reached in the same look
    "reached": _tier("reached", timers.c.state.in_(("fired", "past"))),
    "holds": _tier("holds", timers.c.state == "fired", clocks.c.state != STOPPED),
}
"""By name; `bundles/measures.py` says how many arguments each takes, and what it means."""


def _counted(reading: Reading, what: str, rows: Any) -> Term:
    return Term(NUMBER, reading.tables.once(what, rows.scalar_subquery(), Integer()))


def _there(reading: Reading, what: str, rows: Any) -> Term:
    return Term(BOOL, reading.tables.once(what, rows.exists(), Boolean()))


def _known(what: str, word: str, known: Iterable[str] | None) -> None:
    names = list(known) if known is not None else [word]
    if word not in names:
        raise Refused(f"没有{what}“{word}”；有{nearest(word, names)}。")
