"""The library's own faults, shown on the bare library: a canary that falls tells us which replacement may go.

Nothing here touches `app.engine`, but for the list of what it replaces.
"""

import inspect
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import EventSplit, _EndJoin
from SpiffWorkflow.bpmn.specs.event_definitions import timer
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.parallel_gateway import ParallelGateway
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.bpmn.util import BpmnEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.specs.ExclusiveChoice import ExclusiveChoice
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskIterator, TaskState
from SpiffWorkflow.workflow import Workflow

from tests.engine.drawing import Drawing
from tests.engine.test_shape import three_branches_in_a_loop


def parsed(data: bytes) -> BpmnParser:
    """The library's own parser."""
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(data))
    return parser


def bare(drawing: Drawing | bytes) -> BpmnWorkflow:
    """A case of the library alone."""
    parser = parsed(drawing if isinstance(drawing, bytes) else drawing.bytes())
    workflow = BpmnWorkflow(parser.get_spec("p"), parser.get_subprocess_specs("p"))
    workflow.do_engine_steps()
    return workflow


def ready(workflow: BpmnWorkflow) -> list[str]:
    return [task.task_spec.name for task in workflow.get_tasks(state=TaskState.READY, manual=True)]


def do(workflow: BpmnWorkflow, step: str, **data: Any) -> None:
    task = [task for task in workflow.get_tasks(state=TaskState.READY) if task.task_spec.name == step][-1]
    task.data.update(data)
    task.run()
    workflow.do_engine_steps()


def test_1_sorted_keys_lose_the_data():
    names = [f"s{place}" for place in range(12)]
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    workflow = bare(drawing.line("start", *names, "end"))
    for name in names[:-1]:
        do(workflow, name, **{name: 1})
    serializer = BpmnWorkflowSerializer()
    text = serializer.serialize_json(workflow)

    def data_of(state: str) -> int:
        return len(serializer.deserialize_json(state).get_tasks(state=TaskState.READY)[0].data)

    assert data_of(text) == 11
    try:
        left = data_of(json.dumps(json.loads(text), sort_keys=True))
    except Exception:  # a child before its parent may also end in a KeyError
        left = 0
    assert left < 11


def test_12_the_iterator_stops_silently_at_depth_1000():
    workflow = bare(Drawing().start().task("a").end().line("start", "a", "end"))
    task = workflow.task_tree
    for _ in range(1_200):
        task = task._add_child(workflow.spec.task_specs["a"], TaskState.READY)

    assert len(list(TaskIterator(workflow.task_tree, spec_name="a"))) < 1_200
    assert task not in workflow.get_tasks(state=TaskState.READY)


def test_14_a_join_in_a_loop_fires_early_from_round_two_on():
    drawing = three_branches_in_a_loop().bytes().replace(b'outcome == "', b'again == "')
    workflow = bare(drawing)
    for name in "cba":
        do(workflow, name, again="再来")
    do(workflow, "check", again="再来")

    do(workflow, "a")

    assert "check" in ready(workflow)


def test_15_an_inclusive_join_fires_early_behind_an_exclusive_merge():
    drawing = Drawing().start().node("inclusiveGateway", "split").node("inclusiveGateway", "join").end()
    for name in ("a", "c", "b1", "b2", "b3", "last"):
        drawing.task(name)
    drawing.either("g", default="on").either("m").line("start", "split")
    drawing.flow("split", "a", "True").flow("split", "c", "True").line("a", "join", "last", "end")
    drawing.line("c", "g").flow("g", "b1", "False").flow("g", "b2", name="on").line("b1", "m", "b3", "join")
    workflow = bare(drawing.line("b2", "m"))
    do(workflow, "c")
    assert "b2" in ready(workflow)

    do(workflow, "a")

    assert "last" in ready(workflow)


