"""Gateways and loops: conditions where they count, a default where all may fail, a wait in every circle."""

from __future__ import annotations

from collections.abc import Iterator

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import GATEWAYS, Flow, Node
from app.engine.check.services import is_external
from app.engine.check.words import in_row, many, plain

_WAITS = frozenset({"userTask", "receiveTask", "intermediateCatchEvent", "boundaryEvent", "callActivity"})


def check_gateways(report: Report, diagram: Diagram, foreign: frozenset[str]) -> None:
    """Every split and every flow that carries a condition."""
    for node in diagram.nodes.values():
        if node.id in foreign:
            continue
        leaving = diagram.leaving.get(node.id, ())
        if node.kind not in GATEWAYS:
            _check_plain(report, diagram, node, leaving)
            continue
        if len(leaving) > 1 and len(diagram.entering.get(node.id, ())) > 1:
            report.warning(
                "bpmn-gateway-mixed",
                node,
                f"{node.named.zh} 既汇合又分开。请拆成两个网关，一个汇合，一个分开。",
                f"{node.named.en} both joins and splits. Draw one gateway for each.",
            )
        if node.kind in ("exclusiveGateway", "inclusiveGateway"):
            _check_exclusive(report, diagram, node, leaving)
        else:
            _check_unconditioned(report, diagram, node, leaving)


def _check_plain(report: Report, diagram: Diagram, node: Node, leaving: tuple[Flow, ...]) -> None:
    _check_unconditioned(report, diagram, node, leaving)
    if len(leaving) > 1:
        row = in_row([diagram.flow_named(flow) for flow in leaving])
        report.error(
            "bpmn-task-two-flows",
            node,
            f"{node.named.zh} 引出了 {len(leaving)} 条连线：{row.zh}。请在后面画一个网关来分开。",
            f"{node.named.en} has {len(leaving)} outgoing flows: {row.en}. Split with a gateway behind it.",
        )


def _check_unconditioned(report: Report, diagram: Diagram, node: Node, leaving: tuple[Flow, ...]) -> None:
    for flow in leaving:
        if flow.condition is None:
            continue
        what = diagram.flow_named(flow)
        if node.kind == "parallelGateway":
            advice = "并行网关的每条出口都会走。请删去条件，或改用排他网关。"
            advice_en = "Every flow of a parallel gateway is taken. Delete it or use an exclusive gateway."
        else:
            advice = "这里的条件不起作用。请在后面画一个网关，把条件写在网关的出口上。"
            advice_en = "It would have no effect. Draw a gateway and put the condition on its flows."
        report.error(
            "bpmn-flow-condition-on-task",
            flow,
            f'{what.zh} 从{node.named.zh} 引出，却写了条件 "{plain(flow.condition)}"。{advice}',
            f'{what.en} leaves {node.named.en} but has a condition "{plain(flow.condition)}". {advice_en}',
        )


def _check_exclusive(report: Report, diagram: Diagram, node: Node, leaving: tuple[Flow, ...]) -> None:
    if node.default and all(flow.id != node.default for flow in leaving):
        report.error(
            "bpmn-flow-dangling",
            node,
            f"{node.named.zh} 的默认出口 {plain(node.default)} 不是它引出的连线。请重新指定。",
            f"{node.named.en} names {plain(node.default)} as default, which does not leave it. Choose again.",
        )
        return
    if len(leaving) < 2:
        return
    bare = [flow for flow in leaving if flow.condition is None and flow.id != node.default]
    if node.default is None:
        _tell_no_default(report, diagram, node, leaving, bare)
        return
    default = next(flow for flow in leaving if flow.id == node.default)
    if bare and default.condition is not None:
        _tell_swapped(report, diagram, node, default, bare[0])
        return
    for flow in bare:
        what = diagram.flow_named(flow)
        report.warning(
            "bpmn-gateway-unconditional",
            flow,
            f"从{node.named.zh} 引出的{what.zh} 没有条件，轮到它时总会走它。请写上条件。",
            f"{what.en} leaves {node.named.en} without a condition, so it is always taken. Write one.",
        )
    if default.condition is not None:
        what = diagram.flow_named(default)
        report.warning(
            "bpmn-gateway-unconditional",
            default,
            f'{what.zh} 是{node.named.zh} 的默认出口，条件 "{plain(default.condition)}" 不起作用。请删去。',
            f'{what.en} is the default of {node.named.en}; condition "{plain(default.condition)}" is void.',
        )


