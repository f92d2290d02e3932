"""补充 and 撤单: what a reporter adds reaches who handles the case; what he calls off ends when the centre agrees."""

from typing import Any

import pytest

from app.cases.requests.models import case_requests
from app.core import db
from tests.cases.asking import ask, decide, district, filed, open_task, texts
from tests.world import Row, World


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "supplement", "revocation", "supervise")


def say(world: World, by: str, task: Row, kind: str, text: str = "是北侧的两盏。") -> Any:
    return ask(world, by, task, kind, request_reason=text)


def test_what_is_added_lies_with_the_unit_that_handles_and_in_the_timeline(world: World) -> None:
    task = filed(world)

    first, second = (say(world, "paiqian1", task, "supplement") for _ in range(2))
    world.complete("cgw1", open_task(world, first.json["id"]), "已知悉")

    assert (first.status_code, second.status_code) == (201, 201)
    assert open_task(world, second.json["id"])["pools"] == ["handler@d1/d1-cgw"]
    assert f"补充，{first.json['number']}：是北侧的两盏。" in texts(world, task["case_id"])
    assert world.row(case_requests, first.json["id"])["state"] == "ended"
    assert world.case(task["case_id"])["state"] == "active"


def test_who_filed_it_or_takes_calls_may_and_the_handling_unit_may_not(world: World) -> None:
    own = world.file(by="jia1", process="order", answers={"main_unit": "d1-cgw"}, place_unit="d1-s1-c1")

    by_reporter = say(world, "jia1", own.opened[0], "supplement")
    by_handler = say(world, "cgw1", own.opened[0], "supplement")
    by_stranger = say(world, "zjw1", own.opened[0], "revocation")

    assert (by_reporter.status_code, by_handler.status_code, by_stranger.status_code) == (201, 403, 404)


def test_a_case_that_is_called_off_ends_with_all_that_is_open(world: World) -> None:
    task = filed(world)
    say(world, "paiqian1", task, "supplement")
    asked = say(world, "paiqian1", task, "revocation", "路灯已自行恢复。").json

    decide(world, "paiqian2", asked["id"])

    case = world.case(task["case_id"])
    assert (case["state"], case["close_reason"], case["children_open"]) == ("cancelled", "撤单", 0)
    assert world.inbox_of(case) == []
    assert {row["kind"]: row["state"] for row in world.rows(case_requests)} == {
        "supplement": "ended",
        "revocation": "granted",
    }
    assert "撤诉，原因：路灯已自行恢复。" in texts(world, task["case_id"])


def test_a_refused_one_needs_words_and_the_case_goes_on(world: World) -> None:
    task = filed(world)
    asked = say(world, "paiqian1", task, "revocation").json
    review = open_task(world, asked["id"])

    silent = world.post(
        "paiqian2", f"/tasks/{review['id']}/complete", {"outcome": "不同意", "answers": {}}, seen=1
    )
    decide(world, "paiqian2", asked["id"], "不同意", "涉及公共安全。")

    assert silent.json["type"] == "/problems/opinion-required"
    assert world.case(task["case_id"])["state"] == "active"
    assert world.row(case_requests, asked["id"])["state"] == "refused"


def test_a_supervised_case_is_not_called_off(world: World) -> None:
    task = filed(world)
    ask(world, "duban1", task, "supervise", supervise_within="1天")
    asked = say(world, "paiqian1", task, "revocation").json
    review = open_task(world, asked["id"])

    refused = world.post(
        "paiqian2", f"/tasks/{review['id']}/complete", {"outcome": "同意", "answers": {}}, seen=1
    )

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/open-supervision")
    assert world.row(case_requests, asked["id"])["state"] == "pending"
