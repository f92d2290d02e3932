"""An expression of `measures:` turned into one SQL term a case; what it cannot say is refused in words.

A comparison with what is not filled in is not true, as in diagrams; a number that is missing stays missing.
"""

import ast
from datetime import datetime
from typing import Any

from sqlalchemy import Float, and_, case, cast, false, func, literal, not_, null, or_
from sqlalchemy.sql.elements import ColumnElement

from app.bundles.measures import COLUMNS, MeasureDef
from app.bundles.measures import FUNCTIONS as ARITIES
from app.cases.measuring.functions import FUNCTIONS
from app.cases.measuring.terms import BOOL, MOMENT, NOTHING, NUMBER, TEXT, Reading, Refused, Term, of_fact
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import Instant
from app.engine.expressions import Expression

_ORDER: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_SUMS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_KINDS = {"source": TEXT, "round": NUMBER, "priority": NUMBER, "received_at": MOMENT, "place_unit": TEXT}


def condition(reading: Reading, expression: Expression) -> ColumnElement[bool]:
    """Whether a case is counted. Raises Refused."""
    return _truth(_read(reading, expression.tree), expression.text)


def number(reading: Reading, expression: Expression) -> Any:
    """The number of a case, null where it has none. Raises Refused."""
    found = _read(reading, expression.tree)
    if found.kind == BOOL:
        return case((found.sql, 1.0), (not_(found.sql), 0.0), else_=null())
    if found.kind != NUMBER:
        raise Refused(f"“{expression.text}”应当是一个数，这里是{found.kind}。")
    return cast(found.sql, Float)


def errors(reading: Reading, measure: MeasureDef) -> list[tuple[str, str]]:
    """Which parts of a measure cannot be counted, and why."""
    found = []
    for part, expression in measure.parts.items():
        try:
            (condition if part in ("numerator", "denominator") else number)(reading, expression)
        except Refused as refused:
            found.append((part, refused.zh))
    return found


def _read(reading: Reading, node: ast.expr) -> Term:
    match node:
        case ast.Constant(value=value):
            return _constant(value)
        case ast.Name(id=name):
            return _name(reading, name)
        case ast.BoolOp(op=op, values=values):
            parts = [_truth(_read(reading, each)) for each in values]
            return Term(BOOL, and_(*parts) if isinstance(op, ast.And) else or_(*parts))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Term(BOOL, not_(_truth(_read(reading, operand))))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Term(NUMBER, -_of(NUMBER, _read(reading, operand)))
        case ast.BinOp(op=op, left=left, right=right):
            return _sum(op, _of(NUMBER, _read(reading, left)), _of(NUMBER, _read(reading, right)))
        case ast.Compare():
            return _comparison(reading, node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _either(reading, test, body, orelse)
        case ast.Call(func=ast.Name(id=name), args=given):
            return _call(reading, name, given)
    raise Refused("统计里不能用列表、方括号取值和文字拼接。")


def _constant(value: Any) -> Term:
    if value is None:
        return Term(NOTHING, null())
    if isinstance(value, bool):
        return Term(BOOL, literal(value))
    return Term(TEXT if isinstance(value, str) else NUMBER, literal(value))


def _name(reading: Reading, name: str) -> Term:
    if name in COLUMNS:
        return Term(_KINDS[name], reading.tables.column(name))
    return of_fact(reading.bundle.process.data[name], reading.tables.fact(name))


def _comparison(reading: Reading, node: ast.Compare) -> Term:
    operands = [node.left, *node.comparators]
    parts = [
        _compared(reading, op, left, right)
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False)
    ]
    return Term(BOOL, and_(*parts))


def _compared(reading: Reading, op: ast.cmpop, left: ast.expr, right: ast.expr) -> ColumnElement[bool]:
    first = _read(reading, left)
    if isinstance(op, ast.In | ast.NotIn):
        found = _among(first, right)
        return found if isinstance(op, ast.In) else not_(found)
    second = _read(reading, right)
    if NOTHING in (first.kind, second.kind):
        missing: ColumnElement[bool] = (second if first.kind == NOTHING else first).sql.is_(None)
        return missing if isinstance(op, ast.Eq | ast.Is) else not_(missing)
    first, second = _alike(first, second, left, right)
    if type(op) in _ORDER:
        if BOOL in (first.kind, second.kind):
            raise Refused("是否不能比大小。")
        ordered: ColumnElement[bool] = first.sql.op(_ORDER[type(op)], is_comparison=True)(second.sql)
        return func.coalesce(ordered, false())
    same = func.coalesce(first.sql == second.sql, false())
    return same if isinstance(op, ast.Eq) else not_(same)


