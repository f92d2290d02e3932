"""A policy tried on past cases before it is published: what their clocks would have said."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from app import bundles
from app.audit.chain import case_chain
from app.bundles import Bundle
from app.bundles.sla import ClockDef
from app.cases.models import cases, tasks
from app.cases.motion import Row
from app.clocks import calendars
from app.clocks.board import Board
from app.clocks.calendar import Calendar
from app.clocks.ledger import POLICY_CHANGED
from app.clocks.limits import Limit, extension_of, limit_of
from app.clocks.models import clocks, ledger_of_all
from app.clocks.replay import LATE, MET, NONE, Rules, replay, verdict
from app.clocks.rows import Clock
from app.core import clock
from app.core.clock import BEIJING
from app.core.db import Session, reading
from app.core.errors import FieldError, Problem, Unprocessable
from app.engine.errors import EngineError
from app.identity.scopes import unit_scope
from app.policies.past import Past

MOST_CASES = 1_000
"""Of one request; a few milliseconds each."""
BATCH = 100

_CHAIN = (
    select(case_chain.c.case_id, case_chain.c.at, case_chain.c.events)
    .where(case_chain.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(case_chain.c.case_id, case_chain.c.seq)
)
_ANSWERS = select(tasks.c.case_id, tasks.c.id, tasks.c.answers).where(
    tasks.c.case_id.in_(bindparam("ids", expanding=True)), tasks.c.answers.is_not(None)
)
_CLOCKS = select(clocks.c.case_id, *(clocks.c[name] for name in Clock.__dataclass_fields__)).where(
    clocks.c.case_id.in_(bindparam("ids", expanding=True))
)


class BacktestRefused(Unprocessable):
    """不能这样回测，请按提示修改。"""


@dataclass(frozen=True)
class Which:
    """Past cases of a process: received on these days (both inside), below these units (None: all)."""

    key: str
    first: date
    last: date
    within: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Counted:
    """One clock of a case under both policies. `instance` as the table of clocks has it."""

    case: Row
    name: str
    instance: str
    was: str
    now: str


@dataclass(frozen=True)
class Unreplayed:
    """A case that could not be told again, and why."""

    case: Row
    why: str


@dataclass
class Found:
    """What a backtest found. `labels` are the names of clocks, the new policy's first."""

    at: datetime
    labels: Mapping[str, str]
    cases: int = 0
    excluded: int = 0
    counted: list[Counted] = field(default_factory=list)
    unreplayed: list[Unreplayed] = field(default_factory=list)

    @property
    def changed(self) -> list[Row]:
        """The cases of which a clock ends otherwise, each once."""
        return list({each.case["id"]: each.case for each in self.counted if each.was != each.now}.values())

    @property
    def names(self) -> list[str]:
        """The clocks that some case had or would have."""
        return [name for name in self.labels if any(each.name == name for each in self.counted)]

    def of(self, name: str) -> Mapping[tuple[str, str], list[Counted]]:
        """What a clock was and would be → its instances."""
        found: dict[tuple[str, str], list[Counted]] = {}
        for each in self.counted:
            if each.name == name:
                found.setdefault((each.was, each.now), []).append(each)
        return found

    def numbers(self, name: str, *, new: bool) -> Counter[str]:
        """How many instances of a clock ended in each way."""
        return Counter(each.now if new else each.was for each in self.counted if each.name == name)

    def rate(self, name: str, *, new: bool) -> tuple[int, int]:
        """按时率: those in time, of those that are over or late."""
        ended = self.numbers(name, new=new)
        return ended[MET], ended[MET] + ended[LATE]


