"""Expressions in the diagram: compiled against declared names, outcomes that exist, types that compare."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.engine.check.diagram import CAMUNDA, GATEWAYS, Diagram, Flow, Node
from app.engine.check.finding import Report
from app.engine.check.kinds import misfits
from app.engine.check.words import Named, in_row, listed, meant, plain
from app.engine.expressions import Call, Expression, ExpressionRefused, compile_expression
from app.engine.functions import HANDED
from app.engine.source import Names
from app.engine.votes import RESULTS

MISMATCH = "bpmn-type-mismatch"
UNKNOWN_OUTCOME = "bpmn-unknown-outcome"
LONGEST_QUOTE = 80

_NUMBERS = frozenset({"int", "decimal"})
_TEXTS = frozenset({"text", "date", "datetime", "choice", "category", "unit", "person"})
_LISTS = frozenset({"list", "files"})
_UNORDERED = frozenset({"choice", "category", "unit", "person", "bool"})
_TYPE_WORDS = {
    "text": ("文本", "text"),
    "int": ("整数", "integer"),
    "decimal": ("小数", "decimal"),
    "bool": ("是否", "yes or no"),
    "date": ("日期", "date"),
    "datetime": ("时刻", "instant"),
    "choice": ("选项", "choice"),
    "category": ("分类", "category"),
    "unit": ("单位", "unit"),
    "person": ("人员", "person"),
    "point": ("位置", "point"),
    "files": ("附件", "files"),
    "list": ("列表", "list"),
}
_ORDERING = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True)
class Where:
    """An expression's place: the element to point at, its name, and what the expression is to it."""

    at: Node | Flow
    named: Named
    role: Named
    text: str
    before: Node | None = None  # the step whose outcome a bare `outcome` means
    ends: Node | None = None  # the step whose completion condition this is
    more: tuple[str, ...] = ()  # names that only this place knows

    @property
    def zh(self) -> str:
        """任务“审核”(review) 的优先级 "…"."""
        return f'{self.named.zh} 的{self.role.zh} "{plain(self.text, LONGEST_QUOTE)}"'

    @property
    def en(self) -> str:
        """The same in English."""
        return f'{self.named.en}, {self.role.en} "{plain(self.text, LONGEST_QUOTE)}"'


def check_conditions(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str]) -> None:
    """Every condition of a flow that leaves a gateway."""
    for flow in diagram.flows:
        source = diagram.nodes.get(flow.source)
        if flow.condition is None or source is None or source.id in foreign or flow.id in foreign:
            continue
        if source.kind not in GATEWAYS or source.kind in ("parallelGateway", "eventBasedGateway"):
            continue  # told by gateways.py: the condition has no effect there
        before = diagram.step_before(source.id)
        where = Where(flow, diagram.flow_named(flow), Named("条件", "condition"), flow.condition, before)
        check_expression(report, diagram, names, where)


def check_step_expressions(report: Report, diagram: Diagram, names: Names, node: Node) -> None:
    """Assignee, candidate users and priority of a user task, where they are expressions."""
    for attribute, zh in (("assignee", "办理人"), ("candidateUsers", "候选人")):
        text = node.attributes.get(attribute, "").strip()
        if text.startswith("${"):
            where = Where(node, node.named, Named(zh, attribute), text, more=own_names(node))
            check_expression(report, diagram, names, where)
    text = node.attributes.get("priority", "").strip()
    if not text:
        return
    where = Where(node, node.named, Named("优先级", "priority"), text, more=own_names(node))
    if text.lstrip("-").isdigit():
        if not 0 <= int(text[:9]) <= 100:
            report.error(
                "bpmn-extension-value",
                node,
                f"{where.zh} 超出范围；请写 0 到 100，不写就是 50。",
                f"{where.en} is out of range; write 0 to 100, without it 50 counts.",
            )
        return
    check_expression(report, diagram, names, where)


def own_names(node: Node) -> tuple[str, ...]:
    """The name under which expressions of one signer see the item of the list."""
    if node.marker is None:
        return ()
    return ((node.marker.get(f"{CAMUNDA}elementVariable") or "").strip() or "item",)


def check_expression(
    report: Report, diagram: Diagram, names: Names, where: Where, forbidden: str | None = None
) -> Expression | None:
    """Compiles one expression and looks at what it says; None when it was refused.

    `forbidden` replaces the rule bpmn-expression-forbidden where code has a rule of its own, as in timers.
    """
    try:
        expression = compile_expression(where.text, {*names.data, *where.more}, HANDED)
    except ExpressionRefused as refusal:
        rule = forbidden if forbidden and refusal.rule == "bpmn-expression-forbidden" else refusal.rule
        report.error(rule, where.at, f"{where.zh} {refusal.zh}", f"{where.en}, {refusal.en}")
        return None
    for call in expression.calls:
        _check_call(report, diagram, names, where, call)
    _check_arguments(report, names, where, expression)
    for comparison in ast.walk(expression.tree):
        if isinstance(comparison, ast.Compare):
            _check_comparison(report, diagram, names, where, comparison)
    return expression


