"""The linter: every rule by one minimal bad bundle with its exact words, and nothing said about a good one."""

import builtins
import re
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import yaml

from app.engine import check as check_package
from app.engine.check import check
from app.engine.errors import VersionUnreadable
from app.engine.parser import parse
from app.engine.source import Earlier, Names
from tests.engine.conftest import Case
from tests.engine.drawing import Drawing
from tests.engine.good_bundle import GOOD, NAMES, source, spoilt
from tests.engine.graph_drawing import drawing_of
from tests.engine.random_diagrams import random_graph

BAD = [
    bad
    for path in sorted(Path(__file__).parent.glob("bad_*.yaml"))
    for bad in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
]
# Rules whose diagrams are in tests/bad, need two versions, or are told by the gate before the linter.
ELSEWHERE = {
    "xml-malformed",
    "charset",
    "bpmn-doctype-forbidden",
    "bpmn-id-vanished",
    "bpmn-kind-changed",
    "bpmn-check-failed",
}


def rules(diagram: str | bytes, names: Names = NAMES) -> list[str]:
    return [finding.rule for finding in check(source(diagram), names)]


def test_a_good_bundle_has_no_findings() -> None:
    assert check(source(GOOD), NAMES) == []


@pytest.mark.parametrize("bad", BAD, ids=[bad["findings"][0]["rule"] for bad in BAD])
def test_a_bad_bundle_gets_exactly_these_words(bad: dict) -> None:
    diagram = spoilt(*((change["old"], change["new"]) for change in bad["changes"]))

    found = check(source(diagram), NAMES)

    said = [{key: getattr(each, key) for key in ("level", "rule", "element", "zh", "en")} for each in found]
    assert said == bad["findings"]
    assert all(each.file == "process.bpmn" for each in found)
    assert all(each.line is not None for each in found if each.element)


def test_what_has_only_warnings_can_be_published() -> None:
    published = 0
    for bad in BAD:
        if all(finding["level"] == "warning" for finding in bad["findings"]):
            parse(source(spoilt(*((change["old"], change["new"]) for change in bad["changes"]))))
            published += 1
    assert published > 10


def test_every_rule_named_in_the_code_has_its_bad_bundle() -> None:
    folder = Path(check_package.__file__).parent
    code = [
        *folder.glob("*.py"),
        folder.parent / "wording.py",
        folder.parent / "durations.py",
        folder.parent / "xml.py",
    ]
    named = {
        rule
        for path in code
        for rule in re.findall(
            r'"((?:bpmn-[a-z-]+[a-z])|xml-malformed|charset)"', path.read_text(encoding="utf-8")
        )
    }

    shown = {finding["rule"] for bad in BAD for finding in bad["findings"]}

    assert named - ELSEWHERE == shown


def test_a_finding_names_the_element_by_its_label_and_id() -> None:
    (found,) = check(source(spoilt(('camunda:formKey="visit"', 'camunda:formKey="vist"'))), NAMES)

    assert found.zh == "任务“实地走访”(visit) 使用了表单 vist；forms/ 中有 filing、report、review、visit。"
    assert found.en == 'Task "实地走访" (visit) uses form "vist"; forms/ has filing, report, review, visit.'
    assert (found.level, found.element, found.line) == ("error", "visit", 12)


def test_a_step_that_vanished_is_told_against_the_version_before() -> None:
    before = GOOD
    after = spoilt(('id="visit" name="实地走访"', 'id="visit2" name="实地走访"'))
    after = re.sub(r'(Ref|value)="visit"', r'\1="visit2"', after).replace(">visit<", ">visit2<")

    (found,) = check(source(after), NAMES, previous=Earlier(source(before)))

    assert (found.level, found.rule, found.element) == ("warning", "bpmn-id-vanished", "visit")
    assert found.zh == (
        "新版本删除了环节“实地走访”(visit)，可能有在办件停在该环节。"
        "在办件仍按原来的版本办完；要保留这个环节就不要改它的编号。"
    )
    for count, said in ((0, "现在没有在办件停在该环节"), (37, "有 37 件在办件停在该环节")):
        (told,) = check(source(after), NAMES, previous=Earlier(source(before), {"visit": count}))
        assert said in told.zh


