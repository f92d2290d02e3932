"""Gateways where flows meet: who has arrived, and who goes on together."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.defaults import ParallelGateway

from app.engine.shape import CANCELLED, WAITING, OneLevel, Row

if TYPE_CHECKING:
    from app.engine.nodes import Process


class Join(OneLevel):
    """An arrival is a waiting row that remembers where it came from. A token too many on one flow stays for
    the next time, as BPMN says. `needed` counts the flows that come in, by where they come from.
    """

    counts_arrivals = True
    needed: Counter[str] = Counter()

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """An arrival over one of the incoming flows."""
        return state == WAITING and kept.get("v") in self.needed

    def _update_hook(self, my_task: Row) -> bool:
        if len(self._inputs) < 2:
            return True
        my_task.internal_data.setdefault("v", my_task.parent.task_spec.name)
        my_task._set_state(WAITING)
        return self.gather(my_task)

    def gather(self, my_task: Row) -> bool:
        """Whether this arrival goes on at once, for all."""
        return False

    def go_on(self, row: Row, taken: list[Row]) -> None:
        """One of those who met goes on for all; a branch of the main line makes it main line again."""
        row.side = min((each.side for each in taken), key=len)
        for each in taken:
            if each is not row:
                each._set_state(CANCELLED)


class Parallel(Join, ParallelGateway):
    """Waits for one token on each incoming flow, takes exactly those, and sends one out on each outgoing."""

    def __init__(self, process: "Process", element: str, name: str | None) -> None:
        super().__init__(process, element, bpmn_name=name)

    def gather(self, my_task: Row) -> bool:
        """The last to come goes on."""
        taken = one_of_each(self, arrivals_at(my_task))
        if len(taken) < self.needed.total():
            return False
        self.go_on(my_task, taken)
        return True


def arrivals_at(join: Row) -> list[Row]:
    """The rows that wait at this join of this scope, oldest first."""
    return sorted(
        (
            row
            for row in join.workflow.tasks.values()
            if row.task_spec is join.task_spec and row._state == WAITING and row.scope is join.scope
        ),
        key=lambda row: row.id,
    )


def one_of_each(join: Join, arrivals: list[Row]) -> list[Row]:
    """The oldest arrival over each incoming flow, where there is one."""
    places = Counter(join.needed)
    taken = []
    for row in arrivals:
        if places[row.internal_data["v"]] > 0:
            places[row.internal_data["v"]] -= 1
            taken.append(row)
    return taken
