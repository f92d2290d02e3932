"""One verb on many tasks: each with an answer of its own, or all or none; a retry moves nothing twice."""

import pytest

from app.audit.chain import case_chain
from app.cases.models import favourites, task_queue
from app.cases.models import tasks as task_rows
from app.core import db
from app.identity.models import case_access
from tests import world as worlds
from tests.cases.test_handing_on import sound
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

BULK, CASES = "/tasks/bulk", "/cases/bulk"


def items(*tasks: Row) -> list[dict[str, object]]:
    return [{"task": task["id"], "revision": task["revision"]} for task in tasks]


def states(world: World) -> list[str]:
    return sorted(row["state"] for row in world.rows(task_rows, step="sign"))


def test_each_is_done_for_itself_and_says_what_came_of_it(world: World) -> None:
    mine, taken, other = world.dispatched(), world.dispatched(), world.dispatched("d1-zjw")
    world.claim("cgw2", taken)

    answer = world.post("cgw1", BULK, {"verb": "claim", "items": items(mine, taken, other)})

    assert answer.status_code == 200
    told = answer.json
    assert (told["done"], told["refused"]) == (1, 2)
    assert [each["status"] for each in told["results"]] == [200, 409, 404]
    assert told["results"][1]["problem"]["type"] == "/problems/task-taken"
    assert "城管委承办员" in told["results"][1]["problem"]["detail"]
    assert {row["id"] for row in world.inbox("cgw1")} == {mine["id"]}
    sound(world)


def test_a_retry_gets_the_same_bytes_and_moves_nothing_twice(world: World) -> None:
    tasks = [world.dispatched() for _ in range(3)]
    body = {"verb": "complete", "outcome": "签收", "items": items(*tasks)}

    first = world.post("cgw1", BULK, body, key="one")
    steps = len(world.rows(case_chain))
    again = world.post("cgw1", BULK, body, key="one")
    other = world.post("cgw1", BULK, {**body, "opinion": "好"}, key="one")

    assert (first.status_code, first.json["done"], first.data) == (200, 3, again.data)
    assert len(world.rows(case_chain)) == steps
    assert other.status_code == 422
    assert states(world) == ["done"] * 3


def test_all_or_none_names_the_one_that_stood_in_the_way(world: World) -> None:
    mine, taken = world.dispatched(), world.dispatched()
    world.claim("cgw2", taken)
    body = {"verb": "claim", "atomic": True, "items": items(mine, {**taken, "revision": 2})}

    refused = world.post("cgw1", BULK, body)

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/batch-refused")
    assert refused.json["errors"][0]["pointer"] == "/items/1"
    assert refused.json["failed"]["task"] == taken["id"]
    assert world.row(task_rows, mine["id"])["state"] == "open"


def test_all_together_is_one_act_of_several_cases(world: World) -> None:
    tasks = [world.dispatched() for _ in range(4)]
    body = {"verb": "complete", "outcome": "签收", "atomic": True, "items": items(*tasks)}

    first = world.post("cgw1", BULK, body, key="one")
    again = world.post("cgw1", BULK, body, key="one")

    assert (first.status_code, first.data) == (200, again.data)
    assert [each["task"] for each in first.json["results"]] == [task["id"] for task in tasks]
    assert states(world) == ["done"] * 4
    assert len(world.inbox("cgw1")) == 4  # 办理 of each
    sound(world)


def test_two_branches_of_one_case_are_done_in_one_act(database: db.Database) -> None:
    drawing = Drawing("forked").start().both("split").both("join").task("last", by_role()).end()
    for name in ("a", "b"):
        drawing.task(name, by_role(), outcomes="完成").task(f"{name}2", by_role(), outcomes="完成")
        drawing.line("split", name, f"{name}2", "join")
    world = worlds.build(
        database, worlds.bundle_of("forked", drawing.line("start", "split").line("join", "last", "end"))
    )
    opened = world.file(process="forked").opened
    body = {"verb": "complete", "outcome": "完成", "atomic": True, "items": items(*opened)}

    answer = world.post("paiqian1", BULK, body)

    assert answer.status_code == 200
    assert sorted(row["step"] for row in world.inbox("paiqian1")) == ["a2", "b2"]
    assert len(world.rows(task_queue)) == 2
    sound(world)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"verb": "unclaim", "items": [{"task": "x"}]}, "/reason"),
        ({"verb": "transfer", "items": [{"task": "x"}], "reason": "x"}, "/to"),
        ({"verb": "complete", "items": [{"task": "x"}]}, "/outcome"),
        ({"verb": "claim", "items": []}, "/items"),
        ({"verb": "claim", "items": [{"task": "x"}, {"task": "x"}]}, "/items"),
        ({"verb": "claim", "items": [{"task": f"t{i}"} for i in range(501)]}, "/items"),
        ({"verb": "terminate", "items": [{"task": "x"}]}, "/verb"),
    ],
)
def test_what_is_asked_wrongly_is_refused_before_anything_is_done(
    world: World, body: dict, pointer: str
) -> None:
    answer = world.post("cgw1", BULK, body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == pointer


def test_a_revision_that_is_missing_or_old_is_told_of_that_one(world: World) -> None:
    one, other, fine = (world.dispatched() for _ in "abc")
    asked = [{"task": one["id"]}, {"task": other["id"], "revision": 7}, *items(fine)]

    told = world.post("cgw1", BULK, {"verb": "complete", "outcome": "签收", "items": asked}).json

    assert [each["status"] for each in told["results"]] == [428, 412, 200]


def test_many_cases_are_followed_and_kept_each_for_itself_or_all_or_none(world: World) -> None:
    mine, over = world.file().case, world.file().case
    world.post("duban1", f"/cases/{over['id']}/terminate", {"reason": "重复"}, seen=over["revision"])
    cases = [{"case": mine["id"]}, {"case": over["id"]}]
    body = {"verb": "follow", "items": cases}

    none = world.post("paiqian1", CASES, {**body, "atomic": True})
    tried = world.post("paiqian1", CASES + "?dryRun=true", body)
    kept = world.rows(favourites), world.rows(case_access, reason="followed")
    some = world.post("paiqian1", CASES, body, key="one")
    again = world.post("paiqian1", CASES, body, key="one")
    both = world.post("paiqian1", CASES, {"verb": "favourite", "items": cases, "atomic": True})
    gone = world.post("paiqian1", CASES, {"verb": "unfollow", "items": cases})

    assert (none.status_code, none.json["type"]) == (409, "/problems/batch-refused")
    assert [each["pointer"] for each in none.json["errors"]] == ["/items/1"]
    assert kept == ([], []), "neither a refused batch nor a trial leaves anything"
    assert [each["status"] for each in tried.json["results"]] == [200, 409]
    assert [(each["status"], each["followed"]) for each in some.json["results"]] == [(200, True), (409, None)]
    assert some.json["results"][1]["problem"]["type"] == "/problems/case-closed"
    assert again.data == some.data
    assert (both.json["done"], [each["favourite"] for each in both.json["results"]]) == (2, [True, True])
    assert [each["followed"] for each in gone.json["results"]] == [False, False]
