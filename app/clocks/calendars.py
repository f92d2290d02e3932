"""The calendars of this database: what is in force now, kept in memory for as long as nobody changes it."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, func, select

from app.clocks.calendar import NO_CALENDAR, Calendar, Day, Year
from app.clocks.calendar_file import read_back
from app.clocks.calendar_models import calendar_days, calendar_years, calendars
from app.core.config import settings
from app.core.db import Session

_VERSION = select(calendars.c.version, calendars.c.changed_at).where(
    calendars.c.region == bindparam("region")
)
_ALL = select(calendars).order_by(calendars.c.region)
_NEWEST = (
    select(calendar_years.c.year, func.max(calendar_years.c.version).label("version"))
    .where(calendar_years.c.region == bindparam("region"), calendar_years.c.version <= bindparam("version"))
    .group_by(calendar_years.c.year)
    .subquery()
)
_YEARS = (
    select(calendar_years)
    .join(
        _NEWEST,
        (_NEWEST.c.year == calendar_years.c.year) & (_NEWEST.c.version == calendar_years.c.version),
    )
    .where(calendar_years.c.region == bindparam("region"))
    .order_by(calendar_years.c.year)
)
_DAYS = (
    select(calendar_days)
    .join(_NEWEST, (_NEWEST.c.year == calendar_days.c.year) & (_NEWEST.c.version == calendar_days.c.version))
    .where(calendar_days.c.region == bindparam("region"))
    .order_by(calendar_days.c.day)
)

_kept: dict[tuple[str, int, datetime], Calendar] = {}
"""By region, version and when it was made: a version never changes."""
MOST_KEPT = 8


def in_force(session: Session) -> Calendar:
    """The calendar that working time is counted by now: the region of the setting, its newest version."""
    region = settings().calendar
    head = session.execute(_VERSION, {"region": region}).one_or_none()
    if head is None:
        return NO_CALENDAR
    key = (region, int(head.version), head.changed_at)
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[key] = at_version(session, region, key[1])
    return found


def every(session: Session) -> list[Mapping[str, Any]]:
    """The calendars there are."""
    return [dict(row) for row in session.execute(_ALL).mappings()]


def head(session: Session, region: str) -> Mapping[str, Any] | None:
    return next((row for row in every(session) if row["region"] == region), None)


def at_version(session: Session, region: str, version: int) -> Calendar:
    """A calendar as it was at one of its versions."""
    which = {"region": region, "version": version}
    days: dict[int, dict[date, Day]] = {}
    for row in session.execute(_DAYS, which):
        hours = read_back(row.hours) if row.hours is not None else None
        days.setdefault(row.year, {})[row.day] = Day(row.kind, row.name, hours)
    years = {
        row.year: Year(
            MappingProxyType(days.get(row.year, {})), read_back(row.hours), row.version, row.source
        )
        for row in session.execute(_YEARS, which)
    }
    return Calendar(region, version, MappingProxyType(years))
