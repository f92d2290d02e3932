"""What the city sends for an order that was merged is never lost: brought to the other one, or told to both."""

from typing import Any

import pytest

from app.cases import moves
from app.cases.advance import advance
from app.cases.commands import Deliver
from app.cases.models import case_notes, cases, incidents, waits
from app.core import db
from app.exchange.models import inbound
from app.identity.actor import SYSTEM
from tests.engine.drawing import Drawing
from tests.exchange.speaking import callback, carry
from tests.exchange.test_sending import rows_of
from tests.world import Row, World, build, bundle_of, by_role

MESSAGES = """
city.urge: {direction: in, key: externalNo, several: oldest, merged: forward, data: {urged: $.text}}
city.callback: {direction: in, key: externalNo, several: oldest, data: {solved: $.solved, caller: $.caller.name}}
city.reply: {direction: out, to: connector:city12345, body: {externalNo: external_no, result: result}, merged: result is not None}
"""


def orders(more: str = "", redo: str = "") -> Any:
    """办理（可以催）→ 已答复 → 等市级回访 → 归档."""
    drawing = Drawing("orders").declare("message", "city.urge", "city.callback", "city.reply").start()
    drawing.task("handle", by_role() + ' camunda:formKey="done"').task("archive", by_role()).end()
    drawing.edge("urge", "handle", "message", "city.urge", interrupting=False).end("noted")
    drawing.node("intermediateThrowEvent", "replied", event="case.replied")
    drawing.catch("back", "message", "city.callback")
    drawing.line("start", "handle", "replied", "back", "archive", "end").line("urge", "noted")
    return bundle_of(
        "orders",
        drawing,
        data="result: {type: text, label: 结果}, urged: {type: text, label: 催办内容}, "
        "solved: {type: bool, label: 已解决}, caller: {type: text, label: 来电人, secret: true}",
        forms={"done": "title: 办理\nfields:\n  - {name: result}\n"},
        messages=MESSAGES.replace("caller: $.caller.name}}", f"caller: $.caller.name}}{redo}}}"),
        more=more,
    )


@pytest.fixture
def world(database: db.Database) -> World:
    return build(database, orders())


@pytest.fixture
def pair(world: World) -> tuple[Row, Row]:
    """An order that goes on, and one of the city's that was merged into it."""
    stays = world.file(process="orders").case
    goes = world.file("city", process="orders", external_no="BJ-2").case
    merge(world, goes, stays)
    return stays, goes


def merge(world: World, goes: Row, stays: Row) -> None:
    seen = world.row(cases, goes["id"])["revision"]
    moves.merge(world.actor("paiqian1"), goes["id"], stays["id"], "同一盏路灯", seen)


def finish(world: World, case: Row, **answers: Any) -> None:
    (task,) = world.inbox_of(case)
    world.complete("paiqian1", task, answers=answers)


def end(world: World, case: Row) -> None:
    """Its call back comes, and it is archived."""
    (wait,) = world.rows(waits, case_id=case["id"])
    advance(Deliver(case["id"], wait["ref"], {"solved": True}), SYSTEM)
    finish(world, case)


def told(world: World, case: Row) -> str:
    items = world.get("paiqian1", f"/cases/{case['id']}/timeline?limit=200").json["items"]
    return str([event["text"] for line in items for event in line["events"]])


def test_urging_the_merged_order_urges_the_one_it_was_merged_into(
    world: World, pair: tuple[Row, Row]
) -> None:
    stays, goes = pair

    answer = callback(world, "BJ-2", name="city.urge", messageId="u-1", data={"text": "请尽快"})
    again = callback(world, "BJ-2", name="city.urge", messageId="u-1", data={"text": "请尽快"})

    assert (answer.status_code, answer.json["state"]) == (200, "delivered")
    assert [each["id"] for each in answer.json["cases"]] == [stays["id"]]
    assert again.data == answer.data
    assert world.case(stays["id"])["data"]["urged"] == "请尽快"
    assert told(world, goes).count("已转给并入的那一件") == 1


def test_a_call_back_for_the_merged_order_is_kept_with_it_and_told_to_both_and_moves_nobody(
    world: World, pair: tuple[Row, Row]
) -> None:
    stays, goes = pair
    finish(world, stays, result="已修好")

    answer = callback(world, "BJ-2", data={"solved": False, "caller": {"name": "市民甲"}})

    assert (answer.status_code, answer.json["state"]) == (200, "delivered")
    assert [each["id"] for each in answer.json["cases"]] == [goes["id"]]
    assert world.case(goes["id"])["data"]["solved"] is False
    assert "solved" not in world.case(stays["id"])["data"]
    (note,) = world.rows(case_notes, case_id=stays["id"])
    assert note["text"].startswith(
        f"并入本件的办件（{goes['number']}，来源编号 BJ-2）收到消息“city.callback”"
    )
    assert "已解决：否" in note["text"]
    assert "市民甲" not in note["text"], "what is secret stays with the order"
    assert world.inbox_of(stays) == [], "it still waits for its own call back"
    assert world.rows(incidents) == []


