"""Reads one year of a calendar as an administrator writes it: days off, make-up days, working hours."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any

from app.bundles import keys
from app.bundles.keys import Found, Key, Many, Record, Text, Whole, finding
from app.bundles.yaml_file import Path, YamlRefused, read_yaml
from app.clocks.calendar import USUAL_HOURS, Day, Segment
from app.core.errors import FieldError, Unprocessable
from app.engine.check.finding import Finding

REGION = r"[a-z][a-z0-9_]{0,19}"
FIRST_YEAR, LAST_YEAR = 2000, 2099
MOST_SEGMENTS = 6
_DAYS = Text(r"\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?", "2027-02-05，或 2027-02-05/2027-02-11 这样的起止")
_HOURS = Many(Text(r"\d{2}:\d{2}-\d{2}:\d{2}", "09:00-12:00 这样的一段"), least=1, most=MOST_SEGMENTS)
_NAME = Key(Text(longest=60), "名称，例如 春节")
_SPAN = Record({"days": Key(_DAYS, "哪一天，或从哪天到哪天", required=True), "name": _NAME})
_OWN = Record({**_SPAN.keys, "hours": Key(_HOURS, "这几天的工作时间", required=True)})

SHAPE = Record(
    {
        "region": Key(Text(REGION, "小写字母开头的英文名"), "日历的键", required=True),
        "name": Key(Text(longest=60), "日历的名称", required=True),
        "follows": Key(Text(REGION, "另一个日历的键"), "跟随哪个日历；写了，就只写与它不同的日子和时间"),
        "year": Key(Whole(FIRST_YEAR, LAST_YEAR), "哪一年", required=True),
        "source": Key(Text(longest=200), "依据，例如 国务院办公厅的通知", required=True),
        "hours": Key(_HOURS, "平常的工作时间，分段写"),
        "holidays": Key(Many(_SPAN), "放假的日子，周末不用写"),
        "makeup": Key(Many(_SPAN), "调休上班的周末"),
        "own_hours": Key(Many(_OWN), "工作时间与平常不同的工作日"),
    }
)


class CalendarRefused(Unprocessable):
    """日历有误，没有导入。"""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        errors = [FieldError("/yaml", each.rule, each.told) for each in findings]
        super().__init__("\n".join(each.told for each in findings[:20]), errors=errors)


@dataclass(frozen=True)
class CalendarYear:
    """One year of a region, as announced; of one that `follows` another region, what differs there."""

    region: str
    name: str
    year: int
    source: str
    hours: tuple[Segment, ...]
    days: Mapping[date, Day]
    follows: str = ""
    file: str = ""
    line: int | None = None
    """Where it says whom it follows, else its region."""

    def refused(self, rule: str, zh: str, en: str) -> CalendarRefused:
        """What only the calendars there are can tell: it cannot follow, or be, what it says."""
        return CalendarRefused([finding("error", rule, self.file, self.line, zh, en)])


def read_calendar(file: str, data: bytes) -> CalendarYear:
    """The file's content. Raises CalendarRefused with every finding."""
    try:
        found = Found(read_yaml(file, data))
    except YamlRefused as refused:
        raise CalendarRefused(
            [finding("error", refused.rule, file, refused.line, refused.zh, refused.en)]
        ) from None
    given: Any = found.doc.value
    if not keys.check(SHAPE, given, found):
        raise CalendarRefused(found.findings)
    follows = given.get("follows", "")
    usual = () if follows else USUAL_HOURS
    hours = segments(given["hours"], found, ("hours",)) if "hours" in given else usual
    days: dict[date, Day] = {}
    for kind, key in (("holiday", "holidays"), ("makeup", "makeup"), ("workday", "own_hours")):
        for i, each in enumerate(given.get(key, [])):
            own = segments(each["hours"], found, (key, i, "hours")) if "hours" in each else None
            for day in _each_day(each["days"], given["year"], found, (key, i, "days")):
                span = "/" in each["days"]
                if not (kind == "workday" and span and _off(days, day, follows)):
                    _put(days, day, Day(kind, each.get("name", ""), own), found, (key, i, "days"), follows)
    if follows == given["region"]:
        found.error("value-invalid", ("follows",), "日历不能跟随自己。", "A calendar cannot follow itself.")
    if found.failed:
        raise CalendarRefused(found.findings)
    line = found.doc.line(("follows" if follows else "region",))
    region, name = given["region"], given["name"]
    return CalendarYear(region, name, given["year"], given["source"], hours, days, follows, file, line)


