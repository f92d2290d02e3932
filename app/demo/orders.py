"""Synthetic 12345 work orders in the canonical names: who called when, about what, where, in which words.

An order is a function of (plan, index) alone. One in 33 repeats an earlier one of the same caller, one in 25
tells the event of an earlier one by another caller; which one is a function of the index too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from app.core.clock import BEIJING
from app.demo.chance import below, chance, pick, weighted
from app.demo.districts import Community, District, Point, district, grid, somewhere
from app.demo.people import Resident, estate, masked, resident
from app.demo.texts import Wording, emergency, said
from app.demo.vocabulary import Matter, matters_of, phrases

ORIGINALS = 20
"""The first orders repeat nothing."""
FAR_BACK = 300
TYPES = weighted({"求助": 56, "投诉": 25, "建议": 9, "咨询": 7, "举报": 3})
"""Of orders that are sent out: most questions are answered on the telephone and become none."""
CHANNELS = weighted({"电话": 907, "微信": 45, "网站": 28, "移动客户端": 20})
LEVELS = {
    "": weighted({"一般": 90, "紧急": 6, "疑难": 4}),
    "急": weighted({"紧急": 70, "一般": 30}),
    "难": weighted({"疑难": 45, "一般": 55}),
}
_NIGHT = dict.fromkeys(range(7), 0.3)
BY_PHONE = weighted(
    _NIGHT
    | {7: 2, 8: 5, 9: 9, 10: 10, 11: 8, 12: 5, 13: 5, 14: 8.5, 15: 9, 16: 8, 17: 6, 18: 5, 19: 4.5, 20: 4}
    | {21: 3, 22: 1.5, 23: 0.7}
)
ONLINE = weighted({hour: 8 if hour in (9, 10, 11, 18, 19, 20, 21) else 1 for hour in range(24)})


@dataclass(frozen=True)
class Plan:
    """What all orders of one run have in common. `now` is the instant that nothing is later than.

    `prefix` begins their numbers: each source of demo orders has its own, for all file as the city.
    """

    seed: str
    district: District
    now: datetime
    days: int
    residents: int
    prefix: str = "SL"


@dataclass(frozen=True)
class Event:
    """What happened somewhere, and the first who told of it."""

    received: datetime
    channel: str
    matter: Matter
    community: Community
    spot: str
    point: Point
    caller: int
    emergency: bool


def plan(key: str, seed: str, now: datetime, days: int, residents: int, prefix: str = "SL") -> Plan:
    return Plan(seed, district(key), now.astimezone(BEIJING), days, residents, prefix)


def orders(of: Plan, count: int) -> Iterator[dict[str, Any]]:
    """The first `count` orders, in the order of their index, not of time."""
    return (order(of, index) for index in range(1, count + 1))


def order(of: Plan, index: int) -> dict[str, Any]:
    """The `index`-th order (from 1) in the names of exchange: nested, as a partner sends it."""
    kind = kind_of(of.seed, index)
    first = index if kind == "original" else original_of(of.seed, index)
    event = happened(of, first)
    dice = chance(of.seed, "order", of.district.key, index)
    received, channel, caller = event.received, event.channel, event.caller
    if kind != "original":
        received = _later(of, event.received, 20 if kind == "again" else 3, dice)
        channel = CHANNELS.pick(dice)
    if kind == "near":
        caller = _caller(of, dice)
    who = resident(of.seed, of.district, caller, of.now.date())
    asked = "投诉" if kind == "again" else "求助" if event.emergency else TYPES.pick(dice)
    level = "突发" if event.emergency else LEVELS[event.matter.level].pick(dice)
    earlier = number(of, first) if kind == "again" else None
    wording = (
        emergency(event.matter, event.spot, dice)
        if event.emergency
        else said(event.matter, event.spot, asked, earlier, dice)
    )
    return _row(of, index, event, received, channel, who, asked, level, wording, kind, first, dice)


def kind_of(seed: str, index: int) -> str:
    """original, again (同人同诉: the same caller once more) or near (同诉: same event, another caller)."""
    share = chance(seed, "kind", index).random()
    if index <= ORIGINALS or share >= 0.07:
        return "original"
    return "again" if share < 0.03 else "near"


def original_of(seed: str, index: int) -> int:
    """Which earlier order this one repeats."""
    first = index - 1 - below(chance(seed, "repeats", index), min(index - 1, FAR_BACK))
    while kind_of(seed, first) != "original":
        first -= 1  # the first of all are originals
    return first


def number(of: Plan, index: int) -> str:
    """The partner's number. Its prefix (SL 示例) keeps it apart from any real one."""
    return f"{of.prefix}{happened_at(of, index):%Y%m%d}-{index:07}"


