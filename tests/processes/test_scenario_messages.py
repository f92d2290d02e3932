"""Scenarios in which other systems take part: they begin cases, call back, and receive what cases send."""

import pytest

from app import bundles
from app.bundles import Bundle
from app.bundles.files import BundleFiles
from app.core import db
from app.processes import scenarios
from app.processes.cross import open_diagram
from app.processes.scenario_check import Against, read_scenario
from app.processes.scenarios import ScenarioFailed
from app.processes.stage import Story
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import by_role

MESSAGES = """
city.dispatch: {direction: in, starts: true, key: externalNo, data: {title: $.title, level: $.level}}
city.callback: {direction: in, key: externalNo, data: {solved: $.solved}}
city.reply:    {direction: out, to: connector:city12345, body: {orderNo: external_no, solved: solved}}
"""
STORY = """
name: 市级派单，回访后答复
at: 2026-03-02T09:00+08:00
steps:
  - message: {name: city.dispatch, by: city, key: BJ-1, payload: {title: 路灯不亮, level: 一般}}
  - complete: {step: work, as: 派遣员甲}
  - expect: {data: {level: 一般, solved: null}, ended: false}
  - message: {name: city.callback, key: $externalNo, payload: {solved: true}}
  - partner: {received: city.reply, body: {orderNo: BJ-1, solved: true}}
  - expect: {ended: true, data: {solved: true}}
"""


@pytest.fixture
def talking(database: db.Database) -> Bundle:
    """A case that a message begins, that waits for a callback and answers."""
    drawing = Drawing("talk").declare("message", "city.dispatch", "city.callback", "city.reply")
    drawing.node("startEvent", "from_city", inner='<messageEventDefinition messageRef="city.dispatch"/>')
    drawing.node("receiveTask", "called", 'messageRef="city.callback"')
    drawing.node("sendTask", "reply", 'messageRef="city.reply"')
    drawing.task("work", by_role()).end().line("from_city", "work", "called", "reply", "end")
    data = "level: {type: choice, of: [突发, 一般], label: 紧急程度}, solved: {type: bool, label: 已解决}"
    files = worlds.bundle_of("talk", drawing, data=data, starts="['message:city.dispatch']")
    files = BundleFiles("talk", {**files.files, "messages.yaml": MESSAGES.encode()})
    worlds.build(database, files)
    return bundles.get(files.version)


def told(bundle: Bundle, text: str) -> Story:
    diagram = open_diagram(bundle.files.files["process.bpmn"])
    assert diagram is not None
    scenario, findings = read_scenario("scenarios/s.yaml", text.encode(), Against(bundle, diagram, None))
    assert scenario is not None, [each.zh for each in findings]
    return scenarios.run(scenario, bundle.version)


def test_a_case_begun_by_a_message_is_called_back_and_answers(talking: Bundle):
    story = told(talking, STORY)

    assert [line[13:].split("（")[0] for line in story.lines] == [
        "收到消息 city.dispatch，登记“路灯不亮”",
        "派遣员甲 办理“work” → 完成",
        "收到消息 city.callback",
        "对方收到消息 city.reply",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("payload: {solved: true}", "payload: {solved: 是}", "/answers/solved 应填写“是”（true）或“否”（false）"),
        ("key: $externalNo", "key: BJ-2", "没有办件在等消息 city.callback（编号 BJ-2）"),
        ("body: {orderNo: BJ-1", "body: {orderNo: BJ-2", "city.reply 的 orderNo 应为“BJ-2”，实际是“BJ-1”"),
        ("  - message: {name: city.callback", "  - partner: {received: city.reply}\n  - message: {name: city.callback",
         "对方应已收到 city.reply，还没有核对过的有 （没有）"),
    ],
)  # fmt: skip
def test_a_message_that_does_not_do_what_is_told_fails_the_scenario(
    talking: Bundle, old: str, new: str, says: str
):
    with pytest.raises(ScenarioFailed) as failed:
        told(talking, STORY.replace(old, new, 1))

    assert says in failed.value.zh


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ("name: city.callback", "name: city.calback", "scenario-unknown-message", "是不是 city.callback"),
        ("name: city.callback", "name: city.reply", "scenario-unknown-message", "没有收到的消息"),
        ("received: city.reply", "received: city.callback", "scenario-unknown-message", "没有发出的消息"),
        ("by: city, ", "", "key-missing", "谁发来"),
        ("name: city.dispatch, by: city", "name: city.callback", "scenario-start", "登记办件的消息"),
    ],
)  # fmt: skip
def test_messages_of_a_scenario_are_held_against_messages_yaml(
    talking: Bundle, old: str, new: str, rule: str, says: str
):
    diagram = open_diagram(talking.files.files["process.bpmn"])
    assert diagram is not None

    scenario, findings = read_scenario(
        "scenarios/s.yaml", STORY.replace(old, new, 1).encode(), Against(talking, diagram, None)
    )

    assert scenario is None
    assert any(each.rule == rule and says in each.zh for each in findings), [each.zh for each in findings]
