"""A case that somebody else holds: three seconds of patience, then a plain answer; other cases go on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from app.cases import advance, firing, flags
from app.cases.errors import CaseBusy
from app.cases.models import cases
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import db
from tests.world import Row, World, once


@contextmanager
def held(world: World, case_id: str) -> Iterator[None]:
    """Another transaction has the case's row (on SQLite: the one writer's place)."""
    with world.database.writing.begin() as connection:
        connection.execute(select(cases.c.id).where(cases.c.id == case_id).with_for_update())
        yield


def test_a_held_case_is_busy_after_three_seconds_and_free_again_afterwards(world: World) -> None:
    task = world.dispatched()

    with held(world, task["case_id"]):
        before = time.monotonic()
        with pytest.raises(CaseBusy) as caught:
            world.complete("cgw1", task, "签收")
        waited = time.monotonic() - before

    assert (caught.value.status, caught.value.slug) == (409, "case-busy")
    assert caught.value.headers["Retry-After"] == "1"
    assert 2.5 < waited < 4.5
    world.complete("cgw1", task, "签收")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience for one wait: that there are three seconds of it is shown above."""
    monkeypatch.setattr(advance, "BUDGET_SECONDS", 0.5)


@pytest.mark.usefixtures("hurried")
def test_over_http_a_held_case_is_busy_and_its_key_stays_free(on_postgresql: World) -> None:
    world = on_postgresql
    task = world.dispatched()
    world.token("cgw1")

    with held(world, task["case_id"]):
        answer = world.post("cgw1", f"/tasks/{task['id']}/claim", {}, key="k")

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/case-busy")
    assert answer.headers["Retry-After"] == "1"
    assert world.post("cgw1", f"/tasks/{task['id']}/claim", {}, key="k").status_code == 200


def test_another_case_is_not_held_up(on_postgresql: World) -> None:
    world = on_postgresql
    task, other = world.dispatched(), world.dispatched()

    with held(world, task["case_id"]):
        before = time.monotonic()
        actor = world.actor("cgw1")
        world.claim("cgw1", other, once(actor, "k"))
        assert world.inbox("cgw1") != []
        assert time.monotonic() - before < 1


def test_a_case_that_comes_free_in_time_is_worked_on(on_postgresql: World) -> None:
    import threading

    world = on_postgresql
    task = world.dispatched()
    free, taken = threading.Event(), threading.Event()

    def hold() -> None:
        with held(world, task["case_id"]):
            taken.set()
            free.wait(1.3)  # longer than one wait for a lock

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(5)
    moved = world.complete("cgw1", task, "签收")
    thread.join()

    assert moved.opened[0]["step"] == "handle"


def late(world: World) -> Row:
    """A dispatched order nobody signed in time."""
    task = world.dispatched()
    world.wait(hours=3)
    return task


@pytest.mark.usefixtures("hurried")
def test_a_timer_of_a_held_case_waits_for_the_next_tick_and_loses_no_attempt(on_postgresql: World) -> None:
    world = on_postgresql
    task, other = late(world), late(world)

    with held(world, task["case_id"]):
        claimed = [key for key, _ in firing.claim_due("here")]
        firing.fire_claimed(claimed)
        waiting = world.timer(task["case_id"], "sign_overdue")

    assert world.row(task_rows, other["id"])["state"] == "cancelled"  # the one behind it was not held up
    assert (waiting["state"], waiting["attempts"]) == ("armed", 0)
    assert firing.fire_due() >= 1
    assert world.row(task_rows, task["id"])["state"] == "cancelled"


def test_flag_tiers_of_a_held_case_wait_while_others_are_marked(on_postgresql: World) -> None:
    world = on_postgresql
    task, other = world.dispatched(), world.dispatched()
    world.wait(days=8)

    with held(world, task["case_id"]):
        flags.fire()
        marked = world.rows(timers, kind="flag", state="fired")
    flags.fire()

    assert {timer["case_id"] for timer in marked} == {other["case_id"]}
    assert world.case(task["case_id"])["light"] == "red"


def test_two_tickers_at_once_claim_each_timer_once(world: World) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for _ in range(12):
        world.dispatched()
    world.wait(hours=3)

    with ThreadPoolExecutor(3) as pool:
        claimed = [key for batch in pool.map(firing.claim_due, ("a", "b", "c")) for key, _ in batch]

    assert len(claimed) == len(set(claimed)) == 12
    assert db.current() is world.database
