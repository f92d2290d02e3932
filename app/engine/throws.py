"""Events that are thrown.

Errors and escalations go outwards, to the nearest edge that awaits them; a signal reaches whoever awaits it
in the case, and is told to the others; a message leaves the case.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from SpiffWorkflow.util.task import TaskState

from app.engine.errors import EngineError, ErrorUncaught, HandlerFailed
from app.engine.nodes import EndOfLine, PassThrough
from app.engine.shape import WAITING, Net, OneLevel, Row

if TYPE_CHECKING:
    from app.engine.nodes import Process
    from app.engine.version import End, Event


class Thrower(OneLevel):
    """Mixed into throwing elements: first it is told as passed, then it throws, then its token goes on.

    Thus the trace has the throw before what it brings about, and a token that the throw ended goes nowhere.
    """

    drawn: "Event | End"

    def _on_complete(self, my_task: Row) -> None:
        net: Net = my_task.workflow
        self._on_complete_hook(my_task)
        net._task_completed_notify(my_task)
        THROW[self.drawn.kind](self, my_task)
        for child in my_task.children:
            if not child.has_state(TaskState.FINISHED_MASK):
                child.task_spec._update(child)


class ThrowEvent(Thrower, PassThrough):
    """An intermediate event that throws."""

    def __init__(self, process: "Process", drawn: "Event") -> None:
        super().__init__(process, drawn.id, drawn.name)
        self.drawn = drawn


class ThrowEnd(Thrower, EndOfLine):
    """An end event that throws."""

    def __init__(self, process: "Process", drawn: "End", name: str | None) -> None:
        super().__init__(process, drawn.id, name)
        self.drawn = drawn


def throw_error(spec: Thrower, my_task: Row) -> None:
    """Ends the nearest sub-process whose edge awaits this error. Raises ErrorUncaught."""
    catcher = nearest_catcher(my_task, "error", spec.drawn.what)
    if catcher is None:
        raise ErrorUncaught(f"（{spec.drawn.name}，错误码 {spec.drawn.what or '空'}）", element=spec.name)
    catcher.task_spec.fire(catcher)


def throw_escalation(spec: Thrower, my_task: Row) -> None:
    """Reaches the nearest sub-process whose edge awaits it; told as thrown when none does."""
    catcher = nearest_catcher(my_task, "escalation", spec.drawn.what)
    if catcher is None:
        my_task.workflow.trace.throw(spec.drawn, 0)
    else:
        catcher.task_spec.fire(catcher)


def throw_signal(spec: Thrower, my_task: Row) -> None:
    """Reaches every catcher of the case that waits at this moment."""
    net: Net = my_task.workflow
    waiting = [
        row
        for row in net.tasks.values()
        if row._state == WAITING
        and row.task_spec.awaits == "signal"
        and row.task_spec.drawn.what == spec.drawn.what
    ]
    caught = 0
    for row in waiting:
        if row._state == WAITING:  # an earlier one may have ended the step it hangs on
            caught += 1
            row.task_spec.fire(row)
    net.trace.throw(spec.drawn, caught)


def throw_message(spec: Thrower, my_task: Row) -> None:
    """Hands the message to the caller. Raises HandlerFailed."""
    net: Net = my_task.workflow
    try:
        net.env.send(spec.drawn.what, {})
    except EngineError:
        raise
    except Exception as error:
        raise HandlerFailed(
            f"（消息 {spec.drawn.what}：{type(error).__name__}）", element=spec.name
        ) from error
    net.trace.throw(spec.drawn, 0)


def fail_outside(my_task: Row, code: str) -> None:
    """Work outside ended with this error: its own edge awaits it, or one further out. ErrorUncaught."""
    catcher = _on_edge(my_task.parent, "error", code) or nearest_catcher(my_task, "error", code)
    if catcher is None:
        spec = my_task.task_spec
        raise ErrorUncaught(f"（{spec.bpmn_name}，错误码 {code}）", element=spec.name)
    catcher.task_spec.fire(catcher)


def nearest_catcher(my_task: Row, kind: str, code: str) -> Row | None:
    """On the edge of the innermost scope that awaits this code, or any code, which counts less."""
    scope = my_task.scope
    while scope.scope is not scope:
        if (found := _on_edge(scope.parent, kind, code)) is not None:
            return found
        scope = scope.scope
    return None


def _on_edge(split: Row, kind: str, code: str) -> Row | None:
    if not split.task_spec.holds_events:
        return None
    waiting: list[Row] = [
        row for row in split.children if row._state == WAITING and row.task_spec.awaits == kind
    ]
    found = (row for wanted in (code, "") for row in waiting if row.task_spec.drawn.what == wanted)
    return next(found, None)


THROW: dict[str, Callable[[Thrower, Row], None]] = {
    "error": throw_error,
    "escalation": throw_escalation,
    "signal": throw_signal,
    "message": throw_message,
}
