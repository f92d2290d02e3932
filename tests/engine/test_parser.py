"""What a diagram may not hold, even if nobody asked the linter."""

import pytest

from app.engine.errors import VersionUnreadable
from app.engine.parser import parse
from app.engine.source import Source
from tests.engine.conftest import version_of
from tests.engine.drawing import Drawing
from tests.engine.test_run import a_line


def test_a_condition_on_a_task_flow_is_refused():
    drawing = Drawing().start().task("a").end().flow("start", "a").flow("a", "end", "level == 1")
    with pytest.raises(VersionUnreadable, match="网关"):
        version_of(drawing)

    drawing = Drawing().start().task("a").end().end("other").line("start", "a", "end").flow("a", "other")
    with pytest.raises(VersionUnreadable, match="网关"):
        version_of(drawing)


@pytest.mark.parametrize("tag", ["scriptTask", "serviceTask", "businessRuleTask", "complexGateway", "task"])
def test_misread_elements_are_refused(tag: str):
    drawing = Drawing().start().node(tag, "x").end().line("start", "x", "end")

    with pytest.raises(VersionUnreadable) as refused:
        version_of(drawing)

    assert refused.value.element == "x"


@pytest.mark.parametrize("kind", ["signal", "message", "cancel"])
def test_events_that_are_not_plain_are_refused(kind: str):
    inner = f"<{kind}EventDefinition/>"
    drawing = Drawing().start().node("endEvent", "x", inner=inner).line("start", "x")

    with pytest.raises(VersionUnreadable) as refused:
        version_of(drawing)

    assert refused.value.element == "x"


def test_no_doctype_no_entity_no_locale():
    good = a_line("受理").bytes()
    evil = good.replace(
        b"<definitions", b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><definitions'
    )

    assert version_of(a_line("受理")).step("受理").name == "受理"
    with pytest.raises(VersionUnreadable) as refused:
        parse(Source("a" * 64, "demo", evil))
    assert refused.value.rule == "bpmn-doctype-forbidden"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'sourceRef="start"', b'sourceRef="nowhere"'),
        (b'id="a"', b""),
        (b'id="a"', b'id="end"'),
        (b'isExecutable="true"', b'isExecutable="false"'),
        (b"<startEvent", b"<task"),
        (b"</definitions>", b""),
    ],
)
def test_a_damaged_diagram_is_refused_not_a_crash(good: bytes, bad: bytes):
    data = a_line("a").bytes()
    assert good in data

    with pytest.raises(VersionUnreadable):
        parse(Source("a" * 64, "demo", data.replace(good, bad, 1)))


def test_blanks_round_a_reference_mean_nothing():
    inner = Drawing().start("s").task("a").end("e").line("s", "a", "e")
    drawing = Drawing().start().inside("sub", inner).end().task("b").edge("rises", "sub", "escalation", " ")
    drawing.declare("message", "m").node("receiveTask", "wait", 'messageRef=" m "')
    diagram = drawing.line("start", "sub", "wait", "end").line("rises", "b", "end")

    version = version_of(diagram)

    assert (version.events["rises"].what, version.events["wait"].what) == ("", "m")


def test_the_innermost_lane_counts_and_decoration_is_ignored():
    drawing = a_line("a").node("textAnnotation", "note", inner="<text>说明</text>").node("group", "box")
    drawing.lanes({"街道": ["a"], "承办单位": ["a"]})

    assert version_of(drawing).step("a").lane == "承办单位"


def test_a_comma_inside_brackets_belongs_to_the_rule():
    drawing = Drawing().start().end()
    drawing.task("a", 'camunda:candidateGroups="own(x, y)@street， role(z)"', outcomes="同意、驳回！")
    step = version_of(drawing.line("start", "a", "end")).step("a")

    assert step.candidates == ("own(x, y)@street", "role(z)")
    assert [(each.name, each.demands_opinion) for each in step.outcomes] == [("同意", False), ("驳回", True)]
