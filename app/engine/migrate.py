"""Moving an open case to another version of its process: planned in words first, undone by keeping the bytes.

Only the rows of a case at rest matter, so what is finished may be renamed freely. Refs, rounds, outcomes and
due times are kept. `plan` reads nothing but bytes and diagrams, and predicts `apply` exactly.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.util.task import TaskState

from app.engine import state, timers
from app.engine.env import Env
from app.engine.errors import MigrationRefused, StateUnreadable
from app.engine.events import Catcher
from app.engine.fitting import Fitting, Moved
from app.engine.nodes import UserTask, split_name
from app.engine.run import Run
from app.engine.shape import COMPLETED, Net, Row, ref_of
from app.engine.standing import is_arrival
from app.engine.version import Version

SAFE, MAPPING, BLOCKED = "safe", "mapping", "blocked"
NO_MAPPING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Event:
    """Something awaited: `step_ref` is the open activity on whose edge it is, the gateway it is behind, or,
    for a timer in the line, itself; `ref` is the wait's, None for one newly armed.
    """

    element: str
    step_ref: str
    ref: str | None = None


@dataclass(frozen=True)
class MigrationPlan:
    """What would happen to one case. `verdict` is safe, mapping (needs mapping) or blocked; `reasons` are
    Chinese sentences, one for each thing in the way; `missing` the elements a mapping must name.

    `moved` are the open tasks as (ref, old step, new step). `armed` are events new to an open step, `ended`
    those that vanish, `retimed` those whose time is written otherwise in the new version: unless asked for,
    they keep their due time.
    """

    verdict: str
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    moved: tuple[tuple[str, str, str], ...]
    armed: tuple[Event, ...]
    ended: tuple[Event, ...]
    retimed: tuple[Event, ...]


def plan(
    state_bytes: bytes, old: Version, new: Version, mapping: Mapping[str, str] = NO_MAPPING
) -> MigrationPlan:
    """Whether and how a case would move; `mapping` is old element id → new one, for what changed its id.

    Evaluates nothing and changes nothing. Raises StateUnreadable, WrongVersion.
    """
    return _told(_fitting(state_bytes, old, new, mapping))


def apply(
    state_bytes: bytes,
    old: Version,
    new: Version,
    mapping: Mapping[str, str] = NO_MAPPING,
    *,
    env: Env,
    retime: bool = False,
) -> bytes:
    """The case's bytes under the new version; the old ones, kept, are the way back.

    Events new to an open step are armed as of `env.now`. `retime`: timers whose time is written otherwise are
    counted anew, single ones from when their step opened, cycles from now. Raises MigrationRefused with the
    plan's reasons, StateUnreadable, WrongVersion, and what `Run.settle` raises.
    """
    fitting = _fitting(state_bytes, old, new, mapping)
    told = _told(fitting)
    if told.verdict != SAFE:
        raise MigrationRefused(told.reasons, needs_mapping=told.verdict == MAPPING)
    run = Run(new, env, fitting.net.counter)
    _carry_over(fitting, run._net)
    for moved in fitting.moved:
        _place(moved, fitting, run, retime)
    run.settle()
    return run.dump()


def _fitting(state_bytes: bytes, old: Version, new: Version, mapping: Mapping[str, str]) -> Fitting:
    run = Run(old, _Asleep())
    phase = state.load(state_bytes, old.version, run._net)
    return Fitting(run._net, old, new, mapping, phase == state.OPEN)


def _told(fitting: Fitting) -> MigrationPlan:
    verdict = BLOCKED if fitting.blocked else MAPPING if fitting.missing else SAFE
    tasks = [each for each in fitting.moved if isinstance(each.row.task_spec, UserTask)]
    steps = fitting.moved
    return MigrationPlan(
        verdict=verdict,
        reasons=tuple(dict.fromkeys((*fitting.blocked, *fitting.missing.values()))),
        missing=tuple(fitting.missing),
        moved=tuple((ref, each.row.task_spec.name, each.element) for each in tasks for ref in _refs(each)),
        armed=tuple(Event(name, each.row.ref) for each in steps for name in each.armed),
        ended=tuple(Event(row.task_spec.name, each.row.ref, row.ref) for each in steps for row in each.ended),
        retimed=tuple(
            Event(name, each.row.ref, row.ref)
            for each in steps
            for row, name in (*each.kept, *_itself(each))
            if fitting.reads_otherwise(row, name)
        ),
    )


def _refs(moved: Moved) -> list[str]:
    """The open tasks of a step: one, or that of everybody who may sign now."""
    row = moved.row
    return (
        [ref_of(number) for number, _ in row.internal_data["open"]]
        if row.task_spec.has_signers
        else [row.ref]
    )


def _carry_over(fitting: Fitting, net: Net) -> None:
    """What belongs to the case and to no row: the root, rounds, outcomes and counts, the end reached."""
    old, named = fitting.net, fitting.renamed
    root = copy(old.task_tree)
    root.workflow, root.task_spec, root.scope, root._children = net, net.spec.start, root, []
    net.tasks[root.id] = net.task_tree = root
    net.last_task = root
    for step, rounds in old.rounds.items():
        net.rounds[named(step)] = net.rounds.get(named(step), 0) + rounds
    kinds: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
        (net.outcomes, old.outcomes),
        (net.tallies, old.tallies),
    )
    for kept, given in kinds:
        for step, said in sorted(given.items(), key=lambda each: named(each[0]) == each[0]):
            kept[named(step)] = said
    if old.end_element is not None and named(old.end_element) in fitting.new.ends:
        net.end_element = named(old.end_element)


def _place(moved: Moved, fitting: Fitting, run: Run, retime: bool) -> None:
    """One row with its events, under the new version."""
    net = run._net
    scope = net.tasks[moved.row.scope.id]
    specs = scope.task_spec.specs_inside(scope)
    row = _copied(moved.row, net, specs[moved.element], scope, scope)
    row.side = moved.side
    if is_arrival(moved.row):
        row.internal_data["v"] = moved.source
    for _ in (each for each in _itself(moved) if fitting.reads_otherwise(moved.row, moved.element)):
        _read_on(row, moved.row.task_spec, run, retime)
    if not moved.kept and not moved.armed:
        return
    split = row
    if not row.task_spec.holds_events:
        split = _split(moved, net, specs[split_name(moved.element)], scope)
        row._parent = split.id
        split._children.append(row.id)
    for old_event, name in moved.kept:
        event = _copied(old_event, net, specs[name], split, scope)
        event.side = moved.side
        split._children.append(event.id)
        if fitting.reads_otherwise(old_event, name):
            _read_on(event, old_event.task_spec, run, retime)
    for name in moved.armed:
        event = Row(net, specs[name], split, TaskState.FUTURE)
        specs[name]._update(event)


def _itself(moved: Moved) -> list[tuple[Row, str]]:
    """A row that waits in the line, as one of its own events."""
    return [(moved.row, moved.element)] if isinstance(moved.row.task_spec, Catcher) else []


def _split(moved: Moved, net: Net, spec: Any, scope: Row) -> Row:
    above = moved.row.parent
    if above.task_spec.holds_events:
        split = _copied(above, net, spec, scope, scope)
    else:
        split = Row(net, spec, scope, COMPLETED)
        split.scope = scope
    split.side = moved.side
    return split


def _copied(row: Row, net: Net, spec: Any, parent: Row, scope: Row) -> Row:
    twin: Row = copy(row)
    twin.workflow, twin.task_spec, twin.scope = net, spec, scope
    twin.within = scope.task_spec.path_inside(scope)
    twin._children, twin._parent, twin.internal_data = [], parent.id, dict(row.internal_data)
    net.tasks[twin.id] = twin
    return twin


def _read_on(event: Row, before: Catcher, run: Run, retime: bool) -> None:
    """A timer whose text changed: goes on by its old text, or is counted by the new one."""
    spec, kept = event.task_spec, event.internal_data
    if retime:
        cycle = spec.definition.kind == "cycle"
        event.internal_data = run.view.armed(spec, event, None if cycle else timers.anchor(kept))
    elif "k" in kept:
        assert before.definition is not None
        kept.setdefault("x", before.definition.text)


class _Asleep:
    """Stands where an Env would: a plan evaluates nothing."""

    def __getattr__(self, name: str) -> Any:
        raise StateUnreadable(f"（{name}）")
