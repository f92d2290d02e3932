"""A working calendar as a value: which days and hours people work, and how far away an instant then is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType

from app.core.clock import BEIJING
from app.engine.durations import DurationRefused

NOTHING = timedelta()
DAY = timedelta(days=1)
MOST_DAYS = 40 * 366
"""How far a search for working time goes: a calendar with hardly a workday in it must not spin for ever."""

Segment = tuple[time, time]
USUAL_HOURS: tuple[Segment, ...] = ((time(9), time(12)), (time(13), time(18)))
"""Until a calendar says otherwise: eight hours with a break at noon."""

KINDS = {"holiday": "放假", "makeup": "调休上班", "workday": "工作日"}


@dataclass(frozen=True)
class Day:
    """A day unlike others of its weekday: `kind` holiday, makeup (worked though it would be off) or workday
    (off or not as it would be, with hours of its own).

    `hours` are its own working hours, None for the usual ones.
    """

    kind: str
    name: str = ""
    hours: tuple[Segment, ...] | None = None


@dataclass(frozen=True)
class Year:
    """What is known of one year; a year that nobody announced is provisional: Monday to Friday are worked.

    `hours` are the usual ones; () where a region says nothing of them.
    """

    days: Mapping[date, Day]
    hours: tuple[Segment, ...] = USUAL_HOURS
    version: int = 0
    source: str = ""


@dataclass(frozen=True)
class Calendar:
    """All years of a region at one version. A year that is missing never raises.

    A region that `follows` another one says only what differs there: days, and its usual hours, which last
    until it says others.
    """

    region: str = ""
    version: int = 0
    years: Mapping[int, Year] = field(default_factory=lambda: MappingProxyType({}))
    name: str = ""
    follows: "Calendar | None" = None

    def is_workday(self, day: date) -> bool:
        special = self.day(day)
        if special is None or special.kind == "workday":
            return day.weekday() < 5
        return special.kind == "makeup"

    def day(self, day: date) -> Day | None:
        """What is special about a day, here or where the region follows."""
        year = self.years.get(day.year)
        own = year.days.get(day) if year else None
        if self.follows is None or (own is not None and own.kind != "workday"):
            return own
        there = self.follows.day(day)
        return replace(there, hours=own.hours) if own and there else own or there

    def hours(self, day: date) -> tuple[Segment, ...]:
        """The segments in which people work that day; () for a day off."""
        if not self.is_workday(day):
            return ()
        special = self.day(day)
        return special.hours if special and special.hours is not None else self.usual(day.year)

    def usual(self, year: int) -> tuple[Segment, ...]:
        """The usual working hours of a year."""
        if self.follows is None:
            known = self.years.get(year)
            return known.hours if known else USUAL_HOURS
        said = [each for each in self.years if each <= year and self.years[each].hours]
        return self.years[max(said)].hours if said else self.follows.usual(year)

    def special(self, year: int) -> "Iterator[tuple[date, Day, str]]":
        """The days of a year unlike others of their weekday, and which region says so, in their order."""
        said: dict[date, str] = {}
        for link in self.chain():
            known = link.years.get(year)
            for day in known.days if known else ():
                said.setdefault(day, link.region)
        for day, whose in sorted(said.items()):
            each = self.day(day)
            if each is not None:
                yield day, each, whose

    def workdays(self, year: int) -> int:
        """How many days of a year are worked."""
        every = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
        return sum(self.is_workday(day) for day in every if day.year == year)

    def chain(self) -> "Iterator[Calendar]":
        """Itself, what it follows, and so on."""
        link: Calendar | None = self
        while link is not None:
            yield link
            link = link.follows

    def provisional(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The years between two instants of which this region announced nothing."""
        first, last = start.astimezone(BEIJING).year, end.astimezone(BEIJING).year
        return tuple(year for year in range(first, last + 1) if year not in self.years)


NO_CALENDAR = Calendar()
"""Every year provisional: what natural time needs, and what there is before a calendar was loaded."""


class Line:
    """Natural time: every second counts."""

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The instant by which `amount` of this line's time has passed since `start`, aware."""
        return start + amount

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much of this line's time lies between two instants; nothing when they are reversed."""
        return max(end - start, NOTHING)


@dataclass(frozen=True)
class WorkingLine(Line):
    """Only working time counts: whole workdays of 24 hours (`by_day`), or the hours that people work.

    Both are additive: what is counted in two parts is what is counted at once.
    """

    calendar: Calendar
    by_day: bool

    def after(self, start: datetime, amount: timedelta) -> datetime:
        if amount <= NOTHING:
            return start
        left = amount
        for begin, end in self._stretches(start):
            if end - begin >= left:
                return (begin + left).astimezone(UTC)
            left -= end - begin
        raise DurationRefused("时长超出了日历的范围。", "The duration runs past the end of the calendar.")

    def between(self, start: datetime, end: datetime) -> timedelta:
        counted = NOTHING
        for begin, until in self._stretches(start):
            if begin >= end:
                break
            counted += min(until, end) - begin
        return counted

    def _stretches(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of working time from `start` on, the first cut to what is left of it."""
        local = start.astimezone(BEIJING)
        day = local.date()
        for _ in range(MOST_DAYS):
            for begin, end in self._worked(day):
                if end > local:
                    yield max(begin, local), end
            day += DAY

    def _worked(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if self.by_day:
            if self.calendar.is_workday(day):
                midnight = datetime.combine(day, time(), BEIJING)
                yield midnight, midnight + DAY
            return
        for begin, end in self.calendar.hours(day):
            yield datetime.combine(day, begin, BEIJING), datetime.combine(day, end, BEIJING)


@cache
def natural() -> Line:
    """The line on which every second counts."""
    return Line()
