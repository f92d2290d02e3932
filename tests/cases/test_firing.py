"""Timers: never early, exactly once, oldest first after a rest, and harmless when hinted at twice or late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from app.audit import verify
from app.audit.chain import case_chain
from app.audit.streams import audit_stream
from app.cases import firing, flags, tasks
from app.cases.models import tasks as task_rows
from app.clocks import ledger
from app.clocks.models import clock_ledger, clocks, timers
from app.core import db, events
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}
SECOND = timedelta(seconds=1)


def overdue(world: World, case_id: str) -> Row:
    """The token timer of 无人签收."""
    return world.timer(case_id, "sign_overdue")


def steps(world: World, case_id: str) -> list[tuple[str, str]]:
    return [(task["step"], task["state"]) for task in world.rows(task_rows, case_id=case_id)]


def until(world: World, due: Any, *, short_of: timedelta = timedelta(0)) -> None:
    """Lets the database's clock reach an instant, or stop short of it."""
    world.wait(seconds=(due - short_of - world.now()).total_seconds())


def test_a_timer_is_not_claimed_before_its_time_and_is_at_it(world: World) -> None:
    task = world.dispatched()
    due = overdue(world, task["case_id"])["due_at"]
    assert due == task["opened_at"] + timedelta(hours=2) == task["due_at"]

    until(world, due, short_of=2 * SECOND)
    early = (firing.claim_due("here"), firing.fire_due())
    until(world, due)
    fired = firing.fire_due()

    assert early == ([], 0)
    assert fired == 1
    done = overdue(world, task["case_id"])
    assert done["state"] == "fired"
    assert done["fired_at"] >= due


def test_a_hint_before_the_time_does_nothing_and_the_timer_is_armed_again(world: World) -> None:
    """A pause or a later due time may come between the claim and the firing."""
    task = world.dispatched()
    world.wait(hours=2, seconds=1)
    ((key, attempt),) = firing.claim_due("here")
    world.change(timers, key, due_at=world.now() + timedelta(hours=1))
    before = world.case(task["case_id"])

    firing.fire_claimed([key])

    assert attempt is False
    assert world.case(task["case_id"]) == before
    assert world.row(timers, key)["state"] == "armed"


def test_an_unsigned_order_goes_back_and_its_total_clock_goes_on(world: World) -> None:
    task = world.dispatched()
    (total,) = world.rows(clocks, case_id=task["case_id"], name="total")
    world.wait(hours=3)

    firing.fire_due()

    case = world.case(task["case_id"])
    assert steps(world, case["id"]) == [("dispatch", "done"), ("sign", "cancelled"), ("dispatch", "open")]
    assert (case["status"], case["state"], case["revision"]) == ("待派遣", "active", 3)
    (after,) = world.rows(clocks, case_id=case["id"], name="total")
    assert after == total
    assert [row["id"] for row in world.inbox("cgw1")] == []
    assert [row["step"] for row in world.inbox("paiqian1")] == ["dispatch"]
    (sign,) = world.rows(clocks, case_id=case["id"], name="sign")
    assert sign["state"] == "stopped"


def test_doubled_late_and_foreign_hints_fire_nothing_twice(world: World) -> None:
    task = world.dispatched()
    world.wait(hours=3)
    ((key, _),) = firing.claim_due("here")

    firing.fire_claimed([key, key, "no-such-timer", key])
    after = [world.case(task["case_id"]), world.rows(case_chain), world.rows(timers)]
    firing.fire_claimed([key])
    world.wait(hours=1)
    firing.fire_claimed([key])

    assert [world.case(task["case_id"]), world.rows(case_chain), world.rows(timers)] == after
    assert [step for step, _ in steps(world, task["case_id"])] == ["dispatch", "sign", "dispatch"]


def test_a_hint_for_a_timer_nobody_claimed_does_nothing(world: World) -> None:
    task = world.dispatched()
    world.wait(hours=3)

    firing.fire_claimed([overdue(world, task["case_id"])["id"]])

    assert overdue(world, task["case_id"])["state"] == "armed"
    assert firing.fire_due() == 1


def test_threads_that_fire_one_timer_at_once_fire_it_once(world: World) -> None:
    for _ in range(3):
        task = world.dispatched()
        world.wait(hours=3)
        ((key, _),) = firing.claim_due("here")

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(firing.fire_claimed, [[key]] * 3))

        assert [step for step, _ in steps(world, task["case_id"])] == ["dispatch", "sign", "dispatch"]
        assert overdue(world, task["case_id"])["state"] == "fired"
        world.complete("paiqian1", world.inbox("paiqian1")[0], "派遣", {"main_unit": "d1-cgw"})
        world.claim("cgw1", world.inbox("cgw1")[0])