def type_word(kind: str) -> tuple[str, str]:
    """A type as people say it, in both languages."""
    return _TYPE_WORDS.get(kind, (kind, kind))


def _check_arguments(report: Report, names: Names, where: Where, expression: Expression) -> None:
    for misfit in misfits(expression.tree, names.data):
        (zh, en), said = type_word(misfit.kind), plain(misfit.argument)
        report.error(
            MISMATCH,
            where.at,
            f"{where.zh} 给 {misfit.function}() 的 {said} 是{zh}，这里要{misfit.wanted[0]}。",
            f"{where.en} gives {misfit.function}() {said}, which is {en}; it takes {misfit.wanted[1]}.",
        )


def _check_call(report: Report, diagram: Diagram, names: Names, where: Where, call: Call) -> None:
    if call.name in ("due", "tier"):
        _check_clock(report, names, where, call)
    if call.name in ("votes", "share", "total", "done"):
        _check_count(report, diagram, where, call)
    if call.name != "outcome":
        return
    if not call.literals:
        if where.before is None:
            report.error(
                UNKNOWN_OUTCOME,
                where.at,
                f"{where.zh} 只写了 outcome，可是网关前面并不是恰好一个任务。"
                '请写明环节，如 outcome("审核环节的编号")。',
                f"{where.en} says only outcome, but not exactly one task precedes the gateway. "
                'Name the step: outcome("its id").',
            )
        return
    step = call.literals[0]
    steps = list(diagram.steps)
    if step not in steps:
        _tell_unknown_step(report, where, "outcome", step, steps)


def _check_count(report: Report, diagram: Diagram, where: Where, call: Call) -> None:
    """votes, share, total and done: of a step with several signers, and of an outcome it has."""
    steps = {name: node for name, node in diagram.steps.items() if node.marker is not None}
    needs = 1 if call.name in ("total", "done") else 2
    signing: Node | None = where.ends
    if len(call.literals) == needs:
        said = call.literals[-1]
        signing = steps.get(said) if isinstance(said, str) else None
        if signing is None:
            _tell_unknown_step(
                report, where, call.name, said, steps, "多人办理的任务", "multi-instance tasks"
            )
            return
    elif signing is None:
        report.error(
            "bpmn-unknown-step",
            where.at,
            f'{where.zh} 中的 {call.name}() 没有写是哪个任务的票。请写成 {call.name}("结论", "任务编号")。',
            f'{where.en}: {call.name}() does not say whose votes. Write {call.name}("outcome", "task id").',
        )
        return
    outcome = call.literals[0]
    if needs == 2 and isinstance(outcome, str) and outcome not in [each.name for each in signing.outcomes]:
        row = in_row([Named(each.name, each.name) for each in signing.outcomes])
        report.error(
            "bpmn-vote-unknown-outcome",
            where.at,
            f"{where.zh} 要数结论“{plain(outcome)}”，可是{signing.named.zh} 没有它；有的是 {row.zh}。",
            f'{where.en} counts outcome "{plain(outcome)}"; {signing.named.en} has {row.en}.',
        )


def _tell_unknown_step(
    report: Report,
    where: Where,
    function: str,
    step: object,
    steps: Iterable[str],
    zh: str = "任务",
    en: str = "tasks",
) -> None:
    shown = plain(step) if isinstance(step, str) else "…"
    hint = meant(step, steps, f"图中的{zh}", f"the {en} are")
    none = "no task" if en == "tasks" else f"none of the {en}"
    report.error(
        "bpmn-unknown-step",
        where.at,
        f"{where.zh} 中的 {function}({shown}) 没有写对{zh}的编号；{hint.zh}",
        f"{where.en}: {function}({shown}) names {none}; {hint.en}",
    )


def _check_clock(report: Report, names: Names, where: Where, call: Call) -> None:
    clock = call.literals[0]
    if not isinstance(clock, str) or clock not in names.clocks:
        shown = f"“{plain(clock)}”在 sla.yaml 中没有；" if isinstance(clock, str) else "要直接写名字，"
        hint = meant(clock, names.clocks, "sla.yaml 中", "sla.yaml has")
        report.error(
            "bpmn-unknown-clock",
            where.at,
            f"{where.zh} 中 {call.name}() 的时钟{shown}{hint.zh}",
            f"{where.en}: {call.name}() names clock {clock!r}, which sla.yaml lacks; {hint.en}"
            if isinstance(clock, str)
            else f"{where.en}: write the clock's name itself in {call.name}(); {hint.en}",
        )
        return
    if call.name == "tier" and call.literals[1] not in names.clocks[clock]:
        tier = call.literals[1]
        row = listed(names.clocks[clock])
        report.error(
            "bpmn-unknown-tier",
            where.at,
            f"{where.zh} 中的档 {plain(str(tier)) if tier is not None else '…'} 不属于时钟 {clock}；"
            f"sla.yaml 中 {clock} 的档有 {row.zh}。",
            f"{where.en}: clock {clock} has no tier {tier}; in sla.yaml it has {row.en}.",
        )


