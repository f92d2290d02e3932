"""A case told again under another policy, without a database: its pauses, extensions and rounds are its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from app.bundles.sla import ClockDef, Sla
from app.clocks.board import Board
from app.clocks.calendar import NO_CALENDAR
from app.clocks.limits import extended, fixed
from app.clocks.replay import LATE, MET, NONE, RUNNING, Act, Rules, replay, verdict

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
RESOLVE = ClockDef(
    "resolve",
    "case.received",
    "case.closed",
    "P7D",
    pauses=("hold", "suspend"),
    extensions=1,
    extends="P3D",
)


def told(*acts: tuple[int, list[dict[str, Any]]], now: int = 30, by: ClockDef = RESOLVE) -> Board:
    """What happened on which day, under a policy of one clock."""
    told, count = [], 0
    for day, events in acts:
        told.append(Act(START + day * DAY, list(enumerate(events, count))))
        count += len(events)
    rules = Rules(
        Sla(MappingProxyType({by.name: by}), ()),
        lambda clock, at, board: fixed(clock),
        lambda clock, at, board: extended(clock),
    )
    return replay("case-1", told, rules, NO_CALENDAR, START + now * DAY)


RECEIVED = (0, [{"name": "case.received"}])
HELD = (1, [{"name": "clock.paused", "clock": "resolve", "kind": "hold", "cap": "P365D", "reason": "等批复"}])
ON = (11, [{"name": "clock.resumed", "clock": "resolve", "reason": "销账"}])
CLOSED = (16, [{"name": "case.closed"}])


def test_a_pause_survives_another_policy() -> None:
    same = told(RECEIVED, HELD, ON, CLOSED)
    shorter = told(RECEIVED, HELD, ON, CLOSED, by=replace(RESOLVE, limit="P4D"))
    heedless = told(RECEIVED, HELD, ON, CLOSED, by=replace(RESOLVE, pauses=()))

    dues = [(board.clocks[0].due_at or START) - START for board in (same, shorter, heedless)]
    assert dues == [17 * DAY, 14 * DAY, 7 * DAY]
    assert [verdict(board.clocks[0], board.now) for board in (same, shorter, heedless)] == [MET, LATE, LATE]


def test_a_pause_that_lasts_stays_one_and_who_was_late_by_then_is_not_held() -> None:
    held = told(RECEIVED, HELD)
    late = told(RECEIVED, HELD, by=replace(RESOLVE, limit="PT2H"))

    assert (held.clocks[0].state, verdict(held.clocks[0], held.now)) == ("paused", RUNNING)
    assert (late.clocks[0].state, verdict(late.clocks[0], late.now)) == ("running", LATE)


def test_a_hold_granted_late_counts_from_when_it_was_asked_where_that_was_in_time() -> None:
    since = (START + 6 * DAY).isoformat()
    held = (9, [{**HELD[1][0], "since": since}])

    def due(by: ClockDef) -> timedelta:
        return (told(RECEIVED, held, ON, by=by).clocks[0].due_at or START) - START

    assert due(RESOLVE) == 12 * DAY  # it stood still from the sixth to the eleventh day
    assert due(replace(RESOLVE, limit="P10D")) == 12 * DAY  # in time when it was granted: from then on
    assert due(replace(RESOLVE, limit="P4D")) == 4 * DAY  # late by the time it was asked for


def test_an_extension_is_as_long_as_granted_and_as_this_policy_allows() -> None:
    asked = (5, [{"name": "request.opened", "kind": "extension"}])
    granted = (8, [{"name": "clock.extended", "clock": "resolve", "by": "P3D", "reason": "疑难"}])

    def due(by: ClockDef) -> timedelta:
        return (told(RECEIVED, asked, granted, by=by).clocks[0].due_at or START) - START

    assert due(RESOLVE) == 10 * DAY
    assert due(replace(RESOLVE, extends="P1D")) == 8 * DAY
    assert due(replace(RESOLVE, extends="P9D")) == 10 * DAY
    assert due(replace(RESOLVE, extensions=0)) == 7 * DAY
    assert due(replace(RESOLVE, limit="P4D")) == 4 * DAY  # asked for a day too late


def test_a_case_that_rests_and_goes_on_holds_what_heeds_it() -> None:
    rests = (2, [{"name": "case.suspended", "reason": "x"}])
    goes_on = (4, [{"name": "case.resumed", "reason": "x"}])

    heeds = told(RECEIVED, rests, goes_on)
    without = told(RECEIVED, rests, goes_on, by=replace(RESOLVE, limit=""))

    assert heeds.clocks[0].due_at == START + 9 * DAY
    assert verdict(without.clocks[0], without.now) == NONE
