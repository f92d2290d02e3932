"""简报: what a period's numbers are, in words; each number is the one that the report shows."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.cases import firing
from app.categories import importing
from app.core import db
from app.core.clock import BEIJING
from tests import world as worlds
from tests.world import BPMN, Row, World


@pytest.fixture
def world(database: db.Database) -> World:
    with db.transaction() as session:
        importing.load_folder(session, BPMN)
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


def brief(world: World) -> dict[str, Any]:
    filed = world.file(process="work_brief", title="接诉即办工作简报", place_unit="d1")
    world.wait(seconds=1)
    firing.fire_due()
    return world.case(filed.case["id"])["data"]


@pytest.mark.requirement("TKX-103")
def test_the_numbers_the_largest_groups_and_the_overdue_are_those_of_the_report(world: World) -> None:
    late = matter(world, "环境卫生", 6)
    matter(world, "环境卫生", 1)
    matter(world, "政策咨询", 2)
    matter(world, "政策咨询", 10)  # of the week before

    data = brief(world)

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

    data = brief(world)

    assert data["brief"] == "流程“quick_response”没有发布，或没有写指标（measures），没有可以写的数。"
