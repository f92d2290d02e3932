"""看过多少人次: who looks at a publication counts once a day; the day after, names become a number."""

import logging
from datetime import date, timedelta

from sqlalchemy import bindparam, delete, func, select

from app.core import clock, dialects
from app.core.clock import BEIJING
from app.core.db import Session, reading, transaction
from app.core.seldom import Seldom
from app.identity.actor import Actor
from app.identity.permissions import PUBLICATION_MANAGE
from app.identity.residents import RESIDENT
from app.publications import viewing
from app.publications.models import HIDDEN, Row, readers, reads

_lost = Seldom(logging.getLogger("huying.publications"), "reads of publications were not counted")
_THERE = select(readers.c.day).where(
    *(readers.c[key] == bindparam(key) for key in ("publication_id", "day", "person_id"))
)
_OVER = readers.c.day < bindparam("since")
_NAMED = (
    select(readers.c.publication_id, readers.c.day, func.count().label("people"))
    .where(_OVER)
    .group_by(readers.c.publication_id, readers.c.day)
)


def look(actor: Actor, publication_id: str) -> Row:
    """One publication; that it was looked at is counted afterwards, or not: reading never fails for it.

    Raises NotFound, PermissionMissing.
    """
    with reading() as session:
        row = viewing.seen(session, actor, publication_id)
        shown = viewing.view(session, actor, row)
        mine = {"publication_id": row["id"], "day": _today(session), "person_id": actor.id}
        new = _counts(actor, row) and session.execute(_THERE, mine).first() is None
    if new:
        try:
            with transaction() as session:
                session.execute(dialects.insert_ignore(session.dialect, readers), mine)
        except Exception as error:  # a number is one too small; what was asked for is here
            _lost.note(error=type(error).__name__)
    return shown


def sum_up() -> None:
    """Days that are over for everybody are kept as numbers; who looked is forgotten."""
    with transaction() as session:
        which = {"since": _today(session) - timedelta(days=1)}  # yesterday's may still be on their way
        if rows := [dict(row) for row in session.execute(_NAMED, which).mappings()]:
            session.execute(dialects.upsert(session.dialect, reads, ("publication_id", "day")), rows)
            session.execute(delete(readers).where(_OVER), which)


def _counts(actor: Actor, row: Row) -> bool:
    """Residents and those who only look; whoever looks after it is no reader, nor is a machine."""
    if row["stands"] == HIDDEN:
        return False
    looks = actor.kind == "person" and not actor.allows(PUBLICATION_MANAGE, row["org_path"])
    return actor.kind == RESIDENT or looks


def _today(session: Session) -> date:
    return clock.now(session).astimezone(BEIJING).date()
