"""Due times as pure functions: natural time by Beijing's calendar, working time by a working calendar."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clocks import seed
from app.clocks.calendar import NO_CALENDAR, Calendar, Day, WorkingLine, Year
from app.clocks.ledger import Entry, add, due, reckon
from app.core.clock import BEIJING

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def started(text: str) -> Entry:
    return Entry(beijing(text), "started")


def announced() -> Calendar:
    """2024 to 2026 as the State Council announced them; 2027 is provisional."""
    years = {each.year: Year(each.days, each.hours, 1, each.source) for each in seed.announced()}
    return Calendar("cn", 1, MappingProxyType(years), "中国大陆")


CN = announced()


def county() -> Calendar:
    """A county that works other hours, has two days off of its own, and rests on a make-up day of CN's."""
    days = {
        date(2026, 3, 20): Day("holiday", "肉孜节"),
        date(2026, 5, 27): Day("holiday", "古尔邦节"),
        date(2026, 2, 14): Day("holiday", "本地不调休"),
        date(2026, 10, 1): Day("makeup", "值守"),
    }
    late = ((time(10), time(14)), (time(16), time(20)))
    return Calendar("county", 2, MappingProxyType({2026: Year(days, late, 2, "通知")}), "示范县", CN)


COUNTY = county()


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
    assert due([started(start)], allowance) == beijing(end)


@pytest.mark.parametrize(
    ("start", "allowance", "end"),
    [
        ("2026-03-19T12:00", "P2WD", "2026-03-24T12:00"),  # a day off of its own and a week-end
        ("2026-03-19T13:00", "PT2WH", "2026-03-19T17:00"),  # its own break at noon
        ("2026-03-19T19:00", "PT2WH", "2026-03-23T11:00"),
        ("2026-02-13T19:00", "PT2WH", "2026-02-24T11:00"),  # CN's make-up day is off, its holidays hold
        ("2026-09-30T19:00", "PT2WH", "2026-10-01T11:00"),  # CN's holiday is worked
        ("2027-01-04T19:00", "PT2WH", "2027-01-05T11:00"),  # its hours last into a year nobody announced
    ],
)
def test_a_region_says_what_differs_and_follows_in_the_rest(start: str, allowance: str, end: str) -> None:
    assert due([started(start)], allowance, COUNTY) == beijing(end)
    assert COUNTY.provisional(beijing(start), beijing(end)) == ((2027,) if start > "2027" else ())


def test_a_month_near_midnight_is_beijings_month_not_greenwichs() -> None:
    start = datetime(2026, 1, 30, 17, 0, tzinfo=UTC)  # already the 31st in Beijing

    assert due([Entry(start, "started")], "P1M") == beijing("2026-02-28T01:00")


@pytest.mark.parametrize(
    ("start", "allowance", "end"),
    [
        # Spring Festival 2026: off 15–23 February, worked on Saturday the 14th and Saturday the 28th
        ("2026-02-12T15:00", "P3WD", "2026-02-24T15:00"),
        ("2026-02-13T15:00", "P5WD", "2026-02-27T15:00"),
        ("2026-02-13T15:00", "P6WD", "2026-02-28T15:00"),
        ("2026-02-13T17:00", "PT4WH", "2026-02-14T12:00"),
        ("2026-02-14T17:00", "PT2WH", "2026-02-24T10:00"),
        # the days around New Year's Day: off 1–3 January, worked on Sunday the 4th
        ("2025-12-31T10:00", "P1WD", "2026-01-04T10:00"),
        # over noon, over night, over a weekend
        ("2026-03-02T11:00", "PT2WH", "2026-03-02T14:00"),
        ("2026-03-02T10:00", "PT2WH", "2026-03-02T12:00"),
        ("2026-03-02T12:30", "PT1WH", "2026-03-02T14:00"),
        ("2026-03-06T17:30", "PT1WH", "2026-03-09T09:30"),
        ("2026-03-06T20:00", "PT8WH", "2026-03-09T18:00"),
        # begun on a day off: the whole of the next workday counts
        ("2026-03-07T10:00", "P1WD", "2026-03-10T00:00"),
        ("2026-03-08T23:59", "P1WD", "2026-03-10T00:00"),
        ("2026-03-06T23:59", "P1WD", "2026-03-09T23:59"),
    ],
)
def test_working_time_is_counted_by_the_working_calendar(start: str, allowance: str, end: str) -> None:
    assert due([started(start)], allowance, CN) == beijing(end)


