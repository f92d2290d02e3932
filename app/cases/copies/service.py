"""抄送 and 已阅, as sentences; and who was sent a copy of a case."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from app.cases import viewing
from app.cases.advance import Moved, advance
from app.cases.commands import Copy, ReadCopy
from app.cases.models import copies
from app.core.db import reading
from app.core.http.fields import out
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.models import people

_BY = people.alias("by")
_OF_CASE = (
    select(copies, people.c.name.label("called"), _BY.c.name.label("sender"))
    .join(people, people.c.id == copies.c.person_id)
    .outerjoin(_BY, _BY.c.id == copies.c.by_id)
    .where(copies.c.case_id == bindparam("case"))
    .order_by(copies.c.at, copies.c.person_id)
)


def copy(
    actor: Actor, task_id: str, to: Sequence[str], text: str = "", request: Once | None = None
) -> Moved | Stored:
    """抄送 to people by login. Raises PersonNotSelectable, PermissionMissing, CaseClosed …"""
    return advance(Copy(task_id, tuple(to), text), actor, request)


def read(actor: Actor, task_id: str, request: Once | None = None) -> Moved | Stored:
    """已阅. Raises NothingToRead."""
    return advance(ReadCopy(task_id), actor, request)


def of(actor: Actor, case_id: str) -> list[dict[str, Any]]:
    """Who was sent a copy, oldest first, and when each has read it."""
    with reading() as session:
        viewing.visible(session, actor, case_id)
        rows = session.execute(_OF_CASE, {"case": case_id}).mappings().all()
    return [
        {
            "person": row["person_id"],
            "name": row["called"],
            "by": row["sender"],
            "text": row["text"],
            "at": out(row["at"]),
            "readAt": out(row["read_at"]),
        }
        for row in rows
    ]
