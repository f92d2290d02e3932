"""Asks a table: evaluates its inputs, finds the rules, applies the hit policy, follows what it requires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NoReturn

from app.engine.decisions.columns import Result
from app.engine.decisions.errors import (
    DecisionFailed,
    NoRuleMatches,
    NoSuchDecision,
    NotUnique,
    OutputsDiffer,
    ResultDoesNotFit,
)
from app.engine.decisions.outputs import Output
from app.engine.decisions.questions import MARK
from app.engine.decisions.tables import Table, other_names
from app.engine.decisions.values import KIND_WORDS, WrongKind, converted, handed_out
from app.engine.expressions import Expression, ExpressionError

_TYPES = {str: "文本", int: "整数", float: "小数", bool: "是否值", list: "列表", dict: "对照表"}

Functions = Mapping[str, Callable[..., Any]]
OnNoMatch = Literal["error", "null"]


@dataclass(frozen=True)
class Hit:
    """A rule that decided: its id, its number as the table shows it, and the decision it belongs to."""

    decision: str
    rule: str
    number: int


@dataclass(frozen=True)
class Decision:
    """What a table said: rows of output name → JSON value, and the rules behind them.

    `rules` are in the order of `rows`; ANY and an aggregation have one row and all their rules, a default
    has none.
    `required` holds what the required decisions said, deepest first.
    """

    id: str
    rows: tuple[Mapping[str, Any], ...]
    rules: tuple[Hit, ...]
    required: tuple[Decision, ...] = ()

    @property
    def trace(self) -> tuple[Hit, ...]:
        """Every rule that decided, those of required decisions first."""
        return (*(hit for each in self.required for hit in each.rules), *self.rules)


@dataclass(frozen=True)
class Decisions:
    """The compiled tables of a bundle by decision id; shared by threads."""

    tables: Mapping[str, Table]

    def reads(self, decision_id: str) -> frozenset[str]:
        """The names that the inputs of a table read, and of those that it requires."""
        if (table := self.tables.get(decision_id)) is None:
            return frozenset()
        asked = [column.expression for column in table.columns]
        asked += [each for row in table.rows for test in row for each in test.asks]
        return frozenset(name for each in asked for name in each.names).union(
            *(self.reads(required) for required in table.requires)
        )

    def decide(
        self, decision_id: str, values: Mapping[str, Any], functions: Functions, no_match: OnNoMatch = "error"
    ) -> Decision:
        """What the table says of these values. `values` and `functions` are those of an expression.

        `no_match` "null" (process.yaml's noMatch) answers with no row where no rule matches. Raises
        NoSuchDecision, NoRuleMatches, NotUnique, OutputsDiffer, DecisionFailed.
        """
        if decision_id not in self.tables:
            raise NoSuchDecision(f"（{decision_id}）", element=decision_id)
        asking = _Asking(self.tables, values, functions, no_match)
        answer = asking.ask(decision_id)
        return Decision(answer.id, answer.rows, answer.rules, tuple(asking.done.values())[:-1])


class _Asking:
    """One question, with the answers of required decisions remembered."""

    def __init__(
        self,
        tables: Mapping[str, Table],
        values: Mapping[str, Any],
        functions: Functions,
        no_match: OnNoMatch,
    ) -> None:
        self.tables, self.values, self.functions, self.no_match = tables, values, functions, no_match
        self.done: dict[str, Decision] = {}

    def ask(self, decision_id: str) -> Decision:
        table = self.tables[decision_id]
        scope: Any = self.values
        if table.requires or table.has_questions:
            scope = dict(self.values)
        for required in table.requires:
            if required not in self.done:
                self.ask(required)
            scope.update(_given(self.tables[required], self.done[required]))
        answer = _Table(table, scope, self.functions).answer(self.no_match)
        self.done[decision_id] = answer
        return answer


class _Table:
    """One table being asked."""

    def __init__(self, table: Table, scope: Any, functions: Functions) -> None:
        self.table, self.scope, self.functions = table, scope, functions

    def answer(self, no_match: OnNoMatch) -> Decision:
        policy = self.table.written.policy
        found = self.matching()
        if policy == "FIRST":
            first = next(found, None)
            matched = [] if first is None else [first]
        else:
            matched = list(found)
        if not matched:
            return self.unmatched(no_match)
        if policy == "UNIQUE" and len(matched) > 1:
            raise NotUnique(f"（{self.named()}的{self.rules_named(matched)}）", element=self.table.id)
        rows = [self.row(rule) for rule in matched]
        if policy == "ANY":
            for rule, row in zip(matched, rows, strict=True):
                if row != rows[0]:
                    differing = [matched[0], rule]
                    raise OutputsDiffer(
                        f"（{self.named()}的{self.rules_named(differing)}）", element=self.table.id
                    )
        elif policy in ("PRIORITY", "OUTPUT ORDER"):
            places = sorted(range(len(matched)), key=lambda place: self.priority(matched[place], rows[place]))
            kept = places[:1] if policy == "PRIORITY" else places
            matched, rows = [matched[place] for place in kept], [rows[place] for place in kept]
        elif self.table.written.aggregation:
            return self.told([self.aggregate(rows)], matched)
        if policy in ("UNIQUE", "ANY"):
            rows = rows[:1]
        return self.told(rows, matched)

    def matching(self) -> Iterator[int]:
        raw = [self.value(column.expression, f"输入“{column.label}”") for column in self.table.columns]
        values = []
        for column, value in zip(self.table.columns, raw, strict=True):
            try:
                values.append(converted(column.kind, value))
            except WrongKind:
                assert column.kind is not None
                self.fail(f"输入“{column.label}”", f"应为{KIND_WORDS[column.kind][0]}，得到 {_type(value)}")
        index = self.table.index
        for rule in index.candidates(values):
            if all(self.accepts(rule, place, test, values, raw) for place, test in index.rest[rule]):
                yield rule

    def accepts(self, rule: int, place: int, test: Any, values: Sequence[Any], raw: Sequence[Any]) -> bool:
        def ask(question: Expression) -> bool:
            self.scope[MARK] = raw[place]
            what = f"规则 {rule + 1} 的输入“{self.table.columns[place].label}”"
            return bool(self.value(question, what))

        return bool(test.matches(values[place], ask))

    def row(self, rule: int) -> dict[str, Any]:
        return {
            result.name: self.output(result, output, f"规则 {rule + 1} 的输出“{result.label}”")
            for result, output in zip(self.table.results, self.table.outputs[rule], strict=True)
        }

    def output(self, result: Result, output: Output, where: str) -> Any:
        if output.expression is None:
            return output.value
        value = self.value(output.expression, where)
        try:
            converted(result.kind, value)
        except WrongKind:
            assert result.kind is not None
            self.fail(where, f"应为{KIND_WORDS[result.kind][0]}，得到 {_type(value)}")
        return value

    def unmatched(self, no_match: OnNoMatch) -> Decision:
        results = self.table.results
        if any(result.default is not None for result in results):
            row = {
                result.name: None
                if result.default is None
                else self.output(result, result.default, f"输出“{result.label}”的默认值")
                for result in results
            }
            return self.told([row], [])
        if no_match == "error":
            raise NoRuleMatches(f"（{self.named()}）", element=self.table.id)
        if self.table.written.aggregation == "COUNT":
            return self.told([{results[0].name: 0}], [])
        return self.told([], [])

    def aggregate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        result = self.table.results[0]
        how = self.table.written.aggregation
        if how == "COUNT":
            return {result.name: len(rows)}
        given = [value for row in rows if (value := row[result.name]) is not None]
        if not given:
            return {result.name: None}
        if how == "SUM":
            total = sum((converted("number", value) for value in given), Decimal(0))
            return {result.name: handed_out(total)}
        chosen = (min if how == "MIN" else max)(given, key=lambda value: converted(result.kind, value))
        return {result.name: chosen}

    def priority(self, rule: int, row: Mapping[str, Any]) -> tuple[int, ...]:
        """The places of a row's values in the orders of its columns, the first column first."""
        ranks = []
        for result in self.table.results:
            if not result.order:
                continue
            value = converted(result.kind, row[result.name])
            if value is None:
                ranks.append(len(result.order))
            elif value in result.order:
                ranks.append(result.order.index(value))
            else:
                self.fail(f"规则 {rule + 1} 的输出“{result.label}”", "得到的值不在允许的值里")
        return tuple(ranks)

    def told(self, rows: Sequence[Mapping[str, Any]], matched: Sequence[int]) -> Decision:
        written = self.table.written
        hits = tuple(Hit(written.id, written.rules[rule].id, rule + 1) for rule in matched)
        return Decision(written.id, tuple(rows), hits)

    def value(self, expression: Expression, where: str) -> Any:
        try:
            return expression.evaluate(self.scope, self.functions)
        except ExpressionError as error:
            self.fail(where, error.zh.replace(MARK, "?").rstrip("。"))

    def fail(self, where: str, why: str) -> NoReturn:
        raise DecisionFailed(f"（{self.named()}{where}：{why}）", element=self.table.id) from None

    def named(self) -> str:
        return self.table.written.named.zh

    def rules_named(self, matched: Sequence[int]) -> str:
        return "、".join(self.table.written.rules[rule].named.zh for rule in matched[:5])


def map_result(decision: Decision, mapping: str) -> Any:
    """The value a business rule task writes: camunda's mapDecisionResult.

    singleEntry: the only value of the only row · singleResult: the only row · collectEntries: the values of
    the only output, as a list · resultList: all rows. No row is None, or an empty list for the last two.
    Raises ResultDoesNotFit.
    """
    rows = [dict(row) for row in decision.rows]
    if mapping == "resultList":
        return rows
    if mapping not in ("singleEntry", "singleResult", "collectEntries"):
        raise ResultDoesNotFit(f"（不认识 {mapping}）", element=decision.id)
    if mapping != "collectEntries" and len(rows) > 1:
        raise ResultDoesNotFit(f"（{mapping} 只能有一行结果，得到 {len(rows)} 行）", element=decision.id)
    if mapping != "singleResult" and any(len(row) != 1 for row in rows):
        raise ResultDoesNotFit(f"（{mapping} 只能有一个输出，得到 {len(rows[0])} 个）", element=decision.id)
    if mapping == "collectEntries":
        return [value for row in rows for value in row.values()]
    if not rows:
        return None
    return rows[0] if mapping == "singleResult" else next(iter(rows[0].values()))


def _given(table: Table, answer: Decision) -> dict[str, Any]:
    """A required decision's outputs by the names that tables.given_by promises."""
    given: dict[str, Any] = {}
    for result in table.results:
        column = [row[result.name] for row in answer.rows]
        given[result.name] = column if table.gives_lists else column[0] if column else None
    for name in other_names(table.written):
        given.setdefault(name, given[table.results[0].name])
    return given


def _type(value: Any) -> str:
    """The kind of a value in Chinese, never the value."""
    return _TYPES.get(type(value), type(value).__name__)
