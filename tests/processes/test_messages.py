"""Messages of a diagram, of messages.yaml and of `starts` agree, or the check names the one to change."""

import pytest

from app.processes.check import check_folder
from tests.processes.conftest import Change
from tests.processes.test_scenarios import walked

MESSAGES = """
city.dispatch: {direction: in, starts: true, key: externalNo, data: {level: $.level}}
city.callback: {direction: in, key: externalNo, data: {solved: $.solved}}
city.reply:    {direction: out, to: connector:city12345, body: {orderNo: external_no}}
"""
CITY = """
name: 市级派单，办理中回访即答复
at: 2026-03-02T09:00+08:00
steps:
  - message: {name: city.dispatch, by: city, key: BJ-7, payload: {level: 一般}}
  - complete: {step: dispatch, as: 派遣员甲, outcome: 派遣, answers: {main_unit: 城管委}}
  - complete: {step: sign, as: 城管委值班员, outcome: 签收}
  - message: {name: city.callback, key: $externalNo, payload: {solved: true}}
  - partner: {received: city.reply, body: {orderNo: BJ-7}}
  - expect: {ended: true, end: replied, data: {level: 一般, solved: true}}
"""
DECLARED = (
    '<bpmn:message id="m1" name="city.dispatch" /><bpmn:message id="m2" name="city.callback" />'
    '<bpmn:message id="m3" name="city.reply" /><bpmn:process id="work_order_12345"'
)


@pytest.fixture
def talking(copied: Change) -> Change:
    """The work order with a message start, a callback that interrupts 办理, and a reply at the end."""
    (copied() / "messages.yaml").write_text(MESSAGES, "utf-8")
    copied("process.bpmn", '<bpmn:process id="work_order_12345"', DECLARED)
    copied("process.bpmn", '<bpmn:endEvent id="archived"',
           '<bpmn:startEvent id="from_city" name="市级派单"><bpmn:outgoing>came</bpmn:outgoing>'
           '<bpmn:messageEventDefinition messageRef="m1" /></bpmn:startEvent>'
           '<bpmn:sequenceFlow id="came" sourceRef="from_city" targetRef="dispatch" />'
           '<bpmn:boundaryEvent id="withdrawn" name="市级回访" attachedToRef="handle">'
           '<bpmn:outgoing>back</bpmn:outgoing><bpmn:messageEventDefinition messageRef="m2" />'
           '</bpmn:boundaryEvent><bpmn:sequenceFlow id="back" sourceRef="withdrawn" targetRef="replied" />'
           '<bpmn:endEvent id="replied" name="已答复"><bpmn:incoming>back</bpmn:incoming>'
           '<bpmn:messageEventDefinition messageRef="m3" /></bpmn:endEvent>'
           '<bpmn:endEvent id="archived"')  # fmt: skip
    copied("process.yaml", "starts: [api,", "starts: [api, message:city.dispatch,")
    return copied


def told(copied: Change) -> list[str]:
    """What the check says, but for elements that are not served yet."""
    found = check_folder(copied()).findings
    return [f"{each.rule} {each.zh}" for each in found]


def test_messages_that_agree_with_the_diagram_give_no_finding(talking: Change):
    assert told(talking) == []


@pytest.mark.usefixtures("district")
def test_an_order_of_the_city_is_walked_from_its_dispatch_to_the_reply(talking: Change):
    (talking() / "scenarios" / "city.yaml").write_text(CITY, "utf-8")

    (story,), coverage = walked(talking(), "city")

    assert story.failed is None
    assert {"from_city", "withdrawn", "replied"} <= coverage.passed


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "says"),
    [
        ("process.bpmn", 'name="city.callback"', 'name="city.calback"', "bpmn-unknown-message", "是不是 city.callback"),
        ("process.bpmn", '<bpmn:messageEventDefinition messageRef="m2" />', '<bpmn:messageEventDefinition messageRef="m3" />', "message-direction", "边界事件“市级回访”(withdrawn) 等待消息“city.reply”，messages.yaml 里它的 direction 是 out"),
        ("process.bpmn", '<bpmn:messageEventDefinition messageRef="m3" />', '<bpmn:messageEventDefinition messageRef="m2" />', "message-direction", "direction 为 out 的有 city.reply"),
        ("process.bpmn", '<bpmn:messageEventDefinition messageRef="m2" />', '<bpmn:messageEventDefinition messageRef="m1" />', "message-starts", "只能用在开始事件上"),
        ("messages.yaml", "orderNo: external_no", "orderNo: external_no, files: attachments(handel)", "step-unknown", "没有环节“handel”；有 dispatch"),
        ("messages.yaml", "starts: true, ", "", "message-starts", "请在 messages.yaml 里给它写上 starts: true"),
        ("process.yaml", "message:city.dispatch, ", "", "message-starts", "starts 里没有 message:city.dispatch"),
        ("process.yaml", "message:city.dispatch", "message:city.callback", "message-starts", "图中有 city.dispatch"),
        ("process.yaml", "facts:", "aboveSees: [待签收]\nfacts:", "above-sees-messages", "不能等外来的消息"),
        ("messages.yaml", "city.reply:", "city.closed: {direction: out, to: connector:x}\ncity.reply:", "message-unused", "图中没有地方用到消息“city.closed”"),
    ],
)  # fmt: skip
def test_messages_that_disagree_are_told_at_the_place_to_change(
    talking: Change, file: str, old: str, new: str, rule: str, says: str
):
    talking(file, old, new)

    found = told(talking)

    assert any(each.startswith(f"{rule} ") and says in each for each in found), found
