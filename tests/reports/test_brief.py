"""简报: what a period's numbers are, in words; each number is the one that the report shows."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.cases import firing
from app.core import db
from app.core.clock import BEIJING
from tests import world as worlds
from tests.world import Row, World


@pytest.fixture
def world(database: db.Database) -> World:
    with db.transaction() as session:
        worlds.categorise(session)
    return worlds.build(database, worlds.shipped("quick_response"), worlds.shipped("work_brief"))


def matter(world: World, kind: str, days: int) -> Row:
    """Told so many days ago, accepted now."""
    told = world.now() - timedelta(days=days)
    answers = {"content": "三号院。", "matter": kind, "channel": "走访发现"}
    filed = world.file(
        by="jia1",
        process="quick_response",
        title=kind,
        place_unit="d1-s1-c1",
        received_at=told,
        answers=answers,
    )
    world.complete("dongjie1", filed.opened[0], "受理", {"matter": kind, "main_unit": "d1-s1-c1"})
    return filed.case


WEEKLY = {"about": "quick_response", "days": 7, "group_by": "fact.matter", "list_of": "overdue"}
MONTHLY = {"about": "problem_tracking", "days": 30, "group_by": "place", "list_of": "unanswered"}


def brief(world: World, answers: dict[str, Any] = WEEKLY) -> Row:
    """The case, once its draft is written."""
    filed = world.file(process="work_brief", title="工作简报", place_unit="d1", answers=answers)
    world.wait(seconds=1)
    firing.fire_due()
    return world.case(filed.case["id"])


@pytest.mark.requirement("TKX-103")
def test_the_numbers_the_largest_groups_and_the_overdue_are_those_of_the_report(world: World) -> None:
    late = matter(world, "环境卫生", 6)
    matter(world, "环境卫生", 1)
    matter(world, "政策咨询", 2)
    matter(world, "政策咨询", 10)  # of the week before

    data = brief(world)["data"]

    lines = data["brief"].split("\n")
    today = world.now().astimezone(BEIJING).date()
    days = {"from": str(today - timedelta(days=7)), "to": str(today - timedelta(days=1))}
    assert (data["first_day"], data["last_day"]) == (days["from"], days["to"])
    asked = urlencode({**days, "period": "received", "compare": "previous"})
    told = world.get("duban1", f"/reports/quick_response?{asked}").json["total"]
    assert told["received"]["value"] == 3
    assert "受理件数：3 件，比上期上升 200%。" in lines
    assert f"超期未结：{told['overdue']['value']} 件" in data["brief"]
    assert "按事项类别，受理件数最多的：环境卫生 2 件，政策咨询 1 件。" in lines
    which = urlencode({**days, "period": "received", "measure": "overdue", "part": "numerator"})
    behind = world.get("duban1", f"/reports/quick_response/cases?{which}").json["items"]
    assert late["number"] in [each["number"] for each in behind]
    assert lines[-1] == f"超期未结的：{'、'.join(each['number'] for each in behind)}。"


def test_without_a_report_the_brief_says_so_and_can_be_written_by_hand(database: db.Database) -> None:
    world = worlds.build(database, worlds.shipped("work_brief"))

    data = brief(world)["data"]

    assert data["brief"] == "流程“quick_response”没有发布，或没有写指标（measures），没有可以写的数。"


@pytest.mark.requirement("BS-086")
def test_the_analysis_of_problems_goes_to_the_units_that_were_chosen(world: World) -> None:
    world.publish(worlds.shipped("problem_tracking"))
    told = world.now() - timedelta(days=3)
    about = {"content": "2 号楼堆了纸箱。", "label": "54"}
    filing = {"by": "jia1", "process": "problem_tracking", "title": "楼道堆物", "place_unit": "d1-s1-c1"}
    for _ in range(2):
        world.file(**filing, received_at=told, answers=about)

    case = brief(world, MONTHLY)
    edited = {"brief": case["data"]["brief"], "recipients": ["d1-cgw", "d1-s1"]}
    world.complete("duban1", world.inbox_of(case)[0], "提交", edited)
    world.complete("shenhe1", world.inbox_of(case)[0], "发布")

    assert "24小时回应率：0%（0/2）。" in case["data"]["brief"].split("\n")
    assert case["data"]["brief"].split("\n")[-1].startswith("24小时未回应的：WT-")
    heard = {login: world.get(login, "/notices").json["items"] for login in ("cgw1", "dongjie1", "zjw1")}
    said = f"工作简报已发布（{case['number']}）"
    assert {login for login, items in heard.items() if any(said in each["text"] for each in items)} == {
        "cgw1",
        "dongjie1",
    }
