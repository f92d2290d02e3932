"""Nobody decides what he asked for: not for another, not through another, not with two roles; over HTTP."""

from typing import Any

import pytest

from app.core import db
from tests import world as worlds
from tests.cases.asking import ask, district, filed, open_task
from tests.engine.drawing import Drawing
from tests.substitutes.conftest import stands_in
from tests.world import Row, World, by_role


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "extension", "revocation")


def decide(world: World, by: str, asked: Row, outcome: str = "同意") -> Any:
    """Completes the open step of a request; what is answered."""
    task = open_task(world, asked["id"])
    body = {"outcome": outcome, "opinion": "属实。"}
    return world.post(by, f"/tasks/{task['id']}/complete", body, seen=task["revision"])


def test_who_asked_does_not_decide_for_a_reviewer_nor_does_a_reviewer_what_he_asked_for_another(
    world: World,
) -> None:
    own = ask(world, "cgw1", filed(world), "extension").json
    stands_in(world, "cgw1", "shenhe1")
    stands_in(world, "shenhe2", "zjw1")
    for_another = ask(world, "shenhe2", filed(world, "d1-zjw"), "extension").json

    refused = [decide(world, by, asked) for by, asked in (("cgw1", own), ("shenhe2", for_another))]

    assert [each.json["type"] for each in refused] == ["/problems/four-eyes"] * 2
    assert refused[0].json["detail"] == "您提出了这个申请，“终审”要由别人办理。"
    assert for_another["askedByName"] == "审核员乙（代住建委值班员）"
    listed = world.get("shenhe2", f"/requests/{for_another['id']}").json
    assert (listed["askedBy"], listed["askedByName"]) == (
        world.actor("zjw1").id,
        "审核员乙（代住建委值班员）",
    )
    assert [decide(world, "shenhe1", asked).status_code for asked in (own, for_another)] == [200, 200]


def test_who_is_handler_and_reviewer_neither_takes_nor_is_given_what_he_asked(world: World) -> None:
    world.appoint("cgw1", "reviewer", "d1")
    asked = ask(world, "cgw1", filed(world), "extension").json
    final = open_task(world, asked["id"])

    claimed = world.post("cgw1", f"/tasks/{final['id']}/claim", {})
    held = world.post("shenhe1", f"/tasks/{final['id']}/claim", {}).json["task"]
    body = {"to": "cgw1", "reason": "外出"}
    given = world.post("shenhe1", f"/tasks/{final['id']}/transfer", body, seen=held["revision"])

    assert [each.json["type"] for each in (claimed, given)] == ["/problems/four-eyes"] * 2
    assert given.json["detail"].startswith("城管委值班员提出了这个申请")


def test_another_dispatcher_decides_on_a_matter_that_one_called_off(world: World) -> None:
    asked = ask(world, "paiqian1", filed(world), "revocation").json

    own, other = (decide(world, by, asked) for by in ("paiqian1", "paiqian2"))

    assert (own.json["type"], other.status_code) == ("/problems/four-eyes", 200)


def test_a_step_that_checks_the_start_is_not_for_who_filed_nor_called_for_who_led_to_it(
    database: db.Database,
) -> None:
    inner = Drawing("checking").start("s").task("judge", by_role(), outcomes="完成", notSameAs="start")
    inner.end("over").line("s", "judge", "over")
    drawing = Drawing("checked").start().task("accept", by_role(), outcomes="完成", notSameAs="start")
    drawing.node("callActivity", "check", 'calledElement="checking"').end()
    drawing.line("start", "accept", "check", "end")
    called = worlds.bundle_of("checking", inner, starts="[call]")
    world = worlds.build(database, called, worlds.bundle_of("checked", drawing))

    def complete(by: str) -> Any:
        (task,) = [row for row in world.inbox(by) if row["case_id"] == case_id]
        return world.post(by, f"/tasks/{task['id']}/complete", {"outcome": "完成"}, seen=task["revision"])

    case_id = world.file("paiqian1", process="checked").case["id"]
    answers = [complete(by) for by in ("paiqian1", "paiqian2", "paiqian2", "paiqian1")]

    assert [each.status_code for each in answers] == [409, 200, 409, 200]
    details = [answers[0].json["detail"], answers[2].json["detail"]]
    assert details[0].startswith("您登记了这件办件，")
    assert details[1].startswith("您办理过“")
