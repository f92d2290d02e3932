"""What people write in cells and mean otherwise: each mistake with the right form beside it."""

from __future__ import annotations

import re
from collections.abc import Collection

from app.engine.decisions.errors import CellRefused
from app.engine.decisions.questions import closing_quote
from app.engine.decisions.values import SYNTAX, TYPE

MOST_CHARACTERS = 1_000

_BETWEEN = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:-|~|～|—|–|至|到|\.\.\.?)\s*(-?\d+(?:\.\d+)?)", re.ASCII)
_THOUSANDS = re.compile(r"[<>]=?\s*(\d{1,3}(?:,\d{3})+)(?![\d.])", re.ASCII)
_DURATION = re.compile(r"(?:time|duration|years and months duration)\s*\(")
_EQUAL = ("相等请只写值：{rest}。", "for equality write the value alone: {rest}.")
_UNEQUAL = ("“不等于”请写 not({rest})。", "write not({rest}).")
_AT_LEAST = ("“大于等于”请写 >= {rest}。", "write >= {rest}.")
_AT_MOST = ("“小于等于”请写 <= {rest}。", "write <= {rest}.")
_HINTS = {
    "==": _EQUAL, "=>": _AT_LEAST, "=<": _AT_MOST, "!=": _UNEQUAL, "<>": _UNEQUAL,
    "=": _EQUAL, "≠": _UNEQUAL, "≥": _AT_LEAST, "≤": _AT_MOST,
    "＞": ("“大于”请写 > {rest}。", "write > {rest}."), "＜": ("“小于”请写 < {rest}。", "write < {rest}."),
}  # fmt: skip
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "”": "”", "＂": "＂"}
_CAPITALS = {
    **{"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"},
    **{"None": "null", "NULL": "null"},
}


def refuse_long(text: str) -> None:
    """A cell is read by people."""
    if len(text) > MOST_CHARACTERS:
        raise CellRefused(
            SYNTAX,
            f"一格最多 {MOST_CHARACTERS:,} 个字符，这里有 {len(text):,} 个。",
            f"a cell has at most {MOST_CHARACTERS:,} characters, this one {len(text):,}.",
        )


def refuse_quotes(text: str, at: int) -> None:
    """Chinese quotes, and quotes that are not closed."""
    opening = text[at]
    if opening in _PAIRS:
        inside = text[at + 1 :].split(_PAIRS[opening], 1)[0].strip()
        raise CellRefused(
            SYNTAX,
            f'引号请用英文的 "，写成 "{inside}"。',
            f'write the quote ", not {opening}: "{inside}".',
        )
    if opening in "\"'" and closing_quote(text, at) >= len(text):
        raise CellRefused(SYNTAX, f"引号 {opening} 没有配对。", f"the quote {opening} is not closed.")


def refuse_thousands(text: str, at: int) -> None:
    """`> 10,500` would be read as above 10, or 500."""
    if found := _THOUSANDS.match(text, at):
        right = found.group().replace(",", "")
        raise CellRefused(SYNTAX, f"请不要写千分位的逗号：{right}。", f"write no thousands commas: {right}.")


def refuse_operators(part: str) -> None:
    """`= x`, `≥ x`, `1-5`: what tables write otherwise."""
    for spelling, (zh, en) in _HINTS.items():
        if part.startswith(spelling):
            value = part[len(spelling) :].strip() or "…"
            raise CellRefused(SYNTAX, zh.format(rest=value), en.format(rest=value))
    if between := _BETWEEN.fullmatch(part):
        right = f"[{between.group(1)}..{between.group(2)}]"
        raise CellRefused(SYNTAX, f"范围请写成 {right}。", f"write a range as {right}.")


def no_comma(rest: str) -> CellRefused:
    """What stands where a comma belongs."""
    if rest[0] in "，、；;":
        return CellRefused(
            SYNTAX,
            f"几个值之间请用英文逗号 , 隔开，不要用 {rest[0]}。",
            f"separate values with a comma, not {rest[0]}.",
        )
    if re.match(r"(?:or|and)\b|\|\||&&|\||&|或|和", rest):
        return CellRefused(
            SYNTAX,
            '“或者”请用逗号隔开，如 "a","b"；更复杂的请写 ? 开头的表达式。',
            'for "or" separate values with commas: "a","b"; write anything else as an expression with ?.',
        )
    return CellRefused(SYNTAX, f"从 {rest[:20]} 起看不懂。", f"it is not understood from {rest[:20]} on.")


def no_literal_after(operator: str, rest: str) -> CellRefused:
    """`>` with nothing, or with another name, behind it."""
    if not rest:
        return CellRefused(SYNTAX, f"{operator} 后面缺少值。", f"a value is missing after {operator}.")
    refuse_quotes(rest, 0)
    if _DURATION.match(rest):
        return _no_durations()
    return CellRefused(
        SYNTAX,
        f"{operator} 后面只能写一个值；和别的数据比较请写 ? {operator} {rest}。",
        f"only a value may follow {operator}; to compare with other data write ? {operator} {rest}.",
    )


def not_a_test(part: str, names: Collection[str] | None) -> CellRefused:
    """Words that are no literal."""
    if re.match(r"not\s*\(", part):
        return CellRefused(
            SYNTAX,
            "not(…) 要单独占一格，不能和别的值并列。",
            "not(…) must be the whole cell, not one of several values.",
        )
    if _DURATION.match(part):
        return _no_durations()
    if re.match(r"date\s*(?:and\s+time\s*)?\(", part):
        return CellRefused(SYNTAX, '日期请写成 date("2026-10-01")。', 'write a date as date("2026-10-01").')
    if re.match(r"[^\W\d]\w*\s*\(", part):
        return CellRefused(
            SYNTAX,
            f"表达式请以 ? 开头，如 ? {part}，其中 ? 是这一列的值。",
            f"begin an expression with ?: ? {part}; within it ? is the column's value.",
        )
    if part in _CAPITALS:
        right = _CAPITALS[part]
        return CellRefused(SYNTAX, f"{part} 请写 {right}。", f"write {right} for {part}.")
    if part.startswith("-"):
        return CellRefused(SYNTAX, "- 只能单独占一格。", "- must be the whole cell.")
    if names is not None and part in names:
        return CellRefused(
            SYNTAX,
            f'如果是文字请加引号，写成 "{part}"；和这个数据比较请写 ? == {part}。',
            f'if it is text, quote it: "{part}"; to compare with that data write ? == {part}.',
        )
    return bare(part)


def _no_durations() -> CellRefused:
    return CellRefused(
        TYPE,
        "表格里没有钟点和时长这两种类型；请用文本、数字、日期或时刻。",
        "tables have no times of day and no durations; use text, numbers, dates or instants.",
    )


def not_a_range() -> CellRefused:
    """A bracket that opens no range."""
    return CellRefused(
        SYNTAX,
        "范围请写成 [1..5]、(1..5]、[1..5) 或 (1..5)，两端是数字、日期或加引号的文字。",
        "write a range as [1..5], (1..5], [1..5) or (1..5), its ends numbers, dates or quoted text.",
    )


def bare(word: str) -> CellRefused:
    """Words without quotes, each proposed with them."""
    every = [each.strip() for each in re.split(r"[,，、;；]", word) if each.strip()] or [word]
    quoted = ",".join(f'"{each}"' for each in every)
    return CellRefused(SYNTAX, f"文字要加引号，请写成 {quoted}。", f"text needs quotes: write {quoted}.")
