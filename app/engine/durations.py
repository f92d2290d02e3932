"""Durations and cycles as diagrams write them, and the arithmetic of the Beijing calendar."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONGEST_YEARS = 10
MOST_CYCLES = 1_000
SHORTEST_CYCLE = timedelta(hours=1)

RULE = "bpmn-timer-out-of-range"
FORMS_ZH = "PT24H（24 小时）、P3D（3 天）、P2W（2 周）、P1M（1 个月）"
FORMS_EN = "PT24H, P3D, P2W, P1M"

_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W(?!D))?"
    r"(?:(?P<days>\d+)D|(?P<working_days>\d+)WD)?"
    r"(?P<clock>T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_CYCLE = re.compile(r"R(?P<times>\d*)/(?P<duration>.*)", re.ASCII | re.DOTALL)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?P<offset>Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_MOST_DIGITS = 7
# Absolute instants outside these years are typing errors, whatever the day of publishing is.
_FIRST_YEAR, _LAST_YEAR = 2020, 2099
_DAY = timedelta(days=1)


class DurationRefused(ValueError):
    """定时的写法或长度不合规则。

    rule is bpmn-timer-out-of-range; zh and en are whole sentences that quote the text.
    """

    def __init__(self, zh: str, en: str, rule: str = RULE) -> None:
        super().__init__(zh)
        self.rule, self.zh, self.en = rule, zh, en


@dataclass(frozen=True)
class Duration:
    """A length of time by the calendar: years, months and days are calendar steps, hours are elapsed time."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    working_days: int = 0
    hours: int = 0
    minutes: int = 0

    def times(self, count: int) -> Duration:
        """This length `count` times over, so that steps of a month keep the day of their anchor."""
        return Duration(
            self.years * count,
            self.months * count,
            self.weeks * count,
            self.days * count,
            self.working_days * count,
            self.hours * count,
            self.minutes * count,
        )


@dataclass(frozen=True)
class Cycle:
    """A repeating timer: how often (None = without end) and how far apart."""

    times: int | None
    duration: Duration


@lru_cache(maxsize=512)
def parse_duration(text: str) -> Duration:
    """`PnYnMnWnDTnHnM` or `PnWD`, between one minute and ten years. Raises DurationRefused."""
    duration = _read_duration(text)
    if not is_at_least(duration, timedelta(minutes=1)):
        raise DurationRefused(
            f"时长“{_quoted(text)}”短于 1 分钟；定时最短 1 分钟，最长 {LONGEST_YEARS} 年。",
            f'Duration "{_quoted(text)}" is under 1 minute; a timer takes 1 minute to {LONGEST_YEARS} years.',
        )
    return duration


@lru_cache(maxsize=512)
def parse_cycle(text: str) -> Cycle:
    """`R3/PT24H` or `R/P1D`: at most 1,000 times, at least an hour apart. Raises DurationRefused."""
    match = _CYCLE.fullmatch(text.strip())
    if match is None:
        raise DurationRefused(
            f"循环“{_quoted(text)}”的写法不对；请写成 R3/PT24H（每 24 小时一次，共 3 次）"
            "或 R/P1D（每天一次，不限次数）。",
            f'Cycle "{_quoted(text)}" is not understood; write R3/PT24H (3 times, 24 hours apart) '
            "or R/P1D (daily, for ever).",
        )
    digits = match["times"]
    if digits and not 1 <= int(digits[:_MOST_DIGITS]) <= MOST_CYCLES:
        raise DurationRefused(
            f"循环“{_quoted(text)}”的次数超出范围；请写 1 到 {MOST_CYCLES:,} 次。",
            f'Cycle "{_quoted(text)}" repeats too often or never; write 1 to {MOST_CYCLES:,} times.',
        )
    duration = _read_duration(match["duration"])
    if not is_at_least(duration, SHORTEST_CYCLE):
        raise DurationRefused(
            f"循环“{_quoted(text)}”的间隔短于 1 小时；循环定时最短 1 小时一次。",
            f'Cycle "{_quoted(text)}" repeats faster than hourly; the shortest interval is 1 hour.',
        )
    return Cycle(int(digits) if digits else None, duration)


