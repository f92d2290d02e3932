"""Sub-processes: a scope of their own, what hangs on their edge, and what is thrown out of them."""

import pytest

from app.engine.errors import ErrorUncaught, StateUnreadable, VersionUnreadable
from app.engine.picture import Thrown
from app.engine.run import Run
from tests.engine.conftest import Bench, Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.test_state import edited


def steps_in_a_line(*names: str) -> Drawing:
    drawing = Drawing().start("s").end("e")
    for name in names:
        drawing.task(name, status=name)
    return drawing.line("s", *names, "e")


def with_a_sub(inner: Drawing) -> Drawing:
    """start → before → sub → after → end; the edge of `sub` is the test's."""
    drawing = Drawing().start().task("before", status="before").inside("sub", inner)
    return drawing.task("after", status="after").end().line("start", "before", "sub", "after", "end")


def two_branches(throw: str = "error", said: str = "broken") -> Drawing:
    """Inside: a → throws or goes on, beside b with a timer."""
    inner = Drawing().start("s").both("split").task("a", outcomes="好, 坏").task("b").end("e").end("e2")
    inner.either("g", default="on").declare("error", "broken", "other").declare("escalation", "hey", "ho")
    inner.over("x", throw, said).timer("t", "b", "PT24H", interrupting=False).end("rung").line("t", "rung")
    inner.line("s", "split", "a", "g").line("split", "b", "e").flow("g", "e2", name="on")
    return inner.flow("g", "x", 'outcome == "坏"')


def elements(case: Case) -> list[str]:
    return [passed.element for passed in case.trace]


def test_a_sub_process_waits_for_everything_inside_it():
    case = Case(with_a_sub(two_branches()))
    case.do("before")
    assert case.steps == ["a", "b"]
    assert "sub" in case.picture.active

    case.do("a", "好")
    assert case.steps == ["b"]
    case.do("b")

    assert case.steps == ["after"]
    assert elements(case) == ["b", "e", "sub"]
    assert len(case.run._net.tasks) == 2
    assert case.do("after").ended


def test_an_end_inside_a_sub_process_does_not_end_the_case():
    inner = Drawing().start("s").task("a").node("endEvent", "e", status="内部办结").line("s", "a", "e")
    case = Case(with_a_sub(inner))
    case.do("before")

    picture = case.do("a")

    assert (picture.ended, picture.status, picture.end_element) == (False, "after", None)
    assert case.do("after").end_element == "end"


def test_a_sub_process_entered_again_counts_its_rounds_on():
    drawing = (
        Drawing().start().either("m").inside("sub", steps_in_a_line("a")).task("check", outcomes="好, 再来")
    )
    drawing.either("g", default="on").end().line("start", "m", "sub", "check", "g")
    drawing.flow("g", "m", 'outcome("check") == "再来" and outcome("a") == "完成"').flow(
        "g", "end", name="on"
    )
    case = Case(drawing)

    for turn in range(1, 5):
        assert case.picture.task("a").round == turn
        case.do("a")
        case.do("check", "再来")
    assert len(case.run._net.tasks) == 3


def test_a_join_inside_one_opening_does_not_see_the_other():
    inner = Drawing().start("s").both("split").task("a").task("b").both("join").end("e")
    inner.line("s", "split", "a", "join", "e").line("split", "b", "join")
    drawing = Drawing().start().task("main").timer("t", "main", "R/PT1H", "timeCycle", interrupting=False)
    case = Case(
        drawing.inside("sub", inner).end().end("aside").line("t", "sub", "aside").line("start", "main", "end")
    )
    case.fire("t")
    case.fire("t")
    first, second = (task for task in case.picture.tasks if task.step == "a")
    other = [task for task in case.picture.tasks if task.step == "b"][1]

    case.wake().complete(first.ref)
    case.keep()
    case.wake().complete(other.ref)
    case.keep()

    assert case.steps == ["main", "b", "a"]
    case.wake().complete(second.ref)
    assert [task.step for task in case.keep().tasks] == ["main", "b"]


def test_a_sub_process_in_a_sub_process_closes_from_within():
    inner = Drawing().start("s1").inside("deep", steps_in_a_line("a")).end("e1").line("s1", "deep", "e1")
    case = Case(with_a_sub(inner))
    case.do("before")
    assert case.picture.active == ("sub", "deep", "a")

    case.do("a")

    assert case.steps == ["after"]
    assert elements(case) == ["a", "e", "deep", "e1", "sub"]


