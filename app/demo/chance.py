"""Chance that can be repeated: every value is a function of (seed, entity, index), whatever else is made."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


def chance(seed: str, entity: str, *index: object) -> Random:
    """The dice of one entity. Only `random()` and what is made of it is used: it never changed in Python."""
    name = "/".join(map(str, (seed, entity, *index)))
    return Random(int.from_bytes(blake2b(name.encode(), digest_size=16).digest(), "big"))


def below(dice: Random, number: int) -> int:
    """One of 0 … number - 1."""
    return int(dice.random() * number)


def pick(dice: Random, items: Sequence[T]) -> T:
    return items[below(dice, len(items))]


@dataclass(frozen=True)
class Weighted(Generic[T]):
    """Items and the running sums of their weights."""

    items: tuple[T, ...]
    sums: tuple[float, ...]

    def pick(self, dice: Random) -> T:
        return self.items[min(bisect(self.sums, dice.random() * self.sums[-1]), len(self.items) - 1)]


def weighted(weights: Mapping[T, float]) -> Weighted[T]:
    return Weighted(tuple(weights), tuple(accumulate(weights.values())))


def by_rank(items: Sequence[T], exponent: float) -> Weighted[T]:
    """The first most often, the n-th n^-exponent times as often (Zipf)."""
    return Weighted(tuple(items), tuple(accumulate((n + 1) ** -exponent for n in range(len(items)))))
