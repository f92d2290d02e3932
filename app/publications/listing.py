"""Lists below a publication: comments for everybody, sign-ups and bookings for staff, one's own bookings."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import or_, select

from app.core.db import reading
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.permissions import PUBLICATION_MANAGE
from app.identity.residents import RESIDENT
from app.publications import viewing
from app.publications.models import OBJECTED, SHOWN, Row, bookings, comments, signups
from app.publications.objecting import UNNAMED


def said(actor: Actor, publication_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` comments, the newest first: residents read what is shown and their own, staff all
    of them with what was decided."""
    query = select(comments, people.c.name.label("called"), people.c.kind).join(
        people, people.c.id == comments.c.person_id
    )
    staff = actor.kind != RESIDENT
    if not staff:
        query = query.where(or_(comments.c.state == SHOWN, comments.c.person_id == actor.id))
    return _page(actor, publication_id, query, comments, limit, after, lambda row: _comment(row, staff=staff))


def signed_up(actor: Actor, publication_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` who signed up, the last first."""
    query = select(signups, people.c.name.label("called"), people.c.login).join(
        people, people.c.id == signups.c.person_id
    )
    return _page(actor, publication_id, query, signups, limit, after, _signed, permission=PUBLICATION_MANAGE)


def booked(actor: Actor, publication_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` bookings, the last first: all of them for staff, one's own for residents."""
    query = select(bookings, people.c.name.label("called")).join(people, people.c.id == bookings.c.person_id)
    if actor.kind == RESIDENT:
        query = query.where(bookings.c.person_id == actor.id)
    return _page(
        actor, publication_id, query, bookings, limit, after, _booking, permission=PUBLICATION_MANAGE
    )


def _page(
    actor: Actor,
    publication_id: str,
    query: Any,
    table: Any,
    limit: int,
    after: str | None,
    view: Callable[[Row], Row],
    **permission: Any,
) -> list[Row]:
    query = query.where(table.c.publication_id == publication_id)
    if after is not None:
        query = query.where(table.c.id < after)
    with reading() as session:
        of = viewing.seen(session, actor, publication_id, **permission)
        rows = session.execute(query.order_by(table.c.id.desc()).limit(limit + 1)).mappings()
        return [view({**row, "of": of}) for row in rows]


def _comment(row: Row, *, staff: bool) -> Row:
    rule = viewing.meant(row["of"]).objections
    unnamed = row["state"] == OBJECTED and rule is not None and not rule.named
    return {
        "id": row["id"],
        "by": UNNAMED if unnamed else row["called"],
        "staff": row["kind"] != RESIDENT,
        "text": row["text"],
        "rating": row["rating"],
        "state": row["state"],
        "at": out(row["at"]),
        "reason": row["reason"] if staff else None,
        "decidedBy": row["decided_by"] if staff else None,
        "decidedAt": out(row["decided_at"]) if staff else None,
    }


def _signed(row: Row) -> Row:
    return {
        "id": row["id"],
        "person": row["login"],
        "name": row["called"],
        "people": row["people"],
        "at": out(row["at"]),
        "checkedInAt": out(row["checked_in_at"]),
    }


def _booking(row: Row) -> Row:
    return {
        "id": row["id"],
        "by": row["called"],
        "wantedAt": out(row["wanted_at"]),
        "text": row["text"],
        "state": row["state"],
        "at": out(row["at"]),
        "answer": row["answer"],
        "answeredAt": out(row["answered_at"]),
    }
