"""Compiles the columns of a table: what kind of value each holds, and every cell of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.check.words import Named, listed, nearest, plain
from app.engine.decisions import dmn
from app.engine.decisions.errors import CellRefused
from app.engine.decisions.outputs import Output, read_output
from app.engine.decisions.report import Report
from app.engine.decisions.spans import ANYTHING, Span, Test
from app.engine.decisions.unary import read_tests
from app.engine.decisions.values import KIND_OF_DATA, SYNTAX, TYPE, TYPE_REFS, WHOLE, Kind, shown
from app.engine.expressions import Expression, ExpressionRefused, compile_expression
from app.engine.functions import HANDED
from app.engine.wording import UNKNOWN

UNKNOWN_INPUT = "dmn-unknown-input"

_DATA_WORDS = {
    "text": "文本", "choice": "选项", "category": "分类", "unit": "单位", "person": "人员", "int": "整数",
    "decimal": "小数", "bool": "是否", "date": "日期", "datetime": "时刻", "list": "列表", "files": "附件",
    "point": "位置",
}  # fmt: skip
_ONLY_ASKED = ("list", "files", "point")
_AGGREGATED: Mapping[str, tuple[Kind, ...]] = {
    "SUM": ("number",),
    "MIN": ("number", "date", "dateTime"),
    "MAX": ("number", "date", "dateTime"),
}


@dataclass(frozen=True)
class Vocabulary:
    """What a table's expressions may use: declared names with their type words (None: anything), choices."""

    data: Mapping[str, str] | None = None
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)

    def with_required(self, given: Mapping[str, str]) -> Vocabulary:
        """The same with the outputs of required decisions, which come first."""
        return Vocabulary(
            None if self.data is None else {**self.data, **given},
            {name: values for name, values in self.choices.items() if name not in given},
        )

    @property
    def names(self) -> Collection[str] | None:
        """The names alone."""
        return None if self.data is None else self.data.keys()


@dataclass(frozen=True)
class Column:
    """An input column, compiled; `allowed` is what it may hold when anybody said so."""

    label: str
    expression: Expression
    kind: Kind | None
    whole: bool
    allowed: Test | None


@dataclass(frozen=True)
class Result:
    """An output column, compiled; `order` its values by priority; `default` counts when nothing matches."""

    label: str
    name: str
    kind: Kind | None
    order: tuple[Any, ...]
    default: Output | None


