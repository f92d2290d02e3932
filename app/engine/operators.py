"""The operators of the expression language: quiet about nothing, strict about types, bounded in size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

MOST_BITS = 256
MOST_LONG = 10_000

SHANGHAI = ZoneInfo("Asia/Shanghai")
_TYPES: Mapping[str, tuple[str, str]] = {
    "str": ("文本", "text"),
    "int": ("整数", "integer"),
    "float": ("小数", "decimal"),
    "bool": ("是否值", "boolean"),
    "NoneType": ("空值", "nothing"),
    "list": ("列表", "list"),
    "tuple": ("列表", "list"),
    "dict": ("对照表", "mapping"),
    "date": ("日期", "date"),
    "datetime": ("时刻", "instant"),
}
_WHY: Mapping[str, tuple[str, str]] = {
    "type": ("不能用于{zh}", "cannot take {en}"),
    "zero": ("的除数是零", "divides by zero"),
    "too-big": ("的结果太大", "gives too big a number"),
    "too-long": ("的结果超过 10,000 长", "gives a result over 10,000 long"),
    "range": ("的参数超出范围", "has an argument out of range"),
    "not-a-time": (
        "的参数不是日期，也不是带时区的时刻",
        "has an argument that is neither a date nor an instant with offset",
    ),
}


class Clash(Exception):
    """两个值不能这样运算。

    Carries the operator or function and the *types* of the values, never the values.
    """

    def __init__(self, operator: str, *values: Any, why: str = "type") -> None:
        self.operator = operator
        kinds = [
            _TYPES.get(type(value).__name__, (type(value).__name__, type(value).__name__)) for value in values
        ]
        zh, en = _WHY[why]
        self.zh = f"“{operator}”" + zh.format(zh="和".join(kind[0] for kind in kinds))
        self.en = f'"{operator}" ' + en.format(en=" and ".join(kind[1] for kind in kinds))
        super().__init__(self.zh)


def order(operator: str, left: Any, right: Any) -> int:
    """-1, 0 or 1. Numbers with numbers, text with text; ISO instants in texts compare as instants."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        if _is_instant(left) or _is_instant(right):
            first, second = moment(left), moment(right)
            if first is not None and second is not None:
                return (first > second) - (first < second)
        return (left > right) - (left < right)
    if isinstance(left, date) or isinstance(right, date):
        first, second = moment(left), moment(right)
        if first is not None and second is not None:
            return (first > second) - (first < second)
    raise Clash(operator, left, right)


def _is_instant(text: str) -> bool:
    return len(text) > 15 and text[4] == "-" and text[10] == "T"


def moment(value: Any) -> datetime | None:
    """A text, date or datetime as an aware instant; a date is the start of its day in Beijing."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else None
    if isinstance(value, date):
        return datetime.combine(value, time(), SHANGHAI)
    return None


def less(left: Any, right: Any) -> bool:
    """`<`, False when either is missing; numbers first, because they are the common case."""
    if left is None or right is None:
        return False
    return order("<", left, right) < 0


def less_or_equal(left: Any, right: Any) -> bool:
    """`<=`, False when either is missing."""
    if left is None or right is None:
        return False
    return order("<=", left, right) <= 0


def greater(left: Any, right: Any) -> bool:
    """`>`, False when either is missing."""
    if left is None or right is None:
        return False
    return order(">", left, right) > 0


def greater_or_equal(left: Any, right: Any) -> bool:
    """`>=`, False when either is missing."""
    if left is None or right is None:
        return False
    return order(">=", left, right) >= 0


def is_in(item: Any, values: Any) -> bool:
    """`in`: an item in a list, or a text in a text; False when either is missing."""
    if item is None or values is None:
        return False
    if isinstance(values, list | tuple | dict) or (isinstance(values, str) and isinstance(item, str)):
        try:
            return item in values
        except TypeError:  # a list asked for among the keys of a mapping
            raise Clash("in", item, values) from None
    raise Clash("in", item, values)


def is_not_in(item: Any, values: Any) -> bool:
    """`not in`: exactly the opposite of `in`."""
    return not is_in(item, values)


def plus(left: Any, right: Any) -> Any:
    """`+` of numbers, texts or lists."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _bounded("+", left, right, left + right)
    if (isinstance(left, str) and isinstance(right, str)) or (
        isinstance(left, list) and isinstance(right, list)
    ):
        if len(left) + len(right) > MOST_LONG:
            raise Clash("+", left, right, why="too-long")
        return left + right  # type: ignore[operator]
    raise Clash("+", left, right)


def minus(left: Any, right: Any) -> Any:
    """`-` of numbers."""
    _numbers("-", left, right)
    return _bounded("-", left, right, left - right)


def multiply(left: Any, right: Any) -> Any:
    """`*` of numbers only, so that no text or list grows; refused before it is computed when too big."""
    _numbers("*", left, right)
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and left.bit_length() + right.bit_length() > MOST_BITS + 1
    ):
        raise Clash("*", left, right, why="too-big")
    return _bounded("*", left, right, left * right)


def divide(left: Any, right: Any) -> Any:
    """`/` of numbers."""
    return _divided("/", left, right, lambda: left / right)


def floor_divide(left: Any, right: Any) -> Any:
    """`//` of numbers."""
    return _divided("//", left, right, lambda: left // right)


def modulo(left: Any, right: Any) -> Any:
    """`%` of numbers only; text formatting is not part of the language."""
    return _divided("%", left, right, lambda: left % right)


def negative(value: Any) -> Any:
    """`-x` of a number."""
    if not isinstance(value, int | float):
        raise Clash("-", value)
    return -value


def item(values: Any, key: Any) -> Any:
    """`name[constant]`: None when the list is shorter or the key is missing."""
    if values is None:
        return None
    if isinstance(values, list | tuple) and isinstance(key, int):
        return values[key] if -len(values) <= key < len(values) else None
    if isinstance(values, dict):
        return values.get(key)
    raise Clash("[ ]", values, key)


def _numbers(operator: str, left: Any, right: Any) -> None:
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        raise Clash(operator, left, right)


def _divided(operator: str, left: Any, right: Any, compute: Callable[[], Any]) -> Any:
    _numbers(operator, left, right)
    if right == 0:
        raise Clash(operator, left, right, why="zero")
    try:
        return _bounded(operator, left, right, compute())
    except OverflowError:
        raise Clash(operator, left, right, why="too-big") from None


def _bounded(operator: str, left: Any, right: Any, result: Any) -> Any:
    if isinstance(result, int):
        if result.bit_length() > MOST_BITS:
            raise Clash(operator, left, right, why="too-big")
    elif not math.isfinite(result):
        raise Clash(operator, left, right, why="too-big")
    return result