def test_an_id_that_changed_its_kind_is_refused() -> None:
    before = spoilt(('<endEvent id="told" name="已提醒"/>', '<exclusiveGateway id="told" name="已提醒"/>'))

    (found,) = check(source(GOOD), NAMES, previous=Earlier(source(before)))

    assert (found.level, found.rule, found.element) == ("error", "bpmn-kind-changed", "told")
    assert found.zh == (
        "编号 told 在上一版是网关“已提醒”(told)，现在成了结束事件“已提醒”(told)。"
        "编号不能换作别用，请给新元素换一个编号。"
    )


def test_the_same_version_again_changes_nothing() -> None:
    assert check(source(GOOD), NAMES, previous=Earlier(source(GOOD))) == []


def test_an_unreadable_version_before_is_not_judged_again() -> None:
    assert check(source(GOOD), NAMES, previous=Earlier(source("<nonsense"))) == []


@pytest.mark.parametrize(
    ("element", "rule"),
    [
        ("<businessRuleTask {}/>", "bpmn-unknown-decision"),
        ("<callActivity {} calledElement='p'/>", "bpmn-call-recursive"),
        ("<subProcess {}><multiInstanceLoopCharacteristics/></subProcess>", "bpmn-multi-not-a-list"),
        (
            "<intermediateCatchEvent {}><messageEventDefinition/></intermediateCatchEvent>",
            "bpmn-unknown-message",
        ),
        (
            "<intermediateThrowEvent {}><linkEventDefinition/></intermediateThrowEvent>",
            "bpmn-element-forbidden",
        ),
        (
            "<intermediateThrowEvent {}><compensateEventDefinition/></intermediateThrowEvent>",
            "bpmn-element-forbidden",
        ),
        ("<transaction {}/>", "bpmn-element-forbidden"),
        ("<adHocSubProcess {}/>", "bpmn-element-forbidden"),
        ("<task {}/>", "bpmn-element-forbidden"),
        ("<userTask {}><standardLoopCharacteristics/></userTask>", "bpmn-element-forbidden"),
        ("<userTask {} isForCompensation='true'/>", "bpmn-element-forbidden"),
        ("<scriptTask {}/>", "bpmn-script-forbidden"),
    ],
)
def test_misread_elements_are_refused(element: str, rule: str) -> None:
    there = element.format('id="x" name="多出来的"')
    flows = '<sequenceFlow id="f6" sourceRef="late" targetRef="x"/><sequenceFlow id="f7" sourceRef="x" targetRef="told"/>'
    diagram = spoilt(
        ('<sequenceFlow id="f5" sourceRef="late" targetRef="told"/>', flows),
        ('<endEvent id="end" name="办结"/>', f'<endEvent id="end" name="办结"/>{there}'),
    )

    found = [finding for finding in check(source(diagram), NAMES) if finding.element == "x"]

    assert rule in [finding.rule for finding in found]
    assert all("“多出来的”(x)" in finding.zh for finding in found)


def test_events_that_say_what_they_wait_for_are_fine() -> None:
    timer = '<timerEventDefinition><timeDate>tier("resolve", "m6")</timeDate></timerEventDefinition>'
    head = 'id="d" targetNamespace="urn:huying">'
    declared = f'{head}<message id="m" name="order.reply"/><signal id="s" name="停办"/>'
    for said in (
        '<messageEventDefinition messageRef="m"/>',
        '<signalEventDefinition signalRef="s"/>',
        "<conditionalEventDefinition><condition>${urgent}</condition></conditionalEventDefinition>",
    ):
        assert rules(spoilt((timer, said), (head, declared))) == []


