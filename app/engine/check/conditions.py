"""Expressions in the diagram: compiled against declared names, outcomes that exist, types that compare."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from app.engine.check.comparisons import MISMATCH, UNKNOWN_OUTCOME, Where, check_comparison, type_word
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.kinds import misfits
from app.engine.check.nodes import CAMUNDA, GATEWAYS, Node
from app.engine.check.words import Named, in_row, listed, meant, plain
from app.engine.expressions import Call, Expression, ExpressionRefused, compile_expression
from app.engine.functions import HANDED
from app.engine.source import Names


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
            check_comparison(report, diagram, names, where, comparison)
    return expression


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