def parse_moment(text: str) -> datetime:
    """An ISO date and time with offset, in UTC. Raises DurationRefused, also for a time without offset."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise DurationRefused(
            f"时刻“{_quoted(text)}”的写法不对；请写成 2026-10-01T09:00+08:00。",
            f'Instant "{_quoted(text)}" is not understood; write 2026-10-01T09:00+08:00.',
        )
    if match["offset"] is None:
        raise DurationRefused(
            f"时刻“{_quoted(text)}”没有写时区；请在末尾加上 +08:00。",
            f'Instant "{_quoted(text)}" has no offset; add +08:00 at its end.',
        )
    try:
        moment = datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DurationRefused(
            f"时刻“{_quoted(text)}”不存在；请检查年月日和时分。",
            f'Instant "{_quoted(text)}" does not exist; check its date and time.',
        ) from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise DurationRefused(
            f"时刻“{_quoted(text)}”超出范围；年份应在 {_FIRST_YEAR} 到 {_LAST_YEAR} 之间。",
            f'Instant "{_quoted(text)}" is out of range; the year must be {_FIRST_YEAR} to {_LAST_YEAR}.',
        )
    return moment


def parse_when(text: str) -> Duration | datetime:
    """What a date or duration timer holds: a duration, or an instant in UTC. Raises DurationRefused."""
    stripped = text.strip()
    if _MOMENT.fullmatch(stripped):
        return parse_moment(stripped)
    return parse_duration(stripped)


def add(start: datetime, duration: Duration, is_workday: Callable[[date], bool]) -> datetime:
    """The instant `duration` after `start` (aware), in UTC.

    Years and months are calendar steps in Asia/Shanghai with the end clamped (31 Jan + P1M = 28 Feb),
    weeks, days and working days keep the wall time, hours and minutes are elapsed time. Working days begun
    on a day off count from the midnight after it. `is_workday` is asked only for working days.
    Raises DurationRefused when the calendar ends before the duration does.
    """
    if start.tzinfo is None:
        raise ValueError("start must be aware")
    try:
        local = start.astimezone(SHANGHAI) + relativedelta(
            years=duration.years, months=duration.months, weeks=duration.weeks, days=duration.days
        )
    except (OverflowError, ValueError):
        raise _past_the_calendar() from None
    if duration.working_days:
        local = _after_working_days(local, duration.working_days, is_workday)
    return local.astimezone(UTC) + timedelta(hours=duration.hours, minutes=duration.minutes)


def is_at_least(duration: Duration, shortest: timedelta) -> bool:
    """Whether this length is certainly not below `shortest`, wherever in the calendar it starts."""
    return _shortest(duration) >= shortest


def _shortest(duration: Duration) -> timedelta:
    days = (
        duration.years * 365
        + duration.months * 28
        + duration.weeks * 7
        + duration.days
        + duration.working_days
    )
    return timedelta(days=days, hours=duration.hours, minutes=duration.minutes)


def _after_working_days(start: datetime, count: int, is_workday: Callable[[date], bool]) -> datetime:
    first = day = start.date()
    left = count
    if not is_workday(first):  # it counts from the midnight at which the next workday begins
        start = datetime.combine(first, time(), SHANGHAI) + _DAY
    for _ in range(count * 3 + 366):  # a calendar with hardly a workday in it must not spin for ever
        day += _DAY
        left -= bool(is_workday(day))
        if not left:
            return start + (day - first)
    raise _past_the_calendar()


def _past_the_calendar() -> DurationRefused:
    return DurationRefused("时长超出了日历的范围。", "The duration runs past the end of the calendar.")


def _read_duration(text: str) -> Duration:
    stripped = text.strip()
    if re.match(r"-|\+|P.*-", stripped):
        raise DurationRefused(
            f"时长“{_quoted(text)}”带有正负号；请写正的时长，如 {FORMS_ZH}。",
            f'Duration "{_quoted(text)}" carries a sign; write a positive one such as {FORMS_EN}.',
        )
    match = _DURATION.fullmatch(stripped)
    if match is None or stripped == "P" or match["clock"] == "T":
        raise DurationRefused(
            f"时长“{_quoted(text)}”的写法不对；请写成 {FORMS_ZH}。",
            f'Duration "{_quoted(text)}" is not understood; write {FORMS_EN}.',
        )
    if match["seconds"] is not None:
        raise DurationRefused(
            f"时长“{_quoted(text)}”用了秒；定时最短 1 分钟，请写成 {FORMS_ZH}。",
            f'Duration "{_quoted(text)}" uses seconds; a timer takes at least 1 minute: {FORMS_EN}.',
        )
    parts = {unit: match[unit] for unit in Duration.__dataclass_fields__ if match[unit] is not None}
    if "working_days" in parts and len(parts) > 1:
        raise DurationRefused(
            f"时长“{_quoted(text)}”把工作日和别的单位混在一起；请写成 {FORMS_ZH}。",
            f'Duration "{_quoted(text)}" mixes working days with other units; write {FORMS_EN}.',
        )
    if any(len(digits.lstrip("0")) > _MOST_DIGITS for digits in parts.values()):
        raise _too_long(text)
    duration = Duration(**{unit: int(digits) for unit, digits in parts.items()})
    if _is_too_long(duration):
        raise _too_long(text)
    return duration


def _is_too_long(duration: Duration) -> bool:
    # Compared from one fixed day that has three leap days in the ten years after it, the most there can be.
    start = datetime(2024, 1, 1)
    natural_days = duration.weeks * 7 + duration.days + duration.working_days * 7 // 5
    try:
        end = start + relativedelta(years=duration.years, months=duration.months)
        end += timedelta(days=natural_days, hours=duration.hours, minutes=duration.minutes)
    except (OverflowError, ValueError):
        return True
    return end > start + relativedelta(years=LONGEST_YEARS)


def _too_long(text: str) -> DurationRefused:
    return DurationRefused(
        f"时长“{_quoted(text)}”超过 {LONGEST_YEARS} 年；定时最短 1 分钟，最长 {LONGEST_YEARS} 年。",
        f'Duration "{_quoted(text)}" is over {LONGEST_YEARS} years, the longest a timer may take.',
    )


def _quoted(text: str) -> str:
    stripped = " ".join(text.split())
    return stripped if len(stripped) <= 60 else stripped[:60] + "…"


_UNIT_WORDS = (
    ("years", "年"),
    ("months", "个月"),
    ("weeks", "周"),
    ("days", "天"),
    ("working_days", "个工作日"),
    ("hours", "小时"),
    ("minutes", "分钟"),
)


def length(duration: Duration) -> str:
    """In words: `P1DT2H` → 1 天 2 小时."""
    parts = [(getattr(duration, name), word) for name, word in _UNIT_WORDS]
    return " ".join(f"{count} {word}" for count, word in parts if count)
