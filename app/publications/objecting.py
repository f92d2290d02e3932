"""公示异议: a resident objects to what is publicised, once in a round, as long as its clock runs."""

from typing import Any

from sqlalchemy import bindparam, exists, insert, select

from app.cases.advance import answered
from app.clocks.models import clocks
from app.core import clock, events, personal
from app.core.db import Instant, Session
from app.core.events import Event
from app.core.ids import new_id
from app.core.once import Once
from app.identity.actor import SYSTEM, Actor
from app.publications import models, viewing
from app.publications.errors import AlreadyObjected, NotOffered, ObjectionsOver
from app.publications.models import OBJECTED, OPEN, Row, comments

EVENT = "publication.objected"
UNNAMED = "居民"

_RUNS = select(
    exists().where(
        clocks.c.case_id == bindparam("case"),
        clocks.c.name == bindparam("called"),
        clocks.c.state == "running",
        clocks.c.due_at > bindparam("now", type_=Instant),
    )
)
_BEFORE = select(
    exists().where(
        comments.c.publication_id == bindparam("which"),
        comments.c.person_id == bindparam("me"),
        comments.c.state == OBJECTED,
        comments.c.at >= bindparam("since", type_=Instant),
    )
)


def object_to(actor: Actor, publication_id: str, text: str, request: Once | None = None) -> Any:
    """Kept among the comments, for staff and who wrote it; whoever has the case in hand is told.

    Raises NotOffered, ObjectionsOver, AlreadyObjected, NotFound.
    """

    def act(session: Session) -> Row:
        viewing.seen(session, actor, publication_id)
        row = models.locked(session, publication_id)
        assert row is not None  # it was seen a moment ago, and rows are never deleted
        rule, now = viewing.meant(row).objections, clock.now(session)
        if rule is None:
            raise NotOffered("这里不收异议。")
        asked = {"case": row["case_id"], "called": rule.until, "now": now}
        if row["stands"] != OPEN or not session.scalar(_RUNS, asked):
            raise ObjectionsOver
        mine = {"which": publication_id, "me": actor.id, "since": row["shown_at"]}
        if session.scalar(_BEFORE, mine):
            raise AlreadyObjected
        new = {
            "id": new_id(),
            "publication_id": publication_id,
            "person_id": actor.id,
            "text": personal.covered(text),
            "rating": False,
            "state": OBJECTED,
            "at": now,
        }
        session.execute(insert(comments), new)
        by, who = (actor.name, actor.id) if rule.named else (UNNAMED, SYSTEM.id)
        told = {"title": row["title"], "by": by, "text": new["text"]}
        events.publish(session, [Event(EVENT, row["case_id"], now, who, told)])
        return {"id": new["id"], "publication": publication_id, "state": OBJECTED}

    return answered(act, request)
