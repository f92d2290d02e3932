"""What an element of a diagram says, as frozen values: steps, ends, events, timers, flows and lanes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from types import MappingProxyType

from lxml import etree

from app.engine import expressions
from app.engine.errors import EngineError, VersionUnreadable
from app.engine.expressions import Expression
from app.engine.functions import HANDED
from app.engine.picture import Outcome
from app.engine.services import bare, output_of
from app.engine.timers import TimerDefinition, is_literal
from app.engine.version import DEFAULT_PRIORITY, BusinessRule, End, Event, Flow, Many, Service, Step, Timer
from app.engine.votes import VoteRefused, read_vote

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
TIMER_KINDS = (("timeDate", "date"), ("timeDuration", "duration"), ("timeCycle", "cycle"))
DEFAULT_OUTCOMES = (Outcome("完成"),)
LATE = 1_000_000  # flows without p:order come after those that have one, in document order
# Definition → the word we use, and the attribute that names what stands beside the processes in the file.
DEFINITIONS = {
    "timerEventDefinition": ("timer", ""),
    "messageEventDefinition": ("message", "messageRef"),
    "signalEventDefinition": ("signal", "signalRef"),
    "conditionalEventDefinition": ("condition", ""),
    "errorEventDefinition": ("error", "errorRef"),
    "escalationEventDefinition": ("escalation", "escalationRef"),
    "terminateEventDefinition": ("terminate", ""),
}
CODES = {"error": "errorCode", "escalation": "escalationCode"}


@dataclass(frozen=True)
class Awaited:
    """What an event is about: its kind, the name or code it refers to, and the definition itself."""

    kind: str
    what: str
    element: etree._Element | None


def kind_of(node: etree._Element) -> str:
    """The element's name without its namespace; empty for what is not BPMN."""
    return node.tag.removeprefix(BPMN) if isinstance(node.tag, str) else ""


def read_names(root: etree._Element) -> dict[str, str]:
    """Id → name or code of every message, signal, error and escalation declared beside the processes."""
    found = {}
    for node in root:
        kind = kind_of(node)
        if kind in ("message", "signal", "error", "escalation") and node.get("id"):
            code = node.get(CODES[kind]) if kind in CODES else None
            found[node.get("id")] = intern(code or node.get("name") or node.get("id"))
    return found


def read_awaited(node: etree._Element, names: Mapping[str, str]) -> Awaited:
    """What this event is about; kind none when it says nothing. Raises VersionUnreadable."""
    definitions = [child for child in node if kind_of(child).endswith("EventDefinition")]
    if not definitions:
        return Awaited("none", "", None)
    kind, attribute = DEFINITIONS.get(kind_of(definitions[0]), ("", ""))
    if len(definitions) > 1 or not kind:
        raise VersionUnreadable(f"（事件 {node.get('id')} 的类型尚不支持）", element=node.get("id"))
    ref = definitions[0].get(attribute, "").strip() if attribute else ""  # as the check reads it
    if ref and ref not in names:
        raise VersionUnreadable(f"（事件 {node.get('id')} 所指的 {ref} 不存在）", element=node.get("id"))
    if not ref and kind in ("message", "signal"):
        raise VersionUnreadable(f"（事件 {node.get('id')} 没有写名字）", element=node.get("id"))
    return Awaited(kind, names[ref] if ref else "", definitions[0])


def read_task_message(node: etree._Element, names: Mapping[str, str]) -> Awaited:
    """The message of a send or receive task. Raises VersionUnreadable."""
    ref = node.get("messageRef", "").strip()
    if ref not in names:
        raise VersionUnreadable(f"（任务 {node.get('id')} 没有写消息）", element=node.get("id"))
    return Awaited("message", names[ref], node)


def read_lanes(process: etree._Element) -> dict[str, str]:
    """Element id → lane name; the innermost lane counts."""
    found = {}
    for lane in process.iter(f"{BPMN}lane"):
        for ref in lane.findall(f"{BPMN}flowNodeRef"):
            name = " ".join((lane.get("name") or "").split())  # as the check reads it
            found[(ref.text or "").strip()] = name or lane.get("id")
    return found


def properties(node: etree._Element) -> dict[str, str]:
    """`camunda:property` name → value, and camunda attributes beside them."""
    found = {
        key.removeprefix(CAMUNDA): value for key, value in node.attrib.items() if key.startswith(CAMUNDA)
    }
    for each in node.findall(f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property"):
        if each.get("name"):
            found[each.get("name")] = (each.get("value") or "").strip()
    return found


def read_step(node: etree._Element, lane: str | None) -> Step:
    """A user task."""
    said = properties(node)
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
        users=compiled(users) if users.startswith("${") else _listed(users),
        assignee=_literal_or_compiled(said.get("assignee")),
        return_to=_listed(said.get("returnTo", "")) or ("*",),
        not_same_as=_listed(said.get("notSameAs", "")),
        extensions=MappingProxyType(said),
        many=read_many(node, outcomes),
    )


def read_service(node: etree._Element) -> Service:
    """A service task: a handler, called now or in a job, or a topic of work done outside."""
    said = properties(node)
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


