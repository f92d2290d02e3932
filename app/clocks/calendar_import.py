"""Makes a year of a calendar what a file says: a new version beside the old one, and what differs is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import bindparam, insert, select

from app.audit import streams
from app.audit.streams import Entry
from app.clocks import calendars as kept
from app.clocks.calendar import KINDS, NO_CALENDAR, Calendar, Day, Year
from app.clocks.calendar_file import CalendarYear, written
from app.clocks.calendar_models import calendar_days, calendar_years, calendars
from app.core import clock, dialects
from app.core.db import Session
from app.identity.actor import Actor
from app.identity.permissions import CALENDAR_IMPORT
from app.identity.scopes import require


@dataclass(frozen=True)
class DayChanged:
    """One day that is another now: what it was and what it becomes, None for a day as its weekday."""

    day: date
    was: Day | None
    now: Day | None


@dataclass
class Import:
    """What an import did, or would do: `calendar` is what is in force after it."""

    year: CalendarYear
    calendar: Calendar
    was_provisional: bool
    hours_changed: bool
    days: list[DayChanged] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.was_provisional or self.hours_changed or self.days)


_HEAD = dialects.locked(select(calendars).where(calendars.c.region == bindparam("which")))


def import_year(session: Session, actor: Actor, year: CalendarYear, *, dry_run: bool = False) -> Import:
    """Keeps the year as the next version, unless it is what was known already. Raises PermissionMissing."""
    require(actor, CALENDAR_IMPORT)
    head = session.execute(_HEAD, {"which": year.region}).mappings().one_or_none()
    before = kept.at_version(session, year.region, head["version"]) if head else NO_CALENDAR
    made = _compared(before, year, (head["version"] if head else 0) + 1)
    if made.nothing or dry_run:
        return made
    now = clock.now(session)
    version = made.calendar.version
    which = {"region": year.region, "year": year.year, "version": version}
    row = {"region": year.region, "name": year.name, "version": version, "changed_at": now}
    session.execute(dialects.upsert(session.dialect, calendars, ("region",)), row)
    told = {"source": year.source, "hours": written(year.hours), "at": now, "actor_id": actor.id}
    session.execute(insert(calendar_years), {**which, **told})
    if year.days:
        session.execute(insert(calendar_days), [_row(which, day, each) for day, each in year.days.items()])
    data = {"region": year.region, "year": year.year, "version": version, "days": len(made.days)}
    streams.append(session, Entry(streams.ADMIN, "calendar.imported", actor.id, year.region, data, now))
    return made


def _compared(before: Calendar, year: CalendarYear, version: int) -> Import:
    known = before.years.get(year.year)
    old: Mapping[date, Day] = known.days if known else {}
    days = [
        DayChanged(day, old.get(day), year.days.get(day))
        for day in sorted({*old, *year.days})
        if old.get(day) != year.days.get(day)
    ]
    new = Year(year.days, year.hours, version, year.source)
    after = Calendar(year.region, version, {**before.years, year.year: new})
    return Import(year, after, known is None, known is not None and known.hours != year.hours, days)


def _row(which: Mapping[str, Any], day: date, each: Day) -> dict[str, Any]:
    hours = written(each.hours) if each.hours is not None else None
    return {**which, "day": day, "kind": each.kind, "name": each.name, "hours": hours}


def in_words(each: Day | None) -> str:
    """春节（放假）, or 照常 for a day as its weekday."""
    if each is None:
        return "照常"
    return f"{each.name}（{KINDS[each.kind]}）" if each.name else KINDS[each.kind]
