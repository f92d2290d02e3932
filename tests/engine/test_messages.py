"""Messages, signals, conditions and event-based gateways: what comes from outside moves exactly one wait."""

from typing import Any

import pytest

from app.engine.errors import HandlerFailed, NoSuchStart, NotWaiting, TimerDidNotMove, VersionUnreadable
from app.engine.picture import Thrown
from app.engine.run import Run
from tests.engine.conftest import Bench, Case, version_of
from tests.engine.drawing import Drawing


def two_letters() -> Drawing:
    """split → ask_a → wait_a, beside ask_b → wait_b, which wait for the same message; then a join."""
    drawing = Drawing().start().both("split").both("join").end().declare("message", "reply")
    for letter in "ab":
        drawing.task(f"ask_{letter}").catch(f"wait_{letter}", "message", "reply")
        drawing.line("split", f"ask_{letter}", f"wait_{letter}", "join")
    return drawing.line("start", "split").line("join", "end")


def elements(case: Case) -> list[str]:
    return [passed.element for passed in case.trace]


def test_one_message_moves_one_wait():
    case = Case(two_letters())
    case.do("ask_a")
    case.do("ask_b")
    assert [(wait.kind, wait.name, wait.element) for wait in case.picture.waits] == [
        ("message", "reply", "wait_a"),
        ("message", "reply", "wait_b"),
    ]

    case.deliver("wait_b")

    assert [wait.element for wait in case.picture.waits] == ["wait_a"]
    assert case.deliver("wait_a").ended


def test_an_early_message_waits_its_turn():
    case = Case(two_letters())
    assert case.picture.waits == ()
    again = Case(two_letters(), version=case.version)
    (later,) = again.do("ask_a").waits

    with pytest.raises(NotWaiting):
        case.wake().deliver(later.ref)

    case.do("ask_a")
    assert case.picture.waits == (later,)
    assert "wait_a" not in [wait.element for wait in case.deliver("wait_a").waits]


@pytest.mark.parametrize("ref", ["", "zz", "1"])
def test_nothing_else_can_be_delivered(ref: str):
    case = Case(two_letters())
    for wrong in (ref, case.picture.task("ask_a").ref):
        run = case.wake()
        with pytest.raises(NotWaiting):
            run.deliver(wrong)


def test_a_timer_is_no_message_and_a_message_no_timer():
    drawing = Drawing().start().task("a").end().timer("t", "a", "PT1H").declare("message", "m")
    case = Case(
        drawing.edge("e", "a", "message", "m").line("start", "a", "end").line("t", "end").line("e", "end")
    )
    timer, message = (next(w.ref for w in case.picture.waits if w.element == name) for name in "te")

    with pytest.raises(NotWaiting):
        case.wake().deliver(timer)
    with pytest.raises(TimerDidNotMove):
        case.wake().fire_timers([message])


def with_an_edge(kind: str, said: str, interrupting: bool) -> Drawing:
    """start → work → end; an event on `work` leads to `aside`."""
    drawing = Drawing().start().task("work", status="work").task("aside", status="aside").end().end("e2")
    drawing.declare("message", "news").declare("signal", "stop")
    drawing.edge("event", "work", kind, said, interrupting)
    return drawing.line("start", "work", "end").line("event", "aside", "e2")


def test_a_non_interrupting_message_can_come_three_times():
    case = Case(with_an_edge("message", "news", interrupting=False))
    (wait,) = case.picture.waits
    assert (wait.kind, wait.name, wait.interrupting) == ("message", "news", False)
    assert wait.step_ref == case.picture.task("work").ref

    for times in (1, 2, 3):
        case.deliver("event")
        assert case.steps == ["work"] + ["aside"] * times
        assert case.picture.waits == (wait,)

    case.do("work")
    assert case.picture.waits == ()


def test_an_interrupting_message_ends_its_step():
    case = Case(with_an_edge("message", "news", interrupting=True))

    case.deliver("event")

    assert case.steps == ["aside"]
    assert case.picture.waits == ()


def test_what_hangs_on_a_step_ends_with_it():
    case = Case(with_an_edge("message", "news", interrupting=False))
    (wait,) = case.picture.waits
    case.do("work")

    run = case.wake()
    with pytest.raises(NotWaiting):
        run.deliver(wait.ref)


def test_a_receive_task_waits_and_may_carry_a_deadline():
    drawing = Drawing().start().node("receiveTask", "reply", 'messageRef="m"').task("chase").task("on").end()
    drawing.declare("message", "m").timer("late", "reply", "P3D").line("late", "chase", "on")
    for late in (False, True):
        case = Case(drawing if late else drawing.line("start", "reply", "on", "end"))
        assert [(wait.element, wait.kind) for wait in case.picture.waits] == [
            ("reply", "message"),
            ("late", "timer"),
        ]
        assert case.picture.active == ("reply",)

        case.fire("late") if late else case.deliver("reply")

        assert case.steps == (["chase"] if late else ["on"])
        assert case.picture.waits == ()


