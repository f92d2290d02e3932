"""What the engine costs, as ratios: `python -m bench.engine`. Fails on ratios, never on milliseconds.

CPU time of one process, medians of nine. Stock is the library alone, in memory, nothing saved, on the same
files and walk (bench/hotline.py). "loops" are turns of a calibration loop of plain Python, so that figures of
two machines can be laid side by side.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from app.bundles.files import BundleFiles
from app.engine.check import check
from app.engine.durations import add as later
from app.engine.durations import parse_duration
from app.engine.parser import parse
from app.engine.run import Run
from app.engine.source import Source
from app.engine.version import Version
from app.processes.check import check_files
from bench import decisions, hotline
from bench.hotline import DESK, WALK, act, begin
from bench.measure import Report, calibrated, seconds, side_by_side
from tests.engine.decisions.tables import file, table
from tests.engine.drawing import Drawing
from tests.engine.good_bundle import NAMES
from tests.engine.graph_drawing import drawing_of
from tests.engine.random_diagrams import Grower

ASKED = {"category": "text", "level": "text", "days": "int"}
PINNED_FOLDER = 32_000
"""Thousandths of the calibration loop for the largest folder; most of it is reading YAML."""


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


def simple() -> Version:
    """Five user tasks and nothing else."""
    names = [f"s{place}" for place in range(5)]
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    return version_of(drawing.line("start", *names, "end").bytes())


def to_the_end(version: Version) -> bool:
    """A case from start to end, saved at every step, always by the first outcome."""
    state, tasks = begin(version)
    while tasks:
        state, tasks = act(version, state, tasks[0][1], None)
    return not tasks


def reload(version: Version, state: bytes) -> bytes:
    """Load and dump, nothing between."""
    return Run.load(state, version, DESK).dump()


def kib_of_a_version(source: Source) -> float:
    """Memory one more parsed version takes."""
    parse(source)
    gc.collect()
    tracemalloc.start()
    kept = [parse(source) for _ in range(20)]
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / len(kept) / 1024
    tracemalloc.stop()
    return size


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


def whole_case(report: Report) -> None:
    """The reference process from start to end."""
    version = hotline.version()
    called = version.find(hotline.SITE) if version.find else version
    steps = len(version.steps) + len(called.steps)
    sizes = (
        f"{len(version.spec.task_specs)} + {len(called.spec.task_specs)} / {steps} / {len(version.timers)}"
    )
    report.line("hotline: specs / user tasks / timers", sizes)
    assert hotline.walk()
    assert hotline.walk_stock()
    five = simple()
    case = report.cost("hotline, saved at every step: a case", hotline.walk, 30, 2e-3, 190)
    report.line("  cases per CPU-second", f"{1 / case:,.0f}", "≥ 500 (reference)")
    ratio = side_by_side(hotline.walk, hotline.walk_stock, 15)
    report.line("  speed against stock in memory, nothing saved", f"{ratio:.2f} ×", "≥ 1.4 ×", ratio >= 1.4)
    report.cost("five tasks in a line, saved at every step", lambda: to_the_end(five), 60, 4e-4, 49)


def one_step(report: Report) -> None:
    """What a step costs, and what it must not depend on."""
    version = hotline.version()
    reloads, acts, sizes = [], [], []
    state, tasks = begin(version)
    for step, outcome in WALK:
        ref = dict(tasks)[step]
        reloads.append(partial(reload, version, state))
        acts.append(partial(act, version, state, ref, outcome))
        sizes.append(len(state))
        state, tasks = act(version, state, ref, outcome)
    saved = report.cost("dump + load, dearest step", dearest(reloads), 300, 2.5e-4, 5.1)
    acted = report.cost("load + act + settle + dump, dearest step", dearest(acts), 100, 7e-4, 28)
    report.line("  dump + load of it", f"{saved / acted:.0%}", "≤ 60 %", saved <= 0.6 * acted)
    report.line("state, largest", f"{max(sizes)} B", "≤ 2 KB", max(sizes) <= 2_048)
    report.cost("new case to its first task", lambda: begin(version), 200, 2e-4, 13)

    short, long, longest = (version_of(line_of(length)) for length in (3, 40, 290))
    starts = [(each, *begin(each)) for each in (short, long, longest)]
    work = [partial(act, each, saved, open_tasks[0][1], None) for each, saved, open_tasks in starts]
    report.ratio(
        "a step in a line of 40 tasks with timers against 3", side_by_side(work[0], work[1], 200), 1.3
    )
    report.ratio("  in a line of 290 against 3", side_by_side(work[0], work[2], 200), 1.3)
    inside = called_line(3)
    kept, open_tasks = begin(inside)
    deep = partial(act, inside, kept, open_tasks[0][1], None)
    report.ratio(
        "a step inside a call inside a sub-process against on top", side_by_side(work[0], deep, 200), 1.5
    )

    early, late = after_rounds(version, 2), after_rounds(version, 1_500)
    soon, long_after = (partial(act, version, each[0], each[1], "退回") for each in (early, late))
    report.ratio(
        "round 1,500 of dispatch–sign–return against round 2", side_by_side(soon, long_after, 200), 1.1
    )
    report.line("  rows kept", f"{early[2]} / {late[2]}", "the same", early[2] == late[2])


def dearest(works: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """The piece of work that takes longest."""
    return max(works, key=lambda work: seconds(work, 50))


def votes(report: Report) -> None:
    """A step of 200 people."""
    many, version = signing(), hotline.version()
    report.cost("all votes of 200 signers, each saved", lambda: all_votes(many), 1, 0.1, 12_400)
    report.ratio(
        "  a vote against a step of one person",
        side_by_side(lambda: after_rounds(version, 100), lambda: all_votes(many), 1),
        8,
    )


def small_things(report: Report) -> None:
    """Expressions, times, reading and judging a version."""
    version, source = hotline.version(), hotline.source()
    condition = next(flow.condition for flow in version.flows.values() if flow.condition is not None)
    functions = {"outcome": {"sign": "退回"}.get}
    report.cost("one condition", lambda: condition.evaluate({}, functions), 3_000, 2e-6, 0.041)
    for text, pinned in (("P1M", 0.9), ("P5WD", 1.05), ("P30WD", 1.6)):
        due = partial(later, DESK.now, parse_duration(text), DESK.is_workday)
        report.cost(f"a due time: {text}", due, 500, 2e-5, pinned)
    report.cost("parse hotline with its table", lambda: parse(source), 15, 0.01, 330)
    kept = kib_of_a_version(source)
    report.line("a version in the catalog", f"{kept:.0f} KiB", "≤ 50 KiB", kept <= 50)

    plain = line_of(148)  # 298 nodes with their timers
    grown = widest()
    for what, diagram, pinned in (
        ("in a line", plain, 3_000), ("branching as wildly as it may", grown, 3_400),
    ):  # fmt: skip
        names = len(version_of(diagram).spec.task_specs)
        judge = partial(check, Source("v", "p", diagram), NAMES)
        spent = report.cost(f"check {names} specs {what}", judge, 3, 0.2, pinned)
        parsed = seconds(partial(version_of, diagram), 3)
        report.line("  against parsing it", f"{spent / parsed:.1f} ×", "≤ 15 ×", spent <= 15 * parsed)
    files = largest()
    wrong = [each.zh for each in check_files(files).findings if each.level == "error"]
    assert not wrong, wrong[:3]
    report.cost("check a whole folder at its limits", partial(check_files, files), 1, 0.2, PINNED_FOLDER)


def largest() -> BundleFiles:
    """A folder as large as its diagram may be: 298 nodes, a form to every task, a table of 500 rules."""
    names = [f"s{place}" for place in range(148)]
    drawing = Drawing("largest").start().end()
    for name in names:
        drawing.task(name, f'camunda:candidateGroups="role(handler)" camunda:formKey="{name}"')
        drawing.timer(f"t_{name}", name, "PT24H", interrupting=False).line(f"t_{name}", "end")
    data = "".join(f"  {name}: {{type: text, max: 200, label: {name}}}\n" for name in names)
    more = "".join(f"  {name}: {{type: {kind}, label: {name}}}\n" for name, kind in ASKED.items())
    process = (
        "key: largest\nname: 最大的流程\nnumber: 'L-{yyyymmdd}-{seq:05}'\nstarts: [api]\nlanes: {}\n"
        "noMatch: 'null'\n"
        f"data:\n{data}{more}"
    )
    clocks = "  total: {start: case.received, stop: case.closed, limit: table(t)}\n"
    tier = "  - {{key: t{0}, clock: total, at: {0}%, label: 到{0}}}\n"
    tiers = "".join(tier.format(at) for at in range(5, 105, 5))
    files = {
        "process.yaml": process,
        "sla.yaml": f"clocks:\n{clocks}tiers:\n{tiers}",
        **{f"forms/{name}.yaml": f"title: {name}\nfields:\n  - {{name: {name}}}\n" for name in names},
    }
    whole = {path: text.encode() for path, text in files.items()}
    whole["process.bpmn"] = drawing.line("start", *names, "end").bytes()
    whole["decisions/t.dmn"] = file(table(decisions.INPUTS, ["limit"], decisions.rows_of(10, 10)))
    return BundleFiles("largest", whole)


def widest() -> bytes:
    """The largest random diagram of all elements that is within the limit of 300 nodes."""
    best, most = b"", 0
    for seed in range(40):
        graph = Grower(Random(seed), 110, calls=False, many=True, facts=False, letters=False).graph
        size = len(graph.nodes) + len(graph.bells)
        if most < size <= 300:
            best, most = drawing_of(graph).bytes(), size
    return best


def main() -> int:
    """Measures and prints; 1 when a ratio does not hold."""
    report = Report()
    calibrated(report)
    whole_case(report)
    one_step(report)
    votes(report)
    small_things(report)
    decisions.measure(report)
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
