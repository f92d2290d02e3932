"""Files brought before there is a case: kept for a day for who brought them, until a filing or a request
names them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from app.bundles.forms import AnswersRefused
from app.cases.attachments.errors import LooseEnough
from app.cases.attachments.models import LOOSE_HOURS, OWN_LOOSE, kept_whole, loose, loose_files, since
from app.cases.commands.beside import Attach
from app.cases.motion import Motion, Row
from app.cases.verbs.attach import refer_to, tell
from app.core import clock
from app.core.db import Session
from app.core.errors import FieldError
from app.core.http.fields import out
from app.core.ids import new_id
from app.identity.actor import Actor
from app.identity.permissions import CASE_ATTACH, CASE_CREATE
from app.identity.scopes import missing

MOST = 50
"""Loose files a person may have: the photos of a few filings."""

_COUNT = select(func.count()).select_from(OWN_LOOSE.subquery())
_GONE = delete(loose_files).where(loose_files.c.id.in_(bindparam("ids", expanding=True)))
_STALE = delete(loose_files).where(loose_files.c.at <= bindparam("since"))


def may_bring(actor: Actor) -> None:
    """Who files cases, and who adds to those of others. Raises PermissionMissing."""
    if not (actor.holds(CASE_ATTACH) or actor.holds(CASE_CREATE)):
        raise missing(actor, CASE_ATTACH)


def keep(session: Session, actor: Actor, file: Attach) -> Row:
    """A row for bytes on disk. Raises LooseEnough."""
    now = clock.now(session)
    if session.scalar(_COUNT, {"actor": actor.id, "since": since(now)}) >= MOST:
        raise LooseEnough
    row = {
        "id": new_id(),
        "uploader_id": actor.id,
        **{name: getattr(file, name) for name in ("name", "mime", "kind", "size", "sm3", "stored")},
        "at": now,
    }
    session.execute(insert(loose_files), row)
    return row


def take(motion: Motion) -> list[Row]:
    """The loose files that the answers of a new case name, on their way to being its attachments.

    What they name of its parent's files the new case refers to: the answers hold its own ids then.
    Raises AnswersRefused for one that another filing took a moment ago.
    """
    ids = {one for name in _asked(motion) for one in motion.case["data"].get(name) or ()}
    ids -= _refer_to_parents(motion, ids)
    if not ids:
        return []
    found = loose(motion.session, motion.actor.doer, ids, motion.now)
    gone = motion.session.execute(_GONE, {"ids": [file.id for file in found]}).rowcount if found else 0
    if gone != len(ids):
        message = "有的附件已用于另一件办件，请重新上传。"
        raise AnswersRefused(errors=[FieldError("/answers", "attachment-unknown", message)])
    rows = [_row(motion, file) for file in found]
    for row in rows:
        tell(motion, "file.attached", row)
    return rows


def forget_stale(session: Session) -> None:
    """Rows that no filing named in time; their bytes go with the sweep that follows."""
    session.execute(_STALE, {"since": since(clock.now(session))})


def view(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "name", "mime", "kind", "size")},
        "sm3": row["sm3"].hex(),
        "at": out(row["at"]),
        "goneAt": out(row["at"] + timedelta(hours=LOOSE_HOURS)),
    }


def _asked(motion: Motion) -> list[str]:
    return [name for name, field in motion.bundle.process.data.items() if field.type == "files"]


def _refer_to_parents(motion: Motion, ids: set[str]) -> set[str]:
    """Those that are files of the parent case; the child has rows of its own for them now."""
    parent = motion.case["parent_id"]
    if parent is None or not ids:
        return set()
    own = {row["id"]: refer_to(motion, row) for row in kept_whole(motion.session, parent, ids)}
    data = motion.case["data"]
    for name in _asked(motion):
        if not own.keys().isdisjoint(data.get(name) or ()):
            data[name] = [own.get(one, one) for one in data[name]]
    return set(own)


def _row(motion: Motion, file: Any) -> Row:
    names = ("id", "uploader_id", "name", "mime", "kind", "size", "sm3", "stored", "at")
    return {
        **{name: getattr(file, name) for name in names},
        "case_id": motion.case["id"],
        "task_id": None,
        "step": None,
        "state": "kept",
        "withdrawn_at": None,
    }