def test_messages_that_leave_are_handed_over_once_and_told():
    drawing = (
        Drawing().start().task("a").node("sendTask", "letter", 'messageRef="m"').throw("word", "message", "n")
    )
    case = Case(
        drawing.declare("message", "m", "n")
        .over("last", "message", "m")
        .line("start", "a", "letter", "word", "last")
    )

    picture = case.do("a")

    assert case.env.sent == ["m", "n", "m"]
    assert picture.thrown == (
        Thrown("message", "m", "letter"),
        Thrown("message", "n", "word"),
        Thrown("message", "m", "last"),
    )
    assert (picture.ended, picture.end_element) == (True, "last")


def test_a_message_that_cannot_be_sent_leaves_the_case_as_it_was():
    class Closed(Bench):
        def send(self, message: str, params: Any) -> None:
            raise KeyError("某单位")

    drawing = Drawing().start().task("a").throw("word", "message", "n").end().declare("message", "n")
    case = Case(drawing.line("start", "a", "word", "end"), Closed())
    before = case.state
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(HandlerFailed) as failed:
        run.settle()

    assert failed.value.element == "word"
    assert isinstance(failed.value.__cause__, KeyError)
    assert "某单位" not in failed.value.message
    assert case.state == before


def by_message(plain: bool) -> Drawing:
    drawing = Drawing().task("asked").task("a").end().declare("message", "order")
    drawing.event("startEvent", "by_mail", "message", "order").line("by_mail", "asked", "end").line(
        "a", "end"
    )
    return drawing.start().line("start", "a") if plain else drawing.line("asked", "a")


def test_a_case_may_be_begun_by_a_message():
    version = version_of(by_message(plain=True))
    assert version.starts == ("start", "by_mail")
    assert dict(version.start_messages) == {"by_mail": "order"}

    assert [task.step for task in Run.new(version, Bench()).settle().tasks] == ["a"]
    run = Run.new(version, Bench(), start="by_mail")
    assert [task.step for task in run.settle().tasks] == ["asked"]
    assert [passed.element for passed in run.trace] == ["by_mail"]


def test_a_process_that_only_messages_begin_cannot_be_begun_without():
    drawing = Drawing().task("asked").end().declare("message", "order")
    drawing.event("startEvent", "by_mail", "message", "order").line("by_mail", "asked", "end")
    version = version_of(drawing)

    with pytest.raises(NoSuchStart):
        Run.new(version, Bench())
    with pytest.raises(NoSuchStart):
        Run.new(version, Bench(), start="asked")


def listening(interrupting: bool = False) -> Drawing:
    """One branch throws, another waits in the line, a third has it on its edge, a fourth inside a sub-process."""
    inner = (
        Drawing().start("s").catch("deep", "signal", "stop").task("d").end("e").line("s", "deep", "d", "e")
    )
    drawing = (
        Drawing().start().both("split").end().declare("signal", "stop", "other").task("say").task("after")
    )
    drawing.throw("shout", "signal", "stop").catch("ear", "signal", "stop").catch("deaf", "signal", "other")
    drawing.task("work").edge("edge", "work", "signal", "stop", interrupting).task("aside").inside(
        "sub", inner
    )
    drawing.line("start", "split", "say", "shout", "after", "end").line("split", "ear", "end")
    return (
        drawing.line("split", "deaf", "end")
        .line("split", "work", "end")
        .line("edge", "aside", "end")
        .line("split", "sub", "end")
    )


@pytest.mark.parametrize("interrupting", [True, False])
def test_a_signal_reaches_every_catcher_of_the_case(interrupting: bool):
    case = Case(listening(interrupting))

    picture = case.do("say")

    assert picture.thrown == (Thrown("signal", "stop", "shout", 3),)
    still = [] if interrupting else ["work"]
    assert sorted(case.steps) == sorted([*still, "after", "aside", "d"])
    assert [wait.element for wait in picture.waits if wait.element != "edge"] == ["deaf"]
    assert elements(case)[:2] == ["say", "shout"]


def test_an_uncaught_throw_is_told():
    drawing = Drawing().start().throw("shout", "signal", "stop").task("a").end().declare("signal", "stop")
    case = Case(drawing.line("start", "shout", "a", "end"))

    assert case.picture.thrown == (Thrown("signal", "stop", "shout", 0),)
    assert case.do("a").thrown == ()


def test_a_signal_from_outside_is_delivered_to_one_wait():
    case = Case(listening())

    case.deliver("ear")

    assert sorted(case.steps) == ["say", "work"]
    assert sorted(wait.element for wait in case.picture.waits) == ["deaf", "deep", "edge"]


def test_a_conditional_event_follows_the_data():
    drawing = with_an_edge("conditional", "urgent and level == 3", interrupting=True)
    case = Case(drawing, Bench(data={"urgent": None, "level": None}))
    (wait,) = case.picture.waits
    assert (wait.kind, wait.element, wait.due_at) == ("condition", "event", None)

    case.env.write({"urgent": True})
    case.wake()
    assert case.keep().waits == (wait,)
    case.env.write({"level": 3})
    case.wake()
    case.keep()

    assert case.steps == ["aside"]


