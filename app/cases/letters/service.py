"""Letters of a case: staff write to the resident whom it is about, he answers; both read them there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from app.cases.advance import Moved, advance
from app.cases.commands.beside import Write
from app.cases.models import ANSWER, LETTER, case_notes
from app.cases.motion import Row
from app.cases.verbs.write import reached
from app.core.db import Session
from app.core.http.fields import out
from app.core.once import Once, Stored
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.permissions import CASE_WRITE

_PAGE = (
    select(case_notes, people.c.name.label("author_name"))
    .outerjoin(people, people.c.id == case_notes.c.author_id)
    .where(
        case_notes.c.case_id == bindparam("case"),
        case_notes.c.kind.in_((LETTER, ANSWER)),
        case_notes.c.id > bindparam("after"),
    )
    .order_by(case_notes.c.id)
    .limit(bindparam("most"))
)


def write(actor: Actor, case_id: str, text: str, request: Once | None = None) -> Moved | Stored:
    """来信, in the name of the committee; it is in the resident's mailbox with a link to the case.

    Raises NotReached where the case is about nobody with an account, PermissionMissing, CaseMerged.
    """
    return advance(Write(case_id, text, LETTER), actor, request)


def answer(actor: Actor, case_id: str, text: str, request: Once | None = None) -> Moved | Stored:
    """回信, by the resident alone. Raises NothingToAnswer before anybody wrote, NotFound, CaseMerged."""
    return advance(Write(case_id, text, ANSWER), actor, request)


def page(session: Session, case_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` letters of a case, oldest first; whoever calls has asked who may see it."""
    rows = session.execute(_PAGE, {"case": case_id, "after": after or "", "most": limit + 1})
    return [dict(row) for row in rows.mappings()]


def may_write(session: Session, actor: Actor, case: Mapping[str, Any]) -> bool:
    """Whether somebody can be written to here, and by this actor."""
    return actor.allows(CASE_WRITE, org.bare(case["org_path"])) and reached(session, case["id"]) is not None


def view(row: Mapping[str, Any], author_name: str | None = None) -> dict[str, Any]:
    return {
        "id": row["id"],
        "case": row["case_id"],
        "kind": row["kind"],
        "text": row["text"],
        "authorName": author_name or row["author_name"],
        "writtenAt": out(row["written_at"]),
    }
