"""Acting for somebody: his desk and pools, in his name, signed 甲（代乙）, as long as it holds and no longer."""

from datetime import timedelta
from typing import Any

import orjson

from app.audit.chain import case_chain
from app.audit.verify import verify
from app.cases.models import tasks
from app.core import db
from tests.substitutes.conftest import stands_in, wanted
from tests.world import Row, World

SIGNED = "城管委承办员（代城管委值班员）"


def lying(world: World, by: str, view: str = "todo") -> list[str]:
    answer = world.get(by, f"/tasks?view={view}")
    assert answer.status_code == 200, answer.json
    return [each["id"] for each in answer.json["items"]]


def count(world: World, by: str, view: str = "todo") -> int:
    return int(world.get(by, "/tasks/counts").json[view]["count"])


def claimed(world: World, by: str = "cgw1") -> Row:
    task = world.claim(by, world.dispatched()).task
    assert task is not None
    return task


def complete(world: World, by: str, task: Row, outcome: str, **more: Any) -> Any:
    return world.post(by, f"/tasks/{task['id']}/complete", {"outcome": outcome, **more}, seen=task["revision"])


def test_a_substitute_sees_the_desk_and_acts_in_the_name_of_whom_he_represents(world: World) -> None:
    task = claimed(world)
    assert lying(world, "cgw2") == []
    stands_in(world, "cgw2", "cgw1")

    listed = (lying(world, "cgw2"), count(world, "cgw2"))
    done = complete(world, "cgw2", task, "签收")

    assert listed == ([task["id"]], 1)
    assert done.status_code == 200, done.json
    assert (done.json["task"]["signature"], done.json["task"]["assignee"]) == (SIGNED, world.actor("cgw1").id)
    row = world.row(tasks, task["id"])
    assert (row["done_by"], row["hand_id"]) == (world.actor("cgw1").id, world.actor("cgw2").id)
    for who in ("cgw1", "cgw2"):
        assert lying(world, who, "done") == [task["id"]]
        assert (count(world, who, "done"), lying(world, who, "running")) == (1, [task["id"]])
        assert world.get(who, f"/tasks/{task['id']}").json["signature"] == SIGNED
    last = world.rows(case_chain, case_id=task["case_id"])[-1]
    assert last["actor_id"] == world.actor("cgw2").id
    assert orjson.loads(last["events"])[0]["for"] == world.actor("cgw1").id
    items = world.get("cgw1", f"/cases/{task['case_id']}/timeline").json["items"]
    assert items[-1]["actor"] == SIGNED
    with db.reading() as session:
        assert verify(session).faults == ()