def _among(first: Term, right: ast.expr) -> ColumnElement[bool]:
    if not isinstance(right, ast.List) or not all(isinstance(each, ast.Constant) for each in right.elts):
        raise Refused('in 后面要写一个列表，例如 level in ["突发", "紧急"]。')
    values = [each.value for each in right.elts if isinstance(each, ast.Constant)]
    for value in values:
        if _constant(value).kind != first.kind:
            raise Refused(f"列表里的 {value!r} 与前面的{first.kind}不能比。")
        _an_option(first, value)
    return func.coalesce(first.sql.in_(values), false())


def _alike(first: Term, second: Term, left: ast.expr, right: ast.expr) -> tuple[Term, Term]:
    """Both of one kind; text beside a moment is read as one."""
    if first.kind == MOMENT and isinstance(right, ast.Constant):
        second = _moment(right.value)
    elif second.kind == MOMENT and isinstance(left, ast.Constant):
        first = _moment(left.value)
    if first.kind != second.kind:
        raise Refused(f"{first.kind}与{second.kind}不能比。")
    for term, other in ((first, right), (second, left)):
        if isinstance(other, ast.Constant):
            _an_option(term, other.value)
    return first, second


def _an_option(term: Term, value: Any) -> None:
    if term.options and value not in term.options:
        raise Refused(f"不会是“{value}”；可以是 {'、'.join(term.options[:20])}。")


def _moment(value: Any) -> Term:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused(f"“{value}”不是日期；请写成 2026-03-02。") from None
    return Term(MOMENT, literal(at if at.tzinfo else at.replace(tzinfo=BEIJING), Instant))


def _sum(op: ast.operator, left: Any, right: Any) -> Term:
    left, right = cast(left, Float), cast(right, Float)
    if isinstance(op, ast.Div):
        return Term(NUMBER, left / func.nullif(right, 0.0))
    if type(op) not in _SUMS:
        raise Refused("统计里可以加、减、乘、除。")
    return Term(NUMBER, left.op(_SUMS[type(op)])(right))


def _either(reading: Reading, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Term:
    yes, no = _read(reading, body), _read(reading, orelse)
    kind = no.kind if yes.kind == NOTHING else yes.kind
    if {yes.kind, no.kind} - {kind, NOTHING}:
        raise Refused(f"if 的两边要是一样的东西，这里是{yes.kind}和{no.kind}。")
    return Term(kind, case((_truth(_read(reading, test)), yes.sql), else_=no.sql))


def _call(reading: Reading, name: str, given: list[ast.expr]) -> Term:
    function = FUNCTIONS.get(name) or reading.beside.get(name)
    if function is not None:
        words = [each.value for each in given if isinstance(each, ast.Constant)]
        if len(words) != len(given) or not all(isinstance(each, str) for each in words):
            raise Refused(f'{name} 的括号里写引号里的名字，例如 {name}("…")。')
        return function(reading, tuple(map(str, words)))
    terms = [_read(reading, each) for each in given]
    match name, terms:
        case "has", [each]:
            return Term(BOOL, each.sql.is_not(None))
        case "hours" | "days", [start, end]:
            seconds = dialects.seconds_between(_of(MOMENT, start), _of(MOMENT, end))
            return Term(NUMBER, seconds / (3600.0 if name == "hours" else 86400.0))
        case "contains", [each, _] if isinstance(given[1], ast.Constant):
            found = _of(TEXT, each).contains(str(given[1].value), autoescape=True)
            return Term(BOOL, func.coalesce(found, false()))
        case "startswith", [each, _] if isinstance(given[1], ast.Constant):
            found = _of(TEXT, each).startswith(str(given[1].value), autoescape=True)
            return Term(BOOL, func.coalesce(found, false()))
        case "abs", [each]:
            return Term(NUMBER, func.abs(_of(NUMBER, each)))
        case "min" | "max", [first, second]:
            return _outer(name, _of(NUMBER, first), _of(NUMBER, second))
    able = "、".join([*ARITIES, "has", "hours", "days", "contains", "startswith", "abs", "min", "max"])
    raise Refused(f"统计里不能这样用 {name}；可以用 {able}（min、max 写两个数）。")


def _outer(name: str, first: Any, second: Any) -> Term:
    """The smaller or larger of two numbers; one that is missing does not count."""
    better = first <= second if name == "min" else first >= second
    alone = ((first.is_(None), second), (second.is_(None), first))
    return Term(NUMBER, case(*alone, (better, first), else_=second))


def _of(kind: str, term: Term) -> Any:
    if term.kind != kind:
        raise Refused(f"这里要{kind}，写的是{term.kind}。")
    return term.sql


def _truth(term: Term, text: str = "") -> ColumnElement[bool]:
    if term.kind != BOOL:
        said = f"“{text}”" if text else "条件"
        raise Refused(f'{said}应当成立或不成立，这里是{term.kind}；例如写成 level == "突发"。')
    found: ColumnElement[bool] = func.coalesce(term.sql, false())
    return found
