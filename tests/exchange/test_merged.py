"""An order of the city that was merged into another one is answered with it."""

from typing import Any

import pytest

from app.cases import moves
from app.core import db
from app.processes.check import check_files
from tests.engine.drawing import Drawing
from tests.exchange.test_sending import rows_of
from tests.world import Row, World, build, bundle_of, by_role

MESSAGES = """
city.reply: {direction: out, to: connector:city12345, body: {externalNo: external_no, result: result, from: origin}, merged: origin == "city" and result is not None}
city.reject: {direction: out, to: connector:city12345, body: {externalNo: external_no}, merged: origin == "city" and result is None}
"""


def process(messages: str = MESSAGES) -> Any:
    drawing = Drawing("ours").declare("message", "city.reply", "city.reject")
    drawing.start(attributes='camunda:formKey="filing"').either("ours", default="no")
    drawing.task("handle", by_role() + ' camunda:formKey="done"').end().end("answered")
    drawing.throw("reply", "message", "city.reply").throw("reject", "message", "city.reject")
    drawing.line("start", "handle", "ours").flow("ours", "reply", 'origin == "city"').flow(
        "ours", "end", name="no"
    )
    drawing.line("reply", "reject", "answered")
    return bundle_of(
        "ours",
        drawing,
        data="origin: {type: text, label: 来源}, result: {type: text, label: 结果}",
        forms={
            "done": "title: 办理\nfields:\n  - {name: result}\n",
            "filing": "title: 登记\nfields:\n  - {name: origin}\n",
        },
        messages=messages,
    )


@pytest.fixture
def world(database: db.Database) -> World:
    return build(database, process())


def merged(world: World, origin: str | None, number: str, into: Row) -> None:
    goes = world.file(process="ours", external_no=number, answers={"origin": origin}).case
    moves.merge(world.actor("paiqian1"), goes["id"], into["id"], "同一盏路灯", goes["revision"])


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("已修好", [("city.reply", {"externalNo": "BJ-2", "result": "已修好", "from": "city"})]),
        (None, [("city.reject", {"externalNo": "BJ-2"})]),
    ],
)
def test_a_merged_order_says_what_the_other_one_came_to_where_its_condition_holds(
    world: World, result: str | None, said: list[tuple[str, Row]]
) -> None:
    stays = world.file(process="ours", external_no="BJ-1", answers={})
    merged(world, "city", "BJ-2", stays.case)
    merged(world, None, "BJ-3", stays.case)

    world.complete("paiqian1", stays.opened[0], answers={"result": result})

    assert [(row["message"], row["body"]) for row in rows_of(world)] == said


def test_an_order_whose_merge_was_undone_is_not_answered(world: World) -> None:
    stays = world.file(process="ours", external_no="BJ-1", answers={})
    merged(world, "city", "BJ-2", stays.case)
    (goes,) = [case for case in world.cases("paiqian1") if case["external_no"] == "BJ-2"]
    moves.unmerge(world.actor("paiqian1"), goes["id"], "并错了")

    world.complete("paiqian1", stays.opened[0], answers={"result": "已修好"})

    assert rows_of(world) == []


@pytest.mark.parametrize(
    ("merged", "rule"),
    [
        ('"nobody == 1"', "unknown-name"),
        ('"origin =="', "expression-syntax"),
        ("origin, secret: true", "message-key-misplaced"),
    ],
)
def test_a_condition_that_cannot_be_is_one_finding(merged: str, rule: str) -> None:
    wrong = MESSAGES.replace('merged: origin == "city" and result is None', f"merged: {merged}")

    findings = check_files(process(wrong)).findings

    assert rule in [each.rule for each in findings if each.level == "error"]