class Columns:
    """Compiles the columns of one table; what is wrong is told to `report`."""

    def __init__(self, table: dmn.Table, types: Mapping[str, str], words: Vocabulary, report: Report) -> None:
        self.table, self.types, self.words, self.report = table, types, words, report

    def input(self, place: int) -> tuple[Column, list[Test]] | None:
        """An input column with one test per rule."""
        column = self.table.inputs[place]
        what = self._column("输入", "input", column.label)
        expression = self._expression(column, what)
        if expression is None:
            return None
        declared = None if self.words.data is None else self.words.data.get(expression.text)
        kind, agree = self._kind(column, what, declared)
        texts = [rule.tests[place].text for rule in self.table.rules]
        kind = kind or _kind_of(texts)
        if agree and kind is not None and declared in _ONLY_ASKED:
            agree = False
            self._tell_list(column, what, declared)
        if not agree:
            return None
        allowed = self._allowed(column, what, kind, expression.text)
        here = Named(f"输入“{column.label}”", f'input "{column.label}"')
        done: dict[str, Test] = {}
        for rule, text in zip(self.table.rules, texts, strict=True):
            if text in done:
                continue
            try:
                test, _ = read_tests(text, kind, self.words.names)
                _refuse_strangers(test, allowed)
                done[text] = test
            except CellRefused as refused:
                self._cell(rule, rule.tests[place], here, refused)
        whole = not {resolved(column.type_ref, self.types), declared}.isdisjoint(WHOLE)
        compiled = Column(column.label, expression, kind, whole, allowed)
        return compiled, [done.get(text, ANYTHING) for text in texts]

    def output(self, place: int) -> tuple[Result, list[Output]]:
        """An output column with one cell per rule."""
        column = self.table.outputs[place]
        what = self._column("输出", "output", column.label)
        kind, _ = self._kind(column, what, None)
        order = self._order(column, what, kind)
        here = Named(f"输出“{column.label}”", f'output "{column.label}"')
        outputs = []
        for rule in self.table.rules:
            cell = rule.results[place]
            try:
                given = read_output(cell.text, kind, self.words.names)
                if order and given.literal is not None and given.literal not in order:
                    raise _stranger(given.literal, [shown(value) for value in order])
                outputs.append(given)
            except CellRefused as refused:
                self._cell(rule, cell, here, refused)
        self._check_aggregation(column, what, kind)
        return Result(column.label, column.name, kind, order, self._default(column, what, kind)), outputs

    def _expression(self, column: dmn.Input, what: Named) -> Expression | None:
        names = self.words.names
        if not column.expression:
            row = listed(names or ())
            self.report.error(
                UNKNOWN_INPUT,
                column.id,
                column.line,
                f"{what.zh} 没有写表达式。请写数据的名称；process.yaml 的 data 中有 {row.zh}。",
                f"{what.en} has no expression. Name a piece of data; process.yaml's data has {row.en}.",
            )
            return None
        try:
            return compile_expression(column.expression, names, HANDED).pruned()
        except ExpressionRefused as refused:
            text = plain(column.expression, 80)
            self.report.error(
                UNKNOWN_INPUT if refused.rule == UNKNOWN else refused.rule,
                column.id,
                column.line,
                f'{what.zh} 的表达式 "{text}" {refused.zh}',
                f'{what.en}, expression "{text}", {refused.en}',
            )
            return None

    def _kind(
        self, column: dmn.Input | dmn.Output, what: Named, declared: str | None
    ) -> tuple[Kind | None, bool]:
        """The column's kind by its typeRef and the data's type, and whether they agree."""
        reference = resolved(column.type_ref, self.types)
        if reference not in TYPE_REFS:
            self.report.error(
                TYPE,
                column.id,
                column.line,
                f"{what.zh} 的类型 {plain(column.type_ref)} 不能用；可以用 string、number、integer、boolean、"
                "date、dateTime、Any。时长请用 string，写成 PT24H。",
                f"{what.en} has type {plain(column.type_ref)}, which cannot be used; there are string, "
                "number, integer, boolean, date, dateTime, Any. Write a duration as a string: PT24H.",
            )
            return None, False
        kind = TYPE_REFS[reference]
        if declared is None or declared not in KIND_OF_DATA:
            return kind, True
        wanted = KIND_OF_DATA[declared]
        if kind is None or kind == wanted or (kind == "date" and declared == "datetime"):
            return kind or wanted, True
        right = wanted or "Any"
        self.report.error(
            TYPE,
            column.id,
            column.line,
            f"{what.zh} 的类型是 {plain(column.type_ref)}，而这个数据是{_DATA_WORDS[declared]}；"
            f"请把类型改为 {right}。",
            f"{what.en} has type {plain(column.type_ref)}, but that data is {declared}; make it {right}.",
        )
        return kind, False

    def _tell_list(self, column: dmn.Input, what: Named, declared: str) -> None:
        """A list is not compared with values."""
        self.report.error(
            TYPE,
            column.id,
            column.line,
            f"{what.zh} 是{_DATA_WORDS[declared]}，格子里只能写 -、null、not(null) 或 ? 开头的表达式，"
            '如 ? has(?, "甲")。',
            f"{what.en} holds {declared}: its cells may only be -, null, not(null) or an expression with ?, "
            'such as ? has(?, "a").',
        )

    def _allowed(self, column: dmn.Input, what: Named, kind: Kind | None, name: str) -> Test | None:
        """What the column may hold: the head's list, or the choices declared for its name."""
        if column.allowed is None:
            values = self.words.choices.get(name)
            if not values or kind != "string":
                return None
            return Test(tuple(Span(value, value) for value in values))
        try:
            test, _ = read_tests(column.allowed.text, kind, self.words.names)
        except CellRefused as refused:
            self._head(what, column.allowed, Named("允许的值", "allowed values"), refused)
            return None
        return None if test.anything or test.asks or not (test.spans or test.negated) else test

    def _order(self, column: dmn.Output, what: Named, kind: Kind | None) -> tuple[Any, ...]:
        """The values an output may have, the most important first."""
        if column.allowed is None:
            return ()
        try:
            test, _ = read_tests(column.allowed.text, kind, self.words.names)
            if test.negated or test.asks or not all(span.is_point for span in test.spans):
                raise CellRefused(
                    SYNTAX,
                    '输出允许的值要一个个列出，如 "高","低"。',
                    'list the output values one by one: "high","low".',
                )
        except CellRefused as refused:
            self._head(what, column.allowed, Named("允许的值", "allowed values"), refused)
            return ()
        return tuple(dict.fromkeys(span.low for span in test.spans))

    def _default(self, column: dmn.Output, what: Named, kind: Kind | None) -> Output | None:
        if column.default is None:
            return None
        try:
            return read_output(column.default.text, kind, self.words.names)
        except CellRefused as refused:
            self._head(what, column.default, Named("默认值", "default"), refused)
            return None

    def _check_aggregation(self, column: dmn.Output, what: Named, kind: Kind | None) -> None:
        fitting = _AGGREGATED.get(self.table.aggregation)
        if fitting is None or kind in fitting:
            return
        self.report.error(
            TYPE,
            column.id,
            column.line,
            f"{what.zh} 要用 {self.table.aggregation} 汇总，类型应为 {' 或 '.join(fitting)}。",
            f"{what.en} is aggregated with {self.table.aggregation}; make its type {' or '.join(fitting)}.",
        )

    def _column(self, zh: str, en: str, label: str) -> Named:
        return Named(f"{self.table.named.zh} 的{zh}“{label}”", f'{self.table.named.en}, {en} "{label}"')

    def _cell(self, rule: dmn.Rule, cell: dmn.Cell, column: Named, refused: CellRefused) -> None:
        text = plain(cell.text)
        self.report.error(
            refused.rule,
            cell.id or rule.id,
            cell.line,
            f"{self.table.named.zh} 的{rule.named.zh}，{column.zh}写了 {text}：{refused.zh}",
            f"{self.table.named.en}, {rule.named.en}, {column.en} says {text}: {refused.en}",
        )

    def _head(self, what: Named, cell: dmn.Cell, part: Named, refused: CellRefused) -> None:
        text = plain(cell.text)
        self.report.error(
            refused.rule,
            cell.id,
            cell.line,
            f"{what.zh} 的{part.zh}写了 {text}：{refused.zh}",
            f"{what.en}, {part.en} {text}: {refused.en}",
        )


