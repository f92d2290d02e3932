"""Inclusive gateways: every flow that holds is taken, and the join waits for exactly what can still come."""

from itertools import permutations

import pytest

from app.engine.check import check
from app.engine.errors import NoMatch
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.good_bundle import NAMES, source


def some(drawing: Drawing, name: str, default: str | None = None) -> Drawing:
    return drawing.node("inclusiveGateway", name, f'default="{default}"' if default else "")


def by_letters(*letters: str) -> Drawing:
    """start → split → a task per letter, if `has(wanted, letter)`, else `none` → join → last → end."""
    drawing = some(some(Drawing().start(), "split", default="else"), "join").task("none").task("last").end()
    for letter in letters:
        drawing.task(letter).flow("split", letter, f'has(wanted, "{letter}")', name=f"to_{letter}")
        drawing.line(letter, "join")
    drawing.flow("split", "none", name="else").line("none", "join").line("start", "split")
    return drawing.line("join", "last", "end")


@pytest.mark.parametrize("wanted", ["", "a", "ab", "bc", "abc"])
def test_every_flow_that_holds_is_taken_and_joined(wanted: str):
    for order in permutations(wanted or ["none"]):
        case = Case(by_letters("a", "b", "c"), Bench(data={"wanted": list(wanted)}))
        assert case.steps == (list(wanted) or ["none"])

        for letter in order:
            assert case.steps != ["last"]
            case.do(letter)

        assert case.steps == ["last"]
        assert case.do("last").ended


def test_the_trace_names_all_flows_that_were_taken():
    case = Case(by_letters("a", "b", "c"), Bench(data={"wanted": ["a", "c"]}))

    (split,) = (passed for passed in case.trace if passed.element == "split")

    assert split.branch == "to_a,to_c"


def test_nothing_holds_and_no_default_is_said():
    drawing = some(some(Drawing().start(), "split"), "join").task("a").task("b").end()
    drawing.flow("split", "a", "level == 1").flow("split", "b", "level == 2").line("start", "split")
    with pytest.raises(NoMatch) as failed:
        Case(drawing.line("a", "join", "end").line("b", "join"), Bench(data={"level": 3}))

    assert failed.value.element == "split"


def behind_a_merge() -> Drawing:
    """Branches a and c → g → b1 or b2 → m → b3: the second passes an exclusive merge."""
    drawing = some(some(Drawing().start(), "split"), "join").end().either("g", default="on").either("m")
    for name in ("a", "c", "b1", "b2", "b3", "last"):
        drawing.task(name)
    drawing.line("start", "split").flow("split", "a", "1 == 1").flow("split", "c", "1 == 1")
    drawing.line("a", "join", "last", "end").line("c", "g").flow("g", "b1", "urgent").flow(
        "g", "b2", name="on"
    )
    return drawing.line("b1", "m", "b3", "join").line("b2", "m")


def test_inclusive_join_waits_behind_an_exclusive_merge():
    case = Case(behind_a_merge(), Bench(data={"urgent": None}))
    case.do("c")

    case.do("a")
    assert case.steps == ["b2"]
    assert "join" in case.picture.active
    case.do("b2")
    case.do("b3")

    assert case.steps == ["last"]


def in_a_loop() -> Drawing:
    drawing = some(some(Drawing().start().either("entry"), "split", default="else"), "join").end()
    for name in "ab":
        drawing.task(name)
    drawing.task("check", outcomes="好, 再来").either("gate", default="out").line("start", "entry", "split")
    drawing.flow("split", "a", "both").flow("split", "b", name="other", when="True").flow(
        "split", "a", name="else"
    )
    drawing.line("a", "join", "check", "gate").line("b", "join")
    return drawing.flow("gate", "entry", 'outcome == "再来"').flow("gate", "end", name="out")


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_an_inclusive_join_in_a_loop_waits_in_every_round(order: str):
    case = Case(in_a_loop(), Bench(data={"both": True}))
    for _ in range(4):
        for name in order:
            assert case.steps != ["check"]
            case.do(name)
        case.do("check", "再来")
        assert len(case.run._net.tasks) == 3

    case.env.write({"both": None})
    for name in order:
        case.do(name)
    case.do("check", "再来")
    assert case.steps == ["b"]
    case.do("b")
    assert case.do("check", "好").ended


def test_a_step_and_the_timer_on_it_are_one_token():
    drawing = some(some(Drawing().start(), "split"), "join").task("a").task("b").task("last").end()
    drawing.timer("late", "b", "PT24H").line("late", "join").line("start", "split")
    drawing.flow("split", "a", "True").flow("split", "b", "True")
    case = Case(drawing.line("a", "join", "last", "end").line("b", "join"))

    case.do("a")
    assert case.steps == ["b"]
    case.fire("late")

    assert case.steps == ["last"]


def test_a_join_waits_for_what_is_inside_a_sub_process():
    inner = Drawing().start("s").task("deep").end("e").line("s", "deep", "e")
    drawing = some(some(Drawing().start(), "split"), "join").task("a").inside("sub", inner).end()
    drawing.line("start", "split").flow("split", "a", "True").flow("split", "sub", "True")
    case = Case(drawing.line("a", "join", "end").line("sub", "join"))

    assert not case.do("a").ended
    assert case.do("deep").ended


def said(drawing: Drawing) -> list[tuple[str, str, str | None]]:
    about = ("bpmn-join-unpaired", "bpmn-gateway-no-default", "bpmn-block-exit", "bpmn-gateway-unconditional")
    found = check(source(drawing.bytes()), NAMES)
    return [(each.level, each.rule, each.element) for each in found if each.rule in about]


def branches(split: str, join: str) -> Drawing:
    drawing = Drawing().start().node(split, "x", 'default="d"').node(join, "j").task("a").task("b").end()
    drawing.line("start", "x").flow("x", "a", "urgent", name="u").flow("x", "b", name="d")
    return drawing.line("a", "j", "end").line("b", "j")


def test_a_pair_of_inclusive_gateways_is_fine():
    assert said(branches("inclusiveGateway", "inclusiveGateway")) == []
    assert said(branches("exclusiveGateway", "inclusiveGateway")) == []


def test_an_inclusive_split_may_starve_a_parallel_join():
    found = said(branches("inclusiveGateway", "parallelGateway"))

    assert found == [("warning", "bpmn-join-unpaired", "j")] or found == [
        ("error", "bpmn-join-unpaired", "j")
    ]


def test_an_inclusive_split_into_an_exclusive_merge_works_twice():
    drawing = some(Drawing().start(), "x", "d").either("m").task("a").task("b").task("last").task("c").end()
    drawing.line("start", "x").flow("x", "a", "urgent").flow("x", "b", "score > 3").flow("x", "c", name="d")

    assert said(drawing.line("a", "m", "last", "end").line("b", "m").line("c", "m")) == [
        ("warning", "bpmn-join-unpaired", "last")
    ]


def test_an_inclusive_split_needs_a_default():
    drawing = some(some(Drawing().start(), "x"), "j").task("a").task("b").end().line("start", "x")
    drawing.flow("x", "a", "urgent").flow("x", "b", "score > 3").line("a", "j", "end").line("b", "j")

    assert said(drawing) == [("error", "bpmn-gateway-no-default", "x")]
