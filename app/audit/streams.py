"""Streams: what moves no case (sign-ins, refusals, grants), in chains of sixteen shards each."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from app.audit.chain import GENESIS, link
from app.core import clock, db, dialects, events, personal
from app.core.db import Instant, Session, metadata, transaction
from app.crypto.sm3 import sm3

log = logging.getLogger("huying.audit")

SHARDS = 16
AUTH = "auth"
ADMIN = "admin"
REVEAL = "reveal"
_MOST_WAITING = 100
_WRITTEN = ("reason", "note")

audit_stream = Table(
    "audit_stream",
    metadata,
    Column("stream", String(20)),
    Column("shard", Integer),
    Column("seq", Integer),
    Column("at", Instant, nullable=False),
    Column("actor_id", String(60)),
    Column("kind", String(40), nullable=False),
    Column("subject", String(200)),
    Column("data", Text, nullable=False),
    Column("prev", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "shard", "seq", name="pk_audit_stream"),
    Index("ix_audit_stream_actor", "actor_id", "at"),
    Index("ix_audit_stream_subject", "stream", "subject", "at"),
)

stream_heads = Table(
    "stream_heads",
    metadata,
    Column("stream", String(20)),
    Column("shard", Integer),
    Column("seq", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "shard", name="pk_stream_heads"),
)


@dataclass(frozen=True)
class Entry:
    """One thing to keep; `data` holds no personal value."""

    stream: str
    kind: str
    actor_id: str | None
    subject: str | None
    data: Mapping[str, Any]
    at: datetime


_THIS_HEAD = (stream_heads.c.stream == bindparam("s")) & (stream_heads.c.shard == bindparam("n"))
_HEAD = dialects.locked(select(stream_heads.c.seq, stream_heads.c.hash).where(_THIS_HEAD))
_MOVE = update(stream_heads).where(_THIS_HEAD).values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))

_waiting: ContextVar[tuple[Entry, ...]] = ContextVar("huying_audit_waiting", default=())


def append(session: Session, entry: Entry) -> None:
    """Adds one row to the end of its shard, in the caller's transaction."""
    shard = shard_of(entry.actor_id)
    which = {"s": entry.stream, "n": shard}
    head = session.execute(_HEAD, which).one_or_none()
    if head is None:
        start = {"stream": entry.stream, "shard": shard, "seq": 0, "hash": GENESIS}
        session.execute(dialects.insert_ignore(session.dialect, stream_heads), start)
        head = session.execute(_HEAD, which).one()
    row = {
        "stream": entry.stream,
        "shard": shard,
        "seq": head.seq + 1,
        "at": entry.at,
        "actor_id": entry.actor_id,
        "kind": entry.kind,
        # What somebody looked for may be anything he typed into an address.
        "subject": personal.covered(entry.subject[:200]) if entry.subject is not None else None,
        "data": orjson.dumps(_covered(entry.data), option=orjson.OPT_SORT_KEYS).decode(),
    }
    digest = link(head.hash, row)
    session.execute(insert(audit_stream), {**row, "prev": head.hash, "hash": digest})
    session.execute(_MOVE, {**which, "new_seq": head.seq + 1, "new_hash": digest})


def _covered(data: Mapping[str, Any]) -> dict[str, Any]:
    """What people wrote without the numbers of anybody."""
    return {
        name: personal.covered(value) if name in _WRITTEN and isinstance(value, str) else value
        for name, value in data.items()
    }


def shard_of(actor_id: str | None) -> int:
    """Which of the sixteen shards keeps what this actor does."""
    return sm3((actor_id or "").encode())[0] % SHARDS


def note(
    kind: str, actor_id: str | None, subject: str | None, data: Mapping[str, Any], *, stream: str = AUTH
) -> None:
    """Keeps a security event in a transaction of its own, so that it stays when the act itself fails.

    Inside somebody's transaction it waits for `write_waiting`, which the web does after each request.
    """
    entry = Entry(stream, kind, actor_id, subject, data, clock.wall())
    _waiting.set((*_waiting.get(), entry)[-_MOST_WAITING:])
    if not db.is_open():
        write_waiting()


def write_waiting() -> None:
    """Writes what waits, if any. A database that fails here must not turn a refusal into an accident."""
    entries = _waiting.get()
    if not entries or db.is_open():
        return
    _waiting.set(())
    try:
        with transaction() as session:
            for entry in sorted(entries, key=lambda one: (one.stream, shard_of(one.actor_id))):
                append(session, entry)
    except Exception:
        for entry in entries:
            fields = {"kind": entry.kind, "actorId": entry.actor_id, "subject": entry.subject}
            log.exception("a security event was not kept", extra={"fields": fields})


def install() -> None:
    """Listens to the security events of every room."""
    events.on_security(note)
