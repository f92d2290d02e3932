"""A limit as sla.yaml and its tables write it: natural time, working days (P5WD) or working hours (PT4WH)."""

import re
from datetime import timedelta
from functools import lru_cache

from app.engine import durations
from app.engine.durations import Duration, DurationRefused

FORMS_ZH = f"{durations.FORMS_ZH}、P5WD（5 个工作日）、PT4WH（4 个工作小时）"
MOST_WORKING_HOURS = 26_100

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
"""A limit that is a day (`until(name)`): the clock is due when it ends, whenever it began."""
_HOURS = re.compile(r"PT(\d{1,7})WH", re.ASCII)
_WORKING = re.compile(r"P\d+WD|PT\d+WH", re.ASCII)


@lru_cache(maxsize=512)
def working_hours(text: str) -> int | None:
    """4 for `PT4WH`; None for every other limit. Raises DurationRefused."""
    match = _HOURS.fullmatch(text.strip())
    if match is None:
        return None
    hours = int(match[1])
    if not 1 <= hours <= MOST_WORKING_HOURS:
        raise DurationRefused(
            f"时长“{text}”超出范围；工作小时请写 1 到 {MOST_WORKING_HOURS:,}。",
            f'"{text}" is out of range; working hours are 1 to {MOST_WORKING_HOURS:,}.',
        )
    return hours


def is_working(text: str | None) -> bool:
    """Whether only a working calendar can tell the end of this limit."""
    return text is not None and _WORKING.fullmatch(text.strip()) is not None


def natural_or_days(text: str) -> Duration:
    """A limit that is not counted in working hours. Raises DurationRefused."""
    return durations.parse_duration(text)


def elapsed(text: str) -> timedelta | None:
    """Weeks, days, hours and minutes; None for what needs a calendar. Raises DurationRefused."""
    if is_working(text):
        return None
    read = natural_or_days(text)
    if read.years or read.months:
        return None
    return timedelta(weeks=read.weeks, days=read.days, hours=read.hours, minutes=read.minutes)


def duration_error(text: str) -> tuple[str, str, str] | None:
    """What is wrong with a limit: rule, Chinese and English; None when it may be used."""
    try:
        if working_hours(text) is None:
            natural_or_days(text)
    except DurationRefused as refused:
        zh = refused.zh.replace(durations.FORMS_ZH, FORMS_ZH)
        return "duration-invalid", zh, refused.en
    return None


def in_words(text: str | None) -> str:
    """`PT2H` → 2 小时, `PT4WH` → 4 个工作小时, None → 不限."""
    if text is None:
        return "不限"
    if DAY.fullmatch(text):
        return f"到 {text} 为止"
    hours = working_hours(text)
    return f"{hours} 个工作小时" if hours is not None else durations.length(natural_or_days(text))