def backtest(which: Which, tried: Bundle, most: int = MOST_CASES) -> Found:
    """Tells every case again, under its own policy and under the tried one.

    A case counts only where its own policy gives exactly what its clocks say; else it is named, with why.
    Raises BacktestRefused for days in the wrong order, and for more cases than `most`.
    """
    if which.last < which.first:
        _refuse("/to", "最后一天早于第一天。")
    with reading() as session:
        now = clock.now(session)
        found = Found(now, {name: each.label for name, each in tried.sla.clocks.items()})
        chosen = _chosen(which)
        found.cases = session.scalar(select(func.count()).where(*chosen, cases.c.excluded.is_(False))) or 0
        found.excluded = session.scalar(select(func.count()).where(*chosen, cases.c.excluded.is_(True))) or 0
        if found.cases > most:
            _refuse("/from", f"这段时间收到 {found.cases} 件，一次最多回测 {most} 件，请缩短期间。")
        counted = calendars.by_place(session)
        for rows in _batches(session, chosen):
            for case, kept in _read(session, rows):
                _tell(found, case, kept, tried, counted.at(case["org_path"]))
    return found


@dataclass
class _Kept:
    """What the tables have of a case."""

    chain: list[Row] = field(default_factory=list)
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    clocks: list[Clock] = field(default_factory=list)
    ledger: list[Mapping[str, Any]] = field(default_factory=list)


def _tell(found: Found, case: Row, kept: _Kept, tried: Bundle, calendar: Calendar) -> None:
    if any(line["entry"] == POLICY_CHANGED for line in kept.ledger):
        found.unreplayed.append(Unreplayed(case, "办理中换用过时限规则，不能按一版规则重算"))
        return
    own = bundles.get(case["version_id"])
    begun = _begun(own, case, kept)
    try:
        for begun_empty in (False, True):
            past = Past(own, case, kept.chain, kept.answers, begun, begun_empty=begun_empty)
            then = replay(case["id"], past.acts, _rules(own, past), calendar, found.at)
            if (why := _misfit(then, kept, own, calendar)) is None:
                break
        if why := why or _unsure(past, own, tried):
            found.unreplayed.append(Unreplayed(case, why))
            return
        now = replay(case["id"], past.acts, _rules(tried, past), calendar, found.at)
    except (Problem, EngineError) as error:
        found.unreplayed.append(Unreplayed(case, str(error)))
        return
    found.labels = {**{name: each.label for name, each in own.sla.clocks.items()}, **found.labels}
    before, after = (_by_instance(board.clocks) for board in (then, now))
    for name, instance in dict.fromkeys((*before, *after)):
        key = (name, instance)
        was, will = (verdict(each.get(key), found.at) for each in (before, after))
        if (was, will) != (NONE, NONE):
            found.counted.append(Counted(case, name, instance, was, will))


def _rules(bundle: Bundle, past: Past) -> Rules:
    """A version's policy, asked with the values of the past."""

    def limit(drawn: ClockDef, at: int, board: Board) -> Limit:
        return limit_of(bundle, drawn, _known(bundle, past.values(at)), board.functions)

    def extension(drawn: ClockDef, at: int, board: Board) -> str:
        return extension_of(bundle, drawn, _known(bundle, past.values(at)), board.functions)

    return Rules(bundle.sla, limit, extension, bundle.limit_names)


def _known(bundle: Bundle, values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**dict.fromkeys(bundle.process.data), **values}


def _begun(own: Bundle, case: Row, kept: _Kept) -> Mapping[str, Any]:
    """The days that a case began with, as a clock says that runs until one of them: its first limit, and of a
    case that another one filed the first that there was."""
    names = {name: each.until for name, each in own.sla.clocks.items() if each.until}
    filed = case["filed_from"] is not None
    lines = [line for line in reversed(kept.ledger) if filed or line["entry"] == "started"]
    asked = (line["detail"] for line in lines if line["detail"].get("limit") or not filed)
    return {
        names[detail["clock"]]: detail["limit"]
        for detail in asked
        if detail["clock"] in names and own.sla.clocks[detail["clock"]].start == "case.received"
    }


