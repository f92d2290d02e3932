"""Sub-processes done once for each item of a list, side by side or one after the other.

The row of the whole keeps `list` the items as they were when it opened, `turn` the places that come later
(one after the other only) and `votes` the places that are done; below it lies one scope for each instance
under way, whose row keeps its place as `i`. What steps inside have decided is kept by instance:
`outcome("a")` inside asks for this instance's own, outside it is that of the instance that ended last.
"""

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask
from SpiffWorkflow.util.task import TaskState

from app.engine.call import Call
from app.engine.instances import counters, is_whole, items_of, tally_of
from app.engine.nodes import disarm, withdraw
from app.engine.shape import LIVE, WAITING, Net, OneLevel, Row
from app.engine.subprocess import SubProcess
from app.engine.votes import Tally

if TYPE_CHECKING:
    from app.engine.nodes import Process
    from app.engine.version import Many

DONE = ""


class Repeat(OneLevel, SimpleBpmnTask):
    """A sub-process drawn as multi-instance: over when every instance is, or its condition holds."""

    is_scope = True

    def __init__(self, process: "Process", element: str, name: str | None, many: "Many") -> None:
        super().__init__(process, element)
        self.bpmn_id, self.bpmn_name = element, name
        self.many = many
        self.each: Instance | None = None
        self.home_inside = f"{element}.Instances"

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Under way, with a list."""
        return state == WAITING and is_whole(kept, self.many.sequential, alone=False)

    def may_hold(self, my_task: Row, row: Row) -> bool:
        """An instance whose place is on the list."""
        place = row.internal_data.get("i")
        return (
            row.task_spec is self.each
            and type(place) is int
            and 0 <= place < len(my_task.internal_data["list"])
        )

    def _update_hook(self, my_task: Row) -> bool:
        net: Net = my_task.workflow
        self._gather(my_task, None)
        value = net.view.value_for
        items = items_of(self.many, self.name, self.bpmn_name, lambda said: value(said, my_task))
        if not items:
            return True
        my_task._set_state(WAITING)
        places = list(range(len(items)))
        my_task.internal_data = {"list": items, "votes": []}
        if self.many.sequential:
            my_task.internal_data["turn"] = places[1:]
        for place in places[:1] if self.many.sequential else places:
            self._open(my_task, place)
        return False

    def _open(self, my_task: Row, place: int) -> None:
        assert self.each is not None
        instance = Row(my_task.workflow, self.each, my_task, TaskState.FUTURE)
        instance.scope, instance.triggered = my_task, True
        instance.internal_data["i"] = place
        self.each._update(instance)

    def over(self, my_task: Row, instance: Row) -> None:
        """One instance is done; maybe the whole is, maybe the next one's turn has come."""
        net: Net = my_task.workflow
        kept = my_task.internal_data
        kept["votes"].append([instance.internal_data["i"], DONE])
        kept["votes"].sort()
        live = [row for row in net.tasks.values() if row.scope is my_task and row._state & LIVE]
        tally = tally_of({**kept, "open": live})
        if self._is_over(my_task, tally):
            for row in live:
                withdraw(row)
            for row in [row for row in net.tasks.values() if row.lies_in(my_task)]:
                del net.tasks[row.id]
            my_task._children.clear()
            self._gather(my_task, instance)
            my_task._ready()
            return
        self._gather(my_task, instance)
        if not live:
            self._open(my_task, kept["turn"].pop(0))

    def _is_over(self, my_task: Row, tally: Tally) -> bool:
        condition = self.many.condition
        if condition is None or not tally.left:
            return not tally.left
        view = my_task.workflow.view
        return bool(view.value_at(condition, my_task, tally.counters(), counters(view.count_of)))

    def _gather(self, my_task: Row, ended: Row | None) -> None:
        """What an instance decided becomes known outside when it ends; of one that was interrupted only its
        rounds are left.
        """
        net: Net = my_task.workflow
        prefix = f"{my_task.within}{self.name}#"
        kinds: tuple[dict[str, Any], ...] = (net.outcomes, net.tallies, net.rounds)
        for kept in kinds:
            for key in [key for key in kept if key.startswith(prefix)]:
                number, *inside = key[len(prefix) :].split("/")
                mine = ended is not None and ended.id == int(number)
                row = net.tasks.get(int(number))
                if not mine and row is not None and row._state & LIVE:
                    continue
                said = kept.pop(key)
                outside = my_task.within + "/".join(each for each in inside if "#" not in each)
                if kept is net.rounds:
                    kept[outside] = max(said, kept.get(outside, 0))
                elif mine and not any("#" in each for each in inside):
                    kept[outside] = said

    def stopped(self, my_task: Row) -> None:
        """No instance goes on: how often their steps were entered is known outside from now on."""
        self._gather(my_task, None)

    def _on_complete_hook(self, my_task: Row) -> None:
        disarm(my_task)


class Instance(SubProcess):
    """One of them: a scope of its own, that knows its item."""

    def __init__(self, process: "Process", whole: Repeat) -> None:
        super().__init__(process, f"{whole.name}.Instance", whole.bpmn_name)
        self.bpmn_id = whole.name
        self.whole = whole
        self.inside: frozenset[str] = frozenset()  # the names of everything drawn in it
        self.home = whole.home_inside
        whole.each = self

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Under way, at its place."""
        return super().may_rest(state, kept) and type(kept.get("i")) is int

    def path_inside(self, my_task: Row) -> str:
        """Steps inside are known by instance."""
        return f"{my_task.within}{self.whole.name}#{my_task.id}/"

    def item(self, my_task: Row) -> Any:
        """What this instance is done for; None when only a number of times was drawn."""
        return my_task.scope.internal_data["list"][my_task.internal_data["i"]]

    def _on_complete_hook(self, my_task: Row) -> None:
        self.whole.over(my_task.scope, my_task)


def instances_round(row: Row, own: bool = False) -> list[Row]:
    """The instances a row lies in, innermost first; `own`: only those that its own process draws."""
    found = []
    scope = row.scope
    while "#" in row.within and scope is not scope.scope and not (own and isinstance(scope.task_spec, Call)):
        if isinstance(scope.task_spec, Instance):
            found.append(scope)
        scope = scope.scope
    return found


def items_of_all(instances: list[Row]) -> dict[str, Any]:
    """The names under which expressions inside these instances, innermost first, see their items."""
    found: dict[str, Any] = {}
    for instance in instances:
        item = instance.task_spec.item(instance)
        if item is not None:
            found.setdefault(instance.task_spec.whole.many.variable, item)
    return found
