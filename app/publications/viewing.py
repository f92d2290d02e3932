"""What people see of publications: residents what is shown to them, staff those of their scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from app import bundles
from app.bundles.publishing import EVERYONE, HIDDEN, Publishing
from app.cases.models import cases
from app.core import clock
from app.core.db import Session, reading
from app.core.http.fields import out
from app.identity import memberships
from app.identity.actor import Actor
from app.identity.permissions import PUBLICATION_READ
from app.identity.residents import RESIDENT
from app.identity.scopes import case_scope, hidden, holders, let_in, missing, require, sees, unit_scope
from app.publications import counting, ordering, searching
from app.publications.counting import Counted
from app.publications.fields import Shown, lookups
from app.publications.models import (
    FOUND,
    OPEN,
    STANDS_NOW,
    Row,
    likes,
    publications,
    signups,
    stars,
)

_LET_IN = select(let_in(bindparam("case")).label("known"))
_LIKED = select(likes.c.publication_id).where(
    likes.c.publication_id.in_(bindparam("ids", expanding=True)), likes.c.person_id == bindparam("me")
)
_RATED = (
    select(stars.c.publication_id)
    .where(stars.c.publication_id.in_(bindparam("ids", expanding=True)), stars.c.person_id == bindparam("me"))
    .distinct()
)
_SIGNED = select(signups.c.publication_id, signups.c.people, signups.c.checked_in_at).where(
    signups.c.publication_id.in_(bindparam("ids", expanding=True)), signups.c.person_id == bindparam("me")
)


def page(actor: Actor, asked: Mapping[str, Any], limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` publications that meet what is `asked` (searching.py), the newest first."""
    with reading() as session:
        mine = offered(session, actor) if asked.get("offered") == "true" else _seen(session, actor)
        query = FOUND.where(mine, *searching.conditions(asked, actor, clock.now(session)))
        if after is not None:
            query = query.where(publications.c.id < after)
        rows = session.execute(query.order_by(publications.c.id.desc()).limit(limit + 1)).mappings()
        return _views(session, actor, [dict(row) for row in rows])


def look(actor: Actor, publication_id: str) -> Row:
    """One publication. Raises NotFound."""
    with reading() as session:
        return view(session, actor, seen(session, actor, publication_id))


def view(session: Session, actor: Actor, row: Row) -> Row:
    """One publication that was seen, as it leaves the house."""
    return _views(session, actor, [row])[0]


def seen(session: Session, actor: Actor, publication_id: str, permission: str = PUBLICATION_READ) -> Row:
    """Loading and being allowed are one act. Raises NotFound, PermissionMissing."""
    if actor.kind != RESIDENT:
        require(actor, permission, subject=publication_id)
    query = FOUND.where(publications.c.id == publication_id, _seen(session, actor))
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise hidden(actor, publication_id)
    if actor.kind != RESIDENT:
        which = {"case": row["case_id"], "holders": holders(actor, permission)}
        if not sees(actor, permission, row["org_path"], bool(session.scalar(_LET_IN, which))):
            raise missing(actor, permission, publication_id)
    return dict(row)


def meant(row: Mapping[str, Any]) -> Publishing:
    """What the process of its case says of a publication. One that a version no longer declares is bare."""
    declared = bundles.get(row["version_id"]).process.publications.get(row["name"])
    return declared or Publishing(row["name"], row["section"], (), row["audience"], ended=row["ended"])


def _seen(session: Session, actor: Actor) -> Any:
    if actor.kind != RESIDENT:
        return case_scope(actor, PUBLICATION_READ, cases.c.org_path, cases.c.id)
    mine = tuple(each.unit_path for each in memberships.communities(session, actor.id, clock.now(session)))
    above = {path[:end] for path in mine for end in _ends(path)}
    near = or_(cases.c.org_path.in_(above), unit_scope(mine, cases.c.org_path))
    return and_(STANDS_NOW != HIDDEN, or_(publications.c.audience == EVERYONE, near))