def test_16_the_canvas_decides_which_condition_is_tried_first():
    def taken(first: int, second: int) -> list[str]:
        drawing = Drawing().start().task("a").either("g", default="f3").task("b").task("c").end()
        drawing.line("start", "a", "g").flow("g", "b", "True", name="f1").flow("g", "c", "True", name="f2")
        drawing.flow("g", "end", name="f3").line("b", "end").line("c", "end")
        workflow = bare(drawing.shape("b", 5, first).shape("c", 5, second))
        do(workflow, "a")
        return ready(workflow)

    assert taken(10, 90) == ["b"]
    assert taken(90, 10) == ["c"]


def test_23_a_reset_leaves_ghosts_among_those_who_wait():
    inner = '<messageEventDefinition messageRef="m"/>'
    drawing = Drawing().start().task("u").node("intermediateCatchEvent", "catch", inner=inner).end()
    data = drawing.line("start", "u", "catch", "end").bytes()
    workflow = bare(data.replace(b'<process id="p"', b'<message id="m" name="m"/><process id="p"'))
    first = workflow.get_tasks(state=TaskState.READY)[0]
    do(workflow, "u")

    workflow.reset_from_task_id(first.id)

    assert [key for key in workflow.event_manager.tasks if key not in workflow.tasks]


def caught(workflow: BpmnWorkflow, name: str) -> None:
    """A message of that name from outside."""
    workflow.catch(BpmnEvent(MessageEventDefinition(name), {}))
    workflow.do_engine_steps()


def test_9_an_event_gateway_keeps_what_it_has_seen():
    drawing = Drawing().start().node("eventBasedGateway", "g").end().declare("message", "m", "n")
    drawing.catch("one", "message", "m").catch("two", "message", "n").task("a").line(
        "start", "g", "one", "a", "end"
    )
    workflow = bare(drawing.line("g", "two", "end"))

    caught(workflow, "m")

    assert ready(workflow) == ["a"]
    (gateway,) = (task for task in workflow.tasks.values() if task.task_spec.name == "g")
    assert isinstance(gateway.internal_data["seen_events"][0], BpmnEvent)


def test_22_a_non_interrupting_message_boundary_catches_once():
    drawing = Drawing().start().task("a").task("b").end().end("e2").declare("message", "m")
    drawing.edge("event", "a", "message", "m", interrupting=False)
    workflow = bare(drawing.line("start", "a", "end").line("event", "b", "e2"))
    caught(workflow, "m")
    assert sorted(ready(workflow)) == ["a", "b"]

    with pytest.raises(WorkflowException):
        workflow.send_event(BpmnEvent(MessageEventDefinition("m"), {}))


def test_40_one_message_moves_every_catcher_of_its_name():
    drawing = Drawing().start().both("s").catch("one", "message", "m").catch("two", "message", "m").end()
    drawing.task("a").task("b").declare("message", "m").line("start", "s", "one", "a", "end")
    workflow = bare(drawing.line("s", "two", "b", "end"))

    workflow.send_event(BpmnEvent(MessageEventDefinition("m"), {}))
    workflow.do_engine_steps()

    assert sorted(ready(workflow)) == ["a", "b"]


def test_27_a_countersign_hangs_after_a_restart():
    inner = "<loopCardinality>3</loopCardinality>"
    inner = f"<multiInstanceLoopCharacteristics>{inner}</multiInstanceLoopCharacteristics>"
    data = Drawing().start().node("userTask", "sign", inner=inner).end().line("start", "sign", "end").bytes()
    workflow = bare(data)
    workflow.spec = parsed(data).get_spec("p")  # as the process does that loads the case
    for row in workflow.tasks.values():
        row.task_spec = workflow.spec.task_specs[row.task_spec.name]

    for _ in range(3):
        for task in workflow.get_tasks(state=TaskState.READY, manual=True):
            task.run()
        workflow.do_engine_steps()

    assert not workflow.is_completed()
    assert not workflow.get_tasks(state=TaskState.READY, manual=True)


