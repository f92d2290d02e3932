"""Events that are thrown and caught: on the right edge, by a declared name, with somebody to catch them."""

from __future__ import annotations

from collections.abc import Iterator

from app.engine.check.diagram import Diagram, Node
from app.engine.check.finding import Report
from app.engine.check.words import Named, listed, nearest, plain

MISPLACED = "bpmn-event-misplaced"
_OUTWARDS = {"error": Named("错误", "error"), "escalation": Named("升级", "escalation")}
_UNKNOWN = {"error": "bpmn-unknown-error", "escalation": "bpmn-unknown-escalation"}
_HOSTS = ("subProcess", "callActivity")


def check_events(report: Report, diagram: Diagram, foreign: frozenset[str]) -> None:
    """Errors and escalations of one scope."""
    for node in diagram.nodes.values():
        if node.id in foreign or node.event not in _OUTWARDS:
            continue
        if not _check_code(report, diagram, node):
            continue
        if node.kind == "boundaryEvent":
            _check_edge(report, diagram, node, foreign)
        elif node.event == "error" and _nearest_catcher(diagram, node) is None:
            report.warning(
                "bpmn-error-uncaught",
                node,
                f"{node.named.zh} 抛出的错误在图中没有边界错误事件接住；"
                "除非由调用本流程的流程接住，办件会停下报错。",
                f"no error event in the diagram catches what {node.named.en} throws; "
                "unless a calling process catches it, the case stops with an incident.",
            )


def code_of(diagram: Diagram, node: Node) -> str:
    """The error or escalation code this event throws or awaits; empty: any."""
    return diagram.declared.get(node.refers_to, ("", ""))[1] or node.refers_to


def is_fatal(diagram: Diagram, node: Node) -> bool:
    """Whether this end ends everything that is under way in its scope."""
    if node.kind != "endEvent":
        return False
    if node.event == "escalation":
        catcher = _nearest_catcher(diagram, node)
        return catcher is not None and catcher.interrupting
    return node.event in ("terminate", "error")


def _check_code(report: Report, diagram: Diagram, node: Node) -> bool:
    ref, kind = node.refers_to, node.event
    what = _OUTWARDS[kind]
    if not ref:
        if node.kind == "boundaryEvent":
            return True
        report.error(
            _UNKNOWN[kind],
            node,
            f"{node.named.zh} 没有写抛出哪个{what.zh}。请选定一个{what.zh}，并写上它的代码。",
            f"{node.named.en} does not say which {what.en} it throws. Choose one and give it a code.",
        )
        return False
    if diagram.declared.get(ref, ("", ""))[0] == kind:
        return True
    known = [name for name, (declared, _) in diagram.declared.items() if declared == kind]
    close, row = nearest(ref, known), listed(known)
    hint = f"是不是 {close}？" if close else f"文件中的{what.zh}有 {row.zh}。"
    hint_en = f"did you mean {close}?" if close else f"the file declares {row.en}."
    report.error(
        _UNKNOWN[kind],
        node,
        f"{node.named.zh} 所指的{what.zh} {plain(ref)} 不存在；{hint}",
        f'{node.named.en} refers to {what.en} "{plain(ref)}", which does not exist; {hint_en}',
    )
    return False


def _check_edge(report: Report, diagram: Diagram, node: Node, foreign: frozenset[str]) -> None:
    host, what = diagram.nodes.get(node.attached_to or ""), _OUTWARDS[node.event]
    if host is None or host.id in foreign:
        return
    if host.kind not in _HOSTS:
        report.error(
            MISPLACED,
            node,
            f"{node.named.zh} 等的是{what.zh}，{host.named.zh} 里不会抛出{what.zh}。请挂在子流程上。",
            f"{node.named.en} awaits an {what.en}, which {host.named.en} never throws. "
            "Attach it to a sub-process.",
        )
    elif node.event == "error" and not node.interrupting:
        report.error(
            MISPLACED,
            node,
            f"{node.named.zh} 不能画成不打断的：错误总会结束所在的子流程。要不打断，请用升级事件。",
            f"{node.named.en} may not be non-interrupting: an error always ends its sub-process. "
            "Use an escalation instead.",
        )
    elif host.kind == "subProcess" and not _may_be_thrown(diagram, host, node):
        report.warning(
            "bpmn-event-never",
            node,
            f"{node.named.zh} 等的{what.zh}，{host.named.zh} 里没有哪个事件会抛出，它永远不会触发。",
            f"nothing inside {host.named.en} throws what {node.named.en} awaits, so it never fires.",
        )


def _may_be_thrown(diagram: Diagram, host: Node, catcher: Node) -> bool:
    inner = next((each for each in diagram.inner if each.id == host.id), None)
    if inner is None:
        return True
    for scope in inner.scopes():
        for node in scope.nodes.values():
            if node.kind == "callActivity":
                return True  # what a called process throws is not known here
            if node.kind != "boundaryEvent" and node.event == catcher.event:
                wanted = code_of(diagram, catcher)
                if not wanted or code_of(scope, node) == wanted:
                    return True
    return False


def _nearest_catcher(diagram: Diagram, node: Node) -> Node | None:
    """The boundary event that what this node throws comes to."""
    code = code_of(diagram, node)
    for outer, host in _outwards(diagram):
        waiting = [each for each in outer.on_edge_of.get(host.id, ()) if each.event == node.event]
        for wanted in (code, ""):
            for each in waiting:
                if code_of(outer, each) == wanted:
                    return each
    return None


def _outwards(diagram: Diagram) -> Iterator[tuple[Diagram, Node]]:
    while diagram.outer is not None and diagram.host is not None:
        yield diagram.outer, diagram.host
        diagram = diagram.outer
