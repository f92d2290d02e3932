"""Business rule tasks: ask a decision table, keep what it says, tell which rules decided."""

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask

from app.engine.decisions import Decisions, map_result
from app.engine.errors import EngineError
from app.engine.shape import Net, OneLevel, Row

if TYPE_CHECKING:
    from app.engine.decisions.decide import OnNoMatch
    from app.engine.nodes import Process
    from app.engine.version import BusinessRule


class DecisionTask(OneLevel, SimpleBpmnTask):
    """Asks its table at once."""

    def __init__(
        self, process: "Process", drawn: "BusinessRule", decisions: Decisions, no_match: "OnNoMatch"
    ) -> None:
        super().__init__(process, drawn.id)
        self.bpmn_id, self.bpmn_name = drawn.id, drawn.name
        self.drawn = drawn
        self.decisions = decisions
        self.no_match = no_match

    def _run_hook(self, my_task: Row) -> bool:
        net: Net = my_task.workflow
        try:
            values, functions = net.view.seen_from(my_task)
            decision = self.decisions.decide(self.drawn.decision, values, functions, self.no_match)
            net.env.write(self._results(decision))
        except EngineError as error:
            error.element = self.name  # the message names the table
            raise
        my_task.internal_data["rules"] = decision.trace
        super()._run_hook(my_task)
        return True

    def _results(self, decision: Any) -> dict[str, Any]:
        """What is assigned: the mapped result to the variable, or each output to its own name."""
        if self.drawn.variable is not None:
            return {self.drawn.variable: map_result(decision, self.drawn.mapping)}
        row = map_result(decision, "singleResult") or {}
        return {name: row.get(name) for name in self.result_names}

    @property
    def result_names(self) -> tuple[str, ...]:
        """The names of the table's outputs."""
        table = self.decisions.tables.get(self.drawn.decision)
        return () if table is None else tuple(result.name for result in table.results)
