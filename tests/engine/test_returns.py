"""退回: what goes, what stays, where the token is put, and that the plan says exactly that."""

from collections.abc import Callable
from itertools import permutations
from random import Random
from time import process_time
from typing import Any

import pytest

from app.engine.blocks import lines_of
from app.engine.errors import NotSettled, ReturnImpossible, RunSpoiled
from app.engine.picture import Picture
from app.engine.returns import ReturnPlan
from tests.engine.conftest import Bench, Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.test_calls import called
from tests.engine.test_shape import dispatch_sign_return, three_branches_in_a_loop


def back(case: Case, step: str, start: str | None, scope: str = "auto", **more: Any) -> ReturnPlan:
    """Returns from the newest open task of `start`, after a dry run that must have said the same."""
    ref = None if start is None else case.picture.task(start).ref
    before, state = case.picture, case.state
    run = case.wake()
    foretold = run.return_to(step, ref, scope, dry_run=True, **more)
    assert (run.settle(), run.dump()) == (before, state)
    plan = case.wake().return_to(step, ref, scope, **more)
    assert plan == foretold
    case.keep()
    told_truly(plan, before, case.picture)
    return plan


def told_truly(plan: ReturnPlan, before: Picture, after: Picture) -> None:
    """The plan equals the difference of the two Pictures."""
    old, new = {task.ref for task in before.tasks}, {task.ref for task in after.tasks}
    assert {each.ref for each in plan.withdrawn} == old - new
    assert {each.ref for each in plan.kept} == old & new
    assert {each.ref for each in plan.opened} == new - old
    assert set(plan.timers_ended) == set(before.waits) - set(after.waits)
    assert set(plan.timers_armed) == set(after.waits) - set(before.waits)
    at_joins = list(before.active)
    assert all(join in at_joins for join in plan.arrivals_dropped)


def names(found: tuple[Any, ...]) -> list[str]:
    return [each.step for each in found]


def targets(case: Case, start: str | None) -> list[str]:
    return names(case.wake().return_targets(None if start is None else case.picture.task(start).ref))


def block(inner: str = "") -> Drawing:
    """accept → split → (a1 → a2 | b1 → b2) → join → review → end."""
    drawing = Drawing().start().task("accept").both("split").both("join").task("review").end()
    for name in ("a1", "a2", "b1", "b2"):
        drawing.task(name)
    drawing.flow("split", "a1", name="to_a").flow("split", "b1", name="to_b")
    drawing.line("start", "accept", "split").line("a1", "a2", "join").line("b1", "b2", "join")
    return drawing.line("join", "review", "end")


def nested() -> Drawing:
    """split → (a | inner → (c | d1 → d2) → met → e) → join → review."""
    drawing = Drawing().start().both("split").both("join").both("inner").both("met").task("review").end()
    for name in ("a", "c", "d1", "d2", "e"):
        drawing.task(name)
    drawing.line("start", "split", "a", "join").line("split", "inner", "c", "met")
    return drawing.line("inner", "d1", "d2", "met", "e", "join", "review", "end")


def sideways() -> Drawing:
    """A block with a flow that leaves it past its join."""
    drawing = Drawing().start().task("accept").both("split").both("join").task("review").end()
    drawing.task("a1").task("a2", outcomes="好, 退").either("g", default="on").task("b")
    drawing.line("start", "accept", "split", "a1", "a2", "g").flow("g", "join", name="on")
    drawing.flow("g", "end", 'outcome == "退"')
    return drawing.line("split", "b", "join", "review", "end")


def with_reminder(*then: str, **said: str) -> Drawing:
    """dispatch → handle → review → … → end; a reminder on handle starts urge1 → urge2."""
    drawing = Drawing().start().task("dispatch", status="d").task("handle", status="h").task("review").end()
    drawing.timer("remind", "handle", "PT24H", interrupting=False, **said).timer("late", "handle", "PT48H")
    drawing.task("urge1").task("urge2").end("urged").line("remind", "urge1", "urge2", "urged")
    for name in then:
        drawing.task(name)
    drawing.line("start", "dispatch", "handle", "review", *then, "end")
    return drawing.line("late", "review")


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


