"""退回 out of, into and inside of sub-processes and called processes, and those done for each of several."""

import pytest

from app.engine.errors import ReturnImpossible
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing, marker
from tests.engine.returning import back, names, targets
from tests.engine.test_calls import called, found_in, visit


def with_part(parallel: bool = False, **said: str) -> Drawing:
    """accept → part(first → second) → review → end; a timer on the part; beside it perhaps a branch."""
    inner = Drawing().start("begin").task("first").task("second").end("done")
    inner.line("begin", "first", "second", "done")
    drawing = Drawing().start().task("accept").inside("part", inner).task("review").end()
    drawing.timer("nudge", "part", "P1D", interrupting=False, **said)
    drawing.task("urge").end("urged").line("nudge", "urge", "urged")
    if parallel:
        drawing.both("split").both("join").task("beside").line("start", "accept", "split", "part", "join")
        return drawing.line("split", "beside", "join", "review", "end")
    drawing.timer("late", "part", "P5D").line("late", "end")
    return drawing.line("start", "accept", "part", "review", "end")


def test_a_return_inside_a_sub_process_stays_inside():
    case = Case(with_part())
    case.do("accept")
    case.do("first")

    plan = back(case, "first", "second")

    assert (names(plan.withdrawn), plan.timers_ended, case.steps) == (["second"], (), ["first"])
    assert case.picture.active == ("part", "first")
    for name in ("first", "second", "review"):
        case.do(name)
    assert case.picture.ended


def test_leaving_a_sub_process_ends_everything_in_it():
    case = Case(with_part())
    case.do("accept")
    case.do("first")
    assert targets(case, "second") == ["accept", "first"]

    plan = back(case, "accept", "second")

    assert (names(plan.withdrawn), names(plan.opened)) == (["second"], ["accept"])
    assert {wait.element for wait in plan.timers_ended} == {"late", "nudge"}
    assert case.picture.active == ("accept",)
    case.do("accept")
    assert (case.steps, len(case.picture.waits)) == (["first"], 2)


def test_a_finished_sub_process_starts_again_from_its_first_step():
    case = Case(with_part())
    for name in ("accept", "first", "second"):
        case.do(name)

    plan = back(case, "second", "review")

    assert (plan.target, plan.at, plan.scope, names(plan.opened)) == ("second", "part", "step", ["first"])
    assert plan.reasons == (
        "环节“second”(second)在子流程“part”(part)内，该子流程已经结束，将从它的第一步重新开始。",
    )
    assert {wait.element for wait in plan.timers_armed} == {"late", "nudge"}
    for name in ("first", "second", "review"):
        case.do(name)
    assert case.picture.ended


def test_a_case_is_reopened_inside_a_sub_process():
    case = Case(with_part())
    for name in ("accept", "first", "second", "review"):
        case.do(name)

    back(case, "first", None)

    assert (case.steps, case.picture.ended) == (["first"], False)
    case.do("first")
    case.do("second")
    assert case.do("review").ended


def test_a_sub_process_ended_by_its_timer_was_passed():
    drawing = with_part().task("closing").flow("closing", "end")
    drawing.parts = [
        part.replace('sourceRef="late" targetRef="end"', 'sourceRef="late" targetRef="closing"')
        for part in drawing.parts
    ]
    case = Case(drawing)
    case.do("accept")
    case.do("first")
    case.fire("late")

    assert targets(case, "closing") == ["accept", "first", "second"]
    back(case, "first", "closing")
    assert case.steps == ["first"]


def test_a_sub_process_still_open_in_a_sibling_branch_is_entered_where_it_stands():
    case = Case(with_part(parallel=True))
    case.do("accept")
    case.do("first")
    assert case.steps == ["beside", "second"]

    plan = back(case, "first", "beside")

    assert (names(plan.withdrawn), names(plan.kept), plan.timers_ended) == (["second"], ["beside"], ())


def test_a_sub_process_that_has_arrived_at_a_join_is_fetched_back():
    case = Case(with_part(parallel=True))
    for name in ("accept", "first", "second"):
        case.do(name)

    plan = back(case, "second", "beside")

    assert (plan.arrivals_dropped, names(plan.kept), names(plan.opened)) == (("join",), ["beside"], ["first"])
    case.do("beside")
    case.do("first")
    assert case.do("second").tasks[0].step == "review"


def test_the_side_line_of_a_sub_process_ends_with_it_if_told():
    for said, left in (({}, ["accept", "urge"]), ({"onReturn": "end"}, ["accept"])):
        case = Case(with_part(**said))
        case.do("accept")
        case.fire("nudge")
        back(case, "accept", "first")
        assert sorted(case.steps) == left


def test_into_and_out_of_a_call_activity():
    case = called()
    case.do("before")
    case.do("go")
    assert targets(case, "report") == ["before", "call/go"]

    plan = back(case, "call/go", "report")
    assert (names(plan.withdrawn), case.steps) == (["report"], ["go"])
    assert case.run.rounds["call/go"] == 2
    case.do("go")

    plan = back(case, "before", "report")
    assert (names(plan.withdrawn), case.picture.active) == (["report"], ("before",))
    for name in ("before", "go"):
        case.do(name)
    case.do("report", "好")
    assert targets(case, "after") == ["before", "call/go", "call/report"]

    plan = back(case, "call/report", "after")
    assert (plan.at, names(plan.opened)) == ("call", ["go"])
    assert plan.reasons == (
        "环节“report”(call/report)在子流程“call”(call)内，该子流程已经结束，将从它的第一步重新开始。",
    )
    case.do("go")
    case.do("report", "好")
    assert case.do("after").ended

    back(case, "call/go", None)
    assert case.steps == ["go"]


