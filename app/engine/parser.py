"""From a diagram in bytes to a Version: BPMN with `camunda:` properties, in document order, layout ignored.

The specs are built element by element, without recursion, so that a line of 300 steps parses. What the linter
refuses is refused here too, only less kindly: `check` speaks to people, this module protects the engine.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from sys import intern
from types import MappingProxyType

from lxml import etree

from app.engine import expressions, xml
from app.engine.errors import EngineError, VersionUnreadable
from app.engine.expressions import Expression
from app.engine.functions import HANDED
from app.engine.instances import ManyTask
from app.engine.nodes import EndOfLine, Exclusive, Parallel, Process, Split, StartEvent, TimerEvent, UserTask
from app.engine.picture import Outcome
from app.engine.services import ServiceTask, bare, output_of
from app.engine.source import Source
from app.engine.timers import TimerDefinition, is_literal
from app.engine.version import DEFAULT_PRIORITY, End, Flow, Many, Service, Step, Timer, Version
from app.engine.votes import VoteRefused, read_vote

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
NODES = (
    "startEvent",
    "userTask",
    "serviceTask",
    "exclusiveGateway",
    "parallelGateway",
    "endEvent",
    "boundaryEvent",
)
DRAWN_ONLY = frozenset({
    "sequenceFlow", "laneSet", "textAnnotation", "association", "group", "documentation", "extensionElements",
})  # fmt: skip
NO_TREE = ast.Constant(None)
STRIPPED = frozenset({"ioSpecification", "property", "correlationSubscription", "resourceRole", "performer"})
TIMER_KINDS = (("timeDate", "date"), ("timeDuration", "duration"), ("timeCycle", "cycle"))
DEFAULT_OUTCOMES = (Outcome("完成"),)
LATE = 1_000_000  # flows without p:order come after those that have one, in document order


def parse(source: Source) -> Version:
    """Reads one version. Raises VersionUnreadable naming the element; the linter explains better."""
    try:
        root = xml.read(source.diagram)
        return _version(source, _process(root))
    except xml.XmlRefused as error:
        raise VersionUnreadable(f"（{error.zh}）", rule=error.rule) from error
    except expressions.ExpressionRefused as error:
        raise VersionUnreadable(f"（{error.zh}）", rule=error.rule) from error
    except (TypeError, KeyError, ValueError, AttributeError) as error:  # an id missing, a name used twice …
        raise VersionUnreadable("（图形缺少编号，或编号重复）") from error


def _version(source: Source, process: etree._Element) -> Version:
    lanes = _lanes(process)
    drawn = {intern(node.get("id")): node for node in process if _kind(node) in NODES}
    for node in process:
        if str(node.tag).startswith(BPMN) and _kind(node) not in DRAWN_ONLY | STRIPPED | set(NODES):
            raise VersionUnreadable(f"（{_kind(node)}：{node.get('id')} 尚不支持）", element=node.get("id"))
    flows = _flows(process, drawn)
    spec = Process(process.get("id"), process.get("name") or source.key)
    steps, ends, timers, services = {}, {}, {}, {}
    for name, node in drawn.items():
        kind = _kind(node)
        label = node.get("name")
        if kind == "userTask":
            steps[name] = step = _step(node, lanes.get(name))
            (UserTask if step.many is None else ManyTask)(spec, step, label)
        elif kind == "serviceTask":
            services[name] = _service(node)
            ServiceTask(spec, services[name])
        elif kind == "endEvent":
            _only_plain(node)
            EndOfLine(spec, name, label).connect(spec.end)
            ends[name] = _end(node)
        elif kind == "boundaryEvent":
            timers[name] = _timer(spec, node)
        elif kind == "startEvent":
            _only_plain(node)
            StartEvent(spec, name, label)
        else:
            (Exclusive if kind == "exclusiveGateway" else Parallel)(spec, name, label)
    _hang_events(spec, timers)
    _connect(spec, flows)
    starts = [node for node in drawn.values() if _kind(node) == "startEvent"]
    if len(starts) != 1:
        raise VersionUnreadable("（须有且只有一个启动事件）", element=process.get("id"))
    spec.start.connect(spec.task_specs[starts[0].get("id")])
    return Version(
        key=source.key,
        version=source.version,
        name=process.get("name") or source.key,
        steps=MappingProxyType(steps),
        ends=MappingProxyType(ends),
        timers=MappingProxyType(timers),
        services=MappingProxyType(services),
        flows=MappingProxyType({flow.id: flow for flow in flows}),
        lanes=tuple(dict.fromkeys(lanes.values())),
        starts=(starts[0].get("id"),),
        start_form=starts[0].get(f"{CAMUNDA}formKey"),
        spec=spec,
        called=MappingProxyType(dict(source.called)),
    )


def _process(root: etree._Element) -> etree._Element:
    processes = [each for each in root.iter(f"{BPMN}process") if each.get("isExecutable") != "false"]
    if len(processes) != 1:
        raise VersionUnreadable("（须有且只有一个可执行的流程）")
    return processes[0]


def _kind(node: etree._Element) -> str:
    return node.tag.removeprefix(BPMN) if isinstance(node.tag, str) else ""


def _only_plain(node: etree._Element) -> None:
    if any(_kind(child).endswith("EventDefinition") for child in node):
        raise VersionUnreadable(f"（事件 {node.get('id')} 的类型尚不支持）", element=node.get("id"))


def _lanes(process: etree._Element) -> dict[str, str]:
    """Element id → lane name; the innermost lane counts."""
    found = {}
    for lane in process.iter(f"{BPMN}lane"):
        for ref in lane.findall(f"{BPMN}flowNodeRef"):
            found[(ref.text or "").strip()] = lane.get("name") or lane.get("id")
    return found


def _properties(node: etree._Element) -> dict[str, str]:
    """`camunda:property` name → value, and camunda attributes beside them."""
    found = {
        key.removeprefix(CAMUNDA): value for key, value in node.attrib.items() if key.startswith(CAMUNDA)
    }
    for each in node.findall(f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property"):
        if each.get("name"):
            found[each.get("name")] = (each.get("value") or "").strip()
    return found


def _step(node: etree._Element, lane: str | None) -> Step:
    said = _properties(node)
    users = said.get("candidateUsers", "")
    outcomes = _outcomes(said.get("outcomes", ""))
    return Step(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        lane=lane,
        form=said.get("formKey"),
        outcomes=outcomes,
        clocks=_listed(said.get("clock", "")),
        status=said.get("status") or None,
        event=said.get("event") or None,
        priority=_priority(said.get("priority"), node.get("id")),
        candidates=_listed(said.get("candidateGroups", "")),
        users=_compiled(users) if users.startswith("${") else _listed(users),
        assignee=_literal_or_compiled(said.get("assignee")),
        return_to=_listed(said.get("returnTo", "")) or ("*",),
        not_same_as=_listed(said.get("notSameAs", "")),
        extensions=MappingProxyType(said),
        many=_many(node, said, outcomes),
    )


def _service(node: etree._Element) -> Service:
    said = _properties(node)
    external = said.get("type") == "external"
    handler = said.get("topic", "").strip() if external else bare(said.get("delegateExpression", ""))
    if not handler:
        raise VersionUnreadable(f"（服务任务 {node.get('id')} 没有写处理程序）", element=node.get("id"))
    inner = f"{BPMN}extensionElements/{CAMUNDA}inputOutput/{CAMUNDA}"
    inputs = [
        (each.get("name"), (each.text or "").strip()) for each in node.findall(f"{inner}inputParameter")
    ]
    outputs = [
        (each.get("name"), (each.text or "").strip()) for each in node.findall(f"{inner}outputParameter")
    ]
    return Service(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        handler=handler,
        awaits="external" if external else "job" if said.get("asyncBefore") == "true" else None,
        inputs=tuple((name, _literal_or_compiled(text) or "") for name, text in inputs),
        outputs=tuple(output_of(name, text) for name, text in outputs),
        extensions=MappingProxyType(said),
    )


def _many(
    node: etree._Element, said: Mapping[str, str], outcomes: Iterable[Outcome] = DEFAULT_OUTCOMES
) -> Many | None:
    """That several people act on this step; None when one does."""
    marker = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if marker is None:
        return None
    collection = (marker.get(f"{CAMUNDA}collection") or "").strip()
    cardinality = (marker.findtext(f"{BPMN}loopCardinality") or "").strip()
    condition = (marker.findtext(f"{BPMN}completionCondition") or "").strip()
    if not collection and not cardinality:
        raise VersionUnreadable(f"（任务 {node.get('id')} 没有写办理人的名单）", element=node.get("id"))
    try:
        vote = read_vote(said.get("vote"), said.get("early"), [each.name for each in outcomes])
    except VoteRefused as error:
        raise VersionUnreadable(
            f"（{node.get('id')} 的表决规则{error.zh}）", element=node.get("id"), rule=error.rule
        ) from error
    return Many(
        sequential=marker.get("isSequential") == "true",
        collection=_compiled(collection) if collection else None,
        cardinality=_cardinality(cardinality),
        variable=(marker.get(f"{CAMUNDA}elementVariable") or "").strip() or "item",
        vote=vote,
        condition=_compiled(condition) if condition else None,
    )


def _cardinality(text: str) -> int | Expression | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else _compiled(text)


def _end(node: etree._Element) -> End:
    said = _properties(node)
    return End(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        status=said.get("status") or None,
        event=said.get("event") or None,
        close_reason=said.get("closeReason") or None,
        extensions=MappingProxyType(said),
    )


def _timer(spec: Process, node: etree._Element) -> Timer:
    definitions = [child for child in node if _kind(child).endswith("EventDefinition")]
    if len(definitions) != 1 or _kind(definitions[0]) != "timerEventDefinition":
        raise VersionUnreadable(f"（边界事件 {node.get('id')} 的类型尚不支持）", element=node.get("id"))
    said = _properties(node)
    written = [(kind, (definitions[0].findtext(f"{BPMN}{tag}") or "").strip()) for tag, kind in TIMER_KINDS]
    kind, text = next((each for each in written if each[1]), ("", ""))
    if not text:
        raise VersionUnreadable(f"（定时器 {node.get('id')} 没有写时间）", element=node.get("id"))
    try:
        definition = TimerDefinition(
            node.get("id"), kind, text, None if is_literal(text) else _compiled(text)
        )
    except EngineError as error:
        raise VersionUnreadable(f"{error.detail}", element=node.get("id"), rule=error.rule) from error
    interrupting = node.get("cancelActivity") != "false"
    TimerEvent(spec, node.get("id"), definition, interrupting, node.get("name"))
    return Timer(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        step=node.get("attachedToRef"),
        kind=kind,
        text=text,
        interrupting=interrupting,
        bound=definition.bound,
        on_return=said.get("onReturn", "keep"),
        extensions=MappingProxyType(said),
    )


def _flows(process: etree._Element, drawn: Mapping[str, etree._Element]) -> list[Flow]:
    defaults = {node.get("default") for node in drawn.values() if node.get("default")}
    lines = process.findall(f"{BPMN}sequenceFlow")
    before: dict[str, set[str]] = {}
    for node in lines:
        before.setdefault(node.get("targetRef"), set()).add(node.get("sourceRef"))
    flows = []
    for place, node in enumerate(lines):
        said = _properties(node)
        source, target = intern(node.get("sourceRef", "")), intern(node.get("targetRef", ""))
        if source not in drawn or target not in drawn:
            raise VersionUnreadable(f"（连线 {node.get('id')} 没有接好）", element=node.get("id"))
        text = (node.findtext(f"{BPMN}conditionExpression") or "").strip()
        order = said.get("order", "")
        flows.append(
            Flow(
                id=intern(node.get("id")),
                source=source,
                target=target,
                name=node.get("name"),
                condition=_compiled(text, _step_before(before.get(source, set()), drawn)) if text else None,
                default=node.get("id") in defaults,
                order=int(order) if order.lstrip("-").isdigit() else LATE + place,
                label=said.get("label") or node.get("name"),
            )
        )
    return sorted(flows, key=lambda flow: flow.order)


def _step_before(sources: set[str], drawn: Mapping[str, etree._Element]) -> str | None:
    """The one user task directly before a gateway, whose outcome a bare `outcome` means."""
    if len(sources) != 1:
        return None
    (source,) = sources
    return source if source in drawn and _kind(drawn[source]) == "userTask" else None


def _hang_events(spec: Process, timers: Mapping[str, Timer]) -> None:
    """Puts a split before each step that has boundary events."""
    for timer in timers.values():
        step = spec.task_specs.get(timer.step)
        if not isinstance(step, UserTask):
            raise VersionUnreadable(f"（定时器 {timer.id} 没有挂在人工任务上）", element=timer.id)
        split = spec.task_specs.get(_split_name(timer.step))
        if split is None:
            split = Split(spec, _split_name(timer.step))
            split.connect(step)
        event = spec.task_specs[timer.id]
        event.step = timer.step
        split.connect(event)


def _connect(spec: Process, flows: Iterable[Flow]) -> None:
    specs = spec.task_specs
    out: dict[str, list[Flow]] = {}
    for flow in flows:
        out.setdefault(flow.source, []).append(flow)
        source, target = specs[flow.source], specs.get(_split_name(flow.target)) or specs[flow.target]
        if isinstance(source, Exclusive):
            source.target_of[flow.id] = target.name
            if flow.default:
                source.connect(target)
            else:  # without a condition it always holds; the linter warns
                source.connect_outgoing_if(flow.condition.text if flow.condition else "True", target)
        else:
            source.connect(target)
    for name, leaving in out.items():
        source = specs[name]
        if isinstance(source, Exclusive):
            plain = [
                flow for flow in leaving if flow.default or (flow.condition is None and len(leaving) == 1)
            ]
            source.way_out = plain[0] if plain else None
            source.flows = tuple(flow for flow in leaving if flow is not source.way_out)
            if source.way_out is None and any(flow.condition is None for flow in source.flows):
                raise VersionUnreadable(f"（网关 {name} 的一条出口没有条件，也不是默认出口）", element=name)
        elif isinstance(source, UserTask | ServiceTask) and len(leaving) > 1:
            raise VersionUnreadable(f"（任务 {name} 有多条出口，请在其后画网关）", element=name)
        elif any(flow.condition is not None for flow in leaving):
            raise VersionUnreadable(f"（只有网关的出口可以写条件，见 {name}）", element=name)
    for each in specs.values():
        if isinstance(each, Parallel):
            each.needed = Counter(each._inputs)

        each.freeze()


def _split_name(step: str) -> str:
    return f"{step}.BoundaryEventSplit"


def _outcomes(text: str) -> tuple[Outcome, ...]:
    found = tuple(Outcome(name.rstrip("!！").strip(), name.endswith(("!", "！"))) for name in _listed(text))
    return found or DEFAULT_OUTCOMES


def _listed(text: str) -> tuple[str, ...]:
    """Comma-separated words, Chinese commas too; a comma inside brackets belongs to the word."""
    words, word, depth = [], "", 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter in ",，、" and depth <= 0:
            words.append(word.strip())
            word = ""
        else:
            word += letter
    words.append(word.strip())
    return tuple(word for word in words if word)


def _priority(text: str | None, element: str) -> int | Expression:
    if not text:
        return DEFAULT_PRIORITY
    if text.isdigit():
        if int(text) > 100:
            raise VersionUnreadable(f"（任务 {element} 的优先级须在 0 到 100 之间）", element=element)
        return int(text)
    return _compiled(text)


def _literal_or_compiled(text: str | None) -> str | Expression | None:
    if not text:
        return None
    return _compiled(text) if text.startswith("${") else text


def _compiled(text: str, outcome_of: str | None = None) -> Expression:
    compiled = expressions.compile_expression(text, None, HANDED, outcome_of)
    return replace(compiled, tree=NO_TREE)  # only the linter reads it, and it is ten times the rest
