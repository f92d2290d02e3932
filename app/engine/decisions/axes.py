"""A column as the places its cells tell apart: the literals, the stretches between them, no value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import accumulate
from math import floor
from operator import and_
from typing import Any

from app.engine.check.words import Named, plain
from app.engine.decisions.columns import Column
from app.engine.decisions.spans import Test, axis_of, masks_of, stretches
from app.engine.decisions.values import shown

MOST_BITS = 40_000_000  # rules × places: a column beyond that is not looked at


@dataclass(frozen=True)
class Place:
    """One kind of value: the rules that surely accept it, those that may, and how a sentence names it."""

    sure: int
    maybe: int
    named: Named
    literal: bool


@dataclass(frozen=True)
class Axis:
    """`cells` are the places each rule surely accepts, as bits; `asked` the rules with a question here.

    `enumerable`: every value the column can hold lies in one of the places, so a rule may be demanded for
    each. The last place is that of no value.
    """

    label: str
    places: tuple[Place, ...]
    cells: tuple[int, ...]
    asked: int
    enumerable: bool

    @property
    def every(self) -> int:
        """All places, as bits."""
        return (1 << len(self.places)) - 1

    @property
    def absent(self) -> int:
        """The place of no value, as a bit."""
        return 1 << len(self.places) - 1

    @property
    def says_something(self) -> bool:
        """Whether the column's cells tell any values apart."""
        return len({(place.sure, place.maybe) for place in self.places}) > 1

    @property
    def refuses_some(self) -> bool:
        """Whether there is a value that some rule surely refuses."""
        every = (1 << len(self.cells)) - 1
        return any(place.maybe != every for place in self.places[:-1])

    def example(self, bits: int) -> Place:
        """A telling place among several: a literal when there is one, no value only when nothing else is."""
        among = list(self.among(bits))
        return next((place for place in among if place.literal), among[0])

    def among(self, bits: int) -> Iterator[Place]:
        """The places whose bits are set, in order."""
        while bits:
            lowest = bits & -bits
            yield self.places[lowest.bit_length() - 1]
            bits ^= lowest


def axis_of_columns(column: Column, rows: Sequence[Sequence[Test]]) -> Axis | None:
    """The axis of one input, asked in one column or in several; None when it is too big to look at.

    `rows` holds per rule its tests of that input, all of which must pass.
    """
    tests = [test for row in rows for test in row]
    allowed = [column.allowed] if column.allowed is not None else []
    literals = [False, True] if column.kind == "boolean" else axis_of([*tests, *allowed])
    if (2 * len(literals) + 2) * len(tests) > MOST_BITS:
        return None
    masks = [
        reduce(and_, each)
        for each in zip(*(masks_of(each, literals) for each in zip(*rows, strict=True)), strict=True)
    ]
    there = _there(column, literals)
    asked = _bits(rule for rule, row in enumerate(rows) if any(test.asks for test in row))
    null = _bits(rule for rule, row in enumerate(rows) if all(test.accepts_null for test in row))
    places = [
        Place(masks[at] & ~asked, masks[at], _named(column, literals, at), at % 2 == 1)
        for at in range(len(masks))
        if there[at]
    ]
    places.append(Place(null, null, Named("未填写", "is absent"), False))
    before = [0, *accumulate(there)]
    return Axis(
        label=column.label,
        places=tuple(places),
        cells=tuple(reduce(and_, (_cell(test, literals, before) for test in row)) for row in rows),
        asked=asked,
        enumerable=column.allowed is not None or column.kind in ("number", "boolean", "date", "dateTime"),
    )


def _cell(test: Test, literals: Sequence[Any], before: Sequence[int]) -> int:
    """The places a cell surely accepts; `before` counts the places there are before each coordinate."""
    if test.asks:
        return 0
    bits = 1 << before[-1] if test.accepts_null else 0
    for first, end in stretches(test, literals):
        bits |= (1 << before[end + 1]) - (1 << before[first])
    return bits


def _there(column: Column, literals: Sequence[Any]) -> list[bool]:
    """For each coordinate whether the column can hold anything there."""
    there = [_exists(column, literals, at) for at in range(2 * len(literals) + 1)]
    if column.allowed is None:
        return there
    inside = [False] * len(there)
    for first, end in stretches(column.allowed, literals):
        inside[first : end + 1] = there[first : end + 1]
    return inside


def _exists(column: Column, literals: Sequence[Any], at: int) -> bool:
    if column.kind == "boolean":
        return at % 2 == 1
    if at % 2 == 1:
        return not column.whole or literals[at // 2] == floor(literals[at // 2])
    below, above = _ends(literals, at)
    if below is None or above is None:
        return True
    if isinstance(below, date) and not isinstance(below, datetime):
        return bool((above - below).days > 1)
    return not column.whole or floor(below) + 1 < above


def _ends(literals: Sequence[Any], at: int) -> tuple[Any, Any]:
    """The literals a stretch lies between; None where it has no end."""
    place = at // 2
    return (literals[place - 1] if place else None, literals[place] if place < len(literals) else None)


def _named(column: Column, literals: Sequence[Any], at: int) -> Named:
    """为 "一般", 大于 3, 大于 3 且小于 5, 为其他值."""
    if at % 2 == 1:
        return _is(plain(shown(literals[at // 2])))
    below, above = _ends(literals, at)
    if column.kind == "string" or (below is None and above is None):
        return Named("为其他值", "is any other value")
    if column.whole and below is not None and above is not None and floor(below) + 2 >= above:
        return _is(str(floor(below) + 1))
    zh, en = [], []
    if below is not None:
        zh.append(f"大于 {shown(below)}")
        en.append(f"above {shown(below)}")
    if above is not None:
        zh.append(f"小于 {shown(above)}")
        en.append(f"below {shown(above)}")
    return Named(" 且".join(zh), f"is {' and '.join(en)}")


def _is(text: str) -> Named:
    return Named(f"为 {text}", f"is {text}")


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)
