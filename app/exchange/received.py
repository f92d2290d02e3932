"""What senders and people see of messages that came in: what became of each, and trying one again."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, text, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.incidents import service as incidents
from app.cases.models import cases
from app.cases.verbs import guard
from app.core import clock
from app.core.db import Session, reading
from app.core.errors import NotFound
from app.core.events import Event
from app.core.http.fields import out
from app.exchange.errors import MessageSettled
from app.exchange.models import inbound
from app.identity.actor import Actor
from app.identity.permissions import DELIVERY_REDELIVER, MESSAGE_READ, MESSAGE_SEND
from app.identity.scopes import case_scope, hidden, require, unit_scope

Row = dict[str, Any]

STATES = ("received", "delivered", "parked", "refused", "expired")
INCIDENTS = ("message-failed", "message-ambiguous", "message-expired")
MORE_TIME = timedelta(days=7)
"""What a message gets that somebody tries again after its time."""

_ROWS = select(inbound, cases.c.number).outerjoin(cases, cases.c.id == inbound.c.case_id)


def told(rows: Sequence[Mapping[str, Any]]) -> tuple[int, dict[str, Any]]:
    """What its sender is told of a message: 200 when everybody had it, else 202: kept, and not lost."""
    first = rows[0]
    state = next((row["answered"] for row in rows if row["answered"] != "delivered"), "delivered")
    body = {
        "receiptId": first["id"],
        "state": state,
        "receivedAt": out(first["received_at"]),
        "expiresAt": out(first["expires_at"]) if state == "parked" else None,
        "cases": [
            {"id": row["case_id"], "number": row["number"]} for row in rows if row["answered"] == "delivered"
        ],
    }
    return (200 if state == "delivered" else 202), body


def receipt(actor: Actor, receipt_id: str) -> Row:
    """What became of a message its sender asks about. Raises NotFound for anybody else's."""
    require(actor, MESSAGE_SEND, subject=receipt_id)
    with reading() as session:
        mine = (inbound.c.id == receipt_id) & (inbound.c.channel == actor.login)
        row = session.execute(_ROWS.where(mine)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return dict(row)


def page(actor: Actor, state: str | None, name: str | None, limit: int, after: str | None) -> list[Row]:
    """Messages whose sender's unit or whose case lies in the actor's scope, newest first."""
    require(actor, MESSAGE_READ)
    statement = (
        _ROWS.where(case_scope(actor, MESSAGE_READ, inbound.c.org_path, inbound.c.case_id))
        .order_by(inbound.c.id.desc())
        .limit(limit + 1)
    )
    if state is not None:
        statement = statement.where(inbound.c.state == state)
    if name is not None:
        statement = statement.where(inbound.c.name == name)
    if after is not None:
        statement = statement.where(inbound.c.id < after)
    with reading() as session:
        return [dict(row) for row in session.execute(statement).mappings()]


def retry(session: Session, actor: Actor, message_id: str, reason: str) -> Row:
    """重试: it is tried at once, with all its tries and, when its time was over, with more time."""
    reason = guard.noted(reason, "重试的原因")
    require(actor, MESSAGE_READ, subject=message_id)
    seen = case_scope(actor, MESSAGE_READ, inbound.c.org_path, inbound.c.case_id)
    found = session.execute(_ROWS.where(inbound.c.id == message_id, seen)).mappings().one_or_none()
    if found is None:
        raise hidden(actor, message_id)
    row: Mapping[Any, Any] = found
    require(actor, DELIVERY_REDELIVER, row["org_path"], message_id)
    now = clock.now(session)
    again = {
        "state": "received",
        "next_at": now,
        "attempts": 0,
        "settled_at": None,
        "expires_at": max(row["expires_at"], now + MORE_TIME),
    }
    open_ = (inbound.c.id == message_id) & inbound.c.state.in_(("parked", "refused", "expired"))
    if not session.execute(update(inbound).where(open_).values(again)).rowcount:
        raise MessageSettled
    if not session.scalar(_STILL_STOPPED, {"called": row["name"]}):
        for case_id in {None, row["case_id"]}:
            incidents.put_right(session, actor, INCIDENTS, case_id, row["name"], reason)
    kept = {"name": row["name"], "channel": row["channel"], "reason": reason}
    streams.append(session, Entry(streams.ADMIN, "message.retried", actor.id, message_id, kept, now))
    return {**row, **again}


_STOPPED = (text("inbound.state in ('refused', 'expired')"), inbound.c.ref.is_(None))
_STILL_STOPPED = select(func.count()).where(inbound.c.name == bindparam("called"), *_STOPPED)
_AGAIN = (
    update(inbound)
    .where(
        inbound.c.name == bindparam("called"),
        inbound.c.case_id.is_not_distinct_from(bindparam("of")),
        *_STOPPED,
    )
    .values(
        state="received",
        next_at=bindparam("at"),
        attempts=0,
        settled_at=None,
        expires_at=bindparam("until"),
    )
)


def try_again(session: Session, told: Sequence[Event]) -> None:
    """Listens: whoever retries the incident of stopped messages has them brought again."""
    for event in told:
        if event.name == "incident.retried" and event.data["kind"] in INCIDENTS:
            senders = unit_scope((event.data["at"],), inbound.c.org_path)
            how = {"called": event.data["element"], "of": event.case_id or None}
            session.execute(_AGAIN.where(senders), {**how, "at": event.at, "until": event.at + MORE_TIME})


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A message as people and its sender see it: what became of it, never what stands in it."""
    return {
        "id": row["id"],
        "channel": row["channel"],
        "messageId": row["message_id"],
        "name": row["name"],
        "correlationKey": row["key"],
        "state": row["state"],
        "case": row["case_id"] if row["state"] == "delivered" else None,
        "caseNumber": row["number"] if row["state"] == "delivered" else None,
        "attempts": row["attempts"],
        "receivedAt": out(row["received_at"]),
        "expiresAt": out(row["expires_at"]),
        "nextAt": out(row["next_at"]),
        "settledAt": out(row["settled_at"]),
        "lastError": row["last_error"],
    }
