"""Going back in a test: every return is foretold by a dry run and held against what happened; and what to walk."""

from typing import Any

from app.engine.picture import Picture
from app.engine.returns import ReturnPlan
from tests.engine.conftest import Case
from tests.engine.drawing import Drawing


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