def test_the_merged_order_replies_when_the_other_one_does_and_not_again_when_that_ends(
    world: World, pair: tuple[Row, Row]
) -> None:
    stays, goes = pair

    finish(world, stays, result="已修好")
    replied = [row["body"] for row in rows_of(world)]
    end(world, stays)

    assert replied == [{"externalNo": "BJ-2", "result": "已修好"}]
    assert [row["body"] for row in rows_of(world)] == replied
    assert world.row(cases, goes["id"])["state"] == "closed"
    assert told(world, goes).count("已答复") == 1


def test_what_comes_after_both_are_over_is_kept_and_an_incident_says_so(
    world: World, pair: tuple[Row, Row]
) -> None:
    stays, goes = pair
    finish(world, stays, result="已修好")
    end(world, stays)

    answer = callback(world, "BJ-2", data={"solved": False})

    assert (answer.status_code, answer.json["state"]) == (200, "delivered")
    assert world.case(goes["id"])["data"]["solved"] is False
    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["element"], incident["case_id"]) == (
        "message-late",
        "city.callback",
        stays["id"],
    )


@pytest.mark.parametrize("content", [False, True])
def test_a_discontent_call_back_has_the_ended_order_done_again_once(
    database: db.Database, content: bool
) -> None:
    files = orders("reopen: {to: handle, within: P15D, max: 1}\n", redo=", redo: solved == False")
    world = build(database, files)
    stays = world.file(process="orders").case
    goes = world.file("city", process="orders", external_no="BJ-2").case
    merge(world, goes, stays)
    finish(world, stays, result="已修好")
    end(world, stays)

    callback(world, "BJ-2", data={"solved": content})

    again = not content
    assert (world.case(stays["id"])["state"] == "active") is again
    assert (world.case(goes["id"])["state"] == "merged") is again
    assert [row["kind"] for row in world.rows(incidents)] == ([] if again else ["message-late"])
    if content:
        return
    assert [task["step"] for task in world.inbox_of(stays)] == ["handle"]
    assert "重办，第 1 轮" in told(world, stays)
    assert "重办，第 1 轮" in told(world, goes)
    assert world.case(stays["id"])["children_open"] == 1

    finish(world, stays, result="又修好了")
    end(world, stays)
    callback(world, "BJ-2", data={"solved": False})

    assert [row["body"]["result"] for row in rows_of(world)] == ["已修好", "又修好了"]
    assert {world.case(each["id"])["state"] for each in (stays, goes)} == {"closed"}, "once"
    assert [row["kind"] for row in world.rows(incidents)] == ["message-late"]


def test_what_lay_parked_when_an_order_is_merged_is_told_then(world: World) -> None:
    stays = world.file(process="orders").case
    goes = world.file("city", process="orders", external_no="BJ-2").case
    early = callback(world, "BJ-2", data={"solved": True})
    carry(world, seconds=2)

    merge(world, goes, stays)
    carry(world, seconds=2)

    assert early.status_code == 202
    (row,) = world.rows(inbound)
    assert (row["state"], row["case_id"]) == ("delivered", goes["id"])
    assert len(world.rows(case_notes, case_id=stays["id"])) == 1


def test_an_order_that_goes_its_own_way_again_gets_what_it_waited_for(world: World) -> None:
    stays = world.file(process="orders").case
    goes = world.file("city", process="orders", external_no="BJ-2").case
    finish(world, goes, result="已修好")
    merge(world, goes, stays)
    callback(world, "BJ-2", data={"solved": True})
    resting = world.inbox_of(goes)

    moves.unmerge(world.actor("paiqian1"), goes["id"], "并错了")
    carry(world, seconds=2)

    assert resting == []
    assert [task["step"] for task in world.inbox_of(goes)] == ["archive"]
    assert [row["state"] for row in world.rows(inbound)] == ["delivered"]


def test_another_partner_does_not_reach_the_merged_order(world: World, pair: tuple[Row, Row]) -> None:
    stays, goes = pair
    world.change(cases, goes["id"], source="another")

    answer = callback(world, "BJ-2", data={"solved": True})

    assert (answer.status_code, answer.json["state"]) == (202, "parked")
    assert world.rows(case_notes, case_id=stays["id"]) == []
