"""New tasks are looked for: who wants to hear of a pool is told within a look, and the act itself is free."""

from datetime import timedelta

from sqlalchemy import insert

from app.core import db
from app.notices import looking
from app.notices.models import notice_choices, notices
from tests import world as worlds
from tests.cases.test_budget import completion
from tests.engine.drawing import Drawing
from tests.notices.reading import told
from tests.substitutes.conftest import stands_in
from tests.world import World, by_role


def wish(world: World, login: str, wanted: bool = True) -> None:
    with db.transaction() as session:
        row = {"person_id": world.actor(login).id, "kind": "pool", "wanted": wanted}
        session.execute(insert(notice_choices), row)


def test_a_pool_is_told_of_a_new_task_only_as_far_as_its_people_wish(world: World) -> None:
    looking.look()
    wish(world, "cgw2")
    wish(world, "cgw1", wanted=False)
    task = world.dispatched()

    looking.look()
    looking.look()

    assert told(world) == [("城管委承办员", "pool", "待办池有新待办“签收”")]
    (row,) = world.rows(notices)
    assert (row["case_id"], row["at"]) == (task["case_id"], task["opened_at"])
    assert row["tell_at"] >= row["at"]


def test_what_was_done_before_anybody_looked_is_not_told(world: World) -> None:
    looking.look()
    wish(world, "cgw2")
    done, open_ = world.dispatched(), world.dispatched()
    world.claim("cgw1", done)

    looking.look()

    assert [row["case_id"] for row in world.rows(notices)] == [open_["case_id"]]


def test_tasks_from_before_the_first_look_are_nobodys_news(world: World) -> None:
    wish(world, "cgw2")
    world.dispatched()
    world.wait(minutes=5)

    looking.look()

    assert told(world) == []


def test_after_the_workers_were_away_all_that_is_still_open_is_told(world: World) -> None:
    looking.look()
    wish(world, "cgw2")
    tasks = [world.dispatched() for _ in range(3)]
    world.wait(hours=5)

    looking.look()

    rows = world.rows(notices)
    assert {row["case_id"] for row in rows} == {task["case_id"] for task in tasks}
    assert all(row["tell_at"] - row["at"] >= timedelta(hours=5) for row in rows)


def test_more_tasks_than_fit_into_one_look_are_all_told(world: World) -> None:
    looking.look()
    wish(world, "cgw2")
    tasks = [world.dispatched() for _ in range(5)]
    most, looking.MOST = looking.MOST, 2
    limited, looking._NEW = looking._NEW, looking._NEW.limit(2)

    try:
        looking.look()
    finally:
        looking.MOST, looking._NEW = most, limited

    assert {row["case_id"] for row in world.rows(notices)} == {task["case_id"] for task in tasks}


def test_the_act_that_opens_a_task_asks_and_writes_nothing_for_it(world: World) -> None:
    wish(world, "cgw2")
    task = world.file().opened[0]

    sent = completion(world, "paiqian1", task, "派遣", {"main_unit": "d1-cgw"})

    assert not any("notice" in line for line in sent)


def test_a_task_for_one_person_is_told_to_that_person_and_to_who_acts_for_him(database: db.Database) -> None:
    back = 'camunda:candidateGroups="handler(one)"'
    drawing = Drawing("back").start().task("one", by_role()).task("two", back).end()
    world = worlds.build(database, worlds.bundle_of("back", drawing.line("start", "one", "two", "end")))
    looking.look()
    task = world.complete("paiqian2", world.file(process="back").opened[0]).opened[0]
    stands_in(world, "dongjie1", "paiqian2", processes=["back"])

    looking.look()

    assert task["pools"] == [f"person:{world.actor('paiqian2').id}"]
    said = [each for each in told(world) if each[1] == "desk"]
    assert said == [(who, "desk", f"新待办“{task['name']}”") for who in ("东街道派遣员", "派遣员乙")]
