"""Makes a year of a calendar what a file says: a new version beside the old one, and what differs is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import insert, select

from app.audit import streams
from app.audit.streams import Entry
from app.clocks import calendar_rows as kept
from app.clocks.calendar import KINDS, Calendar, Day, Year
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
    """What an import did, or would do: `calendar` is what is in force after it.

    `nothing`: the year said just this before.
    """

    year: CalendarYear
    calendar: Calendar
    was_provisional: bool
    hours_changed: bool
    nothing: bool
    days: list[DayChanged] = field(default_factory=list)


_LOCK = dialects.locked(select(calendars.c.region).order_by(calendars.c.region))


def import_year(session: Session, actor: Actor, year: CalendarYear, *, dry_run: bool = False) -> Import:
    """Keeps the year as the next version, unless it is what was known already.

    Raises PermissionMissing, and CalendarRefused where the region cannot follow what the file says.
    """
    require(actor, CALENDAR_IMPORT)
    session.execute(_LOCK).all()  # versions are numbered for the whole house: one import after the other
    heads = kept.heads(session)
    _check_follows(year, heads)
    if year.region in heads:
        before = kept.newest(session, heads, year.region)
    else:
        follows = kept.newest(session, heads, year.follows) if year.follows else None
        before = Calendar(year.region, name=year.name, follows=follows)
    made = _compared(before, year, 1 + max((head.version for head in heads.values()), default=0))
    if made.nothing or dry_run:
        return made
    now = clock.now(session)
    version = made.calendar.version
    which = {"region": year.region, "year": year.year, "version": version}
    row = {"region": year.region, "name": year.name, "version": version, "changed_at": now}
    row["follows"] = year.follows or None
    session.execute(dialects.upsert(session.dialect, calendars, ("region",)), row)
    told = {"source": year.source, "hours": written(year.hours), "at": now, "actor_id": actor.id}
    session.execute(insert(calendar_years), {**which, **told})
    if year.days:
        session.execute(insert(calendar_days), [_row(which, day, each) for day, each in year.days.items()])
    data = {"region": year.region, "year": year.year, "version": version, "days": len(made.days)}
    streams.append(session, Entry(streams.ADMIN, "calendar.imported", actor.id, year.region, data, now))
    return made


def _check_follows(year: CalendarYear, heads: kept.Heads) -> None:
    """Whom a region follows is decided once: what was counted before must be counted the same again."""
    head = heads.get(year.region)
    if head is None and year.follows and year.follows not in heads:
        there = "、".join(heads) or "还没有"
        zh = f"跟随的日历“{year.follows}”还没有导入，请先导入它；已有的：{there}。"
        raise year.refused("calendar-follows", zh, "The calendar that it follows is unknown.")
    if head is not None and (head.follows or "") != year.follows:
        was = f"跟随 {head.follows}，文件里要写 follows: {head.follows}" if head.follows else "不跟随别的日历"
        zh = f"日历 {year.region} {was}；跟随谁，定了不能改，要改请另起一个 region。"
        raise year.refused("calendar-follows", zh, "Whom a calendar follows cannot be changed.")


def _compared(before: Calendar, year: CalendarYear, version: int) -> Import:
    """Days and hours as people had and will have them, those included that come from where it follows."""
    known = before.years.get(year.year)
    new = Year(year.days, year.hours, version, year.source)
    years = MappingProxyType({**before.years, year.year: new})
    after = replace(before, version=version, years=years, name=year.name)
    days = [
        DayChanged(day, before.day(day), after.day(day))
        for day in sorted({*(known.days if known else ()), *year.days})
        if before.day(day) != after.day(day)
    ]
    hours_changed = before.usual(year.year) != after.usual(year.year) and (
        known is not None or after.follows is not None
    )
    same = known is not None and (known.days, known.hours) == (year.days, year.hours)
    return Import(year, after, known is None, hours_changed, same, days)


def _row(which: Mapping[str, Any], day: date, each: Day) -> dict[str, Any]:
    hours = written(each.hours) if each.hours is not None else None
    return {**which, "day": day, "kind": each.kind, "name": each.name, "hours": hours}


def in_words(each: Day | None) -> str:
    """春节（放假）, or 照常 for a day as its weekday."""
    if each is None:
        return "照常"
    return f"{each.name}（{KINDS[each.kind]}）" if each.name else KINDS[each.kind]
