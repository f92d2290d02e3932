"""Notes of a case: add one, page through them, and the shape in which one leaves the house."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from app.cases import viewing
from app.cases.advance import Moved, advance
from app.cases.commands.beside import Note
from app.cases.models import case_notes
from app.cases.motion import Row
from app.cases.verbs.note import KINDS
from app.core.db import Session, reading
from app.core.http.fields import out
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.models import people

_PAGE = (
    select(case_notes, people.c.name.label("author_name"))
    .outerjoin(people, people.c.id == case_notes.c.author_id)
    .where(
        case_notes.c.case_id == bindparam("case"),
        case_notes.c.kind.in_(tuple(KINDS)),
        case_notes.c.id > bindparam("after"),
    )
    .order_by(case_notes.c.id)
    .limit(bindparam("most"))
)
_WORDS = select(case_notes.c.id, case_notes.c.text).where(
    case_notes.c.id.in_(bindparam("ids", expanding=True))
)


def add(actor: Actor, case_id: str, text: str, kind: str, request: Once | None = None) -> Moved | Stored:
    """备注, or 领导批示: the case then lies before all others. Raises CaseClosed, PermissionMissing."""
    return advance(Note(case_id, text, kind), actor, request)


def page(actor: Actor, case_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` notes of a case that the actor sees, oldest first."""
    with reading() as session:
        viewing.visible(session, actor, case_id)
        rows = session.execute(_PAGE, {"case": case_id, "after": after or "", "most": limit + 1})
        return [dict(row) for row in rows.mappings()]


def words(session: Session, ids: list[str]) -> dict[str, str]:
    """The texts of notes by their id."""
    return {row.id: row.text for row in session.execute(_WORDS, {"ids": ids})} if ids else {}


def view(row: Mapping[str, Any], author_name: str | None = None) -> dict[str, Any]:
    return {
        "id": row["id"],
        "case": row["case_id"],
        "kind": row["kind"],
        "text": row["text"],
        "author": row["author_id"],
        "authorName": author_name or row["author_name"],
        "writtenAt": out(row["written_at"]),
    }