@pytest.mark.parametrize("order", list(permutations(["a1", "b1", "a2", "b2"])))
def test_out_of_parallel_at_every_stage(order: tuple[str, ...]):
    for stage in range(4):
        case = Case(block())
        case.do("accept")
        for name in [each for each in order if each in case.steps][:stage]:
            case.do(name)
        for name in order[:stage]:
            if name in case.steps:
                case.do(name)
        for start in list(case.steps):
            other = Case(block())
            other.__dict__.update(case.__dict__)
            plan = back(other, "accept", start)
            assert plan.scope == "step"
            assert set(names(plan.withdrawn)) == set(case.steps)
            assert plan.kept == ()
            assert other.steps == ["accept"]
            assert other.picture.active == ("accept",)
            other.do("accept")
            assert other.steps == ["a1", "b1"]
            for name in ("b1", "b2", "a1", "a2"):
                other.do(name)
            assert other.do("review").ended


def test_a_return_within_a_branch_leaves_its_siblings_alone():
    case = Case(block())
    for name in ("accept", "a1", "b1", "b2"):
        case.do(name)
    assert case.steps == ["a2"]
    assert targets(case, "a2") == ["accept", "a1", "b1", "b2"]

    plan = back(case, "a1", "a2")

    assert (names(plan.withdrawn), plan.withdrawn[0].branch, plan.opened[0].branch) == (
        ["a2"],
        "to_a",
        "to_a",
    )
    assert plan.arrivals_dropped == ()
    assert set(case.picture.active) == {"a1", "join"}
    case.do("a1")
    assert case.do("a2").tasks[0].step == "review"


def test_a_branch_that_has_arrived_is_fetched_back_and_the_others_stay():
    case = Case(block())
    for name in ("accept", "b1", "b2", "a1"):
        case.do(name)

    plan = back(case, "b2", "a2")

    assert (names(plan.withdrawn), names(plan.kept), names(plan.opened)) == ([], ["a2"], ["b2"])
    assert plan.arrivals_dropped == ("join",)
    assert case.steps == ["a2", "b2"]
    case.do("a2")
    assert case.steps == ["b2"]
    assert case.do("b2").tasks[0].step == "review"


def test_a_sibling_still_under_way_can_be_sent_back_too():
    case = Case(block())
    for name in ("accept", "a1", "b1"):
        case.do(name)

    plan = back(case, "b1", "a2")

    assert (names(plan.withdrawn), names(plan.kept)) == (["b2"], ["a2"])
    assert plan.withdrawn[0].branch == "to_b"


@pytest.mark.parametrize("order", list(permutations(["a1", "a2", "b1", "b2"])))
@pytest.mark.parametrize("step", ["a1", "a2", "b1", "b2"])
def test_one_branch_of_a_joined_block(order: tuple[str, ...], step: str):
    case = joined(order)

    plan = back(case, step, "review", "branch")

    assert plan.choices == ("branch", "block")
    assert plan.arrivals_counted == ("join",)
    assert "其余各支算作已办" in plan.reasons[0]
    assert case.steps == [step]
    if step in ("a1", "b1"):
        case.do(step)
        case.do(step[0] + "2")
    else:
        case.do(step)
    assert case.steps == ["review"]
    assert case.do("review").ended


def joined(order: tuple[str, ...] = ("a1", "a2", "b1", "b2")) -> Case:
    case = Case(block())
    case.do("accept")
    left = list(order)
    while left:
        name = next(each for each in left if each in case.steps)
        left.remove(name)
        case.do(name)
    assert case.steps == ["review"]
    return case


def test_return_into_a_joined_block_leaves_one_token_set():
    for step in ("a1", "a2", "b1", "b2"):
        case = joined()

        plan = back(case, step, "review", "block")

        assert (plan.scope, plan.at) == ("block", "split")
        assert (names(plan.withdrawn), names(plan.opened)) == (["review"], ["a1", "b1"])
        for name in ("a1", "b1", "a2"):
            case.do(name)
            assert "review" not in case.steps
        assert case.do("b2").tasks[0].step == "review"
        assert len(case.picture.tasks) == 1


def test_without_a_word_only_the_branch_is_done_again():
    plan = back(joined(), "a1", "review")
    assert plan.scope == "branch"


def test_a_scope_means_nothing_where_there_is_no_choice_unless_it_names_a_place():
    for scope in ("auto", "branch", "block"):
        case = joined()
        assert back(case, "accept", "review", scope).scope == "step"
    case = joined()
    with pytest.raises(ReturnImpossible, match="split"):
        back(case, "accept", "review", "block:split")
    with pytest.raises(ReturnImpossible, match="没有“somehow”"):
        back(case, "a1", "review", "somehow")


