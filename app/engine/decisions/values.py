"""The kinds of value a table compares: how they are written in a cell and how a case's value becomes one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from app.engine.decisions.errors import CellRefused
from app.engine.operators import SHANGHAI, moment

Kind = Literal["string", "number", "boolean", "date", "dateTime"]

SYNTAX, TYPE = "dmn-cell-syntax", "dmn-type"
MOST_DIGITS = 15  # as many as a case's decimal may have, so that every literal survives as JSON

KIND_WORDS: Mapping[Kind, tuple[str, str]] = {
    "string": ("文本", "text"),
    "number": ("数字", "a number"),
    "boolean": ("是否", "yes or no"),
    "date": ("日期", "a date"),
    "dateTime": ("时刻", "an instant"),
}
# What dmn-js and the Camunda panel write, by our kind; None leaves it to the cells.
TYPE_REFS: Mapping[str, Kind | None] = {
    "": None, "Any": None, "any": None,
    "string": "string", "boolean": "boolean", "date": "date",
    "dateTime": "dateTime", "date and time": "dateTime", "dateAndTime": "dateTime",
    "number": "number", "integer": "number", "long": "number", "double": "number",
}  # fmt: skip
WHOLE = frozenset({"integer", "long", "int"})
# A declared data name's type word, by our kind; lists, files and points are asked with `? …` only.
KIND_OF_DATA: Mapping[str, Kind | None] = {
    "text": "string", "choice": "string", "category": "string", "unit": "string", "person": "string",
    "int": "number", "decimal": "number", "bool": "boolean", "date": "date", "datetime": "dateTime",
    "list": None, "files": None, "point": None,
}  # fmt: skip
DATA_OF_KIND: Mapping[Kind | None, str] = {
    "string": "text", "number": "decimal", "boolean": "bool", "date": "date", "dateTime": "datetime",
    None: "",
}  # fmt: skip

_STRING = re.compile(r'"(?:[^"\\\r\n]|\\.)*"|\'(?:[^\'\\\r\n]|\\.)*\'')
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)", re.ASCII)
_DATE = re.compile(r'(?:date\s*\(\s*"([^"]*)"\s*\))')
_INSTANT = re.compile(r'date\s+and\s+time\s*\(\s*"([^"]*)"\s*\)')
_AT = re.compile(r'@\s*"([^"]*)"')
_WORD = re.compile(r"(?:true|false|null)\b")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Value(NamedTuple):
    """A literal: its kind (None for `null`), the comparable value, the text as written, and where it ends."""

    kind: Kind | None
    value: Any
    text: str
    end: int


class WrongKind(Exception):
    """A case's value is of another kind than its column; carries no value."""


def literal_at(text: str, at: int) -> Value | None:
    """The literal that begins at `at`, or None. Raises CellRefused for one that is nearly right."""
    if found := _STRING.match(text, at):
        return Value("string", _unescaped(found.group()), found.group(), found.end())
    if found := _WORD.match(text, at):
        word = found.group()
        kind: Kind | None = None if word == "null" else "boolean"
        return Value(kind, None if word == "null" else word == "true", word, found.end())
    if found := _INSTANT.match(text, at):
        return Value("dateTime", _instant(found.group(1), found.group()), found.group(), found.end())
    if found := _DATE.match(text, at):
        return Value("date", _date(found.group(1), found.group()), found.group(), found.end())
    if found := _AT.match(text, at):
        inside = found.group(1)
        if len(inside) > 10:
            return Value("dateTime", _instant(inside, found.group()), found.group(), found.end())
        return Value("date", _date(inside, found.group()), found.group(), found.end())
    if found := _NUMBER.match(text, at):
        return _number(text, found)
    return None


def converted(kind: Kind | None, value: Any) -> Any:
    """A case's value as one that compares within its column; None stays None. Raises WrongKind.

    Numbers become decimals, a date column asks for the day in Asia/Shanghai, an instant needs an offset.
    """
    if value is None or kind is None:
        return value
    is_of = type(value)
    if kind == "string":
        if is_of is str:
            return value
    elif kind == "number":
        if is_of is int or is_of is Decimal:
            return value
        if is_of is float:
            return Decimal(repr(value))
    elif kind == "boolean":
        if is_of is bool:
            return value
    elif isinstance(value, str | date):
        instant = moment(value)
        if instant is not None:
            return instant.astimezone(SHANGHAI).date() if kind == "date" else instant
    raise WrongKind


