"""Comparisons in expressions: with outcomes that exist, between types that can be equal."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import Flow, Node
from app.engine.check.words import Named, in_row, plain
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


def type_word(kind: str) -> tuple[str, str]:
    """A type as people say it, in both languages."""
    return _TYPE_WORDS.get(kind, (kind, kind))


def check_comparison(
    report: Report, diagram: Diagram, names: Names, where: Where, comparison: ast.Compare
) -> None:
    """Outcomes that the step lacks, and types that never compare."""
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
