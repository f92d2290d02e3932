"""What the engine costs, as ratios: `python -m bench.engine`. Fails on ratios, never on milliseconds.

CPU time of one process, medians of nine. Reference process "hotline": 32 specs, 6 user tasks, 5 timers,
3 return loops, saved and loaded at every step. Stock is the library alone, in memory, nothing saved, on
the same diagram and walk. "loops" are turns of a calibration loop of plain Python, so that figures of two
machines can be laid side by side.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from statistics import median
from time import process_time
from types import MappingProxyType
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from app.engine.parser import parse
from app.engine.run import Run
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.drawing import Drawing

ROUNDS = 9
WALK = (
    ("dispatch", "派遣"), ("sign", "退回"), ("dispatch", "派遣"), ("sign", "签收"), ("handle", "办结"),
    ("assist", "完成"), ("review", "通过"), ("visit", "满意"),
)  # fmt: skip


class Desk:
    """An Env in memory that never moves."""

    now = datetime(2026, 3, 2, 1, tzinfo=UTC)
    data: Mapping[str, Any] = MappingProxyType({"level": 2})
    functions: Mapping[str, Callable[..., Any]] = MappingProxyType({})

    def is_workday(self, day: date) -> bool:
        """Monday to Friday."""
        return day.weekday() < 5

    def call(self, handler: str, params: dict[str, Any]) -> dict[str, Any]:
        """Not used."""
        raise NotImplementedError

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """Not used."""

    def write(self, values: dict[str, Any]) -> None:
        """Not used."""


DESK = Desk()


def hotline(stock: bool = False) -> bytes:
    """The reference process; `stock` writes conditions and timers as the bare library reads them."""

    def said(step: str, word: str) -> str:
        return f'{step} == "{word}"' if stock else f'outcome("{step}") == "{word}"'

    def lasts(text: str) -> str:
        return f"'{text}'" if stock else text

    outcomes = {
        **{"dispatch": "派遣", "sign": "签收, 退回!", "handle": "办结"},
        **{"assist": "完成", "review": "通过, 驳回!", "visit": "满意, 不满意!"},
    }
    drawing = Drawing().start().either("to_dispatch").either("to_handle").both("split").both("join")
    for step, words in outcomes.items():
        drawing.task(step, outcomes=words, status=step, clock="resolve")
    drawing.either("g_sign", default="signed").either("g_review", default="passed").either(
        "g_visit", default="good"
    )
    drawing.either("merge_handle").end("archived").end("unanswered")
    for step in ("sign", "handle", "review"):
        drawing.timer(f"warn_{step}", step, lasts("PT24H"), interrupting=False).end(f"warned_{step}")
        drawing.line(f"warn_{step}", f"warned_{step}")
    drawing.timer("no_answer", "visit", lasts("P7D")).line("no_answer", "unanswered")
    drawing.timer("overdue", "handle", lasts("P15D")).line("overdue", "merge_handle")
    drawing.line("start", "to_dispatch", "dispatch", "sign", "g_sign").flow(
        "g_sign", "to_handle", name="signed"
    )
    drawing.flow("g_sign", "to_dispatch", said("sign", "退回")).line("to_handle", "split")
    drawing.line("split", "handle", "merge_handle", "join").line("split", "assist", "join")
    drawing.line("join", "review", "g_review").flow("g_review", "to_handle", said("review", "驳回"))
    drawing.flow("g_review", "visit", name="passed").line("visit", "g_visit")
    drawing.flow("g_visit", "to_dispatch", said("visit", "不满意")).flow("g_visit", "archived", name="good")
    return drawing.bytes()


def line_of(length: int) -> bytes:
    """User tasks in a line, each with a timer."""
    names = [f"s{place}" for place in range(length)]
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name).timer(f"t_{name}", name, "PT24H", interrupting=False).line(f"t_{name}", "end")
    return drawing.line("start", *names, "end").bytes()


def called_line(length: int) -> Version:
    """The same line of tasks, inside a called process that lies in a sub-process."""
    inner = Drawing("sub").start("s").node("callActivity", "call", 'calledElement="line"').end("e")
    outer = Drawing().start().inside("sub", inner.line("s", "call", "e")).end().line("start", "sub", "end")
    line = version_of(line_of(length))
    return parse(
        Source("b" * 64, "bench", outer.bytes(), {"line": line.version}), {line.version: line}.__getitem__
    )


def version_of(diagram: bytes) -> Version:
    """The parsed version of a diagram."""
    return parse(Source("a" * 64, "bench", diagram))


def begin(version: Version) -> tuple[bytes, list[tuple[str, str]]]:
    """A new case, saved: its state and the open (step, ref)."""
    run = Run.new(version, DESK)
    picture = run.settle()
    return run.dump(), [(task.step, task.ref) for task in picture.tasks]


def act(version: Version, state: bytes, ref: str, outcome: str | None) -> tuple[bytes, list[tuple[str, str]]]:
    """Load, complete, settle, dump."""
    run = Run.load(state, version, DESK)
    run.complete(ref, outcome)
    picture = run.settle()
    return run.dump(), [(task.step, task.ref) for task in picture.tasks]


def reload(version: Version, state: bytes) -> bytes:
    """Load and dump, nothing between."""
    return Run.load(state, version, DESK).dump()


def kib_of_a_version(diagram: bytes) -> float:
    """Memory one more parsed version takes."""
    version_of(diagram)
    gc.collect()
    tracemalloc.start()
    kept = [version_of(diagram) for _ in range(20)]
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / len(kept) / 1024
    tracemalloc.stop()
    return size


def walk(version: Version) -> bool:
    """One hotline case from start to end, saved and loaded at every step."""
    state, tasks = begin(version)
    for step, outcome in WALK:
        state, tasks = act(version, state, dict(tasks)[step], outcome)
    return not tasks


def walk_stock(spec: Any) -> bool:
    """The same case with the library alone, in memory."""
    workflow = BpmnWorkflow(spec)
    workflow.do_engine_steps()
    for step, outcome in WALK:
        task = next(t for t in workflow.get_tasks(state=TaskState.READY) if t.task_spec.name == step)
        task.data[step] = outcome
        task.run()
        workflow.do_engine_steps()
    return bool(workflow.is_completed())


def calibrate() -> float:
    """Seconds for a fixed piece of plain Python: dicts, attribute-free calls, small strings."""
    begun = process_time()
    seen: dict[str, int] = {}
    for number in range(60_000):
        key = str(number % 997)
        seen[key] = seen.get(key, 0) + (number & 7)
    return process_time() - begun


def seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one call: the median of nine runs of `times` calls."""
    work()
    found = []
    for _ in range(ROUNDS):
        gc.collect()
        begun = process_time()
        for _ in range(times):
            work()
        found.append((process_time() - begun) / times)
    return median(found)