def test_a_condition_that_holds_already_is_not_waited_for():
    drawing = Drawing().start().catch("until", "conditional", "urgent").task("a").end()

    assert Case(drawing.line("start", "until", "a", "end"), Bench(data={"urgent": True})).steps == ["a"]


def test_a_non_interrupting_condition_fires_each_time_it_becomes_true():
    case = Case(with_an_edge("conditional", "urgent", interrupting=False), Bench(data={"urgent": None}))

    def after(urgent: bool) -> int:
        case.env.write({"urgent": urgent})
        case.wake()
        case.keep()
        return case.steps.count("aside")

    assert [after(value) for value in (True, True, False, False, True, True)] == [1, 1, 1, 1, 2, 2]


def race() -> Drawing:
    """ask → gate → a message, a signal, a condition or a timer, each with its own task."""
    drawing = Drawing().start().task("ask").node("eventBasedGateway", "gate").end()
    drawing.declare("message", "reply").declare("signal", "stop")
    for name, kind, said in (
        *(("mail", "message", "reply"), ("halt", "signal", "stop")),
        *(("urgent", "conditional", "level == 3"), ("late", "timer", "P3D")),
    ):
        drawing.catch(name, kind, said).task(f"after_{name}")
        drawing.line("gate", name, f"after_{name}", "end")
    return drawing.line("start", "ask", "gate")


@pytest.mark.parametrize("first", ["mail", "halt", "urgent", "late"])
def test_the_first_event_behind_a_gateway_ends_the_others(first: str):
    case = Case(race(), Bench(data={"level": 1}))
    waits = case.do("ask").waits
    assert [wait.element for wait in waits] == ["mail", "halt", "urgent", "late"]
    assert len({wait.group for wait in waits}) == 1
    assert waits[0].group is not None
    assert {wait.interrupting for wait in waits} == {None}
    assert case.picture.active == ("gate",)

    if first == "late":
        case.env.pass_time(days=3)
        case.tick()
    elif first == "urgent":
        case.env.write({"level": 3})
        case.wake()
        case.keep()
    else:
        case.deliver(first)

    assert case.steps == [f"after_{first}"]
    assert case.picture.waits == ()
    assert elements(case) == [first]


def test_a_case_behind_an_event_gateway_can_be_saved():
    case = Case(race(), Bench(data={"level": 1}))
    case.do("ask")
    case.deliver("mail")

    assert case.wake().dump() == case.state
    assert len(case.run._net.tasks) == 2
    assert case.do("after_mail").ended


def test_two_timers_at_one_event_gateway_are_refused():
    drawing = race().catch("later", "timer", "P9D").line("gate", "later", "end")

    with pytest.raises(VersionUnreadable) as refused:
        version_of(drawing)

    assert refused.value.element == "gate"


@pytest.mark.parametrize("spoil", ["a task behind it", "another way in"])
def test_only_events_follow_an_event_gateway(spoil: str):
    drawing = race().task("x")
    drawing.line("gate", "x", "end") if spoil == "a task behind it" else drawing.line("x", "mail")

    with pytest.raises(VersionUnreadable):
        version_of(drawing)


def test_a_message_nobody_declared_is_unreadable():
    with pytest.raises(VersionUnreadable):
        version_of(Drawing().start().catch("x", "message", "nothing").end().line("start", "x", "end"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [("message", "news"), ("signal", "news"), ("conditional", "level > 3"), ("timer", "P9D")],
)
def test_an_event_in_the_line_can_be_passed_by(kind: str, said: str):
    drawing = (
        Drawing().start().declare("message", "news").declare("signal", "news").both("split").both("join")
    )
    drawing.catch("ear", kind, said).task("after").task("other").end()
    drawing.line("start", "split", "ear", "after", "join", "end").line("split", "other", "join")
    case = Case(drawing, Bench(data={"level": 1}))
    (wait,) = case.picture.waits
    assert case.wake().waiting_at("ear") == [wait.ref]

    case.wake().skip(wait.ref)
    case.keep()

    assert case.wake().waiting_at("ear") == []
    assert (sorted(case.steps), case.picture.waits) == (["after", "other"], ())
    assert case.do("other").ended is False
    assert case.do("after").ended


def test_what_hangs_on_a_step_or_behind_a_gateway_cannot_be_passed_by():
    drawing = (
        Drawing().start().declare("signal", "stop", "go").task("work").edge("edge", "work", "signal", "stop")
    )
    drawing.task("aside").end().node("eventBasedGateway", "gate").both("split").both("join")
    drawing.catch("left", "signal", "go").catch("right", "timer", "P1D")
    drawing.line("start", "split", "work", "join", "end").line("edge", "aside", "join")
    drawing.line("split", "gate", "left", "join").line("gate", "right", "join")
    case = Case(drawing)

    for ref in (*(wait.ref for wait in case.picture.waits), case.picture.task("work").ref, "zz"):
        with pytest.raises(NotWaiting):
            case.wake().skip(ref)
    assert {wait.element for wait in case.picture.waits} == {"edge", "left", "right"}
