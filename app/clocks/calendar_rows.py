"""The calendars of this database as their rows say: which there are, and each at one of its versions."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, and_, bindparam, func, select

from app.clocks.calendar import Calendar, Day, Year
from app.clocks.calendar_file import read_back
from app.clocks.calendar_models import calendar_days, calendar_years, calendars
from app.core.db import Session


class Head(NamedTuple):
    """A calendar there is; `version` is that of its own newest year."""

    region: str
    name: str
    version: int
    changed_at: datetime
    follows: str | None


Heads = Mapping[str, Head]

_HEADS = select(*(calendars.c[name] for name in Head._fields)).order_by(calendars.c.region)
_NEWEST = (
    select(
        calendar_years.c.region, calendar_years.c.year, func.max(calendar_years.c.version).label("version")
    )
    .where(
        calendar_years.c.region.in_(bindparam("regions", expanding=True)),
        calendar_years.c.version <= bindparam("version"),
    )
    .group_by(calendar_years.c.region, calendar_years.c.year)
    .subquery()
)


def _newest(table: Table) -> Select[Any]:
    """Its rows of the newest version of each year."""
    same = and_(*(_NEWEST.c[name] == table.c[name] for name in ("region", "year", "version")))
    return select(table).join(_NEWEST, same)


_YEARS = _newest(calendar_years).order_by(calendar_years.c.year)
_DAYS = _newest(calendar_days)


def heads(session: Session) -> dict[str, Head]:
    """The calendars there are, by region."""
    return {row.region: Head._make(row) for row in session.execute(_HEADS)}


def line_of(heads: Heads, region: str) -> Iterator[Head]:
    """A calendar, the one that it follows, and so on; nothing for a region without one."""
    head = heads.get(region)
    while head is not None:
        yield head
        head = heads.get(head.follows or "")


_kept: dict[tuple[object, ...], Calendar] = {}
"""By region, version and when that was made: a version never changes."""
MOST_KEPT = 300


def newest(session: Session, heads: Heads, region: str) -> Calendar:
    """A calendar at its newest version, kept in memory for as long as nobody changes it."""
    line = list(line_of(heads, region))
    key = (region, *((head.version, head.changed_at) for head in line))
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        version = max((head.version for head in line), default=0)
        found = _kept[key] = at_version(session, region, version, heads)
    return found


def at_version(session: Session, region: str, version: int, known: Heads | None = None) -> Calendar:
    """A calendar as it was at one of its versions, with what it follows as that was then."""
    line = list(line_of(known if known is not None else heads(session), region))
    if not line:
        return Calendar(region)
    which = {"regions": [head.region for head in line], "version": version}
    days: dict[tuple[str, int], dict[date, Day]] = {}
    for row in session.execute(_DAYS, which):
        hours = read_back(row.hours) if row.hours is not None else None
        days.setdefault((row.region, row.year), {})[row.day] = Day(row.kind, row.name, hours)
    years: dict[str, dict[int, Year]] = {}
    for row in session.execute(_YEARS, which):
        own = MappingProxyType(days.get((row.region, row.year), {}))
        years.setdefault(row.region, {})[row.year] = Year(own, read_back(row.hours), row.version, row.source)
    calendar: Calendar | None = None
    for head in reversed(line):
        mine = years.get(head.region, {})
        at = max([year.version for year in mine.values()] + [calendar.version if calendar else 0])
        calendar = Calendar(head.region, at, MappingProxyType(mine), head.name, calendar)
    assert calendar is not None
    return calendar
