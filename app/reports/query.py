"""A report's SQL: one statement counts all measures by unit and class, another names the cases of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select

from app.cases.models import cases
from app.cases.motion import Row
from app.categories.models import categories
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import Session
from app.identity.actor import Actor
from app.identity.models import units
from app.identity.permissions import REPORT_READ
from app.identity.scopes import unit_scope
from app.reports.measures import Report
from app.reports.models import counted_cases as counted

DIMENSIONS = {"unit": counted.c.unit, "category": counted.c.category, "process": counted.c.process_key}
PERIODS = {"dispatched": counted.c.dispatched_at, "received": counted.c.received_at}
NOBODY = "-"
"""Stands for those that have no unit yet, or no category, where one is named."""
MOST_GROUPS = 5000


@dataclass(frozen=True)
class Asked:
    """Which cases: days of a period (both inside), by which time, how far units and classes are rolled up."""

    first: date
    last: date
    period: str = "dispatched"
    process: str | None = None
    unit_tier: str | None = None
    category_level: int | None = None
    unit: str | None = None
    category: str | None = None


def groups(
    session: Session, actor: Actor, report: Report, asked: Asked, by: Sequence[str], now: datetime
) -> list[Row]:
    """One row for each group, at most one more than MOST_GROUPS: its keys, and `<measure>_n`, `<measure>_of`.

    The rows are counted first, then the few groups are rolled up: units and classes are looked up once each.
    """
    rolled = {name: _rolled(name, asked) for name in by}
    columns = [DIMENSIONS[name].label(name) for name in by]
    inner = (
        select(*columns, *_numbers(report))
        .where(*_which(session, actor, asked), counted.c.excluded.is_(False))
        .group_by(*columns)
        .subquery()
    )
    shown: list[Any] = []
    joined: Any = inner
    for name in by:
        above = rolled[name]
        if above is None:
            shown.append(inner.c[name].label(name))
        else:
            joined = joined.outerjoin(above, above.c.own == inner.c[name])
            shown.append(func.coalesce(above.c.shown, inner.c[name]).label(name))
    sums = [func.sum(each).label(each.name) for each in inner.c if each.name not in by]
    statement = select(*shown, *sums).select_from(joined)
    if shown:
        statement = statement.group_by(*shown).order_by(*(each.nulls_last() for each in shown))
    found = session.execute(statement.limit(MOST_GROUPS + 1), {"now": now}).mappings()
    return [dict(row) for row in found]


def left_out(session: Session, actor: Actor, asked: Asked) -> int:
    """How many of the period are in no number because they were excluded (剔除)."""
    which = _which(session, actor, asked)
    found: int = session.scalar(select(func.count()).where(*which, counted.c.excluded.is_(True)))
    return found


def listed(
    session: Session,
    actor: Actor,
    part: ColumnElement[bool],
    asked: Asked,
    now: datetime,
    most: int,
    after: str | None,
) -> list[Row]:
    """The cases that a number counts, the newest first."""
    rows: Select[Any] = (
        select(counted, cases.c.number, cases.c.status)
        .join(cases, cases.c.id == counted.c.case_id)
        .where(*_which(session, actor, asked), counted.c.excluded.is_(False), part)
    )
    for name, value in (("unit", asked.unit), ("category", asked.category)):
        if value is not None:
            rows = rows.where(_in_group(name, value, asked))
    if after is not None:
        rows = rows.where(counted.c.case_id < after)
    statement = rows.order_by(counted.c.case_id.desc()).limit(most)
    return [dict(row) for row in session.execute(statement, {"now": now}).mappings()]


def _numbers(report: Report) -> list[Any]:
    found = []
    for key, measure in report.measures.items():
        found += [
            func.count().filter(part).label(f"{key}_{'n' if name == 'numerator' else 'of'}")
            for name, part in measure.parts.items()
        ]
    return found


def _which(session: Session, actor: Actor, asked: Asked) -> list[ColumnElement[bool]]:
    at = PERIODS[asked.period]
    found = [
        at >= _midnight(asked.first),
        at < _midnight(asked.last + timedelta(days=1)),
        _scope(session, actor),
    ]
    if asked.process is not None:
        found.append(counted.c.process_key == asked.process)
    return found


def _scope(session: Session, actor: Actor) -> ColumnElement[bool]:
    """What happened below a unit that grants the right, and what a unit below one has to answer for."""
    held = actor.permissions.get(REPORT_READ, ())
    codes = session.execute(select(units.c.code).where(unit_scope(held, units.c.path))).scalars().all()
    return or_(unit_scope(held, counted.c.org_path), dialects.one_of(counted.c.unit, codes))


def _in_group(name: str, value: str, asked: Asked) -> ColumnElement[bool]:
    column, above = DIMENSIONS[name], _rolled(name, asked)
    if value == NOBODY:
        return column.is_(None)
    if above is None:
        same: ColumnElement[bool] = column == value
        return same
    below = select(above.c.own).where(above.c.shown == value)
    itself = and_(column == value, column.not_in(select(above.c.own)))
    return or_(column.in_(below), itself)


def _rolled(name: str, asked: Asked) -> Any:
    """Each unit or class with the one above it that is shown for it; None where each stands for itself.

    What has none above it at that level stands for itself: nothing is counted twice, nothing is lost.
    """
    if name == "unit" and asked.unit_tier is not None:
        own, above = units.alias("own"), units.alias("above")
        held = or_(above.c.path == own.c.path, own.c.path.startswith(above.c.path + "/"))
        return (
            select(own.c.code.label("own"), func.min(above.c.code).label("shown"))
            .join(above, and_(held, above.c.tier == asked.unit_tier))
            .group_by(own.c.code)
            .subquery()
        )
    if name == "category" and asked.category_level is not None:
        own, above = categories.alias("kind"), categories.alias("over")
        held = or_(above.c.path == own.c.path, own.c.path.startswith(above.c.path + "/"))
        same = and_(above.c.table_key == own.c.table_key, held, above.c.depth == asked.category_level)
        key = own.c.table_key + literal("/")
        return (
            select((key + own.c.code).label("own"), func.max(key + above.c.code).label("shown"))
            .join(above, same)
            .group_by(key + own.c.code)
            .subquery()
        )
    return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)
