"""From a diagram in bytes to a Version: BPMN with `camunda:` properties, in document order, layout ignored.

The specs are built element by element, without recursion along a line, so that a line of 300 steps parses.
What the linter refuses is refused here too, only less kindly: `check` speaks to people, this module protects
the engine.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from types import MappingProxyType
from typing import Literal

from lxml import etree

from app.engine import expressions, xml
from app.engine.business_rules import DecisionTask
from app.engine.call import Call
from app.engine.decisions import Decisions, compile_decisions
from app.engine.drawn import (
    BPMN,
    CAMUNDA,
    Awaited,
    kind_of,
    read_awaited,
    read_business_rule,
    read_condition,
    read_end,
    read_event,
    read_flows,
    read_lanes,
    read_many,
    read_names,
    read_service,
    read_step,
    read_task_message,
    read_timer,
)
from app.engine.errors import VersionUnknown, VersionUnreadable
from app.engine.events import Boundary, Catcher, EventGateway, Receive
from app.engine.inclusive import Inclusive
from app.engine.instances import ManyTask
from app.engine.joins import Parallel
from app.engine.nodes import (
    EndOfLine,
    Exclusive,
    PassThrough,
    Process,
    StartEvent,
    Terminate,
    UserTask,
)
from app.engine.repeats import Instance, Repeat
from app.engine.services import ServiceTask
from app.engine.shape import OneLevel
from app.engine.source import Source
from app.engine.subprocess import SubProcess
from app.engine.throws import ThrowEnd, ThrowEvent
from app.engine.version import BusinessRule, End, Event, Flow, Service, Step, Timer, Version
from app.engine.wiring import close, connect, hang_events

DRAWN_ONLY = frozenset({
    "sequenceFlow", "laneSet", "textAnnotation", "association", "group", "documentation", "extensionElements",
    "incoming", "outgoing", "multiInstanceLoopCharacteristics",
})  # fmt: skip
STRIPPED = frozenset({"ioSpecification", "property", "correlationSubscription", "resourceRole", "performer"})
SIMPLE = {
    "exclusiveGateway": Exclusive,
    "parallelGateway": Parallel,
    "inclusiveGateway": Inclusive,
    "eventBasedGateway": EventGateway,
    "manualTask": PassThrough,
}
EVENTS = ("startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent")
NODES = frozenset(
    {
        *SIMPLE,
        *EVENTS,
        "userTask",
        "sendTask",
        "receiveTask",
        "serviceTask",
        "businessRuleTask",
        "subProcess",
        "callActivity",
    }
)
END_KINDS = ("none", "terminate", "error", "escalation", "message")
THROW_KINDS = ("none", "escalation", "signal", "message")
CATCH_KINDS = ("timer", "message", "signal", "condition")
BOUNDARY_KINDS = (*CATCH_KINDS, "error", "escalation")
NEVER = ("triggeredByEvent", "isForCompensation", "instantiate")
MARKERS = ("standardLoopCharacteristics", "multiInstanceLoopCharacteristics")
MARKED = {(MARKERS[1], kind) for kind in ("userTask", "subProcess", "callActivity")}
Find = Callable[[str], Version]


@dataclass
class _Draft:
    """A version in the making."""

    spec: Process
    lanes: Mapping[str, str]
    names: Mapping[str, str]
    decisions: Decisions
    no_match: Literal["error", "null"]
    called: Mapping[str, str]
    find: Find
    steps: dict[str, Step] = field(default_factory=dict)
    ends: dict[str, End] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    rules: dict[str, BusinessRule] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    start_messages: dict[str, str] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)


def parse(source: Source, find: Find | None = None) -> Version:
    """Reads one version; `find` gives the versions it calls, when a case comes there.

    Raises VersionUnreadable naming the element; the linter explains better.
    """
    try:
        root = xml.read(source.diagram)
        return _version(source, root, _process(root), find or _nowhere)
    except xml.XmlRefused as error:
        raise VersionUnreadable(f"（{error.zh}）", rule=error.rule) from error
    except expressions.ExpressionRefused as error:
        raise VersionUnreadable(f"（{error.zh}）", rule=error.rule) from error
    except (TypeError, KeyError, ValueError, AttributeError) as error:  # an id missing, a name used twice …
        raise VersionUnreadable("（图形缺少编号，或编号重复）") from error


def _nowhere(version: str) -> Version:
    """Stands in for the catalog where nothing is to be called."""
    raise VersionUnknown(f"（{version}）")


def _version(source: Source, root: etree._Element, process: etree._Element, find: Find) -> Version:
    spec = Process(process.get("id"), process.get("name") or source.key)
    decisions = compile_decisions(source.decisions)
    lanes, words = read_lanes(process), read_names(root)
    draft = _Draft(spec, lanes, words, decisions, source.no_match, source.called, find)
    start = _read_scope(draft, process, None, None)
    close(spec)
    return Version(
        key=source.key,
        version=source.version,
        name=process.get("name") or source.key,
        steps=MappingProxyType(draft.steps),
        ends=MappingProxyType(draft.ends),
        timers=MappingProxyType(draft.timers),
        events=MappingProxyType(draft.events),
        services=MappingProxyType(draft.services),
        rules=MappingProxyType(draft.rules),
        flows=MappingProxyType(draft.flows),
        lanes=tuple(dict.fromkeys(draft.lanes.values())),
        starts=(*(() if start is None else (start.get("id"),)), *draft.start_messages),
        start_messages=MappingProxyType(draft.start_messages),
        start_form=None if start is None else start.get(f"{CAMUNDA}formKey"),
        spec=spec,
        called=MappingProxyType(dict(source.called)),
        calls=MappingProxyType(draft.calls),
        find=find,
    )


def _process(root: etree._Element) -> etree._Element:
    processes = xml.executables(root)
    if len(processes) != 1:
        raise VersionUnreadable("（须有且只有一个可执行的流程）")
    return processes[0]


def _read_scope(
    draft: _Draft, scope: etree._Element, lane: str | None, within: SubProcess | None
) -> etree._Element | None:
    """The elements of the process or of one sub-process; returns its plain start event.

    A process that only messages begin has none.
    """
    drawn = {intern(node.get("id")): node for node in scope if kind_of(node) in NODES}
    for node in scope:
        if str(node.tag).startswith(BPMN) and kind_of(node) not in DRAWN_ONLY | STRIPPED | NODES:
            raise _unsupported(node)
    flows = read_flows(scope, drawn)
    draft.flows.update({flow.id: flow for flow in flows})
    events = []
    for name, node in drawn.items():
        spec = _element(draft, node, draft.lanes.get(name, lane), within)
        if within is not None:
            spec.home = within.name
        if isinstance(spec, Boundary):
            events.append(spec)
    hang_events(draft.spec, events, within)
    connect(draft.spec, flows)
    starts = [
        node
        for name, node in drawn.items()
        if kind_of(node) == "startEvent" and name not in draft.start_messages
    ]
    if len(starts) > 1 or not (starts or (draft.start_messages and within is None)):
        raise VersionUnreadable("（须有且只有一个启动事件）", element=scope.get("id"))
    return starts[0] if starts else None


def _element(draft: _Draft, node: etree._Element, lane: str | None, within: SubProcess | None) -> OneLevel:
    kind, spec, name, label = kind_of(node), draft.spec, intern(node.get("id")), node.get("name")
    if any(node.get(each) == "true" for each in NEVER) or any(
        kind_of(child) in MARKERS and (kind_of(child), kind) not in MARKED for child in node
    ):
        raise _unsupported(node)
    if kind == "userTask":
        draft.steps[name] = step = read_step(node, lane)
        return (UserTask if step.many is None else ManyTask)(spec, step, label)
    if kind == "serviceTask":
        draft.services[name] = service = read_service(node)
        return ServiceTask(spec, service)
    if kind == "businessRuleTask":
        draft.rules[name] = rule = read_business_rule(node)
        return DecisionTask(spec, rule, draft.decisions, draft.no_match)
    if kind in SIMPLE:
        return SIMPLE[kind](spec, name, label)
    if kind == "callActivity":
        return _call(draft, node)
    if kind == "subProcess":
        return _sub_process(draft, node, lane)
    is_task = kind in ("sendTask", "receiveTask")
    about = read_task_message(node, draft.names) if is_task else read_awaited(node, draft.names)
    if kind == "endEvent":
        return _end(draft, node, about, within)
    if kind == "startEvent":
        _only(node, about, ("none", "message") if within is None else ("none",))
        if about.kind == "message":
            draft.start_messages[name] = about.what
        return StartEvent(spec, name, label)
    if kind in ("intermediateThrowEvent", "sendTask"):
        _only(node, about, THROW_KINDS)
        draft.events[name] = event = read_event(node, about)
        if about.kind == "none":  # nothing is thrown; it may carry a milestone
            return PassThrough(spec, name, label)
        return ThrowEvent(spec, event)
    return _catcher(draft, node, about)


def _sub_process(draft: _Draft, node: etree._Element, lane: str | None) -> OneLevel:
    many = read_many(node)
    if many is None:
        spec = SubProcess(draft.spec, node.get("id"), node.get("name"))
        spec.first = _first(draft, node, lane, spec)
        return spec
    whole = Repeat(draft.spec, node.get("id"), node.get("name"), many)
    each = Instance(draft.spec, whole)
    before = set(draft.spec.task_specs)
    each.first = _first(draft, node, lane, each)
    each.inside = frozenset(set(draft.spec.task_specs) - before)
    return whole


def _first(draft: _Draft, node: etree._Element, lane: str | None, within: SubProcess) -> str:
    """Reads what lies in a sub-process; returns where its token begins."""
    start = _read_scope(draft, node, lane, within)
    assert start is not None
    return str(start.get("id"))


def _call(draft: _Draft, node: etree._Element) -> OneLevel:
    name, key = node.get("id"), node.get("calledElement", "")
    if key not in draft.called:
        raise VersionUnreadable(f"（{name} 调用的流程 {key} 没有确定的版本）", element=name)
    draft.calls[name] = key
    many = read_many(node)
    if many is None:
        return Call(draft.spec, name, node.get("name"), key, draft.called[key], draft.find)
    whole = Repeat(draft.spec, name, node.get("name"), many)  # each instance holds one call and nothing else
    each = Instance(draft.spec, whole)
    call = Call(draft.spec, f"{name}.Call", node.get("name"), key, draft.called[key], draft.find)
    call.element, call.bpmn_id, call.home = name, None, each.name
    each.first = call.name
    return whole


def _end(draft: _Draft, node: etree._Element, about: Awaited, within: SubProcess | None) -> OneLevel:
    _only(node, about, END_KINDS)
    spec, name, label = draft.spec, node.get("id"), node.get("name")
    draft.ends[name] = drawn = read_end(node, about)
    made: EndOfLine
    if about.kind == "none":
        made = EndOfLine(spec, name, label)
    elif about.kind == "terminate":
        made = Terminate(spec, name, label)
    else:
        made = ThrowEnd(spec, drawn, label)
    if within is None:  # inside, the sub-process sees for itself when nothing is left
        made.connect(spec.end)
    return made


def _catcher(draft: _Draft, node: etree._Element, about: Awaited) -> Catcher:
    on_edge = kind_of(node) == "boundaryEvent"
    _only(node, about, BOUNDARY_KINDS if on_edge else CATCH_KINDS)
    kind, name = about.kind, node.get("id")
    make = Boundary if on_edge else Receive if kind_of(node) == "receiveTask" else Catcher
    assert about.element is not None
    if kind == "timer":
        timer, when = read_timer(node, about.element)
        draft.timers[name] = timer
        spec = make(draft.spec, timer, kind)
        spec.definition = when
    else:
        draft.events[name] = event = read_event(node, about)
        spec = make(draft.spec, event, kind)
        if kind == "condition":
            spec.condition = read_condition(node, about.element)
        if kind == "error" and not event.interrupting:
            raise _unsupported(node)
    if isinstance(spec, Boundary) and not spec.drawn.interrupting:
        spec.interrupting = False
    return spec


def _only(node: etree._Element, about: Awaited, kinds: Iterable[str]) -> None:
    if about.kind not in kinds:
        raise VersionUnreadable(f"（事件 {node.get('id')} 的类型尚不支持）", element=node.get("id"))


def _unsupported(node: etree._Element) -> VersionUnreadable:
    return VersionUnreadable(f"（{kind_of(node)}：{node.get('id')} 尚不支持）", element=node.get("id"))
