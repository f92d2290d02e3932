"""Due times as pure functions: months are clamped, days keep the wall time of Beijing, hours are elapsed time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clocks.ledger import Entry, at_share, due
from app.core.clock import BEIJING


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("start", "allowance", "end"),
    [
        ("2026-03-02T09:00", "PT2H", "2026-03-02T11:00"),
        ("2026-03-02T23:30", "PT24H", "2026-03-03T23:30"),
        ("2026-03-02T09:00", "P7D", "2026-03-09T09:00"),
        ("2026-01-31T17:00", "P1M", "2026-02-28T17:00"),
        ("2028-01-31T17:00", "P1M", "2028-02-29T17:00"),
        ("2026-08-31T08:00", "P6M", "2027-02-28T08:00"),
        ("2028-02-29T08:00", "P1Y", "2029-02-28T08:00"),
        ("2026-12-30T23:59", "P3D", "2027-01-02T23:59"),
        ("2026-12-31T23:59", "P1M", "2027-01-31T23:59"),
        ("2026-03-31T00:00", "P3M", "2026-06-30T00:00"),
    ],
)
def test_a_limit_is_counted_on_beijings_calendar(start: str, allowance: str, end: str) -> None:
    assert due([Entry(beijing(start), "started")], allowance) == beijing(end)


def test_a_month_near_midnight_is_beijings_month_not_greenwichs() -> None:
    start = datetime(2026, 1, 30, 17, 0, tzinfo=UTC)  # already the 31st in Beijing

    assert due([Entry(start, "started")], "P1M") == beijing("2026-02-28T01:00")


def test_without_a_limit_or_before_the_start_nothing_is_due() -> None:
    start = Entry(beijing("2026-03-02T09:00"), "started")

    assert due([start], None) is None
    assert due([], "PT2H") is None
    assert due([Entry(start.at, "stopped")], "PT2H") is None


def test_what_comes_after_the_start_moves_no_due_time() -> None:
    start = Entry(beijing("2026-03-02T09:00"), "started")
    later = [
        Entry(start.at + timedelta(hours=n), entry) for n, entry in enumerate(("tier_reached", "stopped"))
    ]

    assert due([start, *later], "PT2H") == due([start], "PT2H")


instants = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
spans = st.timedeltas(timedelta(minutes=1), timedelta(days=3650))


@settings(max_examples=200, deadline=None)
@given(instants, spans, st.integers(1, 999))
def test_a_share_lies_between_start_and_due_and_grows_with_the_percent(
    start: datetime, span: timedelta, percent: int
) -> None:
    end = start + span

    share = at_share(start, end, percent)

    assert start <= share
    assert (share <= end) is (percent <= 100)
    assert share <= at_share(start, end, percent + 1)
    assert at_share(start, end, 100) == end


@settings(max_examples=200, deadline=None)
@given(instants, spans, st.sampled_from(["PT1M", "PT2H", "P1D", "P7D", "P1M", "P6M", "P1Y"]))
def test_whoever_starts_later_is_never_due_earlier(start: datetime, later: timedelta, allowance: str) -> None:
    first = due([Entry(start, "started")], allowance)
    second = due([Entry(start + later, "started")], allowance)

    assert first is not None
    assert second is not None
    assert start < first <= second
