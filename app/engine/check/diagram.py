"""The diagram as the rules see it: nodes, flows and lanes of the one process that runs, in document order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.engine.check.words import KINDS, Named, named, plain, short

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"

TASKS = frozenset(
    [
        "userTask",
        "task",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "manualTask",
        "businessRuleTask",
        "scriptTask",
        "callActivity",
        "subProcess",
        "adHocSubProcess",
        "transaction",
    ]
)
EVENTS = frozenset(
    ["startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"]
)
GATEWAYS = frozenset(
    ["exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"]
)
NODES = TASKS | EVENTS | GATEWAYS


@dataclass(frozen=True)
class Outcome:
    """One way a step may end; `opinion` when the person must give a reason."""

    name: str
    opinion: bool


DEFAULT_OUTCOME = Outcome("完成", False)


@dataclass(frozen=True, eq=False)
class Node:
    """An event, task or gateway. `attributes` and `properties` are the camunda ones, without prefix."""

    id: str
    kind: str
    label: str
    line: int | None
    element: Any
    attributes: Mapping[str, str]
    properties: Mapping[str, str]

    @property
    def named(self) -> Named:
        """Kind, label and id; a boundary event that holds a timer is called one."""
        found = named(self.kind, self.id, self.label)
        if self.event == "timer" and self.kind in ("boundaryEvent", "intermediateCatchEvent"):
            zh, en = KINDS[self.kind]
            return Named(found.zh.replace(zh, "定时器", 1), found.en.replace(en, "timer", 1))
        return found

    @property
    def short(self) -> Named:
        """Label and id."""
        return short(self.id, self.label)

    @cached_property
    def definitions(self) -> tuple[str, ...]:
        """The local names of its event definitions."""
        return tuple(local(child) for child in self.element if is_definition(child))

    @cached_property
    def marker(self) -> Any:
        """What says that several people act here, or that it is done several times; None elsewhere."""
        return self.element.find(f"{BPMN}multiInstanceLoopCharacteristics")

    @cached_property
    def event(self) -> str:
        """The word for its one event definition: timer, error …; empty when it has none or several."""
        return self.definitions[0].removesuffix("EventDefinition") if len(self.definitions) == 1 else ""

    @property
    def refers_to(self) -> str:
        """The id its event definition refers to (a message, a signal, an error, an escalation)."""
        child = next((each for each in self.element if is_definition(each)), None)
        return (child.get(f"{self.event}Ref") or "").strip() if child is not None else ""

    @property
    def attached_to(self) -> str | None:
        """The step a boundary event sits on."""
        return self.element.get("attachedToRef") if self.kind == "boundaryEvent" else None

    @property
    def interrupting(self) -> bool:
        """Whether a boundary event ends its step."""
        return bool(self.element.get("cancelActivity", "true").strip() not in ("false", "0"))

    @property
    def default(self) -> str | None:
        """The id of a gateway's default flow."""
        chosen = self.element.get("default")
        return str(chosen) if chosen else None

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What a person may conclude here; `!` after a name demands an opinion."""
        words = separated(self.properties.get("outcomes", ""))
        found = tuple(Outcome(word.rstrip("!！").strip(), word.endswith(("!", "！"))) for word in words)
        return found or (DEFAULT_OUTCOME,)


@dataclass(frozen=True, eq=False)
class Flow:
    """A sequence flow; `condition` is its text without outer blanks, None when it has none."""

    id: str
    label: str
    line: int | None
    element: Any
    source: str
    target: str
    condition: str | None
    attributes: Mapping[str, str]
    properties: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Lane:
    """A lane and the ids it holds; `leaf` when no lane lies inside it."""

    id: str
    label: str
    line: int | None
    nodes: tuple[str, ...]
    leaf: bool


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
        return self.outer is not None and self.outer.in_lane(self.id)

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

    def after(self, identifier: str) -> list[str]:
        """Where a token at this node may go next; from a step also to its boundary events."""
        edges = [event.id for event in self.on_edge_of.get(identifier, ())]
        return [flow.target for flow in self.leaving.get(identifier, ())] + edges

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


def executables(root: Any) -> list[Any]:
    """Processes that are meant to run: all but those marked not executable."""
    return [
        each for each in root.iter(f"{BPMN}process") if each.get("isExecutable", "true").strip() != "false"
    ]


def read_diagram(process: Any, outer: Diagram | None = None, host: Node | None = None) -> Diagram:
    """The model of one process (or sub-process) element; never raises on strange content."""
    nodes: dict[str, Node] = {}
    flows: list[Flow] = []
    for element in process:
        kind, identifier = local(element), element.get("id")
        if not element.tag.startswith(BPMN) or not identifier:
            continue
        if kind in NODES and identifier not in nodes:
            nodes[identifier] = Node(
                identifier,
                kind,
                plain(element.get("name")),
                element.sourceline,
                element,
                camunda_attributes(element),
                camunda_properties(element),
            )
        elif kind == "sequenceFlow":
            flows.append(
                Flow(
                    identifier,
                    plain(element.get("name")),
                    element.sourceline,
                    element,
                    element.get("sourceRef") or "",
                    element.get("targetRef") or "",
                    (element.findtext(f"{BPMN}conditionExpression") or "").strip() or None,
                    camunda_attributes(element),
                    camunda_properties(element),
                )
            )
    return Diagram(
        process.get("id") or "",
        plain(process.get("name")),
        process.sourceline,
        process,
        nodes,
        tuple(flows),
        tuple(_lanes(process)),
        outer,
        host,
    )


def _lanes(process: Any) -> Iterator[Lane]:
    for element in process.iterfind(f"{BPMN}laneSet//{BPMN}lane"):
        yield Lane(
            element.get("id") or "",
            plain(element.get("name")),
            element.sourceline,
            tuple((ref.text or "").strip() for ref in element.findall(f"{BPMN}flowNodeRef")),
            element.find(f"{BPMN}childLaneSet") is None,
        )


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def is_definition(element: Any) -> bool:
    """Whether this child is an event definition, or a reference to one."""
    return str(element.tag).startswith(BPMN) and local(element).endswith(
        ("EventDefinition", "eventDefinitionRef")
    )


def camunda_attributes(element: Any) -> dict[str, str]:
    """Its `camunda:` attributes, without prefix."""
    return {
        key[len(CAMUNDA) :]: str(value) for key, value in element.attrib.items() if key.startswith(CAMUNDA)
    }


def camunda_properties(element: Any) -> dict[str, str]:
    """Name → value of its `camunda:properties`; of two with one name the last counts."""
    found = element.iterfind(f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property")
    return {each.get("name"): (each.get("value") or "").strip() for each in found if each.get("name")}


def separated(text: str) -> list[str]:
    """Words between commas, Chinese ones too; a comma inside brackets belongs to its word."""
    pieces = re.split(r"[,，、](?![^(]*\))", text)
    return [piece.strip() for piece in pieces if piece.strip()]
