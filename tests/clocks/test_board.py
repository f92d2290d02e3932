"""The clocks of a case without a database: what starts them, what stops them, and what their timers then do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from app.bundles.sla import ClockDef, Sla
from app.bundles.tiers import TierDef
from app.clocks.board import Board
from app.clocks.rows import Timer
from app.core.events import Event
from app.engine.picture import Wait

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASE = "case-1"

CLOCKS = (
    ClockDef("total", "case.received", "case.closed", "P7D"),
    ClockDef("sign", "task.opened(sign)", "task.claimed(sign)", "PT2H"),
    ClockDef("handle", "task.claimed(sign)", "task.done(handle)", "P1D"),
)
TIERS = (
    TierDef("half", "sign", 50, None, "过半", "yellow"),
    TierDef("due", "sign", 100, None, "到期", "red"),
    TierDef("due", "total", 100, None, "超期", "red"),
    TierDef("m1", "total", None, "P1M", "超过1个月", None),
)
SLA = Sla(MappingProxyType({clock.name: clock for clock in CLOCKS}), TIERS)


def board(now: datetime = NOW, before: Board | None = None) -> Board:
    """A fresh board, or the next act on what another board left behind."""
    clocks = list(before.clocks) if before else []
    waiting = ("armed", "claimed", "held", "incident")
    timers = [t for t in before.timers if t.kind == "flag" or t.state in waiting] if before else []
    ledger = [*before.history, *before.ledger] if before else []
    return Board(CASE, CASE, SLA, now, "somebody", clocks, timers, history_of=lambda: ledger)


def hear(on: Board, name: str, **data: Any) -> list[str]:
    return [event.name for event in on.hear([Event(name, CASE, on.now, "somebody", data)])]


def states(on: Board) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for clock in on.clocks:
        found.setdefault(clock.name, []).append(clock.state)
    return found


def waiting(ref: str = "7", clock: str = "sign", tier: str | None = None, step_ref: str | None = "5") -> Wait:
    return Wait(ref, "timer", "无人签收", "late", bound=(clock, tier), step_ref=step_ref)


def token(on: Board) -> Timer:
    return next(timer for timer in reversed(on.timers) if timer.kind == "token")


def test_an_event_starts_and_stops_what_names_it_and_nothing_else() -> None:
    first = board()

    assert hear(first, "case.received") == ["clock.started"]
    assert hear(first, "task.opened", step="dispatch", ref="3") == []
    assert hear(first, "task.opened", step="sign", ref="5") == ["clock.started"]
    assert hear(first, "task.claimed", step="dispatch", ref="3") == []
    assert sorted(hear(first, "task.claimed", step="sign", ref="5")) == ["clock.started", "clock.stopped"]
    assert states(first) == {"total": ["running"], "sign": ["stopped"], "handle": ["running"]}


def test_a_clock_may_wait_until_a_name_of_the_data_is_said_to_be_so() -> None:
    clocks = {"contact": ClockDef("contact", "case.dispatched", "data.true(contacted)", "P1D")}
    on = board()
    on.sla = Sla(MappingProxyType(clocks), ())

    hear(on, "case.dispatched")
    assert hear(on, "data.true", field="solved") == []
    assert hear(on, "data.true", field="contacted") == ["clock.stopped"]
    assert on.sla.said == {"contacted"}


def test_what_a_milestone_stopped_runs_on_when_the_case_goes_back_to_before_it() -> None:
    clocks = {
        "total": ClockDef("total", "case.received", "case.replied", "P7D"),
        "round": ClockDef("round", "case.received", "task.done(handle)", "P7D"),
        "callback": ClockDef("callback", "case.replied", "case.closed", "P7D", per="start"),
    }
    first = board()
    first.sla = Sla(MappingProxyType(clocks), ())
    hear(first, "case.received")
    hear(first, "task.done", step="handle", ref="3")
    hear(first, "case.replied")
    back = board(NOW + HOUR, first)
    back.sla = first.sla

    told = [event.name for event in back.undo({"case.replied"})]

    assert told == ["clock.resumed", "clock.stopped"]
    assert states(back) == {"total": ["running"], "round": ["stopped"], "callback": ["stopped"]}
    assert back.due_of("total") == NOW + timedelta(days=7), "as if it had not stopped"
    hear(back, "case.replied")
    assert states(back)["callback"] == ["stopped", "running"]
    assert back.due_of("callback") == NOW + HOUR + timedelta(days=7)
    assert hear(back, "case.redone") == ["clock.stopped"], "another round is before the next reply"


def test_a_clock_of_the_case_starts_once_and_for_ever() -> None:
    first = board()
    hear(first, "case.received", since=(NOW - HOUR).isoformat())
    later = board(NOW + HOUR, first)

    assert hear(later, "case.received") == []
    assert [clock.started_at for clock in later.clocks] == [NOW - HOUR]
    assert later.clocks[0].due_at == NOW - HOUR + timedelta(days=7)


def test_a_clock_that_may_resume_runs_on_as_if_it_had_not_stopped() -> None:
    clocks = {"total": ClockDef("total", "case.received", "case.replied", "P7D", resume=("case.redone",))}
    sla = Sla(MappingProxyType(clocks), TIERS)

    def later(hours: int, before: Board | None = None) -> Board:
        on = board(NOW + hours * HOUR, before)
        on.sla = sla
        return on

    first = later(0)
    assert hear(first, "case.redone") == [], "what never started does not go on"
    hear(first, "case.received")
    assert hear(first, "case.redone") == [], "what runs goes on anyway"
    replied = later(24, first)
    hear(replied, "case.replied")
    assert {timer.state for timer in replied.timers} == {"cancelled"}
    again = later(24 * 8, replied)
    told = hear(again, "case.redone")

    assert told == ["clock.resumed"]
    (clock,) = again.clocks
    assert (clock.state, clock.started_at, clock.due_at) == ("running", NOW, NOW + timedelta(days=7))
    assert {timer.state for timer in again.timers} == {"armed"}
    assert again.light() == "red", "the wait counts"


def test_a_clock_of_a_step_has_one_instance_per_opening_and_names_mean_the_newest() -> None:
    first = board()
    hear(first, "task.opened", step="sign", ref="5")
    hear(first, "task.cancelled", step="sign", ref="5")
    second = board(NOW + HOUR, first)
    hear(second, "task.opened", step="sign", ref="9")

    assert states(second) == {"sign": ["stopped", "running"]}
    assert [clock.instance for clock in second.clocks] == ["5", "9"]
    assert second.due_of("sign") == NOW + 3 * HOUR
    assert second.tier_of("sign", "half") == NOW + 2 * HOUR
    assert second.due_of("nothing") is None
    assert second.tier_of("sign", "nothing") is None


def test_a_claim_stops_only_the_clock_of_its_own_task() -> None:
    on = board()
    hear(on, "task.opened", step="sign", ref="5")
    hear(on, "task.opened", step="sign", ref="6")

    hear(on, "task.claimed", step="sign", ref="5")

    assert {clock.instance: clock.state for clock in on.clocks if clock.name == "sign"} == {
        "5": "stopped",
        "6": "running",
    }


def test_what_measures_a_task_ends_with_it_whatever_the_policy_waits_for() -> None:
    for gone in ("task.done", "task.cancelled", "task.returned"):
        on = board()
        hear(on, "task.opened", step="sign", ref="5")
        assert hear(on, gone, step="sign", ref="5") == ["clock.stopped"]


def test_a_start_arms_its_tiers_and_a_stop_takes_back_those_not_reached() -> None:
    first = board()
    hear(first, "task.opened", step="sign", ref="5")
    assert {(timer.tier, timer.due_at) for timer in first.timers} == {
        ("half", NOW + HOUR),
        ("due", NOW + 2 * HOUR),
    }
    later = board(NOW + HOUR, first)

    hear(later, "task.claimed", step="sign", ref="5")

    assert {timer.tier: timer.state for timer in later.timers} == {"half": "armed", "due": "cancelled"}
    assert set(later.alarms.changed) == {timer.id for timer in later.timers if timer.tier == "due"}


def test_a_bound_timer_follows_its_clock_and_is_held_when_it_is_met() -> None:
    first = board()
    hear(first, "task.opened", step="sign", ref="5")
    first.follow([waiting()])
    armed = token(first)
    assert (armed.state, armed.due_at, armed.generation) == ("armed", NOW + 2 * HOUR, 1)

    later = board(NOW + HOUR, first)
    hear(later, "task.claimed", step="sign", ref="5")
    later.follow([waiting()])
    assert (token(later).state, token(later).due_at, token(later).id) == ("held", None, armed.id)
    after = board(NOW + 2 * HOUR, later)
    after.follow([])
    assert token(after).state == "cancelled"


def test_a_bound_timer_takes_the_clock_of_its_own_task() -> None:
    on = board()
    hear(on, "task.opened", step="sign", ref="5")
    on.now = NOW + HOUR
    hear(on, "task.opened", step="sign", ref="6")

    on.follow([waiting("7", step_ref="5"), waiting("8", step_ref="6")])

    assert {timer.key: timer.due_at for timer in on.timers if timer.kind == "token"} == {
        "7": NOW + 2 * HOUR,
        "8": NOW + 3 * HOUR,
    }


def test_a_timer_whose_clock_has_not_started_is_held_and_armed_with_the_next_generation() -> None:
    first = board()
    first.follow([waiting(clock="handle")])
    assert (token(first).state, token(first).clock_id) == ("held", None)

    later = board(NOW + HOUR, first)
    hear(later, "task.opened", step="sign", ref="5")
    hear(later, "task.claimed", step="sign", ref="5")
    later.follow([waiting(clock="handle")])
    armed = token(later)

    assert (armed.state, armed.generation) == ("armed", 2)
    assert armed.due_at == NOW + HOUR + timedelta(days=1)
    again = board(NOW + 2 * HOUR, later)
    again.follow([waiting(clock="handle")])
    assert (again.alarms.new, again.alarms.changed) == ({}, {})


def test_a_plain_timer_is_armed_once_and_a_cycle_goes_on_with_the_next_generation() -> None:
    plain = Wait("7", "timer", "提醒", "remind", due_at=NOW + HOUR)
    first = board()
    first.follow([plain])
    same = board(NOW, first)
    same.follow([plain])
    assert (same.alarms.new, same.alarms.changed) == ({}, {})

    same.alarms.put(token(same), "fired")
    same.follow([Wait("7", "timer", "提醒", "remind", due_at=NOW + 2 * HOUR)])

    assert [(timer.generation, timer.state) for timer in same.timers] == [(1, "fired"), (2, "armed")]


def test_the_end_of_a_case_leaves_nothing_running_or_waiting() -> None:
    on = board()
    hear(on, "case.received")
    hear(on, "task.opened", step="sign", ref="5")
    on.follow([waiting()])

    told = on.close()

    assert {event.name for event in told} == {"clock.stopped"}
    assert {clock.state for clock in on.clocks} == {"stopped"}
    assert {timer.state for timer in on.timers} == {"cancelled"}
    assert [line["entry"] for line in on.ledger] == ["started", "started", "stopped", "stopped"]


def test_the_ledger_names_the_clock_the_hand_and_the_instant() -> None:
    on = board()
    hear(on, "task.opened", step="sign", ref="5")

    (line,) = on.ledger

    assert (line["case_id"], line["clock_id"], line["at"], line["actor_id"]) == (
        CASE,
        on.clocks[0].id,
        NOW,
        "somebody",
    )
    assert line["detail"] == {"clock": "sign", "limit": "PT2H"}


def in_round(number: int, now: datetime, before: Board | None = None) -> Board:
    """A board of a case in this round whose clock `resolve` is one for each round."""
    resolve = ClockDef("resolve", "case.dispatched", "case.replied", "P2D", per="round")
    tier = TierDef("due", "resolve", 100, None, "超期", "red")
    sla = Sla(MappingProxyType({"resolve": resolve}), (tier,))
    return replace(board(now, before), sla=sla, round_of=lambda: number)


def test_a_clock_of_a_round_starts_once_in_each_and_the_one_before_gives_way() -> None:
    first = in_round(0, NOW)
    assert hear(first, "case.dispatched") == ["clock.started"]
    assert hear(first, "case.dispatched") == []

    second = in_round(1, NOW + HOUR, first)

    assert hear(second, "case.dispatched") == ["clock.stopped", "clock.started"]
    assert [(clock.instance, clock.state) for clock in second.clocks] == [
        ("#0", "stopped"),
        ("#1", "running"),
    ]
    assert second.due_of("resolve") == NOW + HOUR + timedelta(days=2)
    assert hear(second, "case.replied") == ["clock.stopped"]


def test_a_claim_undone_gives_the_timers_the_time_that_was_left() -> None:
    first = board()
    first.bound_of = lambda element: ("sign", None)
    hear(first, "task.opened", step="sign", ref="5")
    first.follow([waiting()])
    half = board(NOW + HOUR / 2, first)
    hear(half, "task.claimed", step="sign", ref="5")
    later = replace(board(NOW + 9 * HOUR, half), bound_of=first.bound_of)

    told = hear(later, "task.unclaimed", step="sign", ref="5", since=(NOW + HOUR / 2).isoformat())

    assert told == ["clock.resumed"]
    assert token(later).state == "armed"
    assert token(later).due_at == later.due_of("sign") == NOW + 10.5 * HOUR
    assert later.tier_of("sign", "half") == NOW + 9.5 * HOUR
    assert later.light() is None


def test_a_claim_of_another_time_undone_starts_nothing() -> None:
    first = board()
    hear(first, "task.opened", step="sign", ref="5")
    hear(first, "task.claimed", step="sign", ref="5")
    later = board(NOW + HOUR, first)

    assert hear(later, "task.unclaimed", step="sign", ref="5", since=(NOW + HOUR / 2).isoformat()) == []


def test_of_a_step_of_several_the_timer_waits_for_whoever_has_not_done_it():
    clock = ClockDef("sign", "task.opened(sign)", "task.done(sign)", "PT2H")
    on = Board(CASE, CASE, Sla(MappingProxyType({"sign": clock}), ()), NOW, "somebody", [], [])
    for ref in ("11", "12"):
        hear(on, "task.opened", step="sign", ref=ref)
    on.follow([waiting(step_ref="10")])

    for ref, left in (("12", "armed"), ("11", "held")):
        hear(on, "task.done", step="sign", ref=ref)
        on.follow([waiting(step_ref="10")])

        assert token(on).state == left, ref
