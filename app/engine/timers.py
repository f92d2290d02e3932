"""Timers: read once when the token arrives, due by Beijing's calendar, moved only by name.

A resting timer row keeps `a` its anchor (when its step opened) and `d` when it is due, in microseconds since
1970 UTC, or, when a clock of the case knows better, nothing at all. A cycle keeps besides `k` how many
periods are behind it, `n` how many firings are left (absent: no end), `m` how many the last firing swallowed,
`x` its text if that was computed, or is an earlier version's.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition

from app.engine.durations import Cycle, Duration, DurationRefused, add, parse_cycle, parse_when
from app.engine.errors import TimerRefused
from app.engine.expressions import Expression

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FARTHEST = timedelta(days=3_660)
MOST_PERIODS = 100_000  # ten years of hours, the shortest cycle there is, are 87,660

IsWorkday = Callable[[date], bool]


class TimerDefinition(TimerEventDefinition):
    """When a timer is due: `kind` date, duration or cycle; a literal is read when the diagram is parsed.

    `bound` = (clock, tier or None) when the text is exactly `due(x)` or `tier(x, t)`: such a timer is
    never computed here.
    """

    def __init__(self, name: str, kind: str, text: str, expression: Expression | None) -> None:
        super().__init__(name, text)
        self.kind = kind
        self.text = text
        self.compiled = expression
        self.bound: tuple[str, str | None] | None = expression.bound if expression is not None else None
        self.literal = None if expression is not None else read_timer(kind, text)


def is_literal(text: str) -> bool:
    """Whether a timer's text is ISO text itself; everything else is an expression."""
    return text[:1].isdigit() or (text[:1] in ("P", "R") and (text[1:2].isdigit() or text[1:2] in ("T", "/")))


def read_timer(kind: str, value: Any) -> datetime | Duration | Cycle:
    """ISO text as a moment, a duration or a cycle. Raises TimerRefused."""
    if not isinstance(value, str):
        raise TimerRefused(f"（需要文本，得到的是 {type(value).__name__}）")
    try:
        return parse_cycle(value) if kind == "cycle" else parse_when(value)
    except DurationRefused as error:
        raise TimerRefused(error.zh) from error


def arm(
    definition: TimerDefinition,
    value: datetime | Duration | Cycle,
    now: datetime,
    is_workday: IsWorkday,
) -> dict[str, Any]:
    """What the row of a timer that begins to wait keeps. Raises TimerRefused beyond ten years."""
    if isinstance(value, Cycle):
        kept = {"a": _micros(now), "k": 0, "d": _micros(_nth(now, value, 1, is_workday))}
        if value.times is not None:
            kept["n"] = value.times
        return kept
    due = add(now, value, is_workday) if isinstance(value, Duration) else value
    if due - now > FARTHEST:
        raise TimerRefused("（超过 10 年）", element=definition.name)
    return {"a": _micros(now), "d": _micros(due)}


def rearm(kept: dict[str, Any], cycle: Cycle, now: datetime, is_workday: IsWorkday) -> dict[str, Any] | None:
    """What a cycle's row keeps after one firing at `now`; None when no firing is left.

    Every period that has passed by `now` counts as this one firing, and comes off `n`.
    """
    anchor, behind, left = _moment(kept["a"]), kept["k"], kept.get("n")
    most = MOST_PERIODS if left is None else min(left, MOST_PERIODS)
    passed = max(1, _periods(anchor, cycle, behind, behind + most, now, is_workday) - behind)
    if left is not None and passed >= left:
        return None
    rest = {**kept, "k": behind + passed, "d": _micros(_nth(anchor, cycle, behind + passed + 1, is_workday))}
    if left is not None:
        rest["n"] = left - passed
    rest.pop("m", None)
    if passed > 1:
        rest["m"] = passed - 1
    return rest


def anchor(kept: dict[str, Any]) -> datetime | None:
    """When a resting timer began to wait, aware and UTC; None when it does not know."""
    since = kept.get("a")
    return None if since is None else _moment(since)


def due_at(kept: dict[str, Any]) -> datetime | None:
    """When a resting timer is due, aware and UTC; None when a clock of the case knows."""
    due = kept.get("d")
    return None if due is None else _moment(due)


def _periods(
    anchor: datetime, cycle: Cycle, low: int, high: int, now: datetime, is_workday: IsWorkday
) -> int:
    """The largest k ≤ `high` whose period is over by now, or `low`: by doubling, then halving."""
    step = 1
    while low + step <= high and _nth(anchor, cycle, low + step, is_workday) <= now:
        low += step
        step *= 2
    while step > 1:
        step //= 2
        if low + step <= high and _nth(anchor, cycle, low + step, is_workday) <= now:
            low += step
    return low


def _nth(anchor: datetime, cycle: Cycle, count: int, is_workday: IsWorkday) -> datetime:
    """The anchor stepped by `count` periods at once, so that month ends do not drift."""
    return add(anchor, cycle.duration.times(count), is_workday)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _moment(micros: int) -> datetime:
    return EPOCH + micros * MICROSECOND
