"""Elements: what is refused and what to draw instead, scripts, listeners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from app.engine.check.advice import (
    EVENT_WORDS,
    EVENTS_FORBIDDEN,
    EVENTS_OPEN,
    HARMLESS,
    INSTEAD_OF_SCRIPT,
    KINDS_FORBIDDEN,
    REFUSED_ATTRIBUTES,
    REFUSED_EXTENSIONS,
    SCRIPT_LANGUAGES,
    SCRIPTS,
    STRIPPED,
    Advice,
)
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import BPMN, CAMUNDA, NODES, Node, is_definition, local
from app.engine.check.words import Named, in_row, named, plain

FORBIDDEN = "bpmn-element-forbidden"
SCRIPT = "bpmn-script-forbidden"
LISTENER = "bpmn-listener-forbidden"
LISTENERS = frozenset({"executionListener", "taskListener", "executionListeners", "taskListeners"})
# What a closer look is worth at; most elements have none of it.
SUSPECT = frozenset(each.lower() for each in SCRIPTS | LISTENERS | STRIPPED | REFUSED_EXTENSIONS.keys())
SUSPECT_ATTRIBUTES = frozenset({"language", "scriptFormat", *(CAMUNDA + name for name in REFUSED_ATTRIBUTES)})
MANY = frozenset({"userTask", "subProcess", "callActivity"})


class _Owner(NamedTuple):
    """The nearest element with an id, which is what a person can click on."""

    id: str
    line: int | None
    named: Named


def check_elements(report: Report, diagram: Diagram) -> frozenset[str]:
    """Tells every element that may not stay; returns their ids, so that other rules leave them alone."""
    foreign: set[str] = set()
    for node in diagram.nodes.values():
        if _refused_node(report, node, inside=diagram.outer is not None):
            foreign.add(node.id)
    for element in diagram.process:
        kind = local(element)
        if kind == "multiInstanceLoopCharacteristics":
            continue  # a sub-process's own marker
        if element.tag.startswith(BPMN) and kind not in NODES and kind not in HARMLESS:
            _refused_other(report, element, kind)
    if diagram.outer is None:
        foreign.update(_check_scripts(report, diagram))
    return frozenset(foreign)


def _refused_node(report: Report, node: Node, inside: bool) -> bool:
    if node.kind == "scriptTask":
        report.error(
            SCRIPT,
            node,
            f"{node.named.zh} 不能写脚本。{INSTEAD_OF_SCRIPT.zh}",
            f"{node.named.en} may hold no script. {INSTEAD_OF_SCRIPT.en}",
        )
        return True
    if node.kind == "subProcess" and node.element.get("triggeredByEvent") == "true":
        report.error(
            FORBIDDEN,
            node,
            f"{node.named.zh} 不能由事件触发。请把主干包进子流程、把事件画在它的边上。",
            f"{node.named.en} may not be triggered by an event. "
            "Wrap the main part in a sub-process and put the event on its edge.",
        )
        return True
    if node.kind in KINDS_FORBIDDEN:
        advice = KINDS_FORBIDDEN[node.kind]
        report.error(FORBIDDEN, node, f"{node.named.zh} {advice.zh}", f"{node.named.en} {advice.en}")
        return True
    return _refused_marker(report, node) or _refused_event(report, node, inside)


def _refused_marker(report: Report, node: Node) -> bool:
    for child in node.element:
        kind = local(child)
        if kind == "standardLoopCharacteristics":
            report.error(
                FORBIDDEN,
                node,
                f"{node.named.zh} 不能带循环标记。请画一个网关和一条返回的连线。",
                f"{node.named.en} may not carry a loop marker. Draw a gateway and a flow that leads back.",
            )
            return True
        if kind == "multiInstanceLoopCharacteristics" and node.kind not in MANY:
            report.error(
                FORBIDDEN,
                node,
                f"{node.named.zh} 不能带多实例标记；只有用户任务、子流程和调用活动可以。",
                f"{node.named.en} may not be multi-instance; user tasks, sub-processes, call activities may.",
            )
            return True
    if node.element.get("instantiate") == "true":
        report.error(
            FORBIDDEN,
            node,
            f"{node.named.zh} 不能用来启动流程。请画一个消息开始事件。",
            f"{node.named.en} may not begin a process. Draw a message start event.",
        )
        return True
    if node.element.get("isForCompensation") == "true":
        report.error(
            FORBIDDEN,
            node,
            f"{node.named.zh} 不能用于补偿。请把撤销画成一个环节。",
            f"{node.named.en} may not be for compensation. Draw the undoing as a step.",
        )
        return True
    return False


def _refused_event(report: Report, node: Node, inside: bool) -> bool:
    if not node.definitions:
        if node.kind in ("boundaryEvent", "intermediateCatchEvent"):
            *most, last = EVENTS_OPEN[node.kind]
            words = "、".join(EVENT_WORDS[each] for each in most) + f"或{EVENT_WORDS[last]}"
            report.error(
                "bpmn-timer-empty",
                node,
                f"{node.named.zh} 没有写等什么。请选定一种：{words}，并写明细节。",
                f"{node.named.en} waits for nothing. Make it {', '.join(most)} or {last}.",
            )
            return True
        return False
    if len(node.definitions) > 1 or node.element.get("parallelMultiple") == "true":
        row = in_row(
            [Named(EVENT_WORDS.get(word, word), word) for word in map(_event_word, node.definitions)]
        )
        report.error(
            "bpmn-event-multiple",
            node,
            f"{node.named.zh} 同时写了几种事件（{row.zh}）。一个事件只能等一件事，请分开画。",
            f"{node.named.en} carries several event definitions ({row.en}). One event waits for one thing.",
        )
        return True
    word = _event_word(node.definitions[0])
    said = EVENT_WORDS.get(word, word)
    forbidden = EVENTS_FORBIDDEN.get((node.kind, word)) or EVENTS_FORBIDDEN.get(word)
    if forbidden is not None:
        report.error(FORBIDDEN, node, f"{node.named.zh} {forbidden.zh}", f"{node.named.en} {forbidden.en}")
        return True
    if word in EVENTS_OPEN.get(node.kind, ()) and not (inside and node.kind == "startEvent"):
        return False
    report.error(
        FORBIDDEN,
        node,
        f"{node.named.zh} 不能是{said}类型。",
        f"{node.named.en} may not be a {word} event.",
    )
    return True


def _event_word(definition: str) -> str:
    return (
        definition.removesuffix("EventDefinition").removesuffix("Ref").removesuffix("eventDefinition")
        or "event"
    )


def _refused_other(report: Report, element: Any, kind: str) -> None:
    owner = _owner(element.getparent() if kind in STRIPPED else element)
    if kind in STRIPPED:
        report.warning(
            "bpmn-element-ignored",
            owner,
            f"{owner.named.zh} 中的 {kind} 不起作用，办件数据以 process.yaml 的 data 为准。",
            f"{kind} in {owner.named.en} has no effect; case data is what process.yaml declares.",
        )
        return
    if element.get("id") != owner.id:
        owner = owner._replace(named=Named(f"{owner.named.zh} 中的 {kind}", f"{kind} in {owner.named.en}"))
    advice = KINDS_FORBIDDEN.get(kind, Advice("这类图形不能使用。", "is not allowed."))
    report.error(FORBIDDEN, owner, f"{owner.named.zh} {advice.zh}", f"{owner.named.en} {advice.en}")


def _check_scripts(report: Report, diagram: Diagram) -> Iterator[str]:
    """Scripts, listeners and foreign code, wherever they hide; yields the ids of the nodes that hold them."""
    for element in diagram.process.iter("*"):
        kind = local(element)
        if kind.lower() not in SUSPECT and SUSPECT_ATTRIBUTES.isdisjoint(element.keys()):
            continue
        inside_script_task = kind == "script" and local(element.getparent()) == "scriptTask"
        language = str(element.get("language") or element.get("scriptFormat") or "").lower()
        if kind.lower() in SCRIPTS and not inside_script_task:
            owner = _owner(element)
            report.error(
                SCRIPT,
                owner,
                f"{owner.named.zh} 带有脚本（{plain(kind)}）。流程图里不能写脚本，请删去。",
                f"{owner.named.en} carries a script ({plain(kind)}). A diagram may hold none; delete it.",
            )
            yield owner.id
        elif language and kind != "scriptTask" and any(word in language for word in SCRIPT_LANGUAGES):
            owner = _owner(element)
            report.error(
                SCRIPT,
                owner,
                f"{owner.named.zh} 的条件用了脚本语言 {plain(language)}。请改成表达式。",
                f"{owner.named.en} has a condition in {plain(language)}. Write an expression.",
            )
            yield owner.id
        elif kind in LISTENERS:
            owner = _owner(element)
            report.error(
                LISTENER,
                owner,
                f"{owner.named.zh} 带有监听器（{kind}）。请删去；要在办结时发出事件，请写属性 event。",
                f"{owner.named.en} carries a listener ({kind}). Delete it; property event emits an event.",
            )
        elif element.tag.startswith(CAMUNDA) and kind in REFUSED_EXTENSIONS:
            _refuse_extension(report, _owner(element), REFUSED_EXTENSIONS[kind])
        elif kind in STRIPPED and element.tag.startswith(BPMN) and element.getparent() is not diagram.process:
            _refused_other(report, element, kind)
        for name, advice in REFUSED_ATTRIBUTES.items():
            if element.get(CAMUNDA + name) is not None and element.tag.startswith(BPMN):
                _refuse_extension(report, _owner(element), advice)


def _refuse_extension(report: Report, owner: _Owner, advice: Advice) -> None:
    report.error(FORBIDDEN, owner, f"{owner.named.zh} {advice.zh}。", f"{owner.named.en} {advice.en}.")


def _owner(element: Any) -> _Owner:
    while element is not None and not (
        element.get("id") and element.tag.startswith(BPMN) and not is_definition(element)
    ):
        parent = element.getparent()
        if parent is None:
            break
        element = parent
    identifier, kind = element.get("id") or "", local(element)
    return _Owner(identifier, element.sourceline, named(kind, identifier, plain(element.get("name"))))
