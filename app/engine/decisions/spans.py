"""What a cell accepts, as spans of an ordered axis: for the plain test, the index and the linter alike.

An axis is the sorted literals of a column: coordinate 2i+1 is literal i itself, 2i the stretch before it,
2n the stretch after the last.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.expressions import Expression


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high`, each end included or not; None is without end. A literal has both ends equal."""

    low: Any
    high: Any
    with_low: bool = True
    with_high: bool = True

    def holds(self, value: Any) -> bool:
        """Whether the value, of the column's kind, lies within."""
        if self.low is not None and (value < self.low or (value == self.low and not self.with_low)):
            return False
        return self.high is None or value < self.high or (value == self.high and self.with_high)

    @property
    def is_point(self) -> bool:
        """Whether it is one literal."""
        return self.low is not None and self.low == self.high


@dataclass(frozen=True, slots=True)
class Test:
    """A cell: spans, whether it accepts an absent value, and expressions to ask; `negated` is not(…)."""

    __test__ = False  # not a test of pytest's

    spans: tuple[Span, ...] = ()
    null: bool = False
    anything: bool = False
    negated: bool = False
    asks: tuple[Expression, ...] = ()

    def matches(self, value: Any, ask: Callable[[Expression], bool]) -> bool:
        """Whether a value of the column's kind passes; an absent one passes only `-` and `null`."""
        if value is None:
            return self.accepts_null
        if self.anything:
            return True
        passes = any(span.holds(value) for span in self.spans) or any(map(ask, self.asks))
        return passes != self.negated

    @property
    def accepts_null(self) -> bool:
        """Whether an absent value passes; it is asked nothing."""
        return self.anything or (self.null and not self.negated)


ANYTHING = Test(anything=True)


def axis_of(tests: Iterable[Test]) -> list[Any]:
    """Every literal of a column once, sorted."""
    ends = {end for test in tests for span in test.spans for end in (span.low, span.high)}
    ends.discard(None)
    return sorted(ends)


def stretches(test: Test, axis: Sequence[Any]) -> list[tuple[int, int]]:
    """The coordinates a cell accepts (its questions left out), as disjoint sorted ranges, ends included."""
    last = 2 * len(axis)
    if test.anything:
        return [(0, last)]
    ranges = sorted(each for span in test.spans if (each := _range(span, axis)) is not None)
    merged: list[tuple[int, int]] = []
    for first, end in ranges:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    return _complement(merged, last) if test.negated else merged


def masks_of(tests: Sequence[Test], axis: Sequence[Any]) -> list[int]:
    """For each coordinate the rules that accept it, rule i as bit i; a cell with questions may always do."""
    turns = [0] * (2 * len(axis) + 2)
    for rule, test in enumerate(tests):
        for first, end in [(0, 2 * len(axis))] if test.asks else stretches(test, axis):
            turns[first] ^= 1 << rule
            turns[end + 1] ^= 1 << rule
    masks, open_rules = [], 0
    for turn in turns[:-1]:
        open_rules ^= turn
        masks.append(open_rules)
    return masks


def coordinate(value: Any, axis: Sequence[Any]) -> int:
    """Where on the axis a value lies."""
    place = bisect_left(axis, value)
    return 2 * place + (place < len(axis) and axis[place] == value)


def _range(span: Span, axis: Sequence[Any]) -> tuple[int, int] | None:
    first, end = 0, 2 * len(axis)
    if span.low is not None:
        first = 2 * bisect_left(axis, span.low) + (1 if span.with_low else 2)
    if span.high is not None:
        end = 2 * bisect_left(axis, span.high) + (1 if span.with_high else 0)
    return (first, end) if first <= end else None


def _complement(ranges: Sequence[tuple[int, int]], last: int) -> list[tuple[int, int]]:
    rest, at = [], 0
    for first, end in ranges:
        if at < first:
            rest.append((at, first - 1))
        at = end + 1
    return [*rest, (at, last)] if at <= last else rest
