"""Timers on edges and in the line: one time, in bounds, from the calendar or from a clock that exists."""

from __future__ import annotations

import ast
import re
from typing import Any

from app.engine.check.comparisons import MISMATCH, Where, type_word
from app.engine.check.conditions import check_expression
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.kinds import WHEN, alternatives, kind_of
from app.engine.check.nodes import BPMN, Node
from app.engine.check.words import Named, plain
from app.engine.durations import RULE, DurationRefused, parse_cycle, parse_when
from app.engine.expressions import Call, Expression
from app.engine.source import Names

_TIMES = {"timeDate": "时刻", "timeDuration": "时长", "timeCycle": "循环"}
# ISO text itself, right or wrong; everything else is an expression.
_LITERAL = re.compile(r"[-+]?P(?=[-+\dT]|$)|[-+]?R-?\d*/|-?\d", re.ASCII)
_MOST_WORKING = {"workdays": 2_610, "workhours": 26_100}


def check_timers(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str]) -> None:
    """Every timer that may stay, on an edge or in the line."""
    for node in diagram.of_kind("boundaryEvent", "intermediateCatchEvent"):
        if node.id not in foreign and node.event == "timer":
            _check_timer(report, diagram, names, node)


def _check_timer(report: Report, diagram: Diagram, names: Names, node: Node) -> None:
    definition = node.element.find(f"{BPMN}timerEventDefinition")
    given = [(kind, _text(definition, kind)) for kind in _TIMES if _text(definition, kind)]
    if not given:
        report.error(
            "bpmn-timer-empty",
            node,
            f'{node.named.zh} 没有写时间。请写时长（如 PT24H）、时刻、循环（如 R/P1D），或 due("时钟")。',
            f'{node.named.en} has no time. Write a duration (PT24H), an instant, a cycle or due("clock").',
        )
        return
    if len(given) > 1:
        words = "、".join(_TIMES[kind] for kind, _ in given)
        report.error(
            "bpmn-event-multiple",
            node,
            f"{node.named.zh} 同时写了{words}。只能写一种，请删去其余的。",
            f"{node.named.en} holds {' and '.join(kind for kind, _ in given)}. Keep one.",
        )
        return
    kind, text = given[0]
    if kind == "timeCycle" and node.kind != "boundaryEvent":
        report.error(
            "bpmn-timer-kind",
            node,
            f"{node.named.zh} 写了循环 {plain(text)}。只有任务边上的定时器能循环；请写时长或时刻。",
            f"{node.named.en} holds the cycle {plain(text)}. Only a timer on the edge of a task repeats; "
            "write a duration or an instant.",
        )
        return
    if _LITERAL.match(text):
        _check_literal(report, node, kind, text)
        return
    where = Where(node, node.named, Named(_TIMES[kind], kind), text)
    expression = check_expression(report, diagram, names, where, forbidden=RULE)
    if expression is None:
        return
    if isinstance(expression.tree, ast.Constant):
        if isinstance(expression.tree.value, str):
            _check_literal(report, node, kind, expression.tree.value)
        else:
            _tell_no_time(report, where)
        return
    for call in expression.calls:
        _check_working(report, where, call)
    _check_kind(report, names, where, kind, expression)


def _text(definition: Any, kind: str) -> str:
    return (definition.findtext(f"{BPMN}{kind}") or "").strip()


def _check_literal(report: Report, node: Node, kind: str, text: str) -> None:
    try:
        if kind == "timeCycle":
            parse_cycle(text)
        else:
            parse_when(text)
    except DurationRefused as refusal:
        report.error(
            refusal.rule,
            node,
            f"{node.named.zh} 的{refusal.zh}",
            f"{node.named.en}: {refusal.en[:1].lower()}{refusal.en[1:]}",
        )


def _check_kind(report: Report, names: Names, where: Where, timer: str, expression: Expression) -> None:
    """A value whose declared type can never be a time; what text holds is seen only when it is there."""
    for each in alternatives(expression.tree):
        kind = kind_of(each, names.data)
        if kind is None or kind in WHEN[timer]:
            continue
        zh, en = type_word(kind)
        said = ast.unparse(each)
        why = "没有钟点，" if kind == "date" else ""
        report.error(
            MISMATCH,
            where.at,
            f"{where.zh} 不是时间：{said} 是{zh}，{why}不能用来定时。"
            '请写时长（如 P3D）、类型为 datetime 的名字，或 due("时钟")。',
            f"{where.en} is no time: {said} is {en}. "
            'Write a duration (P3D), a name of type datetime or due("clock").',
        )
        return


def _check_working(report: Report, where: Where, call: Call) -> None:
    most = _MOST_WORKING.get(call.name)
    amount = call.literals[0] if most is not None else None
    if most is None or isinstance(amount, str) or not isinstance(amount, int | float):
        return
    if not 1 <= amount <= most:
        report.error(
            RULE,
            where.at,
            f"{where.zh} 超出范围；{call.name}() 请写 1 到 {most:,}。",
            f"{where.en} is out of range; {call.name}() takes 1 to {most:,}.",
        )


def _tell_no_time(report: Report, where: Where) -> None:
    report.error(
        RULE,
        where.at,
        f'{where.zh} 不是时间；请写时长（如 PT24H）、时刻、循环（如 R/P1D），或 due("时钟")。',
        f'{where.en} is no time; write a duration (PT24H), an instant, a cycle (R/P1D) or due("clock").',
    )