def test_the_end_of_the_year_runs_into_a_provisional_one_from_monday_to_friday() -> None:
    start = beijing("2026-12-11T10:00")

    end = due([Entry(start, "started")], "P15WD", CN)

    assert end == beijing("2027-01-01T10:00"), "New Year's Day is not announced yet"
    assert CN.provisional(start, end) == (2027,)
    assert due([Entry(start, "started")], "P14WD", CN) == beijing("2026-12-31T10:00")
    assert CN.provisional(start, beijing("2026-12-31T10:00")) == ()


def test_without_a_calendar_monday_to_friday_are_worked() -> None:
    assert due([started("2026-02-13T15:00")], "P1WD", NO_CALENDAR) == beijing("2026-02-16T15:00")


def test_a_day_with_hours_of_its_own_is_counted_by_them() -> None:
    half = Day("workday", "半天", ((time(9), time(11)),))
    calendar = Calendar("cn", 1, {2026: Year({date(2026, 3, 2): half})})

    assert due([started("2026-03-02T09:00")], "PT4WH", calendar) == beijing("2026-03-03T11:00")


def test_without_a_limit_or_before_the_start_nothing_is_due() -> None:
    start = started("2026-03-02T09:00")

    assert due([start], None) is None
    assert due([], "PT2H") is None
    assert due([Entry(start.at, "stopped")], "PT2H") is None


def test_what_does_not_give_time_back_moves_no_due_time() -> None:
    start = started("2026-03-02T09:00")
    later = [Entry(start.at + n * HOUR, entry) for n, entry in enumerate(("tier_reached", "stopped"))]
    gap = [Entry(start.at + HOUR, "stopped"), Entry(start.at + 2 * HOUR, "resumed", {"stood": False})]

    assert due([start, *later], "PT2H") == due([start], "PT2H")
    assert due([start, *gap], "PT2H") == due([start], "PT2H")


def pause(since: str, until: str | None, **detail: str) -> list[Entry]:
    over = [Entry(beijing(until), "resumed")] if until else []
    return [Entry(beijing(since), "paused", detail), *over]


def test_a_pause_over_a_weekend_gives_back_natural_days_and_no_working_time() -> None:
    weekend = pause("2026-03-06T20:00", "2026-03-09T08:00")
    start = started("2026-03-05T10:00")

    assert due([start, *weekend], "PT20WH", CN) == due([start], "PT20WH", CN)
    assert due([start, *weekend], "P7D", CN) == beijing("2026-03-14T22:00")
    assert due([start, *weekend], "P5WD", CN) == beijing("2026-03-12T22:00"), "8 hours of Monday, 4 of Friday"


def test_a_clock_is_not_due_while_it_is_paused() -> None:
    entries = [started("2026-03-02T09:00"), *pause("2026-03-02T10:00", None)]

    assert due(entries, "P7D") is None


def test_a_pause_counts_at_most_to_its_cap() -> None:
    entries = [started("2026-03-02T09:00"), *pause("2026-03-02T10:00", "2026-03-20T10:00", cap="P2D")]

    assert due(entries, "P7D") == beijing("2026-03-11T09:00")


def test_a_stop_ends_a_pause() -> None:
    entries = [started("2026-03-02T09:00"), *pause("2026-03-02T10:00", None)]
    stopped = Entry(beijing("2026-03-03T10:00"), "stopped")

    assert due([*entries, stopped], "P7D") == beijing("2026-03-10T09:00")


def test_an_extension_after_a_pause_is_added_to_what_the_pause_left() -> None:
    entries = [
        started("2026-03-02T09:00"),
        *pause("2026-03-03T09:00", "2026-03-05T09:00"),
        Entry(beijing("2026-03-06T09:00"), "extended", {"by": "P3D"}),
    ]

    assert due(entries, "P7D") == beijing("2026-03-14T09:00")


def test_another_limit_keeps_what_was_paused() -> None:
    entries = [started("2026-03-02T09:00"), *pause("2026-03-03T09:00", "2026-03-05T09:00")]

    assert due(entries, "P7D", CN) == beijing("2026-03-11T09:00")
    assert due(entries, "P15D", CN) == beijing("2026-03-19T09:00")
    assert due(entries, "P5WD", CN) == beijing("2026-03-11T09:00"), "two workdays of pause"


