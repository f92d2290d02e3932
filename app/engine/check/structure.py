"""Structure: size, ids, one start, an end, flows that lead somewhere, nothing out of reach, no dead ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import BPMN, NODES, Flow, Node, local
from app.engine.check.services import may_wait
from app.engine.check.words import KINDS, in_row, named, plain, short
from app.engine.ways import reach, turned

MOST_NODES = 300
MOST_ELEMENTS = 50_000  # a diagram of 300 nodes with its layout has a tenth of that
LONGEST_ID = 60
# Names the engine gives to rows of its own; an element so named would be taken for one.
RESERVED = frozenset({"Start", "End", "Root"})
HOSTS = ("userTask", "receiveTask", "subProcess", "callActivity")
RESERVED_ENDINGS = (
    ".BoundaryEventSplit",
    ".BoundaryEventJoin",
    ".EndJoin",
    ".Instance",
    ".Instances",
    ".Call",
)


@dataclass(frozen=True)
class _Spot:
    id: str
    line: int | None


def check_size(report: Report, root: Any) -> bool:
    """Counts nodes and measures ids over the whole file; False when there is too much to go on."""
    elements = sum(1 for _ in root.iter())
    if elements > MOST_ELEMENTS:
        report.error(
            "bpmn-too-large",
            None,
            f"文件有 {elements:,} 个 XML 元素，最多 {MOST_ELEMENTS:,} 个。请拆成几个流程。",
            f"the file has {elements:,} XML elements, the limit is {MOST_ELEMENTS:,}. Split the process.",
        )
        return False
    nodes = [element for element in root.iter(f"{BPMN}*") if local(element) in NODES]
    for element in root.iter(f"{BPMN}*"):
        identifier = element.get("id") or ""
        if len(identifier) > LONGEST_ID:
            report.error(
                "bpmn-too-large",
                _Spot(identifier, element.sourceline),
                f"编号“{plain(identifier, 30)}”有 {len(identifier)} 个字符，最多 {LONGEST_ID} 个。",
                f'id "{plain(identifier, 30)}" has {len(identifier)} characters, the limit is {LONGEST_ID}.',
            )
    if len(nodes) <= MOST_NODES:
        return True
    report.error(
        "bpmn-too-large",
        None,
        f"图中有 {len(nodes)} 个节点，最多 {MOST_NODES} 个。请拆成几个流程。",
        f"the diagram has {len(nodes)} nodes, the limit is {MOST_NODES}. Split the process.",
    )
    return False


def check_ids(report: Report, root: Any) -> None:
    """Every node and flow has an id, and no id is used twice; shapes of the layout do not count."""
    seen: dict[str, Any] = {}
    for element in root.iter(f"{BPMN}*"):
        identifier, kind = element.get("id"), local(element)
        if not identifier:
            if kind in NODES or kind == "sequenceFlow":
                label = plain(element.get("name"))
                what = KINDS[kind][0] + (f"“{label}”" if label else "")
                report.error(
                    "bpmn-id-missing",
                    _Spot("", element.sourceline),
                    f"第 {element.sourceline} 行的{what}没有编号（id）。",
                    f"the {KINDS[kind][1]} in line {element.sourceline} has no id.",
                )
            continue
        spot = _Spot(identifier, element.sourceline)
        if identifier in seen:
            first = seen[identifier]
            one = named(local(first), identifier, plain(first.get("name")))
            two = named(kind, identifier, plain(element.get("name")))
            report.error(
                "bpmn-duplicate-id",
                spot,
                f"编号“{identifier}”用了两次：第 {first.sourceline} 行的{one.zh}，"
                f"第 {element.sourceline} 行的{two.zh}。每个编号只能用一次。",
                f'id "{identifier}" is used twice: {one.en} in line {first.sourceline}, '
                f"{two.en} in line {element.sourceline}. Use each id once.",
            )
        elif kind in NODES and (identifier in RESERVED or identifier.endswith(RESERVED_ENDINGS)):
            report.error(
                "bpmn-duplicate-id",
                spot,
                f"编号“{identifier}”是引擎自己用的，请换一个。",
                f'id "{identifier}" is used by the engine itself; choose another.',
            )
        seen.setdefault(identifier, element)


def check_structure(report: Report, diagram: Diagram, foreign: frozenset[str]) -> bool:
    """Starts, ends, flows, reach. `foreign` are elements refused already. True when the graph is whole."""
    starts = list(diagram.of_kind("startEvent"))
    ends = list(diagram.of_kind("endEvent"))
    whole = _check_starts(report, diagram, starts)
    if not ends:
        whole = False
        report.error(
            "bpmn-no-end",
            diagram,
            f"{diagram.named.zh} 没有结束事件。请画一个。",
            f"{diagram.named.en} has no end event. Draw one.",
        )
    for flow in diagram.flows:
        whole &= _check_flow(report, diagram, flow)
    for node in diagram.of_kind("boundaryEvent"):
        whole &= _check_boundary(report, diagram, node, foreign)
    if starts and not _check_reach(report, diagram, [start.id for start in starts], foreign):
        whole = False
    if ends and not _check_way_out(report, diagram, [end.id for end in ends], foreign):
        whole = False
    return bool(whole)


def _check_starts(report: Report, diagram: Diagram, starts: list[Node]) -> bool:
    plain_starts = [start for start in starts if not start.definitions]
    if not starts:
        report.error(
            "bpmn-no-start",
            diagram,
            f"{diagram.named.zh} 没有开始事件。请画一个。",
            f"{diagram.named.en} has no start event. Draw one.",
        )
        return False
    if len(plain_starts) > 1:
        row = in_row([short(start.id, start.label) for start in plain_starts])
        report.error(
            "bpmn-two-starts",
            plain_starts[1],
            f"{diagram.named.zh} 有 {len(plain_starts)} 个开始事件：{row.zh}。只能有一个。",
            f"{diagram.named.en} has {len(plain_starts)} start events: {row.en}. Only one is allowed.",
        )
        return False
    return True


def _check_flow(report: Report, diagram: Diagram, flow: Flow) -> bool:
    what = diagram.flow_named(flow)
    for end, zh, en in ((flow.source, "起点", "source"), (flow.target, "终点", "target")):
        if end not in diagram.nodes:
            report.error(
                "bpmn-flow-dangling",
                flow,
                f"{what.zh} 没有接好：{zh} {plain(end)} 不存在。"
                if end
                else f"{what.zh} 没有接好：没有{zh}。",
                f"{what.en} is not connected: its {en} {plain(end)} does not exist."
                if end
                else f"{what.en} is not connected: it has no {en}.",
            )
            return False
    source, target = diagram.nodes[flow.source], diagram.nodes[flow.target]
    if source.kind == "endEvent" or target.kind in ("startEvent", "boundaryEvent"):
        wrong = source if source.kind == "endEvent" else target
        report.error(
            "bpmn-flow-dangling",
            flow,
            f"{what.zh} 没有接好：{'不能从' if wrong is source else '不能指向'}{wrong.named.zh}"
            f"{' 引出' if wrong is source else ''}。",
            f"{what.en} may not {'leave' if wrong is source else 'enter'} {wrong.named.en}.",
        )
        return False
    return True


def _check_boundary(report: Report, diagram: Diagram, node: Node, foreign: frozenset[str]) -> bool:
    host = diagram.nodes.get(node.attached_to or "")
    if host is None or (host.kind not in HOSTS and not may_wait(host) and host.id not in foreign):
        report.error(
            "bpmn-flow-dangling",
            node,
            f"{node.named.zh} 挂在了{host.named.zh} 上，那里没有可等的时候。请挂在用户任务或子流程上。"
            if host
            else f"{node.named.zh} 没有挂在任何环节上。",
            f"{node.named.en} sits on {host.named.en}, which never waits. Attach it to a task or sub-process."
            if host
            else f"{node.named.en} is not attached to a step.",
        )
        return False
    if not diagram.leaving.get(node.id) and node.id not in foreign:
        report.error(
            "bpmn-boundary-without-exit",
            node,
            f"{node.named.zh} 没有引出连线，触发后无处可去。请画一条连线。",
            f"{node.named.en} has no outgoing flow, so firing leads nowhere. Draw one.",
        )
        return False
    return True


def _check_reach(report: Report, diagram: Diagram, starts: list[str], foreign: frozenset[str]) -> bool:
    # What is refused anyway (a link, a compensation) may reach its neighbours by ways we do not follow.
    jumps = [name for name in foreign if name in diagram.nodes and not diagram.entering.get(name)]
    jumps += [node.id for node in diagram.of_kind("boundaryEvent") if node.attached_to not in diagram.nodes]
    reached = reach(diagram.ways, [*starts, *jumps])
    lost = [node for node in diagram.nodes.values() if node.id not in reached and node.id not in foreign]
    for node in lost:
        if node.kind == "boundaryEvent":
            continue  # its step is told, or it hangs on nothing, which is told too
        report.error(
            "bpmn-unreachable",
            node,
            f"{node.named.zh} 从开始事件走不到。请用连线接上，或删去。",
            f"{node.named.en} cannot be reached from the start. Connect it or delete it.",
        )
    return not lost


def _check_way_out(report: Report, diagram: Diagram, ends: list[str], foreign: frozenset[str]) -> bool:
    jumps = [name for name in foreign if name in diagram.nodes and not diagram.leaving.get(name)]
    saved = reach(turned(diagram.ways), [*ends, *jumps])
    stuck = [node for node in diagram.nodes.values() if node.id not in saved and node.id not in foreign]
    onward = {node.id: reach(diagram.ways, [node.id]) for node in stuck}
    for node in stuck:
        if any(node.id not in onward.get(name, {node.id}) for name in onward[node.id]):
            continue  # it leads to a dead end; the dead end itself is told
        if diagram.leaving.get(node.id):
            report.error(
                "bpmn-dead-end",
                node,
                f"{node.named.zh} 走不到任何结束事件。请把后面的连线接到结束事件。",
                f"{node.named.en} cannot reach any end event. Lead its way to one.",
            )
        elif node.kind != "boundaryEvent":
            report.error(
                "bpmn-dead-end",
                node,
                f"{node.named.zh} 后面没有连线，走到这里就停住了。请接到下一环节或结束事件。",
                f"{node.named.en} has no outgoing flow, so everything stops here. Connect it.",
            )
    return not stuck
