"""The calendars a house begins with: the announced years of China's, out of the library `holidays` (what it
only guesses stays out), and those of regions that lie beside the processes."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

from app.clocks.calendar import USUAL_HOURS, Day
from app.clocks.calendar_file import CalendarYear, in_order, read_calendar

REGION, NAME = "cn", "中国大陆"
FIRST = 2024
FOLDER = "_calendars"


def beginning(bpmn: Path) -> Iterator[CalendarYear]:
    """The announced years, then what bpmn/_calendars says. Raises CalendarRefused."""
    yield from announced()
    files = sorted((bpmn / FOLDER).glob("*.yaml"))
    yield from in_order(read_calendar(f"{FOLDER}/{file.name}", file.read_bytes()) for file in files)


def announced() -> Iterator[CalendarYear]:
    """Each year, from FIRST on, of which the State Council has announced the days, oldest first."""
    year = FIRST
    while (known := announced_year(year)) is not None:
        yield known
        year += 1


@cache
def announced_year(year: int) -> CalendarYear | None:
    """One announced year, or None: a year without make-up days is the library's own guess by rule."""
    from holidays.countries.china import China  # half a second, and only who loads a calendar needs it

    found = China(years=year, language="zh_CN")
    makeup = sorted(day for day in found.weekend_workdays if day.year == year)
    if not makeup:
        return None
    days: dict[date, Day] = {day: Day("holiday", name) for day, name in found.items() if day.year == year}
    days |= {day: Day("makeup", "调休上班") for day in makeup}
    source = f"国务院办公厅关于 {year} 年部分节假日安排的通知（holidays 程序库所载）"
    return CalendarYear(REGION, NAME, year, source, USUAL_HOURS, dict(sorted(days.items())))
