"""The reference process "hotline", for us and for the bare library: 33 + 7 specs, 6 user tasks, a call
activity, a decision table, 5 timers, 3 return loops; and the walk through it that everything is measured on.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.camunda.parser import CamundaParser
from SpiffWorkflow.util.task import TaskState

from app.engine.parser import parse
from app.engine.run import Run
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.decisions.tables import file, head, table
from tests.engine.drawing import Drawing

HOTLINE, SITE = "a" * 64, "b" * 64  # versions
WALK = (  # past the join once only: from the second time on the bare library does not wait for both branches
    ("dispatch", "派遣"), ("sign", "退回"), ("dispatch", "派遣"), ("sign", "签收"), ("go", "再去"),
    ("handle", "办结"), ("go", "去过"), ("review", "通过"), ("visit", "满意"),
)  # fmt: skip
Tasks = list[tuple[str, str]]


class Desk:
    """An Env in memory that never moves."""

    now = datetime(2026, 3, 2, 1, tzinfo=UTC)
    functions: Mapping[str, Callable[..., Any]] = MappingProxyType({})

    def __init__(self) -> None:
        self.data: Mapping[str, Any] = MappingProxyType({"level": "紧急", "limit": None})

    def is_workday(self, day: date) -> bool:
        """Monday to Friday."""
        return day.weekday() < 5

    def call(self, handler: str, params: dict[str, Any]) -> dict[str, Any]:
        """Not used."""
        raise NotImplementedError

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """Not used."""

    def write(self, values: dict[str, Any]) -> None:
        """The table's answer; nobody reads it."""


DESK = Desk()


def diagram(stock: bool = False) -> bytes:
    """The process itself; `stock` writes conditions and timers as the bare library reads them."""
    said, lasts = (_stock_said, repr) if stock else (_said, str)
    outcomes = {
        **{"dispatch": "派遣", "sign": "签收, 退回!", "handle": "办结"},
        **{"review": "通过, 驳回!", "visit": "满意, 不满意!"},
    }
    drawing = Drawing().start().either("to_dispatch").either("to_handle").both("split").both("join")
    drawing.node("businessRuleTask", "classify", 'camunda:decisionRef="limits"')
    drawing.node("callActivity", "site", 'calledElement="site_visit"')
    for step, words in outcomes.items():
        drawing.task(step, outcomes=words, status=step, clock="resolve")
    drawing.either("g_sign", default="signed").either("g_review", default="passed")
    drawing.either("g_visit", default="good").either("merge_handle").end("archived").end("unanswered")
    for step in ("sign", "handle", "review"):
        drawing.timer(f"warn_{step}", step, lasts("PT24H"), interrupting=False).end(f"warned_{step}")
        drawing.line(f"warn_{step}", f"warned_{step}")
    drawing.timer("no_answer", "visit", lasts("P7D")).line("no_answer", "unanswered")
    drawing.timer("overdue", "handle", lasts("P15D")).line("overdue", "merge_handle")
    drawing.line("start", "classify", "to_dispatch", "dispatch", "sign", "g_sign")
    drawing.flow("g_sign", "to_handle", name="signed").flow("g_sign", "to_dispatch", said("sign", "退回"))
    drawing.line("to_handle", "split", "handle", "merge_handle", "join").line("split", "site", "join")
    drawing.line("join", "review", "g_review").flow("g_review", "to_handle", said("review", "驳回"))
    drawing.flow("g_review", "visit", name="passed").line("visit", "g_visit")
    drawing.flow("g_visit", "to_dispatch", said("visit", "不满意")).flow("g_visit", "archived", name="good")
    return drawing.bytes()


def called(stock: bool = False) -> bytes:
    """What it calls: somebody goes there, again if need be."""
    said = (_stock_said if stock else _said)("go", "再去")
    drawing = Drawing("site_visit").start("s").task("go", outcomes="去过, 再去", status="现场")
    drawing.either("again", default="gone").end("e").line("s", "go", "again")
    return drawing.flow("again", "go", said).flow("again", "e", name="gone").bytes()


def decisions() -> bytes:
    """How long it may take, by its level."""
    rows = [['"突发"', '"PT2H"'], ['"紧急"', '"P1D"'], ['"一般"', '"P5D"']]
    return file(table([head("level", "string")], [head("limit", "string")], rows, identifier="limits"))


def _said(step: str, word: str) -> str:
    return f'outcome("{step}") == "{word}"'


def _stock_said(step: str, word: str) -> str:
    return f'{step} == "{word}"'


@cache
def version() -> Version:
    """The process with all it needs, pinned."""
    site = parse(Source(SITE, "site_visit", called()))
    return parse(source(), {SITE: site}.__getitem__)


def source() -> Source:
    """Its files."""
    return Source(HOTLINE, "hotline", diagram(), {"site_visit": SITE}, decisions={"limits.dmn": decisions()})


def begin(of: Version) -> tuple[bytes, Tasks]:
    """A new case, saved: its state and the open (step, ref)."""
    run = Run.new(of, DESK)
    picture = run.settle()
    return run.dump(), [(task.step, task.ref) for task in picture.tasks]


def act(of: Version, state: bytes, ref: str, outcome: str | None) -> tuple[bytes, Tasks]:
    """Load, complete, settle, dump."""
    run = Run.load(state, of, DESK)
    run.complete(ref, outcome)
    picture = run.settle()
    return run.dump(), [(task.step, task.ref) for task in picture.tasks]


def walk() -> bool:
    """One case from start to end, saved and loaded at every step."""
    of = version()
    state, tasks = begin(of)
    for step, outcome in WALK:
        state, tasks = act(of, state, dict(tasks)[step], outcome)
    return not tasks


@cache
def stock() -> tuple[Any, Any]:
    """The library's own specs of the same files: the process, and what it calls."""
    parser = CamundaParser()
    parser.add_bpmn_xml(etree.fromstring(diagram(stock=True)))
    parser.add_bpmn_xml(etree.fromstring(called(stock=True)))
    parser.add_dmn_xml(etree.fromstring(decisions()))
    return parser.get_spec("p"), parser.get_subprocess_specs("p")


def walk_stock() -> bool:
    """The same case with the library alone, in memory, nothing saved."""
    workflow = BpmnWorkflow(*stock())
    workflow.task_tree.data.update({"level": "紧急"})
    workflow.do_engine_steps()
    for step, outcome in WALK:
        task = next(t for t in workflow.get_tasks(state=TaskState.READY) if t.task_spec.name == step)
        task.data[step] = outcome
        task.run()
        workflow.do_engine_steps()
    return bool(workflow.is_completed())
