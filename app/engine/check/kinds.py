"""What kind of value an expression gives, as far as declared types tell: a number is no time."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

NUMBERS = frozenset({"int", "decimal"})
TEXTS = frozenset({"text", "choice", "category"})
TIMES = frozenset({"date", "datetime"})
LISTS = frozenset({"list", "files"})
CODES = frozenset({"unit", "person"})

# What a timer may be given: text may hold a duration or an instant, a choice is text.
WHEN = {"timeDate": TEXTS | {"datetime"}, "timeDuration": TEXTS | {"datetime"}, "timeCycle": TEXTS}

_GIVES = {
    **dict.fromkeys(("count", "days", "hours", "age", "round", "abs", "round_no"), "int"),
    **dict.fromkeys(("has", "contains", "startswith"), "bool"),
    **dict.fromkeys(("lower", "upper", "trim", "outcome"), "text"),
    **dict.fromkeys(("today", "date"), "date"),
    **dict.fromkeys(("now", "tier", "due", "workdays", "workhours"), "datetime"),
}
_TIME_OR_TEXT = TIMES | TEXTS
_WORDS = TEXTS | TIMES | CODES
# Function → kinds its first arguments may have; anything else of a known kind fails whenever it is filled in.
_TAKES: Mapping[str, tuple[frozenset[str], ...]] = {
    "days": (_TIME_OR_TEXT, _TIME_OR_TEXT),
    "hours": (_TIME_OR_TEXT, _TIME_OR_TEXT),
    "date": (_TIME_OR_TEXT,),
    "age": (_TIME_OR_TEXT,),
    "count": (LISTS,),
    "contains": (_WORDS, _WORDS),
    "startswith": (_WORDS, _WORDS),
    "lower": (_WORDS,),
    "upper": (_WORDS,),
    "trim": (_WORDS,),
    "round": (NUMBERS, NUMBERS),
    "abs": (NUMBERS,),
}
_SAY = {
    _TIME_OR_TEXT: ("日期或时刻", "a date or an instant"),
    LISTS: ("列表", "a list"),
    _WORDS: ("文字", "a text"),
    NUMBERS: ("数字", "a number"),
}


class Misfit(NamedTuple):
    """An argument of a kind its function cannot take; `wanted` in both languages."""

    function: str
    argument: str
    kind: str
    wanted: tuple[str, str]


def kind_of(node: ast.expr, data: Mapping[str, str]) -> str | None:
    """The type word of what this gives, None when declared types do not tell."""
    match node:
        case ast.Constant(value=bool()):
            return "bool"
        case ast.Constant(value=int() | float()):
            return "int"
        case ast.Constant(value=str()):
            return "text"
        case ast.Name(id=name):
            return data.get(name) or None
        case ast.Call(func=ast.Name(id=name)):
            return _GIVES.get(name)
        case ast.List():
            return "list"
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "bool"
        case ast.UnaryOp():
            return "int"
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            kinds = {kind_of(left, data), kind_of(right, data)}
            return next((kind for kind in ("int", "decimal", "text", "list") if kind in kinds), None)
        case ast.BinOp():
            return "int"
    return None


def alternatives(node: ast.expr) -> Iterator[ast.expr]:
    """The expressions one of which is the value: both sides of `x if c else y`, every side of `or`."""
    match node:
        case ast.IfExp(body=body, orelse=otherwise):
            yield from alternatives(body)
            yield from alternatives(otherwise)
        case ast.BoolOp(values=values):
            for each in values:
                yield from alternatives(each)
        case _:
            yield node


def misfits(tree: ast.expr, data: Mapping[str, str]) -> Iterator[Misfit]:
    """Arguments that make a function fail whenever they are filled in."""
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        name = call.func.id
        takes = (LISTS,) if name == "has" and len(call.args) == 2 else _TAKES.get(name, ())
        for argument, kinds in zip(call.args, takes, strict=False):
            for each in alternatives(argument):
                kind = kind_of(each, data)
                if kind is not None and kind not in kinds:
                    yield Misfit(name, ast.unparse(each), kind, _SAY[kinds])
