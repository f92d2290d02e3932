"""退回: what may be gone back to and why not, that the plan tells the truth, what it costs."""

from collections.abc import Callable
from random import Random
from time import process_time
from typing import Any

import pytest

from app.engine.errors import NotSettled, ReturnImpossible, RunSpoiled
from app.engine.returns import ReturnPlan
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.returning import (
    back,
    block,
    joined,
    names,
    nested,
    targets,
    with_reminder,
)
from tests.engine.test_calls import called
from tests.engine.test_shape import dispatch_sign_return, three_branches_in_a_loop


def test_a_step_in_a_line_goes_back_to_any_step_before_it():
    drawing = Drawing().start().task("a").task("b").task("c").end().line("start", "a", "b", "c", "end")
    case = Case(drawing)
    case.do("a")
    assert targets(case, "b") == ["a"]
    case.do("b")
    assert targets(case, "c") == ["a", "b"]

    plan = back(case, "a", "c")

    assert (plan.target, plan.scope, plan.at, plan.choices) == ("a", "step", "a", ())
    assert (names(plan.withdrawn), names(plan.opened), plan.reasons) == (["c"], ["a"], ())
    assert case.picture.task("a").round == 2
    case.do("a")
    assert case.steps == ["b"]
    case.do("b")
    assert case.do("c").ended


def test_a_finished_case_is_reopened():
    case = Case(with_reminder())
    for name in ("dispatch", "handle", "review"):
        case.do(name)
    assert case.picture.ended
    assert targets(case, None) == ["dispatch", "handle", "review"]

    plan = back(case, "handle", None)

    assert (plan.withdrawn, names(plan.opened), len(plan.timers_armed)) == ((), ["handle"], 2)
    assert not case.picture.ended
    assert (case.picture.end_element, case.picture.status, case.run.finished) == (None, "h", False)
    case.do("handle")
    assert case.do("review").ended


def test_reopened_parts_run_all_their_steps():
    case = joined()
    case.do("review")

    back(case, "b1", None, "block")

    assert case.steps == ["a1", "b1"]
    for name in ("a1", "a2", "b1", "b2", "review"):
        assert not case.picture.ended
        case.do(name)
    assert case.picture.ended
    assert case.run.rounds == {"accept": 1, "a1": 2, "b1": 2, "a2": 2, "b2": 2, "review": 2}

    inner = Drawing().start("s").task("i1").task("i2").end("e").line("s", "i1", "i2", "e")
    case = Case(Drawing().start().inside("sub", inner).end().line("start", "sub", "end"))
    case.do("i1")
    case.do("i2")
    back(case, "i1", None)
    for name in ("i1", "i2"):
        assert (case.picture.ended, case.steps) == (False, [name])
        case.do(name)
    assert case.picture.ended


def test_a_cancelled_case_is_not_reopened():
    case = joined()
    case.wake().cancel()
    case.keep()

    assert targets(case, None) == []
    with pytest.raises(ReturnImpossible, match="已经终止"):
        case.wake().return_to("accept")


def test_return_to_says_what_a_step_allows():
    drawing = Drawing().start().task("a").task("b").task("c", returnTo="b").task("d", returnTo="none").end()
    case = Case(drawing.line("start", "a", "b", "c", "d", "end"))
    case.do("a")
    case.do("b")
    assert targets(case, "c") == ["b"]
    with pytest.raises(ReturnImpossible, match="环节“c”\\(c\\)只允许退回到：“b”\\(b\\)。"):
        case.wake().return_to("a", case.picture.task("c").ref)
    case.do("c")
    assert targets(case, "d") == []
    with pytest.raises(ReturnImpossible, match="不允许退回"):
        case.wake().return_to("c", case.picture.task("d").ref)

    plan = back(case, "c", "d", withdraw=True)  # 撤回: who did c takes it back

    assert (names(plan.withdrawn), case.steps) == (["d"], ["c"])


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("nowhere", "没有环节 nowhere"),
        ("a2", "正在办理中"),
        ("review", "还没有办过"),
    ],
)
def test_a_step_that_cannot_be_returned_to_says_why(step: str, why: str):
    case = Case(block())
    for name in ("accept", "a1"):
        case.do(name)
    run = case.wake()

    with pytest.raises(ReturnImpossible, match=why) as refused:
        run.return_to(step, case.picture.task("a2").ref)

    assert refused.value.message.startswith("不能这样退回。")
    with pytest.raises(RunSpoiled):
        run.dump()
    assert case.wake().settle() == case.picture


