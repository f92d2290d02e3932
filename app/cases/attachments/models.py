"""The table of attachments, and what is asked of it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, bindparam, select

from app.core.db import Id, Instant, Session, metadata

# A row comes after its bytes, which lie under HUYING_FILES in `stored`; a withdrawn one stays as a tombstone.
attachments = Table(
    "attachments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("task_id", Id, ForeignKey("tasks.id")),
    Column("step", String(60)),
    Column("uploader_id", String(60), nullable=False),
    Column("name", String(200), nullable=False),
    Column("mime", String(100), nullable=False),  # by content, never by what was claimed
    Column("kind", String(20), nullable=False),  # one of FILE_KINDS
    Column("size", Integer, nullable=False),
    Column("sm3", LargeBinary, nullable=False),  # of the bytes as they are stored
    Column(
        "stored", String(60), nullable=False, index=True
    ),  # a part of a split case refers to the same bytes
    Column("state", String(10), nullable=False),  # kept | withdrawn
    Column("at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index("ix_attachments_case", "case_id", "id"),
)

LOOSE_HOURS = 24

# Files that somebody brought before there is a case. A filing that names one makes it an attachment with the
# same id; the others are gone after a day.
loose_files = Table(
    "loose_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uploader_id", String(60), nullable=False),
    Column("name", String(200), nullable=False),
    Column("mime", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sm3", LargeBinary, nullable=False),
    Column("stored", String(60), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Index("ix_loose_files_uploader", "uploader_id", "at"),
)

_FACTS = select(
    *(attachments.c[name] for name in ("id", "step", "name", "kind", "mime", "size", "sm3"))
).order_by(attachments.c.id)
_NAMED = _FACTS.where(attachments.c.id.in_(bindparam("ids", expanding=True)))
_KEPT = _FACTS.where(attachments.c.case_id == bindparam("case"), attachments.c.state == "kept")
_KEPT_OF = _KEPT.where(attachments.c.id.in_(bindparam("ids", expanding=True)))

_WHOLE = select(attachments).where(
    attachments.c.case_id == bindparam("case"),
    attachments.c.state == "kept",
    attachments.c.id.in_(bindparam("ids", expanding=True)),
)


def named(session: Session, ids: Collection[str]) -> dict[str, Any]:
    """What attachments are, by their id, whatever their state."""
    return {row.id: row for row in session.execute(_NAMED, {"ids": list(ids)})} if ids else {}


def kept(session: Session, case_id: str, ids: Collection[str] | None = None) -> list[Any]:
    """The attachments a case has now (of these ids), oldest first: id, step, name, kind, mime, size, sm3."""
    if ids is None:
        return list(session.execute(_KEPT, {"case": case_id}))
    return list(session.execute(_KEPT_OF, {"case": case_id, "ids": list(ids)}))


def kept_whole(session: Session, case_id: str, ids: Collection[str]) -> list[dict[str, Any]]:
    """The whole rows of these attachments of a case, for another case that refers to the same bytes."""
    found = session.execute(_WHOLE, {"case": case_id, "ids": list(ids)}).mappings()
    return [dict(row) for row in found]


def kept_once(session: Session, case_id: str, asked: dict[Any, Any]) -> list[Any]:
    """The same for an act that may ask again; `asked` is what it has read already."""
    key = "attachments", case_id
    if key not in asked:
        asked[key] = kept(session, case_id)
    return asked[key]  # type: ignore[no-any-return]


OWN_LOOSE = select(loose_files).where(
    loose_files.c.uploader_id == bindparam("actor"), loose_files.c.at > bindparam("since")
)
_LOOSE = OWN_LOOSE.where(loose_files.c.id.in_(bindparam("ids", expanding=True))).order_by(loose_files.c.id)


def loose(session: Session, actor_id: str, ids: Collection[str], now: datetime) -> list[Any]:
    """Those of a person's loose files that a filing may still name."""
    return list(session.execute(_LOOSE, {"actor": actor_id, "ids": list(ids), "since": since(now)}))


def since(now: datetime) -> datetime:
    """Loose files that came before are gone."""
    return now - timedelta(hours=LOOSE_HOURS)
