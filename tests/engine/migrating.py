"""Moving a case to another version in a test: the plan is held against what happened."""

from collections.abc import Mapping

from app.engine import migrate
from app.engine.migrate import MigrationPlan
from app.engine.picture import Picture
from app.engine.version import Version
from tests.engine.conftest import Case, version_of
from tests.engine.drawing import Drawing

NEW = "b" * 64


def line(*names: str) -> Drawing:
    """start → … → end."""
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    return drawing.line("start", *names, "end")


def newer(drawing: Drawing) -> Version:
    return version_of(drawing, version=NEW)


def planned(case: Case, new: Version, mapping: Mapping[str, str] | None = None) -> MigrationPlan:
    return migrate.plan(case.state, case.version, new, mapping or {})


def moved(case: Case, new: Version, mapping: Mapping[str, str] | None = None, retime: bool = False) -> Case:
    """The case under the new version, after checking that the plan predicted it."""
    before, plan = case.picture, planned(case, new, mapping)
    assert (plan.verdict, plan.reasons) == ("safe", ())
    other = Case.__new__(Case)
    other.env, other.version = case.env, new
    other.state = migrate.apply(case.state, case.version, new, mapping or {}, env=case.env, retime=retime)
    other.wake()
    other.keep()
    predicted(plan, before, other.picture, retime)
    return other


def predicted(plan: MigrationPlan, before: Picture, after: Picture, retime: bool) -> None:
    """The plan is the difference of the two Pictures."""
    old, new = {wait.ref: wait for wait in before.waits}, {wait.ref: wait for wait in after.waits}
    assert {(ref, step) for ref, step, _ in plan.moved} == {(t.ref, t.step) for t in before.tasks}
    assert {(ref, step) for ref, _, step in plan.moved} == {(t.ref, t.step) for t in after.tasks}
    assert {(e.element, e.ref) for e in plan.ended} == {
        (old[ref].element, ref) for ref in set(old) - set(new)
    }
    assert {(e.element, e.step_ref) for e in plan.armed} == {
        (new[ref].element, new[ref].step_ref) for ref in set(new) - set(old)
    }
    for ref in set(old) & set(new):
        again = retime and ref in {event.ref for event in plan.retimed}
        assert again or new[ref].due_at == old[ref].due_at