def test_terminate_disarms_timers_in_other_branches():
    drawing = Drawing().start().both("split").task("a").task("b").both("join").end().end("late")
    drawing.node(
        "endEvent", "stop", inner="<terminateEventDefinition/>", status="已撤回", closeReason="withdrawn"
    )
    drawing.timer("t", "b", "PT24H").line("t", "late").inside("sub", steps_in_a_line("c"))
    drawing.timer("t2", "sub", "PT48H", interrupting=False).end("rung").line("t2", "rung").line(
        "split", "sub", "join"
    )
    drawing.line("start", "split", "a", "stop").line("split", "b", "join", "end")
    case = Case(drawing)
    assert len(case.picture.waits) == 2

    picture = case.do("a")

    assert (picture.ended, picture.end_element, picture.status) == (True, "stop", "已撤回")
    assert (picture.tasks, picture.waits) == ((), ())
    assert case.run.finished
    assert case.version.ends["stop"].close_reason == "withdrawn"


def test_terminate_inside_a_sub_process_ends_only_that():
    inner = Drawing().start("s").both("split").task("a").task("b").end("e").over("stop", "terminate")
    case = Case(with_a_sub(inner.line("s", "split", "a", "stop").line("split", "b", "e")))
    case.do("before")

    case.do("a")

    assert case.steps == ["after"]
    assert elements(case) == ["a", "stop", "sub"]


def test_a_timer_on_a_subprocess_interrupts_what_is_inside():
    drawing = (
        with_a_sub(two_branches()).timer("late", "sub", "P3D").task("chase").line("late", "chase", "after")
    )
    case = Case(drawing)
    case.do("before")
    (outer,) = (wait for wait in case.picture.waits if wait.element == "late")
    assert outer.interrupting
    assert outer.step_ref is not None

    case.fire("late")

    assert case.steps == ["chase"]
    assert case.picture.waits == ()
    case.do("chase")
    assert case.do("after").ended


def test_a_reminder_on_a_subprocess_leaves_it_alone():
    drawing = with_a_sub(two_branches()).timer("remind", "sub", "R2/P1D", "timeCycle", interrupting=False)
    case = Case(drawing.task("urge", status="催办").end("urged").line("remind", "urge", "urged"))
    case.do("before")

    case.fire("remind")
    assert case.steps == ["a", "b", "urge"]
    case.do("a", "好")
    case.do("b")

    assert case.steps == ["urge", "after"]
    assert case.picture.waits == ()
    assert case.picture.status == "after"


def test_an_error_end_closes_the_subprocess_and_its_timers():
    drawing = with_a_sub(two_branches()).edge("failed", "sub", "error", "broken").task("repair")
    case = Case(drawing.line("failed", "repair", "after"))
    case.do("before")
    assert [wait.element for wait in case.picture.waits] == ["t"]

    case.do("a", "坏")

    assert case.steps == ["repair"]
    assert case.picture.waits == ()
    assert elements(case) == ["a", "g", "x", "failed"]


def test_an_error_goes_outwards_to_the_nearest_edge_that_awaits_it():
    deep = Drawing().start("s1").inside("deep", two_branches()).end("e1").line("s1", "deep", "e1")
    deep.edge("not_mine", "deep", "error", "other").end("n").line("not_mine", "n")
    drawing = with_a_sub(deep).edge("any", "sub", "error").edge("mine", "sub", "error", "broken")
    case = Case(drawing.task("repair").line("mine", "repair", "after").end("never").line("any", "never"))
    case.do("before")

    case.do("a", "坏")

    assert case.steps == ["repair"]


def test_an_uncaught_error_is_an_incident_in_plain_words():
    case = Case(
        with_a_sub(two_branches()).edge("other_one", "sub", "error", "other").line("other_one", "after")
    )
    case.do("before")
    before = case.state
    run = case.wake()
    run.complete(case.picture.task("a").ref, "坏")

    with pytest.raises(ErrorUncaught, match="错误码 broken") as failed:
        run.settle()

    assert failed.value.element == "x"
    assert case.state == before


@pytest.mark.parametrize("code", ["hey", ""])
def test_an_escalation_may_leave_the_sub_process_running(code: str):
    inner = steps_in_a_line("a", "b").declare("escalation", "hey").throw("call", "escalation", "hey")
    inner.parts = [part.replace('targetRef="b"', 'targetRef="call"') for part in inner.parts]
    inner.flow("call", "b", name="more")
    drawing = with_a_sub(inner).edge("heard", "sub", "escalation", code, interrupting=False)
    case = Case(drawing.task("chief", status="chief").end("told").line("heard", "chief", "told"))
    case.do("before")

    case.do("a")

    assert sorted(case.steps) == ["b", "chief"]
    assert case.picture.thrown == ()
    assert case.picture.status == "b"
    case.do("b")
    case.do("after")
    assert not case.picture.ended
    assert case.do("chief").ended