def after_rounds(version: Version, rounds: int) -> tuple[bytes, str, int]:
    """A case that went through the sign–return loop so often: its state, the ref of `sign`, its rows."""
    state, tasks = begin(version)
    for _ in range(rounds):
        state, tasks = act(version, state, dict(tasks)["dispatch"], "派遣")
        state, tasks = act(version, state, dict(tasks)["sign"], "退回")
    state, tasks = act(version, state, dict(tasks)["dispatch"], "派遣")
    return state, dict(tasks)["sign"], len(Run.load(state, version, DESK)._net.tasks)


def signing() -> Version:
    """One step that 200 people must agree to."""
    drawing = Drawing().start().signing("sign", count="200", vote="all", outcomes="同意, 不同意!").end()
    return version_of(drawing.line("start", "sign", "end").bytes())


def all_votes(version: Version) -> bool:
    """Everybody agrees, the case saved and loaded for each."""
    state, tasks = begin(version)
    while tasks:
        state, tasks = act(version, state, tasks[0][1], "同意")
    return not tasks


def side_by_side(first: Callable[[], object], second: Callable[[], object], times: int) -> float:
    """How much dearer the second is than the first: the median ratio of runs taken in turn."""
    first(), second()
    ratios = []
    for _ in range(ROUNDS):
        spent = []
        for work in (first, second):
            gc.collect()
            begun = process_time()
            for _ in range(times):
                work()
            spent.append(process_time() - begun)
        ratios.append(spent[1] / spent[0])
    return median(ratios)


class Report:
    """A plain table, and whether a ratio that must hold did not."""

    def __init__(self) -> None:
        self.failed = False
        print(f"{'what':<58}{'measured':>14}  must hold")

    def line(self, what: str, measured: str, wanted: str = "", held: bool = True) -> None:
        """One row; a ratio that did not hold is marked."""
        self.failed = self.failed or not held
        print(f"{what:<58}{measured:>14}  {wanted}{'' if held else '   ← not held'}")


