"""Invented people: residents who call, and the staff of a district. None of them can be somebody real.

Identity numbers pass their check but lie under county codes that no revision of GB/T 2260 ever assigned;
phone numbers begin 10x–12x, which no network uses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from app.demo.chance import below, chance, pick, weighted
from app.demo.districts import Community, District, Unit, grid
from app.demo.vocabulary import names

COUNTIES = ("110199", "310199", "650499")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_AGES = weighted(
    {(18, 30): 20, (30, 40): 26, (40, 50): 18, (50, 60): 16, (60, 70): 12, (70, 80): 6, (80, 92): 2}
)


@dataclass(frozen=True)
class Resident:
    """One who may call the hotline."""

    number: int
    name: str
    gender: str
    birth: date
    id_number: str
    phone: str
    community: Community
    address: str
    household: str
    tenure: str


def resident(seed: str, of: District, number: int, today: date) -> Resident:
    """The `number`-th resident (from 1); `today` only decides how old they are."""
    dice = chance(seed, "resident", of.key, number)
    gender = pick(dice, ("男", "女"))
    low, high = _AGES.pick(dice)
    birth = date(today.year - low - below(dice, high - low), 1, 1) + timedelta(days=below(dice, 365))
    community = of.busiest.pick(dice)
    house, stair, floor, door = (1 + below(dice, most) for most in (20, 6, 18, 4))
    address = f"{estate(dice)}{house}号楼{stair}单元{floor}0{door}"
    return Resident(
        number,
        name(dice),
        gender,
        birth,
        id_number(dice, birth, gender),
        phone(dice),
        community,
        f"{community.street.name}{community.name}{address}",
        pick(dice, ("户籍", "户籍", "流动")),
        pick(dice, ("住户", "住户", "住户", "租户")),
    )


def name(dice: Random) -> str:
    known = names()
    surname = pick(dice, known["common"]) if dice.random() < 0.5 else pick(dice, known["surnames"])
    given = pick(dice, known["given_one"]) if dice.random() < 0.8 else ""
    return str(surname + given + pick(dice, known["given_two"]))


def estate(dice: Random) -> str:
    known = names()
    return str(pick(dice, known["heads"]) + pick(dice, known["estates"]))


def phone(dice: Random) -> str:
    return f"1{below(dice, 3)}{below(dice, 10**9):09}"


def id_number(dice: Random, birth: date, gender: str) -> str:
    order = 2 * below(dice, 500) + (gender == "男")
    body = f"{pick(dice, COUNTIES)}{birth:%Y%m%d}{order:03}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def masked(id_number: str) -> str:
    return id_number[:6] + "*" * 8 + id_number[-4:]


def resident_row(each: Resident) -> dict[str, Any]:
    return {
        "no": f"R{each.number:07}",
        "name": each.name,
        "gender": each.gender,
        "birth": each.birth.isoformat(),
        "idNumber": each.id_number,
        "phone": each.phone,
        "community": each.community.code,
        "address": each.address,
        "household": each.household,
        "tenure": each.tenure,
    }


def staff(seed: str, of: District) -> Iterator[dict[str, Any]]:
    """Who serves in a district: login, name after the post, role, unit."""
    for post, role, unit in _posts(seed, of):
        login = f"{unit.code}-{role.replace('_', '')}"
        for number in range(1, post + 1):
            title = f"{unit.name}{ROLES[role]}{number}"
            yield {"login": f"{login}{number}", "name": title, "role": role, "unit": unit.code}


ROLES = {
    "dispatcher": "派遣员",
    "reviewer": "审核员",
    "supervisor": "督办员",
    "handler": "承办人",
    "secretary": "书记",
    "worker": "社工",
    "grid_worker": "网格员",
}


def _posts(seed: str, of: District) -> Iterator[tuple[int, str, Unit]]:
    yield from ((20, "dispatcher", of.unit), (12, "reviewer", of.unit), (8, "supervisor", of.unit))
    yield from ((4, "handler", each) for each in of.departments)
    for each in of.streets:
        dice = chance(seed, "street", each.code)
        yield from ((1, "secretary", each), (6, "dispatcher", each), (13 + below(dice, 21), "handler", each))
    for community in of.communities:
        dice = chance(seed, "community", community.code)
        unit = Unit(community.code, community.name, "community", "community", community.street.code)
        yield from ((1, "secretary", unit), (6 + below(dice, 10), "worker", unit))
        for number in range(1, community.grids + 1):
            name = f"{community.name}第{number}网格"
            yield 1, "grid_worker", Unit(grid(community, number), name, "grid", "grid", unit.code)