def test_blocks_in_blocks_are_entered_as_deep_as_asked():
    def at_review() -> Case:
        case = Case(nested())
        for name in ("a", "c", "d1", "d2", "e"):
            case.do(name)
        assert case.steps == ["review"]
        return case

    case = at_review()
    plan = back(case, "d2", "review")
    assert plan.choices == ("branch", "block", "block:split")
    assert sorted(plan.arrivals_counted) == ["join", "met"]
    assert case.steps == ["d2"]
    case.do("d2")
    assert case.do("e").tasks[0].step == "review"

    case = at_review()
    plan = back(case, "d2", "review", "block")
    assert (plan.at, plan.arrivals_counted, case.steps) == ("inner", ("join",), ["c", "d1"])

    case = at_review()
    plan = back(case, "d2", "review", "block:split")
    assert (plan.at, plan.arrivals_counted, case.steps) == ("split", (), ["a", "c", "d1"])


def test_an_inner_block_that_has_joined_is_entered_while_the_outer_one_is_open():
    case = Case(nested())
    for name in ("c", "d1", "d2"):
        case.do(name)
    assert case.steps == ["a", "e"]

    plan = back(case, "d1", "e", "branch")

    assert (names(plan.withdrawn), names(plan.kept), plan.arrivals_counted) == (["e"], ["a"], ("met",))
    for name in ("d1", "d2", "e", "a"):
        case.do(name)
    assert case.steps == ["review"]


def test_leaving_an_inner_block_ends_all_of_it_and_nothing_else():
    drawing = Drawing().start().both("split").both("join").both("inner").both("met").end()
    for name in ("before", "a", "c", "d1", "d2"):
        drawing.task(name)
    drawing.line("start", "split", "a", "join", "end").line("split", "before", "inner", "c", "met", "join")
    case = Case(drawing.line("inner", "d1", "d2", "met"))
    for name in ("before", "c", "d1"):
        case.do(name)
    assert set(case.picture.active) == {"a", "d2", "met"}

    plan = back(case, "before", "d2")

    assert (names(plan.withdrawn), names(plan.kept), plan.arrivals_dropped) == (["d2"], ["a"], ("met",))
    assert case.picture.active == ("a", "before")


def test_joins_in_loops_still_wait_for_every_branch_after_a_return():
    case = Case(three_branches_in_a_loop())
    for turn in range(3):
        for name in "abc":
            case.do(name)
        back(case, "b", "check")
        assert case.steps == ["b"]
        case.do("b")
        assert case.steps == ["check"]
        back(case, "a", "check", "block")
        for name in "cab":
            case.do(name)
        case.do("check", "再来" if turn < 2 else "好")
    assert case.picture.ended


def test_a_part_that_is_not_properly_nested_is_entered_at_its_start_only():
    case = Case(sideways())
    for name in ("accept", "a1", "b"):
        case.do(name)
    assert case.steps == ["a2"]
    assert targets(case, "a2") == ["accept", "a1", "b"]
    (target,) = [each for each in case.run.return_targets(case.picture.tasks[0].ref) if each.step == "a1"]
    assert target.choices == ("block",)
    assert target.reasons == (
        "环节“a1”(a1)所在的并行部分没有成对地分开、汇合，不能单独退回到其中一步，只能从它的起点“split”(split)重新开始。",
    )

    with pytest.raises(ReturnImpossible) as refused:
        case.wake().return_to("a1", case.picture.tasks[0].ref, "branch")
    assert refused.value.reasons == target.reasons
    plan = back(case, "a1", "a2")

    assert (plan.scope, plan.at, plan.arrivals_dropped) == ("block", "split", ("join",))
    assert case.steps == ["a1", "b"]
    case.do("a1")
    plan = back(case, "accept", "a2")
    assert case.steps == ["accept"]


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


def test_withdrawing_the_last_arrival_of_a_join_is_the_exact_inverse():
    case = joined(("a1", "b1", "b2", "a2"))

    plan = back(case, "a2", "review", withdraw=True)

    assert (case.steps, set(case.picture.active), plan.scope) == (["a2"], {"a2", "join"}, "branch")


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


def some(join: str = "inclusiveGateway") -> Drawing:
    """accept → split (inclusive) → a if 1, b if 2 in ways, else c → join → review → end."""
    drawing = Drawing().start().task("accept").task("review").end()
    drawing.node("inclusiveGateway", "split", 'default="to_c"').node(join, "join")
    for name in "abc":
        drawing.task(name).line(name, "join")
    drawing.flow("split", "a", "has(ways, 1)", name="to_a").flow("split", "b", "has(ways, 2)", name="to_b")
    return (
        drawing.flow("split", "c", name="to_c").line("start", "accept", "split").line("join", "review", "end")
    )


