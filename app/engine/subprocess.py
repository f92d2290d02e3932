"""Embedded sub-processes: a row that waits until nothing is going on inside it any more."""

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask

from app.engine.nodes import disarm
from app.engine.shape import LIVE, WAITING, Net, OneLevel, Row

if TYPE_CHECKING:
    from app.engine.nodes import Process


class SubProcess(OneLevel, SimpleBpmnTask):
    """Opens a scope of its own: joins, ends and terminating inside it see only what lies in it."""

    is_scope = True
    rank = 1

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element)
        self.bpmn_id, self.bpmn_name = element, name
        self.home_inside = element
        self.first = ""

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Open."""
        return bool(state == WAITING)

    def _update_hook(self, my_task: Row) -> bool:
        my_task._set_state(WAITING)
        first = self.first_inside(my_task)
        my_task.workflow.put(self.specs_inside(my_task)[first], my_task, my_task.side)
        return False

    def first_inside(self, my_task: Row) -> str:
        """The start event inside."""
        return self.first

    def look(self, my_task: Row) -> bool:
        """Nothing left inside: what lay there goes, and the token goes on."""
        net: Net = my_task.workflow
        for row in net.tasks.values():  # a scope inside it is under way as long as anything is inside that
            if row.scope is my_task and row._state & LIVE and not row.task_spec.is_end_of_all:
                return False
        for row in [row for row in net.tasks.values() if row.lies_in(my_task)]:
            del net.tasks[row.id]
        my_task._children.clear()
        my_task._ready()
        return True

    def _on_complete_hook(self, my_task: Row) -> None:
        disarm(my_task)
