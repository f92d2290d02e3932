"""Events that are thrown and caught: on the right edge, by a known name, with somebody to catch them."""

from __future__ import annotations

from collections.abc import Iterator

from app.engine.check.comparisons import Where
from app.engine.check.conditions import check_expression
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import BPMN, Node, is_definition
from app.engine.check.services import is_external
from app.engine.check.words import Named, in_row, listed, meant, plain
from app.engine.source import Names

MISPLACED = "bpmn-event-misplaced"
_REFERS = {
    "error": Named("错误", "error"),
    "escalation": Named("升级", "escalation"),
    "signal": Named("信号", "signal"),
}
_OUTWARDS = ("error", "escalation")
_UNKNOWN = {
    "error": "bpmn-unknown-error",
    "escalation": "bpmn-unknown-escalation",
    "signal": "bpmn-unknown-signal",
}
_MESSAGE_TASKS = ("sendTask", "receiveTask")
_TIMES = frozenset({"now", "today", "due", "tier", "workdays", "workhours", "age"})
_HOSTS = ("subProcess", "callActivity")


def check_events(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str]) -> None:
    """Messages, signals, conditions, errors and escalations of one scope."""
    for node in diagram.nodes.values():
        if node.id in foreign:
            continue
        if node.event == "message" or node.kind in _MESSAGE_TASKS:
            _check_message(report, diagram, names, node)
        elif node.event == "conditional":
            _check_condition(report, diagram, names, node)
        elif node.event in _REFERS and _check_code(report, diagram, node) and node.event in _OUTWARDS:
            _check_outwards(report, diagram, node, foreign)


def _check_outwards(report: Report, diagram: Diagram, node: Node, foreign: frozenset[str]) -> None:
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


def _check_message(report: Report, diagram: Diagram, names: Names, node: Node) -> None:
    ref = (node.element.get("messageRef") or "").strip() if node.kind in _MESSAGE_TASKS else node.refers_to
    declared, name = diagram.declared.get(ref, ("", ""))
    if declared == "message" and (name or ref) in names.messages:
        return
    row = listed(names.messages)
    if not ref or declared != "message":
        report.error(
            "bpmn-unknown-message",
            node,
            f"{node.named.zh} 没有写明是哪条消息。请选定一条；messages.yaml 中有 {row.zh}。",
            f"{node.named.en} does not say which message. Choose one; messages.yaml has {row.en}.",
        )
        return
    hint = meant(name or ref, names.messages, "messages.yaml 中", "messages.yaml has")
    report.error(
        "bpmn-unknown-message",
        node,
        f"{node.named.zh} 使用了消息 {plain(name or ref)}，messages.yaml 中没有；{hint.zh}",
        f'{node.named.en} uses message "{plain(name or ref)}", which messages.yaml lacks; {hint.en}',
    )


def _check_condition(report: Report, diagram: Diagram, names: Names, node: Node) -> None:
    definition = next(each for each in node.element if is_definition(each))
    text = (definition.findtext(f"{BPMN}condition") or "").strip()
    if not text:
        report.error(
            "bpmn-condition-empty",
            node,
            f"{node.named.zh} 没有写等什么条件。请写上，如 urgent == True。",
            f"{node.named.en} holds no condition. Write one, as urgent == True.",
        )
        return
    where = Where(node, node.named, Named("条件", "condition"), text)
    expression = check_expression(report, diagram, names, where)
    clocks = sorted({call.name for call in expression.calls} & _TIMES) if expression is not None else []
    if clocks:
        report.warning(
            "bpmn-condition-time",
            node,
            f"{where.zh} 用了 {clocks[0]}()。条件只在办件有变动时才看，到了时间不会自己触发；"
            "要按时间触发请用定时器。",
            f"{where.en} calls {clocks[0]}(). A condition is looked at only when the case moves; "
            "to fire at a time, draw a timer.",
        )


def check_event_gateways(report: Report, diagram: Diagram, foreign: frozenset[str]) -> None:
    """What follows an event-based gateway: events that wait, each with no other way in, at most one timer."""
    for gateway in diagram.of_kind("eventBasedGateway"):
        if gateway.id in foreign:
            continue
        behind = [diagram.nodes[flow.target] for flow in diagram.leaving.get(gateway.id, ())]
        for node in behind:
            if node.id not in foreign:
                _check_behind(report, diagram, gateway, node)
        timers = [node for node in behind if node.event == "timer" and node.kind == "intermediateCatchEvent"]
        if len(timers) > 1:
            row = in_row([node.short for node in timers])
            report.error(
                "bpmn-event-gateway-two-timers",
                gateway,
                f"{gateway.named.zh} 后面有 {len(timers)} 个定时器：{row.zh}。先到的总会先触发，只能留一个。",
                f"{gateway.named.en} has {len(timers)} timers behind it: {row.en}. "
                "The earlier always fires first; keep one.",
            )


def _check_behind(report: Report, diagram: Diagram, gateway: Node, node: Node) -> None:
    if node.kind != "intermediateCatchEvent":
        report.error(
            "bpmn-event-gateway-target",
            node,
            f"{gateway.named.zh} 后面接了{node.named.zh}。这里只能接等待的事件：消息、信号、条件或定时。",
            f"{gateway.named.en} leads to {node.named.en}. Only events that wait may follow: "
            "a message, a signal, a condition or a timer.",
        )
    elif len(diagram.entering.get(node.id, ())) > 1:
        report.error(
            "bpmn-event-gateway-target",
            node,
            f"{node.named.zh} 除了{gateway.named.zh} 还有别的来路。请在别处另画一个等待的事件。",
            f"{node.named.en} is entered from elsewhere, not only from {gateway.named.en}. "
            "Draw another event there.",
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
    what = _REFERS[kind]
    if not ref:
        if node.kind == "boundaryEvent" and kind in _OUTWARDS:
            return True
        report.error(
            _UNKNOWN[kind],
            node,
            f"{node.named.zh} 没有写明是哪个{what.zh}。请选定一个。",
            f"{node.named.en} does not say which {what.en}. Choose one.",
        )
        return False
    if diagram.declared.get(ref, ("", ""))[0] == kind:
        return True
    known = [name for name, (declared, _) in diagram.declared.items() if declared == kind]
    hint = meant(ref, known, f"文件中的{what.zh}", "the file declares")
    report.error(
        _UNKNOWN[kind],
        node,
        f"{node.named.zh} 所指的{what.zh} {plain(ref)} 不存在；{hint.zh}",
        f'{node.named.en} refers to {what.en} "{plain(ref)}", which does not exist; {hint.en}',
    )
    return False


def _check_edge(report: Report, diagram: Diagram, node: Node, foreign: frozenset[str]) -> None:
    host, what = diagram.nodes.get(node.attached_to or ""), _REFERS[node.event]
    if host is None or host.id in foreign:
        return
    outside = node.event == "error" and is_external(host)
    if host.kind not in _HOSTS and not outside:
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
            if node.kind == "callActivity" or (catcher.event == "error" and is_external(node)):
                return True  # what a called process or somebody outside throws is not known here
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
