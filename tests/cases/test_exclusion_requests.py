"""剔除: an order is kept and no longer counted, for a reason with evidence; and counted again."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases.requests.models import case_requests
from app.core import db
from app.core.clock import BEIJING
from tests.cases.asking import ask, brought, decide, district, filed, open_task, order, texts
from tests.world import Row, World

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "exclusion")


def exclusion(world: World, task: Row, by: str = "cgw1", **more: Any) -> Any:
    answers = {"exclusion_category": "12", "evidence": [brought(world, by)], **more}
    return ask(world, by, task, "exclusion", **answers)


def excluded(world: World, unit: str = "d1-cgw", by: str = "cgw1") -> Row:
    """The task of an order that was excluded."""
    task = filed(world, unit)
    decide(world, "shenhe1", exclusion(world, task, by).json["id"], opinion="符合规定。")
    return task


@pytest.mark.requirement("SJS-013")
def test_a_unit_asks_for_its_own_order_once_and_it_lies_with_the_reviewers(world: World) -> None:
    task = filed(world)

    asked = exclusion(world, task)
    again, other = exclusion(world, task, "cgw2"), exclusion(world, task, "zjw1")
    bare = exclusion(world, filed(world), evidence=[])

    assert (asked.status_code, asked.json["stateName"]) == (201, "待审核")
    assert asked.json["id"] in {row["case_id"] for row in world.inbox("shenhe1")}
    assert (again.status_code, again.json["type"]) == (409, "/problems/request-pending")
    assert (other.status_code, bare.status_code) == (404, 422)
    assert len(world.rows(case_requests)) == 1


@pytest.mark.requirement("SJS-014")
def test_the_centre_agrees_and_the_order_is_excluded_with_its_status_unchanged(world: World) -> None:
    task = filed(world)
    asked = exclusion(world, task).json

    decide(world, "shenhe1", asked["id"], opinion="符合规定。")

    case = world.get("cgw1", f"/cases/{task['case_id']}").json
    assert (case["excluded"], case["state"], case["tasks"][0]["id"]) == (True, "active", task["id"])
    told = texts(world, task["case_id"])
    assert "剔除申请通过，意见：符合规定。" in told
    assert "剔除，不计入考核，原因：灯杆要从外地调运。" in told
    once = exclusion(world, task)
    assert (once.status_code, once.json["type"]) == (409, "/problems/already-excluded")


@pytest.mark.requirement("SJS-014")
def test_the_centre_refuses_with_words_and_nothing_is_excluded(world: World) -> None:
    task = filed(world)
    asked = exclusion(world, task).json
    final = open_task(world, asked["id"])

    silent = world.post(
        "shenhe1", f"/tasks/{final['id']}/complete", {"outcome": "不同意", "answers": {}}, seen=1
    )
    by_another = world.post(
        "cgw1", f"/tasks/{final['id']}/complete", {"outcome": "同意", "answers": {}, "opinion": "好"}, seen=1
    )
    decide(world, "shenhe1", asked["id"], "不同意", "诉求合理。")

    assert (silent.json["type"], by_another.status_code) == ("/problems/opinion-required", 403)
    assert world.case(task["case_id"])["excluded"] is False
    assert world.row(case_requests, asked["id"])["state"] == "refused"


@pytest.mark.requirement("SJS-012")
def test_excluded_orders_are_listed_by_state_unit_and_period_and_found_by_search(world: World) -> None:
    first, second = excluded(world), excluded(world, "d1-zjw", "zjw1")
    world.wait(days=40)
    moment = world.now().isoformat().replace("+", "%2B")
    third = excluded(world)
    filed(world)

    def cases(query: str) -> set[str]:
        found = world.get("shenhe1", f"/requests?kind=exclusion&{query}").json["items"]
        return {row["case"] for row in found}

    ids = [task["case_id"] for task in (first, second, third)]
    assert cases("state=granted") == set(ids)
    assert cases("state=granted&unit=d1-cgw") == {ids[0], ids[2]}
    assert cases(f"state=granted&unit=d1-cgw&since={moment}") == {ids[2]}
    assert cases("state=pending") == set()
    assert {row["id"] for row in world.cases("shenhe1", excluded=True)} == set(ids)


@pytest.mark.requirement("SJS-015")
def test_the_list_of_a_unit_holds_exactly_its_own_and_anothers_is_refused(world: World) -> None:
    own = exclusion(world, filed(world)).json
    other = exclusion(world, filed(world, "d1-zjw"), "zjw1").json

    listed = world.get("cgw2", "/requests?kind=exclusion&mine=true").json["items"]
    peeked = world.get("cgw2", f"/requests/{other['id']}")

    assert [row["id"] for row in listed] == [own["id"]]
    assert (listed[0]["caseNumber"], listed[0]["reason"], listed[0]["stateName"]) == (
        own["caseNumber"],
        "灯杆要从外地调运。",
        "待审核",
    )
    assert listed[0]["askedAt"] == own["askedAt"]
    assert peeked.status_code == 403


def test_a_review_goes_on_after_the_order_has_ended(world: World) -> None:
    task = filed(world)
    asked = exclusion(world, task).json
    world.complete("shenhe1", world.complete("cgw1", task, "办结").opened[0])

    decide(world, "shenhe1", asked["id"], opinion="符合规定。")

    case = world.case(task["case_id"])
    assert (case["state"], case["excluded"], case["children_open"]) == ("closed", True, 0)


def test_an_excluded_order_is_counted_again_for_a_reason_by_who_may(world: World) -> None:
    task = excluded(world)
    path, body = f"/cases/{task['case_id']}/include", {"reason": "复核后应当计入"}
    seen = world.case(task["case_id"])["revision"]

    by_handler = world.post("cgw1", path, body, seen=seen)
    stale = world.post("shenhe1", path, body, seen=seen - 1)
    done = world.post("shenhe1", path, body, seen=seen)
    again = world.post("shenhe1", path, body, seen=seen + 1)

    assert (by_handler.status_code, stale.status_code) == (403, 412)
    assert (done.status_code, done.json["excluded"]) == (200, False)
    assert (again.status_code, again.json["type"]) == (409, "/problems/not-excluded")
    assert "恢复计入考核，原因：复核后应当计入" in texts(world, task["case_id"])
    assert exclusion(world, task).status_code == 201, "it may be asked for again"


@pytest.mark.requirement("SJS-012")
def test_an_excluded_order_is_in_no_number_until_it_is_counted_again(database: db.Database) -> None:
    world = district(database, order("statistics: {unit: main_unit, clock: resolve}\n"), "exclusion")
    task = excluded(world)
    filed(world)
    today = world.now().astimezone(BEIJING).date()
    path = f"/reports/orders?by=unit&from={today - timedelta(days=1)}&to={today}"

    without = world.get("duban1", path).json
    seen = world.case(task["case_id"])["revision"]
    world.post("duban1", f"/cases/{task['case_id']}/include", {"reason": "复核后应当计入"}, seen=seen)
    counted = world.get("duban1", path).json

    assert (without["excluded"], without["total"]["received"]["numerator"]) == (1, 1)
    assert (counted["excluded"], counted["total"]["received"]["numerator"]) == (0, 2)
