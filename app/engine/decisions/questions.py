"""Expressions inside cells: `?` is the column's value; text in quotes is left alone."""

from __future__ import annotations

import re
from collections.abc import Collection

from app.engine import wording
from app.engine.decisions.errors import CellRefused
from app.engine.decisions.values import SYNTAX
from app.engine.expressions import Expression, ExpressionRefused, compile_expression
from app.engine.functions import HANDED

# Stands for `?` in a compiled expression: a letter nobody writes, that NFKC leaves alone, one character long.
MARK = "㐀"

_OPERATOR = re.compile(r"[<>=!+*/%,\[)-]|(?:not\s+in|in|is|and|or|if)\b")


def question(text: str, names: Collection[str] | None) -> Expression:
    """`? > 3`, `has(?, "a")`, or `? level == "a"` whose question mark only announces an expression."""
    after = text[1:].lstrip()
    if text.startswith("?") and after and not _OPERATOR.match(after):
        text = after
    return compiled(marked(text), None if names is None else {*names, MARK})


def compiled(text: str, names: Collection[str] | None) -> Expression:
    """A compiled expression of a cell; `names` None allows any. Raises CellRefused."""
    try:
        return compile_expression(text, names, HANDED).pruned()
    except ExpressionRefused as refusal:
        rule = SYNTAX if refusal.rule == wording.SYNTAX else refusal.rule
        # Cells are short, and a question may have been rewritten: no position.
        zh, en = refusal.zh.split("：", 1)[-1], refusal.en.split(": ", 1)[-1]
        raise CellRefused(rule, zh.replace(MARK, "?"), en.replace(MARK, "?")) from None


def has_question(text: str) -> bool:
    """Whether there is a `?` outside quotes."""
    return marked(text) != text


def marked(text: str) -> str:
    """The text with every `?` outside quotes replaced by MARK."""
    result, at = [], 0
    while at < len(text):
        end = at + 1
        if text[at] in "\"'":
            end = min(closing_quote(text, at) + 1, len(text))
            result.append(text[at:end])
        else:
            result.append(MARK if text[at] == "?" else text[at])
        at = end
    return "".join(result)


def closing_quote(text: str, at: int) -> int:
    """Where the quote that opens at `at` closes; the text's length or more when it does not."""
    quote, at = text[at], at + 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    return at


def pair_of(text: str, opening: int) -> int:
    """Where the round bracket opened there closes, or -1."""
    depth, at = 0, opening
    while at < len(text):
        if text[at] in "\"'":
            at = closing_quote(text, at)
        else:
            depth += (text[at] == "(") - (text[at] == ")")
            if depth == 0:
                return at
        at += 1
    return -1


def end_of_part(text: str, at: int) -> int:
    """Where a part of a list ends: the comma or closing bracket outside quotes and brackets, or the end."""
    depth = 0
    while at < len(text):
        character = text[at]
        if character in "\"'":
            at = closing_quote(text, at)
        elif depth == 0 and character in ",)":
            return at
        else:
            depth += (character in "([") - (character in ")]" and depth > 0)
        at += 1
    return min(at, len(text))
