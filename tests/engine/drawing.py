"""Draws small diagrams for tests: `Drawing().start().task("a").end().line("start", "a", "end").bytes()`."""

from collections.abc import Mapping
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

NAMESPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
)


def marker(
    collection: str | None = "units",
    sequential: bool = False,
    count: str | None = None,
    until: str | None = None,
    item: str | None = None,
) -> str:
    """What makes an activity multi-instance."""
    said = f'isSequential="{str(sequential).lower()}"'
    if count is None and collection is not None:
        said += f" camunda:collection={quoteattr(collection)}"
    if item is not None:
        said += f' camunda:elementVariable="{item}"'
    inner = "" if count is None else f"<loopCardinality>{count}</loopCardinality>"
    inner += "" if until is None else f"<completionCondition><![CDATA[{until}]]></completionCondition>"
    return f"<multiInstanceLoopCharacteristics {said}>{inner}</multiInstanceLoopCharacteristics>"


class Drawing:
    """A diagram in the making; every method returns the drawing."""

    def __init__(self, process: str = "p") -> None:
        self.process = process
        self.parts: list[str] = []
        self.shapes: list[str] = []
        self.declared: list[str] = []
        self.flows = 0

    def node(
        self, tag: str, name: str, attributes: str = "", inner: str = "", **properties: str
    ) -> "Drawing":
        """Any element; `properties` become camunda properties."""
        said = "".join(
            f'<camunda:property name="{key}" value={quoteattr(value)}/>' for key, value in properties.items()
        )
        extensions = ""
        if said:
            extensions = (
                f"<extensionElements><camunda:properties>{said}</camunda:properties></extensionElements>"
            )
        self.parts.append(f'<{tag} id="{name}" name="{name}" {attributes}>{extensions}{inner}</{tag}>')
        return self

    def start(self, name: str = "start", attributes: str = "") -> "Drawing":
        """A plain start."""
        return self.node("startEvent", name, attributes)

    def end(self, name: str = "end", **properties: str) -> "Drawing":
        """A plain end."""
        return self.node("endEvent", name, **properties)

    def task(self, name: str, attributes: str = "", **properties: str) -> "Drawing":
        """A user task."""
        return self.node("userTask", name, attributes, **properties)

    def signing(
        self,
        name: str,
        collection: str | None = "units",
        sequential: bool = False,
        count: str | None = None,
        until: str | None = None,
        item: str | None = None,
        attributes: str = "",
        **properties: str,
    ) -> "Drawing":
        """A user task of several people; `count` replaces the list, `until` is the completion condition."""
        inner = marker(collection, sequential, count, until, item)
        return self.node("userTask", name, attributes, inner, **properties)

    def service(
        self,
        name: str,
        handler: str = "notices.send",
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        attributes: str = "",
    ) -> "Drawing":
        """A service task; `handler` empty leaves it to `attributes` who does the work."""
        given = "".join(
            f"<camunda:{kind}Parameter name={quoteattr(key)}>{escape(text)}</camunda:{kind}Parameter>"
            for kind, written in (("input", inputs), ("output", outputs))
            for key, text in (written or {}).items()
        )
        box = f"<camunda:inputOutput>{given}</camunda:inputOutput>" if given else ""
        called = f"camunda:delegateExpression={quoteattr(handler)}" if handler else ""
        inner = f"<extensionElements>{box}</extensionElements>" if box else ""
        return self.node("serviceTask", name, f"{called} {attributes}", inner)

    def either(self, name: str, default: str | None = None) -> "Drawing":
        """An exclusive gateway; `default` is the id of the default flow."""
        return self.node("exclusiveGateway", name, f'default="{default}"' if default else "")

    def both(self, name: str) -> "Drawing":
        """A parallel gateway."""
        return self.node("parallelGateway", name)

    def timer(
        self,
        name: str,
        on: str,
        text: str,
        kind: str = "timeDuration",
        interrupting: bool = True,
        **properties: str,
    ) -> "Drawing":
        """A boundary timer."""
        inner = f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"
        attributes = f'attachedToRef="{on}" cancelActivity="{str(interrupting).lower()}"'
        return self.node("boundaryEvent", name, attributes, inner, **properties)

    def declare(self, kind: str, *names: str) -> "Drawing":
        """Messages, signals, errors or escalations beside the process; name and code are the id."""
        code = f' {kind}Code="{{0}}"' if kind in ("error", "escalation") else ""
        for name in names:
            self.declared.append(f'<{kind} id="{name}" name="{name}"{code.format(name)}/>')
        return self

    def event(self, tag: str, name: str, kind: str, said: str = "", attributes: str = "") -> "Drawing":
        """An event of any tag; `said` is what it refers to, a timer's duration, or a condition."""
        inner = f'<{kind}EventDefinition {kind}Ref="{said}"/>' if said else f"<{kind}EventDefinition/>"
        if kind == "timer":
            inner = f"<timerEventDefinition><timeDuration>{said}</timeDuration></timerEventDefinition>"
        if kind == "conditional":
            inner = f"<condition><![CDATA[{said}]]></condition>"
            inner = f"<conditionalEventDefinition>{inner}</conditionalEventDefinition>"
        return self.node(tag, name, attributes, inner)

    def throw(self, name: str, kind: str, said: str = "") -> "Drawing":
        """An intermediate event that throws."""
        return self.event("intermediateThrowEvent", name, kind, said)

    def catch(self, name: str, kind: str, said: str = "") -> "Drawing":
        """An intermediate event that waits."""
        return self.event("intermediateCatchEvent", name, kind, said)

    def over(self, name: str, kind: str, said: str = "") -> "Drawing":
        """An end event that throws or terminates."""
        return self.event("endEvent", name, kind, said)

    def edge(self, name: str, on: str, kind: str, said: str = "", interrupting: bool = True) -> "Drawing":
        """A boundary event."""
        attributes = f'attachedToRef="{on}" cancelActivity="{str(interrupting).lower()}"'
        return self.event("boundaryEvent", name, kind, said, attributes)

    def inside(self, name: str, inner: "Drawing", many: str = "") -> "Drawing":
        """An embedded sub-process that holds another drawing; its flows get the name before theirs. `many` is
        what `marker` gives.
        """
        parts = (
            part.replace('<sequenceFlow id="f', f'<sequenceFlow id="{name}_f', 1) for part in inner.parts
        )
        self.declared += inner.declared
        return self.node("subProcess", name, inner="".join(parts) + many)

    def flow(
        self, source: str, target: str, when: str | None = None, name: str | None = None, **properties: str
    ) -> "Drawing":
        """A sequence flow, named f1, f2 … unless `name` is given."""
        self.flows += 1
        inner = "" if when is None else f"<conditionExpression><![CDATA[{when}]]></conditionExpression>"
        return self.node(
            "sequenceFlow",
            name or f"f{self.flows}",
            f'sourceRef="{source}" targetRef="{target}"',
            inner,
            **properties,
        )

    def line(self, *names: str) -> "Drawing":
        """Flows from each to the next."""
        for source, target in pairwise(names):
            self.flow(source, target)
        return self

    def lanes(self, lanes: Mapping[str, list[str]]) -> "Drawing":
        """Lane name → element ids."""
        drawn = "".join(
            f'<lane id="lane_{place}" name={quoteattr(name)}>'
            + "".join(f"<flowNodeRef>{ref}</flowNodeRef>" for ref in refs)
            + "</lane>"
            for place, (name, refs) in enumerate(lanes.items())
        )
        self.parts.insert(0, f'<laneSet id="lanes">{drawn}</laneSet>')
        return self

    def shape(self, element: str, x: int, y: int) -> "Drawing":
        """Where the element stands on the canvas."""
        bounds = f'<dc:Bounds x="{x}" y="{y}" width="9" height="9"/>'
        self.shapes.append(f'<bpmndi:BPMNShape bpmnElement="{element}">{bounds}</bpmndi:BPMNShape>')
        return self

    def bytes(self) -> bytes:
        """The diagram as a file."""
        plane = f"<bpmndi:BPMNPlane>{''.join(self.shapes)}</bpmndi:BPMNPlane>"
        layout = f"<bpmndi:BPMNDiagram>{plane}</bpmndi:BPMNDiagram>"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><definitions {NAMESPACES}>'
            f"{''.join(self.declared)}"
            f'<process id="{self.process}" name="{self.process}" isExecutable="true">'
            f"{''.join(self.parts)}</process>"
            f"{layout if self.shapes else ''}</definitions>"
        ).encode()
