"""退回 in parallel parts: what goes, what stays, where the token is put."""

from itertools import permutations

import pytest

from app.engine.blocks import lines_of
from app.engine.errors import ReturnImpossible
from tests.engine.conftest import Bench, Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.returning import back, block, joined, names, nested, sideways, targets
from tests.engine.test_shape import three_branches_in_a_loop


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


def test_withdrawing_the_last_arrival_of_a_join_is_the_exact_inverse():
    case = joined(("a1", "b1", "b2", "a2"))

    plan = back(case, "a2", "review", withdraw=True)

    assert (case.steps, set(case.picture.active), plan.scope) == (["a2"], {"a2", "join"}, "branch")


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
