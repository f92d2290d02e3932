"""An open case in parallel parts moves to another version: only into the same branches of the same parts."""

import pytest

from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.migrating import line, moved, newer, planned
from tests.engine.returning import block, nested, sideways
from tests.engine.test_returns_blocks import some


def halfway() -> Case:
    case = Case(block())
    for name in ("accept", "b1", "b2"):
        case.do(name)
    return case


def test_a_waiting_join_goes_along():
    other = moved(halfway(), newer(block()))

    assert set(other.picture.active) == {"a1", "join"}
    other.do("a1")
    assert other.do("a2").tasks[0].step == "review"


def test_a_waiting_join_whose_inputs_changed_needs_mapping():
    new = Drawing().start().task("accept").both("split").both("join").task("review").end()
    for name in ("a1", "a2", "b1", "b3"):
        new.task(name)
    new.line("start", "accept", "split", "a1", "a2", "join", "review", "end").line(
        "split", "b1", "b3", "join"
    )
    case = halfway()

    plan = planned(case, newer(new))
    assert (plan.verdict, plan.missing) == ("mapping", ("b2",))
    assert "没有来自“b2”(b2)的分支" in plan.reasons[0]

    other = moved(case, newer(new), {"b2": "b3"})
    other.do("a1")
    assert other.do("a2").tasks[0].step == "review"


def third_branch() -> Drawing:
    return block().task("c").flow("split", "c").flow("c", "join")


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (third_branch(), "改了分法"),
        (line("accept", "a1", "a2", "b1", "b2", "review"), "移出了并行部分"),
    ],
)
def test_a_changed_parallel_part_blocks_the_cases_inside_it(new: Drawing, why: str):
    case = Case(block())
    case.do("accept")

    plan = planned(case, newer(new))

    assert plan.verdict == "blocked"
    assert why in plan.reasons[0]
    case = Case(block())
    assert planned(case, newer(new)).verdict == "safe"
    for name in ("accept", "a1", "a2", "b1", "b2"):
        case.do(name)
    assert moved(case, newer(new)).do("review").ended


def test_a_step_moved_into_a_parallel_part_is_blocked():
    case = Case(line("accept", "a1", "review"))
    case.do("accept")
    assert "移进了并行部分" in planned(case, newer(block())).reasons[0]


def test_branches_may_be_redrawn_but_not_exchanged():
    case = Case(block())
    case.do("accept")
    case.do("a1")
    assert planned(case, newer(block())).verdict == "safe"

    swapped = planned(case, newer(block()), {"a2": "b2"})
    assert swapped.verdict == "blocked"
    assert "另一条并行分支" in swapped.reasons[0]


def test_an_inner_block_is_recognised_inside_its_outer_one():
    case = Case(nested())
    case.do("c")
    other = moved(case, newer(nested()))
    for name in ("d1", "d2", "e", "a"):
        other.do(name)
    assert other.steps == ["review"]


def test_a_part_that_is_not_properly_nested_moves_only_unchanged():
    case = Case(sideways())
    case.do("accept")
    case.do("b")
    assert moved(case, newer(sideways())).steps == ["a1"]

    changed = sideways().task("c").timer("t", "b", "PT1H", interrupting=True).line("t", "c", "end")
    assert planned(case, newer(changed)).verdict == "blocked"


def test_an_inclusive_join_that_waits_goes_along():
    case = Case(some(), Bench(data={"ways": [1, 2]}))
    case.do("accept")
    case.do("a")

    other = moved(case, newer(some()))

    assert set(other.picture.active) == {"b", "join"}
    assert other.do("b").tasks[0].step == "review"
    assert (
        "改了分法"
        in planned(case, newer(some().task("d").flow("split", "d", "1 == 1").flow("d", "join"))).reasons[0]
    )
