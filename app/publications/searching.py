"""Which publications are asked for: section, category, status, words, and where they lie on the map."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select

from app.cases.models import case_facts, cases
from app.core.errors import FieldError, Unprocessable
from app.identity.actor import Actor
from app.publications.models import (
    STANDS_NOW,
    bookings,
    comments,
    likes,
    publications,
    signups,
    stars,
    to_be_had,
)

MINE = {"liked": likes, "commented": comments, "signedUp": signups, "rated": stars, "booked": bookings}
METRES = 111_320.0
"""Of a degree of latitude."""
FARTHEST = 50_000
MOST_WORDS = 8


class PlaceRefused(Unprocessable):
    """位置写得不对。"""


def conditions(asked: Mapping[str, Any], actor: Actor, now: datetime) -> list[ColumnElement[bool]]:
    """What a row must meet, all of it. Raises PlaceRefused."""
    p = publications.c
    found: list[ColumnElement[bool]] = [
        column == asked[name]
        for name, column in (
            ("section", p.section),
            ("category", p.category),
            ("status", p.status),
            ("case", p.case_id),
            ("process", p.process_key),
            ("state", STANDS_NOW),
        )
        if asked.get(name) is not None
    ]
    found += [
        p.words.contains(word, autoescape=True)
        for word in (asked.get("words") or "").casefold().split()[:MOST_WORDS]
    ]
    if asked.get("bbox") is not None:
        west, south, east, north = _numbers(asked["bbox"], 4, "?bbox", "西,南,东,北 四个经纬度")
        found.append(and_(p.lng >= west, p.lng <= east, p.lat >= south, p.lat <= north))
    if asked.get("near") is not None:
        lng, lat, metres = _numbers(asked["near"], 3, "?near", "经度,纬度,米")
        found.append(_near(lng, lat, min(metres, FARTHEST)))
    if asked.get("offered") == "true":
        found.append(to_be_had(now))
    if asked.get("about") is not None:
        found += _about(asked["about"])
    if asked.get("mine") is not None:
        table = MINE[asked["mine"]]
        found.append(p.id.in_(select(table.c.publication_id).where(table.c.person_id == actor.id)))
    return found


def _about(number: str) -> list[ColumnElement[bool]]:
    """A fact of theirs is the number of another case; what is no number of a case is asked in vain, for a
    fact need not be shown."""
    other = cases.alias("other")
    says = and_(case_facts.c.case_id == publications.c.case_id, case_facts.c.as_text == number)
    return [exists().where(other.c.number == number), exists().where(says)]


def _near(lng: float, lat: float, metres: float) -> ColumnElement[bool]:
    """Within a circle; the earth is flat as far as one walks."""
    p = publications.c
    high = metres / METRES
    narrow = max(0.01, math.cos(math.radians(lat)))
    wide = high / narrow
    away = (p.lng - lng) * (p.lng - lng) * narrow * narrow + (p.lat - lat) * (p.lat - lat)
    box = and_(p.lng >= lng - wide, p.lng <= lng + wide, p.lat >= lat - high, p.lat <= lat + high)
    return and_(box, away <= high * high)


def _numbers(text: str, many: int, at: str, says: str) -> list[float]:
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        found = []
    if len(found) != many or not all(math.isfinite(each) for each in found):
        zh = f"应为{says}，用逗号分开。"
        raise PlaceRefused(errors=[FieldError(at, "not-a-place", zh)])
    return found
