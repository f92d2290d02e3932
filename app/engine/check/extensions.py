"""Extensions: known names per element, misspelt ones with the nearest known, and values in the right form."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import BPMN, CAMUNDA, Flow, Node, local
from app.engine.check.words import Named, meant, plain

UNKNOWN = "bpmn-unknown-extension"
VALUE = "bpmn-extension-value"

ATTRIBUTES = {
    "startEvent": frozenset({"formKey"}),
    "userTask": frozenset({"candidateGroups", "candidateUsers", "assignee", "formKey", "priority"}),
    "businessRuleTask": frozenset({"decisionRef", "resultVariable", "mapDecisionResult"}),
    "serviceTask": frozenset({"delegateExpression", "type", "topic", "asyncBefore"}),
}
PROPERTIES = {
    "userTask": frozenset({"event", "status", "clock", "outcomes", "returnTo", "notSameAs", "vote", "early"}),
    "endEvent": frozenset({"event", "status", "closeReason"}),
    "intermediateThrowEvent": frozenset({"event"}),
    "intermediateCatchEvent": frozenset({"status"}),
    "receiveTask": frozenset({"status"}),
    "boundaryEvent": frozenset({"onReturn"}),
    "sequenceFlow": frozenset({"order", "label"}),
}
ELEMENTS = {"serviceTask": frozenset({"inputOutput"})}
_ELEMENTS = frozenset({"properties", "property"})
# Told by elements.py, or written by the modeler by itself and without meaning here.
_SILENT_ATTRIBUTES = frozenset({"class", "expression", "dueDate"})
_SILENT_ELEMENTS = frozenset(
    [
        "script",
        "executionListener",
        "taskListener",
        "connector",
        "formData",
        "failedJobRetryTimeCycle",
        "in",
        "out",
    ]
)
_OTHER_ENGINES = {
    "http://camunda.org/schema/zeebe/1.0": "Camunda 8（zeebe）",
    "http://activiti.org/bpmn": "Activiti",
    "http://flowable.org/bpmn": "Flowable",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "SpiffWorkflow",
}
_TECHNICAL = frozenset({"exclusive", "async", "initiator", "formFieldValidation"})  # nobody misses them
_SPELLED_EVENT = re.compile(r"[a-z]+(\.[a-z][a-z0-9_]*)+")


def check_extensions(report: Report, diagram: Diagram, foreign: frozenset[str]) -> None:
    """Names first, then values; elements refused already are left alone."""
    for node in diagram.nodes.values():
        if node.id in foreign:
            continue
        if node.element.attrib or len(node.element):
            _check_names(report, node, node.kind, node.named)
            _check_other_engines(report, node)
        _check_due_date(report, node)
        if node.kind == "userTask":
            _check_outcomes(report, node)
        _check_event(report, node)
        _check_choice(report, node, "onReturn", ("keep", "end"))
    for flow in diagram.flows:
        if flow.attributes or len(flow.element):
            _check_names(report, flow, "sequenceFlow", diagram.flow_named(flow))
            _check_order(report, diagram, flow)


def _check_names(report: Report, at: Node | Flow, kind: str, what: Named) -> None:
    attributes, properties = ATTRIBUTES.get(kind, frozenset()), PROPERTIES.get(kind, frozenset())
    for name in at.attributes:
        if name not in attributes and name not in _SILENT_ATTRIBUTES:
            _unknown(
                report, at, what, Named(f"属性 camunda:{name}", f"attribute camunda:{name}"), name, attributes
            )
    for name in at.properties:
        if name in properties:
            continue
        _unknown(report, at, what, Named(f"属性 {name}", f"property {name}"), name, properties)
    for child in at.element.iterfind(f"{BPMN}extensionElements/*"):
        name = local(child)
        known = _ELEMENTS | ELEMENTS.get(kind, frozenset()) | _SILENT_ELEMENTS
        if child.tag.startswith(CAMUNDA) and name not in known:
            _unknown(report, at, what, Named(f"camunda:{name}", f"camunda:{name}"), name, ())


def _unknown(
    report: Report, at: Node | Flow, what: Named, wrong: Named, name: str, known: Iterable[str]
) -> None:
    zh, en = "这里没有可写的。", "there is none here."
    if known:
        zh, en = meant(name, known, "可写的", "known are")
    report.warning(
        UNKNOWN,
        at,
        f"{what.zh} 的{wrong.zh} 不认识，不起作用；{zh}",
        f"{what.en} has unknown {wrong.en}, without effect; {en}",
    )


def _check_other_engines(report: Report, node: Node) -> None:
    for key in node.element.attrib:
        space, _, name = key[1:].partition("}")
        engine = _OTHER_ENGINES.get(space) if name else None
        if engine and name not in _TECHNICAL:
            report.warning(
                UNKNOWN,
                node,
                f"{node.named.zh} 的属性 {name} 是 {engine} 的，不起作用。请用 camunda 属性写明。",
                f"{node.named.en} has attribute {name} of another engine, without effect.",
            )
    for child in node.element.iterfind(f"{BPMN}extensionElements/*"):
        space = str(child.tag)[1:].partition("}")[0]
        engine = _OTHER_ENGINES.get(space)
        if engine and local(child).lower() not in ("script", "prescript", "postscript"):
            report.warning(
                UNKNOWN,
                node,
                f"{node.named.zh} 带有 {engine} 的扩展 {local(child)}，不起作用。请用 camunda 属性写明。",
                f"{node.named.en} carries the extension {local(child)} of another engine, without effect.",
            )


def _check_due_date(report: Report, node: Node) -> None:
    if "dueDate" in node.attributes:
        report.error(
            "bpmn-element-forbidden",
            node,
            f"{node.named.zh} 写了到期时间 dueDate“{plain(node.attributes['dueDate'])}”。"
            "时限写在 sla.yaml 里；请删去 dueDate，用属性 clock 写明时钟的名字。",
            f'{node.named.en} has dueDate "{plain(node.attributes["dueDate"])}". Deadlines live in sla.yaml; '
            "delete dueDate and name a clock by property clock.",
        )


def _check_outcomes(report: Report, node: Node) -> None:
    names = [outcome.name for outcome in node.outcomes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "" in names or twice:
        wrong = f"“{twice[0]}”写了两次" if twice else "有一个没有写名字"
        wrong_en = f'"{twice[0]}" is written twice' if twice else "one has no name"
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 的办理结论 outcomes“{plain(node.properties['outcomes'])}”有误：{wrong}。",
            f'{node.named.en} has outcomes "{plain(node.properties["outcomes"])}": {wrong_en}.',
        )


def _check_event(report: Report, node: Node) -> None:
    event = node.properties.get("event")
    if event and "event" in PROPERTIES.get(node.kind, ()) and not _SPELLED_EVENT.fullmatch(event):
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 的事件 event“{plain(event)}”写法不对；请用小写英文和点，如 case.dispatched。",
            f'{node.named.en} has event "{plain(event)}"; write small letters and dots, as case.dispatched.',
        )


def _check_choice(report: Report, node: Node, name: str, allowed: tuple[str, ...]) -> None:
    value = node.properties.get(name)
    if value is not None and name in PROPERTIES.get(node.kind, ()) and value not in allowed:
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 的 {name}“{plain(value)}”不对；只能写 {' 或 '.join(allowed)}。",
            f'{node.named.en} has {name} "{plain(value)}"; write {" or ".join(allowed)}.',
        )


def _check_order(report: Report, diagram: Diagram, flow: Flow) -> None:
    order = flow.properties.get("order")
    if order is not None and not re.fullmatch(r"\d{1,4}", order, re.ASCII):
        what = diagram.flow_named(flow)
        report.error(
            VALUE,
            flow,
            f"{what.zh} 的次序 order“{plain(order)}”不对；请写整数，如 1、2、3。",
            f'{what.en} has order "{plain(order)}"; write a whole number such as 1, 2, 3.',
        )