def test_a_process_may_be_begun_by_messages_beside_or_instead_of_a_plain_start() -> None:
    start = '<startEvent id="start" name="收到诉求" camunda:formKey="filing"/>'
    by_message = '<startEvent id="{0}" name="来信"><messageEventDefinition messageRef="m"/></startEvent>'
    head = 'id="d" targetNamespace="urn:huying">'
    declared = (head, f'{head}<message id="m" name="order.reply"/>')
    beside = (
        f'{start}{by_message.format("by_mail")}<sequenceFlow id="f0" sourceRef="by_mail" targetRef="visit"/>'
    )

    assert rules(spoilt(declared, (start, beside))) == []
    assert rules(spoilt(declared, (start, by_message.format("start")))) == []
    inner = inner_steps("b")
    inner.parts[0] = by_message.format("s")
    assert rules(a_sub_process(inner.declare("message", "m")).bytes()) == ["bpmn-element-forbidden"]


def a_sub_process(inner: Drawing) -> Drawing:
    """start → a task → a sub-process → end, all with what the linter asks for."""
    drawing = Drawing().start().end().inside("sub", inner)
    return drawing.task("a", status="a", attributes='camunda:candidateGroups="unit(main_unit)"').line(
        "start", "a", "sub", "end"
    )


def inner_steps(*names: str) -> Drawing:
    drawing = Drawing().start("s").end("e")
    for name in names:
        drawing.task(name, status=name, attributes='camunda:candidateGroups="unit(main_unit)"')
    return drawing.line("s", *names, "e")


def test_rules_hold_inside_sub_processes_too() -> None:
    assert rules(a_sub_process(inner_steps("b")).bytes()) == []
    assert "bpmn-no-start" in rules(a_sub_process(Drawing().end("e").task("b")).bytes())
    assert rules(a_sub_process(inner_steps("b").line("b", "a")).bytes()) == ["bpmn-flow-dangling"]
    deep = a_sub_process(inner_steps("b").node("scriptTask", "x").line("x", "e"))
    assert "bpmn-script-forbidden" in rules(deep.bytes())
    starved = Drawing().start("s").either("g", default="on").task("b").task("c").both("j").end("e")
    starved.line("s", "g").flow("g", "b", name="on").flow("g", "c", "urgent").line("b", "j", "e").line(
        "c", "j"
    )
    assert "bpmn-join-unpaired" in rules(a_sub_process(starved).bytes())


def test_an_outcome_may_be_asked_for_across_scopes() -> None:
    drawing = Drawing().start().end().inside("sub", inner_steps("b")).either("g", default="no")
    drawing.line("start", "sub", "g").flow("g", "end", 'outcome("b") == "完成"').flow("g", "end", name="no")

    assert rules(drawing.bytes()) == []


def test_a_lane_covers_what_is_inside_its_sub_process() -> None:
    inner = Drawing().start("s").end("e").task("b", status="b").line("s", "b", "e")
    drawing = Drawing().start().end().inside("sub", inner).line("start", "sub", "end")

    assert rules(drawing.bytes()) == ["bpmn-unknown-role"]
    assert rules(drawing.lanes({"社区": ["sub"]}).bytes()) == []


def test_a_lane_may_hold_what_is_inside_a_sub_process_that_lies_in_none() -> None:
    inner = Drawing().start("s").end("e").task("b", status="b").line("s", "b", "e")
    drawing = Drawing().start().end().inside("sub", inner).line("start", "sub", "end")

    assert rules(drawing.lanes({"社区": ["b"]}).bytes()) == []


def test_a_loop_through_a_sub_process_without_a_task_spins() -> None:
    def looped(inner: Drawing) -> list[str]:
        drawing = Drawing().start().end().either("m").either("g", default="out").inside("sub", inner)
        drawing.line("start", "m", "sub", "g").flow("g", "m", "urgent").flow("g", "end", name="out")
        return rules(drawing.bytes())

    assert looped(inner_steps("b")) == []
    assert looped(Drawing().start("s").end("e").line("s", "e")) == ["bpmn-loop-without-wait"]


def test_a_branch_that_ends_everything_starves_no_join() -> None:
    def split(kind: str) -> list[str]:
        drawing = Drawing().start().both("split").both("j").end().either("g", default="on").over("x", kind)
        for name in "ab":
            drawing.task(name, status=name, attributes='camunda:candidateGroups="unit(main_unit)"')
        drawing.line("start", "split", "a", "g").line("split", "b", "j", "end").flow("g", "j", name="on")
        return rules(drawing.flow("g", "x", "urgent").bytes())

    assert split("terminate") == []
    assert "bpmn-join-unpaired" in rules(
        (
            Drawing().start().both("split").both("j").end().end("x").either("g", default="on")
            .task("a").task("b").line("start", "split", "a", "g").line("split", "b", "j", "end")
            .flow("g", "j", name="on").flow("g", "x", "urgent")
        ).bytes()
    )  # fmt: skip


