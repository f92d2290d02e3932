"""Which running clocks will be late within the next hours if nobody does anything, and of which cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, distinct, func, or_, select

from app.bundles import store
from app.cases.models import GOING, cases
from app.cases.motion import Row
from app.clocks.models import clocks
from app.clocks.rows import RUNNING
from app.core import clock
from app.core.db import Session, reading
from app.identity import org
from app.identity.actor import Actor
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require, unit_scope
from app.reports import query
from app.reports.models import counted_cases as counted
from app.reports.query import NOBODY
from app.reports.service import refuse


@dataclass(frozen=True)
class Ahead:
    """Which clocks: of one process, by one name, of cases that count for a unit, or that lie below one.

    `unit` NOBODY: of cases that count for no unit yet. `within` is a unit's code.
    """

    process: str | None = None
    clock: str | None = None
    unit: str | None = None
    within: str | None = None


@dataclass(frozen=True)
class Forecast:
    """How many cases will have a late clock, for each of `hours`: in all, by clock, and by responsible unit.

    `rows` hold process_key, name, label and a number for each window, `units` unit, called and the same.
    """

    at: datetime
    hours: Sequence[int]
    total: Sequence[int]
    rows: Sequence[tuple[Row, Sequence[int]]]
    units: Sequence[tuple[Row, Sequence[int]]]


def forecast(actor: Actor, ahead: Ahead, hours: Sequence[int]) -> Forecast:
    """Counts cases, each once in a number. Raises PermissionMissing, ReportRefused."""
    require(actor, REPORT_READ)
    with reading() as session:
        now = clock.now(session)
        chosen = _chosen(session, actor, ahead, now, max(hours))
        by_clock = _counted(session, chosen, now, hours, cases.c.process_key, clocks.c.name)
        by_unit = _counted(session, chosen, now, hours, counted.c.unit)
        ((_, total),) = _counted(session, chosen, now, hours) or (({}, [0] * len(hours)),)
        labels = _labels(session, {row["process_key"] for row, _ in by_clock})
        found = org.units_by_code(session, [row["unit"] for row, _ in by_unit if row["unit"] is not None])
    called = {code: unit.name for code, unit in found.items()}
    return Forecast(
        now,
        hours,
        total,
        [({**row, "label": _label(labels, row)}, numbers) for row, numbers in by_clock],
        [({**row, "called": called.get(row["unit"] or "")}, numbers) for row, numbers in by_unit],
    )


def behind(
    actor: Actor, ahead: Ahead, hours: int, most: int, after: tuple[datetime, str] | None
) -> list[Row]:
    """The clocks of a number with their cases, the first due first. Raises as `forecast`."""
    require(actor, REPORT_READ)
    with reading() as session:
        now = clock.now(session)
        shown: list[Any] = [cases.c.id, cases.c.number, cases.c.status, cases.c.process_key]
        shown += [clocks.c.id.label("clock_id"), clocks.c.name, clocks.c.due_at, counted.c.unit]
        rows: Select[Any] = _joined(select(*shown)).where(*_chosen(session, actor, ahead, now, hours))
        if after is not None:
            due, last = after
            rows = rows.where(or_(clocks.c.due_at > due, and_(clocks.c.due_at == due, clocks.c.id > last)))
        page = session.execute(rows.order_by(clocks.c.due_at, clocks.c.id).limit(most)).mappings().all()
        labels = _labels(session, {row["process_key"] for row in page})
    return [{**row, "label": _label(labels, dict(row))} for row in page]


def _joined(statement: Select[Any]) -> Select[Any]:
    rows = clocks.join(cases, cases.c.id == clocks.c.case_id)
    return statement.select_from(rows.outerjoin(counted, counted.c.case_id == cases.c.id))


def _chosen(
    session: Session, actor: Actor, ahead: Ahead, now: datetime, hours: int
) -> list[ColumnElement[bool]]:
    """Clocks that run, and are due after now and not later than in so many hours."""
    chosen = [
        clocks.c.state == RUNNING,
        clocks.c.due_at > now,
        clocks.c.due_at <= now + timedelta(hours=hours),
        cases.c.state.in_(GOING),
        cases.c.excluded.is_(False),
        query.scope(session, actor, cases.c.org_path),
    ]
    if ahead.process is not None:
        chosen.append(cases.c.process_key == ahead.process)
    if ahead.clock is not None:
        chosen.append(clocks.c.name == ahead.clock)
    if ahead.unit is not None:
        chosen.append(counted.c.unit.is_(None) if ahead.unit == NOBODY else counted.c.unit == ahead.unit)
    if ahead.within is not None:
        unit = org.unit_by_code(session, ahead.within)
        if unit is None:
            refuse("?within", "unit-unknown", "没有这个代码的单位。")
        chosen.append(unit_scope((unit.path,), cases.c.org_path))
    return chosen


def _counted(
    session: Session,
    chosen: Sequence[ColumnElement[bool]],
    now: datetime,
    hours: Sequence[int],
    *by: ColumnElement[Any],
) -> list[tuple[Row, list[int]]]:
    soon = [
        func.count(distinct(case((clocks.c.due_at <= now + timedelta(hours=each), cases.c.id))))
        for each in hours
    ]
    rows = _joined(select(*by, *soon)).where(*chosen).group_by(*by).order_by(*by)
    width = len(by)
    return [
        (dict(zip((str(each.key) for each in by), row[:width], strict=True)), list(row[width:]))
        for row in map(tuple, session.execute(rows))
    ]


def _labels(session: Session, keys: set[str]) -> Mapping[tuple[str, str], str]:
    """What clocks are called now, by process and name."""
    found = {}
    for key in sorted(keys):
        head = store.head(session, key)
        known = store.version(session, head.version_id).sla.clocks if head is not None else {}
        found.update({(key, name): each.label for name, each in known.items()})
    return found


def _label(labels: Mapping[tuple[str, str], str], row: Mapping[str, Any]) -> str:
    return labels.get((row["process_key"], row["name"]), row["name"])
