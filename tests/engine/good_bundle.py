"""A small bundle the linter finds nothing wrong with, for tests that spoil one thing in it."""

from app.engine.source import Names, Signature, Source

GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
             xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="urn:huying">
  <process id="p" name="诉求办理" isExecutable="true">
    <laneSet id="lanes">
      <lane id="lane_1" name="社区">
        <flowNodeRef>visit</flowNodeRef>
        <flowNodeRef>archive</flowNodeRef>
      </lane>
    </laneSet>
    <startEvent id="start" name="收到诉求" camunda:formKey="filing"/>
    <userTask id="visit" name="实地走访" camunda:formKey="visit">
      <extensionElements><camunda:properties>
        <camunda:property name="status" value="待走访"/>
        <camunda:property name="clock" value="resolve"/>
        <camunda:property name="outcomes" value="同意, 退回!"/>
      </camunda:properties></extensionElements>
    </userTask>
    <boundaryEvent id="late" name="逾期" attachedToRef="visit" cancelActivity="false">
      <timerEventDefinition><timeDate>tier("resolve", "m6")</timeDate></timerEventDefinition>
    </boundaryEvent>
    <exclusiveGateway id="gw_sign" name="是否退回" default="f_ok"/>
    <userTask id="archive" name="归档" camunda:candidateGroups="role(reviewer)@street" camunda:priority="70">
      <extensionElements><camunda:properties>
        <camunda:property name="status" value="待归档"/>
        <camunda:property name="returnTo" value="visit"/>
      </camunda:properties></extensionElements>
    </userTask>
    <endEvent id="told" name="已提醒"/>
    <endEvent id="end" name="办结"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="visit"/>
    <sequenceFlow id="f2" sourceRef="visit" targetRef="gw_sign"/>
    <sequenceFlow id="f_back" name="退回" sourceRef="gw_sign" targetRef="visit">
      <conditionExpression>outcome == "退回" or level == "突发"</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="f_ok" name="同意" sourceRef="gw_sign" targetRef="archive"/>
    <sequenceFlow id="f4" sourceRef="archive" targetRef="end"/>
    <sequenceFlow id="f5" sourceRef="late" targetRef="told"/>
  </process>
</definitions>
"""


def known_rule(rule: str) -> str | None:
    """Only these two rules are known."""
    known = ("role(reviewer)@street", "unit(main_unit)")
    return None if rule in known else f"没有规则 {rule}，可用的有 {'、'.join(known)}"


NAMES = Names(
    data={"level": "choice", "score": "int", "units": "list", "urgent": "bool", "title": "text"},
    forms=frozenset({"filing", "report", "visit", "review"}),
    lanes=frozenset({"社区", "街道"}),
    clocks={"resolve": frozenset({"m3", "m6"}), "sign": frozenset({"due"})},
    handlers={
        "notices.send": Signature(frozenset({"template"}), frozenset({"to"}), frozenset({"ticket"})),
        "clocks.pause": None,
    },
    decisions=frozenset({"limits", "extensions"}),
    bundles=frozenset({"visit_home", "deep_1", "mirror"}),
    calls={
        "mirror": frozenset({"p"}),
        **{f"deep_{level}": frozenset({f"deep_{level + 1}"}) for level in range(1, 6)},
    },
    messages=frozenset({"order.reply", "order.withdrawn"}),
    rule_error=known_rule,
)


def source(diagram: str | bytes) -> Source:
    """A version made of this diagram."""
    return Source("v", "p", diagram if isinstance(diagram, bytes) else diagram.encode())


def spoilt(*changes: tuple[str, str]) -> str:
    """The good diagram with parts replaced; every part must be there once."""
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text
