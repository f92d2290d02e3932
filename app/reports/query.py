"""A report's SQL: one statement counts all measures by group, another names the cases of one number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.cases.models import cases
from app.cases.motion import Row
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import Session
from app.identity.actor import Actor
from app.identity.models import units
from app.identity.permissions import REPORT_READ
from app.identity.scopes import unit_scope
from app.reports.dimensions import PERIODS, column, rolled
from app.reports.measures import Measure, Report
from app.reports.models import counted_cases as counted

NOBODY = "-"
"""Stands for those that have no unit yet, or no category, where one is named."""
MOST_GROUPS = 5000


@dataclass(frozen=True)
class Asked:
    """Which cases: days of a period (both inside), by which time, how far units and classes are rolled up.

    `only` are the keys that a case must have, by dimension; None is who has none.
    """

    first: date
    last: date
    period: str = "dispatched"
    process: str | None = None
    unit_tier: str | None = None
    category_level: int | None = None
    only: tuple[tuple[str, str | None], ...] = ()
    within: str | None = None
    """Path of the unit below which it happened."""
    held: str | None = None
    """Whether cases on hold are `counted` or `left_out`; None is as the process says."""

    def before(self, compare: str) -> "Asked":
        """The equal period before this one (环比), or the same days a year ago (同比)."""
        if compare == "year":
            return replace(self, first=_year_ago(self.first), last=_year_ago(self.last))
        length = self.last - self.first + timedelta(days=1)
        return replace(self, first=self.first - length, last=self.last - length)


def groups(
    session: Session, actor: Actor, report: Report, asked: Asked, by: Sequence[str], now: datetime
) -> list[Row]:
    """One row for each group, at most one more than MOST_GROUPS: its keys, and what its measures add up.

    The rows are counted first, then the few groups are rolled up: units and classes are looked up once each.
    """
    names = {name: f"by_{i}" for i, name in enumerate(by)}
    above = {name: rolled(name, asked.unit_tier, asked.category_level) for name in by}
    columns = [column(report, name, asked.period).label(label) for name, label in names.items()]
    out = left_out(report, asked)
    sums = [each for measure in report.measures.values() for each in measure.columns(out)]
    included = {name for measure in report.measures.values() for name in measure.includes}
    never = [each.is_(False) for name, each in out.items() if name not in included]
    own = [*_which(session, actor, report, asked), *never]
    only = _only(report, asked)
    inner = (
        select(*columns, *sums)
        .select_from(report.tables.joined(counted, own))
        .where(*own, *only)
        .group_by(*names.values())
        .subquery()
    )
    shown: list[Any] = []
    rows: Any = inner
    for name, label in names.items():
        over = above[name]
        if over is None:
            shown.append(inner.c[label].label(label))
        else:
            rows = rows.outerjoin(over, over.c.own == inner.c[label])
            shown.append(func.coalesce(over.c.shown, inner.c[label]).label(label))
    totals = [func.sum(each).label(each.name) for each in inner.c if each.name not in names.values()]
    totals += [_mean_of_means(inner, each) for each in report.measures.values() if each.averages]
    statement = select(*shown, *totals).select_from(rows)
    if shown:
        statement = statement.group_by(*shown).order_by(*(each.nulls_last() for each in shown))
    found = session.execute(statement.limit(MOST_GROUPS + 1), {"now": now}).mappings()
    return [_named(row, names) for row in found]


def left_out(report: Report, asked: Asked) -> dict[str, ColumnElement[bool]]:
    """What is in no number, by the name under which a measure may include it."""
    holds_out = report.holds_out if asked.held is None else asked.held == "left_out"
    return {"excluded": counted.c.excluded, **({"held": counted.c.held} if holds_out else {})}


def set_aside(session: Session, actor: Actor, report: Report, asked: Asked, now: datetime) -> tuple[int, int]:
    """How many of the period were excluded (剔除), and how many of the others are on hold (挂账)."""
    own = [*_which(session, actor, report, asked), or_(counted.c.excluded, counted.c.held)]
    only = _only(report, asked)
    excluded, held = (func.count().filter(counted.c.excluded.is_(each)) for each in (True, False))
    rows = select(excluded, held).select_from(report.tables.joined(counted, own))
    found: Any = session.execute(rows.where(*own, *only), {"now": now}).one()
    return found[0], found[1]


def listed(
    session: Session,
    actor: Actor,
    report: Report,
    measure: Measure,
    part: str,
    asked: Asked,
    now: datetime,
    most: int,
    after: str | None,
) -> list[Row]:
    """The cases that a number counts, the newest first."""
    own = _which(session, actor, report, asked)
    only = _only(report, asked)
    report.tables.case = True  # its number and status are shown
    rows: Select[Any] = (
        select(counted, cases.c.number, cases.c.status)
        .select_from(report.tables.joined(counted, own))
        .where(*own, *only, measure.parts(left_out(report, asked))[part])
    )
    if after is not None:
        rows = rows.where(counted.c.case_id < after)
    statement = rows.order_by(counted.c.case_id.desc()).limit(most)
    return [dict(row) for row in session.execute(statement, {"now": now}).mappings()]


def named(session: Session, ids: Sequence[str]) -> list[Row]:
    """These cases as they stand now, the newest first."""
    rows = select(counted, cases.c.number, cases.c.status).join(cases, cases.c.id == counted.c.case_id)
    mine = rows.where(counted.c.case_id.in_(ids)).order_by(counted.c.case_id.desc())
    return [dict(row) for row in session.execute(mine).mappings()]


def _mean_of_means(inner: Any, measure: Measure) -> Any:
    """Of what a group is rolled up from, each counted once: beside the mean of all its cases."""
    each = inner.c[f"{measure.key}_n"] / func.nullif(inner.c[f"{measure.key}_of"], 0)
    return func.avg(each).label(f"{measure.key}_means")


def _named(row: Any, names: dict[str, str]) -> Row:
    kept = {key: value for key, value in row.items() if key not in names.values()}
    return {**{name: row[label] for name, label in names.items()}, **kept}


def in_period(report: Report, asked: Asked) -> list[ColumnElement[bool]]:
    """The cases of the period, whoever may see them."""
    at = PERIODS[asked.period]
    found = [at >= midnight(asked.first), at < midnight(asked.last + timedelta(days=1))]
    process = report.bundle.key if report.bundle is not None else asked.process
    return found if process is None else [*found, counted.c.process_key == process]


def _which(session: Session, actor: Actor, report: Report, asked: Asked) -> list[ColumnElement[bool]]:
    found = [*in_period(report, asked), scope(session, actor, counted.c.org_path)]
    if asked.within is not None:
        found.append(unit_scope((asked.within,), counted.c.org_path))
    return found


def _only(report: Report, asked: Asked) -> list[ColumnElement[bool]]:
    return [_in_group(report, name, key, asked) for name, key in asked.only]


def scope(session: Session, actor: Actor, path: Any) -> ColumnElement[bool]:
    """What happened below a unit that grants the right, and what a unit below one has to answer for."""
    held = actor.permissions.get(REPORT_READ, ())
    codes = sorted(codes_below(session, actor))
    return or_(unit_scope(held, path), dialects.one_of(counted.c.unit, codes))


def codes_below(session: Session, actor: Actor) -> frozenset[str]:
    """The units that grant the right to see statistics, and all below them."""
    held = actor.permissions.get(REPORT_READ, ())
    return frozenset(session.execute(select(units.c.code).where(unit_scope(held, units.c.path))).scalars())


def _in_group(report: Report, name: str, key: str | None, asked: Asked) -> ColumnElement[bool]:
    own, above = column(report, name, asked.period), rolled(name, asked.unit_tier, asked.category_level)
    if key is None:
        missing: ColumnElement[bool] = own.is_(None)
        return missing
    if above is None:
        same: ColumnElement[bool] = own == key
        return same
    below = select(above.c.own).where(above.c.shown == key)
    itself = and_(own == key, own.not_in(select(above.c.own)))
    return or_(own.in_(below), itself)


def _year_ago(day: date) -> date:
    """The same day a year ago; of a leap day the last of February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def midnight(day: date) -> datetime:
    """The beginning of a day in Beijing."""
    return datetime.combine(day, time(), BEIJING)
