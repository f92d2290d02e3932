"""Pauses, extensions and other calendars on the clocks of a case, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from app.bundles.sla import ClockDef, Sla
from app.bundles.tiers import TierDef
from app.clocks import pausing
from app.clocks.board import Board
from app.clocks.calendar import Calendar, Day, Year
from app.clocks.limits import Limit
from app.clocks.rows import CAP, Clock, Timer
from app.core.clock import BEIJING
from app.core.events import Event
from app.engine.picture import Wait

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHY = {"reason": "等上级批复"}

RESOLVE = ClockDef(
    "resolve",
    "case.received",
    "case.closed",
    "P7D",
    "办结时限",
    pauses=("hold",),
    extensions=1,
    extends="P3D",
)
TOTAL = ClockDef("total", "case.received", "case.closed", "P15D", "群众时限")
TIERS = (
    TierDef("half", "resolve", 50, None, "过半", "yellow"),
    TierDef("due", "resolve", 100, None, "超期", "red"),
    TierDef("m1", "resolve", None, "P1M", "1-3个月未解决", None, kind="resolve"),
)


def policy(*clocks: ClockDef) -> Sla:
    return Sla(MappingProxyType({clock.name: clock for clock in clocks or (RESOLVE, TOTAL)}), TIERS)


def board(now: datetime, before: Board | None = None, **more: Any) -> Board:
    """A fresh board, or the next act on what another one left behind."""
    clocks = list(before.clocks) if before else []
    timers = list(before.timers) if before else []
    ledger = [*before.history, *before.ledger] if before else []
    on = Board("case-1", "case-1", policy(), now, "x", clocks, timers, history_of=lambda: ledger)
    on.bound_of = lambda element: ("resolve", None)
    return replace(on, **more) if more else on


def received(now: datetime = NOW, **more: Any) -> Board:
    on = board(now, **more)
    on.hear([Event("case.received", "case-1", now, "x", {})])
    on.follow([Wait("7", "timer", "到期", "late", bound=("resolve", None))])
    return on


def clock(on: Board, name: str = "resolve") -> Clock:
    return next(each for each in on.clocks if each.name == name)


def timer(on: Board, tier: str) -> Timer:
    return max((t for t in on.timers if t.tier == tier), key=lambda t: t.generation)


def test_a_pause_holds_the_timers_of_the_clocks_that_heed_it_and_no_others() -> None:
    paused = board(NOW + DAY, received())

    (told,) = pausing.pause(paused, "hold", WHY)

    assert (told.name, told.data["clock"], told.data["reason"]) == ("clock.paused", "resolve", "等上级批复")
    assert (clock(paused).state, clock(paused).due_at) == ("paused", None)
    assert (clock(paused, "total").state, clock(paused, "total").due_at) == ("running", NOW + 15 * DAY)
    for tier in ("half", "due", "late"):
        assert (timer(paused, tier).state, timer(paused, tier).due_at) == ("held", None), tier
    assert timer(paused, "m1").state == "armed", "an age goes on"
    assert timer(paused, CAP).due_at == NOW + 366 * DAY


def test_a_resumed_clock_has_the_time_it_had_left_and_its_timers_the_next_generation() -> None:
    first = received()
    generation = timer(first, "due").generation
    paused = board(NOW + DAY, first)
    pausing.pause(paused, "hold", WHY)
    again = board(NOW + 11 * DAY, paused)

    (told,) = pausing.resume(again, "hold", "批复到了")

    assert (clock(again).state, clock(again).due_at) == ("running", NOW + 17 * DAY)
    assert told.data["due"] == (NOW + 17 * DAY).isoformat()
    for tier in ("due", "late"):
        assert (timer(again, tier).state, timer(again, tier).due_at) == ("armed", NOW + 17 * DAY)
    assert timer(again, "half").due_at == NOW + 13.5 * DAY
    assert timer(again, "due").generation == generation + 2
    assert timer(again, CAP).state == "cancelled"


def test_pausing_or_resuming_twice_has_one_effect() -> None:
    paused = board(NOW + DAY, received())
    pausing.pause(paused, "hold", WHY)

    assert pausing.pause(paused, "hold", WHY) == []
    again = board(NOW + 2 * DAY, paused)
    pausing.resume(again, "hold", "好了")
    assert pausing.resume(again, "hold", "好了") == []
    assert clock(again).due_at == NOW + 8 * DAY


def test_a_clock_that_heeds_no_pause_or_is_late_already_is_not_paused() -> None:
    with pytest.raises(pausing.PauseRefused, match="没有在走的时钟因挂账暂停"):
        pausing.pause(received(sla=policy(TOTAL)), "hold", WHY)
    with pytest.raises(pausing.PauseRefused, match="“办结时限”已经超期"):
        pausing.pause(board(NOW + 7 * DAY + timedelta(seconds=1), received()), "hold", WHY)
    assert pausing.pause(board(NOW + 7 * DAY, received()), "hold", WHY)


def test_what_was_asked_for_in_time_stands_still_from_then_though_it_was_late_when_granted() -> None:
    late = board(NOW + 9 * DAY, received())
    for tier in ("half", "due"):
        late.alarms.put(timer(late, tier), "fired")
    with pytest.raises(pausing.PauseRefused, match="已经超期"):
        pausing.pause(late, "hold", WHY, NOW + 8 * DAY)

    pausing.pause(late, "hold", WHY, NOW + 6 * DAY)
    held = timer(late, "due")
    again = board(NOW + 20 * DAY, late)
    pausing.resume(again, "hold", "批复到了")

    assert (held.state, held.due_at) == ("held", None), "it was not late when it was asked to stand still"
    assert timer(late, "half").state == "fired"
    assert timer(late, CAP).due_at == NOW + 371 * DAY
    assert clock(again).due_at == NOW + 21 * DAY, "the one day that was left when it was asked"
    assert (timer(again, "due").state, timer(again, "due").due_at) == ("armed", NOW + 21 * DAY)


def test_a_pause_that_nobody_ends_ends_at_its_cap() -> None:
    paused = board(NOW + DAY, received())
    pausing.pause(paused, "hold", {**WHY, "cap": "P10D"})
    cap = timer(paused, CAP)
    late = board(NOW + 11 * DAY + HOUR, paused)

    (told,) = pausing.at_cap(late, cap)

    assert cap.due_at == NOW + 11 * DAY
    assert told.data["reason"] == "暂停期满"
    assert clock(late).due_at == NOW + 17 * DAY, "from the cap, not from when it was seen"


def test_the_engine_does_not_take_the_cap_for_a_timer_of_its_own() -> None:
    paused = board(NOW + DAY, received())
    pausing.pause(paused, "hold", WHY)

    paused.follow([])

    assert timer(paused, CAP).state == "armed"
    assert timer(paused, "late").state == "cancelled"
    assert not paused.moves_by_itself()


def test_a_stop_while_paused_leaves_the_due_time_that_was_owed() -> None:
    paused = board(NOW + DAY, received())
    pausing.pause(paused, "hold", WHY)
    closed = board(NOW + 5 * DAY, paused)

    closed.close()

    assert (clock(closed).state, clock(closed).due_at) == ("stopped", NOW + 11 * DAY)
    assert {t.state for t in closed.timers} == {"cancelled"}


def test_a_paused_clock_survives_a_policy_swap() -> None:
    paused = board(NOW + DAY, received())
    pausing.pause(paused, "hold", WHY)
    swapped = board(NOW + 2 * DAY, paused, limit_of=lambda drawn: Limit("P10D"))

    (told,) = swapped.ask_again(["resolve"])
    again = board(NOW + 4 * DAY, swapped)
    pausing.resume(again, "hold", "好了")

    assert (told.name, told.data["due"]) == ("clock.limit_changed", None)
    assert clock(swapped).state == "paused"
    assert clock(again).due_at == NOW + 13 * DAY, "ten days, and three of pause"


def test_an_extension_is_granted_once_and_never_when_asked_for_a_second_too_late() -> None:
    due = NOW + 7 * DAY
    late = board(due + timedelta(seconds=1), received())
    in_time = board(due + DAY, received())

    with pytest.raises(pausing.ExtensionRefused, match="申请时“办结时限”已经超期"):
        pausing.extend(late, "resolve", WHY)
    (told,) = pausing.extend(in_time, "resolve", WHY, asked=due)

    assert clock(in_time).due_at == due + 3 * DAY
    assert (told.name, told.data["by"]) == ("clock.extended", "P3D")
    assert timer(in_time, "late").due_at == due + 3 * DAY
    with pytest.raises(pausing.ExtensionRefused, match="最多延期 1 次"):
        pausing.extend(in_time, "resolve", WHY)


def test_an_extension_may_be_shorter_than_granted_and_not_longer() -> None:
    on = board(NOW + DAY, received())

    with pytest.raises(pausing.ExtensionRefused, match="每次最多延长3 天"):
        pausing.extend(on, "resolve", WHY, by="P4D")
    pausing.extend(on, "resolve", WHY, by="P1D")

    assert clock(on).due_at == NOW + 8 * DAY
    with pytest.raises(pausing.ExtensionRefused, match="“群众时限”不可以延期"):
        pausing.extend(on, "total", WHY)


def test_an_extension_after_a_pause_and_one_during_it_add_up() -> None:
    paused = board(NOW + DAY, received())
    pausing.pause(paused, "hold", WHY)
    pausing.extend(paused, "resolve", WHY)
    again = board(NOW + 3 * DAY, paused)

    pausing.resume(again, "hold", "好了")

    assert clock(again).due_at == NOW + 12 * DAY


def test_ten_returns_leave_one_unbroken_total_clock() -> None:
    on = received()
    for n in range(1, 11):
        on = board(NOW + n * HOUR, on)
        step = {"step": "sign", "ref": str(n)}
        for name in ("task.opened", "task.returned", "case.dispatched"):
            on.hear([Event(name, "case-1", on.now, "x", step)])
    again = board(NOW + DAY, on)

    assert again.hear([Event("case.received", "case-1", again.now, "x", {})]) == []
    (total,) = [each for each in again.clocks if each.name == "total"]
    assert (total.state, total.started_at, total.due_at) == ("running", NOW, NOW + 15 * DAY)
    assert [line.entry for line in again.entries(total)] == ["started"]


def test_another_calendar_moves_a_clock_in_working_time_and_its_timers() -> None:
    working = replace(RESOLVE, limit="P5WD")
    first = received(sla=policy(working))
    off = {(NOW + n * DAY).date(): Day("holiday", "长假") for n in range(1, 5)}
    calendar = Calendar("cn", 1, {2026: Year(off)})
    later = board(NOW + HOUR, first, sla=policy(working), calendar_of=lambda: calendar)

    ((before, after),) = pausing.recount(later)

    assert before.due_at == NOW + 7 * DAY
    assert after.due_at == datetime(2026, 3, 13, 9, 0, tzinfo=BEIJING)
    assert (timer(later, "late").due_at, clock(later).calendar) == (after.due_at, 1)
    assert pausing.recount(later) == []


def test_a_class_begins_just_after_its_instant_unless_it_is_the_first() -> None:
    m3 = TierDef("m3", "resolve", None, "P3M", "3-6个月未解决", None, kind="resolve", just_after=True)
    sla = Sla(policy().clocks, (*TIERS, m3))

    on = received(sla=sla)

    assert timer(on, "m1").due_at == NOW.replace(month=4)
    assert timer(on, "m3").due_at == NOW.replace(month=6) + timedelta(microseconds=1)
