"""A repeated request gets the first one's answer, and nothing happens twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    select,
    update,
)

from app.core import clock, dialects
from app.core.config import settings
from app.core.db import Instant, Json, Session, metadata, transaction
from app.core.errors import Conflict, Unprocessable


class IdempotencyKeyReused(Unprocessable):
    """同一个 Idempotency-Key 已用于另一份内容，请换一个新的。"""


class IdempotencyInFlight(Conflict):
    """同一请求正在办理，请稍后再查看结果。"""


@dataclass(frozen=True)
class Stored:
    """An answer as it was sent: status, headers, body bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Once:
    """What makes a request the same request; `render` turns the result into bytes before the commit.

    With `dry` it is only tried: everything happens, is told in the answer, and is taken back.
    """

    principal: str
    method: str
    route: str
    key: str
    fingerprint: str
    render: Callable[[Any], Stored]
    dry: bool = False


Result = TypeVar("Result")


class _Tried(Exception):
    def __init__(self, stored: Stored) -> None:
        super().__init__()
        self.stored = stored


SWEEP_BATCH = 1000


class Seal(Protocol):
    """Keeps bodies unreadable for whoever reads the database; `crypto/kept.py` is the one there is."""

    def warm(self) -> None: ...
    def mark(self, session: Session, fingerprint: str) -> str: ...
    def same(self, session: Session, mark: str, fingerprint: str) -> bool: ...
    def seal(self, session: Session, this: Once, body: bytes) -> bytes: ...
    def open(self, session: Session, this: Once, kept: bytes) -> bytes: ...


_seals: list[Seal] = []


def seal_with(seal: Seal) -> None:
    """Chooses who seals; wire() does. Without one nothing can be kept: an answer may hold a phone number."""
    _seals[:] = [seal]


def warm() -> None:
    """Before the transaction begins: the key is at hand and costs no statement there."""
    _seal().warm()


def _seal() -> Seal:
    if not _seals:
        raise RuntimeError("nobody seals kept answers: call app.wire() first")
    return _seals[0]


idempotency = Table(
    "idempotency",
    metadata,
    Column("principal", String(60)),
    Column("method", String(10)),
    Column("route", String(200)),
    Column("key", String(200)),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer),
    Column("headers", Json),
    Column("body", LargeBinary),
    Column("expires_at", Instant),
    PrimaryKeyConstraint("principal", "method", "route", "key", name="pk_idempotency"),
    Index("ix_idempotency_expires", "expires_at"),
)

_MINE = (
    (idempotency.c.principal == bindparam("p"))
    & (idempotency.c.method == bindparam("m"))
    & (idempotency.c.route == bindparam("r"))
    & (idempotency.c.key == bindparam("k"))
)
_FOUND = select(
    idempotency.c.fingerprint, idempotency.c.status, idempotency.c.headers, idempotency.c.body
).where(_MINE)
_FINISH = (
    update(idempotency)
    .where(_MINE)
    .values(status=bindparam("s"), headers=bindparam("h"), body=bindparam("b"), expires_at=bindparam("e"))
)


_EXPIRED = (
    select(*idempotency.primary_key.columns)
    .where(idempotency.c.expires_at < bindparam("now"))
    .limit(bindparam("most"))
)
_FORGET = delete(idempotency).where(_MINE)


def answered(
    request: Once | None, act: Callable[[Session], tuple[Result, datetime | None]]
) -> Result | Stored:
    """One transaction in which `act` happens and its answer is kept with it; a repeated request gets that.

    `act` returns its result and, if it has read the clock, the time. Without `request` the answer is the
    result itself. Raises IdempotencyKeyReused for another body, IdempotencyInFlight while the first is at
    work.
    """
    try:
        with transaction() as session:
            if request is not None and (stored := _begin(session, request)) is not None:
                return stored
            result, now = act(session)
            if request is None:
                return result
            stored = request.render(result)
            if request.dry:
                raise _Tried(stored)
            _finish(session, request, stored, now or clock.now(session))
            return stored
    except _Tried as tried:
        return tried.stored


def _begin(session: Session, once: Once) -> Stored | None:
    """Claims the request for this transaction, or answers what was stored for it; a trial claims nothing."""
    if once.dry:
        return None
    try:
        mine = session.execute(
            dialects.insert_ignore(session.dialect, idempotency),
            {
                "principal": once.principal,
                "method": once.method,
                "route": once.route,
                "key": once.key,
                "fingerprint": _seal().mark(session, once.fingerprint),
            },
        ).rowcount
    except Exception as error:
        if dialects.is_busy(error):
            raise IdempotencyInFlight(headers={"Retry-After": "1"}) from error
        raise
    if mine:
        return None
    found = session.execute(_FOUND, _which(once)).one_or_none()
    if found is None or found.status is None:
        raise IdempotencyInFlight(headers={"Retry-After": "1"})
    if not _seal().same(session, found.fingerprint, once.fingerprint):
        raise IdempotencyKeyReused
    return Stored(found.status, found.headers, _seal().open(session, once, found.body))


def _finish(session: Session, once: Once, stored: Stored, now: datetime) -> None:
    """Keeps the answer beside the effects, so that both are committed or neither is."""
    expires = now + timedelta(hours=settings().idempotency_hours)
    session.write(
        _FINISH,
        {
            **_which(once),
            "s": stored.status,
            "h": dict(stored.headers),
            "b": _seal().seal(session, once, stored.body),
            "e": expires,
        },
    )


def look_up(session: Session, once: Once) -> Stored | None:
    """What was committed for this request: settles a connection that was lost at commit.

    Raises IdempotencyKeyReused for another body.
    """
    found = session.execute(_FOUND, _which(once)).one_or_none()
    if found is None or found.status is None:
        return None
    if not _seal().same(session, found.fingerprint, once.fingerprint):
        raise IdempotencyKeyReused
    return Stored(found.status, found.headers, _seal().open(session, once, found.body))


def forget_expired(session: Session, now: datetime, most: int = 1000) -> int:
    """Deletes answers whose time is over, one batch; returns how many."""
    rows = session.execute(_EXPIRED, {"now": now, "most": most}).all()
    if rows:
        session.execute(_FORGET, [dict(zip("pmrk", row, strict=True)) for row in rows])
    return len(rows)


def sweep() -> None:
    """Deletes all answers whose time is over, a batch a transaction, so that nobody waits long."""
    more = True
    while more:
        with transaction() as session:
            more = forget_expired(session, clock.now(session), SWEEP_BATCH) == SWEEP_BATCH


def _which(once: Once) -> dict[str, str]:
    return {"p": once.principal, "m": once.method, "r": once.route, "k": once.key}