def test_a_share_of_working_time_lies_in_working_time() -> None:
    worked = reckon([started("2026-03-06T16:00")], "PT4WH", CN)

    assert worked is not None
    assert worked.at_share(50) == beijing("2026-03-06T18:00")
    assert worked.at_share(75) == beijing("2026-03-09T10:00")
    assert worked.at_share(100) == worked.due == beijing("2026-03-09T11:00")


instants = st.datetimes(datetime(2023, 1, 1), datetime(2029, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=90))
LIMITS = ["PT1M", "PT2H", "P1D", "P7D", "P1M", "P6M", "P1WD", "P5WD", "P13WD", "PT4WH", "PT40WH"]
limits = st.sampled_from(LIMITS)


@settings(max_examples=150, deadline=None)
@given(instants, limits, st.integers(1, 300), st.lists(st.tuples(spans, spans), max_size=3))
def test_a_share_lies_between_start_and_due_and_grows_with_the_percent(
    start: datetime, allowance: str, percent: int, pauses: Sequence[tuple[timedelta, timedelta]]
) -> None:
    worked = reckon(with_pauses(start, pauses), allowance, CN)
    assert worked is not None
    share, more, end = worked.at_share(percent), worked.at_share(percent + 1), worked.due

    assert share is not None
    assert more is not None
    assert end is not None
    assert start <= share <= more
    assert percent > 100 or share <= end


@settings(max_examples=150, deadline=None)
@given(instants, spans, limits)
def test_whoever_starts_later_is_never_due_earlier(start: datetime, later: timedelta, allowance: str) -> None:
    first = due([Entry(start, "started")], allowance, CN)
    second = due([Entry(start + later, "started")], allowance, CN)

    assert first is not None
    assert second is not None
    assert start < first <= second


def with_pauses(start: datetime, pauses: Sequence[tuple[timedelta, timedelta]]) -> list[Entry]:
    """A ledger in which after some time the clock stands for some time, again and again."""
    entries, at = [Entry(start, "started")], start
    for before, long in pauses:
        entries += [Entry(at + before, "paused", {"reason": "挂账"}), Entry(at + before + long, "resumed")]
        at += before + long
    return entries


@settings(max_examples=150, deadline=None)
@given(instants, limits, st.lists(st.tuples(spans, spans), min_size=1, max_size=4), st.data())
def test_due_is_monotone_in_pauses(
    start: datetime, allowance: str, pauses: list[tuple[timedelta, timedelta]], data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(pauses) - 1))
    before, long = pauses[which]
    longer = [*pauses[:which], (before, long + data.draw(spans)), *pauses[which + 1 :]]

    plain = due([Entry(start, "started")], allowance, CN)
    some = due(with_pauses(start, pauses[:which] + pauses[which + 1 :]), allowance, CN)
    all_of_them = due(with_pauses(start, pauses), allowance, CN)
    more = due(with_pauses(start, longer[: which + 1]), allowance, CN)
    less = due(with_pauses(start, pauses[: which + 1]), allowance, CN)

    assert plain is not None
    assert some is not None
    assert all_of_them is not None
    assert more is not None
    assert less is not None
    assert plain <= all_of_them
    assert plain <= some
    assert less <= more


@settings(max_examples=100, deadline=None)
@given(instants, st.booleans(), spans, spans)
def test_working_time_counted_in_two_parts_is_what_is_counted_at_once(
    start: datetime, by_day: bool, first: timedelta, second: timedelta
) -> None:
    line = WorkingLine(CN, by_day)

    assert line.after(line.after(start, first), second) == line.after(start, first + second)
    assert line.between(start, line.after(start, first)) == first
    middle, end = start + first, start + first + second
    assert line.between(start, middle) + line.between(middle, end) == line.between(start, end)


def test_a_limit_in_working_days_is_the_same_in_a_policy_and_in_a_diagram() -> None:
    from app.engine import durations

    for start in ("2026-02-13T15:00", "2026-02-17T10:00", "2026-03-07T10:00", "2026-03-06T23:59"):
        drawn = durations.add(beijing(start), durations.parse_duration("P3WD"), CN.is_workday)
        assert add(beijing(start), "P3WD", CN) == drawn
