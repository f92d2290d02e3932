"""Who asked for something hears what became of it, once, and of nothing else about the request."""

import pytest

from app.core import db
from tests.cases.asking import ask, decide, district, filed
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


def test_a_refusal_is_told_with_what_was_said(world: World) -> None:
    task = filed(world)
    asked = ask(world, "cgw1", task, "extension").json

    decide(world, "shenhe1", asked["id"], "不同意", "理由不足，电话 13800001234")

    assert told(world, kind="request") == [
        ("城管委值班员", "request", "申请没有准予（延期），意见：理由不足，电话 138****1234")
    ]