def _misfit(board: Board, kept: _Kept, own: Bundle, calendar: Calendar) -> str | None:
    """Where the case's own policy, told again, says something else than its clocks do."""
    told = _by_instance(board.clocks)
    labels = {name: each.label for name, each in own.sla.clocks.items()}
    counted = calendar.region, calendar.version
    for row in kept.clocks:
        again = told.pop((row.name, row.instance), None)
        label = labels.get(row.name, row.name)
        if again is None:
            return f"“{label}”何时起算，办件的记录里没有"
        if (again.state, again.started_at, again.stopped_at) != (row.state, row.started_at, row.stopped_at):
            return f"“{label}”照记录重算，起止与原来的不一致"
        if _decided(board.ledger, again.id) != _decided(kept.ledger, row.id):
            return f"“{label}”的时限由当时的内容决定，那时的内容没有全部留下"
        # By another calendar, or another version of it, the due time may be another one.
        by_it = row.calendar is None or (row.region or calendar.region, row.calendar) == counted
        if by_it and again.due_at != row.due_at:
            return f"“{label}”照记录重算，到期时刻与原来的不一致"
    if told:
        return f"“{labels[next(iter(told))[0]]}”照记录应当起算，实际没有"
    return None


def _decided(ledger: Sequence[Mapping[str, Any]], clock_id: str) -> list[Any]:
    lines = (line for line in ledger if line["clock_id"] == clock_id)
    asked = (line["detail"] for line in lines if line["entry"] in ("started", "limit_changed"))
    return [(detail.get("limit"), detail.get("rules")) for detail in asked]


def _unsure(past: Past, own: Bundle, tried: Bundle) -> str | None:
    """What only the tried policy asks and was not kept: nothing proves what it was."""
    proven = frozenset[str]().union(*own.limit_names.values())
    asked = frozenset[str]().union(*tried.limit_names.values(), *_extensions(tried))
    names = past.unsure(asked - proven)
    return f"新规则要看“{'”“'.join(names)}”，当时的值没有留下" if names else None


def _extensions(bundle: Bundle) -> Iterator[frozenset[str]]:
    tables = (each.extends_table for each in bundle.sla.clocks.values() if each.extends_table)
    return (bundle.tables.reads(bundle.limit_table(table)) for table in tables)


def _by_instance(found: Sequence[Clock]) -> dict[tuple[str, str], Clock]:
    return {(each.name, each.instance): each for each in found}


def _chosen(which: Which) -> list[ColumnElement[bool]]:
    days = (which.first, which.last + timedelta(days=1))
    first, end = (datetime.combine(day, time(), BEIJING) for day in days)
    chosen = [cases.c.process_key == which.key, cases.c.received_at >= first, cases.c.received_at < end]
    if which.within is not None:
        chosen.append(unit_scope(which.within, cases.c.org_path))
    return chosen


def _batches(session: Session, chosen: Sequence[ColumnElement[bool]]) -> Iterator[list[Row]]:
    after = ""
    page = select(cases).where(*chosen, cases.c.excluded.is_(False), cases.c.id > bindparam("after"))
    while True:
        rows = session.execute(page.order_by(cases.c.id).limit(BATCH), {"after": after}).mappings().all()
        if not rows:
            return
        yield [dict(row) for row in rows]
        after = rows[-1]["id"]


def _read(session: Session, rows: list[Row]) -> Iterator[tuple[Row, _Kept]]:
    """Each case with what is kept of it: four statements a batch."""
    ids = [row["id"] for row in rows]
    kept = {each: _Kept() for each in ids}
    for act in session.execute(_CHAIN, {"ids": ids}).mappings():
        kept[act["case_id"]].chain.append(dict(act))
    for task in session.execute(_ANSWERS, {"ids": ids}).mappings():
        kept[task["case_id"]].answers[task["id"]] = task["answers"]
    for each in session.execute(_CLOCKS, {"ids": ids}):
        kept[each.case_id].clocks.append(Clock(*tuple(each)[1:]))
    for line in ledger_of_all(session, ids):
        kept[line["case_id"]].ledger.append(line)
    for row in rows:
        yield row, kept[row["id"]]


def _refuse(at: str, says: str) -> None:
    raise BacktestRefused(errors=[FieldError(at, "value-invalid", says)])
