"""Service tasks: a registered handler is called, now or in a job of its own, or the work is done outside."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask

from app.engine.errors import EngineError, HandlerFailed
from app.engine.nodes import disarm
from app.engine.shape import WAITING, OneLevel, Row
from app.engine.throws import fail_outside

if TYPE_CHECKING:
    from app.engine.nodes import Process
    from app.engine.version import Service

SKIPPED = "skip"


class ServiceTask(OneLevel, SimpleBpmnTask):
    """Calls its handler and keeps what that gives. `awaits` is job, external, or None: nothing."""

    def __init__(self, process: "Process", service: "Service") -> None:
        super().__init__(process, service.id)
        self.bpmn_id, self.bpmn_name = service.id, service.name
        self.drawn = service
        self.awaits = service.awaits

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Waiting for its job, or for somebody outside."""
        return state == WAITING and self.awaits is not None

    def _update_hook(self, my_task: Row) -> bool:
        if self.awaits is None:
            return True
        my_task._set_state(WAITING)
        return False

    def deliver(self, my_task: Row, results: Mapping[str, Any] | None) -> None:
        """The job runs now, or the work outside is done and gave these results."""
        if self.awaits == "external":
            keep_results(my_task, self.drawn, results)
        my_task._ready()

    def fail(self, my_task: Row, code: str) -> None:
        """The work outside ended with an error that the diagram is to answer."""
        fail_outside(my_task, code)

    def skip(self, my_task: Row) -> None:
        """Nobody runs it and nothing is given: the token goes on when the case next settles."""
        my_task.internal_data[SKIPPED] = 1  # never saved: a waiting row may not rest with it
        my_task._ready()

    def _run_hook(self, my_task: Row) -> bool:
        if self.awaits != "external" and SKIPPED not in my_task.internal_data:
            call_handler(my_task)
        super()._run_hook(my_task)
        return True

    def _on_complete_hook(self, my_task: Row) -> None:
        disarm(my_task)


def bare(text: str) -> str:
    """A name written as itself or as `${name}`."""
    text = text.strip()
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text


def output_of(name: str, text: str) -> tuple[str, str]:
    """(result, data name) of an output: `<… name="result">data</…>`, or as Camunda has it
    `<… name="data">${result}</…>`.
    """
    return (bare(text), name) if text.startswith("${") else (name, text)


def params_of(row: Row) -> dict[str, Any]:
    """The inputs as they are now: literals as written, expressions evaluated. Raises ExpressionFailed."""
    inputs, view = row.task_spec.drawn.inputs, row.workflow.view
    return {name: said if isinstance(said, str) else view.value_at(said, row) for name, said in inputs}


def call_handler(row: Row) -> None:
    """Calls the handler with its inputs and writes its results. Raises HandlerFailed with its cause."""
    service, params = row.task_spec.drawn, params_of(row)
    try:
        results = row.workflow.env.call(service.handler, params)
    except EngineError as error:
        error.element = error.element or service.id
        raise
    except Exception as error:  # its text may hold values of the case; its type does not
        raise HandlerFailed(
            f"（“{service.name}”的 {service.handler}，{type(error).__name__}）", element=service.id
        ) from error
    keep_results(row, service, results)


def keep_results(row: Row, service: "Service", results: Mapping[str, Any] | None) -> None:
    """Assigns results to declared data. Raises HandlerFailed when one that the diagram names is not there."""
    if results is not None and not isinstance(results, Mapping):
        raise HandlerFailed(
            f"（“{service.name}”没有给出名称和值，而是 {type(results).__name__}）", element=service.id
        )
    given = results or {}
    missing = [result for result, _ in service.outputs if result not in given]
    if missing:
        raise HandlerFailed(f"（“{service.name}”没有给出结果 {'、'.join(missing)}）", element=service.id)
    if service.outputs:
        row.workflow.env.write({name: given[result] for result, name in service.outputs})