def test_a_claim_and_a_firing_at_once_leave_one_of_the_two(world: World) -> None:
    for _ in range(4):
        task = world.dispatched()
        world.wait(hours=2, seconds=1)
        claimed = [key for key, _ in firing.claim_due("here")]

        def claim(task: Row = task) -> str:
            try:
                world.claim("cgw1", task)
            except Exception as problem:
                return type(problem).__name__
            return "claimed"

        with ThreadPoolExecutor(2) as pool:
            fire = pool.submit(firing.fire_claimed, claimed)
            answer = pool.submit(claim).result()
            fire.result()

        state = world.row(task_rows, task["id"])["state"]
        timer = overdue(world, task["case_id"])["state"]
        assert (answer, state, timer) in (
            ("claimed", "claimed", "held"),
            ("TaskDone", "cancelled", "fired"),
        )
        assert len(world.rows(task_rows, case_id=task["case_id"], state="open")) == (state == "cancelled")


# — an order signed in time —


def test_a_claim_in_time_stops_the_sign_clock_and_holds_the_return(world: World) -> None:
    task = world.dispatched()
    world.wait(hours=1)

    claimed = world.claim("cgw1", task)

    (sign,) = world.rows(clocks, case_id=task["case_id"], name="sign")
    held = overdue(world, task["case_id"])
    assert (sign["state"], sign["stopped_at"]) == ("stopped", claimed.task and claimed.task["claimed_at"])
    assert (held["state"], held["due_at"]) == ("held", None)
    world.wait(hours=5)
    assert firing.fire_due() == 0
    assert world.row(task_rows, task["id"])["state"] == "claimed"
    world.complete("cgw1", world.row(task_rows, task["id"]), "签收")
    assert overdue(world, task["case_id"])["state"] == "cancelled"


def test_a_signed_task_is_owed_by_the_clock_that_still_runs(world: World) -> None:
    task = world.dispatched()
    (total,) = world.rows(clocks, case_id=task["case_id"], name="total")

    moved = world.claim("cgw1", task)

    assert moved.task is not None
    assert moved.task["due_at"] == total["due_at"] == world.inbox("cgw1")[0]["due_at"]


def test_an_order_given_back_to_the_pool_is_watched_again_for_the_time_that_was_left(world: World) -> None:
    task = world.dispatched()
    actor = world.actor("cgw1")
    world.wait(minutes=90)
    world.claim("cgw1", task)
    world.wait(days=3)
    assert firing.fire_due() == 0
    given_back = tasks.unclaim(actor, task["id"], "请假", 2)
    left = given_back.task["due_at"] - world.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert overdue(world, task["case_id"])["state"] == "armed"

    world.wait(minutes=25)
    claimed = world.claim("cgw2", task).task
    tasks.unclaim(world.actor("cgw2"), task["id"], "不归我办", claimed["revision"])
    world.wait(minutes=4)
    assert firing.fire_due() == 0
    world.wait(minutes=2)

    assert firing.fire_due() == 1
    assert world.row(task_rows, task["id"])["state"] == "cancelled"
    assert [row["step"] for row in world.inbox("paiqian1")] == ["dispatch"]


def test_the_deadline_of_a_task_given_back_is_the_sum_of_its_ledger(world: World) -> None:
    task = world.dispatched()
    for who in ("cgw1", "cgw2"):
        world.wait(minutes=20)
        claimed = world.claim(who, task).task
        world.wait(hours=5)
        tasks.unclaim(world.actor(who), task["id"], "交同事", claimed["revision"])

    (sign,) = world.rows(clocks, case_id=task["case_id"], name="sign")

    lines = [ledger.Entry(row["at"], row["entry"]) for row in world.rows(clock_ledger, clock_id=sign["id"])]
    assert [line.entry for line in lines] == ["started", "stopped", "resumed", "stopped", "resumed"]
    assert ledger.due(lines, sign["allowance"]) == sign["due_at"]
    assert sign["due_at"] - sign["started_at"] > timedelta(hours=12)