def test_an_escalation_may_end_the_sub_process():
    drawing = with_a_sub(two_branches("escalation", "hey")).edge("heard", "sub", "escalation", "hey")
    case = Case(drawing.task("chief").line("heard", "chief", "after"))
    case.do("before")

    case.do("a", "坏")

    assert case.steps == ["chief"]
    assert elements(case)[-2:] == ["x", "heard"]


def test_an_escalation_that_ends_its_own_sub_process_opens_nothing_inside():
    inner = (
        Drawing()
        .start("s")
        .throw("call", "escalation", "hey")
        .task("a")
        .end("e")
        .declare("escalation", "hey")
    )
    drawing = with_a_sub(inner.line("s", "call", "a", "e")).edge("heard", "sub", "escalation", "hey")
    case = Case(drawing.line("heard", "after"))

    case.do("before")

    assert case.steps == ["after"]
    assert "a" not in case.run.rounds


def test_an_uncaught_escalation_passes_on_and_is_told_once():
    case = Case(
        with_a_sub(two_branches("escalation", "ho"))
        .edge("b1", "sub", "escalation", "hey")
        .line("b1", "after")
    )
    case.do("before")

    picture = case.do("a", "坏")

    assert picture.thrown == (Thrown("escalation", "ho", "x", 0),)
    assert case.steps == ["b"]
    assert case.wake().settle().thrown == ()


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_a_task_throws_nothing(kind: str):
    drawing = Drawing().start().task("a").end().declare(kind, "x").edge("b", "a", kind, "x")

    with pytest.raises(VersionUnreadable) as refused:
        version_of(drawing.line("start", "a", "end").line("b", "end"))

    assert refused.value.element == "b"


def test_an_event_subprocess_is_refused():
    drawing = with_a_sub(steps_in_a_line("a"))
    drawing.parts = [
        part.replace('<subProcess id="sub"', '<subProcess triggeredByEvent="true" id="sub"')
        for part in drawing.parts
    ]

    with pytest.raises(VersionUnreadable) as refused:
        version_of(drawing)

    assert refused.value.element == "sub"


def test_a_state_with_a_row_in_the_wrong_scope_is_refused():
    case = Case(with_a_sub(steps_in_a_line("a")))
    case.do("before")

    def above(place: int):
        return lambda body: body[6][2].__setitem__(1, place)

    assert edited(case.state, above(1)) == case.state
    for wrong in (
        edited(case.state, above(0)),
        edited(case.state, lambda body: body[6][2].__setitem__(2, "after")),
    ):
        with pytest.raises(StateUnreadable):
            Run.load(wrong, case.version, case.env)


def test_a_case_never_changes_its_version():
    case = Case(with_a_sub(two_branches()).edge("failed", "sub", "error").line("failed", "after"))
    before = case.version.fingerprint()
    case.do("before")
    case.do("a", "坏")
    case.do("after")

    assert case.version.fingerprint() == before


def test_a_manual_task_and_an_empty_throw_only_leave_a_trace():
    drawing = (
        Drawing().start().task("a").node("manualTask", "notice").node("intermediateThrowEvent", "mark").end()
    )
    case = Case(drawing.line("start", "a", "notice", "mark", "end"))

    picture = case.do("a")

    assert picture.ended
    assert elements(case) == ["a", "notice", "mark", "end"]


def test_a_timer_in_the_line_waits_and_then_the_token_goes_on():
    drawing = Drawing().start().task("a").catch("pause", "timer", "P3D").task("b").end()
    case = Case(drawing.line("start", "a", "pause", "b", "end"))

    (wait,) = case.do("a").waits
    assert (wait.kind, wait.element, wait.interrupting, wait.step_ref) == ("timer", "pause", None, None)
    assert (case.steps, case.picture.active) == ([], ("pause",))
    assert case.version.timers["pause"].step == "pause"

    case.env.pass_time(days=2)
    assert case.tick().waits == (wait,)
    case.env.pass_time(days=1)
    case.tick()

    assert case.steps == ["b"]


def test_a_timer_in_the_line_may_be_bound_to_a_clock_but_not_repeat():
    inner = '<timerEventDefinition><timeDate>tier("resolve", "m6")</timeDate></timerEventDefinition>'
    drawing = Drawing().start().node("intermediateCatchEvent", "pause", inner=inner).end()

    (wait,) = Case(drawing.line("start", "pause", "end"), Bench()).picture.waits
    assert (wait.due_at, wait.bound) == (None, ("resolve", "m6"))

    inner = "<timerEventDefinition><timeCycle>R3/P1D</timeCycle></timerEventDefinition>"
    drawing = Drawing().start().node("intermediateCatchEvent", "pause", inner=inner).end()
    with pytest.raises(VersionUnreadable):
        version_of(drawing.line("start", "pause", "end"))