def handed_out(value: Any) -> Any:
    """A comparable value as the JSON a case keeps: a whole decimal as int, another as float, times as ISO."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def shown(value: Any) -> str:
    """A comparable value as a person would write it in a cell."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f'date and time("{value.isoformat()}")'
    if isinstance(value, date):
        return f'date("{value.isoformat()}")'
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def of_another_kind(kind: Kind, literal: Value) -> CellRefused:
    """The refusal of a literal in a column of another kind, with the right form where there is one."""
    zh, en = KIND_WORDS[kind]
    given_zh, given_en = KIND_WORDS[literal.kind or "string"]
    right = _right_form(kind, literal)
    if kind == "dateTime" and literal.kind == "date":
        return CellRefused(
            TYPE,
            f"这一列是时刻，{literal.text} 是日期；按天比较请把这一列的类型改为 date，否则请写 {right}。",
            f"the column holds instants, {literal.text} is a date; to compare by day make the column's type "
            f"date, else write {right}.",
        )
    hint_zh = f"；请写 {right}" if right else ""
    hint_en = f"; write {right}" if right else ""
    return CellRefused(
        TYPE,
        f"这一列是{zh}，{literal.text} 是{given_zh}{hint_zh}。",
        f"the column holds {en}, {literal.text} is {given_en}{hint_en}.",
    )


def _right_form(kind: Kind, literal: Value) -> str:
    if kind == "string" and literal.kind in ("number", "boolean"):
        return f'"{literal.text}"'
    if kind == "dateTime" and literal.kind == "date":
        return f'date and time("{literal.value.isoformat()}T00:00:00+08:00")'
    if literal.kind != "string":
        return ""
    text = str(literal.value).strip()
    if kind == "number" and _NUMBER.fullmatch(text):
        return text
    if kind == "boolean" and text in ("true", "false"):
        return text
    if kind == "date" and _DAY.fullmatch(text):
        return f'date("{text}")'
    return ""


def _unescaped(quoted: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise CellRefused(
                SYNTAX,
                "文字里的反斜杠后面只能是 \\ \" ' n t 或 uXXXX。",
                "after a backslash in text only \\ \" ' n t or uXXXX may follow.",
            )
        return _ESCAPES[code]

    return unicodedata.normalize("NFC", _ESCAPE.sub(plain, quoted[1:-1]))


def _number(text: str, found: re.Match[str]) -> Value:
    written = found.group()
    after = text[found.end() : found.end() + 1]
    if after and (after.isalnum() or after in "_%"):
        if after == "%":
            share = format(Decimal(written) / 100, "f")
            raise CellRefused(
                SYNTAX, f"请不要写百分号，写成 {share}。", f"write {share} instead of a percentage."
            )
        raise CellRefused(
            SYNTAX,
            "数字后面不能直接跟文字；如果是文字请加引号。",
            "letters may not follow a number; quote it if it is text.",
        )
    digits = written.lstrip("-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        raise CellRefused(
            SYNTAX,
            f'数字不能以 0 开头；如果是编号请加引号，写成 "{digits}"；千分位的逗号也请去掉。',
            f'a number may not begin with 0; quote a code: "{digits}"; write no thousands commas either.',
        )
    number = Decimal(written)
    if len(digits.replace(".", "")) > MOST_DIGITS:
        raise CellRefused(
            SYNTAX, f"数字最多 {MOST_DIGITS} 位。", f"a number has at most {MOST_DIGITS} digits."
        )
    return Value("number", number, written, found.end())


def _date(inside: str, written: str) -> date:
    if _DAY.fullmatch(inside):
        try:
            return date.fromisoformat(inside)
        except ValueError:
            raise CellRefused(
                SYNTAX, f"日历上没有 {inside} 这一天。", f"there is no day {inside} in the calendar."
            ) from None
    raise CellRefused(SYNTAX, '日期请写成 date("2026-10-01")。', 'write a date as date("2026-10-01").')


def _instant(inside: str, written: str) -> datetime:
    try:
        instant = datetime.fromisoformat(inside) if len(inside) > 10 else None
    except ValueError:
        instant = None
    if instant is not None and instant.tzinfo is not None:
        return instant
    right = 'date and time("2026-10-01T09:00:00+08:00")'
    raise CellRefused(
        SYNTAX, f"时刻要写全并带时区，如 {right}。", f"write an instant in full with its offset: {right}."
    )