def offered(session: Session, actor: Actor) -> Any:
    """Among which somebody chooses: what he sees, and staff also what every resident sees."""
    public = and_(STANDS_NOW != HIDDEN, publications.c.audience == EVERYONE)
    return _seen(session, actor) if actor.kind == RESIDENT else or_(_seen(session, actor), public)


def _ends(path: str) -> list[int]:
    """Where the paths of a unit and of those above it end: what a district shows its communities see."""
    return [place for place, letter in enumerate(path) if letter == "/" and place] + [len(path)]


def _views(session: Session, actor: Actor, rows: Sequence[Row]) -> list[Row]:
    """Publications as they leave the house, however many with the same few questions."""
    if not rows:
        return []
    ids, now = [row["id"] for row in rows], clock.now(session)
    counted = counting.of(session, ids)
    mine = _mine(session, actor, ids) if actor.kind == RESIDENT else {}
    shown = [Shown(row, meant(row)) for row in rows]
    named, orders = lookups(session, shown), ordering.of(session, shown)
    return [
        _view(each, counted[each.row["id"]], mine.get(each.row["id"]), now)
        | {"fields": each.fields(named), "orders": orders.get(each.row["id"])}
        for each in shown
    ]


def _view(shown: Shown, counted: Counted, mine: Row | None, now: datetime) -> Row:
    row, rule = shown.row, shown.rule
    return {
        "id": row["id"],
        "case": row["case_id"],
        "number": row["case_number"],
        "process": row["process_key"],
        "name": row["name"],
        "section": row["section"],
        "title": row["title"],
        "category": row["category"],
        "status": row["status"],
        "state": row["stands"],
        "audience": row["audience"],
        "shownAt": out(row["shown_at"]),
        "point": {"lng": row["lng"], "lat": row["lat"]} if row["lng"] is not None else None,
        "likes": counted.likes if rule.likes else None,
        "comments": counted.comments if rule.comments or rule.ratings else None,
        "reads": counted.reads,
        "commentsReviewed": rule.comments == "reviewed",
        "takesComments": rule.comments is not None,
        "takesBookings": rule.bookings,
        "takesObjections": rule.objections is not None,
        "ratings": _ratings(rule, counted) if rule.ratings else None,
        "signUp": _sign_up(row, counted, now) if rule.seats else None,
        "mine": mine,
    }


def _ratings(rule: Publishing, counted: Counted) -> Row:
    aspects = [
        {
            "aspect": aspect,
            "mean": counted.stars[aspect].mean if aspect in counted.stars else None,
            "people": counted.stars[aspect].number if aspect in counted.stars else 0,
        }
        for aspect in rule.ratings
    ]
    return {"by": rule.rated_by, "mean": counted.mean, "people": counted.raters, "aspects": aspects}


def _sign_up(row: Row, counted: Counted, now: datetime) -> Row:
    left = max(0, row["seats"] - row["taken"]) if row["seats"] is not None else None
    over = row["stands"] != OPEN or (row["until"] is not None and now > row["until"])
    return {
        "seats": row["seats"],
        "taken": row["taken"],
        "left": left,
        "full": left == 0,
        "until": out(row["until"]),
        "over": over,
        "said": "报名已截止" if over else "报满" if left == 0 else "报名中",
        "checkedIn": counted.checked_in,
    }


def _mine(session: Session, actor: Actor, ids: Sequence[str]) -> dict[str, Row]:
    which = {"ids": list(ids), "me": actor.id}
    liked = set(session.execute(_LIKED, which).scalars())
    rated = set(session.execute(_RATED, which).scalars())
    signed = {row.publication_id: row for row in session.execute(_SIGNED, which)}
    return {
        each: {
            "liked": each in liked,
            "rated": each in rated,
            "signedUp": signed[each].people if each in signed else None,
            "checkedIn": each in signed and signed[each].checked_in_at is not None,
        }
        for each in ids
    }
