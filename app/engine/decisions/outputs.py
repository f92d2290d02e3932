"""Reads the output side of a table: literals, or expressions evaluated when their rule decides."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from app.engine.decisions.errors import CellRefused
from app.engine.decisions.misspelt import bare, refuse_long, refuse_quotes
from app.engine.decisions.questions import compiled
from app.engine.decisions.values import SYNTAX, Kind, handed_out, literal_at, of_another_kind
from app.engine.expressions import Expression

_WORD = re.compile(r"[^\W\d]\w*")
_PLAIN = re.compile(r"[\w.:：]+")


@dataclass(frozen=True, slots=True)
class Output:
    """A cell: a JSON value, or an expression when there is one; `literal` is the value as it compares."""

    value: Any = None
    expression: Expression | None = None
    literal: Any = None


def read_output(text: str, kind: Kind | None, names: Collection[str] | None) -> Output:
    """A cell of the output side; an empty one gives no value. Raises CellRefused."""
    refuse_long(text)
    if not text:
        return Output()
    if text == "-":
        raise CellRefused(
            SYNTAX, "结果不能写 -；不给值请留空。", "a result cannot be -; leave the cell empty for no value."
        )
    try:
        literal = literal_at(text, 0)
    except CellRefused:
        if not text[0].isdigit():
            raise
        literal = None  # 2小时, 1.5.1: told below, as text without quotes
    if literal is not None and literal.end == len(text):
        if kind is not None and literal.kind not in (kind, None):
            raise of_another_kind(kind, literal)
        return Output(value=handed_out(literal.value), literal=literal.value)
    refuse_quotes(text, 0)
    if _WORD.fullmatch(text) and names is not None and text not in names:
        raise bare(text)
    try:
        return Output(expression=compiled(text, names))
    except CellRefused as refused:
        if refused.rule == SYNTAX and _PLAIN.fullmatch(text):
            raise bare(text) from None
        raise