def test_an_unconditional_loop_is_refused() -> None:
    drawing = Drawing().start().task("a", status="甲").task("b", status="乙").end()
    round_and_round = source(drawing.line("start", "a", "b", "a").bytes())

    found = [each for each in check(round_and_round, NAMES) if each.level == "error"]

    assert {(each.rule, each.element) for each in found} >= {("bpmn-dead-end", "a"), ("bpmn-dead-end", "b")}
    case = Case(drawing)  # the engine alone: no recursion, however long it goes round
    for _ in range(1_100):
        case.do(case.steps[0])
    assert case.steps == ["a"]


def test_event_subprocess_is_refused() -> None:
    inner = Drawing().event("startEvent", "s", "timer", "P1D").task("t").end("e").line("s", "t", "e")
    drawing = Drawing().start().task("a", status="甲").end().line("start", "a", "end").inside("x", inner)
    diagram = source(drawing.bytes().replace(b'id="x"', b'id="x" triggeredByEvent="true"'))

    (found,) = (each for each in check(diagram, NAMES) if each.element == "x")

    assert (found.rule, found.level) == ("bpmn-element-forbidden", "error")
    assert found.zh == "子流程“x”(x) 不能由事件触发。请把主干包进子流程、把事件画在它的边上。"
    with pytest.raises(VersionUnreadable) as refused:
        parse(diagram)
    assert refused.value.element == "x"


def test_what_only_decorates_is_let_through() -> None:
    more = """<documentation>说明</documentation>
      <textAnnotation id="note"><text>提示</text></textAnnotation>
      <association id="line" sourceRef="visit" targetRef="note"/><group id="group"/>"""
    pools = (
        '<collaboration id="c"><participant id="p1" processRef="p"/><participant id="p2" name="市热线"/>'
        '<messageFlow id="m" sourceRef="p2" targetRef="visit"/></collaboration><process id="p"'
    )
    assert (
        rules(spoilt(('<laneSet id="lanes">', f'{more}<laneSet id="lanes">'), ('<process id="p"', pools)))
        == []
    )


def test_a_diagram_without_or_with_strange_layout_is_no_finding() -> None:
    layout = """<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" id="visit">
      <bpmndi:BPMNPlane bpmnElement="nothing"><bpmndi:BPMNShape id="end" bpmnElement="gone"/></bpmndi:BPMNPlane>
      </bpmndi:BPMNDiagram></definitions>"""
    assert rules(spoilt(("</definitions>", layout))) == []


def test_what_the_modeler_writes_by_itself_is_no_finding() -> None:
    opening = '<process camunda:historyTimeToLive="180" camunda:versionTag="3" id="p"'
    assert rules(spoilt(('<process id="p"', opening))) == []


def test_an_outcome_is_known_by_its_step_and_in_lists() -> None:
    condition = 'outcome == "退回" or level == "突发"'
    assert rules(spoilt((condition, 'outcome("visit") in ["退回", "同意"]'))) == []
    assert rules(spoilt((condition, 'outcome() == "同意"'))) == []
    assert rules(spoilt((condition, 'outcome("archive") == "完成"'))) == []
    assert rules(spoilt((condition, 'outcome in ["退回", "不同意"]'))) == ["bpmn-unknown-outcome"]
    assert rules(spoilt((condition, '"不同意" == outcome'))) == ["bpmn-unknown-outcome"]