def main() -> int:
    """Measures and prints; 1 when a ratio does not hold."""
    report = Report()
    loop = median(calibrate() for _ in range(ROUNDS))
    report.line("calibration loop of plain Python", f"{loop * 1e3:.2f} ms")

    version = version_of(hotline())
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(hotline(stock=True)))
    stock_spec = parser.get_spec("p")
    assert walk(version)
    assert walk_stock(stock_spec)
    sizes = f"{len(version.spec.task_specs)} / {len(version.steps)} / {len(version.timers)}"
    report.line("hotline: specs / user tasks / timers", sizes)

    case = seconds(lambda: walk(version), 40)
    report.line("hotline, saved at every step: cases per CPU-second", f"{1 / case:,.0f}", "≥ 500 (reference)")
    report.line("  the same in calibration loops per case", f"{case / loop:.3f}")
    ratio = side_by_side(lambda: walk(version), lambda: walk_stock(stock_spec), 20)
    report.line("  speed against stock in memory, nothing saved", f"{ratio:.2f} ×", "≥ 1.4 ×", ratio >= 1.4)

    costs: list[tuple[float, float, int]] = []
    state, tasks = begin(version)
    for step, outcome in WALK:
        ref = dict(tasks)[step]
        saved = seconds(partial(reload, version, state), 300)
        costs.append((saved, seconds(partial(act, version, state, ref, outcome), 100), len(state)))
        state, tasks = act(version, state, ref, outcome)
    report.line(
        "dump + load, dearest step", f"{max(c[0] for c in costs) * 1e3:.3f} ms", "≤ 0.25 ms (reference)"
    )
    dearest = max(c[1] for c in costs)
    report.line("load + act + settle + dump, dearest step", f"{dearest * 1e3:.3f} ms", "≤ 0.7 ms (reference)")
    report.line(
        "state, largest", f"{max(c[2] for c in costs)} B", "≤ 2 KB", max(c[2] for c in costs) <= 2_048
    )
    report.line(
        "new case to its first task",
        f"{seconds(lambda: begin(version), 200) * 1e3:.3f} ms",
        "≤ 0.2 ms (reference)",
    )

    short, long, longest = (version_of(line_of(length)) for length in (3, 40, 290))
    steps = [(each, *begin(each)) for each in (short, long, longest)]
    work = [partial(act, each, saved, open_tasks[0][1], None) for each, saved, open_tasks in steps]
    ratio = side_by_side(work[0], work[1], 200)
    report.line(
        "a step in a line of 40 tasks with timers against 3", f"{ratio:.2f} ×", "≤ 1.3 ×", ratio <= 1.3
    )
    report.line("  in a line of 290 against 3", f"{side_by_side(work[0], work[2], 200):.2f} ×")

    inside = called_line(3)
    saved, open_tasks = begin(inside)
    ratio = side_by_side(work[0], partial(act, inside, saved, open_tasks[0][1], None), 200)
    report.line(
        "a step inside a call inside a sub-process against on top", f"{ratio:.2f} ×", "≤ 1.5 ×", ratio <= 1.5
    )

    early, late = after_rounds(version, 2), after_rounds(version, 1_500)
    turns = [partial(act, version, each[0], each[1], "退回") for each in (early, late)]
    ratio = side_by_side(turns[0], turns[1], 200)
    report.line(
        "round 1,500 of dispatch–sign–return against round 2", f"{ratio:.2f} ×", "≤ 1.1 ×", ratio <= 1.1
    )
    report.line(
        "  rows kept in round 2 / round 1,500", f"{early[2]} / {late[2]}", "the same", early[2] == late[2]
    )

    many = signing()
    spent = seconds(lambda: all_votes(many), 1)
    report.line("all votes of 200 signers, each saved", f"{spent * 1e3:.0f} ms", "≤ 100 ms (reference)")
    ratio = side_by_side(lambda: after_rounds(version, 100), lambda: all_votes(many), 1)
    report.line("  a vote against a step of one person", f"{ratio:.2f} ×", "≤ 8 ×", ratio <= 8)

    condition = next(flow.condition for flow in version.flows.values() if flow.condition is not None)
    functions = {"outcome": {"sign": "退回"}.get}
    report.line(
        "one condition",
        f"{seconds(lambda: condition.evaluate({}, functions), 3_000) * 1e6:.2f} µs",
        "≤ 2 µs (reference)",
    )
    diagram = hotline()
    report.line(
        "parse hotline", f"{seconds(lambda: version_of(diagram), 20) * 1e3:.2f} ms", "≤ 10 ms (reference)"
    )
    kept = kib_of_a_version(diagram)
    report.line("a version in the catalog", f"{kept:.0f} KiB", "≤ 50 KiB", kept <= 50)
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
