"""Invented districts in the shape of real ones: units, communities on a lattice, and who serves there."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import ceil, sqrt
from random import Random
from typing import Any

from app.core.area import Point, contains
from app.demo.chance import Weighted, below, by_rank, chance
from app.demo.vocabulary import names, words


@dataclass(frozen=True)
class Unit:
    """A unit as bpmn/_org.yaml writes it."""

    code: str
    name: str
    kind: str
    tier: str
    parent: str | None


@dataclass(frozen=True)
class Community:
    """A community or village with its place: centre, and how far it reaches, in degrees."""

    code: str
    name: str
    street: Unit
    centre: Point
    reach: float
    grids: int


@dataclass(frozen=True)
class District:
    """A district; `busiest` gives its communities, the first one most often."""

    key: str
    unit: Unit
    departments: tuple[Unit, ...]
    streets: tuple[Unit, ...]
    communities: tuple[Community, ...]
    polygon: tuple[Point, ...]
    busiest: Weighted[Community]

    def units(self) -> Iterator[Unit]:
        """Every unit, each after its parent."""
        yield from (self.unit, *self.departments)
        for street in self.streets:
            yield street
            for each in self.communities:
                if each.street == street:
                    kind = "village" if each.name.endswith("村") else "community"
                    yield Unit(each.code, each.name, kind, "community", street.code)
                    yield from (
                        Unit(grid(each, number), f"{each.name}第{number}网格", "grid", "grid", each.code)
                        for number in range(1, each.grids + 1)
                    )


def grid(community: Community, number: int) -> str:
    return f"{community.code}-g{number}"


@cache
def district(key: str) -> District:
    """One of the districts of vocabulary/districts.yaml."""
    shape = words("districts")[key]
    return _small(key, shape) if "code" not in shape else _grown(key, shape)


def _small(key: str, shape: dict[str, Any]) -> District:
    """The one whose units are written down: bpmn/_org.yaml, without grids."""
    unit = Unit("d1", shape["name"], "district", "district", None)
    streets = {c: Unit(c, name, "street", "street", "d1") for c, name in shape["streets"].items()}
    named = [(code, name, streets[code.rsplit("-", 1)[0]], 0) for code, name in shape["communities"].items()]
    return _placed(key, shape, unit, (), tuple(streets.values()), named)


def _grown(key: str, shape: dict[str, Any]) -> District:
    code = shape["code"]
    unit = Unit(code, shape["name"], "district", "district", None)
    departments = tuple(
        Unit(f"{code}-b{n:02}", shape["name"] + name, "department", "department", code)
        for n, name in enumerate(words("districts")["departments"], 1)
    )
    heads, sides = names()["heads"], names()["sides"]
    streets = tuple(
        Unit(f"{code}-s{n}", f"{heads[-n]}街道", "street", "street", code)
        for n in range(1, shape["streets"] + 1)
    )
    number = shape["communities"] + shape["villages"]
    owners = chain.from_iterable(
        [street] * size for street, size in zip(streets, _sizes(number, len(streets)), strict=True)
    )
    named = []
    for n, street in enumerate(owners):
        word = "村" if n >= shape["communities"] else "社区"
        name = f"{heads[n % len(heads)]}{sides[n // len(heads) % len(sides)]}{word}"
        named.append((f"{street.code}-c{n + 1}", name, street, 4 + below(chance("grids", key, n), 5)))
    return _placed(key, shape, unit, departments, streets, named)


def _sizes(number: int, parts: int) -> list[int]:
    """Communities per street, from the largest to the smallest about 27 to 8, adding up to `number`."""
    weights = [27 - 19 * n / (parts - 1) for n in range(parts)]
    sizes = [int(number * weight / sum(weights)) for weight in weights]
    for n in range(number - sum(sizes)):
        sizes[n] += 1
    return sizes


def _placed(
    key: str,
    shape: dict[str, Any],
    unit: Unit,
    departments: tuple[Unit, ...],
    streets: tuple[Unit, ...],
    named: list[tuple[str, str, Unit, int]],
) -> District:
    polygon = tuple((lng, lat) for lng, lat in shape["polygon"])
    points, step = _lattice(polygon, len(named))
    communities = tuple(
        Community(code, name, street, point, step * 0.45, grids)
        for (code, name, street, grids), point in zip(named, points, strict=False)
    )
    # Neighbours in the list are neighbours on the map; the busiest ones are spread over it.
    shuffled = sorted(communities, key=lambda each: chance("busy", key, each.code).random())
    busiest = by_rank(shuffled if departments else communities, 1.0)
    return District(key, unit, departments, streets, communities, polygon, busiest)


def _lattice(polygon: tuple[Point, ...], number: int) -> tuple[list[Point], float]:
    """At least `number` lattice points inside, column by column, and their distance."""
    west, east = min(p[0] for p in polygon), max(p[0] for p in polygon)
    south, north = min(p[1] for p in polygon), max(p[1] for p in polygon)
    step = sqrt((east - west) * (north - south) / number)
    while True:
        inside = [
            (west + (x + 0.5) * step, south + (y + 0.5) * step)
            for x in range(ceil((east - west) / step))
            for y in range(ceil((north - south) / step))
        ]
        inside = [point for point in inside if contains(polygon, point)]
        if len(inside) >= number:
            return inside, step
        step *= 0.97


def somewhere(of: District, community: Community, dice: Random) -> Point:
    """A jittered point of a community, inside the district."""
    for _ in range(8):
        jitter = [(dice.random() * 2 - 1) * community.reach for _ in range(2)]
        point = (round(community.centre[0] + jitter[0], 6), round(community.centre[1] + jitter[1], 6))
        if contains(of.polygon, point):
            return point
    return round(community.centre[0], 6), round(community.centre[1], 6)
