"""Service tasks: what a handler is given, where its results go, and what happens when it fails."""

from typing import Any

import pytest

from app.engine.check import check
from app.engine.errors import (
    ErrorUncaught,
    ExpressionFailed,
    FuseBlown,
    HandlerFailed,
    NotWaiting,
    RunSpoiled,
)
from app.engine.picture import Wait
from app.engine.run import Run
from app.engine.source import Names
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.good_bundle import NAMES, source

OUTSIDE = 'camunda:type="external" camunda:topic="classify"'


def sending(**said: Any) -> Drawing:
    """Accept, then a service task, then review."""
    drawing = Drawing().start().task("accept").service("send", **said).task("review").end()
    return drawing.line("start", "accept", "send", "review", "end")


class Desk(Bench):
    """Notes what its one handler is called with, and gives a ticket."""

    def __init__(self, fails: Exception | None = None, gives: Any = None, **data: Any) -> None:
        super().__init__(data={"ticket_no": None, **data}, handlers={"notices.send": self.send_notice})
        self.called: list[dict[str, Any]] = []
        self.fails, self.gives = fails, {"ticket": "T1"} if gives is None else gives

    def send_notice(self, **params: Any) -> Any:
        """The handler."""
        self.called.append(params)
        if self.fails is not None:
            raise self.fails
        return self.gives


def test_a_handler_gets_its_inputs_and_its_results_become_case_data():
    desk = Desk(unit="城管委", level=2)
    inputs = {"template": "order_sent", "to": "${unit}", "urgent": "${level > 1}"}
    case = Case(sending(inputs=inputs, outputs={"ticket": "ticket_no"}), desk)

    case.do("accept")

    assert desk.called == [{"template": "order_sent", "to": "城管委", "urgent": True}]
    assert desk.data["ticket_no"] == "T1"
    assert case.steps == ["review"]
    assert [passed.element for passed in case.trace] == ["accept", "send"]


def test_a_handlers_name_may_stand_in_brackets_and_camundas_outputs_are_understood():
    desk = Desk()
    case = Case(sending(handler="${notices.send}", outputs={"ticket_no": "${ticket}"}), desk)

    case.do("accept")

    assert desk.data["ticket_no"] == "T1"


def test_the_next_condition_sees_what_a_handler_wrote():
    drawing = Drawing().start().service("send", outputs={"ticket": "ticket_no"}).either("gate", default="on")
    drawing.task("sent").task("unsent").end().line("start", "send", "gate").line("sent", "end").line(
        "unsent", "end"
    )
    drawing.flow("gate", "sent", 'ticket_no == "T1"').flow("gate", "unsent", name="on")

    assert Case(drawing, Desk()).steps == ["sent"]


def test_a_failing_handler_leaves_the_bytes_as_they_were():
    desk = Desk(fails=ConnectionError("身份证号"))
    case = Case(sending(outputs={"ticket": "ticket_no"}), desk)
    before = case.state
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(HandlerFailed):
        run.settle()

    with pytest.raises(RunSpoiled):
        run.dump()
    assert Run.load(before, case.version, case.env).settle() == case.picture
    assert desk.data["ticket_no"] is None


@pytest.mark.parametrize(
    "cause", [KeyError(5), ValueError("身份证号"), type("Mute", (Exception,), {"__str__": None})()]
)
def test_the_real_cause_reaches_the_incident(cause: Exception):
    case = Case(sending(), Desk(fails=cause))
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(HandlerFailed) as failed:
        run.settle()

    assert failed.value.__cause__ is cause
    assert failed.value.element == "send"
    assert type(cause).__name__ in failed.value.message
    assert "身份证号" not in failed.value.message


@pytest.mark.parametrize("gives", [{}, {"other": 1}, ["ticket"], "ticket"])
def test_a_result_that_is_not_there_is_no_silence(gives: Any):
    case = Case(sending(outputs={"ticket": "ticket_no"}), Desk(gives=gives))
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(HandlerFailed) as failed:
        run.settle()

    assert failed.value.element == "send"


def test_a_handler_without_outputs_may_give_nothing():
    desk = Desk()
    desk.handlers = {"notices.send": lambda: None}

    assert Case(sending(), desk).do("accept").tasks[0].step == "review"