def happened_at(of: Plan, index: int) -> datetime:
    return _received(of, chance(of.seed, "when", of.district.key, index))[0]


def happened(of: Plan, index: int) -> Event:
    """The event behind an original order."""
    received, channel = _received(of, chance(of.seed, "when", of.district.key, index))
    dice = chance(of.seed, "event", of.district.key, index)
    urgent = dice.random() < 0.003
    matter = pick(dice, _emergencies()) if urgent else matters_of(received.month).pick(dice)
    community = of.district.busiest.pick(dice)
    indoors = matter.one in ("教育", "医疗卫生", "劳动和社会保障")
    spot = estate(dice) + ("附近" if indoors else str(pick(dice, phrases()["spots"])))
    return Event(
        received,
        channel,
        matter,
        community,
        spot,
        somewhere(of.district, community, dice),
        _caller(of, dice),
        urgent,
    )


@cache
def _emergencies() -> tuple[Matter, ...]:
    dangerous = phrases()["emergencies"]
    return tuple(matter for matter in matters_of(7).items if matter.code in dangerous)


def _received(of: Plan, dice: Random) -> tuple[datetime, str]:
    """When and how: by the hour's curve of the channel, a quarter less on weekends."""
    channel = CHANNELS.pick(dice)
    hours = BY_PHONE if channel == "电话" else ONLINE
    earliest = of.now - timedelta(days=of.days)
    midnight = of.now.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        day = midnight - timedelta(days=below(dice, of.days + 1))
        at = day + timedelta(hours=hours.pick(dice), seconds=below(dice, 3600))
        weekend = at.weekday() >= 5 and dice.random() < 0.25
        if earliest <= at < of.now and not weekend:
            return at, channel


def _later(of: Plan, first: datetime, days: int, dice: Random) -> datetime:
    most = min((of.now - first).total_seconds(), days * 86400.0)
    return first + timedelta(seconds=int(most * dice.random()))


def _caller(of: Plan, dice: Random) -> int:
    """A resident; one call in ten comes from the fifty who call most."""
    most = min(50, of.residents) if dice.random() < 0.1 else of.residents
    return 1 + below(dice, most)


def _row(
    of: Plan,
    index: int,
    event: Event,
    received: datetime,
    channel: str,
    who: Resident,
    asked: str,
    level: str,
    wording: Wording,
    kind: str,
    first: int,
    dice: Random,
) -> dict[str, Any]:
    matter, community = event.matter, event.community
    wishes = phrases()["wishes_of_two"]
    place_grid = grid(community, 1 + below(dice, community.grids)) if community.grids else None
    row: dict[str, Any] = {
        "externalNo": number(of, index),
        "source": "市12345（示例）",
        "channel": channel,
        "receivedAt": received.isoformat(),
        "caller": {
            "name": who.name,
            "gender": who.gender,
            "phone": who.phone,
            "idMasked": masked(who.id_number),
            "address": who.address,
            "confidential": dice.random() < 0.05,
        },
        "location": {
            "text": f"{community.street.name}{community.name}{event.spot}",
            "lng": event.point[0],
            "lat": event.point[1],
            "crs": "CGCS2000",
            "gridCode": place_grid,
            "streetCode": community.street.code,
            "communityCode": community.code,
        },
        "callerKind": "企业" if dice.random() < 0.04 else "个人",
        "type": asked,
        "taskType": "派单",
        "category": list(matter.category),
        "categoryCode": matter.code,
        "title": wording.title,
        "content": wording.content,
        "level": level,
        "tags": list(wording.tags),
        "sevenFive": wishes.get(matter.two) or phrases()["wishes"][matter.one],
        "dispatch": {"mainOrg": community.street.name if matter.unit == "街道" else matter.unit},
    }
    if kind != "original":
        row["repeat"] = {"kind": "同人同诉" if kind == "again" else "同诉", "of": number(of, first)}
    return row
