"""Events that wait: on the edge of an activity, in the line, or behind an event-based gateway."""

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask

from app.engine.nodes import disarm, withdraw
from app.engine.shape import COMPLETED, LIVE, WAITING, Net, OneLevel, Row

if TYPE_CHECKING:
    from app.engine.expressions import Expression
    from app.engine.nodes import Process
    from app.engine.timers import TimerDefinition
    from app.engine.version import Event, Timer


class Catcher(OneLevel, SimpleBpmnTask):
    """Waits for one thing: a timer, a message, a signal, a condition, an error or an escalation.

    `drawn` says for what; a timer's `definition` when, a condition's `condition` whether. It moves only when
    it is told to (`fire`), or, for a condition, when `settle` finds it true.
    """

    definition: "TimerDefinition | None" = None
    condition: "Expression | None" = None

    def __init__(self, process: "Process", drawn: "Event | Timer", kind: str) -> None:
        super().__init__(process, drawn.id)
        self.bpmn_id, self.bpmn_name = self.name, drawn.name
        self.drawn = drawn
        self.awaits = kind
        if kind == "condition":
            self.rank = 3

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Waiting; a timer with a due time, or bound to a clock."""
        if state != WAITING:
            return False
        definition = self.definition
        if definition is None:
            return bool(kept.get("c", 1) == 1)
        if definition.bound is not None:
            return True
        return all(type(kept.get(key)) is int for key in ("adk" if definition.kind == "cycle" else "d"))

    def _update_hook(self, my_task: Row) -> bool:
        my_task._set_state(WAITING)
        if self.definition is not None:
            my_task.internal_data = my_task.workflow.view.armed(self, my_task)
        return False

    def deliver(self, my_task: Row, results: object) -> None:
        """The message or signal has come; what it brought is in the case's data already."""
        self.fire(my_task)

    def skip(self, my_task: Row) -> None:
        """It is awaited no longer: the token goes on as if it had come."""
        self.fire(my_task)

    def fire(self, my_task: Row) -> None:
        """What was awaited has come: the token goes on."""
        if self.hangs:
            disarm(my_task)
        my_task._ready()

    def look(self, my_task: Row) -> bool:
        """A condition fires when it is true; on an edge without interrupting, when it becomes true."""
        true = my_task.workflow.view.is_true(self, my_task)
        if true and not my_task.internal_data.get("c"):
            self.fire(my_task)
            if my_task._state == WAITING:
                my_task.internal_data["c"] = 1
            return True
        if not true:
            my_task.internal_data.pop("c", None)
        return False


class EventGateway(OneLevel, SimpleBpmnTask):
    """Waits for several events at once; the first to come takes the token, the others end."""

    holds_events = True

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element)
        self.bpmn_id, self.bpmn_name = element, name

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Passed, with its events below it."""
        return bool(state == COMPLETED)


class Receive(Catcher):
    """A receive task: waits for a message, and other events may hang on it."""

    def _on_complete_hook(self, my_task: Row) -> None:
        disarm(my_task)


class Boundary(Catcher):
    """On the edge of an activity; armed when that opens, disarmed when it closes."""

    hangs = True
    interrupting = True

    def fire(self, my_task: Row) -> None:
        """Sends a token out. Interrupting: the activity and its other events end; else a side branch."""
        net: Net = my_task.workflow
        side = my_task.parent.side
        if self.interrupting:
            for row in my_task.parent.children:
                if row is not my_task and row._state & LIVE:
                    withdraw(row)
            my_task._set_state(COMPLETED)
        else:
            side = f"{side}/{self.name}" if side else self.name
            rest = net.view.rearmed(self, my_task) if self.definition is not None else my_task.internal_data
            if rest is None:
                my_task._set_state(COMPLETED)
            else:
                my_task.internal_data = rest
        net._task_completed_notify(my_task)
        for spec in self.outputs:
            net.put(spec, my_task.scope, side, via=self.name)