def test_due_times_after_three_bounces_are_fresh_for_signing_and_old_for_the_citizen(world: World) -> None:
    filed = world.file()
    (total,) = world.rows(clocks, case_id=filed.case["id"], name="total")
    task = filed.opened[0]
    for bounce in range(3):
        world.wait(minutes=40)
        sign = world.complete("paiqian1", task, "派遣", {"main_unit": "d1-cgw"}).opened[0]
        assert sign["due_at"] == sign["opened_at"] + timedelta(hours=2)
        assert sign["round"] == bounce + 1
        if bounce == 1:  # nobody signs
            world.wait(hours=2, seconds=1)
            assert firing.fire_due() == 1
            task = world.inbox("paiqian1")[0]
        else:
            world.wait(minutes=10)
            answers = {"return_reason": "非职责"}
            task = world.complete("cgw1", sign, "退单", answers, "不归我们").opened[0]
        assert task["due_at"] == total["due_at"]

    sign_clocks = world.rows(clocks, case_id=filed.case["id"], name="sign")
    assert [clock["state"] for clock in sign_clocks] == ["stopped"] * 3
    assert len({clock["instance"] for clock in sign_clocks}) == 3
    assert world.rows(clocks, case_id=filed.case["id"], name="total") == [total]
    assert {timer["state"] for timer in world.rows(timers, kind="token")} == {"fired", "cancelled"}
    assert firing.fire_due() == 0


def test_a_closed_case_keeps_nothing_armed(world: World) -> None:
    task = world.complete("cgw1", world.dispatched(), "签收").opened[0]
    for by, outcome, answers in (
        ("cgw1", "报结", HANDLED),
        ("shenhe1", "通过", {}),
        ("paiqian1", "归档", {}),
    ):
        moved = world.complete(by, task, outcome, answers)
        task = next(iter(moved.opened), task)

    assert world.case(task["case_id"])["state"] == "closed"
    assert {clock["state"] for clock in world.rows(clocks, case_id=task["case_id"])} == {"stopped"}
    assert {timer["state"] for timer in world.rows(timers, case_id=task["case_id"])} == {"cancelled"}
    world.wait(days=30)
    assert firing.fire_due() == 0
    assert world.case(task["case_id"])["light"] is None


# — flag tiers —


def test_a_flag_tier_fires_once_and_marks_without_moving_the_case(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)
    heard: list[Any] = []
    before = world.case(task["case_id"])
    chain = world.rows(case_chain, case_id=task["case_id"])
    world.wait(days=7, seconds=1)

    def listen(session: Any, told: Any) -> None:
        heard.extend(told)

    events.listen(listen)
    try:
        assert [flags.fire(), flags.fire(), firing.fire_due()] == [1, 0, 0]
    finally:
        events.forget(listen)

    after = world.case(task["case_id"])
    assert after == {**before, "light": "red", "event_seq": before["event_seq"] + 1}
    assert world.rows(case_chain, case_id=task["case_id"]) == chain
    (line,) = world.rows(clock_ledger, case_id=task["case_id"], entry="tier_reached")
    assert (line["detail"]["clock"], line["detail"]["tier"], line["detail"]["label"]) == (
        "total",
        "due",
        "已超期",
    )
    assert [(event.name, event.case_id) for event in heard] == [("clock.tier_reached", task["case_id"])]
    (row,) = world.rows(audit_stream, stream="tiers")
    assert task["case_id"] in row["data"]
    with db.transaction() as session:
        assert verify.verify_streams(session, "tiers").faults == ()


def test_a_page_loaded_before_a_flag_tier_is_not_stale_after_it(world: World) -> None:
    task = world.dispatched()
    claimed = world.claim("cgw1", task).task
    assert claimed is not None
    world.wait(days=8)
    flags.fire()

    world.complete("cgw1", claimed, "签收")

    assert world.case(task["case_id"])["light"] == "red"


def test_many_flag_tiers_are_marked_in_batches_each_once(world: World) -> None:
    for _ in range(flags.AT_ONCE + 5):
        world.file()
    world.wait(days=8)

    assert flags.fire() == flags.AT_ONCE + 5

    assert {timer["state"] for timer in world.rows(timers, kind="flag")} == {"fired"}
    assert len(world.rows(clock_ledger, entry="tier_reached")) == flags.AT_ONCE + 5
    assert len(world.rows(audit_stream, stream="tiers")) == 2


def two_clocks() -> worlds.BundleFiles:
    drawing = Drawing("two_clocks").start().task("a", by_role(), outcomes="完成", clock="slow,quick").end()
    sla = (
        "clocks:\n"
        "  slow: {start: case.received, stop: case.closed, limit: PT10H}\n"
        "  quick: {start: task.opened(a), stop: task.claimed(a), limit: PT1H}\n"
        "tiers:\n"
        "  - {key: due, clock: slow, at: 100%, label: 慢钟到期, colour: red}\n"
        "  - {key: half, clock: slow, at: 50%, label: 慢钟过半, colour: orange}\n"
        "  - {key: due, clock: quick, at: 100%, label: 快钟到期, colour: yellow}\n"
        "  - {key: old, clock: slow, age: P1M, label: 超过1个月}\n"
    )
    return worlds.bundle_of("two_clocks", drawing.line("start", "a", "end"), sla=sla)


