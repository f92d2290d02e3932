"""Named queries about units that have a point on the map."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, bindparam, or_, select

from app.core.db import Instant, Session
from app.identity.models import units

COLUMNS = (
    units.c.code,
    units.c.name,
    units.c.kind,
    units.c.path,
    units.c.lng,
    units.c.lat,
    units.c.address,
    units.c.phone,
)
_NOW = bindparam("now", type_=Instant)
_THERE = (
    or_(units.c.valid_from.is_(None), units.c.valid_from <= _NOW),
    or_(units.c.valid_to.is_(None), units.c.valid_to > _NOW),
)
_PLACES = select(*COLUMNS).where(units.c.lng.is_not(None), *_THERE)
_OF_KIND = (
    select(units.c.code, units.c.path)
    .where(units.c.kind == bindparam("kind"), *_THERE)
    .order_by(units.c.path)
)


def page(
    session: Session, asked: Mapping[str, Any], now: Any, limit: int, after: str | None
) -> list[dict[str, Any]]:
    """Up to `limit + 1` places by path. `asked` holds kinds, q and box (west, south, east, north)."""
    query: Select[Any] = _PLACES.order_by(units.c.path).limit(limit + 1)
    if asked["kinds"]:
        query = query.where(units.c.kind.in_(asked["kinds"]))
    for word in (asked["q"] or "").split():
        named = units.c.name.contains(word, autoescape=True)
        query = query.where(or_(named, units.c.address.contains(word, autoescape=True)))
    if asked["box"] is not None:
        west, south, east, north = asked["box"]
        query = query.where(units.c.lng.between(west, east), units.c.lat.between(south, north))
    if after is not None:
        query = query.where(units.c.path > after)
    return [dict(row) for row in session.execute(query, {"now": now}).mappings()]


def one(session: Session, code: str, now: Any) -> dict[str, Any] | None:
    """The place with this code."""
    row = session.execute(_PLACES.where(units.c.code == code), {"now": now}).mappings().one_or_none()
    return dict(row) if row is not None else None


def of_kind(session: Session, kind: str, now: Any) -> list[tuple[str, str]]:
    """(code, path) of the units of a kind, mapped or not."""
    return [(row.code, row.path) for row in session.execute(_OF_KIND, {"kind": kind, "now": now})]
