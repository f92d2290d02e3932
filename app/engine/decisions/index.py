"""Finds the rules that may match without trying each: one mask of rules per value or stretch of a column."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.decisions.spans import ANYTHING, Test, axis_of, masks_of

MOST_BITS = 16_000_000  # 2 MB of masks per table; a column that no longer fits is scanned


@dataclass(frozen=True, slots=True)
class _ByValue:
    """A column of equalities: hashed."""

    column: int
    masks: dict[Any, int]
    other: int
    null: int

    def find(self, value: Any) -> int:
        return self.null if value is None else self.masks.get(value, self.other)

    def weight(self) -> float:
        every = [*self.masks.values(), self.other]
        return sum(mask.bit_count() for mask in every) / len(every)


@dataclass(frozen=True, slots=True)
class _ByStretch:
    """A column with ranges: found by halving among its sorted literals."""

    column: int
    axis: list[Any]
    masks: list[int]
    null: int

    def find(self, value: Any) -> int:
        if value is None:
            return self.null
        place = bisect_left(self.axis, value)
        if place < len(self.axis) and self.axis[place] == value:
            return self.masks[2 * place + 1]
        return self.masks[2 * place]

    def weight(self) -> float:
        return sum(mask.bit_count() for mask in self.masks) / len(self.masks)


@dataclass(frozen=True)
class Index:
    """`rest` holds, per rule, the cells no mask decides: questions, and columns beyond the budget."""

    lookups: tuple[_ByValue | _ByStretch, ...]
    rest: tuple[tuple[tuple[int, Test], ...], ...]
    every: int = field(repr=False)

    def candidates(self, values: Sequence[Any]) -> Iterator[int]:
        """The rules whose indexed cells accept these values, in order."""
        mask = self.every
        for lookup in self.lookups:
            mask &= lookup.find(values[lookup.column])
            if not mask:
                return
        while mask:
            lowest = mask & -mask
            yield lowest.bit_length() - 1
            mask ^= lowest


def build_index(rows: Sequence[Sequence[Test]], columns: int) -> Index:
    """The index of a table whose rules are `rows` of one test per column."""
    lookups: list[_ByValue | _ByStretch] = []
    scanned: set[int] = set()
    left = MOST_BITS
    for column in range(columns):
        tests = [row[column] for row in rows]
        if all(test is ANYTHING for test in tests):
            continue
        axis = axis_of(tests)
        size = (2 * len(axis) + 1) * len(rows)
        if size > left:
            scanned.add(column)
            continue
        left -= size
        lookups.append(_lookup(column, tests, axis))
    lookups.sort(key=lambda lookup: lookup.weight())
    rest = tuple(
        tuple((column, test) for column, test in enumerate(row) if test.asks or column in scanned)
        for row in rows
    )
    return Index(tuple(lookups), rest, (1 << len(rows)) - 1)


def _lookup(column: int, tests: Sequence[Test], axis: list[Any]) -> _ByValue | _ByStretch:
    masks = masks_of(tests, axis)
    null = sum(1 << rule for rule, test in enumerate(tests) if test.accepts_null)
    if axis and all(span.is_point for test in tests for span in test.spans):
        return _ByValue(column, {value: masks[2 * i + 1] for i, value in enumerate(axis)}, masks[0], null)
    return _ByStretch(column, axis, masks, null)
