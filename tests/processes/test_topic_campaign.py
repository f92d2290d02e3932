"""每月一题 as it is shipped: orders of the class and month are tied to it, each unit reports for itself."""

import pytest

from app.cases.models import cases
from app.core import db
from tests import world as worlds
from tests.world import Row, World


@pytest.fixture
def town(database: db.Database) -> World:
    made = worlds.build(database, worlds.shipped("work_order_12345"), worlds.shipped("topic_campaign"))
    with db.transaction() as session:
        worlds.categorise(session)
    return made


def order(town: World, category: str, month: str, place: str = "d1-s1-c1") -> Row:
    answers = {"content": "路灯不亮", "category": category}
    filed = town.file(title="路灯", place_unit=place, answers=answers).case
    town.change(cases, filed["id"], received_at=town.now().fromisoformat(f"{month}-15T12:00:00+08:00"))
    return filed


def planned(town: World) -> Row:
    """A topic of March under way, with two units that carry it."""
    filed = town.file(process="topic_campaign", title="题", place_unit="d1", answers={"period": "2026-03"})
    about = {"topic": "路灯", "category": "1202", "lead_unit": "d1-cgw", "within": "3个月"}
    plan = town.complete("paiqian1", filed.opened[0], "立题", about).opened[0]
    tasks = {"goal": "亮", "task_list": ["换灯", "排查"], "task_units": ["d1-cgw", "d1-s1"]}
    town.complete("cgw1", plan, "下达", tasks)
    return town.case(filed.case["id"])


def test_the_orders_of_the_class_and_month_are_counted_and_tied_and_no_others(town: World) -> None:
    one, other = order(town, "120201", "2026-03"), order(town, "120202", "2026-03", "d1-s2-c1")
    order(town, "120201", "2026-04")
    order(town, "010101", "2026-03")

    case = planned(town)

    listed = town.get("paiqian1", f"/cases/{case['id']}/links").json["items"]
    assert {row["case"]["number"] for row in listed} == {one["number"], other["number"]}
    assert (case["data"]["order_count"], case["data"]["linked_count"]) == (2, 2)
    seen = town.get("cgw1", f"/cases/{case['id']}/links").json["items"]
    assert seen == []  # the tie to an order is seen by who may see the order


def test_each_unit_reports_for_itself_and_nobody_else_does(town: World) -> None:
    case = planned(town)
    mine, theirs = (
        next(row for row in town.inbox(who) if row["case_id"] == case["id"]) for who in ("cgw1", "dongjie1")
    )
    body = {"outcome": "报进度", "answers": {"percent": 30, "progress": "已换十盏"}}

    for who, status in (("dongjie1", 403), ("guancha1", 403), ("zjw1", 404), ("jumin1", 403)):
        answer = town.post(who, f"/tasks/{mine['id']}/complete", body, seen=mine["revision"])
        assert answer.status_code == status, who
    town.complete("cgw1", mine, "报进度", body["answers"])
    town.complete("dongjie1", theirs, "已完成", {"percent": 100, "progress": "已排查"})

    again = next(row for row in town.inbox("cgw1") if row["case_id"] == case["id"])
    assert again["id"] != mine["id"]
    assert town.case(case["id"])["status"] == "落实中"
    told = town.get("paiqian1", f"/cases/{case['id']}/timeline?limit=100").text
    assert "报进度" in told