def test_33_a_month_after_31_january_is_in_march():
    start = datetime(2026, 1, 31, tzinfo=UTC)
    parsed = TimerEventDefinition.parse_iso_duration("P1M")

    assert (start + TimerEventDefinition.get_timedelta_from_start(parsed, start)).month == 3


def test_36_a_cycle_of_a_month_is_a_fixed_number_of_days():
    _, _, duration = TimerEventDefinition.parse_iso_recurring_interval("R/P1M")

    assert duration.days in (28, 29, 30, 31)
    assert not duration.seconds


def test_36_everything_missed_fires_one_by_one_and_leaves_rows_for_ever(monkeypatch: pytest.MonkeyPatch):
    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(days=late)

    late = 0
    monkeypatch.setattr(timer, "datetime", Late)
    drawing = Drawing().start().task("a").task("told").end().end("e2")
    drawing.timer("t", "a", "'R50/P1D'", "timeCycle", interrupting=False)
    workflow = bare(drawing.line("start", "a", "end").line("t", "told", "e2"))
    rows = len(workflow.tasks)

    late = 10
    for _ in range(40):  # as a worker does that comes back after ten days
        workflow.refresh_timers()
        workflow.do_engine_steps()

    assert ready(workflow).count("told") >= 9
    for _ in range(ready(workflow).count("told")):
        do(workflow, "told")
    assert len(workflow.tasks) >= rows + 3 * 9


UPSTREAM = {
    "TaskSpec._predict": (TaskSpec._predict, "e205cac4587d51d4"),
    "TaskSpec._on_ready": (TaskSpec._on_ready, "c0c43ec078d31a59"),
    "TaskSpec._run": (TaskSpec._run, "dac36fd701341359"),
    "TaskSpec._update": (TaskSpec._update, "6b138d31ca684e6b"),
    "TaskSpec._on_complete": (TaskSpec._on_complete, "95d4b21bfa422d45"),
    "Task.__init__": (Task.__init__, "5d98d6df6c602dfb"),
    "Task._add_child": (Task._add_child, "05ec96e943da475e"),
    "Task._sync_children": (Task._sync_children, "a8916be3877073d1"),
    "Task._set_state": (Task._set_state, "86c4c1d22dc9b70f"),
    "Task._ready": (Task._ready, "4c051bb2c2a3d259"),
    "Task.run": (Task.run, "976c46e260fe7f72"),
    "Task.complete": (Task.complete, "3ad34f7ae962ad90"),
    "Workflow.__init__": (Workflow.__init__, "a179a75739481275"),
    "Workflow._task_completed_notify": (Workflow._task_completed_notify, "a87c9bea38b2f71e"),
    "Workflow._mark_complete": (Workflow._mark_complete, "32b3db77f3c421f6"),
    "BpmnWorkflow.__init__": (BpmnWorkflow.__init__, "3a81d03cfd844e1a"),
    "BpmnProcessSpec.__init__": (BpmnProcessSpec.__init__, "4c0511ce1defb2f1"),
    "EventSplit._run_hook": (EventSplit._run_hook, "d21ee127bd1054f7"),
    "EndJoin": (_EndJoin, "06f17d7ba2dd3734"),
    "CatchingEvent": (CatchingEvent, "298ad27ec2cd5fed"),
    "UnstructuredJoin": (UnstructuredJoin, "8d115bf312fa000d"),
    "ParallelGateway": (ParallelGateway, "c4bb1e70ef5f7759"),
    "ExclusiveChoice._run_hook": (ExclusiveChoice._run_hook, "dbcfd06a134b43ef"),
}


@pytest.mark.parametrize("name", UPSTREAM)
def test_upstream_methods_we_replace_are_unchanged(name: str):
    """A new hash means: read what changed upstream, see whether our part still answers it, pin it anew."""
    source, pinned = UPSTREAM[name]
    assert sha256(inspect.getsource(source).encode()).hexdigest()[:16] == pinned
