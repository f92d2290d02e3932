"""The outbox: a message that leaves is a row first; one worker at a time holds it, in the case's order."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, exists, func, insert, or_, select, text, update

from app.cases.incidents import opening
from app.cases.models import cases
from app.core import clock, dialects
from app.core.config import settings
from app.core.db import Session, reading, transaction
from app.core.events import Event
from app.core.ids import new_id
from app.crypto.data_keys import OUTBOX
from app.crypto.sealed import Place, open_, seal
from app.exchange import endpoints, health
from app.exchange.models import outbox
from app.identity.actor import SYSTEM

WAITS = (1, 10, 60, 300, 1800)
"""Seconds before the next try, with full jitter; after the last the row is dead. Source: trust.md §3.7."""
TRIES = len(WAITS) + 1

_older = outbox.alias("older")
_FIRST_OF_ITS_CASE = ~exists(
    select(_older.c.id).where(
        _older.c.endpoint == outbox.c.endpoint,
        _older.c.case_id == outbox.c.case_id,
        _older.c.seq < outbox.c.seq,
        text("older.state not in ('sent', 'closed')"),
    )
)
_MAY_GO = (
    outbox.c.endpoint == bindparam("endpoint"),
    text("outbox.state in ('pending', 'claimed')"),
    or_(
        and_(outbox.c.state == "pending", outbox.c.next_at <= bindparam("now")),
        and_(outbox.c.state == "claimed", outbox.c.lease_until <= bindparam("now")),
    ),
    _FIRST_OF_ITS_CASE,
)
_ANY = select(outbox.c.id).where(*_MAY_GO).limit(1)
_NEXT = dialects.locked(
    select(outbox, cases.c.process_key, cases.c.org_path)
    .join(cases, cases.c.id == outbox.c.case_id)
    .where(*_MAY_GO)
    .order_by(outbox.c.next_at, outbox.c.id)
    .limit(1),
    skip=True,
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.id == bindparam("row_id"))
    .values(
        state="claimed",
        attempts=outbox.c.attempts + 1,
        lease_by=bindparam("by"),
        lease_until=bindparam("until"),
        tried_at=bindparam("now"),
    )
)
_MINE = (
    (outbox.c.id == bindparam("row_id"))
    & (outbox.c.state == "claimed")
    & (outbox.c.lease_by == bindparam("holder"))
)
_LAST = select(outbox.c.endpoint, outbox.c.case_id, func.max(outbox.c.seq).label("seq")).group_by(
    outbox.c.endpoint, outbox.c.case_id
)


class DeliveryDead(Exception):
    """对方系统多次没有收下这条消息，已停止重试。请查看“对外发送”，问明原因后重新发送或关闭。"""

    element: str


class DeliveryBlocked(Exception):
    """对方的地址不在许可的网段内，消息没有发出。请检查对接系统的配置，改好后重新发送。"""

    element: str


@dataclass(frozen=True)
class Claimed:
    """A row that this worker holds until its lease ends; `holder` proves it."""

    id: str
    holder: str
    endpoint: str
    case_id: str
    seq: int
    message: str
    body: Mapping[str, Any]
    attempts: int
    created_at: datetime
    process_key: str
    org_path: str


def keep_what_leaves(session: Session, told: Sequence[Event]) -> None:
    """Listens: every message that a case sends becomes a row in the transaction that sends it."""
    leaving = [event for event in told if event.name == "message.sent"]
    if not leaving:
        return
    last = _last(session, {event.case_id for event in leaving})
    sendable = endpoints.sendable()
    rows = []
    for event in leaving:
        endpoint = event.data["to"]
        seq = last[endpoint, event.case_id] = last.get((endpoint, event.case_id), 0) + 1
        row_id = new_id()
        rows.append(
            {
                "id": row_id,
                "case_id": event.case_id,
                "endpoint": endpoint,
                "seq": seq,
                "message": event.data["message"],
                "body": seal(session, OUTBOX, _place(row_id), orjson.dumps(dict(event.payload or {}))),
                "hash": event.data["hash"],
                "state": "pending" if endpoint in sendable else "held",
                "attempts": 0,
                "next_at": event.at,
                "created_at": event.at,
            }
        )
    session.execute(insert(outbox), rows)


def _place(row_id: str) -> Place:
    return Place("outbox", "body", row_id)


def _last(session: Session, case_ids: set[str]) -> dict[tuple[str, str], int]:
    """The last number given to each case and endpoint; the cases are locked by whoever moves them."""
    found = session.execute(_LAST.where(outbox.c.case_id.in_(sorted(case_ids))))
    return {(row.endpoint, row.case_id): row.seq for row in found}


def anything(endpoint: str) -> bool:
    """Whether a claim would find something now: an idle look writes nothing and waits for nobody."""
    with reading() as session:
        now = clock.now(session)
        if health.closed(session, endpoint, now):
            return False
        return session.execute(_ANY, {"endpoint": endpoint, "now": now}).first() is not None


def claim(session: Session, endpoint: str, worker: str) -> Claimed | None:
    """The next row for this endpoint, held for one lease; None when nothing may go now.

    A worker that was killed while it held a row used up a try: its lease ends and somebody else goes on.
    """
    now = clock.now(session)
    if health.closed(session, endpoint, now):
        return None
    row = session.execute(_NEXT, {"endpoint": endpoint, "now": now}).one_or_none()
    if row is None:
        return None
    if row.attempts >= TRIES:  # whoever held it for the last time never came back
        _stop(session, row, now, DeliveryDead())
        return None
    holder = f"{worker}:{new_id()}"
    until = now + timedelta(seconds=settings().lease_seconds)
    session.execute(_CLAIM, {"row_id": row.id, "by": holder, "until": until, "now": now})
    return Claimed(
        row.id,
        holder,
        endpoint,
        row.case_id,
        row.seq,
        row.message,
        orjson.loads(open_(session, _place(row.id), row.body)),
        row.attempts + 1,
        row.created_at,
        row.process_key,
        row.org_path,
    )


_SENT = (
    update(outbox)
    .where(_MINE)
    .values(
        state="sent",
        settled_at=bindparam("now"),
        answer_status=bindparam("status"),
        lease_by=None,
        lease_until=None,
        last_error=None,
    )
)


def sent(held: Claimed, status: int) -> bool:
    """The partner has it. False when the lease ended meanwhile and somebody else holds the row."""
    with transaction() as session:
        now = clock.now(session)
        mine = session.execute(
            _SENT, {"row_id": held.id, "holder": held.holder, "now": now, "status": status}
        )
        health.answered(session, held.endpoint, now)
        return bool(mine.rowcount)


_LATER = (
    update(outbox)
    .where(_MINE)
    .values(
        state="pending",
        next_at=bindparam("at"),
        answer_status=bindparam("status"),
        last_error=bindparam("error"),
        lease_by=None,
        lease_until=None,
    )
)


def refused(held: Claimed, status: int | None, why: str) -> None:
    """The partner is there and did not take this message: again later, or dead after the last try."""
    with transaction() as session:
        now = clock.now(session)
        health.answered(session, held.endpoint, now)
        _again(session, held, now, status, why)


def unreachable(held: Claimed, status: int | None, why: str, pause: int | None = None) -> None:
    """The partner's door is shut. After several such failures in a row nobody knocks for a while.

    Knocking on a door that is known to be shut uses up none of the row's tries.
    """
    with transaction() as session:
        now = clock.now(session)
        known, until = health.failed(session, held.endpoint, now, why, pause)
        if known or pause is not None:
            how = {"row_id": held.id, "holder": held.holder, "at": until or now, "status": status}
            session.execute(_UNCOUNTED, {**how, "error": why})
        else:
            _again(session, held, now, status, why)


def blocked(held: Claimed, why: str) -> None:
    """The address is not approved: no retry makes it right, so a person must."""
    with transaction() as session:
        now = clock.now(session)
        _stop(session, held, now, DeliveryBlocked(), why=why)


def _again(session: Session, held: Claimed, now: datetime, status: int | None, why: str) -> None:
    if held.attempts >= TRIES:
        _stop(session, held, now, DeliveryDead(), status=status, why=why)
        return
    pause = timedelta(seconds=random.uniform(0, WAITS[held.attempts - 1]))
    how = {"row_id": held.id, "holder": held.holder, "at": now + pause, "status": status, "error": why}
    session.execute(_LATER, how)


_UNCOUNTED = _LATER.values(attempts=outbox.c.attempts - 1)
_DEAD = update(outbox).values(
    state="dead",
    settled_at=bindparam("now"),
    answer_status=bindparam("status"),
    last_error=bindparam("error"),
    lease_by=None,
    lease_until=None,
)
_DEAD_OF_MINE = _DEAD.where(_MINE)
_DEAD_OF_NOBODY = _DEAD.where(outbox.c.id == bindparam("row_id"))


def _stop(
    session: Session,
    row: Any,
    now: datetime,
    error: DeliveryDead | DeliveryBlocked,
    *,
    status: int | None = None,
    why: str = "发送的进程几次中途退出，没有留下原因。",
) -> None:
    how = {"row_id": row.id, "now": now, "status": status, "error": why}
    holder = getattr(row, "holder", None)
    if holder is None:
        session.execute(_DEAD_OF_NOBODY, how)
    elif not session.execute(_DEAD_OF_MINE, {**how, "holder": holder}).rowcount:
        return  # somebody else holds it now
    error.element = row.message
    kind = "delivery-dead" if isinstance(error, DeliveryDead) else "delivery-blocked"
    where = opening.Where(row.process_key, row.org_path, row.case_id)
    opening.open_incident(session, kind, where, error, SYSTEM)


_HOLD = update(outbox).where(text("outbox.state = 'pending'")).values(state="held")
_RELEASE = update(outbox).where(text("outbox.state = 'held'")).values(state="pending")


def follow_configuration(session: Session) -> None:
    """Rows for systems that are not configured, or switched off, wait; they go once the system is there."""
    names = endpoints.sendable()
    session.execute(_HOLD.where(outbox.c.endpoint.not_in(names)))
    session.execute(_RELEASE.where(outbox.c.endpoint.in_(names)))


def follow() -> None:
    """The same in a transaction of its own: whoever wrote a row may know other systems than we."""
    with transaction() as session:
        follow_configuration(session)


_WAITING = select(outbox.c.state).where(text("outbox.state in ('held', 'dead')")).distinct()


def standing(session: Session) -> str:
    """One word for /readyz: whether anything waits that will not go by itself."""
    found = {row.state for row in session.execute(_WAITING)}
    return "dead" if "dead" in found else "held" if "held" in found else "ok"
