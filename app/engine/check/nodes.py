"""What is drawn, as the rules see it: nodes, flows, lanes, and how their elements are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.engine.check.words import KINDS, Named, named, plain, short

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
EXTENSIONS = f"{BPMN}extensionElements"
MARKER = f"{BPMN}multiInstanceLoopCharacteristics"
NOTHING: Mapping[str, str] = {}

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
    """An event, task or gateway. `attributes` and `properties` are the camunda ones, without prefix.

    `definitions` are the local names of its event definitions; `marker` says that several people act here, or
    that it is done several times; None elsewhere.
    """

    id: str
    kind: str
    label: str
    line: int | None
    element: Any
    attributes: Mapping[str, str]
    properties: Mapping[str, str]
    definitions: tuple[str, ...]
    marker: Any

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

    @property
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


def read_node(element: Any, kind: str, identifier: str) -> Node:
    """One event, task or gateway; its children are looked at once."""
    definitions, marker, properties = [], None, NOTHING
    for child in element:
        tag = str(child.tag)
        if tag == EXTENSIONS:
            properties = camunda_properties(element)
        elif tag == MARKER:
            marker = child if marker is None else marker
        elif is_definition(child):
            definitions.append(local(child))
    return Node(
        identifier,
        kind,
        plain(element.get("name")),
        element.sourceline,
        element,
        camunda_attributes(element),
        properties,
        tuple(definitions),
        marker,
    )


def read_flow(element: Any, identifier: str) -> Flow:
    """One sequence flow."""
    return Flow(
        identifier,
        plain(element.get("name")),
        element.sourceline,
        element,
        element.get("sourceRef") or "",
        element.get("targetRef") or "",
        (element.findtext(f"{BPMN}conditionExpression") or "").strip() or None,
        camunda_attributes(element),
        camunda_properties(element) if len(element) else NOTHING,
    )


def read_lanes(process: Any) -> Iterator[Lane]:
    """The lanes of a process, at any depth."""
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
