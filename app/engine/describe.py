"""Reads a Picture off the rows of a case at rest: the same rows and Env always give the same Picture."""

from collections.abc import Callable
from typing import Any

from app.engine import timers
from app.engine.errors import ExpressionFailed
from app.engine.expressions import Expression
from app.engine.nodes import UserTask
from app.engine.picture import HumanTask, Picture, Thrown, Wait
from app.engine.shape import Net, Row
from app.engine.version import DEFAULT_PRIORITY, Step, Version

Value = Callable[[Expression, Row], Any]
# What comes from outside the case; errors and escalations come from within.
TOLD = frozenset({"timer", "message", "signal", "condition"})


def describe(net: Net, version: Version, ended: bool, thrown: tuple[Thrown, ...], value: Value) -> Picture:
    """Who must act, what is awaited, has it ended; `value` evaluates for a step. Raises ExpressionFailed."""
    tasks, waits, active = [], [], {}
    status = None
    for row in net.tokens():
        spec = row.task_spec
        if isinstance(spec, UserTask):
            tasks.append(_human_task(row, spec.step, value))
            active[spec.name] = True
            if not row.side and spec.step.status:
                status = spec.step.status
        elif spec.awaits is not None:
            if spec.awaits in TOLD:
                waits.append(_wait(net, row))
            if not spec.hangs:
                active[spec.name] = True
            elif row.parent.task_spec.bpmn_id is not None:  # behind a gateway: there the token stands
                active[row.parent.task_spec.name] = True
        else:
            active[spec.name] = True
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
        assignee=_text(step.assignee, row, value),
        outcomes=step.outcomes,
        status=step.status,
        clock=step.clocks,
        priority=_priority(step, row, value),
        extensions=dict(step.extensions),
        within=path(row),
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


def path(row: Row) -> tuple[str, ...]:
    """The call activities round a row, outermost first."""
    return tuple(row.within.split("/")[:-1])


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