def test_a_bare_outcome_needs_exactly_one_task_right_before_the_gateway() -> None:
    diagram = (
        Drawing()
        .start()
        .task("a", status="a")
        .both("s")
        .either("g", default="no")
        .end()
        .line("start", "a", "s", "g")
        .flow("g", "end", 'outcome == "完成"')
        .flow("g", "end", name="no")
        .bytes()
    )
    (found,) = [f for f in check(source(diagram), NAMES) if f.level == "error"]

    assert found.rule == "bpmn-unknown-outcome"
    assert found.zh.endswith(
        '只写了 outcome，可是网关前面并不是恰好一个任务。请写明环节，如 outcome("审核环节的编号")。'
    )


def test_chinese_separators_and_marks_in_outcomes_are_understood() -> None:
    assert rules(spoilt(('value="同意, 退回!"', 'value="同意，退回！"'))) == []


@pytest.mark.parametrize(
    "time", ["PT24H", "P3D", "P2W", "P1M", "P5WD", "P10Y", "PT1M", "2027-10-01T09:00+08:00", "2027-10-01T01:00:00Z",
             'due("sign")', '${due("sign")}', "workdays(3)", "workhours(4)", '"PT24H"']
)  # fmt: skip
def test_a_time_in_bounds_is_no_finding(time: str) -> None:
    assert rules(spoilt(('<timeDate>tier("resolve", "m6")</timeDate>', f"<timeDate>{time}</timeDate>"))) == []


@pytest.mark.parametrize("cycle", ["R/PT1H", "R3/PT24H", "R1000/P1D", "R/P1M", "R2/P5WD"])
def test_a_cycle_in_bounds_is_no_finding(cycle: str) -> None:
    assert (
        rules(spoilt(('<timeDate>tier("resolve", "m6")</timeDate>', f"<timeCycle>{cycle}</timeCycle>"))) == []
    )


def test_an_exit_without_condition_is_taken_when_its_turn_comes() -> None:
    drawing = Drawing().start().task("a", outcomes="好, 坏").either("g", default="no").end()
    for name in ("first", "always", "never"):
        drawing.task(name).line(name, "end")
    drawing.line("start", "a", "g").flow("g", "first", 'outcome == "好"').flow("g", "always")
    drawing.flow("g", "never", name="no")
    warned = [f for f in check(source(drawing.bytes()), NAMES) if f.rule == "bpmn-gateway-unconditional"]

    good, bad = Case(drawing), Case(drawing)
    good.do("a", "好")
    bad.do("a", "坏")

    assert [finding.level for finding in warned] == ["warning"]
    assert (good.steps, bad.steps) == (["first"], ["always"])


def test_the_real_things_in_one_step_are_all_told_at_once() -> None:
    diagram = spoilt(
        ('camunda:formKey="visit"', 'camunda:formKey="vist"'),
        ('name="clock" value="resolve"', 'name="clock" value="resolv"'),
        ('<camunda:property name="status" value="待走访"/>', ""),
    )
    assert rules(diagram) == ["bpmn-unknown-form", "bpmn-unknown-clock", "bpmn-no-status"]


def test_checking_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def forbidden(*args: object, **kwargs: object) -> None:
        ran.append(repr(args[:1]))
        raise AssertionError("the linter evaluated something")

    for name in ("eval", "exec", "open"):
        monkeypatch.setattr(builtins, name, forbidden)
    try:
        found = check(source(GOOD), NAMES)
    finally:
        monkeypatch.undo()

    assert found == []
    assert ran == []


def test_a_fault_of_the_linter_itself_is_an_error_finding_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: object) -> None:
        raise KeyError("秘密")

    monkeypatch.setattr(check_package, "check_loops", broken)

    found = check(source(GOOD), NAMES)

    assert [each.rule for each in found] == ["bpmn-check-failed"]
    assert found[0].zh == "检查程序没能读懂这张图（KeyError）。请把文件交给管理员。"


def torn(random: Random, text: str) -> str:
    """The diagram with lines lost, doubled and moved, and with attribute values mixed up."""
    lines = text.splitlines()
    for _ in range(random.randint(1, 4)):
        place = random.randrange(2, len(lines))
        if random.random() < 0.5:
            lines.pop(place)
        else:
            lines.insert(place, random.choice(lines))
    mixed = "\n".join(lines)
    for _ in range(random.randint(0, 3)):
        words = re.findall(r'"([^"]*)"', mixed)
        mixed = mixed.replace(f'"{random.choice(words)}"', f'"{random.choice(words)}"', 1)
    return mixed