def in_order(years: Iterable[CalendarYear]) -> list[CalendarYear]:
    """Those that are followed before those that follow them, a region's years one after the other."""
    left = sorted(years, key=lambda year: (year.region, year.year))
    ordered: list[CalendarYear] = []
    while left:
        ahead = {year.region for year in left}
        ready = [year for year in left if year.follows not in ahead] or left  # a circle is refused later
        ordered += ready
        left = [year for year in left if year not in ready]
    return ordered


def segments(given: Sequence[str], found: Found, path: Path) -> tuple[Segment, ...]:
    """Segments in order, none overlapping; a finding says what is wrong."""
    read: list[Segment] = []
    for text in given:
        begin, _, end = text.partition("-")
        try:
            read.append((time.fromisoformat(begin), time.fromisoformat(end)))
        except ValueError:
            found.error("hours-invalid", path, f"“{text}”不是时刻。", f'"{text}" is no time.')
    flat = [instant for segment in read for instant in segment]
    if any(later <= earlier for earlier, later in pairwise(flat)):
        zh = f"工作时间 {'、'.join(given)} 要从早到晚写，段与段不能重叠。"
        found.error("hours-invalid", path, zh, "Working hours overlap or run backwards.")
    return tuple(read)


def written(hours: Sequence[Segment]) -> list[str]:
    """Segments as the file writes them."""
    return [f"{begin:%H:%M}-{end:%H:%M}" for begin, end in hours]


def read_back(hours: Sequence[str]) -> tuple[Segment, ...]:
    """Segments as `written` kept them."""
    halves = (re.split("-", text, maxsplit=1) for text in hours)
    return tuple((time.fromisoformat(begin), time.fromisoformat(end)) for begin, end in halves)


def _each_day(text: str, year: int, found: Found, path: Path) -> Iterator[date]:
    first, _, last = text.partition("/")
    try:
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        found.error("day-invalid", path, f"“{text}”里有不存在的日子。", f'No such day in "{text}".')
        return
    if day > end or (day.year, end.year) != (year, year):
        zh = f"“{text}”应在 {year} 年之内，从早到晚；跨年的假期分写在两年里。"
        found.error("day-invalid", path, zh, f'"{text}" must lie within {year}.')
        return
    while day <= end:
        yield day
        day += timedelta(days=1)


def _off(days: Mapping[date, Day], day: date, follows: str) -> bool:
    """Whether a span of days with hours of their own passes over a day: it is off anyway."""
    known = days.get(day)
    return known.kind == "holiday" if known else not follows and day.weekday() >= 5


def _put(days: dict[date, Day], day: date, new: Day, found: Found, path: Path, follows: str) -> None:
    """What is off where the region follows is not known here: it may make up for any day."""
    before = days.get(day)
    if new.kind == "makeup" and day.weekday() < 5 and not follows:
        zh = f"{day} 是{_WEEKDAYS[day.weekday()]}，本来就上班，不用写在 makeup 里。"
        found.error("day-invalid", path, zh, f"{day} is a weekday.")
    elif new.kind == "workday" and before is None and day.weekday() >= 5 and not follows:
        zh = f"{day} 是{_WEEKDAYS[day.weekday()]}，先写进 makeup 才有工作时间。"
        found.error("day-invalid", path, zh, f"{day} is a weekend.")
    elif before is not None and not (new.kind == "workday" and before.kind == "makeup"):
        zh = f"{day} 写了两次：既在“{before.name or before.kind}”，又在“{new.name or new.kind}”。"
        found.error("day-twice", path, zh, f"{day} stands twice.")
    else:
        days[day] = Day("makeup", before.name, new.hours) if before else new


_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
