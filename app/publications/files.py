"""Attachments that are shown with a case: only those that a shown field names, nothing else of the case."""

from typing import Any, BinaryIO

from sqlalchemy import bindparam, select

from app.cases.attachments import shelf
from app.cases.attachments.models import attachments
from app.core.db import reading
from app.identity.actor import Actor
from app.identity.scopes import hidden
from app.publications import viewing
from app.publications.fields import Shown

_FILE = select(attachments).where(
    attachments.c.id == bindparam("which"),
    attachments.c.case_id == bindparam("case"),
    attachments.c.state == "kept",
)


def opened(actor: Actor, publication_id: str, attachment_id: str) -> tuple[dict[str, Any], BinaryIO]:
    """A row and its bytes, checked against their SM3. Raises NotFound for what is not shown."""
    with reading() as session:
        row = viewing.seen(session, actor, publication_id)
        file = (
            session.execute(_FILE, {"which": attachment_id, "case": row["case_id"]}).mappings().one_or_none()
        )
    shown = Shown(row, viewing.meant(row))
    named = {one for each in shown.declared if each.type == "files" for one in shown.value(each.name) or ()}
    if file is None or attachment_id not in named:
        raise hidden(actor, attachment_id)
    return dict(file), shelf.opened(file["stored"], file["size"], file["sm3"])