def read_business_rule(node: etree._Element) -> BusinessRule:
    """A business rule task. As in Camunda a variable gets the whole list of results unless said otherwise."""
    said = properties(node)
    variable = said.get("resultVariable", "").strip() or None
    if not said.get("decisionRef", "").strip():
        raise VersionUnreadable(f"（{node.get('id')} 没有写决策表）", element=node.get("id"))
    return BusinessRule(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        decision=said["decisionRef"].strip(),
        variable=variable,
        mapping=said.get("mapDecisionResult") or ("resultList" if variable else "singleResult"),
        extensions=MappingProxyType(said),
    )


def read_many(node: etree._Element, outcomes: Iterable[Outcome] = DEFAULT_OUTCOMES) -> Many | None:
    """That this is done by several people, or for several items; None when it is not."""
    said = properties(node)
    marker = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if marker is None:
        return None
    collection = (marker.get(f"{CAMUNDA}collection") or "").strip()
    cardinality = (marker.findtext(f"{BPMN}loopCardinality") or "").strip()
    condition = (marker.findtext(f"{BPMN}completionCondition") or "").strip()
    if not collection and not cardinality:
        raise VersionUnreadable(f"（{node.get('id')} 没有写多实例的名单）", element=node.get("id"))
    try:
        vote = read_vote(said.get("vote"), said.get("early"), [each.name for each in outcomes])
    except VoteRefused as error:
        raise VersionUnreadable(
            f"（{node.get('id')} 的表决规则{error.zh}）", element=node.get("id"), rule=error.rule
        ) from error
    return Many(
        sequential=marker.get("isSequential") == "true",
        collection=compiled(collection) if collection else None,
        cardinality=_cardinality(cardinality),
        variable=(marker.get(f"{CAMUNDA}elementVariable") or "").strip() or "item",
        vote=vote,
        condition=compiled(condition) if condition else None,
    )


def _cardinality(text: str) -> int | Expression | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else compiled(text)


def read_end(node: etree._Element, awaited: Awaited) -> End:
    """An end event."""
    said = properties(node)
    return End(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        status=said.get("status") or None,
        event=said.get("event") or None,
        close_reason=said.get("closeReason") or None,
        extensions=MappingProxyType(said),
        kind=awaited.kind,
        what=awaited.what,
    )


def read_event(node: etree._Element, awaited: Awaited) -> Event:
    """An event in the line or on an edge that is no timer."""
    said = properties(node)
    step = node.get("attachedToRef")
    return Event(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        kind=awaited.kind,
        what=awaited.what,
        step=step,
        interrupting=step is not None and node.get("cancelActivity") != "false",
        on_return=said.get("onReturn", "keep"),
        extensions=MappingProxyType(said),
    )


def read_timer(node: etree._Element, definition: etree._Element) -> tuple[Timer, TimerDefinition]:
    """A timer, with when it is due."""
    said = properties(node)
    written = [(kind, (definition.findtext(f"{BPMN}{tag}") or "").strip()) for tag, kind in TIMER_KINDS]
    kind, text = next((each for each in written if each[1]), ("", ""))
    if not text:
        raise VersionUnreadable(f"（定时器 {node.get('id')} 没有写时间）", element=node.get("id"))
    step = node.get("attachedToRef")
    if kind == "cycle" and step is None:
        raise VersionUnreadable(f"（定时器 {node.get('id')} 不在任务边上，不能循环）", element=node.get("id"))
    try:
        when = TimerDefinition(node.get("id"), kind, text, None if is_literal(text) else compiled(text))
    except EngineError as error:
        raise VersionUnreadable(f"{error.detail}", element=node.get("id"), rule=error.rule) from error
    timer = Timer(
        id=node.get("id"),
        name=node.get("name") or node.get("id"),
        step=step or node.get("id"),
        kind=kind,
        text=text,
        interrupting=step is not None and node.get("cancelActivity") != "false",
        bound=when.bound,
        on_return=said.get("onReturn", "keep"),
        extensions=MappingProxyType(said),
    )
    return timer, when


def read_condition(node: etree._Element, definition: etree._Element) -> Expression:
    """What a conditional event waits for."""
    text = (definition.findtext(f"{BPMN}condition") or "").strip()
    if not text:
        raise VersionUnreadable(f"（条件事件 {node.get('id')} 没有写条件）", element=node.get("id"))
    return compiled(text)


def read_flows(scope: etree._Element, drawn: Mapping[str, etree._Element]) -> list[Flow]:
    """The flows of one process or sub-process, in the order a gateway tries them."""
    defaults = {node.get("default") for node in drawn.values() if node.get("default")}
    lines = scope.findall(f"{BPMN}sequenceFlow")
    before: dict[str, set[str]] = {}
    for node in lines:
        before.setdefault(node.get("targetRef"), set()).add(node.get("sourceRef"))
    flows = []
    for place, node in enumerate(lines):
        said = properties(node)
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
                condition=compiled(text, _step_before(before.get(source, set()), drawn)) if text else None,
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
    return source if source in drawn and kind_of(drawn[source]) == "userTask" else None


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
    return compiled(text)


def _literal_or_compiled(text: str | None) -> str | Expression | None:
    if not text:
        return None
    return compiled(text) if text.startswith("${") else text


def compiled(text: str, outcome_of: str | None = None) -> Expression:
    """An expression without its tree."""
    return expressions.compile_expression(text, None, HANDED, outcome_of).pruned()