def test_torn_and_shuffled_diagrams_never_raise() -> None:
    random = Random(20_260_302)
    for _ in range(600):
        diagram = torn(random, GOOD)

        found = check(source(diagram), NAMES)

        assert all(each.rule != "bpmn-check-failed" and each.zh and each.en for each in found), diagram
        if all(each.level == "warning" for each in found):
            parse(source(diagram))


def test_a_diagram_at_its_limits_is_checked_within_200_ms() -> None:
    drawing = Drawing().start().end()
    names = [f"t{place}" for place in range(297)]
    for name in names:
        drawing.task(
            name, status=name, clock="resolve", attributes='camunda:candidateGroups="unit(main_unit)"'
        )
    diagram = drawing.line("start", *names, "end").bytes()

    began = time.process_time()
    found = check(source(diagram), NAMES)

    assert found == []
    assert time.process_time() - began < 0.2


def test_random_diagrams_of_all_elements_may_be_published() -> None:
    names = replace(NAMES, messages=frozenset({"news"}))
    for seed in range(100):
        diagram = drawing_of(random_graph(Random(seed))).bytes()

        assert [f for f in check(source(diagram), names) if f.level == "error"] == [], seed


def test_structured_diagrams_raise_no_alarm_about_their_blocks() -> None:
    for seed in range(200):
        diagram = drawing_of(random_graph(Random(seed))).bytes()
        told = [
            f for f in check(source(diagram), NAMES) if f.rule in ("bpmn-join-unpaired", "bpmn-block-exit")
        ]
        assert told == [], seed


TYPES = {
    "note": "text",
    "days_left": "int",
    "day": "date",
    "moment": "datetime",
    "who": "person",
    "yes": "bool",
}


@pytest.mark.parametrize(
    ("kind", "text", "wrong"),
    [
        ("timeDate", "moment", None),
        ("timeDate", "note", None),
        ("timeDate", 'moment if yes else due("sign")', None),
        ("timeDate", 'note or "P3D"', None),
        ("timeCycle", "note", None),
        ("timeDate", "day", "day 是日期，没有钟点"),
        ("timeDuration", "days_left * 2", "days_left * 2 是整数"),
        ("timeDuration", '"P1D" if yes else days_left', "days_left 是整数"),
        ("timeDuration", "days(day, today())", "days(day, today()) 是整数"),
        ("timeCycle", "moment", "moment 是时刻"),
        ("timeDate", "who", "who 是人员"),
        ("timeDate", "not yes", "not yes 是是否"),
    ],
)
def test_a_timer_takes_only_what_can_be_a_time(kind: str, text: str, wrong: str | None) -> None:
    diagram = spoilt(('<timeDate>tier("resolve", "m6")</timeDate>', f"<{kind}>{text}</{kind}>"))

    found = check(source(diagram), replace(NAMES, data={**NAMES.data, **TYPES}))

    assert [each.level for each in found] == ([] if wrong is None else ["error"])
    assert wrong is None or wrong in found[0].zh


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("days(day, moment) > 3", None),
        ('contains(note, "路灯")', None),
        ("count(units) > 2", None),
        ("has(days_left)", None),
        ("age(days_left) > 60", "给 age() 的 days_left 是整数，这里要日期或时刻"),
        ("count(note) > 2", "给 count() 的 note 是文本，这里要列表"),
        ('has(note, "路灯")', "给 has() 的 note 是文本，这里要列表"),
        ('contains(days_left, "3")', "给 contains() 的 days_left 是整数，这里要文字"),
        ("round(note) > 2", "给 round() 的 note 是文本，这里要数字"),
    ],
)
def test_a_function_takes_only_what_it_can_work_with(text: str, wrong: str | None) -> None:
    diagram = spoilt(('outcome == "退回" or level == "突发"', text.replace(">", "&gt;")))

    found = check(source(diagram), replace(NAMES, data={**NAMES.data, **TYPES}))

    assert [each.level for each in found] == ([] if wrong is None else ["error"])
    assert wrong is None or wrong in found[0].zh
