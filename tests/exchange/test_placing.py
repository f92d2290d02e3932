"""Where an order of the city lies: in its community, else its street, else with the sender, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases.models import cases
from app.core import clock, db
from app.identity.models import units
from tests import world as worlds
from tests.exchange.conftest import Configure
from tests.exchange.speaking import callback
from tests.world import WORK_ORDER, Row, World


@pytest.fixture
def world(database: db.Database) -> World:
    """The district with the work order as it is shipped."""
    return worlds.build(database, worlds.shipped(WORK_ORDER))


def order(world: World, number: str = "BJ-1", **location: Any) -> Row:
    data = {"title": "路灯不亮", "content": "三号楼前路灯不亮。", "type": "求助", "level": "一般"}
    answer = callback(world, number, name="city.dispatch", data={**data, "location": location})
    assert answer.status_code == 200, answer.json
    return world.rows(cases, external_no=number)[0]


@pytest.mark.parametrize(
    ("location", "place", "unknown"),
    [
        ({"communityCode": "d1-s1-c2", "streetCode": "d1-s1"}, "d1-s1-c2", None),
        ({"communityCode": " d1-s1-c2 "}, "d1-s1-c2", None),
        ({"streetCode": "d1-s2"}, "d1-s2", None),
        ({"communityCode": "d1-s1-c99", "streetCode": "d1-s1"}, "d1-s1", "d1-s1-c99"),
        ({"communityCode": "d9-s1-c1", "streetCode": "d9-s1"}, "d1", "d9-s1-c1、d9-s1"),
        ({"communityCode": 310113, "streetCode": {"a": 1}}, "d1", "310113、{'a': 1}"),
        ({"communityCode": "", "streetCode": None}, "d1", None),
        ({}, "d1", None),
    ],
)
def test_an_order_lies_in_the_narrowest_place_that_is_known(
    world: World, location: Row, place: str, unknown: str | None
) -> None:
    case = order(world, **location)

    (task,) = world.inbox_of(case)
    form = world.get("paiqian1", f"/tasks/{task['id']}/form").json
    assert (case["place_unit"], case["org_path"].rpartition("/")[2]) == (place, place)
    assert case["data"].get("unknown_place") == unknown
    assert form["values"].get("unknown_place") == unknown, "the dispatcher sees what was not known"
    assert task["pools"] == ["dispatcher@d1"]


def test_a_unit_outside_the_sender_s_reach_or_of_the_past_is_no_place(world: World) -> None:
    with db.transaction() as session:
        row = {"id": "e", "code": "d2-s1", "name": "外区街道", "kind": "street", "tier": "street"}
        session.execute(units.insert(), {**row, "path": "d2/d2-s1"})
        past = clock.now(session) - timedelta(days=1)
        session.execute(units.update().where(units.c.code == "d1-s1-c3").values(valid_to=past))

    other = order(world, "BJ-1", streetCode="d2-s1")
    gone = order(world, "BJ-2", communityCode="d1-s1-c3", streetCode="d1-s1")

    assert (other["place_unit"], other["data"]["unknown_place"]) == ("d1", "d2-s1")
    assert (gone["place_unit"], gone["data"]["unknown_place"]) == ("d1-s1", "d1-s1-c3")


def test_the_city_s_own_words_for_street_and_community_place_the_order(
    world: World, configure: Configure
) -> None:
    configure(city12345={"url": "http://127.0.0.1:9/", "account": "city"})
    theirs = {"bt": "路灯不亮", "question": "不亮", "street": "d1-s2", "community": "d1-s2-c77"}

    answer = callback(world, "BJ-8", name="city.dispatch", data=theirs)

    (case,) = world.rows(cases)
    assert (answer.status_code, case["place_unit"]) == (200, "d1-s2")
    assert case["data"]["unknown_place"] == "d1-s2-c77"


def test_an_unknown_place_that_is_no_code_at_all_is_refused_where_it_stands(world: World) -> None:
    data = {"title": "路灯不亮", "location": {"communityCode": "字" * 201}}

    answer = callback(world, "BJ-1", name="city.dispatch", data=data)

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/data/location/communityCode")
    assert world.rows(cases) == []
