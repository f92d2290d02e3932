"""Links of a case: tie it to another, untie it, and list them from either end."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, case, or_, select

from app.cases import viewing
from app.cases.advance import Moved, advance
from app.cases.commands.beside import Link, Linked, Unlink, Unlinked
from app.cases.models import case_links, cases
from app.cases.motion import Row
from app.core.db import Session, reading
from app.core.errors import NotFound
from app.core.http.fields import out
from app.core.ids import new_id
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.permissions import CASE_READ
from app.identity.scopes import case_scope

_MINE = or_(case_links.c.from_id == bindparam("case"), case_links.c.to_id == bindparam("case"))
_OTHER = case((case_links.c.from_id == bindparam("case"), case_links.c.to_id), else_=case_links.c.from_id)
_HEAD = ("number", "title", "process_key", "state", "status")
_ROWS = (
    select(case_links, cases.c.id.label("other_id"), *(cases.c[name] for name in _HEAD))
    .join(cases, cases.c.id == _OTHER)
    .where(_MINE)
)
_NUMBERS = select(cases.c.id, cases.c.number).where(cases.c.id.in_(bindparam("ids", expanding=True)))


def add(actor: Actor, case_id: str, to: str, kind: str, request: Once | None = None) -> Moved | Stored:
    """Ties two cases that the actor sees; tied alike already, they stay so.

    Raises LinkToItself, LinkReversed, CaseClosed, PermissionMissing, NotFound.
    """
    link_id = new_id()
    return advance([Link(case_id, to, kind, link_id), Linked(to, case_id, kind, link_id)], actor, request)


def remove(actor: Actor, case_id: str, link_id: str, request: Once | None = None) -> Moved | Stored:
    """Unties them, from either end. Raises NotFound also when the other case is out of sight."""
    with reading() as session:
        viewing.visible(session, actor, case_id)
        statement = _ROWS.where(case_links.c.id == bindparam("which"))
        row = session.execute(statement, {"case": case_id, "which": link_id}).mappings().one_or_none()
    if row is None:
        raise NotFound
    other, outward = row["other_id"], row["from_id"] == case_id
    return advance(
        [Unlink(case_id, link_id), Unlinked(other, case_id, row["kind"], not outward)], actor, request
    )


def page(actor: Actor, case_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` links of a case to others that the actor sees, oldest first."""
    statement = _ROWS.where(
        case_links.c.id > bindparam("after"), case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id)
    )
    with reading() as session:
        viewing.visible(session, actor, case_id)
        rows = session.execute(
            statement.order_by(case_links.c.id).limit(limit + 1), {"case": case_id, "after": after or ""}
        )
        return [{**row, "outward": row["from_id"] == case_id} for row in rows.mappings()]


def numbers(session: Session, actor: Actor, ids: Collection[str]) -> dict[str, str]:
    """The numbers of those cases that the actor sees, by id."""
    if not ids:
        return {}
    statement = _NUMBERS.where(case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id))
    return {row.id: row.number for row in session.execute(statement, {"ids": list(ids)})}


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A link as it is seen from one end."""
    return {
        "id": row["id"],
        "kind": row["kind"],
        "outward": row["outward"],
        "author": row["author_id"],
        "at": out(row["at"]),
        "case": {
            "id": row["other_id"],
            "number": row["number"],
            "title": row["title"],
            "process": row["process_key"],
            "state": row["state"],
            "status": row["status"],
        },
    }


def made(row: Mapping[str, Any]) -> dict[str, Any]:
    """A link as its making answers it."""
    return {
        "id": row["id"],
        "from": row["from_id"],
        "to": row["to_id"],
        "kind": row["kind"],
        "author": row["author_id"],
        "at": out(row["at"]),
    }
