"""退回: an edit of the marking. Takes out some tokens and arrivals, puts one token at the target.

`position.py` decides what goes, what stays and where the token is put; here are the values it is told in, and
the edit itself. Due times are not reset by it: what opens anew is armed as any step is when it opens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.util.task import TaskState

from app.engine.errors import ReturnImpossible
from app.engine.nodes import Parallel
from app.engine.picture import HumanTask, Picture, Wait
from app.engine.shape import Net, Row


@dataclass(frozen=True)
class ReturnTarget:
    """A step this case can go back to. `choices` as in ReturnPlan; `reasons` says in Chinese why it is so."""

    step: str
    name: str
    rounds: int
    choices: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Touched:
    """An open task as a plan names it; `branch` is the flow that begins its branch of a parallel part."""

    ref: str
    step: str
    name: str
    item: str | int | None = None
    branch: str | None = None


@dataclass(frozen=True)
class ReturnPlan:
    """What a return does: the difference of the two Pictures, and why.

    `scope` is what was done: `step` (there was nothing to choose), `branch`, `block`, or `block:<start>`.
    `choices` are the scopes the caller may ask for, empty when there is no choice; the first is what `auto`
    takes. `at` is the element the token was put on. `arrivals_dropped` and `arrivals_counted` name joins,
    one entry per arrival. Timers are the Waits of the Picture before, and of the one after.
    """

    target: str
    scope: str
    at: str
    withdrawn: tuple[Touched, ...]
    kept: tuple[Touched, ...]
    opened: tuple[Touched, ...]
    votes_dropped: tuple[Touched, ...]
    timers_ended: tuple[Wait, ...]
    timers_armed: tuple[Wait, ...]
    arrivals_dropped: tuple[str, ...]
    arrivals_counted: tuple[str, ...]
    choices: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass
class Edit:
    """What is going to happen to the rows."""

    target: str
    scope: str
    at: str
    side: str
    choices: tuple[str, ...]
    reasons: list[str]
    withdrawn: list[Row] = field(default_factory=list)
    arrivals: list[tuple[str, str]] = field(default_factory=list)  # join, and where from


def apply(net: Net, edit: Edit) -> None:
    """Takes out what goes and puts the token; `settle` runs it and rebuilds the waits."""
    for row in edit.withdrawn:
        _take_out(net, row)
    for join, source in edit.arrivals:
        arrival = _put(net, net.spec.task_specs[join], edit.side, TaskState.WAITING)
        arrival.internal_data["v"] = source
    if not edit.side:
        net.end_element = None
    net.completed = False
    net.last_end = None
    specs = net.spec.task_specs
    spec = specs.get(f"{edit.at}.BoundaryEventSplit") or specs[edit.at]
    if not isinstance(spec, BoundaryEvent):
        _put(net, spec, edit.side, TaskState.FUTURE)._ready()
        return
    for each in spec.outputs:  # a part that begins with an event begins with what follows it
        token = _put(net, each, edit.side, TaskState.FUTURE)
        if isinstance(each, Parallel):
            token.internal_data["v"] = spec.name
        each._update(token)


def told(edit: Edit, before: Picture, after: Picture, branches: Mapping[str, str | None]) -> ReturnPlan:
    """The plan: what the two Pictures say, with what only the edit knows."""
    old, new = {task.ref: task for task in before.tasks}, {task.ref: task for task in after.tasks}
    old_waits, new_waits = {wait.ref for wait in before.waits}, {wait.ref for wait in after.waits}

    def touched(tasks: Iterable[HumanTask]) -> tuple[Touched, ...]:
        return tuple(
            Touched(task.ref, task.step, task.name, task.item, branches.get(task.ref)) for task in tasks
        )

    return ReturnPlan(
        target=edit.target,
        scope=edit.scope,
        at=edit.at,
        withdrawn=touched(task for ref, task in old.items() if ref not in new),
        kept=touched(task for ref, task in old.items() if ref in new),
        opened=touched(task for ref, task in new.items() if ref not in old),
        votes_dropped=(),
        timers_ended=tuple(wait for wait in before.waits if wait.ref not in new_waits),
        timers_armed=tuple(wait for wait in after.waits if wait.ref not in old_waits),
        arrivals_dropped=tuple(
            row.task_spec.name for row in edit.withdrawn if isinstance(row.task_spec, Parallel)
        ),
        arrivals_counted=tuple(join for join, _ in edit.arrivals),
        choices=edit.choices,
        reasons=tuple(edit.reasons),
    )


class Untouchable:
    """The Env of a dry run: it answers, but nothing leaves the house."""

    def __init__(self, env: Any) -> None:
        self._env = env

    def __getattr__(self, name: str) -> Any:
        if name in ("call", "send", "write"):
            raise ReturnImpossible(("退回后会立即执行自动环节，无法预先演算。",))
        return getattr(self._env, name)


def _take_out(net: Net, row: Row) -> None:
    split = net.tasks.get(row._parent)
    gone = [row.id]
    if split is not None and split.task_spec.holds_events:
        gone = [split.id, *split._children]
    for ref in gone:
        net.tasks.pop(ref, None)


def _put(net: Net, spec: Any, side: str, state: int) -> Row:
    row = Row(net, spec, net.task_tree, state)
    row.triggered = True
    row.side = side
    return row