def resolved(reference: str, types: Mapping[str, str]) -> str:
    """A typeRef through the file's own type names."""
    for _ in range(5):
        if reference in TYPE_REFS or reference not in types:
            break
        reference = types[reference]
    return reference


def _kind_of(texts: Sequence[str]) -> Kind | None:
    """The kind of the first literal of an untyped column."""
    for text in dict.fromkeys(texts):
        try:
            kind = read_tests(text, None, None)[1]
        except CellRefused:
            continue
        if kind is not None:
            return kind
    return None


def _refuse_strangers(test: Test, allowed: Test | None) -> None:
    """A literal that the column can never hold is a slip of the pen."""
    if allowed is None:
        return
    known = [shown(span.low) for span in allowed.spans if span.is_point and not allowed.negated]
    for span in test.spans:
        if span.is_point and not allowed.matches(span.low, lambda asked: True):
            raise _stranger(span.low, known)


def _stranger(value: Any, known: Sequence[str]) -> CellRefused:
    close, row = nearest(shown(value), known), listed(known)
    hint = f"；是不是 {close}？" if close else f"；允许的有 {row.zh}。" if known else "。"
    hint_en = f"; did you mean {close}?" if close else f"; there are {row.en}." if known else "."
    text = shown(value)
    return CellRefused(
        TYPE, f"{text} 不在允许的值里{hint}", f"{text} is not among the allowed values{hint_en}"
    )