def _check_comparison(
    report: Report, diagram: Diagram, names: Names, where: Where, comparison: ast.Compare
) -> None:
    operands = [comparison.left, *comparison.comparators]
    for op, left, right in zip(comparison.ops, operands, operands[1:], strict=False):
        for one, other in ((left, right), (right, left)):
            step = _outcome_step(diagram, names, where, one)
            if step is not None:
                _check_outcomes(report, where, step, list(_texts(other)))
        if isinstance(left, ast.Name) and left.id in names.data:
            _check_types(report, names.data, where, left, op, right, swapped=False)
        elif (
            isinstance(right, ast.Name) and right.id in names.data and not isinstance(op, ast.In | ast.NotIn)
        ):
            _check_types(report, names.data, where, right, op, left, swapped=True)


def _outcome_step(diagram: Diagram, names: Names, where: Where, node: ast.expr) -> Node | None:
    match node:
        case ast.Name(id="outcome") if "outcome" not in names.data:
            return where.before
        case ast.Call(func=ast.Name(id="outcome"), args=[]):
            return where.before
        case ast.Call(func=ast.Name(id="outcome"), args=[ast.Constant(value=str(step))]):
            return diagram.steps.get(step)
    return None


def _texts(node: ast.expr) -> Iterator[str]:
    for each in node.elts if isinstance(node, ast.List) else [node]:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _check_outcomes(report: Report, where: Where, step: Node, texts: list[str]) -> None:
    known = [outcome.name for outcome in step.outcomes] if step.marker is None else list(RESULTS)
    for text in texts:
        if text not in known:
            row = in_row([Named(name, name) for name in known])
            report.error(
                UNKNOWN_OUTCOME,
                where.at,
                f"{where.zh} 比较了结论“{plain(text)}”，可是{step.named.zh} 没有它；有的是 {row.zh}。",
                f'{where.en} compares with outcome "{plain(text)}"; {step.named.en} has {row.en}.',
            )


def _check_types(
    report: Report,
    data: Mapping[str, str],
    where: Where,
    name: ast.Name,
    op: ast.cmpop,
    other: ast.expr,
    swapped: bool,
) -> None:
    declared = data[name.id]
    if not declared:
        return  # an item of a list: of what kind, only the list knows
    word = _TYPE_WORDS.get(declared, (declared, declared))
    if isinstance(op, ast.In | ast.NotIn) and isinstance(other, ast.List):
        found = next((wrong for each in other.elts if (wrong := _clash(declared, each, data))), None)
    elif isinstance(op, ast.In | ast.NotIn):
        return
    else:
        found = _clash(declared, other, data)
    if found is not None:
        advice, advice_en = _advice(declared, found)
        report.warning(
            MISMATCH,
            where.at,
            f"{where.zh} 拿 {name.id}（{word[0]}）和{found[0]} 比较，不会成立。{advice}",
            f"{where.en} compares {name.id} ({word[1]}) with {found[1]}, which never holds. {advice_en}",
        )
    elif isinstance(op, _ORDERING) and declared in _UNORDERED:
        report.warning(
            MISMATCH,
            where.at,
            f"{where.zh} 给 {name.id}（{word[0]}）比大小，没有意义。请用 == 或 in。",
            f"{where.en} orders {name.id} ({word[1]}), which means nothing. Use == or in.",
        )


def _clash(declared: str, other: ast.expr, data: Mapping[str, str]) -> tuple[str, str] | None:
    """The other side's kind in both languages, when it can never equal a value of the declared type."""
    if isinstance(other, ast.Constant) and other.value is not None:
        value = other.value
        if isinstance(value, bool):
            return None if declared == "bool" else ("是否值", "a yes or no")
        if isinstance(value, str):
            return None if declared in _TEXTS else (f'文字 "{plain(value)}"', f'the text "{plain(value)}"')
        return None if declared in _NUMBERS else (f"数字 {value!r}", f"the number {value!r}")
    if isinstance(other, ast.List):
        return None if declared in _LISTS else ("列表", "a list")
    if isinstance(other, ast.Name) and other.id in data:
        groups = [_NUMBERS, _TEXTS, _LISTS, frozenset({"bool"}), frozenset({"point"})]
        mine = next((group for group in groups if declared in group), None)
        theirs = data[other.id]
        if mine is not None and theirs not in mine and theirs in _TYPE_WORDS:
            words = _TYPE_WORDS[theirs]
            return f" {other.id}（{words[0]}）", f"{other.id} ({words[1]})"
    return None


def _advice(declared: str, found: tuple[str, str]) -> tuple[str, str]:
    if declared == "bool":
        return "请写 True 或 False。", "Write True or False."
    if declared in _LISTS:
        return "请用 has(列表, 值)。", "Use has(list, value)."
    if declared in _NUMBERS and found[0].startswith("文字"):
        return "数字不要加引号。", "Do not quote a number."
    if declared in _TEXTS and found[0].startswith("数字"):
        return "文字请加引号。", "Quote a text."
    return "请检查两边的类型。", "Check the types of both sides."
