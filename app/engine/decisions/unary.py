"""Reads the input side of a table: DMN's unary tests, and questions in the engine's own expressions."""

from __future__ import annotations

import re
from collections.abc import Collection

from app.engine.decisions.errors import CellRefused
from app.engine.decisions.misspelt import (
    no_comma,
    no_literal_after,
    not_a_range,
    not_a_test,
    refuse_long,
    refuse_operators,
    refuse_quotes,
    refuse_thousands,
)
from app.engine.decisions.questions import end_of_part, has_question, pair_of, question
from app.engine.decisions.spans import ANYTHING, Span, Test
from app.engine.decisions.values import SYNTAX, TYPE, Kind, Value, literal_at, of_another_kind
from app.engine.expressions import Expression

_NOT = re.compile(r"not\s*\(")
_ORDER = re.compile(r"<=|>=|<|>")


def read_tests(text: str, kind: Kind | None, names: Collection[str] | None) -> tuple[Test, Kind | None]:
    """A cell of the input side, and the kind of its literals. Raises CellRefused.

    `kind` None takes the kind of the first literal; `names` are those a question may use (None: any).
    """
    reader = _Tests(text, kind, names)
    return reader.cell(), reader.kind


class _Tests:
    """A cursor over one cell."""

    def __init__(self, text: str, kind: Kind | None, names: Collection[str] | None) -> None:
        self.text, self.kind, self.names = text, kind, names
        self.at = 0
        self.spans: list[Span] = []
        self.asks: list[Expression] = []
        self.null = False

    def cell(self) -> Test:
        refuse_long(self.text)
        if self.text in ("", "-"):
            return ANYTHING
        if self.text in ("—", "－", "–", "*"):
            raise CellRefused(SYNTAX, "“任意”请写 -。", "write - for anything.")
        negated = self.opens_negation()
        self.several(len(self.text) - negated)
        return Test(tuple(self.spans), self.null, False, negated, tuple(self.asks))

    def opens_negation(self) -> bool:
        """Steps into not( when its bracket closes at the very end of the cell."""
        opening = _NOT.match(self.text)
        if opening is None or self.text[-1] != ")":
            return False
        # "not(? > 1) and has(x)" is one question; ranges such as (1..5] have no pairs of brackets to count.
        if has_question(self.text) and pair_of(self.text, opening.end() - 1) != len(self.text) - 1:
            return False
        self.at = opening.end()
        return True

    def several(self, end: int) -> None:
        """One test or more, separated by commas."""
        while True:
            self.blanks()
            if self.at >= end:
                raise CellRefused(
                    SYNTAX, "逗号后面或括号里缺少一个值。", "a value is missing after a comma or in brackets."
                )
            self.one()
            self.blanks()
            if self.at == end:
                return
            if self.at > end:
                raise CellRefused(SYNTAX, "括号没有配对。", "a bracket is not closed.")
            if self.text[self.at] != ",":
                raise no_comma(self.text[self.at :])
            self.at += 1

    def one(self) -> None:
        """A range, a question, a comparison, or a literal."""
        if self.text[self.at] in "[](" and self.range():
            return
        part = self.text[self.at : end_of_part(self.text, self.at)]
        if has_question(part):
            self.asks.append(question(part.strip(), self.names))
            self.at += len(part)
            return
        refuse_quotes(self.text, self.at)
        refuse_operators(part.strip())
        if order := _ORDER.match(self.text, self.at):
            refuse_thousands(self.text, self.at)
            self.at = order.end()
            self.comparison(order.group())
            return
        literal = self.literal()
        if literal is None:
            raise not_a_test(part.strip(), self.names)
        if literal.kind is None:
            self.null = True
        else:
            self.spans.append(Span(literal.value, literal.value))

    def comparison(self, operator: str) -> None:
        """The literal behind <, <=, > or >=."""
        self.blanks()
        literal = self.literal()
        if literal is None:
            rest = self.text[self.at : end_of_part(self.text, self.at)].strip()
            raise no_literal_after(operator, rest)
        _must_have_order(literal)
        included = operator.endswith("=")
        if operator[0] == "<":
            self.spans.append(Span(None, literal.value, True, included))
        else:
            self.spans.append(Span(literal.value, None, included, True))

    def range(self) -> bool:
        """Reads a range when one begins here; leaves the cursor alone when it does not."""
        start, opening = self.at, self.text[self.at]
        self.at += 1
        self.blanks()
        ahead = literal_at(self.text, self.at)
        if ahead is None or not self.text[ahead.end :].lstrip().startswith(".."):
            self.at = start
            if opening == "(" or has_question(self.text[start : end_of_part(self.text, start)]):
                return False
            raise not_a_range()
        low = self.literal()
        self.blanks()
        self.at += 2
        self.blanks()
        high = self.literal()
        self.blanks()
        closing = self.text[self.at : self.at + 1]
        if low is None or high is None or not closing or closing not in "[])":
            raise not_a_range()
        self.at += 1
        _must_have_order(low)
        _must_have_order(high)
        if low.value > high.value:
            raise CellRefused(
                SYNTAX,
                f"范围的起点 {low.text} 大于终点 {high.text}，请对调。",
                f"the range begins at {low.text}, after its end {high.text}; swap them.",
            )
        span = Span(low.value, high.value, opening == "[", closing == "]")
        if low.value == high.value and not (span.with_low and span.with_high):
            raise CellRefused(SYNTAX, "这个范围里没有任何值。", "the range holds no value.")
        self.spans.append(span)
        return True

    def literal(self) -> Value | None:
        """The literal here, of the column's kind; an untyped column takes the kind of its first."""
        literal = literal_at(self.text, self.at)
        if literal is None:
            return None
        if literal.kind is not None:
            self.kind = self.kind or literal.kind
            if literal.kind != self.kind:
                raise of_another_kind(self.kind, literal)
        self.at = literal.end
        return literal

    def blanks(self) -> None:
        """Steps over blanks."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1


def _must_have_order(literal: Value) -> None:
    if literal.kind in ("boolean", None):
        raise CellRefused(TYPE, f"{literal.text} 不能比较大小。", f"{literal.text} has no order.")
