"""What each opened element does when a token reaches it: one small class each, over the library's own."""

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit, BpmnStartTask, SimpleBpmnTask, _EndJoin
from SpiffWorkflow.bpmn.specs.defaults import EndEvent, ExclusiveGateway
from SpiffWorkflow.bpmn.specs.defaults import StartEvent as LibraryStartEvent
from SpiffWorkflow.bpmn.specs.defaults import UserTask as LibraryUserTask
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition
from SpiffWorkflow.util.task import TaskState

from app.engine.errors import NoMatch
from app.engine.shape import CANCELLED, COMPLETED, LIVE, READY, WAITING, Net, OneLevel, Row

if TYPE_CHECKING:
    from app.engine.version import Flow, Step


class Begin(OneLevel, BpmnStartTask):
    """The library's root row of a process."""

    is_scope = True

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """The root is always passed."""
        return bool(state == COMPLETED)


class StartEvent(OneLevel, LibraryStartEvent):
    """A plain start: the token goes on at once."""

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element, NoneEventDefinition(), bpmn_name=name)


class UserTask(OneLevel, LibraryUserTask):
    """A step somebody has to do. Entering it counts a round; leaving it disarms its events."""

    def __init__(self, process: "Process", step: "Step", name: str | None) -> None:
        super().__init__(process, step.id, bpmn_name=name)
        self.step = step

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Open, and knowing its round."""
        return state == READY and type(kept.get("r")) is int

    def _on_ready(self, my_task: Row) -> None:
        my_task.internal_data["r"] = my_task.workflow.enter(my_task)

    def act(self, my_task: Row, number: int, outcome: str) -> None:
        """The person is done: the token goes on."""
        my_task.workflow.outcomes[my_task.within + self.name] = my_task.outcome = outcome
        my_task.run()

    def _on_complete_hook(self, my_task: Row) -> None:
        disarm(my_task)


class Exclusive(OneLevel, ExclusiveGateway):
    """Takes the first flow, in order of trial, whose condition holds; else the default."""

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element, bpmn_name=name)
        self.flows: tuple[Flow, ...] = ()
        self.way_out: Flow | None = None
        self.target_of: dict[str, str] = {}

    def _run_hook(self, my_task: Row) -> bool:
        chosen = self.way_out
        for flow in self.flows:
            if flow.condition is None or my_task.workflow.view.holds(flow, my_task):
                chosen = flow
                break
        if chosen is None:
            raise NoMatch(f"（网关 {self.bpmn_name or self.name}）", element=self.name)
        my_task.branch = chosen.id
        my_task._add_child(self._wf_spec.task_specs[self.target_of[chosen.id]], TaskState.FUTURE)
        return True


def split_name(step: str) -> str:
    """What the split is called that stands before a step with boundary events."""
    return f"{step}.BoundaryEventSplit"


class Split(OneLevel, BoundaryEventSplit):
    """Stands before a step with boundary events: opens the step and arms them."""

    holds_events = True

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Passed, with its step and events below it."""
        return bool(state == COMPLETED)


class PassThrough(OneLevel, SimpleBpmnTask):
    """A manual task, or an intermediate event that throws nothing: no engine has a part in it, so the token
    goes on at once. It is in the trace, so that the timeline can tell it.
    """

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element)
        self.bpmn_id, self.bpmn_name = element, name


class EndOfLine(OneLevel, EndEvent):
    """A plain end: this token is done."""

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element, NoneEventDefinition(), bpmn_name=name)

    def _on_complete_hook(self, my_task: Row) -> None:
        net: Net = my_task.workflow
        if my_task.scope is net.task_tree and (not my_task.side or net.end_element is None):
            net.end_element = self.name


class Terminate(EndOfLine):
    """Ends everything that is still going on in its process or sub-process, and decides how that ended."""

    def _on_complete_hook(self, my_task: Row) -> None:
        net: Net = my_task.workflow
        beside = (row for row in net.tasks.values() if row is not my_task and row.lies_in(my_task.scope))
        _stop([row for row in beside if row._state & LIVE])
        if my_task.scope is net.task_tree:
            net.end_element = self.name


class Finish(OneLevel, _EndJoin):
    """The library's last join. It does not look round for others: `settle` opens it when no token is left."""

    is_end_of_all = True

    def _update_hook(self, my_task: Row) -> bool:
        my_task._set_state(WAITING)
        if my_task.scope is my_task.workflow.task_tree:  # of a called process, its caller sees to the end
            my_task.workflow.last_end = my_task
        return False


class Last(OneLevel, SimpleBpmnTask):
    """The library's last row; passing it sets its flag."""

    is_end_of_all = True


class Process(BpmnProcessSpec):
    """One process made of our elements."""

    def __init__(self, element: str, name: str) -> None:
        super().__init__(name=element, description=name)
        self.task_specs.clear()
        self.start = Begin(self, "Start")
        self.end = Finish(self, f"{element}.EndJoin")
        self.end.connect(Last(self, "End"))


def disarm(step: Row) -> None:
    """Ends the events that still hang on a step, or beside an event of one gateway."""
    split = step.parent
    if split is not None and split.task_spec.holds_events:
        for row in split.children:
            if row._state == WAITING and row is not step:
                row._set_state(CANCELLED)


def withdraw(row: Row) -> None:
    """Takes a token back, with everything that goes on inside it."""
    inside: list[Row] = []
    if row.task_spec.is_scope:
        inside = [
            inner
            for inner in row.workflow.tasks.values()
            if inner._state & TaskState.NOT_FINISHED_MASK and inner.lies_in(row)
        ]
    _stop([*inside, row])


def _stop(rows: list[Row]) -> None:
    for row in rows:
        row._set_state(CANCELLED)
    for row in rows:
        row.task_spec.stopped(row)