def test_an_input_that_cannot_be_computed_calls_nobody():
    desk = Desk(level="二")
    case = Case(sending(inputs={"to": "${level + 1}"}), desk)
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(ExpressionFailed) as failed:
        run.settle()

    assert failed.value.element == "send"
    assert desk.called == []


def test_a_job_of_its_own_commits_first_and_goes_on_when_told():
    desk = Desk(unit="城管委")
    case = Case(
        sending(
            attributes='camunda:asyncBefore="true"', inputs={"to": "${unit}"}, outputs={"ticket": "ticket_no"}
        ),
        desk,
    )
    case.do("accept")
    (wait,) = case.picture.waits
    assert wait == Wait(wait.ref, "job", "notices.send", "send")
    assert (case.picture.active, desk.called) == (("send",), [])
    desk.write({"unit": "住建委"})
    assert case.wake().params_of(wait.ref) == {"to": "住建委"}

    case.wake().deliver(wait.ref)
    case.keep()

    assert desk.called == [{"to": "住建委"}]
    assert case.steps == ["review"]
    assert case.picture.waits == ()
    with pytest.raises(NotWaiting):
        case.wake().deliver(wait.ref)


def test_a_job_that_fails_still_waits():
    desk = Desk(fails=TimeoutError())
    case = Case(sending(attributes='camunda:asyncBefore="true"'), desk)
    case.do("accept")
    (wait,) = case.picture.waits
    run = case.wake()
    run.deliver(wait.ref)
    with pytest.raises(HandlerFailed):
        run.settle()

    assert case.wake().settle().waits == (wait,)
    desk.fails = None
    case.wake().deliver(wait.ref)
    assert case.keep().tasks[0].step == "review"


def test_a_job_that_is_skipped_goes_on_uncalled_and_gives_nothing():
    desk = Desk(fails=TimeoutError())
    case = Case(sending(attributes='camunda:asyncBefore="true"', outputs={"ticket": "ticket_no"}), desk)
    case.do("accept")
    (wait,) = case.picture.waits

    case.wake().skip(wait.ref)
    case.keep()

    assert (case.steps, case.picture.waits) == (["review"], ())
    assert (desk.called, desk.data["ticket_no"]) == ([], None)
    with pytest.raises(NotWaiting):
        case.wake().skip(wait.ref)


def test_a_step_that_was_skipped_once_is_called_when_the_token_comes_again():
    desk = Desk()
    drawing = Drawing().start().service("send", attributes='camunda:asyncBefore="true"')
    drawing.task("review", outcomes="通过, 重发").either("gate", default="on").end()
    drawing.line("start", "send", "review", "gate").flow("gate", "send", 'outcome("review") == "重发"')
    drawing.flow("gate", "end", name="on")
    case = Case(drawing, desk)
    case.wake().skip(case.picture.waits[0].ref)
    case.keep()

    case.do("review", "重发")
    case.deliver("send")

    assert (case.steps, desk.called) == (["review"], [{}])


def test_work_done_outside_waits_and_gives_its_results():
    desk = Desk(unit="城管委")
    case = Case(
        sending(handler="", attributes=OUTSIDE, inputs={"unit": "${unit}"}, outputs={"number": "ticket_no"}),
        desk,
    )
    case.do("accept")
    (wait,) = case.picture.waits
    assert (wait.kind, wait.name, wait.element) == ("external", "classify", "send")
    assert case.wake().params_of(wait.ref) == {"unit": "城管委"}

    with pytest.raises(HandlerFailed, match="number"):
        case.wake().deliver(wait.ref, {"other": 1})
    case.wake().deliver(wait.ref, {"number": "N7", "other": 1})
    case.keep()

    assert desk.data["ticket_no"] == "N7"
    assert "other" not in desk.data
    assert desk.called == []
    assert case.steps == ["review"]


def erring(*edges: str) -> Drawing:
    """Work outside in a sub-process; `edges` of work (inner) and joint (outer) that await error no_paper."""
    inner = Drawing("inner").start("s2").service("work", "", attributes=OUTSIDE).end("e2")
    inner.line("s2", "work", "e2")
    if "work" in edges:
        inner.edge("near", "work", "error", "no_paper").task("buy", status="补纸").line("near", "buy", "e2")
    drawing = Drawing().start().inside("joint", inner).declare("error", "no_paper")
    if "joint" in edges:
        drawing.edge("far", "joint", "error", "no_paper").task("ask", status="询问").line("far", "ask", "end")
    return drawing.end().line("start", "joint", "end")


