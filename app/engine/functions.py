"""What an expression may call: the engine's own functions, one Chinese line each, and those handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from app.engine.operators import MOST_LONG, SHANGHAI, Clash, moment, order


class Arity(NamedTuple):
    """How many arguments a function takes; `most` None means any number."""

    least: int
    most: int | None


@dataclass(frozen=True)
class Builtin:
    """One of the engine's own functions: pure, no effects; `doc` is its line in the manual."""

    arity: Arity
    call: Callable[..., Any]
    doc: str


def count(values: Any) -> int:
    """Length of a list; nothing counts as an empty one."""
    if values is None:
        return 0
    if not isinstance(values, list | tuple):
        raise Clash("count", values)
    return len(values)


def has(values: Any, *item: Any) -> bool:
    """One argument: is anything filled in. Two: does the list hold the item."""
    if not item:
        return values is not None and values != "" and values != [] and values != {}
    if values is None:
        return False
    if not isinstance(values, list | tuple):
        raise Clash("has", values)
    return item[0] in values


def lower(text: Any) -> str | None:
    """Small letters."""
    return None if text is None else _text("lower", text).lower()


def upper(text: Any) -> str | None:
    """Capitals; refuses a result that grew past the limit."""
    if text is None:
        return None
    result = _text("upper", text).upper()
    if len(result) > MOST_LONG:
        raise Clash("upper", text, why="too-long")
    return result


def trim(text: Any) -> str | None:
    """Without blanks at both ends."""
    return None if text is None else _text("trim", text).strip()


def contains(text: Any, part: Any) -> bool:
    """Whether the text holds the part; False when either is missing."""
    return text is not None and part is not None and _text("contains", part) in _text("contains", text)


def startswith(text: Any, part: Any) -> bool:
    """Whether the text begins with the part; False when either is missing."""
    return (
        text is not None
        and part is not None
        and _text("startswith", text).startswith(_text("startswith", part))
    )


def smallest(*values: Any) -> Any:
    """The least of several values or of one list, missing ones left out."""
    return _extreme("min", values, -1)


def largest(*values: Any) -> Any:
    """The greatest of several values or of one list, missing ones left out."""
    return _extreme("max", values, 1)


def rounded(number: Any, digits: Any = 0) -> Any:
    """Rounded half up, as people do; not to the even neighbour."""
    if number is None:
        return None
    if not _is_number(number) or type(digits) is not int:
        raise Clash("round", number, digits)
    if not 0 <= digits <= 12:
        raise Clash("round", digits, why="range")
    if isinstance(number, int):
        return int(number)
    exact = (
        Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if abs(number) < 1e15
        else number
    )
    return float(exact) if digits else int(exact)


def absolute(number: Any) -> Any:
    """Without its sign."""
    if number is None:
        return None
    if not _is_number(number):
        raise Clash("abs", number)
    return abs(number)


def to_date(value: Any) -> str | None:
    """The day of a date or instant in Asia/Shanghai, as `2026-10-01`, so that it compares with today()."""
    return None if value is None else _day("date", value).isoformat()


def days(earlier: Any, later: Any) -> int | None:
    """Calendar days from one to the other in Asia/Shanghai, negative when reversed."""
    if earlier is None or later is None:
        return None
    return (_day("days", later) - _day("days", earlier)).days


def hours(earlier: Any, later: Any) -> float | None:
    """Elapsed hours from one instant to the other, negative when reversed."""
    if earlier is None or later is None:
        return None
    return (_instant("hours", later) - _instant("hours", earlier)).total_seconds() / 3600


def age(born: Any, today: Any) -> int | None:
    """Full years at `today`, which the compiler fills in: a diagram writes age(date)."""
    if born is None or today is None:
        return None
    first, last = _day("age", born), _day("age", today)
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


