"""Reads a Picture off the rows of a case at rest: the same rows and Env always give the same Picture."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app.engine import timers
from app.engine.errors import ExpressionFailed
from app.engine.events import Boundary, Catcher
from app.engine.expressions import Expression
from app.engine.nodes import UserTask
from app.engine.picture import HumanTask, Picture, Thrown, Wait
from app.engine.repeats import instances_round
from app.engine.shape import Net, Row, path, ref_of
from app.engine.version import DEFAULT_PRIORITY, Step, Version

Value = Callable[..., Any]  # expression, row, and names only that signer knows
# What comes from outside the case; errors and escalations come from within.
TOLD = frozenset({"timer", "message", "signal", "condition", "job", "external"})


def describe(net: Net, version: Version, ended: bool, thrown: tuple[Thrown, ...], value: Value) -> Picture:
    """Who must act, what is awaited, has it ended; `value` evaluates for a step. Raises ExpressionFailed."""
    tasks, waits, active = [], [], {}
    status = shared = None
    for row in net.tokens():
        spec = row.task_spec
        if spec.has_signers:
            tasks += _signers(row, spec.step, value)
            active[spec.name] = True
            shared = spec.step.status if not row.side and spec.step.status else shared
        elif isinstance(spec, UserTask):
            tasks.append(_human_task(row, spec.step, value))
            active[spec.name] = True
            if row.side or not spec.step.status:
                continue
            if "#" in row.within:
                shared = spec.step.status
            else:
                status = spec.step.status
        elif spec.awaits is not None:
            if spec.awaits in TOLD:
                waits.append(_wait(net, row))
            if isinstance(spec, Catcher) and not (row.side or isinstance(spec, Boundary)):
                status = spec.drawn.extensions.get("status") or status
            if not spec.hangs:
                active[spec.name] = True
            elif row.parent.task_spec.bpmn_id is not None:  # behind a gateway: there the token stands
                active[row.parent.task_spec.name] = True
        elif spec.bpmn_id is not None:
            active[spec.bpmn_id] = True
    if any(task.index is not None for task in tasks):
        # People who assist beside somebody's own work never decide what a case is said to be doing.
        status = status or shared
        tasks.sort(key=lambda task: int(task.ref, 36))
    if ended and net.end_element is not None:
        status = version.ends[net.end_element].status
    return Picture(
        tasks=tuple(tasks),
        waits=tuple(waits),
        thrown=thrown,
        ended=ended,
        end_element=net.end_element if ended else None,
        status=status,
        active=tuple(active),
    )


def _signers(row: Row, step: Step, value: Value) -> list[HumanTask]:
    """One task for each signer who may act now; what an expression says may differ from one to the other."""
    assert step.many is not None
    kept, found = row.internal_data, []
    alike = isinstance(step.priority, int) and (step.assignee is None or isinstance(step.assignee, str))
    first: HumanTask | None = None
    for number, place in kept["open"]:
        item = kept["list"][place]
        if first is None or not alike:
            own = {} if item is None else {step.many.variable: item}
            first = _human_task(row, step, partial(value, more=own))
        # What replace() does, at a tenth of its price: a step may have 200 signers.
        signer = object.__new__(HumanTask)
        signer.__dict__.update(first.__dict__, ref=ref_of(number), item=item, index=place, whole=row.ref)
        found.append(signer)
    return found


def _human_task(row: Row, step: Step, value: Value) -> HumanTask:
    instance = next(iter(instances_round(row)), None)
    return HumanTask(
        ref=row.ref,
        step=step.id,
        name=step.name,
        lane=step.lane,
        item=None if instance is None else instance.task_spec.item(instance),
        index=None if instance is None else instance.internal_data["i"],
        round=row.internal_data["r"],
        form=step.form,
        candidates=step.candidates,
        assignee=_text(step.assignee, row, value),
        outcomes=step.outcomes,
        status=step.status,
        clock=step.clocks,
        priority=_priority(step, row, value),
        extensions=dict(step.extensions),
        within=path(row),
        whole=None if instance is None else instance.scope.ref,
    )


def _wait(net: Net, row: Row) -> Wait:
    spec, drawn, above = row.task_spec, row.task_spec.drawn, row.parent
    is_timer = spec.awaits == "timer"
    step_ref = group = None
    if spec.hangs:
        beside = (net.tasks[ref] for ref in above._children)
        step_ref = next((each.ref for each in beside if not each.task_spec.hangs), None)
        group = above.ref if step_ref is None else None
    return Wait(
        ref=row.ref,
        kind=spec.awaits,
        name=drawn.name if is_timer else drawn.what or drawn.name,
        element=drawn.id,
        due_at=timers.due_at(row.internal_data) if is_timer else None,
        interrupting=drawn.interrupting if step_ref is not None else None,
        group=group,
        bound=drawn.bound if is_timer else None,
        missed=row.internal_data.get("m", 0),
        step_ref=step_ref,
        within=path(row),
    )


def _text(said: "str | Expression | None", row: Row, value: Value) -> str | None:
    if said is None or isinstance(said, str):
        return said
    found = value(said, row)
    return None if found is None else str(found)


def _priority(step: Step, row: Row, value: Value) -> int:
    if isinstance(step.priority, int):
        return step.priority
    found = value(step.priority, row)
    if found is None:
        return DEFAULT_PRIORITY
    if type(found) is not int or not 0 <= found <= 100:
        raise ExpressionFailed(f"“{step.priority.text}”：优先级须是 0 到 100 的整数", element=step.id)
    return found