@pytest.mark.parametrize(
    ("edges", "steps"), [(("work", "joint"), ["buy"]), (("work",), ["buy"]), (("joint",), ["ask"])]
)
def test_an_error_of_work_outside_goes_to_the_nearest_edge_that_awaits_it(
    edges: tuple[str, ...], steps: list[str]
):
    case = Case(erring(*edges), Desk())
    found = {each.rule for each in check(source(erring(*edges).bytes()), NAMES)}
    assert found <= {"bpmn-unknown-role"}  # nobody is asked to do a step outside every lane

    case.wake().fail(case.picture.waits[0].ref, "no_paper")
    case.keep()

    assert (case.steps, case.picture.waits) == (steps, ())


def test_an_error_that_nothing_awaits_leaves_the_work_waiting():
    case = Case(erring("work"), Desk())
    (wait,) = case.picture.waits
    run = case.wake()

    with pytest.raises(ErrorUncaught, match="other") as raised:
        run.fail(wait.ref, "other")

    assert raised.value.element == "work"
    with pytest.raises(RunSpoiled):
        run.dump()
    assert case.wake().settle() == case.picture


def test_only_work_outside_can_fail():
    case = Case(sending(), Desk())

    for ref in (case.picture.tasks[0].ref, "zz"):
        with pytest.raises(NotWaiting):
            case.wake().fail(ref, "no_paper")


def test_an_error_on_the_edge_of_what_never_fails_is_misplaced():
    drawing = sending(handler="", attributes=OUTSIDE).declare("error", "no_paper")
    drawing.edge("near", "accept", "error", "no_paper")
    drawing.edge("also", "send", "error", "no_paper").line("near", "review").line("also", "review")

    found = check(source(drawing.bytes()), NAMES)

    assert {each.element for each in found if each.rule == "bpmn-event-misplaced"} == {"near"}


def test_only_what_waits_for_it_can_be_delivered():
    drawing = (
        sending(attributes='camunda:asyncBefore="true"').timer("late", "accept", "PT1H").line("late", "end")
    )
    case = Case(drawing, Desk())
    timer, task = case.picture.waits[0].ref, case.picture.tasks[0].ref

    for ref in (timer, task, "1", "zz", "?"):
        with pytest.raises(NotWaiting):
            case.wake().deliver(ref)
        with pytest.raises(NotWaiting):
            case.wake().params_of(ref)


def test_cancel_ends_what_is_awaited():
    case = Case(sending(attributes='camunda:asyncBefore="true"'), Desk())
    case.do("accept")
    case.wake().cancel()

    assert case.keep().waits == ()


def test_services_that_spin_blow_the_fuse():
    drawing = Drawing().start().either("merge").service("send").either("gate", default="on").end()
    drawing.line("start", "merge", "send", "gate").flow("gate", "merge", "True").flow(
        "gate", "end", name="on"
    )

    with pytest.raises(FuseBlown):
        Case(drawing, Desk())


def test_a_loop_of_external_work_waits_and_a_loop_of_services_spins():
    def found(attributes: str) -> list[str]:
        handler = "" if "external" in attributes else "clocks.pause"
        drawing = Drawing().start().either("merge").service("work", handler, attributes=attributes)
        drawing.either("gate", default="on").end().line("start", "merge", "work", "gate")
        drawing.flow("gate", "merge", 'level == "突发"').flow("gate", "end", name="on")
        return [finding.rule for finding in check(source(drawing.bytes()), NAMES)]

    assert found('camunda:type="external" camunda:topic="classify"') == []
    assert found("") == ["bpmn-loop-without-wait"]
    assert found('camunda:asyncBefore="true"') == ["bpmn-loop-without-wait"]


def test_handlers_may_be_a_plain_set_of_names():
    drawing = Drawing().start().service("send", inputs={"anything": "1"}).end().line("start", "send", "end")

    assert check(source(drawing.bytes()), Names(handlers=frozenset({"notices.send"}))) == []
    (unknown,) = check(source(drawing.bytes()), Names())
    assert unknown.rule == "bpmn-unknown-handler"
    assert unknown.zh == "服务任务“send”(send) 使用了处理程序 notices.send，没有登记；已登记的有 （空）。"
