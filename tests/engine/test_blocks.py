"""Block analysis: stuck for certain is an error, stuck by chance or done twice a warning, a proper block nothing."""

from random import Random

from app.engine import xml
from app.engine.check import check
from app.engine.check.diagram import read_diagram
from app.engine.check.finding import Report
from app.engine.check.play import play
from app.engine.check.structure import check_structure
from app.engine.check.tokens import net_of, shrink
from app.engine.xml import executables
from tests.engine.drawing import Drawing
from tests.engine.good_bundle import NAMES, source


def blocks(drawing: Drawing) -> list[tuple[str, str, str | None]]:
    """Level, rule and element of what is said about blocks."""
    found = check(source(drawing.bytes()), NAMES)
    return [
        (f.level, f.rule, f.element) for f in found if f.rule in ("bpmn-join-unpaired", "bpmn-block-exit")
    ]


def two_branches() -> Drawing:
    """start → s(parallel) → a, b; the join is the test's."""
    drawing = Drawing().start().task("a").task("b").task("last").both("s").end()
    return drawing.line("start", "s", "a").line("s", "b").line("last", "end")


def test_a_split_and_its_join_are_fine() -> None:
    assert blocks(two_branches().both("j").line("a", "j").line("b", "j", "last")) == []


def test_branches_that_end_by_themselves_are_fine() -> None:
    assert blocks(two_branches().line("a", "end").line("b", "last")) == []


def test_an_exclusive_split_into_a_parallel_join_is_stuck() -> None:
    drawing = Drawing().start().either("x", default="d").task("a").task("b").both("j").end()
    drawing.line("start", "x").flow("x", "a", "True").flow("x", "b", name="d").line("a", "j").line(
        "b", "j", "end"
    )

    assert blocks(drawing) == [("error", "bpmn-join-unpaired", "j")]


def test_a_parallel_split_into_an_exclusive_join_works_twice() -> None:
    drawing = two_branches().either("m").line("a", "m").line("b", "m", "last")

    assert blocks(drawing) == [("warning", "bpmn-join-unpaired", "m")]


def test_a_parallel_split_that_meets_in_a_task_works_twice() -> None:
    assert blocks(two_branches().line("a", "last").line("b", "last")) == [
        ("warning", "bpmn-join-unpaired", "last")
    ]


def test_a_branch_that_may_end_inside_its_block_starves_the_join() -> None:
    drawing = two_branches().both("j").either("x", default="d").line("a", "x").flow("x", "j", name="d")
    drawing.flow("x", "end", "True", name="out").line("b", "j", "last")

    (found,) = [f for f in check(source(drawing.bytes()), NAMES) if f.rule == "bpmn-join-unpaired"]

    assert (found.level, found.element) == ("error", "j")
    assert found.zh == (
        "一旦走了连线“out”(out)，并行网关“j”(j) 就永远等不齐它的两条分支，办件会停住。"
        "请让这条分支也接到汇合处，或在分开之前就作选择。"
    )


def test_an_interrupting_timer_that_leaves_its_block_starves_the_join() -> None:
    drawing = two_branches().both("j").line("a", "j").line("b", "j", "last").timer("late", "a", "PT2H")
    drawing.flow("late", "end", name="out")

    assert blocks(drawing) == [("error", "bpmn-join-unpaired", "j")]


def test_an_interrupting_timer_inside_its_block_is_fine() -> None:
    drawing = two_branches().both("j").either("m").line("a", "m").line("b", "j", "last").line("m", "j")
    drawing.timer("late", "a", "PT2H").task("chase").line("late", "chase", "m")

    assert blocks(drawing) == []


def test_a_reminder_beside_a_block_is_fine() -> None:
    drawing = two_branches().both("j").line("a", "j").line("b", "j", "last").task("chase")
    drawing.timer("late", "a", "R/P1D", "timeCycle", interrupting=False).line("late", "chase", "end")

    assert blocks(drawing) == []


def test_a_reminder_that_runs_into_the_main_line_works_twice() -> None:
    drawing = Drawing().start().task("a").task("b").end().line("start", "a", "b", "end")
    drawing.timer("late", "a", "PT2H", interrupting=False).line("late", "b")

    assert blocks(drawing) == [("warning", "bpmn-join-unpaired", "b")]


