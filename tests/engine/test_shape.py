"""The normal form at rest: what a case keeps, what it forgets, and that this changes nothing it does."""

from dataclasses import replace
from itertools import permutations
from random import Random
from time import process_time

import pytest

from app.engine import shape
from app.engine.errors import FuseBlown
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.graph_drawing import AGAIN, GOOD, drawing_of
from tests.engine.random_diagrams import random_graph


def three_branches_in_a_loop() -> Drawing:
    """split → a, b, c → join → check → again or out."""
    drawing = Drawing().start().either("entry").both("split").both("join").end()
    drawing.task("check", outcomes="好, 再来").either("gate", default="out")
    for name in "abc":
        drawing.task(name).line("split", name, "join")
    drawing.line("start", "entry", "split").line("join", "check", "gate")
    return drawing.flow("gate", "entry", 'outcome == "再来"').flow("gate", "end", name="out")


def dispatch_sign_return() -> Drawing:
    """The loop that real cases walk hundreds of times."""
    drawing = Drawing().start().task("dispatch").task("sign", outcomes="签收, 退回")
    drawing.either("gate", default="on").timer("remind", "sign", "PT24H", interrupting=False).task(
        "urge"
    ).end("urged").end()
    drawing.line("remind", "urge", "urged").line("start", "dispatch", "sign", "gate")
    return drawing.flow("gate", "dispatch", 'outcome == "退回"').flow("gate", "end", name="on")


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_joins_in_loops_wait_for_every_branch(order: tuple[str, ...]):
    case = Case(three_branches_in_a_loop())
    for _ in range(4):
        for place, name in enumerate(order):
            assert case.steps != ["check"]
            case.do(name)
            assert (case.steps == ["check"]) == (place == 2)
        case.do("check", "再来")

    for name in order:
        case.do(name)
    assert case.do("check", "好").ended


def test_a_token_too_many_waits_for_the_next_time():
    drawing = (
        Drawing().start().both("split").task("a").task("b").both("join").task("after").end().end("aside")
        .timer("early", "a", "PT24H", interrupting=False).line("early", "join")
        .line("start", "split", "a", "aside").line("split", "b", "join", "after", "end")
    )  # fmt: skip
    case = Case(drawing)
    case.fire("early")
    assert "join" in case.picture.active

    case.do("b")
    assert case.steps == ["a", "after"]
    assert "join" not in case.picture.active


def test_settling_twice_changes_nothing():
    for seed in range(30):
        random = Random(seed)
        case = Case(drawing_of(random_graph(random)))
        for _ in range(6):
            if case.picture.ended:
                break
            again = case.wake()
            at_rest = replace(case.picture, thrown=())  # a throw is told once
            assert again.settle() == at_rest
            assert again.settle() == at_rest
            assert again.dump() == case.state
            case.wander(random, GOOD, AGAIN)


def test_a_diagram_of_300_steps_leaves_three_rows():
    names = [f"s{place}" for place in range(298)]
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    case = Case(drawing.line("start", *names, "end"))

    for name in names[:-1]:
        case.do(name)
        assert len(case.run._net.tasks) <= 3
        assert case.run._net.task_tree.level == 0

    assert case.do(names[-1]).ended


def test_a_300_step_line_runs():
    names = [f"s{place}" for place in range(298)]
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name).timer(f"t_{name}", name, "PT24H", interrupting=False).line(f"t_{name}", "end")
    case = Case(drawing.line("start", *names, "end"))

    for name in names:
        assert case.steps == [name]
        case.do(name)

    assert case.picture.ended


def test_a_line_of_400_gateways_runs_in_one_settle_and_at_rest_is_two_rows():
    names = [f"g{place}" for place in range(400)]
    drawing = Drawing().start().end().task("last")
    for name in names:
        drawing.both(name)
    case = Case(drawing.line("start", *names, "last", "end"))

    assert case.steps == ["last"]
    assert len(case.run._net.tasks) == 2


def test_after_1500_returns_the_case_is_alive_and_small():
    case = Case(dispatch_sign_return())
    case.do("dispatch")
    case.do("sign", "退回")
    rows, size = len(case.run._net.tasks), len(case.state)

    for _ in range(1_498):
        case.do("dispatch")
        case.do("sign", "退回")

    assert case.steps == ["dispatch"]
    assert case.picture.task("dispatch").round == 1_500
    assert len(case.run._net.tasks) == rows
    assert len(case.state) <= size + 20
    case.do("dispatch")
    assert case.do("sign", "签收").ended


