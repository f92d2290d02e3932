"""`schedules:` of process.yaml: cases that the calendar files, once a period."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.bundles.keys import Any_, Found, Key, Many, Named, Record, Text
from app.bundles.values import BEIJING
from app.bundles.yaml_file import Path
from app.engine.durations import Duration, DurationRefused, add, parse_duration

BY_SCHEDULE = "schedule"
"""The word of `starts`, and the source of what was filed so."""
LONGEST_NAME = 60
"""Of a schedule with its process, `typical_cases-monthly`."""
WORDS = "{date} 那一天、{month} 那个月、{last_month} 上个月、{year} 那一年"

_NAME = r"[a-z][a-z0-9_]{0,39}"
_AT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WORD = re.compile(r"\{([^{}]*)\}")
_FIRST, _FIRST_MONDAY = date(2000, 1, 1), date(2000, 1, 3)

SHAPE = Many(
    Record(
        {
            "name": Key(Text(_NAME, "小写字母开头的英文名", 40), "名字", required=True),
            "every": Key(Text(says="时长"), "每隔多久：整天、周、月、年，例如 P1D、P1W、P1M", required=True),
            "at": Key(Text(says="钟点，例如 09:00"), "几点（北京时间）", required=True),
            "from": Key(
                Text(says="日期"),
                "从哪一天起数；不写就是每月（年）的一日、每周的星期一。每月 15 日写某月的 15 日",
            ),
            "start": Key(Text(r"_?[a-z][a-z0-9_]{1,58}", "流程的键", 60), "登记哪个流程；不写就是本流程"),
            "unit": Key(Text(says="单位编码", longest=60), "登记在哪个单位", required=True),
            "title": Key(Text(says="标题", longest=200), f"标题；可以写 {WORDS}", required=True),
            "form": Key(Named(Any_(), says="登记表的名字"), f"登记表的答案，固定的；文字里可以写 {WORDS}"),
        }
    ),
    most=20,
)


@dataclass(frozen=True)
class CalendarStart:
    """A case of `process` filed in `unit` at each of the instants `since` + n · `every`."""

    name: str
    process: str
    unit: str
    every: str
    since: datetime
    title: str
    form: Mapping[str, Any] = field(default_factory=dict)

    def last(self, now: datetime) -> datetime:
        """The latest of the instants that is not after now."""
        step = parse_duration(self.every)
        count = max(0, (now - self.since) // _most(step) - 1)
        while self._nth(count + 1) <= now:
            count += 1
        return self._nth(count)

    def following(self, now: datetime) -> datetime:
        """The first of the instants after now."""
        at = self.since
        if at > now:
            return at
        step = parse_duration(self.every)
        count = max(0, (now - self.since) // _most(step))
        while (at := self._nth(count)) <= now:
            count += 1
        return at

    def worded(self, text: str, at: datetime) -> str:
        """A text with its words filled in for the period that begins at an instant."""
        day = at.astimezone(BEIJING).date()
        before = day.replace(day=1) - timedelta(days=1)
        told = {
            "date": day.isoformat(),
            "month": f"{day:%Y-%m}",
            "last_month": f"{before:%Y-%m}",
            "year": f"{day:%Y}",
        }
        return _WORD.sub(lambda word: told[word[1]], text)

    def answers(self, at: datetime) -> dict[str, Any]:
        """What the start form is given."""
        return {
            name: self.worded(given, at) if isinstance(given, str) else given
            for name, given in self.form.items()
        }

    def _nth(self, count: int) -> datetime:
        return add(self.since, parse_duration(self.every).times(count), lambda _: True)


def read_schedules(given: Sequence[Mapping[str, Any]], key: str, found: Found) -> tuple[CalendarStart, ...]:
    """The schedules of a checked list, each wrong one with its finding."""
    read: dict[str, CalendarStart] = {}
    for i, each in enumerate(given):
        path: Path = ("schedules", i)
        if each["name"] in read:
            found.error("schedule-twice", (*path, "name"), f"定期启动“{each['name']}”写了两次。", "Twice.")
        if len(f"{key}-{each['name']}") > LONGEST_NAME:
            zh = f"流程的键连同“{each['name']}”最多 {LONGEST_NAME} 个字符，请改短。"
            found.error("value-invalid", (*path, "name"), zh, "The name is too long.")
        step, since = _every(each["every"], found, path), _since(each, found, path)
        _check_words(each, found, path)
        if step is not None and since is not None:
            about = each.get("start", key), each["unit"], each["every"], since, each["title"]
            read[each["name"]] = CalendarStart(each["name"], *about, each.get("form", {}))
    return tuple(read.values())


def _every(text: str, found: Found, path: Path) -> Duration | None:
    try:
        step = parse_duration(text)
    except DurationRefused as refused:
        found.error("duration-invalid", (*path, "every"), refused.zh, refused.en)
        return None
    if step.working_days or step.hours or step.minutes:
        zh = f"every 要写整天、周、月、年，例如 P1D、P1W、P1M，不能是“{text}”。"
        found.error("duration-invalid", (*path, "every"), zh, "A schedule runs by whole days at least.")
        return None
    return step


def _since(given: Mapping[str, Any], found: Found, path: Path) -> datetime | None:
    clock = _AT.fullmatch(given["at"])
    if clock is None:
        zh = f"at 要写两位的钟点，例如 09:00，不能是“{given['at']}”。"
        found.error("value-invalid", (*path, "at"), zh, "at is a time of day such as 09:00.")
        return None
    try:
        weekly = re.fullmatch(r"P\d+W", given["every"]) is not None
        day = date.fromisoformat(given["from"]) if "from" in given else _FIRST_MONDAY if weekly else _FIRST
    except ValueError:
        zh = f"from 要写日期，例如 2026-03-01，不能是“{given['from']}”。"
        found.error("value-invalid", (*path, "from"), zh, "from is a date.")
        return None
    return datetime.combine(day, time(int(clock[1]), int(clock[2])), BEIJING).astimezone(UTC)


def _check_words(given: Mapping[str, Any], found: Found, path: Path) -> None:
    texts = [("title", given["title"]), *(("form", text) for text in given.get("form", {}).values())]
    for key, text in texts:
        for word in _WORD.findall(text) if isinstance(text, str) else ():
            if word not in ("date", "month", "last_month", "year"):
                zh = f"不认识“{{{word}}}”；可以写 {WORDS}。"
                found.error("value-invalid", (*path, key), zh, f'Unknown word "{{{word}}}".')


def _most(step: Duration) -> timedelta:
    return timedelta(days=366 * step.years + 31 * step.months + 7 * step.weeks + step.days)
