"""A timer whose firing fails: tried again after longer and longer pauses, then an incident, and a way on."""

from datetime import timedelta
from typing import Any

import pytest

from app import bundles
from app.cases import firing, flags
from app.cases.incidents import service as incidents
from app.cases.incidents.errors import IncidentActRefused
from app.cases.models import cases
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import db, wake
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role


def failing(*steps: str) -> worlds.BundleFiles:
    """Parallel steps, each with a timer after an hour that leads to a gateway comparing `amount` with a number."""
    drawing = (
        Drawing("failing").start(attributes='camunda:formKey="filing"').both("split").line("start", "split")
    )
    for step in steps:
        drawing.task(step, by_role(), outcomes="完成").timer(f"late_{step}", step, "PT1H").end(f"end_{step}")
        drawing.either(f"big_{step}", default=f"no_{step}").task(f"check_{step}", by_role(), outcomes="完成")
        drawing.line("split", step, f"end_{step}").line(f"late_{step}", f"big_{step}")
        drawing.flow(f"big_{step}", f"check_{step}", when="amount > 3")
        drawing.flow(f"big_{step}", f"check_{step}", name=f"no_{step}").line(f"check_{step}", f"end_{step}")
    return worlds.bundle_of(
        "failing",
        drawing,
        data="amount: {type: text, label: 数量}",
        forms={"filing": "title: 登记\nfields:\n  - {name: amount}\n"},
    )


@pytest.fixture
def broken(database: db.Database) -> World:
    return worlds.build(database, failing("a"))


def filed(world: World) -> Row:
    case = world.file(process="failing", answers={"amount": "很多"}).case
    world.wait(hours=1, seconds=1)
    return case


def exhaust(world: World) -> None:
    """Fires until nothing is armed."""
    for _ in firing.WAITS:
        firing.fire_due()  # more than once where its pause was drawn short
        armed = world.rows(timers, kind="token", state="armed")
        if not armed:
            return
        world.wait(seconds=(max(timer["lease_until"] for timer in armed) - world.now()).total_seconds() + 1)
    raise AssertionError("the timer is armed for ever")


