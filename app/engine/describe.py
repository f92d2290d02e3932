"""Reads a Picture off the rows of a case at rest: the same rows and Env always give the same Picture."""

from collections.abc import Callable
from typing import Any

from app.engine import timers
from app.engine.errors import ExpressionFailed
from app.engine.expressions import Expression
from app.engine.nodes import TimerEvent, UserTask
from app.engine.picture import HumanTask, Picture, Wait
from app.engine.shape import Net, Row
from app.engine.version import DEFAULT_PRIORITY, Step, Version

Value = Callable[[Expression, str], Any]


def describe(net: Net, version: Version, ended: bool, value: Value) -> Picture:
    """Who must act, what is awaited, has it ended; `value` evaluates for a step. Raises ExpressionFailed."""
    tasks, waits, active = [], [], {}
    status = None
    for row in net.tokens():
        spec = row.task_spec
        if isinstance(spec, UserTask):
            step = version.steps[spec.name]
            tasks.append(_human_task(row, step, value))
            active[step.id] = True
            if not row.side and step.status:
                status = step.status
        elif isinstance(spec, TimerEvent):
            waits.append(_wait(net, row, version))
        else:
            active[spec.name] = True
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
        step_ref=None if step is None else step.ref,
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
