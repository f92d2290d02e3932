"""`schedules:` of process.yaml: on which days, in which words, and what is wrong with a line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.bundles.calendar_starts import CalendarStart
from tests.bundles.conftest import PROCESS, Compile

MONTHLY = CalendarStart("m", "p", "d1", "P1M", datetime(2000, 1, 1, 1, tzinfo=UTC), "{last_month}，{date}")
LINE = "schedules: [{name: monthly, every: P1M, at: '09:00', unit: d1, title: 每月一件}]\n"


@pytest.mark.parametrize(
    ("every", "now", "last", "following"),
    [
        ("P1M", datetime(2026, 3, 1, 1, tzinfo=UTC), "2026-03-01", "2026-04-01"),
        ("P1M", datetime(2026, 3, 1, 0, 59, tzinfo=UTC), "2026-02-01", "2026-03-01"),
        ("P3M", datetime(2026, 12, 31, tzinfo=UTC), "2026-10-01", "2027-01-01"),
        ("P1W", datetime(2026, 3, 4, tzinfo=UTC), "2026-02-28", "2026-03-07"),
        ("P1D", datetime(2026, 3, 4, 2, tzinfo=UTC), "2026-03-04", "2026-03-05"),
    ],
)
def test_the_days_of_a_schedule_are_counted_from_its_first(
    every: str, now: datetime, last: str, following: str
) -> None:
    start = CalendarStart("m", "p", "d1", every, MONTHLY.since, "")

    assert str(start.last(now).date()) == last
    assert str(start.following(now).date()) == following


def test_the_words_of_a_title_are_those_of_the_day_in_beijing() -> None:
    at = datetime(2026, 3, 31, 16, tzinfo=UTC) + timedelta(minutes=1)

    assert MONTHLY.worded(MONTHLY.title, at) == "2026-03，2026-04-01"


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ("", "", None, ""),
        ("every: P1M", "every: PT2H", "duration-invalid", "整天、周、月、年"),
        ("every: P1M", "every: 每月", "duration-invalid", "每月"),
        ("'09:00'", "'9点'", "value-invalid", "例如 09:00"),
        ("每月一件", "'{week}'", "value-invalid", "{last_month}"),
        ("unit: d1, ", "", "key-missing", "unit"),
        (
            "}]",
            "}, {name: monthly, every: P1D, at: '08:00', unit: d1, title: 又一件}]",
            "schedule-twice",
            "写了两次",
        ),
        ("unit: d1", "unit: d1, from: 三月", "value-invalid", "例如 2026-03-01"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(
    compile_with: Compile, old: str, new: str, rule: str | None, says: str
) -> None:
    process = PROCESS.replace("starts: [api]", "starts: [api, schedule]") + LINE.replace(old, new, 1)

    bundle, findings = compile_with(process=process)

    told: Any = [each.rule for each in findings if each.level == "error"]
    assert told == ([rule] if rule else [])
    assert all(says in each.zh for each in findings)
    assert (bundle is not None) == (rule is None)