def test_the_pause_grows_with_every_attempt_and_nothing_is_tried_before_it_is_over(
    broken: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr(firing.random, "uniform", lambda low, high: drawn.append((low, high)) or high)
    case = filed(broken)
    pauses = []

    for attempt in range(1, len(firing.WAITS)):
        before = broken.now()
        assert firing.fire_due() == 1
        timer = broken.timer(case["id"], "late_a")
        assert (timer["state"], timer["attempts"]) == ("armed", attempt)
        pauses.append((timer["lease_until"] - before).total_seconds())
        assert firing.fire_due() == 0 or pauses[-1] < 2  # the first pause is a second
        broken.wait(seconds=max(0.0, (timer["lease_until"] - broken.now()).total_seconds()) + 0.01)

    for pause, most in zip(pauses, firing.WAITS, strict=False):
        assert most <= pause <= most + 2
    assert drawn == [(0, most) for most in firing.WAITS[: len(pauses)]]  # full jitter
    assert broken.rows(incident_rows) == []
    assert broken.case(case["id"])["revision"] == 1


def test_after_the_last_attempt_the_timer_stops_and_an_incident_names_the_place(broken: World) -> None:
    case = filed(broken)

    exhaust(broken)

    timer = broken.timer(case["id"], "late_a")
    (incident,) = broken.rows(incident_rows)
    assert (timer["state"], timer["attempts"]) == ("incident", len(firing.WAITS))
    assert (incident["kind"], incident["timer_id"], incident["count"]) == ("timer-failed", timer["id"], 1)
    assert incident["element"] is not None
    assert "很多" not in str(incident)
    assert broken.case(case["id"])["state"] == "active"
    broken.wait(days=30)
    assert firing.fire_due() == 0


def test_a_retry_arms_the_timer_again_with_all_its_attempts(broken: World) -> None:
    case = filed(broken)
    exhaust(broken)
    (incident,) = broken.rows(incident_rows)

    incidents.treat(broken.actor("duban1"), incident["id"], "retry", "试试看")
    armed = broken.timer(case["id"], "late_a")
    assert (armed["state"], armed["attempts"]) == ("armed", 0)
    exhaust(broken)  # not mended: stops again, as a line of its own
    assert broken.timer(case["id"], "late_a")["attempts"] == len(firing.WAITS)
    broken.change(cases, case["id"], data={"amount": None})
    (again,) = broken.rows(incident_rows, state="open")
    incidents.treat(broken.actor("duban1"), again["id"], "retry", "数据已改正")
    firing.fire_due()

    assert broken.timer(case["id"], "late_a")["state"] == "fired"
    assert [task["step"] for task in broken.rows(task_rows, state="open")] == ["check_a"]


def test_other_branches_of_the_case_live_on_beside_an_incident(database: db.Database) -> None:
    world = worlds.build(database, failing("a", "b"))
    case = world.file(process="failing", answers={"amount": "很多"}).case
    world.complete("paiqian1", world.rows(task_rows, case_id=case["id"], step="b")[0])
    world.wait(hours=1, seconds=1)
    exhaust(world)

    world.complete("paiqian1", world.rows(task_rows, case_id=case["id"], step="a")[0])

    assert world.case(case["id"])["state"] == "closed"
    assert {timer["state"] for timer in world.rows(timers)} == {"cancelled"}
    (incident,) = world.rows(incident_rows)
    with pytest.raises(IncidentActRefused, match="办件已经结束"):
        incidents.treat(world.actor("duban1"), incident["id"], "retry", "再试")
    incidents.treat(world.actor("duban1"), incident["id"], "resolve", "已经不需要")
    assert firing.fire_due() == 0


def test_a_failing_timer_never_keeps_others_from_firing(broken: World) -> None:
    broken.publish(worlds.folder(worlds.WORK_ORDER))
    filed(broken)
    order = broken.dispatched()
    broken.wait(hours=3)

    firing.fire_due()

    assert broken.row(task_rows, order["id"])["state"] == "cancelled"


def test_two_timers_that_failed_alike_are_both_tried_again(database: db.Database) -> None:
    """One line for two timers of one element must not leave one of them behind."""
    world = worlds.build(database, failing("a"))
    cases_of = [filed(world) for _ in range(2)]
    exhaust(world)

    for incident in world.rows(incident_rows):
        incidents.treat(world.actor("duban1"), incident["id"], "retry", "再试")

    assert [world.timer(case["id"], "late_a")["state"] for case in cases_of] == ["armed", "armed"]


def test_timers_of_two_elements_that_fail_at_one_place_are_two_incidents(database: db.Database) -> None:
    """One line for both would let a retry of the first leave the second behind."""
    drawing = Drawing("failing").start(attributes='camunda:formKey="filing"').both("split").end()
    drawing.either("big", default="no").task("check", by_role(), outcomes="完成")
    drawing.flow("big", "check", when="amount > 3").flow("big", "check", name="no").line("check", "end")
    for step in ("a", "b"):
        drawing.task(step, by_role(), outcomes="完成").timer(f"late_{step}", step, "PT1H")
        drawing.line("split", step, "end").line(f"late_{step}", "big")
    forms = {"filing": "title: 登记\nfields:\n  - {name: amount}\n"}
    drawing.line("start", "split")
    world = worlds.build(
        database,
        worlds.bundle_of("failing", drawing, data="amount: {type: text, label: 数量}", forms=forms),
    )
    filed(world)

    exhaust(world)

    lines = world.rows(incident_rows)
    assert len({line["stack_hash"] for line in lines}) == 1
    for line in lines:
        incidents.treat(world.actor("duban1"), line["id"], "retry", "再试")
    assert [timer["state"] for timer in world.rows(timers, kind="token")] == ["armed", "armed"]


def die(world: World, *, begun: bool = True) -> list[tuple[str, bool]]:
    """A worker claims, begins to fire and is killed; its lease ends."""
    claimed = firing.claim_due("doomed")
    for key, _ in claimed if begun else ():
        firing._begin(key)
    world.wait(seconds=firing.lease().total_seconds() + 1)
    return claimed


def test_hints_that_wait_too_long_in_the_queue_kill_nothing(broken: World) -> None:
    case = filed(broken)

    for _ in range(firing.DEATHS + 2):
        die(broken, begun=False)

    timer = broken.timer(case["id"], "late_a")
    assert (timer["state"], timer["deaths"], timer["attempts"]) == ("claimed", 0, 0)
    assert broken.rows(incident_rows) == []


def test_no_more_is_claimed_than_can_be_fired_within_a_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.dispatched()
    world.wait(hours=3)
    monkeypatch.setattr(firing, "MOST_CLAIMED", 2)

    first, second = firing.claim_due("here"), firing.claim_due("here")
    firing.fire_claimed([key for key, _ in first])

    assert (len(first), second) == (2, [])
    assert len(firing.claim_due("here")) == 1


def test_failures_and_deaths_are_counted_apart(broken: World) -> None:
    case = filed(broken)
    for _ in range(2):
        firing.fire_due()
        broken.wait(seconds=61)

    die(broken)

    timer = broken.timer(case["id"], "late_a")
    assert (timer["state"], timer["attempts"]) == ("claimed", 2)
    assert firing.claim_due("careful") == [(timer["id"], True)]
    assert broken.timer(case["id"], "late_a")["deaths"] == 1


def test_a_job_whose_time_is_over_stops_and_blames_no_timer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = world.dispatched()
    world.wait(hours=3)
    keys = [key for key, _ in firing.claim_due("here")]

    def endless(*_: Any) -> None:
        raise wake.JobTimedOut

    monkeypatch.setattr(firing, "advance", endless)
    with pytest.raises(wake.JobTimedOut):
        firing.fire_claimed(keys)

    timer = world.timer(task["case_id"], "sign_overdue")
    assert (timer["state"], timer["attempts"]) == ("claimed", 0)


def test_a_mark_that_fails_does_not_starve_the_timers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task = world.dispatched()
    world.wait(hours=3)
    monkeypatch.setattr(flags, "fire", lambda now_of: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        firing.tick("here")

    assert world.timer(task["case_id"], "sign_overdue")["state"] == "fired"


def test_a_retry_does_not_take_back_an_order_that_was_signed_meanwhile(world: World) -> None:
    task = world.dispatched()
    world.wait(hours=3)
    ((key, _),) = firing.claim_due("here")
    world.change(timers, key, attempts=len(firing.WAITS) - 1)
    firing.failed(key, RuntimeError("broken"))
    (incident,) = world.rows(incident_rows)
    world.claim("cgw1", task)

    with pytest.raises(IncidentActRefused, match="不再停着"):
        incidents.treat(world.actor("duban1"), incident["id"], "retry", "再试一次")
    incidents.treat(world.actor("duban1"), incident["id"], "resolve", "已经签收")
    firing.fire_due()

    assert world.row(timers, key)["state"] == "held"
    assert world.row(task_rows, task["id"])["state"] == "claimed"


def test_a_lease_that_ended_is_claimed_again_and_counted(broken: World) -> None:
    case = filed(broken)

    first = firing.claim_due("one")
    assert firing.claim_due("two") == []  # the lease holds
    broken.wait(seconds=firing.lease().total_seconds() - 2)
    assert firing.claim_due("two") == []
    broken.wait(seconds=3)
    second = firing.claim_due("two")

    key = broken.timer(case["id"], "late_a")["id"]
    assert (first, second) == ([(key, False)], [(key, False)])
    assert broken.row(timers, key)["lease_by"] == "two"


def test_three_workers_killed_over_one_timer_make_an_incident(broken: World) -> None:
    case = filed(broken)

    deaths = [die(broken) for _ in range(firing.DEATHS)]
    after = firing.claim_due("careful")

    assert [again for batch in deaths for _, again in batch] == [False, True, True]
    assert after == []
    assert broken.timer(case["id"], "late_a")["state"] == "incident"
    (incident,) = broken.rows(incident_rows)
    assert incident["kind"] == "worker-killed"
    assert incident["timer_id"] == broken.timer(case["id"], "late_a")["id"]
    broken.change(cases, case["id"], data={"amount": None})
    incidents.treat(broken.actor("duban1"), incident["id"], "retry", "换了机器")
    assert firing.fire_due() == 1


def test_a_second_attempt_is_hinted_at_alone(broken: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that only the poisonous case dies again."""
    broken.publish(worlds.folder(worlds.WORK_ORDER))
    poisonous = filed(broken)
    die(broken)
    order = broken.dispatched()
    broken.wait(hours=2, seconds=1)
    hints: list[tuple[list[str], bool]] = []

    def woken(ids: Any, *, alone: bool = False) -> bool:
        hints.append((list(ids), alone))
        return True

    monkeypatch.setattr(wake, "wake", woken)
    firing.tick("here")

    first = world_timer(broken, order["case_id"], "sign_overdue")
    again = world_timer(broken, poisonous["id"], "late_a")
    assert hints == [([first], False), ([again], True)]


def world_timer(world: World, case_id: str, tier: str) -> str:
    return str(world.timer(case_id, tier)["id"])


def test_a_worker_that_slept_through_its_lease_does_no_harm(world: World) -> None:
    task = world.dispatched()
    world.wait(hours=3)
    ((key, _),) = die(world)
    ((again, attempt),) = firing.claim_due("awake")
    assert (again, attempt) == (key, True)

    firing.fire_claimed([key])  # the awake one
    after = world.case(task["case_id"])
    firing.fire_claimed([key])  # the sleeper, late

    assert world.case(task["case_id"]) == after
    assert world.timer(task["case_id"], "sign_overdue")["state"] == "fired"


def test_a_failure_noted_late_does_not_arm_what_was_settled_meanwhile(world: World) -> None:
    task = world.dispatched()
    world.wait(hours=2, seconds=1)
    ((key, _),) = firing.claim_due("here")
    world.claim("cgw1", task)  # holds the timer

    firing.failed(key, RuntimeError("too late"))

    assert world.row(timers, key)["state"] == "held"


def test_a_case_whose_version_cannot_be_read_stops_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = Drawing("other").start().task("t", by_role(), outcomes="完成").end().line("start", "t", "end")
    sla = (
        "clocks: {total: {start: case.received, stop: case.closed, limit: P1D}}\n"
        "tiers: [{key: due, clock: total, at: 100%, label: 到期, colour: red}]\n"
    )
    unreadable = world.publish(worlds.bundle_of("other", drawing, sla=sla)).version
    broken_case = world.file(process="other").case
    fine = world.file().case
    world.wait(days=9)
    plain = bundles.get

    def get(version_id: str) -> Any:
        if version_id == unreadable:
            raise RuntimeError("this version does not load")
        return plain(version_id)

    monkeypatch.setattr(bundles, "get", get)
    flags.fire()
    firing.fire_due()

    assert world.case(fine["id"])["light"] == "red"
    assert world.case(broken_case["id"])["light"] is None
    (incident,) = world.rows(incident_rows)
    assert (incident["kind"], incident["case_id"]) == ("timer-failed", broken_case["id"])
    monkeypatch.setattr(bundles, "get", plain)
    incidents.treat(world.actor("duban1"), incident["id"], "retry", "版本已修复")
    flags.fire()
    assert world.case(broken_case["id"])["light"] == "red"
    assert world.now() - incident["first_at"] < timedelta(hours=1)
