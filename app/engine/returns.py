"""退回: an edit of the marking. Takes out some tokens and arrivals, puts one token at the target.

`position.py` decides what goes, what stays and where the token is put; here are the values it is told in, and
the edit itself. Due times are not reset by it: what opens anew is armed as any step is when it opens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.util.task import TaskState

from app.engine.errors import ReturnImpossible
from app.engine.forgetting import FORGOTTEN
from app.engine.nodes import split_name
from app.engine.picture import HumanTask, Picture, Wait
from app.engine.shape import Net, Row, calls_in


@dataclass(frozen=True)
class ReturnTarget:
    """A step this case can go back to; the call activities round it stand before it, each followed by `/`.
    `choices` as in ReturnPlan; `reasons` says in Chinese why it is so.
    """

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
    item: str | int | float | None = None
    branch: str | None = None


@dataclass(frozen=True)
class DroppedVote:
    """What a signer had said on a step that the return ends."""

    step: str
    item: str | int | float | None
    index: int
    outcome: str


@dataclass(frozen=True)
class ReturnPlan:
    """What a return does: the difference of the two Pictures, and why.

    `scope` is what was done: `step` (there was nothing to choose), `branch`, `block`, or `block:<start>`.
    `choices` are the scopes the caller may ask for, empty when there is no choice; the first is what `auto`
    takes. `at` is the element the token was put on. `arrivals_dropped` and `arrivals_counted` name joins,
    one entry per arrival. Timers (and other things awaited) are the Waits of the Picture before, and of the
    one after. `between` are the elements that may be passed again on the way back to where the case stood,
    sends and calls among them, with those inside sub-processes on the way, in alphabetical order, each with
    the calls round it before its name.
    """

    target: str
    scope: str
    at: str
    withdrawn: tuple[Touched, ...]
    kept: tuple[Touched, ...]
    opened: tuple[Touched, ...]
    votes_dropped: tuple[DroppedVote, ...]
    timers_ended: tuple[Wait, ...]
    timers_armed: tuple[Wait, ...]
    arrivals_dropped: tuple[str, ...]
    arrivals_counted: tuple[str, ...]
    between: tuple[str, ...]
    choices: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass
class Edit:
    """What is going to happen to the rows."""

    target: str
    scope: str
    at: str
    within: Row  # the sub-process, or the root
    side: str
    choices: tuple[str, ...]
    reasons: list[str]
    rounds: int  # how often the target was entered
    between: frozenset[str] = frozenset()
    withdrawn: list[Row] = field(default_factory=list)
    arrivals: list[tuple[str, str]] = field(default_factory=list)  # join, and where from
    votes: list[DroppedVote] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)  # the outcomes that were taken back, by their keys


def apply(net: Net, edit: Edit) -> None:
    """Takes out what goes and puts the token; `settle` runs it and rebuilds the waits."""
    for row in edit.withdrawn:
        edit.votes += [vote for each in net.tasks.values() for vote in _votes(each, row)]
        _take_out(net, row)
    for key in edit.forgotten:
        net.tallies.pop(key, None)
        if key in net.outcomes:  # that the step was passed once remains
            net.outcomes[key] = FORGOTTEN
    specs = edit.within.task_spec.specs_inside(edit.within)
    for join, source in edit.arrivals:
        arrival = _put(net, specs[join], edit, TaskState.WAITING)
        arrival.internal_data["v"] = source
    if edit.within is net.task_tree and not edit.side:
        net.end_element = None
    net.completed = False
    net.last_end = None
    spec = specs.get(split_name(edit.at)) or specs[edit.at]
    if spec.hangs:  # a part that begins with an event begins with what follows it
        for each in spec.outputs:
            net.put(each, edit.within, edit.side, via=spec.name)
    elif spec.counts_arrivals:  # it starts anew: it does not wait for anybody
        _put(net, spec, edit, TaskState.FUTURE)._ready()
    else:
        net.put(spec, edit.within, edit.side)


def told(edit: Edit, before: Picture, after: Picture, branches: Mapping[str, str | None]) -> ReturnPlan:
    """The plan: what the two Pictures say, with what only the edit knows."""
    old, new = {task.ref: task for task in before.tasks}, {task.ref: task for task in after.tasks}
    old_waits, new_waits = {wait.ref for wait in before.waits}, {wait.ref for wait in after.waits}

    around = calls_in(edit.within.task_spec.path_inside(edit.within))
    inside = "".join(f"{each}/" for each in around)

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
        votes_dropped=tuple(edit.votes),
        timers_ended=tuple(wait for wait in before.waits if wait.ref not in new_waits),
        timers_armed=tuple(wait for wait in after.waits if wait.ref not in old_waits),
        arrivals_dropped=tuple(row.task_spec.name for row in edit.withdrawn if row.task_spec.counts_arrivals),
        arrivals_counted=tuple(join for join, _ in edit.arrivals),
        between=tuple(sorted(inside + each for each in edit.between)),
        choices=edit.choices,
        reasons=tuple(edit.reasons),
    )


class Untouchable:
    """The Env of a dry run: it answers, but nothing leaves the house."""

    def __init__(self, env: Any) -> None:
        self._env = env

    def __getattr__(self, name: str) -> Any:
        if name in ("call", "write"):
            raise ReturnImpossible(("退回后会立即执行自动环节，无法预先演算。",))
        return getattr(self._env, name)

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """Not sent: a message has no answer, so what follows is the same."""


def _votes(row: Row, gone: Row) -> list[DroppedVote]:
    """What was said on this row, if it goes with that one."""
    if not row.task_spec.has_signers or not (row is gone or row._parent == gone.id or row.lies_in(gone)):
        return []
    kept = row.internal_data
    return [DroppedVote(row.task_spec.name, kept["list"][at], at, outcome) for at, outcome in kept["votes"]]


def _take_out(net: Net, row: Row) -> None:
    """The row with what is inside it and what hangs on it."""
    above = net.tasks.get(row._parent or 0)
    gone = [row.id, *row._children] if row.task_spec.holds_events else [row.id]
    if above is not None and above.task_spec.holds_events:
        gone = [above.id, *above._children]
    if row.task_spec.is_scope:
        gone += [each.id for each in net.tasks.values() if each.lies_in(row)]
    taken = [net.tasks.pop(ref) for ref in gone if ref in net.tasks]
    for each in taken:
        each.task_spec.stopped(each)
        if each.task_spec.has_signers:  # what was said does not count any more
            net.outcomes.pop(each.within + each.task_spec.name, None)
            net.tallies.pop(each.within + each.task_spec.name, None)


def _put(net: Net, spec: Any, edit: Edit, state: int) -> Row:
    row = Row(net, spec, edit.within, state)
    row.scope, row.side, row.triggered = edit.within, edit.side, True
    row.within = edit.within.task_spec.path_inside(edit.within)
    return row
