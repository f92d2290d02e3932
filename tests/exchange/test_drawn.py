"""What a published diagram may do with messages: send and receive tasks, edges, gateways, ends."""

import pytest

from app.cases import firing
from app.cases.models import cases, incidents, waits
from app.core import db
from app.exchange.models import outbox
from app.processes.check import check_files
from tests.engine.drawing import Drawing
from tests.exchange.speaking import callback
from tests.world import World, build, bundle_of, by_role

MESSAGES = """
city.callback: {direction: in, key: externalNo, several: refuse, data: {solved: $.solved}}
city.reply: {direction: out, to: connector:city12345, body: {externalNo: external_no}}
"""


def built(database: db.Database, drawing: Drawing) -> World:
    drawing.declare("message", "city.callback", "city.reply")
    files = bundle_of("drawn", drawing, data="solved: {type: bool, label: 已解决}", messages=MESSAGES)
    findings = check_files(files).findings
    assert [f"{each.rule} {each.zh}" for each in findings if each.level == "error"] == []
    return build(database, files)


def steps(world: World) -> list[str]:
    return [task["step"] for case in world.rows(cases) for task in world.inbox_of(case)]


def test_a_send_task_sends_and_a_receive_task_waits(database: db.Database) -> None:
    drawing = Drawing("drawn").start().node("sendTask", "tell", 'messageRef="city.reply"')
    drawing.node("receiveTask", "hear", 'messageRef="city.callback"').task("after", by_role()).end()
    world = built(database, drawing.line("start", "tell", "hear", "after", "end"))
    world.file(process="drawn", external_no="BJ-1")

    assert [row["message"] for row in world.rows(outbox)] == ["city.reply"]
    assert steps(world) == []
    assert world.rows(incidents) == [], "a case that waits for a message has a way forward"
    assert callback(world).status_code == 200
    assert steps(world) == ["after"]


def test_a_message_on_an_edge_interrupts_its_step(database: db.Database) -> None:
    drawing = (
        Drawing("drawn")
        .start()
        .task("handle", by_role())
        .edge("withdrawn", "handle", "message", "city.callback")
    )
    drawing.end().over("told", "message", "city.reply")
    world = built(database, drawing.line("start", "handle", "end").line("withdrawn", "told"))
    world.file(process="drawn", external_no="BJ-1")

    assert callback(world).status_code == 200

    case = world.rows(cases)[0]
    assert (case["state"], case["end_element"]) == ("closed", "told")
    assert world.rows(waits) == []
    assert [row["message"] for row in world.rows(outbox)] == ["city.reply"]
    assert callback(world).status_code == 202, "a closed case waits for nothing"


def test_a_message_on_an_edge_may_leave_its_step_open_and_come_again(database: db.Database) -> None:
    drawing = Drawing("drawn").start().task("handle", by_role())
    drawing.edge("urged", "handle", "message", "city.callback", interrupting=False).task(
        "note", by_role()
    ).end().end("noted")
    world = built(database, drawing.line("start", "handle", "end").line("urged", "note", "noted"))
    world.file(process="drawn", external_no="BJ-1")

    answers = [callback(world).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert sorted(steps(world)) == ["handle", "note", "note", "note"]


@pytest.mark.parametrize("comes", [True, False])
def test_whichever_comes_first_ends_the_other_wait(database: db.Database, comes: bool) -> None:
    drawing = (
        Drawing("drawn").start().node("eventBasedGateway", "either").catch("word", "message", "city.callback")
    )
    drawing.catch("late", "timer", "P7D").task("heard", by_role()).task("alone", by_role()).either(
        "join"
    ).end()
    drawing.line("start", "either", "word", "heard", "join", "end").line("either", "late", "alone", "join")
    world = built(database, drawing)
    world.file(process="drawn", external_no="BJ-1")

    if comes:
        callback(world)
    world.wait(days=7, seconds=1)
    firing.fire_due()

    assert steps(world) == (["heard"] if comes else ["alone"])
    assert world.rows(waits) == []