def test_after_a_year_of_daily_reminders_the_state_has_not_grown():
    drawing = (
        Drawing().start().task("handle").end()
        .timer("daily", "handle", "R/P1D", "timeCycle", interrupting=False).task("note").end("noted")
        .line("daily", "note", "noted").line("start", "handle", "end")
    )  # fmt: skip
    case = Case(drawing)
    size = len(case.state)

    for _ in range(365):
        case.env.pass_time(days=1)
        case.tick()
        case.do("note")

    assert len(case.state) <= size + 60
    assert len(case.run._net.tasks) == 4
    assert case.run.rounds["note"] == 365


def test_a_ref_is_never_used_twice():
    case = Case(dispatch_sign_return())
    seen: set[str] = set()
    now: set[str] = set()
    for _ in range(20):
        case.do("dispatch")
        case.fire("remind")
        case.do("urge")
        case.do("sign", "退回")
        picture = case.picture
        before, now = now, {task.ref for task in picture.tasks} | {wait.ref for wait in picture.waits}
        assert not (now - before) & seen
        seen |= now


def test_refs_are_compared_as_numbers():
    case = Case(dispatch_sign_return())
    for _ in range(30):
        case.do("dispatch")
        case.do("sign", "退回")
    case.do("dispatch")
    case.fire("remind")

    refs = [task.ref for task in case.picture.tasks]

    assert refs == sorted(refs, key=lambda ref: int(ref, 36))


def test_nothing_waits_that_no_row_explains():
    for seed in range(40):
        random = Random(seed)
        graph = random_graph(random)
        case = Case(drawing_of(graph))
        task_of = {bell.name: bell.task for bell in graph.bells}
        for _ in range(10):
            rows = {row.ref: row.task_spec.name for row in case.run._net.tokens()}
            for wait in case.picture.waits:
                if wait.element in task_of:
                    assert rows[wait.step_ref] == task_of[wait.element]
                else:
                    assert graph.nodes[wait.element] in ("pause", "letter", "ear")
            if case.picture.ended:
                break
            case.wander(random, GOOD, AGAIN)


def test_moving_a_shape_changes_nothing():
    def drawn(first: int, second: int) -> Drawing:
        drawing = Drawing().start().task("a").either("g", default="f2").task("b").task("c").end()
        drawing.line("start", "a", "g").flow("g", "b", "1 == 1", name="f1").flow("g", "c", name="f2")
        drawing.line("b", "end").line("c", "end")
        drawing.flow("g", "c", "2 == 2", name="f3")
        return drawing.shape("b", 0, first).shape("c", 0, second)

    for first, second in ((10, 90), (90, 10)):
        case = Case(drawn(first, second))
        assert case.do("a").tasks[0].step == "b"


def test_property_order_decides_which_flow_is_tried_first():
    drawing = Drawing().start().task("a").either("g", default="f3").task("b").task("c").end()
    drawing.line("start", "a", "g").flow("g", "b", "1 == 1", name="f1", order="2")
    drawing.flow("g", "c", "2 == 2", name="f2", order="1").flow("g", "end", name="f3")
    case = Case(drawing.line("b", "end").line("c", "end"))

    case.do("a")

    assert case.steps == ["c"]
    assert case.trace[-1].branch == "f2"


def test_cost_does_not_grow_with_the_diagram():
    def a_step_in(length: int) -> float:
        names = [f"s{place}" for place in range(length)]
        drawing = Drawing().start().end()
        for name in names:
            drawing.task(name).timer(f"t_{name}", name, "PT24H", interrupting=False).line(f"t_{name}", "end")
        case = Case(drawing.line("start", *names, "end"))
        version, state, ref = case.version, case.state, case.picture.tasks[0].ref
        best = 1.0
        for _ in range(7):
            begun = process_time()
            for _ in range(60):
                run = type(case.run).load(state, version, case.env)
                run.complete(ref)
                run.settle()
                run.dump()
            best = min(best, process_time() - begun)
        return best

    assert a_step_in(40) <= 2 * a_step_in(3)  # the bench holds it to 1.3; a shared machine is not that quiet


def test_too_many_rows_blow_the_fuse(monkeypatch: pytest.MonkeyPatch):
    case = Case(three_branches_in_a_loop(), Bench())
    run = case.wake()
    run.complete(case.picture.task("a").ref)
    monkeypatch.setattr(shape, "MAX_ROWS", 3)

    with pytest.raises(FuseBlown) as blown:
        run.settle()

    assert blown.value.kind == "rows"