def test_a_step_of_a_called_process_is_named_with_its_call():
    case = called()
    case.do("before")
    case.do("go")
    for step in ("go", "call/nothing", "nowhere/go"):
        with pytest.raises(ReturnImpossible, match=f"没有环节 {step}"):
            case.wake().return_to(step, case.picture.task("report").ref)


def for_each(sequential: bool = False) -> Case:
    """before → (for each unit: i1 → i2) → after."""
    inner = Drawing().start("s").task("i1").task("i2").end("e").line("s", "i1", "i2", "e")
    drawing = Drawing().start().task("before").task("after").end()
    drawing.inside("sub", inner, marker(item="unit", sequential=sequential))
    return Case(
        drawing.line("start", "before", "sub", "after", "end"), Bench(data={"units": ["甲", "乙", "丙"]})
    )


def of_item(case: Case, step: str, item: str) -> str:
    return next(task.ref for task in case.picture.tasks if (task.step, task.item) == (step, item))


def test_within_one_instance_the_others_stay():
    case = for_each()
    case.do("before")
    case.wake().complete(of_item(case, "i1", "乙"))
    case.keep()
    assert targets(case, "i2") == ["before", "i1"]
    others = {of_item(case, "i1", item) for item in ("甲", "丙")}

    plan = back(case, "i1", "i2")

    assert {each.ref for each in plan.kept} == others
    assert [(task.step, task.item, task.round) for task in case.picture.tasks] == [
        *(("i1", "甲", 1), ("i1", "丙", 1), ("i1", "乙", 2)),
    ]
    while case.steps != ["after"]:
        case.do(case.steps[0])
    assert case.do("after").ended


@pytest.mark.parametrize("sequential", [False, True])
def test_out_of_one_instance_all_of_them_end(sequential: bool):
    case = for_each(sequential)
    case.do("before")
    case.do("i1")
    open_now = case.steps

    plan = back(case, "before", "i2")

    assert (names(plan.withdrawn), case.steps) == (open_now, ["before"])
    assert (dict(case.run.rounds), dict(case.run.outcomes)) == (
        {"before": 2, "i1": 1, "i2": 1},
        {},  # they were taken back, its own too
    )
    case.do("before")
    assert {task.round for task in case.picture.tasks} == {2}


@pytest.mark.parametrize("sequential", [False, True])
def test_into_a_finished_one_all_instances_start_again(sequential: bool):
    case = for_each(sequential)
    case.do("before")
    while case.steps != ["after"]:
        case.do(case.steps[0])
    case.env.write({"units": ["丁", "戊"]})

    plan = back(case, "i2", "after")

    assert (plan.at, plan.reasons) == (
        "sub",
        (
            "环节“i2”(i2)在子流程“sub”(sub)内，该子流程已经结束，将从它的第一步重新开始，名单上的每一份都要重办。",
        ),
    )
    assert [(task.step, task.item) for task in case.picture.tasks] == [
        ("i1", item) for item in ("丁", "戊")[: 1 if sequential else 2]
    ]


def test_from_outside_nobody_can_say_which_instance_is_meant():
    inner = Drawing().start("s").task("i1").task("i2").end("e").line("s", "i1", "i2", "e")
    drawing = Drawing().start().both("split").both("join").task("beside").end()
    drawing.inside("sub", inner, marker(item="unit")).line("start", "split", "sub", "join", "end")
    case = Case(drawing.line("split", "beside", "join"), Bench(data={"units": ["甲", "乙"]}))
    case.do("i1")
    assert targets(case, "beside") == []

    with pytest.raises(ReturnImpossible) as refused:
        case.wake().return_to("i1", case.picture.task("beside").ref)

    assert refused.value.reasons == (
        "环节“i1”(i1)所在的子流程正在按名单分别办理，从外面分不清该退回哪一份；"
        "请由那一份的经办人退回，或等它全部办完。",
    )


def test_a_process_called_for_each_is_returned_into_by_the_name_of_the_call():
    library = {
        "order": (
            Drawing().start().node("callActivity", "each", 'calledElement="visit"', marker(item="unit"))
            .task("after").end().line("start", "each", "after", "end"),
            {"visit": "visit"},
        ),
        "visit": (visit(), {}),
    }  # fmt: skip
    case = Case(Drawing(), Bench(data={"units": ["甲", "乙"]}), found_in(library)("order"))
    case.do("go")
    assert targets(case, "report") == ["each/go"]

    plan = back(case, "each/go", "report")
    assert (names(plan.withdrawn), names(plan.kept), names(plan.opened)) == (["report"], ["go"], ["go"])
    for step in ("go", "go", "report", "report"):
        case.do(step, None if step == "go" else "好")
    assert case.steps == ["after"]
    assert targets(case, "after") == ["each/go", "each/report"]

    assert back(case, "each/report", "after").at == "each"
    assert case.steps == ["go", "go"]
