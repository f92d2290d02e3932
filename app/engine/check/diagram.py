"""The diagram as the rules see it: nodes, flows and lanes of the one process that runs, in document order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.engine.check.nodes import BPMN, NODES, Flow, Lane, Node, local, read_flow, read_lanes, read_node
from app.engine.check.words import Named, named, plain


@dataclass(frozen=True, eq=False)
class Diagram:
    """One process, or one sub-process: then `host` is its node and `outer` the diagram that holds it.

    Of elements with one id, or none, the first counts; the rules about ids tell the rest.
    """

    id: str
    label: str
    line: int | None
    process: Any
    nodes: Mapping[str, Node]
    flows: tuple[Flow, ...]
    lanes: tuple[Lane, ...]
    outer: Diagram | None = None
    host: Node | None = None

    @property
    def named(self) -> Named:
        """Kind, label and id."""
        return self.host.named if self.host is not None else named("process", self.id, self.label)

    @cached_property
    def inner(self) -> tuple[Diagram, ...]:
        """Its sub-processes."""
        return tuple(read_diagram(node.element, self, node) for node in self.of_kind("subProcess"))

    def scopes(self, skip: Collection[str] = ()) -> Iterator[Diagram]:
        """Itself and every sub-process at any depth, but for those whose node is to be skipped."""
        yield self
        for each in self.inner:
            if each.id not in skip:
                yield from each.scopes(skip)

    @cached_property
    def steps(self) -> Mapping[str, Node]:
        """The user tasks of the whole process, whichever scope this is."""
        if self.outer is not None:
            return self.outer.steps
        return {name: node for name, node in self.every.items() if node.kind == "userTask"}

    @cached_property
    def every(self) -> Mapping[str, Node]:
        """The nodes of the whole process, whichever scope this is."""
        if self.outer is not None:
            return self.outer.every
        return {node.id: node for scope in self.scopes() for node in scope.nodes.values()}

    @cached_property
    def declared(self) -> Mapping[str, tuple[str, str]]:
        """Id → kind and name (or code) of what is declared beside the process: messages, signals, errors …"""
        if self.outer is not None:
            return self.outer.declared
        found: dict[str, tuple[str, str]] = {}
        for element in self.process.getroottree().getroot():
            kind = local(element)
            if kind in ("message", "signal", "error", "escalation") and element.get("id"):
                code = element.get(f"{kind}Code") or element.get("name") or ""
                found.setdefault(element.get("id"), (kind, " ".join(code.split())))
        return found

    def in_lane(self, identifier: str) -> bool:
        """Whether this node, or a sub-process round it, lies in a lane."""
        if any(identifier in lane.nodes for lane in self.lanes):
            return True
        return self.outer is not None and (self.outer.in_lane(identifier) or self.outer.in_lane(self.id))

    @cached_property
    def leaving(self) -> Mapping[str, tuple[Flow, ...]]:
        """Node id → its outgoing flows that lead to a node, in document order."""
        return self._grouped(lambda flow: flow.source)

    @cached_property
    def entering(self) -> Mapping[str, tuple[Flow, ...]]:
        """Node id → its incoming flows that come from a node."""
        return self._grouped(lambda flow: flow.target)

    @cached_property
    def on_edge_of(self) -> Mapping[str, tuple[Node, ...]]:
        """Step id → the boundary events on it."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.attached_to in self.nodes:
                found.setdefault(node.attached_to or "", []).append(node)
        return {step: tuple(events) for step, events in found.items()}

    def of_kind(self, *kinds: str) -> Iterator[Node]:
        """Nodes of these kinds in document order."""
        return (node for node in self.nodes.values() if node.kind in kinds)

    def after(self, identifier: str) -> Sequence[str]:
        """Where a token at this node may go next; from a step also to its boundary events."""
        return self.ways.get(identifier, ())

    @cached_property
    def ways(self) -> Mapping[str, Sequence[str]]:
        """Node → where a token may go next, for every node."""
        return {
            name: [
                *(flow.target for flow in self.leaving.get(name, ())),
                *(event.id for event in self.on_edge_of.get(name, ())),
            ]
            for name in self.nodes
        }

    def flow_named(self, flow: Flow) -> Named:
        """连线“退回”(f3), or 连线 f3（从“审核”到“结束”） where nobody wrote a label."""
        if flow.label:
            return named("sequenceFlow", flow.id, flow.label)
        ends = [self.nodes[end].label or end for end in (flow.source, flow.target) if end in self.nodes]
        if len(ends) < 2:
            return named("sequenceFlow", flow.id, None)
        return Named(
            f"连线 {flow.id}（从“{ends[0]}”到“{ends[1]}”）",
            f'flow {flow.id} (from "{ends[0]}" to "{ends[1]}")',
        )

    def step_before(self, gateway: str) -> Node | None:
        """The one user task that directly precedes a gateway, whose outcome a bare `outcome` means."""
        sources = {flow.source for flow in self.entering.get(gateway, ())}
        node = self.nodes.get(next(iter(sources))) if len(sources) == 1 else None
        return node if node is not None and node.kind == "userTask" else None

    def _grouped(self, end: Any) -> Mapping[str, tuple[Flow, ...]]:
        found: dict[str, list[Flow]] = {}
        for flow in self.flows:
            if flow.source in self.nodes and flow.target in self.nodes:
                found.setdefault(end(flow), []).append(flow)
        return {node: tuple(flows) for node, flows in found.items()}


def read_diagram(process: Any, outer: Diagram | None = None, host: Node | None = None) -> Diagram:
    """The model of one process (or sub-process) element; never raises on strange content."""
    nodes: dict[str, Node] = {}
    flows: list[Flow] = []
    for element in process:
        kind, identifier = local(element), element.get("id")
        if not element.tag.startswith(BPMN) or not identifier:
            continue
        if kind in NODES and identifier not in nodes:
            nodes[identifier] = read_node(element, kind, identifier)
        elif kind == "sequenceFlow":
            flows.append(read_flow(element, identifier))
    return Diagram(
        process.get("id") or "",
        plain(process.get("name")),
        process.sourceline,
        process,
        nodes,
        tuple(flows),
        tuple(read_lanes(process)),
        outer,
        host,
    )
