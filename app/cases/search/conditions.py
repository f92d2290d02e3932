"""One condition of a filter: `{"$gte": …, "$lt": …}` or a plain value, read strictly, as SQL on a column."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false

from app.core import dialects
from app.core.clock import BEIJING
from app.core.errors import FieldError, Unprocessable
from app.core.http.strict_json import pointer

Condition = ColumnElement[bool]

OPERATORS = ("$in", "$gte", "$lt", "$like", "$exists")
MOST_VALUES = 200
LARGEST = 2**31 - 1
LONGEST = 200


class FilterRefused(Unprocessable):
    """筛选条件有误，请按提示修改。"""


@dataclass(frozen=True)
class Kind:
    """What a field holds: how one value is read, and which operators make sense."""

    says: str
    read: Callable[[Any], Any]
    operators: tuple[str, ...] = ("$in", "$exists")


class _Wrong(Exception):
    """值不对。"""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        raise _Wrong
    return value.strip()


def _number(value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise _Wrong
    return value


def _moment(value: Any) -> datetime:
    """An instant with its offset, or a day, which begins at midnight in Beijing."""
    if not isinstance(value, str) or len(value) > 40:
        raise _Wrong
    try:
        if len(value) == 10:
            return datetime.combine(date.fromisoformat(value), time(), BEIJING)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _Wrong from None
    if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
        raise _Wrong
    return moment


def _truth(value: Any) -> str:
    if not isinstance(value, bool):
        raise _Wrong
    return "true" if value else "false"


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong
    return value


def one_of(choices: Iterable[str]) -> Kind:
    """A field of a few words."""
    known = tuple(choices)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise _Wrong
        return value

    return Kind(f"只能是 {'、'.join(known)}", read)


TEXT = Kind("应为文字", _text)
BEGINNING = Kind("应为文字", _text, ("$in", "$like", "$exists"))
WHOLE = Kind("应为整数", _whole, ("$in", "$gte", "$lt", "$exists"))
NUMBER = Kind("应为数字", _number, ("$in", "$gte", "$lt", "$exists"))
MOMENT = Kind(
    "应为日期（2026-03-02）或带时区的时间（2026-03-02T09:00:00+08:00）", _moment, ("$gte", "$lt", "$exists")
)
TRUTH = Kind("应为 true 或 false", _truth)
"""Of a fact, which is kept as text."""
FLAG = Kind("应为 true 或 false", _flag)
"""Of a column."""


def condition(kind: Kind, column: Any, given: Any, at: str, errors: list[FieldError]) -> Condition:
    """The rows for which the condition holds; what is wrong goes into `errors`, each with its pointer."""
    if not isinstance(given, Mapping):
        value = _read(kind, given, at, errors)
        if value is None:
            return false()
        if kind is MOMENT and len(given) == len("2026-03-02"):  # a day is all of it
            return and_(column >= value, column < value + timedelta(days=1))
        same: Condition = column == value
        return same
    if not given:
        errors.append(FieldError(at, "condition-empty", f"没有条件；可以写一个值，或 {_named(kind)}。"))
        return false()
    if _inverted(kind, given):
        errors.append(FieldError(at, "value-invalid", "止早于起：$lt 不能早于 $gte。"))
        return false()
    return and_(
        *(_one(kind, column, name, value, at + pointer(name), errors) for name, value in given.items())
    )


def _inverted(kind: Kind, given: Mapping[str, Any]) -> bool:
    """Whether a period ends before it begins; what cannot be read is told by its own part."""
    if kind is not MOMENT or not {"$gte", "$lt"} <= given.keys():
        return False
    start, end = (_read(kind, given[name], "", []) for name in ("$gte", "$lt"))
    return start is not None and end is not None and end < start


def _one(kind: Kind, column: Any, operator: str, value: Any, at: str, errors: list[FieldError]) -> Condition:
    if operator not in kind.operators:
        known = operator in OPERATORS
        what = f"这里不能用 {operator}" if known else f"没有“{operator[:40]}”这种条件"
        errors.append(FieldError(at, "operator-unknown", f"{what}；可以写一个值，或 {_named(kind)}。"))
        return false()
    if operator == "$like":
        return _beginning(column, value, at, errors)
    found: Condition
    if operator == "$in":
        found = column.in_(_many(kind, value, at, errors))
    elif operator == "$exists":
        if not isinstance(value, bool):
            errors.append(FieldError(at, "value-invalid", "应为 true 或 false。"))
        found = column.is_not(None) if value else column.is_(None)
    else:
        bound = _read(kind, value, at, errors)
        found = false() if bound is None else column >= bound if operator == "$gte" else column < bound
    return found


def _read(kind: Kind, value: Any, at: str, errors: list[FieldError]) -> Any:
    try:
        return kind.read(value)
    except _Wrong:
        errors.append(FieldError(at, "value-invalid", f"{kind.says}。"))
        return None


def _many(kind: Kind, values: Any, at: str, errors: list[FieldError]) -> list[Any]:
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_VALUES:
        errors.append(FieldError(at, "value-invalid", f"应为 1 到 {MOST_VALUES} 个值的列表。"))
        return []
    read = [_read(kind, value, f"{at}/{i}", errors) for i, value in enumerate(values)]
    return [value for value in read if value is not None]


def _beginning(column: Any, value: Any, at: str, errors: list[FieldError]) -> Condition:
    """`12345-2026*`: what begins so. Anything else would have to read every row."""
    text = value.strip() if isinstance(value, str) else ""
    if not 2 <= len(text) <= LONGEST or not text.endswith("*") or "*" in text[:-1]:
        message = "应为开头的文字加一个 *，例如 12345-2026*；要找中间的文字，请用 words。"
        errors.append(FieldError(at, "value-invalid", message))
        return false()
    return dialects.begins(column, text[:-1])


def _named(kind: Kind) -> str:
    return "、".join(kind.operators)
