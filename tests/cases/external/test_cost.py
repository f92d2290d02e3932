"""What fetching and handing in cost: counted statements, an index for each page, nobody twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from app.cases.advance import advance
from app.cases.commands import FinishWork
from app.cases.external import fetching, service
from app.cases.external.fetching import Asked, Topic
from app.cases.external.models import external_tasks
from app.core import db
from app.core.ids import new_id
from tests.cases.external.conftest import PRINTER, TOPIC, build, filed
from tests.world import World, numbered, statements


def ask(most: int = 10, worker: str = "w1", urgent: bool = False) -> Asked:
    return Asked(worker, most, (Topic(TOPIC, timedelta(minutes=1)),), urgent)


def many(world: World, count: int, locked: int = 0) -> None:
    """So many more open tasks of one case, `locked` of them with a worker."""
    (pattern,) = world.rows(external_tasks)[:1]
    now = world.now()
    rows = [
        {
            **pattern,
            "id": new_id(),
            "ref": new_id()[-12:],
            "rank": n % 100,
            "next_at": now + timedelta(hours=1) if n < locked else now - timedelta(seconds=n),
        }
        for n in range(count)
    ]
    with db.transaction() as session:
        session.execute(insert(external_tasks), rows)
        session.execute(text("analyze"))


@contextmanager
def plans(world: World) -> Iterator[list[str]]:
    """How the database answers each statement about external tasks meanwhile."""
    found: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "external_tasks" in statement and statement.startswith("SELECT"):
            plain = connection.connection.cursor()
            words = "explain query plan " if connection.dialect.name == "sqlite" else "explain "
            plain.execute(words + statement, parameters)
            found.append("\n".join(str(row) for row in plain.fetchall()))
            plain.close()

    engines = {world.database.writing, world.database.only_reading}  # one, on PostgreSQL
    for engine in engines:
        event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", explain)


def test_fetching_costs_the_same_statements_with_one_and_with_five_hundred_open_tasks(world: World) -> None:
    filed(world)
    actor, cost = world.actor(PRINTER), {}

    for number in (1, 500):
        with statements(world.database) as sent:
            assert len(fetching.fetch(actor, ask())[0]) == min(number, 10)
        cost[number] = sent
        many(world, 500)

    assert len(cost[500]) == len(cost[1]) <= 6, numbered(cost[500])


@pytest.mark.parametrize("urgent", [False, True])
def test_a_page_of_tasks_is_read_from_an_index_in_its_order(world: World, urgent: bool) -> None:
    filed(world)
    many(world, 3000, locked=300)
    actor = world.actor(PRINTER)

    with plans(world) as found:
        tasks, _ = fetching.fetch(actor, ask(urgent=urgent))

    assert len(tasks) == 10
    index = "ix_external_tasks_urgent" if urgent else "ix_external_tasks_due"
    page = next(plan for plan in found if index in plan)
    assert "TEMP B-TREE" not in page, page  # SQLite's word for sorting
    assert "Sort" not in page, page
    assert not any("Seq Scan on external_tasks" in plan or "SCAN external_tasks\n" in plan for plan in found)


def test_handing_in_stays_within_twenty_three_statements(world: World) -> None:
    filed(world)
    filed(world)
    actor = world.actor(PRINTER)
    first, second = fetching.fetch(actor, ask())[0]
    variables = {"number": "P-7", "units": ["d1-cgw"]}
    service.complete(actor, first["id"], "w1", variables)  # the catalog is warm

    with statements(world.database) as sent:
        advance(FinishWork(second["case_id"], second["id"], variables, worker="w1"), actor)

    assert len(sent) <= 23, numbered(sent)


def test_workers_that_fetch_at_once_never_get_the_same_task(postgresql: db.Database) -> None:
    world = build(postgresql)
    filed(world)
    many(world, 200)
    actor = world.actor(PRINTER)
    got: list[list[str]] = []
    ready = threading.Barrier(4)

    def work(name: str) -> None:
        ready.wait()
        mine: list[str] = []
        while found := fetching.fetch(actor, ask(7, name))[0]:
            assert all(row["worker"] == name for row in found)
            mine += [row["id"] for row in found]
        got.append(mine)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    every = [task for mine in got for task in mine]
    assert len(got) == 4
    assert len(every) == len(set(every)) == 201
    assert {row["locks"] for row in world.rows(external_tasks)} == {1}


def test_two_answers_for_one_task_at_once_move_the_case_once(postgresql: db.Database) -> None:
    world = build(postgresql)
    case = filed(world)
    actor = world.actor(PRINTER)
    ((task,), _) = fetching.fetch(actor, ask())
    answers: list[Any] = []
    ready = threading.Barrier(3)

    def hand_in() -> None:
        ready.wait()
        answers.append(service.complete(actor, task["id"], "w1", {"number": "P-7", "units": None}))

    threads = [threading.Thread(target=hand_in) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer["state"] for answer in answers] == ["done"] * 3
    assert world.case(case["id"])["revision"] == 2
    assert len(world.inbox_of(case)) == 1