def test_a_step_taken_back_before_it_was_done_was_not_passed():
    case = Case(dispatch_sign_return())
    case.do("dispatch")
    back(case, "dispatch", "sign")

    assert case.run.rounds == {"dispatch": 2, "sign": 1}
    assert targets(case, "dispatch") == []


def test_a_step_ended_by_its_timer_was_passed():
    case = Case(with_reminder())
    case.do("dispatch")
    case.fire("late")

    assert targets(case, "review") == ["dispatch", "handle"]


def test_a_ref_that_is_no_open_task_cannot_return():
    case = joined()
    for ref in ("zzz", "没有", "1"):
        with pytest.raises(ReturnImpossible, match="不在待办"):
            case.wake().return_to("accept", ref)


def test_targets_are_asked_at_rest():
    case = joined()
    run = case.wake()
    run.complete(case.picture.tasks[0].ref)
    with pytest.raises(NotSettled):
        run.return_targets()


def test_fifteen_hundred_returns_cost_the_same():
    case = joined()
    back(case, "accept", "review")
    rows, size = len(case.run._net.tasks), len(case.state)

    for turn in range(500):
        for name in ("accept", "a1", "b1", "b2", "a2"):
            case.do(name)
        case.wake().return_to("a1", case.picture.tasks[0].ref, "branch" if turn % 2 else "block")
        case.keep()
        case.wake().return_to("accept", case.picture.tasks[0].ref)
        case.keep()
        case.do("accept")
        case.wake().return_to("accept", case.picture.tasks[0].ref)
        case.keep()

    assert (case.steps, len(case.run._net.tasks)) == (["accept"], rows)
    assert len(case.state) <= size + 30
    for name in ("accept", "a1", "b1", "b2", "a2", "review"):
        case.do(name)
    assert case.picture.ended


def test_a_return_costs_what_it_did_at_the_beginning():
    def spent(case: Case) -> float:
        best = 1.0
        for _ in range(7):
            begun = process_time()
            for _ in range(20):
                case.wake().return_to("accept", case.picture.tasks[0].ref, withdraw=True)
                case.keep()
                case.do("accept")
            best = min(best, process_time() - begun)
        return best

    case = Case(block())
    case.do("accept")
    early = spent(case)
    for _ in range(1_500):
        case.wake().return_to("accept", case.picture.tasks[0].ref)
        case.keep()
        case.do("accept")

    assert spent(case) <= 1.6 * early  # a shared machine is not quiet


def test_refs_are_never_reused_by_returns():
    case = Case(block())
    seen: set[str] = set()
    now: set[str] = set()
    for turn in range(30):
        if turn % 5:
            case.do(case.steps[-1])
        else:
            case.do("accept")
            back(case, "accept", "a1")
            case.do("accept")
        before, now = now, {task.ref for task in case.picture.tasks}
        assert not (now - before) & seen
        seen |= now
        if turn % 5 == 4:
            back(case, "accept", "review")
            now = {task.ref for task in case.picture.tasks}
            assert not now & seen
            seen |= now


def test_what_a_return_throws_again_is_not_lost():
    drawing = Drawing().declare("escalation", "hey").start().both("split").throw("shout", "escalation", "hey")
    drawing.task("a").task("b").both("join").task("c").end().line("start", "split", "shout", "a", "join", "c")
    case = Case(drawing.line("split", "b", "join").line("c", "end"))
    case.do("a")
    case.do("b")
    assert case.picture.thrown == ()

    plan = back(case, "a", "c", "block")

    assert [thrown.name for thrown in case.picture.thrown] == ["hey"]
    assert plan.between == ("a", "b", "c", "join", "shout", "split")


def test_what_lies_inside_a_sub_process_on_the_way_may_be_passed_again_too():
    inner = Drawing().start("s").throw("shout", "escalation", "hey").task("b").end("e")
    drawing = Drawing().declare("escalation", "hey").start().task("a").task("c").end()
    drawing.inside("part", inner.line("s", "shout", "b", "e")).line("start", "a", "part", "c", "end")
    case = Case(drawing)
    case.do("a")
    case.do("b")

    plan = back(case, "a", "c")

    assert plan.between == ("a", "b", "c", "e", "part", "s", "shout")