def test_one_branch_of_an_inclusive_block_is_done_again_and_nobody_is_waited_for():
    for order in permutations("ab"):
        case = Case(some(), Bench(data={"ways": [1, 2]}))
        case.do("accept")
        for name in order:
            case.do(name)
        for step in "ab":
            plan = back(case, step, "review")
            assert (plan.scope, plan.arrivals_counted, case.steps) == ("branch", (), [step])
            assert case.do(step).tasks[0].step == "review"


def test_an_inclusive_block_done_again_asks_its_conditions_again():
    case = Case(some(), Bench(data={"ways": [1, 2]}))
    for name in ("accept", "a", "b"):
        case.do(name)
    case.env.write({"ways": []})

    plan = back(case, "a", "review", "block")

    assert (names(plan.opened), case.steps) == (["c"], ["c"])
    assert case.do("c").tasks[0].step == "review"


def test_an_arrival_at_an_inclusive_join_is_fetched_back():
    case = Case(some(), Bench(data={"ways": [1, 2]}))
    case.do("accept")
    case.do("a")

    plan = back(case, "a", "b")

    assert (plan.arrivals_dropped, names(plan.kept), case.steps) == (("join",), ["b"], ["b", "a"])
    case.do("b")
    assert case.steps == ["a"]
    assert case.do("a").tasks[0].step == "review"


def test_a_branch_not_walked_this_time_cannot_be_returned_to():
    case = Case(some(), Bench(data={"ways": [1, 2]}))
    for name in ("accept", "a", "b"):
        case.do(name)
    case.env.write({"ways": [1]})
    back(case, "accept", "review")
    case.do("accept")
    assert targets(case, "a") == ["accept"]

    with pytest.raises(ReturnImpossible, match="这一次没有走"):
        case.wake().return_to("b", case.picture.task("a").ref)


def test_an_inclusive_split_that_a_parallel_join_ends_is_no_block():
    (found,) = lines_of(version_of(some("parallelGateway"))).begins[""].blocks
    assert (found.start, found.proper) == ("split", False)


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


def test_an_end_that_stops_everything_does_not_spoil_a_block():
    drawing = block().either("g", default="on").over("stopped", "terminate")
    drawing.parts = [
        part.replace('sourceRef="a2" targetRef="join"', 'sourceRef="a2" targetRef="g"')
        for part in drawing.parts
    ]
    drawing.flow("g", "join", name="on").flow("g", "stopped", "1 == 2")
    case = Case(drawing)
    for name in ("accept", "a1", "b1"):
        case.do(name)

    plan = back(case, "a1", "a2")

    assert (plan.scope, names(plan.kept)) == ("step", ["b2"])


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


def test_several_starts_may_lead_into_one_line():
    drawing = Drawing().declare("message", "news").start().event("startEvent", "told", "message", "news")
    drawing.either("met").task("a").task("b").end().line("start", "met", "a", "b", "end").line("told", "met")
    case = Case(drawing)
    case.do("a")
    assert targets(case, "b") == ["a"]
    drawing = (
        block().declare("message", "news").event("startEvent", "told", "message", "news").line("told", "a1")
    )
    case = Case(drawing)
    for name in ("accept", "b1", "b2", "a1"):
        case.do(name)
    assert targets(case, "a2") == []
    with pytest.raises(ReturnImpossible, match="也没有共同的起点"):
        case.wake().return_to("a1", case.picture.task("a2").ref)


def test_blocks_are_worked_out_once_per_version():
    version = version_of(nested())
    lines = lines_of(version)

    assert lines_of(version) is lines
    line = lines.begins[""]
    assert [(each.start, each.join, len(each.branches)) for each in line.around("d1")] == [
        ("split", "join", 2),
        ("inner", "met", 2),
    ]
    assert line.around("review") == ()


def test_a_timeout_that_leaves_a_branch_sideways_makes_it_improper():
    drawing = block().timer("late", "a1", "PT24H").line("late", "end")
    line = lines_of(version_of(drawing)).begins[""]
    (found,) = line.blocks

    assert (found.start, found.proper) == ("split", False)
    assert found.inside >= {"a1", "a2", "b1", "b2", "join", "review"}


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
