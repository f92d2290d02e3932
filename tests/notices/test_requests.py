"""Who asked for something hears what became of it, once, and of nothing else about the request."""

import pytest

from app.core import db
from tests.cases.asking import SLA, ask, decide, district, filed, order
from tests.notices.reading import told
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "extension")


def test_who_asked_for_an_extension_is_told_that_it_was_granted(world: World) -> None:
    task = filed(world)
    asked = ask(world, "cgw1", task, "extension").json

    decide(world, "shenhe1", asked["id"])

    assert told(world, kind="request") == [("城管委值班员", "request", "申请已准予（延期）")]
    assert told(world, case_id=asked["id"]) == [], "that the request itself ended is no news"


def test_who_asked_for_more_time_is_told_when_the_order_was_answered_first(database: db.Database) -> None:
    world = district(database, order(sla=SLA.replace("case.closed", "task.done(work)")), "extension")
    task = filed(world)
    ask(world, "cgw2", task, "extension")

    answered = world.post("cgw1", f"/tasks/{task['id']}/complete", {"outcome": "办结"}, seen=task["revision"])

    assert answered.status_code == 200, answered.json
    assert told(world, kind="request") == [
        ("城管委承办员", "request", "申请已撤销（延期），原因：“办结时限”已经停止计时")
    ]


def test_a_refusal_is_told_with_what_was_said(world: World) -> None:
    task = filed(world)
    asked = ask(world, "cgw1", task, "extension").json

    decide(world, "shenhe1", asked["id"], "不同意", "理由不足，电话 13800001234")

    assert told(world, kind="request") == [
        ("城管委值班员", "request", "申请没有准予（延期），意见：理由不足，电话 138****1234")
    ]
