"""The map of places over HTTP: everybody who is signed in may look, residents too."""

from functools import partial
from math import asin, cos, radians, sin, sqrt
from typing import Any

from flask import Response

from app.core import clock
from app.core.db import reading
from app.core.errors import NotFound
from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.places import models
from app.places.schemas import PlaceOut, PlacePage, PlaceQuery

blp = Blueprint("places", __name__, url_prefix="/api/v1/places", description="站点地图")

MOST_NEAR = 5000
EARTH = 6_371_000
"""Metres."""


@blp.get("")
@blp.everybody
@blp.arguments(PlaceQuery(), location="query")
@blp.response(200, PlacePage())
def places(query: dict[str, Any]) -> Response:
    """地图上的站点（文明实践中心、所、站、基地等）：按类别、名称或地址、地图范围查找，或由近到远。"""
    me = actor()
    kinds = query["kind"].split(",") if query["kind"] else ()
    asked = {"kinds": kinds, "q": query["q"], "box": query["bbox"]}
    with reading() as session:
        if query["near"] is None:
            load = partial(models.page, session, asked, clock.wall())
            view = f"places:{sorted(asked.items())}"
            return sent(pages.of_rows(me.id, view, query, load, _shown, key="path"))
        rows = models.page(session, asked, clock.wall(), MOST_NEAR, None)
    far = sorted(
        ((_metres(query["near"], (row["lng"], row["lat"])), row) for row in rows),
        key=lambda each: (each[0], each[1]["path"]),
    )
    items = [_shown(row, metres) for metres, row in far[: query["limit"]]]
    return sent({"items": items, "page": {"next": None, "prev": None, "total": None, "totalExact": False}})


@blp.get("/<id:code>")
@blp.everybody
@blp.response(200, PlaceOut())
@blp.problems(NotFound)
def place(code: str) -> Response:
    """一个站点：名称、地址、电话、位置。"""
    actor()
    with reading() as session:
        row = models.one(session, code, clock.wall())
    if row is None:
        raise NotFound
    return sent(_shown(row))


def _shown(row: dict[str, Any], metres: int | None = None) -> dict[str, Any]:
    about = {name: row[name] for name in ("code", "name", "kind", "address", "phone")}
    return {**about, "point": {"lng": row["lng"], "lat": row["lat"]}, "metres": metres}


def _metres(here: tuple[float, float], there: tuple[float, float]) -> int:
    """The way of a bird between two positions."""
    (west, south), (east, north) = ([radians(part) for part in point] for point in (here, there))
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return round(2 * EARTH * asin(sqrt(half)))
