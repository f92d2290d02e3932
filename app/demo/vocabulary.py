"""The frozen words of app/demo/vocabulary, read once: what people complain about, how they say it, names."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.demo.chance import Weighted, weighted

FOLDER = Path(__file__).parent / "vocabulary"


@dataclass(frozen=True)
class Matter:
    """A third-level category and what is said of it. `level` is 急, 难 or nothing, `season` when it comes."""

    code: str
    one: str
    two: str
    three: str
    unit: str
    level: str
    season: str
    theme: str
    ask: str
    says: tuple[str, ...]

    @property
    def category(self) -> tuple[str, str, str]:
        return self.one, self.two, self.three


@dataclass(frozen=True)
class Tone:
    """A way of speaking: words before and after, and how many side remarks."""

    name: str
    open: tuple[str, ...]
    close: tuple[str, ...]
    more: int


def words(name: str) -> Any:
    """One YAML file of the vocabulary."""
    return yaml.load((FOLDER / f"{name}.yaml").read_bytes(), Loader=yaml.CSafeLoader)


@cache
def phrases() -> Mapping[str, Any]:
    found: Mapping[str, Any] = words("phrases")
    return found


@cache
def names() -> Mapping[str, Any]:
    found: dict[str, Any] = words("names")
    return found | {"surnames": found["surnames"].replace(" ", "")}


@cache
def tones() -> Weighted[Tone]:
    return weighted(
        {
            Tone(each["name"], tuple(each["open"]), tuple(each["close"]), each["more"]): each["weight"]
            for each in phrases()["tones"]
        }
    )


@cache
def matters() -> tuple[Matter, ...]:
    with (FOLDER / "matters.csv").open(encoding="utf-8", newline="") as rows:
        return tuple(
            Matter(
                **{name: row[name] for name in Matter.__dataclass_fields__ if name != "says"},
                says=(row["say1"], row["say2"], row["say3"]),
            )
            for row in csv.DictReader(rows)
        )


SEASONS: Mapping[str, Mapping[int, float]] = {
    # matters that come and go: month → how many times as often; other months as under 0
    "heat": {11: 4, 12: 4, 1: 4, 2: 4, 3: 3, 0: 0},
    "rain": {6: 1.5, 7: 3, 8: 3, 9: 1.5, 0: 0.5},
    "spring": {4: 5, 5: 5, 0: 0.1},
}


@cache
def matters_of(month: int) -> Weighted[Matter]:
    """What residents speak about in a month.

    First level by rank^-0.5, third by rank^-1 within it, as Beijing's figures of 2020 fall.
    """
    ranks = {one: rank for rank, one in enumerate(phrases()["ones"], 1)}
    within: dict[str, int] = dict.fromkeys(ranks, 0)
    weights: dict[Matter, float] = {}
    for matter in matters():
        within[matter.one] += 1
        season = SEASONS.get(matter.season, {})
        often = season.get(month, season.get(0, 1))
        weights[matter] = ranks[matter.one] ** -0.5 / within[matter.one] * often
    return weighted(weights)