def _tell_swapped(report: Report, diagram: Diagram, node: Node, default: Flow, bare: Flow) -> None:
    """The condition stands on the default and its neighbour has none: the default is never taken."""
    taken, never = diagram.flow_named(bare), diagram.flow_named(default)
    report.error(
        "bpmn-gateway-unconditional",
        default,
        f'{never.zh} 是{node.named.zh} 的默认出口，却写了条件 "{plain(default.condition)}"；'
        f"{taken.zh} 没有条件，总会走它，{never.zh} 永远走不到。请把没有条件的那条设为默认出口。",
        f"{never.en} is the default of {node.named.en} but has a condition "
        f'"{plain(default.condition)}"; {taken.en} has none and is always taken. '
        "Make the flow without condition the default.",
    )


def _tell_no_default(
    report: Report, diagram: Diagram, node: Node, leaving: tuple[Flow, ...], bare: list[Flow]
) -> None:
    if bare:
        row = in_row([diagram.flow_named(flow) for flow in bare])
        report.error(
            "bpmn-gateway-no-default",
            node,
            f"{node.named.zh} 没有默认出口，{row.zh} 也没有条件。请把其中一条指定为默认出口，其余写上条件。",
            f"{node.named.en} has no default flow, and {row.en} has no condition. "
            "Make one the default and give the others conditions.",
        )
        return
    count = "both conditions" if len(leaving) == 2 else f"all {len(leaving)} conditions"
    report.error(
        "bpmn-gateway-no-default",
        node,
        f"{node.named.zh} 没有默认出口，而{many(len(leaving))}条出口的条件可能都不成立。请指定一条默认出口。",
        f"{node.named.en} has no default flow, and {count} may be false. Choose a default.",
    )


def check_loops(report: Report, diagram: Diagram) -> None:
    """Circles in which nobody and nothing is waited for."""
    for circle in _circles(diagram):
        members = [node for node in diagram.nodes.values() if node.id in circle]
        row = in_row([node.short for node in members])
        report.error(
            "bpmn-loop-without-wait",
            members[0],
            f"{row.zh} 围成的循环里没有任务，也没有定时，会一直转下去。请在循环中放一个用户任务。",
            f"the loop of {row.en} holds no task and no timer, so it spins for ever. Put a task into it.",
        )


def _waits(node: Node) -> bool:
    """Whether a token stops here for a person, a time, a message or somebody outside."""
    return node.kind in _WAITS or is_external(node)


def _ways_without_wait(diagram: Diagram) -> dict[str, list[str]]:
    """Where a token goes on without anybody or anything being waited for."""
    passing = {name for name, node in diagram.nodes.items() if not _waits(node)}
    passing -= {inner.id for inner in diagram.inner if not _runs_through(inner)}
    return {
        name: [target for target in diagram.after(name) if target in passing]
        for name in diagram.nodes
        if name in passing
    }


def _runs_through(diagram: Diagram) -> bool:
    """Whether a token may get from start to end of a sub-process without waiting."""
    ways = _ways_without_wait(diagram)
    reached = [node.id for node in diagram.of_kind("startEvent")]
    seen = set(reached)
    while reached:
        for target in ways.get(reached.pop(), ()):
            if target not in seen:
                seen.add(target)
                reached.append(target)
    return any(diagram.nodes[name].kind == "endEvent" for name in seen)


def _circles(diagram: Diagram) -> Iterator[frozenset[str]]:
    """Strongly connected parts of the graph without its waiting nodes (Tarjan, without recursion)."""
    ways = _ways_without_wait(diagram)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in ways:
        if root in index:
            continue
        work = [(root, iter(ways[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(ways[target])))
                    break
                if target in on_stack:
                    low[name] = min(low[name], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    part = set()
                    while name not in part:
                        member = stack.pop()
                        on_stack.discard(member)
                        part.add(member)
                    if len(part) > 1 or name in ways[name]:
                        yield frozenset(part)
