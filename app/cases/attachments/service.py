"""附件 as sentences: take a file, keep it with a case, list, open and withdraw it, sweep the rest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import bindparam, select, union_all
from sqlalchemy.exc import DBAPIError

from app.cases import viewing
from app.cases.advance import Moved, advance
from app.cases.attachments import kinds, loose, names, pictures, scanner, shelf
from app.cases.attachments.errors import AttachmentWithdrawn
from app.cases.attachments.models import attachments, loose_files
from app.cases.commands.beside import Attach, Detach
from app.cases.models import cases
from app.cases.motion import Row
from app.core import clock
from app.core.db import reading, transaction
from app.core.http.fields import out
from app.core.http.multipart import Sent
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.permissions import CASE_READ
from app.identity.scopes import case_scope, hidden, require

MOST_BYTES = 50 << 20
ORPHAN_HOURS = 24
"""Bytes that no row keeps are taken off the shelf when they are older than this."""
_BATCH = 500

_ROWS = select(attachments, people.c.name.label("uploader_name")).outerjoin(
    people, people.c.id == attachments.c.uploader_id
)
_PAGE = (
    _ROWS.where(attachments.c.case_id == bindparam("case"), attachments.c.id > bindparam("after"))
    .order_by(attachments.c.id)
    .limit(bindparam("most"))
)
_ONE = _ROWS.join(cases, cases.c.id == attachments.c.case_id).where(attachments.c.id == bindparam("which"))
_PLACES: Any = bindparam("places", expanding=True)
_STILL = union_all(
    select(attachments.c.stored).where(attachments.c.stored.in_(_PLACES), attachments.c.state == "kept"),
    select(loose_files.c.stored).where(loose_files.c.stored.in_(_PLACES)),
)


@dataclass(frozen=True)
class Taken:
    """A file that passed: its clean name, what it is, and where its bytes are."""

    name: str
    type: kinds.FileType
    kept: shelf.Kept

    def command(self, case_id: str = "", task_id: str | None = None) -> Attach:
        """What makes it a case's; without one the description of a loose file."""
        kept = self.kept
        return Attach(
            case_id, task_id, self.name, self.type.mime, self.type.kind, kept.size, kept.sm3, kept.stored
        )


def look_first(actor: Actor, case_id: str) -> None:
    """Before anybody's bytes are read: the case must be there for them. Raises NotFound."""
    with reading() as session:
        viewing.visible(session, actor, case_id)


def take(draft: Path, sent_name: str, drafts: shelf.Drafts) -> Taken:
    """Judges a file by its content, draws pictures anew, and puts the result on the shelf.

    Raises FileTypeNotAllowed, FileContentMismatch, FileInfected, StorageFull.
    """
    scanner.check(draft)
    found = kinds.recognise(draft, sent_name)
    if found.kind == "image":
        drawn = drafts.new()
        pictures.redraw(draft, drawn, found)
        draft = drawn
    return Taken(names.clean(sent_name, found.ending), found, shelf.keep(draft))


def same(draft: Path, came: Sent) -> bytes:
    """What makes an upload the same upload: the boundary between its parts is another one each time."""
    return orjson.dumps([shelf.digest(draft).hex(), came.filename, came.fields], option=orjson.OPT_SORT_KEYS)


def attach(
    actor: Actor, case_id: str, task_id: str | None, taken: Taken, request: Once | None = None
) -> Moved | Stored:
    """Makes the file the case's. Raises TaskNotOpen, TaskTaken, TaskDone, CaseClosed, Forbidden, NotFound."""
    return advance(taken.command(case_id, task_id), actor, request)


@contextmanager
def unless_named(taken: Taken) -> Iterator[None]:
    """Drops the bytes at the end if no row keeps them: refused, or the same request was answered before."""
    try:
        yield
    finally:
        _drop_strangers([taken.kept.stored])


def withdraw(actor: Actor, attachment_id: str, request: Once | None = None) -> Moved | Stored:
    """By who uploaded it, until it was handed in. Raises AttachmentFixed, Forbidden, NotFound."""
    return advance(Detach(_visible(actor, attachment_id)["case_id"], attachment_id), actor, request)


def page(actor: Actor, case_id: str, limit: int, after: str | None) -> list[Row]:
    """At most `limit + 1` attachments of a case, oldest first, withdrawn ones as tombstones."""
    with reading() as session:
        viewing.visible(session, actor, case_id)
        rows = session.execute(_PAGE, {"case": case_id, "after": after or "", "most": limit + 1})
        return [dict(row) for row in rows.mappings()]


def opened(actor: Actor, attachment_id: str) -> tuple[Row, BinaryIO]:
    """A row and its bytes, checked against their SM3. Raises AttachmentWithdrawn, AttachmentDamaged."""
    row = _visible(actor, attachment_id)
    if row["state"] == "withdrawn":
        raise AttachmentWithdrawn
    return row, shelf.opened(row["stored"], row["size"], row["sm3"])


def sweep() -> int:
    """Takes off the shelf what no row keeps, and drafts of killed requests; returns how many files."""
    with transaction() as session:
        loose.forget_stale(session)
    before = (clock.wall() - timedelta(hours=ORPHAN_HOURS)).timestamp()
    gone, batch = shelf.forget_drafts(before), []
    for place in shelf.lying(before):
        batch.append(place)
        if len(batch) == _BATCH:
            gone, batch = gone + _drop_strangers(batch), []
    return gone + _drop_strangers(batch)


def view(row: Mapping[str, Any], uploader_name: str | None = None) -> dict[str, Any]:
    return {
        "id": row["id"],
        "case": row["case_id"],
        "task": row["task_id"],
        "step": row["step"],
        "name": row["name"],
        "mime": row["mime"],
        "kind": row["kind"],
        "size": row["size"],
        "sm3": row["sm3"].hex(),
        "uploader": row["uploader_id"],
        "uploaderName": uploader_name or row["uploader_name"],
        "state": row["state"],
        "at": out(row["at"]),
        "withdrawnAt": out(row["withdrawn_at"]),
    }


def _visible(actor: Actor, attachment_id: str) -> Row:
    require(actor, CASE_READ, subject=attachment_id)
    statement = _ONE.where(case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id))
    with reading() as session:
        row = session.execute(statement, {"which": attachment_id}).mappings().one_or_none()
    if row is None:
        raise hidden(actor, attachment_id)
    return dict(row)


def _drop_strangers(places: list[str]) -> int:
    """Drops what no row keeps. While the database does not answer nothing is dropped: a row may be there."""
    if not places:
        return 0
    try:
        with reading() as session:
            still = {row.stored for row in session.execute(_STILL, {"places": places})}
    except DBAPIError:  # the next sweep asks again
        return 0
    strangers = [place for place in places if place not in still]
    for place in strangers:
        shelf.drop(place)
    return len(strangers)
