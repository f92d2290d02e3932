"""How long cases stood still, by reason, approver, kind and unit: each stretch is told from the ledger."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from app.cases.models import cases
from app.cases.motion import Row
from app.clocks import ledger
from app.clocks.models import clock_ledger, clocks
from app.core import clock
from app.core.db import Session, reading
from app.identity import org
from app.identity.actor import SYSTEM, Actor
from app.identity.models import people
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require, unit_scope
from app.reports import query
from app.reports.models import counted_cases as counted
from app.reports.query import NOBODY
from app.reports.service import refuse

BY = {"reason": "原因", "approver": "批准人", "kind": "种类", "unit": "单位"}
MOST_CLOCKS = 20_000
_LINES = (
    select(clock_ledger.c.clock_id, clock_ledger.c.at, clock_ledger.c.entry, clock_ledger.c.detail)
    .where(clock_ledger.c.case_id.in_(bindparam("cases", expanding=True)))
    .order_by(clock_ledger.c.id)
)
_NAMES = select(people.c.id, people.c.name).where(people.c.id.in_(bindparam("ids", expanding=True)))
AT_ONCE = 500
"""Cases whose ledgers are read in one statement."""


@dataclass(frozen=True)
class Span:
    """Which pauses: begun on these days (both inside), of one process, of cases below a unit's code.

    `only` holds keys by name of BY; NOBODY is who has none.
    """

    first: date
    last: date
    process: str | None = None
    within: str | None = None
    only: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Stretch:
    """A case stood still: `until` is None while it lasts; `hours` up to now then, in natural time.

    Several clocks that one act stopped are one stretch, as long as the longest of them.
    """

    case_id: str
    number: str
    process: str
    unit: str | None
    kind: str
    reason: str
    approver: str | None
    since: datetime
    until: datetime | None
    hours: float


@dataclass(frozen=True)
class Paused:
    """Every stretch that was asked for, the newest first, and what people call units and approvers."""

    at: datetime
    found: Sequence[Stretch]
    names: Mapping[str, str]

    def called(self, by: str, key: str | None) -> str:
        if key is None:
            return "（没有写明）" if by == "approver" else "（未派）"
        return self.names.get(key, key)


def paused(actor: Actor, span: Span) -> Paused:
    """Within the scope of the right to see statistics. Raises PermissionMissing, ReportRefused."""
    require(actor, REPORT_READ)
    with reading() as session:
        now = clock.now(session)
        heads = {row["clock_id"]: row for row in _stopped(session, actor, span)}
        if len(heads) > MOST_CLOCKS:
            refuse("?to", "too-many", f"这段时间暂停过的计时超过 {MOST_CLOCKS} 个，请缩短期间。")
        stretches = sorted(
            (each for each in _stretches(session, heads, span, now) if _chosen(each, span.only)),
            key=lambda each: (each.since, each.case_id, each.kind),
            reverse=True,
        )
        return Paused(now, stretches, _names(session, stretches))


def groups(found: Sequence[Stretch], by: str) -> list[tuple[str | None, list[Stretch]]]:
    """The stretches of each key, the longest time first."""
    grouped: defaultdict[str | None, list[Stretch]] = defaultdict(list)
    for each in found:
        grouped[getattr(each, by)].append(each)
    return sorted(grouped.items(), key=lambda pair: (-sum(each.hours for each in pair[1]), pair[0] or ""))


def _stopped(session: Session, actor: Actor, span: Span) -> list[Row]:
    """The clocks of which a pause was written on these days or later: it may count from when it was asked
    for."""
    line = clock_ledger.c
    chosen = [
        line.entry == "paused",
        line.at >= query.midnight(span.first),
        cases.c.excluded.is_(False),
        query.scope(session, actor, cases.c.org_path),
    ]
    if span.process is not None:
        chosen.append(cases.c.process_key == span.process)
    if span.within is not None:
        unit = org.unit_by_code(session, span.within)
        if unit is None:
            refuse("?within", "unit-unknown", "没有这个代码的单位。")
        chosen.append(unit_scope((unit.path,), cases.c.org_path))
    rows = (
        select(
            line.clock_id,
            clocks.c.started_at,
            cases.c.id,
            cases.c.number,
            cases.c.process_key,
            counted.c.unit,
        )
        .select_from(
            clock_ledger.join(clocks, clocks.c.id == line.clock_id)
            .join(cases, cases.c.id == line.case_id)
            .outerjoin(counted, counted.c.case_id == cases.c.id)
        )
        .where(*chosen)
        .distinct()
        .limit(MOST_CLOCKS + 1)
    )
    return [dict(row) for row in session.execute(rows).mappings()]


def _stretches(session: Session, heads: Mapping[str, Row], span: Span, now: datetime) -> Iterator[Stretch]:
    longest: dict[tuple[str, str, datetime], Stretch] = {}
    first, last = query.midnight(span.first), query.midnight(span.last + timedelta(days=1))
    for clock_id, lines in _lines(session, heads):
        head = heads[clock_id]
        over, going, _ = ledger.gaps_of(ledger.entries_of(lines, clock_id, head["started_at"]))
        for gap in [*over, *([going] if going is not None else [])]:
            kind = gap.detail.get("kind")
            if kind is None or not first <= gap.since < last:  # a stop that was undone is no pause
                continue
            until = gap.until
            lasted = (until or min(now, ledger.capped(gap) or now)) - gap.since
            each = Stretch(
                head["id"],
                head["number"],
                head["process_key"],
                head["unit"],
                kind,
                str(gap.detail.get("reason") or ""),
                gap.detail.get("approver"),
                gap.since,
                until,
                round(lasted.total_seconds() / 3600, 2),
            )
            key = (each.case_id, kind, gap.since)
            if key not in longest or longest[key].hours < each.hours:
                longest[key] = each
    yield from longest.values()


def _lines(session: Session, heads: Mapping[str, Row]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The ledger of each of these clocks, read by case."""
    ids = sorted({row["id"] for row in heads.values()})
    for start in range(0, len(ids), AT_ONCE):
        by_clock: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in session.execute(_LINES, {"cases": ids[start : start + AT_ONCE]}).mappings():
            if row["clock_id"] in heads:
                by_clock[row["clock_id"]].append(dict(row))
        yield from by_clock.items()


def _chosen(each: Stretch, only: Sequence[tuple[str, str]]) -> bool:
    return all(getattr(each, by) == (None if key == NOBODY else key) for by, key in only)


def _names(session: Session, found: Sequence[Stretch]) -> dict[str, str]:
    units = org.units_by_code(session, {each.unit for each in found if each.unit is not None})
    approvers = {each.approver for each in found if each.approver is not None}
    rows: Sequence[Any] = session.execute(_NAMES, {"ids": sorted(approvers)}).all() if approvers else ()
    called = {code: unit.name for code, unit in units.items()}
    return {SYSTEM.id: SYSTEM.name, **called, **{row[0]: row[1] for row in rows}}
