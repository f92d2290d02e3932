"""The invariants see what is wrong: each kind of harm, done by hand, is named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from app.audit.chain import case_chain
from app.cases import firing
from app.cases.models import cases, task_queue, tasks
from app.clocks.models import timers
from app.core import clock, db, once
from tests import world as worlds
from tests.faults.invariants import broken
from tests.faults.load import Journal, Sent
from tests.world import World

LATE = timedelta(minutes=1)


@pytest.fixture
def world(sqlite: db.Database) -> World:
    """A case that went back to dispatch because nobody signed, and one that waits for a signature."""
    world = worlds.build(sqlite)
    world.dispatched()
    world.wait(hours=3)
    firing.fire_due()
    world.dispatched()
    return world


def found(journal: Journal | None = None) -> set[str]:
    with db.reading() as session:
        return {sentence.split(":")[0] for sentence in broken(session, journal or Journal(), late=LATE)}


def test_nothing_is_broken_where_nothing_was_harmed(world: World) -> None:
    assert found() == set()


HARM: dict[str, tuple[set[str], Callable[[Any], Any]]] = {
    "a chain row is gone": ({"I3", "I10"}, lambda one: _cut(one)),
    "a task was closed behind the engine's back": (
        {"I2", "I4", "I6", "I13"},
        lambda one: [update(tasks).where(tasks.c.id == one["task"]).values(state="done"), _disarm(one)],
    ),
    "a case was closed behind the engine's back": (
        {"I5"},
        lambda one: [update(cases).where(cases.c.id == one["case"]).values(state="closed")],
    ),
    "a timer is gone": ({"I6"}, lambda one: [_disarm(one)]),
    "a timer is due and nobody looks": (
        {"I7"},
        lambda one: [update(timers).where(timers.c.id == one["timer"]).values(due_at=one["long ago"])],
    ),
    "a timer fired before it was due and told nobody": (
        {"I6", "I7"},
        lambda one: [
            update(timers).where(timers.c.id == one["timer"]).values(state="fired", fired_at=one["now"])
        ],
    ),
    "a lease is long over": (
        {"I11"},
        lambda one: [
            update(timers)
            .where(timers.c.id == one["timer"])
            .values(state="claimed", lease_until=one["long ago"])
        ],
    ),
    "a key is at work for ever": (
        {"I11"},
        lambda one: [
            insert(once.idempotency).values(principal="p", method="POST", route="r", key="k", fingerprint="f")
        ],
    ),
    "an open task lies in no inbox": (
        {"I13"},
        lambda one: [delete(task_queue).where(task_queue.c.task_id == one["task"])],
    ),
}


@pytest.mark.parametrize("harm", HARM)
def test_each_harm_is_named(world: World, harm: str) -> None:
    expected, statements = HARM[harm]

    with world.database.writing.begin() as connection:
        connection.exec_driver_sql("drop trigger if exists case_chain_delete")
        for statement in statements(_waiting(world)):
            connection.execute(statement)

    assert found() == expected


def test_what_was_acknowledged_and_is_not_there_is_named(world: World) -> None:
    lost = Sent("complete", "no-such-task", "cgw1", "k", 200, b'{"case": {"id": "no-such-case"}}', 1)
    strange = Sent("file", "t", "cgw1", "l", 500, b"", 1, [502])

    assert found(Journal([lost])) == {"I1"}
    assert found(Journal([strange])) == {"I12"}


def _waiting(world: World) -> dict[str, Any]:
    """The case that waits for a signature: its ids and two instants."""
    with db.reading() as session:
        now = clock.now(session)
        armed = select(timers.c.id, timers.c.case_id).where(
            timers.c.kind == "token", timers.c.state == "armed"
        )
        timer = session.execute(armed).one()
        task = session.scalar(
            select(tasks.c.id).where(tasks.c.case_id == timer.case_id, tasks.c.state == "open")
        )
    ids = {"timer": timer.id, "case": timer.case_id, "task": task}
    return {**ids, "now": now, "long ago": now - timedelta(hours=1)}


def _disarm(one: dict[str, Any]) -> Any:
    return update(timers).where(timers.c.id == one["timer"]).values(state="cancelled")


def _cut(one: dict[str, Any]) -> list[Any]:
    return [delete(case_chain).where(case_chain.c.case_id == one["case"], case_chain.c.seq == 1)]
