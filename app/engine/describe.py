"""Reads a Picture off the rows of a case at rest: the same rows and Env always give the same Picture."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app.engine import timers
from app.engine.errors import ExpressionFailed
from app.engine.expressions import Expression
from app.engine.nodes import TimerEvent, UserTask
from app.engine.picture import HumanTask, Picture, Wait
from app.engine.services import ServiceTask
from app.engine.shape import Net, Row, ref_of
from app.engine.version import DEFAULT_PRIORITY, Step, Version

Value = Callable[..., Any]  # expression, step, and names only that signer knows


def describe(net: Net, version: Version, ended: bool, value: Value) -> Picture:
    """Who must act, what is awaited, has it ended; `value` evaluates for a step. Raises ExpressionFailed."""
    tasks, waits, active = [], [], {}
    status = shared = None
    for row in net.tokens():
        spec = row.task_spec
        if isinstance(spec, UserTask):
            step = version.steps[spec.name]
            active[step.id] = True
            if step.many is not None:
                tasks += _signers(row, step, value)
                shared = step.status if not row.side and step.status else shared
                continue
            tasks.append(_human_task(row, step, value))
            if not row.side and step.status:
                status = step.status
        elif isinstance(spec, ServiceTask):
            said = spec.drawn
            waits.append(Wait(row.ref, str(spec.awaits), said.handler, said.id))
            active[spec.name] = True
        elif isinstance(spec, TimerEvent):
            waits.append(_wait(net, row, version))
        else:
            active[spec.name] = True
    if any(task.index is not None for task in tasks):
        # People who assist beside somebody's own work never decide what a case is said to be doing.
        status = status or shared
        tasks.sort(key=lambda task: int(task.ref, 36))
    if ended and net.end_element is not None:
        status = version.ends[net.end_element].status
    return Picture(
        tasks=tuple(tasks),
        waits=tuple(waits),
        thrown=(),
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
        signer.__dict__.update(first.__dict__, ref=ref_of(number), item=item, index=place)
        found.append(signer)
    return found


def _human_task(row: Row, step: Step, value: Value) -> HumanTask:
    return HumanTask(
        ref=row.ref,
        step=step.id,
        name=step.name,
        lane=step.lane,
        item=None,
        index=None,
        round=row.internal_data["r"],
        form=step.form,
        candidates=step.candidates,
        assignee=_text(step.assignee, step.id, value),
        outcomes=step.outcomes,
        status=step.status,
        clock=step.clocks,
        priority=_priority(step, value),
        extensions=dict(step.extensions),
    )


def _wait(net: Net, row: Row, version: Version) -> Wait:
    timer = version.timers[row.task_spec.name]
    beside = (net.tasks[ref] for ref in row.parent._children)
    step = next((each for each in beside if each.task_spec.name == timer.step), None)
    return Wait(
        ref=row.ref,
        kind="timer",
        name=timer.name,
        element=timer.id,
        due_at=timers.due_at(row.internal_data),
        interrupting=timer.interrupting,
        bound=timer.bound,
        missed=row.internal_data.get("m", 0),
        step_ref=None if step is None or step.task_spec.has_signers else step.ref,
    )


def _text(said: "str | Expression | None", element: str, value: Value) -> str | None:
    if said is None or isinstance(said, str):
        return said
    found = value(said, element)
    return None if found is None else str(found)


def _priority(step: Step, value: Value) -> int:
    if isinstance(step.priority, int):
        return step.priority
    found = value(step.priority, step.id)
    if found is None:
        return DEFAULT_PRIORITY
    if type(found) is not int or not 0 <= found <= 100:
        raise ExpressionFailed(f"“{step.priority.text}”：优先级须是 0 到 100 的整数", element=step.id)
    return found
