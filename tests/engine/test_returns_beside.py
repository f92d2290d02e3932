"""退回 and what hangs on edges: waits, side branches, several firings."""

import pytest

from app.engine.errors import ReturnImpossible
from tests.engine.conftest import Case
from tests.engine.drawing import Drawing
from tests.engine.returning import back, names, targets, with_reminder


def test_a_side_branch_survives_unless_told():
    for said, left in (({}, ["dispatch", "urge1"]), ({"onReturn": "end"}, ["dispatch"])):
        case = Case(with_reminder(**said))
        case.do("dispatch")
        case.fire("remind")
        assert case.steps == ["handle", "urge1"]

        plan = back(case, "dispatch", "handle")

        assert sorted(case.steps) == left
        assert plan.reasons == (
            ("“remind”引出的旁支一并撤回。",) if said else ("“remind”引出的旁支继续办理，不受退回影响。",)
        )
        assert case.picture.status == "d"


def test_a_side_branch_of_a_step_that_is_not_done_again_stays_whatever_it_says():
    case = Case(with_reminder("close", onReturn="end"))
    case.do("dispatch")
    case.fire("remind")
    case.do("handle")
    case.do("review")

    plan = back(case, "review", "close")
    assert (sorted(case.steps), plan.reasons) == (["review", "urge1"], ())

    plan = back(case, "dispatch", "review")
    assert (case.steps, len(plan.reasons)) == (["dispatch"], 1)


def test_a_side_branch_goes_back_within_itself_only():
    case = Case(with_reminder())
    case.do("dispatch")
    case.fire("remind")
    case.do("urge1")
    assert targets(case, "urge2") == ["urge1"]
    assert targets(case, "handle") == ["dispatch"]

    for step, start, why in (
        ("dispatch", "urge2", "旁支不能退回到主线"),
        ("urge1", "handle", "只能在该旁支内退回"),
    ):
        with pytest.raises(ReturnImpossible, match=why):
            case.wake().return_to(step, case.picture.task(start).ref)
    plan = back(case, "urge1", "urge2")

    assert (names(plan.withdrawn), names(plan.kept)) == (["urge2"], ["handle"])
    assert case.picture.status == "h"
    case.do("handle")
    case.do("review")
    assert case.steps == ["urge1"]
    assert targets(case, "urge1") == []
    assert not case.picture.ended


def test_the_main_line_is_reopened_beside_a_side_branch_that_is_still_open():
    case = Case(with_reminder())
    case.do("dispatch")
    case.fire("remind")
    case.do("handle")
    with pytest.raises(ReturnImpossible, match="已不在待办"):
        case.wake().return_to("handle")
    case.do("review")
    assert (case.steps, case.picture.ended) == (["urge1"], False)

    back(case, "review", None)

    assert sorted(case.steps) == ["review", "urge1"]
    case.do("urge1")
    case.do("urge2")
    assert case.do("review").end_element == "end"


def repeating_side() -> Drawing:
    drawing = Drawing().start().task("handle").end().line("start", "handle", "end")
    drawing.timer("daily", "handle", "R/P1D", "timeCycle", interrupting=False).task("first").end("told")
    drawing.both("split").task("x1").task("x2").task("y").both("join")
    return drawing.line("daily", "first", "split", "x1", "x2", "join", "told").line("split", "y", "join")


def test_of_two_firings_only_the_one_asked_for_goes_back():
    case = Case(repeating_side())
    case.fire("daily")
    case.do("first")
    case.do("x1")
    case.fire("daily")
    assert sorted(case.steps) == ["first", "handle", "x2", "y"]

    plan = back(case, "x1", "x2")
    assert names(plan.withdrawn) == ["x2"]
    case.do("x1")
    case.do("first")
    assert sorted(case.steps) == ["handle", "x1", "x2", "y", "y"]

    with pytest.raises(ReturnImpossible, match="分不清"):
        case.wake().return_to("first", case.picture.task("x2").ref)


def test_a_timer_in_the_line_is_taken_back_too():
    drawing = Drawing().start().task("a").both("split").catch("pause", "timer", "PT1H").task("b").both("join")
    case = Case(drawing.end().line("start", "a", "split", "pause", "join", "end").line("split", "b", "join"))
    case.do("a")

    plan = back(case, "a", "b")

    assert [wait.element for wait in plan.timers_ended] == ["pause"]
    assert case.picture.active == ("a",)


def test_a_token_behind_an_event_gateway_is_taken_back_as_one():
    drawing = Drawing().declare("message", "news").start().task("accept").both("split").both("join").task("b")
    drawing.node("eventBasedGateway", "race").catch("pause", "timer", "PT1H").catch(
        "letter", "message", "news"
    )
    drawing.task("ask").either("met").line("start", "accept", "split", "ask", "race", "pause", "met", "join")
    drawing.line("race", "letter", "met").end().line("split", "b", "join", "end")
    case = Case(drawing)
    case.do("accept")
    case.do("ask")

    plan = back(case, "ask", "b")

    assert ({wait.element for wait in plan.timers_ended}, names(plan.kept)) == ({"pause", "letter"}, ["b"])
    assert case.picture.active == ("b", "ask")
    case.do("ask")
    back(case, "accept", "b")
    assert (case.picture.waits, case.steps) == ((), ["accept"])


def test_a_returned_case_has_no_ghost_waits():
    case = Case(with_reminder())
    case.do("dispatch")
    first = {wait.ref for wait in case.picture.waits}

    plan = back(case, "dispatch", "handle")

    assert {wait.element for wait in plan.timers_ended} == {"remind", "late"}
    assert (plan.timers_armed, case.picture.waits) == ((), ())
    case.do("dispatch")
    assert {wait.element for wait in case.picture.waits} == {"remind", "late"}
    assert not first & {wait.ref for wait in case.picture.waits}
    case.fire("remind")
    assert case.steps == ["handle", "urge1"]


def test_going_back_to_a_step_with_timers_arms_them_anew():
    case = Case(with_reminder())
    case.do("dispatch")
    case.env.pass_time(hours=5)
    case.do("handle")

    plan = back(case, "handle", "review")

    assert {wait.element: (wait.due_at - case.env.now).total_seconds() for wait in plan.timers_armed} == {
        "remind": 24 * 3600,
        "late": 48 * 3600,
    }
    assert {wait.step_ref for wait in plan.timers_armed} == {plan.opened[0].ref}