def test_tiers_of_two_clocks_may_share_a_key_and_the_worst_colour_stays(database: db.Database) -> None:
    world = worlds.build(database, two_clocks())
    case_id = world.file(process="two_clocks").case["id"]
    lights = []

    for hours in (1, 4, 5, 24 * 31):
        world.wait(hours=hours, seconds=1)
        flags.fire()
        lights.append(world.case(case_id)["light"])

    labels = [line["detail"]["label"] for line in world.rows(clock_ledger, entry="tier_reached")]
    assert labels == ["快钟到期", "慢钟过半", "慢钟到期", "超过1个月"]
    assert lights == ["yellow", "orange", "red", "red"]


def test_a_clock_met_in_time_marks_nothing_and_one_met_late_still_does(database: db.Database) -> None:
    world = worlds.build(database, two_clocks())
    in_time = world.file(process="two_clocks").opened[0]
    world.claim("paiqian1", in_time)
    late = world.file(process="two_clocks").opened[0]
    world.wait(hours=1, seconds=1)
    world.claim("paiqian1", late)  # before anybody looked at the tiers

    flags.fire()

    assert [line["case_id"] for line in world.rows(clock_ledger, entry="tier_reached")] == [late["case_id"]]
    assert world.case(in_time["case_id"])["light"] is None


# — after a rest —


def test_after_downtime_everything_fires_oldest_first(world: World) -> None:
    for _ in range(4):
        world.dispatched()
        world.wait(minutes=10)
    world.wait(days=9)
    heard: list[tuple[str, str]] = []

    def listen(session: Any, told: Any) -> None:
        heard.extend((event.name, event.case_id) for event in told)

    events.listen(listen)
    try:
        claimed = [key for key, _ in firing.claim_due("here")]
        assert flags.fire() == 4
        firing.fire_claimed(claimed)
    finally:
        events.forget(listen)

    dues = [world.row(timers, key)["due_at"] for key in claimed]
    order = [case for name, case in heard if name == "timer.fired"]
    assert dues == sorted(dues)
    assert order == sorted(order) == [case for name, case in heard if name == "clock.tier_reached"]
    assert len(order) == 4
    assert {task["step"] for task in world.rows(task_rows, state="open")} == {"dispatch"}


def test_what_fires_late_says_when_it_was_due(world: World) -> None:
    task = world.dispatched()
    due = overdue(world, task["case_id"])["due_at"]
    world.wait(days=2)

    firing.fire_due()

    fired = overdue(world, task["case_id"])
    assert fired["due_at"] == due
    assert fired["fired_at"] - due > timedelta(days=1)


def test_a_case_never_goes_back_in_time(world: World) -> None:
    """The instant of a step is never before what already happened to the case."""
    task = world.dispatched()
    ahead = world.now() + timedelta(hours=1)
    world.change(worlds.cases, task["case_id"], last_event_at=ahead)

    moved = world.claim("cgw1", task)

    assert moved.task is not None
    assert moved.task["claimed_at"] == ahead


def test_without_redis_a_tick_does_everything_itself(world: World) -> None:
    task = world.dispatched()
    world.wait(days=8)

    assert firing.tick("here") == 2
    assert firing.tick("here") == 0

    assert overdue(world, task["case_id"])["state"] == "fired"
    assert world.case(task["case_id"])["light"] == "red"


@pytest.mark.parametrize("due", ["sign", "total"])
def test_the_ledger_tells_of_every_start_and_stop(world: World, due: str) -> None:
    task = world.complete("cgw1", world.dispatched(), "签收").opened[0]
    for by, outcome, answers in (
        ("cgw1", "报结", HANDLED),
        ("shenhe1", "通过", {}),
        ("paiqian1", "归档", {}),
    ):
        moved = world.complete(by, task, outcome, answers)
        task = next(iter(moved.opened), task)

    (clock,) = world.rows(clocks, case_id=task["case_id"], name=due)
    lines = world.rows(clock_ledger, clock_id=clock["id"])

    assert [line["entry"] for line in lines] == ["started", "stopped"]
    assert lines[0]["detail"]["limit"] == clock["allowance"]
    assert lines[1]["at"] == clock["stopped_at"]
    assert {line["actor_id"] for line in lines} <= {world.actor(who).id for who in ("paiqian1", "cgw1")}
