"""已申请列表 and what supervisors see: of one's own unit exactly, of those below, filtered, page by page."""

import pytest

from app.core import db
from tests.cases.asking import ask, decide, district, filed
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "extension")


def numbers(world: World, by: str, query: str = "") -> list[str]:
    return [row["number"] for row in world.get(by, f"/requests{query}").json["items"]]


def test_a_unit_lists_exactly_its_own_and_those_above_see_what_is_below(world: World) -> None:
    own = ask(world, "cgw1", filed(world), "extension").json["number"]
    other = ask(world, "zjw1", filed(world, "d1-zjw"), "extension").json["number"]
    below = ask(world, "jia1", filed(world, "d1-s1-c1"), "extension").json["number"]

    assert numbers(world, "cgw2", "?mine=true") == [own]
    assert numbers(world, "cgw2") == [own]
    assert numbers(world, "zjw1") == [other]
    assert numbers(world, "dongjie1") == [below]
    assert numbers(world, "shenhe1") == [below, other, own]
    assert numbers(world, "shenhe1", "?mine=true") == []


def test_another_units_request_is_refused_by_its_id_and_one_that_is_not_there_is_not_found(
    world: World,
) -> None:
    asked = ask(world, "cgw1", filed(world), "extension").json

    own, above = (world.get(by, f"/requests/{asked['id']}") for by in ("cgw2", "guancha1"))
    other = world.get("zjw1", f"/requests/{asked['id']}")
    nothing = world.get("zjw1", f"/requests/{asked['case']}")

    assert (own.status_code, above.status_code, own.json) == (200, 200, asked)
    assert (other.status_code, other.json["detail"]) == (403, "这是别的单位的申请，您不能查看。")
    assert nothing.status_code == 404


def test_requests_are_filtered_by_kind_state_unit_and_period(world: World) -> None:
    first = ask(world, "cgw1", filed(world), "extension").json
    world.wait(days=2)
    moment = world.now().isoformat().replace("+", "%2B")
    second = ask(world, "zjw1", filed(world, "d1-zjw"), "extension").json
    decide(world, "shenhe1", first["id"])

    assert numbers(world, "shenhe1", "?state=granted") == [first["number"]]
    assert numbers(world, "shenhe1", "?unit=d1-zjw") == [second["number"]]
    assert numbers(world, "shenhe1", f"?since={moment}") == [second["number"]]
    assert numbers(world, "shenhe1", f"?until={moment}&kind=extension") == [first["number"]]
    row = world.get("cgw1", "/requests?mine=true").json["items"][0]
    assert (row["stateName"], row["decidedByName"], row["caseTitle"]) == ("通过", "审核员甲", "路灯不亮")


def test_a_list_is_read_page_by_page(world: World) -> None:
    made = [ask(world, "cgw1", filed(world), "extension").json["number"] for _ in range(3)]

    first = world.get("cgw1", "/requests?mine=true&limit=2").json
    second = world.get("cgw1", f"/requests?mine=true&limit=2&after={first['page']['next']}").json

    assert [row["number"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["page"]["next"] is None


def test_a_case_shows_what_was_asked_of_it_to_whoever_sees_it(world: World) -> None:
    task = filed(world)
    asked = ask(world, "cgw1", task, "extension").json

    seen = world.get("paiqian1", f"/cases/{task['case_id']}/requests")
    hidden = world.get("zjw1", f"/cases/{task['case_id']}/requests")

    assert [row["id"] for row in seen.json["items"]] == [asked["id"]]
    assert hidden.status_code == 404
