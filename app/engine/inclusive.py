"""Inclusive gateways: take every flow that holds, and join what can still come, no more."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.util.task import TaskState

from app.engine.errors import NoMatch
from app.engine.joins import Join, arrivals_at, one_of_each
from app.engine.shape import LIVE, Row

if TYPE_CHECKING:
    from app.engine.nodes import Process
    from app.engine.version import Flow


class Inclusive(Join, SimpleBpmnTask):
    """Splits by conditions, with a default for when none holds; joins when nothing more can come.

    It waits while a token elsewhere in its scope can reach an incoming flow on which nobody has arrived,
    without passing the gateway itself. A token that can also reach a flow on which somebody has arrived is
    not waited for. A step with its boundary events, or the events behind one gateway, are one token.
    """

    rank = 2

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element)
        self.bpmn_id, self.bpmn_name = element, name
        self.flows: tuple[Flow, ...] = ()
        self.way_out: Flow | None = None
        self.target_of: dict[str, str] = {}
        self.reach: Mapping[str, frozenset[str]] = {}

    def look(self, my_task: Row) -> bool:
        """Joins if nothing more can come: one token of each flow, or as many as it has flows from there."""
        arrivals = arrivals_at(my_task)
        come = {row.internal_data["v"] for row in arrivals}
        missing = [name for name in self.needed if name not in come]
        if missing and any(self._may_still_come(names, missing, come) for names in tokens_beside(my_task)):
            return False
        taken = one_of_each(self, arrivals)
        self.go_on(taken[-1], taken)
        taken[-1]._ready()
        return True

    def _may_still_come(self, names: set[str], missing: list[str], come: set[str]) -> bool:
        if all(names.isdisjoint(self.reach[name]) for name in missing):
            return False
        return all(names.isdisjoint(self.reach[name]) for name in come)

    def _run_hook(self, my_task: Row) -> bool:
        view = my_task.workflow.view
        chosen = [flow for flow in self.flows if flow.condition is None or view.holds(flow, my_task)]
        if not chosen:
            if self.way_out is None:
                raise NoMatch(f"（网关 {self.bpmn_name or self.name}）", element=self.name)
            chosen = [self.way_out]
        my_task.branch = ",".join(flow.id for flow in chosen)
        for flow in chosen:
            my_task._add_child(self._wf_spec.task_specs[self.target_of[flow.id]], TaskState.FUTURE)
        return True


def tokens_beside(join: Row) -> list[set[str]]:
    """Where the other tokens of this scope stand; a step and what hangs on it are one token."""
    net = join.workflow
    found: dict[int, set[str]] = {}
    for row in net.tasks.values():
        spec = row.task_spec
        if (
            not row._state & LIVE
            or row.scope is not join.scope
            or spec is join.task_spec
            or spec.is_end_of_all
        ):
            continue
        above = net.tasks[row._parent]
        unit = above.id if above.task_spec.holds_events else row.id
        found.setdefault(unit, set()).add(spec.name)
    return list(found.values())


def read_reach(join: Inclusive) -> dict[str, frozenset[str]]:
    """Element before the join → where a token may stand that can arrive over it without passing the join."""
    found = {}
    for name in dict.fromkeys(join._inputs):
        first: TaskSpec = join._wf_spec.task_specs[name]
        seen, waiting = {name}, deque([first])
        while waiting:
            for before in waiting.popleft().inputs:
                if before is not join and before.name not in seen:
                    seen.add(before.name)
                    waiting.append(before)
        found[name] = frozenset(seen)
    return found
