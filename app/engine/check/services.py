"""Service tasks: a handler that is registered, inputs it takes, results it gives, data that is declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from app.engine.check.comparisons import Where
from app.engine.check.conditions import check_expression
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import BPMN, CAMUNDA, Node
from app.engine.check.words import DATA, Named, listed, meant, plain
from app.engine.services import bare, output_of
from app.engine.source import Names, Signature

VALUE = "bpmn-extension-value"
UNKNOWN_HANDLER = "bpmn-unknown-handler"
PARAMS = "bpmn-handler-params"
_TOPIC = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,59}")
_SPELLED = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


def check_services(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str]) -> None:
    """Every service task that may stay."""
    for node in diagram.of_kind("serviceTask"):
        if node.id in foreign:
            continue
        inputs = _check_inputs(report, diagram, names, node)
        outputs = _check_outputs(report, names, node)
        _check_switch(report, node, "asyncBefore")
        signature = _check_handler(report, names, node)
        if signature is not None:
            _check_params(report, node, signature, inputs, outputs)


def is_external(node: Node) -> bool:
    """Whether somebody outside does the work, so that the case waits here."""
    return node.kind == "serviceTask" and node.attributes.get("type", "").strip() == "external"


def may_wait(node: Node) -> bool:
    """Whether a service task is one at which a timer may ring: external work, or a job of its own."""
    job = node.kind == "serviceTask" and node.attributes.get("asyncBefore") == "true"
    return job or is_external(node)


def _check_handler(report: Report, names: Names, node: Node) -> Signature | None:
    """What the handler takes and gives, where that is known."""
    kind = node.attributes.get("type", "").strip()
    handler = node.attributes.get("delegateExpression", "").strip()
    topic = node.attributes.get("topic", "").strip()
    if kind not in ("", "external"):
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 的 type“{plain(kind)}”不对；只能写 external，或不写。",
            f'{node.named.en} has type "{plain(kind)}"; write external or nothing.',
        )
        return None
    if kind == "external":
        if handler or not topic:
            wrong = ("又写了处理程序", "names a handler too") if handler else ("没有写 topic", "has no topic")
            report.error(
                VALUE,
                node,
                f"{node.named.zh} 由外部办理（type=external），可是{wrong[0]}。请只写 type 和 topic。",
                f"{node.named.en} is external work but {wrong[1]}. Write type and topic only.",
            )
        elif not _TOPIC.fullmatch(topic):
            report.error(
                VALUE,
                node,
                f"{node.named.zh} 的 topic“{plain(topic)}”不对；要以字母开头，"
                "只用字母、数字、点、连接符和下划线，最多 60 个字符，例如 notice.print。",
                f'{node.named.en} has topic "{plain(topic)}"; begin with a letter and use letters, '
                "digits, dots, hyphens and underscores, 60 at most, as notice.print.",
            )
        return None
    name = bare(handler)
    if name in names.handlers:
        return names.handlers[name] if isinstance(names.handlers, Mapping) else None
    hint = meant(name, names.handlers, "已登记的", "registered are")
    if not handler:
        said, said_en = "没有写处理程序 delegateExpression", "has no delegateExpression"
    elif not _SPELLED.fullmatch(name):
        said, said_en = (
            f"的处理程序“{plain(handler)}”不是名称",
            f'names handler "{plain(handler)}", which is no name',
        )
    else:
        said, said_en = f"使用了处理程序 {plain(name)}，没有登记", f'uses handler "{plain(name)}"'
    report.error(
        UNKNOWN_HANDLER, node, f"{node.named.zh} {said}；{hint.zh}", f"{node.named.en} {said_en}; {hint.en}"
    )
    return None


def parameters(node: Node, kind: str) -> Iterable[tuple[str, str, bool]]:
    """(name, text, whether it holds more than text) in the order written."""
    path = f"{BPMN}extensionElements/{CAMUNDA}inputOutput/{CAMUNDA}{kind}"
    for each in node.element.iterfind(path):
        yield (each.get("name") or "").strip(), (each.text or "").strip(), len(each) > 0


def _check_inputs(report: Report, diagram: Diagram, names: Names, node: Node) -> list[str]:
    found: list[str] = []
    for name, text, nested in parameters(node, "inputParameter"):
        if not _is_told(report, node, name, nested, found, Named("输入", "input")) and text.startswith("${"):
            role = Named(f"输入 {name}", f"input {name}")
            check_expression(report, diagram, names, Where(node, node.named, role, text))
        found.append(name)
    return found


def _check_outputs(report: Report, names: Names, node: Node) -> list[str]:
    found: list[str] = []
    targets: list[str] = []
    for name, text, nested in parameters(node, "outputParameter"):
        result, target = output_of(name, text)
        if _is_told(report, node, name, nested, targets, Named("输出", "output"), target):
            continue
        found.append(result)
        targets.append(target)
        if target not in names.data:
            hint = meant(target, names.data, *DATA)
            report.error(
                "bpmn-unknown-name",
                node,
                f"{node.named.zh} 把 {plain(result)} 写入 {plain(target) or '（空）'}，没有该数据；{hint.zh}",
                f'{node.named.en} writes result "{plain(result)}" to "{plain(target)}"; {hint.en}',
            )
    return found


def _is_told(
    report: Report,
    node: Node,
    name: str,
    nested: bool,
    before: list[str],
    what: Named,
    key: str | None = None,
) -> bool:
    """Tells a parameter without a name, with more than text in it, or written twice."""
    if not name:
        wrong = ("没有写名称", "has no name")
    elif nested:
        wrong = ("只能写文字或 ${…}", "holds more than text or ${…}")
    elif (name if key is None else key) in before:
        wrong = ("写了两次", "is written twice")
    else:
        return False
    shown = f" {plain(name)} " if name else ""
    report.error(
        VALUE,
        node,
        f"{node.named.zh} 的一个{what.zh}{shown}{wrong[0]}。",
        f"{node.named.en}: {what.en} {plain(name) or '(none)'} {wrong[1]}.",
    )
    return True


def _check_switch(report: Report, node: Node, name: str) -> None:
    value = node.attributes.get(name)
    if value is not None and value not in ("true", "false"):
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 的 {name}“{plain(value)}”不对；只能写 true 或 false。",
            f'{node.named.en} has {name} "{plain(value)}"; write true or false.',
        )


def _check_params(
    report: Report, node: Node, signature: Signature, inputs: list[str], outputs: list[str]
) -> None:
    handler = bare(node.attributes.get("delegateExpression", ""))
    missing = sorted(signature.needs.difference(inputs))
    known = signature.needs | signature.takes
    strange = next((name for name in inputs if name not in known), None)
    ungiven = next((name for name in outputs if name not in signature.gives), None)
    if missing:
        row = listed(missing)
        said, said_en = (
            f"缺少处理程序 {handler} 要的输入 {row.zh}",
            f"lacks input {row.en} that {handler} needs",
        )
    elif strange is not None:
        row = listed(known)
        said = f"给了处理程序 {handler} 不认识的输入 {plain(strange)}；它的输入有 {row.zh}"
        said_en = f'gives input "{plain(strange)}" that {handler} does not know; it takes {row.en}'
    elif ungiven is not None:
        row = listed(signature.gives)
        said = f"取用结果 {plain(ungiven)}，处理程序 {handler} 不给出它；它的结果有 {row.zh}"
        said_en = f'uses result "{plain(ungiven)}" that {handler} does not give; it gives {row.en}'
    else:
        return
    report.error(PARAMS, node, f"{node.named.zh} {said}。", f"{node.named.en} {said_en}.")
