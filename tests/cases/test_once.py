"""A repeated act: the same bytes and no second effect, whatever broke between the two."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.audit.chain import case_chain
from app.cases import advance, tasks
from app.cases.models import cases, number_series
from app.cases.models import tasks as task_rows
from app.core import db, events
from app.core.errors import DatabaseUnavailable
from app.core.once import IdempotencyInFlight, IdempotencyKeyReused, Stored, idempotency
from tests import world as worlds
from tests.world import World, once

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def effects(world: World, case_id: str) -> list[Any]:
    return [
        world.case(case_id),
        world.rows(task_rows, case_id=case_id),
        world.rows(case_chain, case_id=case_id),
    ]


def test_a_replayed_completion_has_the_same_status_headers_and_bytes_and_no_effect(world: World) -> None:
    opened = world.post_filing().json
    task, path = opened["tasks"][0], f"/tasks/{opened['tasks'][0]['id']}/complete"
    body = {"outcome": "派遣", "answers": {"main_unit": "d1-cgw"}}
    first = world.post("paiqian1", path, body, key="k", seen=1)
    after = effects(world, task["case"])

    again = [world.post("paiqian1", path, body, key="k", seen=seen) for seen in (1, None, 7)]

    assert first.status_code == 200
    for answer in again:
        assert (answer.status_code, answer.data) == (200, first.data)
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.headers["Content-Type"] == first.headers["Content-Type"]
    assert effects(world, task["case"]) == after


def test_a_replay_still_answers_after_the_case_went_on(world: World) -> None:
    task = world.dispatched()
    actor = world.actor("cgw1")
    first = tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))
    handle = world.rows(task_rows, case_id=task["case_id"], step="handle")[0]
    world.complete("cgw1", handle, "报结", HANDLED)

    again = tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))

    assert isinstance(first, Stored)
    assert again == first
    assert handle["id"].encode() in first.body


def test_the_same_key_with_another_body_or_task_is_refused_and_nothing_moves(world: World) -> None:
    one, two = (world.post_filing().json["tasks"][0] for _ in range(2))
    body = {"outcome": "派遣", "answers": {"main_unit": "d1-cgw"}}
    world.post("paiqian1", f"/tasks/{one['id']}/complete", body, key="k", seen=1)
    before = effects(world, two["case"])

    for task, sent in ((one, {**body, "opinion": "快办"}), (two, body)):
        answer = world.post("paiqian1", f"/tasks/{task['id']}/complete", sent, key="k", seen=1)
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert effects(world, two["case"]) == before


def test_the_same_key_of_another_person_is_another_key(world: World) -> None:
    task, other = world.dispatched(), world.dispatched()

    for who, each in (("cgw1", task), ("cgw2", other)):
        actor = world.actor(who)
        tasks.claim(actor, each["id"], once(actor, "k", each["id"]))
        assert world.row(task_rows, each["id"])["assignee_id"] == actor.id


def test_a_refused_request_frees_its_key(world: World) -> None:
    task = world.post_filing().json["tasks"][0]
    path = f"/tasks/{task['id']}/complete"
    wrong = {"outcome": "派遣", "answers": {"main_unit": "d1-nowhere"}}
    right = {"outcome": "派遣", "answers": {"main_unit": "d1-cgw"}}

    assert world.post("paiqian1", path, wrong, key="k", seen=1).status_code == 422
    assert world.post("paiqian1", path, right, key="k").status_code == 428
    assert world.post("paiqian1", path, right, key="k", seen=9).status_code == 412
    assert world.rows(idempotency, key="k") == []
    assert world.post("paiqian1", path, right, key="k", seen=1).status_code == 200


@contextmanager
def held_before_commit() -> Iterator[tuple[threading.Event, threading.Event]]:
    """A listener that stops the first act between its last row and its commit: (reached, go on)."""
    reached, go_on = threading.Event(), threading.Event()

    def wait(session: Any, told: Any) -> None:
        if not reached.is_set():
            reached.set()
            assert go_on.wait(10)

    events.listen(wait)
    try:
        yield reached, go_on
    finally:
        go_on.set()
        events.forget(wait)


def test_a_key_in_flight_is_told_to_wait_and_later_gets_the_first_answer(on_postgresql: World) -> None:
    world = on_postgresql
    actor, task = world.actor("cgw1"), world.dispatched()

    with held_before_commit() as (reached, go_on), ThreadPoolExecutor(1) as pool:
        first = pool.submit(tasks.complete, actor, task["id"], "签收", {}, None, 1, once(actor, "k"))
        assert reached.wait(5)
        with pytest.raises(IdempotencyInFlight) as caught:
            tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))
        go_on.set()
        first.result()

    assert caught.value.status == 409
    assert caught.value.headers["Retry-After"] == "1"
    again = tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))
    assert again == first.result()
    assert len(world.rows(case_chain, case_id=task["case_id"])) == 3


def test_a_key_in_flight_with_another_body_is_refused_once_the_first_is_done(on_postgresql: World) -> None:
    world = on_postgresql
    actor, task = world.actor("cgw1"), world.dispatched()

    with held_before_commit() as (reached, go_on), ThreadPoolExecutor(2) as pool:
        first = pool.submit(tasks.claim, actor, task["id"], once(actor, "k", "one"))
        assert reached.wait(5)
        second = pool.submit(tasks.claim, actor, task["id"], once(actor, "k", "two"))
        threading.Event().wait(0.2)
        go_on.set()
        first.result()
        with pytest.raises(IdempotencyKeyReused):
            second.result()


def test_on_sqlite_the_second_waits_and_gets_the_replay(sqlite: db.Database) -> None:
    world = worlds.build(sqlite)
    actor, task = world.actor("cgw1"), world.dispatched()

    with held_before_commit() as (reached, go_on), ThreadPoolExecutor(2) as pool:
        first = pool.submit(tasks.claim, actor, task["id"], once(actor, "k"))
        assert reached.wait(5)
        second = pool.submit(tasks.claim, actor, task["id"], once(actor, "k"))
        threading.Event().wait(0.2)
        go_on.set()
        assert first.result() == second.result()
    assert len(world.rows(case_chain, case_id=task["case_id"])) == 3


@contextmanager
def commits(world: World, does: Any) -> Iterator[None]:
    """Replaces how the dialect commits."""
    dialect = world.database.writing.dialect
    plain = dialect.do_commit
    dialect.do_commit = lambda connection: does(plain, connection)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del dialect.do_commit


def test_a_connection_lost_after_the_commit_answers_what_was_committed(on_postgresql: World) -> None:
    world = on_postgresql
    actor, task = world.actor("cgw1"), world.dispatched()
    cuts = [True]

    def committed_then_cut(plain: Any, connection: Any) -> None:
        plain(connection)
        if cuts:
            cuts.clear()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    with commits(world, committed_then_cut):
        answer = tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))

    assert isinstance(answer, Stored)
    assert task["id"].encode() in answer.body
    assert len(world.rows(task_rows, case_id=task["case_id"], step="handle")) == 1
    assert len(world.rows(case_chain, case_id=task["case_id"])) == 3


def test_a_connection_killed_before_the_commit_is_tried_again_and_happens_once(on_postgresql: World) -> None:
    world = on_postgresql
    actor, task = world.actor("cgw1"), world.dispatched()
    cuts = [True]

    def killed(plain: Any, connection: Any) -> None:
        if cuts:
            cuts.clear()
            backend = connection.dbapi_connection.info.backend_pid
            with world.database.writing.connect() as other:
                other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        plain(connection)

    with commits(world, killed):
        tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))

    assert cuts == []
    assert len(world.rows(case_chain, case_id=task["case_id"])) == 3
    assert len(world.rows(idempotency, key="k")) == 1


def test_a_connection_lost_without_a_key_is_tried_again_and_told_the_truth(on_postgresql: World) -> None:
    world = on_postgresql
    task = world.dispatched()
    world.actor("cgw1")
    cuts = [True]

    def committed_then_cut(plain: Any, connection: Any) -> None:
        plain(connection)
        if cuts:
            cuts.clear()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    with commits(world, committed_then_cut):
        moved = world.complete("cgw1", task, "签收")  # repeated by the same person: the same answer

    assert [one["step"] for one in moved.opened] == ["handle"]
    assert len(world.rows(case_chain, case_id=task["case_id"])) == 3


def test_a_deadlock_is_tried_again_unseen(on_postgresql: World) -> None:
    world = on_postgresql
    actor, task = world.actor("cgw1"), world.dispatched()
    failures = [True, True]

    def deadlock(plain: Any, connection: Any) -> None:
        if failures:
            failures.pop()
            connection.dbapi_connection.rollback()
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        plain(connection)

    with commits(world, deadlock):
        tasks.complete(actor, task["id"], "签收", {}, None, 1, once(actor, "k"))

    assert failures == []
    assert len(world.rows(case_chain, case_id=task["case_id"])) == 3


def test_a_replayed_filing_takes_no_number_and_files_nothing(world: World) -> None:
    first = world.post_filing(key="k", externalNo="BJ-1")
    before = (world.rows(number_series), len(world.rows(cases)))

    again = world.post_filing(key="k", externalNo="BJ-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert (world.rows(number_series), len(world.rows(cases))) == before


def test_eight_equal_filings_at_once_file_one_case(world: World) -> None:
    world.token("paiqian1")
    _ = world.app

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: world.post_filing(key="k"), range(8)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 409)
    assert len(world.rows(cases)) == 1


def test_a_failure_in_the_house_stores_nothing_under_the_key(world: World) -> None:
    actor, task = world.actor("cgw1"), world.dispatched()

    def broken(session: Any, told: Any) -> None:
        raise RuntimeError("broken")

    events.listen(broken)
    try:
        with pytest.raises(RuntimeError):
            tasks.claim(actor, task["id"], once(actor, "k"))
    finally:
        events.forget(broken)

    assert world.rows(idempotency, key="k") == []
    tasks.claim(actor, task["id"], once(actor, "k"))
    assert world.row(task_rows, task["id"])["state"] == "claimed"


def test_the_answer_is_rendered_before_the_commit(world: World) -> None:
    """A rendering that fails must not leave an act without an answer."""
    actor, task = world.actor("cgw1"), world.dispatched()
    request = once(actor, "k")
    broken = type(request)(**{**vars(request), "render": lambda moved: 1 / 0})

    with pytest.raises(ZeroDivisionError):
        tasks.claim(actor, task["id"], broken)

    assert world.row(task_rows, task["id"])["state"] == "open"


def test_the_budget_of_three_seconds_is_spent_and_not_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "BUDGET_SECONDS", 0.2)
    error = OperationalError("", {}, psycopg.OperationalError("connection lost"))
    tries = []

    def step() -> None:
        tries.append(1)
        raise error

    with pytest.raises(DatabaseUnavailable) as caught:
        advance.within_budget(step)

    assert caught.value.headers["Retry-After"] == "1"
    assert 2 < len(tries) < 30