BUILTIN: Mapping[str, Builtin] = {
    "count": Builtin(Arity(1, 1), count, "count(列表)：列表有几项；没有填写时是 0"),
    "has": Builtin(Arity(1, 2), has, "has(名称)：是否已填写；has(列表, 值)：列表中有没有这个值"),
    "lower": Builtin(Arity(1, 1), lower, "lower(文字)：字母换成小写"),
    "upper": Builtin(Arity(1, 1), upper, "upper(文字)：字母换成大写"),
    "trim": Builtin(Arity(1, 1), trim, "trim(文字)：去掉首尾空白"),
    "contains": Builtin(Arity(2, 2), contains, "contains(文字, 片段)：文字中是否含有片段"),
    "startswith": Builtin(Arity(2, 2), startswith, "startswith(文字, 开头)：文字是否以此开头"),
    "min": Builtin(Arity(1, None), smallest, "min(a, b, …) 或 min(列表)：最小的一个，未填写的不算"),
    "max": Builtin(Arity(1, None), largest, "max(a, b, …) 或 max(列表)：最大的一个，未填写的不算"),
    "round": Builtin(Arity(1, 2), rounded, "round(数, 位数)：四舍五入，不写位数就取整"),
    "abs": Builtin(Arity(1, 1), absolute, "abs(数)：绝对值"),
    "date": Builtin(Arity(1, 1), to_date, "date(时间)：这个时间是哪一天（北京时间）"),
    "days": Builtin(Arity(2, 2), days, "days(起, 止)：相隔几个自然日"),
    "hours": Builtin(Arity(2, 2), hours, "hours(起, 止)：相隔几小时，可带小数"),
    "age": Builtin(Arity(1, 1), age, "age(出生日期)：到今天满几周岁"),
}

HANDED: Mapping[str, Arity] = {
    "outcome": Arity(0, 1),
    "round_no": Arity(0, 0),
    "today": Arity(0, 0),
    "now": Arity(0, 0),
    "votes": Arity(1, 2),
    "share": Arity(1, 2),
    "total": Arity(1, 1),
    "done": Arity(1, 1),
    "tier": Arity(2, 2),
    "due": Arity(1, 1),
    "workdays": Arity(1, 1),
    "workhours": Arity(1, 1),
}

HANDED_DOC: Mapping[str, str] = {
    "outcome": 'outcome("环节编号")：该环节最近一次的办理结论；紧跟在一个任务后面的网关可以只写 outcome',
    "round_no": "round_no()：第几次办理，首次是 1",
    "today": "today()：今天（北京时间），如 2026-10-01",
    "now": "now()：现在，带时区的时刻",
    "votes": 'votes("结论", "环节编号")：该多人办理环节最近一次有几人选了这个结论',
    "share": 'share("结论", "环节编号")：选了这个结论的人占名单的比例，0 到 1',
    "total": 'total("环节编号")：多人办理的环节最近一次名单上有几人',
    "done": 'done("环节编号")：多人办理的环节最近一次有几人已办理',
    "tier": 'tier("时钟", "档")：该时钟到达这一档的时刻',
    "due": 'due("时钟")：该时钟的到期时刻',
    "workdays": "workdays(几天)：从现在起几个工作日之后的时刻",
    "workhours": "workhours(几小时)：从现在起几个工作小时之后的时刻",
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Clash(name, value)
    return value


def _extreme(name: str, values: tuple[Any, ...], sign: int) -> Any:
    if len(values) == 1 and isinstance(values[0], list | tuple):
        values = tuple(values[0])
    best = None
    for value in values:
        if value is not None and (best is None or order(name, value, best) * sign > 0):
            best = value
    return best


def _instant(name: str, value: Any) -> datetime:
    """A date counts as the start of its day in Asia/Shanghai; a time without offset is refused."""
    if not isinstance(value, str | date):
        raise Clash(name, value)
    instant = moment(value)
    if instant is None:
        raise Clash(name, value, why="not-a-time")
    return instant


def _day(name: str, value: Any) -> date:
    return _instant(name, value).astimezone(SHANGHAI).date()
