"""The linter: all that is wrong with a diagram, in the words of the person who drew it; it runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.engine import xml
from app.engine.check.blocks import check_blocks
from app.engine.check.business_rules import check_business_rules, read_decisions
from app.engine.check.calls import check_calls
from app.engine.check.conditions import check_conditions
from app.engine.check.diagram import Diagram, read_diagram
from app.engine.check.elements import check_elements
from app.engine.check.events import check_event_gateways, check_events
from app.engine.check.extensions import check_extensions
from app.engine.check.finding import FILE, Finding, Report
from app.engine.check.gateways import check_gateways, check_loops
from app.engine.check.instances import check_instances, names_in
from app.engine.check.names import check_names
from app.engine.check.nodes import BPMN, GATEWAYS, local
from app.engine.check.previous import check_previous
from app.engine.check.services import check_services
from app.engine.check.structure import check_ids, check_size, check_structure
from app.engine.check.timers import check_timers
from app.engine.check.words import Named, in_row, named, plain
from app.engine.source import Earlier, Names, Source
from app.engine.xml import executables

__all__ = ["Finding", "check"]


OTHER_FILES = {"/DMN/": "DMN", "/CMMN/": "CMMN", "XPDL": "XPDL", "wsbpel": "BPEL"}


@dataclass(frozen=True)
class _Spot:
    id: str
    line: int | None


def check(source: Source, names: Names, previous: Earlier | None = None) -> list[Finding]:
    """All findings about a version's diagram, top of the file first; empty when it may be published as it is.

    Never raises: what the linter itself stumbles over is an error finding, so nothing unread is published.
    """
    report = Report()
    try:
        _check(report, source, names, previous)
    except xml.XmlRefused as refused:
        return [Finding("error", refused.rule, FILE, refused.line, None, refused.zh, refused.en)]
    except Exception as error:  # a diagram nobody thought of must not become a stack trace on the page
        kind = type(error).__name__
        report.error(
            "bpmn-check-failed",
            None,
            f"检查程序没能读懂这张图（{kind}）。请把文件交给管理员。",
            f"the linter could not read this diagram ({kind}). Hand the file to an administrator.",
        )
    return report.findings()


def _check(report: Report, source: Source, names: Names, previous: Earlier | None) -> None:
    root = xml.read(source.diagram)
    if root.tag != f"{BPMN}definitions":
        report.error(
            "xml-malformed",
            None,
            f"这不是 BPMN 2.0 流程图：最外层是{_kind_of_file(root).zh}，应为 BPMN 2.0 的 definitions。",
            f"this is no BPMN 2.0 diagram: its root is {_kind_of_file(root).en}, not BPMN's definitions.",
        )
        return
    if not check_size(report, root):
        return
    check_ids(report, root)
    diagram = _the_process(report, root)
    if diagram is None:
        return
    declared, decisions, refused = names, read_decisions(source), set[str]()
    for scope in diagram.scopes(skip=refused):  # what is inside a refused sub-process is left alone
        refused |= check_elements(report, scope)
    foreign = frozenset(refused)
    scopes = list(diagram.scopes(skip=foreign))
    whole = [scope for scope in scopes if check_structure(report, scope, foreign)]
    for scope in scopes:
        names = names_in(scope, declared)
        check_gateways(report, scope, foreign)
        check_loops(report, scope)
        check_extensions(report, scope, foreign)
        check_names(report, scope, names, foreign)
        check_events(report, scope, names, foreign)
        check_event_gateways(report, scope, foreign)
        check_calls(report, scope, names, foreign, source.key)
        check_conditions(report, scope, names, foreign)
        check_instances(report, scope, names, foreign)
        check_services(report, scope, names, foreign)
        check_business_rules(report, scope, names, foreign, decisions)
        check_timers(report, scope, names, foreign)
    for scope in whole:
        if foreign.isdisjoint(scope.nodes) and _tells_one_way_out(scope):
            check_blocks(report, scope)
    if previous is not None:
        before = _earlier(previous.source)
        if before is not None:
            check_previous(report, diagram, before, previous.standing)


def _kind_of_file(root: Any) -> Named:
    """What a file is that is no diagram."""
    space, name = str(root.tag)[1:].partition("}")[0], plain(local(root))
    known = next((word for part, word in OTHER_FILES.items() if part in space), None)
    if known is not None:
        return Named(f" {known} 的 {name}", f"{known}'s {name}")
    return Named(f" {name}", name)


def _the_process(report: Report, root: Any) -> Diagram | None:
    """The one process that runs; pools beside it are black boxes without content."""
    running = executables(root)
    if len(running) == 1:
        return read_diagram(running[0])
    if not running:
        report.error(
            "bpmn-no-start",
            None,
            "图中没有可执行的流程。请把要办理的泳池（流程）勾选为可执行。",
            "the diagram has no executable process. Mark the pool that is to run as executable.",
        )
        drawn = root.findall(f"{BPMN}process")
        return read_diagram(drawn[0]) if len(drawn) == 1 else None  # what else is wrong is told at once
    row = in_row([named("process", each.get("id") or "", plain(each.get("name"))) for each in running])
    report.error(
        "bpmn-element-forbidden",
        _Spot(running[1].get("id") or "", running[1].sourceline),
        f"图中有 {len(running)} 个可执行的流程：{row.zh}。只能有一个；其余的请画成不含图形的黑盒泳池。",
        f"there are {len(running)} executable processes: {row.en}. Keep one; make the others black boxes.",
    )
    return None


def _tells_one_way_out(diagram: Diagram) -> bool:
    """Whether every step and event has at most one way out, so that the token game knows what they do."""
    return all(
        node.kind in GATEWAYS or len(diagram.leaving.get(node.id, ())) < 2 for node in diagram.nodes.values()
    )


def _earlier(previous: Source) -> Diagram | None:
    """The version before, as far as it can be read; it was published, so it is not judged again."""
    try:
        running = executables(xml.read(previous.diagram))
    except xml.XmlRefused:
        return None
    return read_diagram(running[0]) if running else None