@pytest.mark.parametrize(
    "make",
    [
        *(
            lambda drawn=drawn: Case(drawn())
            for drawn in (block, nested, three_branches_in_a_loop, with_reminder)
        ),
        lambda: Case(dispatch_sign_return()),
        lambda: called(edge=True),
    ],
)
def test_dry_run_changes_nothing_and_tells_the_truth(make: Callable[[], Case]):
    """From every open task to everywhere, at each place of four walks: `back` holds the plan against it."""
    tried = 0
    for seed in range(4):
        random, case = Random(seed), make()
        for _ in range(10):
            tried += sum(len(every_way_back(case, start)) for start in case.steps)
            if case.picture.ended:
                break
            if case.picture.waits and random.random() < 0.4:
                case.fire_ref(random.choice(case.picture.waits).ref)
            else:
                task = random.choice(case.picture.tasks)
                case.do(task.step, random.choice(task.outcomes).name)
    assert tried > 10


def every_way_back(case: Case, start: str) -> list[ReturnPlan]:
    """Goes back from the newest task of a step in every way there is; the case itself stays where it is."""
    plans = []
    for target in case.wake().return_targets(case.picture.task(start).ref):
        for scope in target.choices or ("auto",):
            other = Case(Drawing(), case.env, case.version)
            other.state, other.picture = case.state, case.picture
            plans.append(back(other, target.step, start, scope))
            assert plans[-1].target == target.step
    return plans


def test_a_dry_run_touches_nothing_outside():
    class Locked(Bench):
        def write(self, values: dict[str, Any]) -> None:
            raise AssertionError("written")

    case = Case(block(), Locked())
    case.do("accept")
    plan = case.wake().return_to("accept", case.picture.task("a1").ref, dry_run=True)

    assert names(plan.withdrawn) == ["a1", "b1"]
    assert case.run.dump() == case.state


def asking_again() -> Drawing:
    """dispatch → handle → check → end; a check that refuses leads to handle, which asks others only at first."""
    drawing = Drawing().start().task("dispatch").either("m").either("first", default="f_on").task("help")
    drawing.either("n").task("handle").task("check", outcomes="通过, 驳回").either("g", default="f_out").end()
    drawing.line("start", "dispatch", "m", "first").flow("first", "help", 'outcome("check") != "驳回"')
    drawing.flow("first", "n", name="f_on").line("help", "n", "handle", "check", "g")
    return drawing.flow("g", "m", 'outcome("check") == "驳回"').flow("g", "end", name="f_out")


def test_a_return_forgets_what_was_decided_since_its_target():
    case = Case(asking_again())
    for step, outcome in (("dispatch", "完成"), ("help", "完成"), ("handle", "完成"), ("check", "驳回")):
        case.do(step, outcome)
    assert case.steps == ["handle"]  # nobody is asked twice while the check stands
    case.do("handle")

    back(case, "dispatch", "check")

    assert dict(case.run.outcomes) == {}
    case.do("dispatch")
    assert case.steps == ["help"]


def test_what_was_decided_on_the_way_round_is_forgotten_and_what_came_before_is_kept():
    case = Case(asking_again())
    for step, outcome in (("dispatch", "完成"), ("help", "完成"), ("handle", "完成"), ("check", "驳回")):
        case.do(step, outcome)
    assert targets(case, "handle") == ["dispatch", "help", "check"]

    back(case, "help", "handle")

    assert dict(case.run.outcomes) == {"dispatch": "完成"}
    assert targets(case, "help") == ["dispatch", "handle", "check"]  # they have been passed once


def test_a_step_taken_back_by_its_actor_has_decided_nothing():
    case = Case(asking_again())
    for step, outcome in (("dispatch", "完成"), ("help", "完成"), ("handle", "完成"), ("check", "驳回")):
        case.do(step, outcome)

    case.wake().return_to("check", case.picture.task("handle").ref, withdraw=True)
    case.keep()

    assert (case.steps, "check" in case.run.outcomes) == (["check"], False)
