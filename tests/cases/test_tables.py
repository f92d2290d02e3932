"""A business rule task asks its table and fills declared names; what does not fit stops the case unchanged."""

import pytest

from app.bundles.files import BundleFiles
from app.cases import timeline
from app.cases.errors import ProcessStopped
from app.cases.models import cases, incidents
from tests.categories.conftest import SMALL, load
from tests.engine.decisions.tables import file, table
from tests.engine.drawing import Drawing
from tests.world import World, bundle_of, by_role

DATA = """
    level: {type: choice, of: [突发, 一般], label: 紧急程度}, note: {type: text, max: 10, label: 说明},
    units: {type: list, of: unit, label: 单位}, days: {type: int, min: 1, label: 天数}
"""


KINDS = DATA + ", kind: {type: category, table: city_12345, label: 分类}"


def asking(
    outputs: list[str], rows: list[list[str]], policy: str = "", attributes: str = "", data: str = DATA
) -> BundleFiles:
    """Filing with a level, a table, then one step."""
    drawing = Drawing("asked").start("start", 'camunda:formKey="filing"').end()
    drawing.node("businessRuleTask", "pick", f'camunda:decisionRef="pick" {attributes}')
    drawing.task("work", by_role()).line("start", "pick", "work", "end")
    forms = {"filing": "title: 登记\nfields: [{name: level, required: true}]\n"}
    files = bundle_of("asked", drawing, data=data, forms=forms)
    written = file(table(["level"], outputs, rows, policy, identifier="pick", name="定单位"))
    return BundleFiles("asked", {**files.files, "decisions/pick.dmn": written})


def test_outputs_become_case_data_and_the_timeline_names_the_rule(world: World):
    rows = [['"突发"', '"马上办"', "1"], ['"一般"', '"按期办"', "7"]]
    world.publish(asking(["note", "days"], rows))

    case = world.file(process="asked", answers={"level": "一般"}).case

    assert world.case(case["id"])["data"] == {"level": "一般", "note": "按期办", "days": 7}
    told = [
        event["text"] for row in timeline.of(world.actor("paiqian1"), case["id"]) for event in row["events"]
    ]
    assert "决策表“定单位”(pick)第 2 条规则" in told


def test_a_column_of_values_is_kept_once_each(world: World):
    rows = [["-", '"d1-cgw"'], ['"一般"', '"d1-zjw"'], ["-", '"d1-cgw"']]
    attributes = 'camunda:resultVariable="units" camunda:mapDecisionResult="collectEntries"'
    world.publish(asking(["unit"], rows, "COLLECT", attributes))

    case = world.file(process="asked", answers={"level": "一般"}).case

    assert world.case(case["id"])["data"]["units"] == ["d1-cgw", "d1-zjw"]


@pytest.mark.parametrize(
    ("output", "value", "says"),
    [
        ("days", "0", "“天数”的结果不合要求：不能小于 1"),
        ("note", '"这一段文字超过十个字了吧"', "“说明”的结果不合要求"),
        ("number", '"1"', "结果“number”不是可以写入的名字"),
        ("nobody", '"1"', "结果“nobody”不是可以写入的名字"),
    ],
)
def test_a_result_that_does_not_fit_its_name_stops_the_filing(
    world: World, output: str, value: str, says: str
):
    world.publish(asking([output], [["-", value]]))

    with pytest.raises(ProcessStopped) as stopped:
        world.file(process="asked", answers={"level": "一般"})

    (incident,) = world.rows(incidents, number=stopped.value.extra["incident"])
    assert (world.rows(cases), incident["element"]) == ([], "pick")
    assert says in incident["explanation"]


def test_a_title_and_a_priority_may_come_from_a_table(world: World):
    world.publish(asking(["title", "priority"], [["-", '"换过的标题"', "90"]]))

    case = world.case(world.file(process="asked", answers={"level": "突发"}).case["id"])

    assert (case["title"], case["priority"], case["data"]) == ("换过的标题", 90, {"level": "突发"})


def test_a_category_from_a_table_is_kept_with_its_name(world: World):
    load(SMALL)
    world.publish(asking(["kind"], [["-", '"010101"']], data=KINDS))

    case = world.file(process="asked", answers={"level": "突发"}).case

    assert world.case(case["id"])["data"] == {
        "level": "突发",
        "kind": "010101",
        "kind_name": "城市管理 / 公用设施 / 路灯不亮",
    }


def test_a_table_that_names_no_category_stops_the_filing(world: World):
    load(SMALL)
    world.publish(asking(["kind"], [["-", '"9999"']], data=KINDS))

    with pytest.raises(ProcessStopped) as stopped:
        world.file(process="asked", answers={"level": "突发"})

    (incident,) = world.rows(incidents, number=stopped.value.extra["incident"])
    assert "不是现在可选的分类" in incident["explanation"]