def test_a_way_back_out_of_a_block_is_told() -> None:
    drawing = (
        Drawing()
        .start()
        .either("again")
        .both("s")
        .task("a")
        .task("b")
        .both("j")
        .either("x", default="d")
        .end()
    )
    drawing.line("start", "again", "s", "a", "x").line("s", "b", "j", "end").flow("x", "j", name="d")
    drawing.flow("x", "again", "True", name="back")

    assert ("warning", "bpmn-block-exit", "back") in blocks(drawing)
    assert all(level == "warning" for level, _, _ in blocks(drawing))


def test_choices_that_must_agree_are_only_a_warning() -> None:
    drawing = Drawing().start().both("s").task("a").task("b").both("j").both("k").end()
    drawing.either("x", default="xj").either("y", default="yj").line("start", "s", "a", "x").line(
        "s", "b", "y"
    )
    drawing.flow("x", "j", name="xj").flow("y", "j", name="yj").flow("x", "k", "True").flow("y", "k", "True")
    drawing.line("j", "end").line("k", "end")

    assert {(level, element) for level, rule, element in blocks(drawing) if rule == "bpmn-join-unpaired"} == {
        ("warning", "j"),
        ("warning", "k"),
    }


def test_a_loop_round_a_block_and_blocks_in_blocks_are_fine() -> None:
    drawing = Drawing().start().either("again").both("s").both("s2").both("j2").both("j").end()
    drawing.task("a").task("b").task("c").task("check").either("x", default="d")
    drawing.line("start", "again", "s", "s2", "a", "j2", "j", "check", "x").line("s2", "b", "j2").line(
        "s", "c", "j"
    )
    drawing.flow("x", "end", name="d").flow("x", "again", "True")

    assert blocks(drawing) == []


def test_branches_too_tangled_to_check_are_told_not_guessed() -> None:
    drawing = Drawing().start().both("s").end().line("start", "s")
    count = 14
    for place in range(count):  # every branch may go to its own join or to its neighbour's
        drawing.task(f"t{place}").either(f"x{place}", default=f"d{place}").both(f"j{place}")
        drawing.line("s", f"t{place}", f"x{place}").line(f"j{place}", "end")
    for place in range(count):
        drawing.flow(f"x{place}", f"j{place}", name=f"d{place}").flow(
            f"x{place}", f"j{(place + 1) % count}", "True"
        )

    (found,) = [f for f in check(source(drawing.bytes()), NAMES) if f.rule == "bpmn-join-unpaired"]

    assert found.level == "warning"
    assert "无法查清会不会停住" in found.zh


def _tangle(random: Random) -> Drawing:
    """A small diagram of any shape, mostly wrong."""
    drawing = Drawing().start().end()
    names = [f"n{place}" for place in range(random.randint(3, 8))]
    kinds = {name: random.choice(("task", "either", "both", "both", "either")) for name in names}
    for name, kind in kinds.items():
        getattr(drawing, kind)(name)
    drawing.line("start", random.choice(names))
    for name, kind in kinds.items():
        for _ in range(1 if kind == "task" else random.choice((1, 2, 2, 3))):
            drawing.line(name, random.choice([*names, "end", "end"]))
        if kind == "task" and random.random() < 0.2:
            drawing.timer(f"late_{name}", name, "PT2H", interrupting=random.random() < 0.6)
            drawing.line(f"late_{name}", random.choice([*names, "end"]))
    return drawing


def test_shrinking_a_game_changes_nothing_about_getting_stuck() -> None:
    compared = 0
    for seed in range(3_000):
        (process,) = executables(xml.read(_tangle(Random(seed)).bytes()))
        diagram = read_diagram(process)
        if not check_structure(Report(), diagram, frozenset()):
            continue
        start = next(diagram.of_kind("startEvent"))
        whole, small = net_of(diagram, start), net_of(diagram, start)
        shrink(small)
        long, short = play(whole), play(small)
        if not long.complete or any(move.doubled for moves in long.moves.values() for move in moves):
            continue
        compared += 1
        for game in (long, short):
            assert game.complete
        assert (long.begin in long.living()) is (short.begin in short.living()), seed
        assert (set(long.moves) <= long.living()) is (set(short.moves) <= short.living()), seed
        assert not any(move.doubled for moves in short.moves.values() for move in moves), seed
    assert compared > 150
