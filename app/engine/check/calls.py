"""Call activities: what is called exists, does not call back, and is not nested too deep."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import CAMUNDA, Node
from app.engine.check.words import meant, plain
from app.engine.source import Names

UNRESOLVED = "bpmn-call-unresolved"
MOST_CALLS = 5


def check_calls(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str], key: str) -> None:
    """Every call activity; `key` is the bundle that is checked."""
    for node in diagram.of_kind("callActivity"):
        if node.id in foreign:
            continue
        _check_variables(report, node)
        called = (node.element.get("calledElement") or "").strip()
        if called != key and called not in names.bundles:
            _tell_unresolved(report, names, node, called)
            continue
        chain = _way_back(names.calls, called, key)
        if chain:
            row = " → ".join([key, *chain])
            report.error(
                "bpmn-call-recursive",
                node,
                f"{node.named.zh} 调用 {called}，会绕回流程自己：{row}。"
                "请改成循环，或拆出不再往回调用的部分。",
                f"{node.named.en} calls {called}, which comes back to its caller: {row}. "
                "Draw a loop, or split off a part that does not call back.",
            )
            continue
        depth = _depth(names.calls, called)
        if depth > MOST_CALLS:
            report.error(
                "bpmn-call-too-deep",
                node,
                f"{node.named.zh} 调用 {called}，一层套一层共 {depth} 层，最多 {MOST_CALLS} 层。",
                f"{node.named.en} calls {called}: {depth} calls inside each other, "
                f"the limit is {MOST_CALLS}.",
            )


def _tell_unresolved(report: Report, names: Names, node: Node, called: str) -> None:
    hint = meant(called, names.bundles, "已发布的流程", "published are")
    report.error(
        UNRESOLVED,
        node,
        f"{node.named.zh} 调用的流程 {plain(called)} 没有发布过；{hint.zh}"
        if called
        else f"{node.named.zh} 没有写调用哪个流程；{hint.zh}",
        f'{node.named.en} calls "{plain(called)}", which was never published; {hint.en}'
        if called
        else f"{node.named.en} does not say which process it calls; {hint.en}",
    )


def _check_variables(report: Report, node: Node) -> None:
    for name in ("in", "out"):
        if node.element.find(f".//{CAMUNDA}{name}") is not None:
            report.error(
                "bpmn-element-forbidden",
                node,
                f"{node.named.zh} 不能写变量映射（camunda:{name}）；被调用的流程直接使用本办件的数据。",
                f"{node.named.en} may not map variables (camunda:{name}); "
                "the called process uses the case's data.",
            )
            return


def _way_back(calls: Mapping[str, frozenset[str]], called: str, key: str) -> list[str]:
    """The chain of calls that leads back to `key`; empty when there is none."""
    before: dict[str, str] = {}
    waiting, seen = [called], {called}
    while waiting:
        name = waiting.pop()
        if name == key:
            chain = [name]
            while name != called:
                name = before[name]
                chain.append(name)
            return chain[::-1]
        for after in sorted(calls.get(name, ())):
            if after not in seen:
                seen.add(after)
                before[after] = name
                waiting.append(after)
    return []


def _depth(calls: Mapping[str, frozenset[str]], called: str) -> int:
    """How many calls lie inside each other at most; one more than allowed is all that is looked for."""
    level, depth = {called}, 1
    while depth <= MOST_CALLS:
        level = {after for name in level for after in calls.get(name, ())}
        if not level:
            return depth
        depth += 1
    return depth
