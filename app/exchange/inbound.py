"""The door for messages: kept once before anything happens because of them, answered alike every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select, text, update

from app.cases.models import cases
from app.core import clock, dialects, typed
from app.core.config import settings
from app.core.db import Session, reading, transaction
from app.core.errors import FieldError, Problem
from app.core.ids import new_id
from app.crypto import marks
from app.crypto.data_keys import INBOUND
from app.crypto.sealed import seal
from app.crypto.sm3 import sm3_hex
from app.engine import durations
from app.exchange import delivering, endpoints, reach
from app.exchange.delivering import Row
from app.exchange.errors import MessageIdReused, MessageInFlight, MessageWrong
from app.exchange.models import inbound
from app.identity.actor import Actor
from app.identity.permissions import MESSAGE_SEND
from app.identity.scopes import require

LONGEST = timedelta(days=30)
USUAL_TTL = "P7D"
PATIENCE = 1.0
"""Seconds that a repeated message waits for the first one's answer."""

_SAME = (
    select(inbound, cases.c.number)
    .outerjoin(cases, cases.c.id == inbound.c.case_id)
    .where(inbound.c.channel == bindparam("from"), inbound.c.message_id == bindparam("message"))
    .order_by(inbound.c.part)
)
_ANSWERED = (
    update(inbound)
    .where(
        inbound.c.channel == bindparam("from"),
        inbound.c.message_id == bindparam("message"),
        inbound.c.answered.is_(None),
    )
    .values(answered=inbound.c.state)
)
_TAKE_OVER = (
    update(inbound)
    .where(
        inbound.c.id == bindparam("row_id"), text("inbound.state = 'received'"), inbound.c.answered.is_(None)
    )
    .where(inbound.c.next_at <= bindparam("now"))
    .values(next_at=bindparam("until"), attempts=inbound.c.attempts + 1)
)
_FORGET = delete(inbound).where(inbound.c.id == bindparam("row_id"), text("inbound.state = 'received'"))


@dataclass(frozen=True)
class Message:
    """One message as it was sent; `raw` are the bytes of the whole request."""

    name: str
    key: str
    message_id: str
    data: Mapping[str, Any]
    raw: bytes
    ttl: str = USUAL_TTL


def accept(actor: Actor, message: Message) -> Sequence[Row]:
    """Keeps a message and brings it to whoever waits for it; its rows (one, or a part for each receiver).

    The same message again gets the same rows. Raises MessageIdReused for another body under the same id,
    MessageInFlight while the first is still at work, MessageUnknown, MessageWrong, AlreadyFiled and the
    problems of filing; whoever is refused may use the id again.
    """
    require(actor, MESSAGE_SEND)
    fingerprint = sm3_hex(message.raw)
    with reading() as session:
        known = _rows(session, actor, message)
        if not known:
            _check(session, actor, message)
    if not known:
        row = _keep(actor, message, fingerprint)
        if row is not None:
            return _deliver(actor, message, row)
        with reading() as session:  # the same message came through another door a moment ago
            known = _rows(session, actor, message)
    return _again(actor, message, fingerprint, known)


def _check(session: Session, actor: Actor, message: Message) -> None:
    """What can be said before anything is kept."""
    connector = reach.connector(endpoints.of_account(actor.login))
    payload = message.data if connector is None else connector.read(message.name, message.data)
    reach.look(session, actor, message.name, message.key).check(session, actor, payload, connector)


def _keep(actor: Actor, message: Message, fingerprint: str) -> Row | None:
    """The new row, ours for one lease; None when there is one already."""
    with transaction() as session:
        now = clock.now(session)
        row = {
            "id": new_id(),
            "channel": actor.login,
            "principal_id": actor.id,
            "org_path": actor.appointments[0].unit_path,
            "message_id": message.message_id,
            "part": 0,
            "name": message.name,
            "key": message.key,
            "fingerprint": marks.mark(session, INBOUND, fingerprint),
            "body": seal(
                session,
                INBOUND,
                delivering.place(actor.login, message.message_id),
                orjson.dumps(_as_typed(message)),
            ),
            "state": "received",
            "received_at": now,
            "expires_at": _end(message.ttl, now),
            "next_at": now + timedelta(seconds=settings().lease_seconds),
            "attempts": 1,
        }
        if not session.execute(dialects.insert_ignore(session.dialect, inbound), row).rowcount:
            return None
    return {**row, "ref": None, "case_id": None, "answered": None}


def _as_typed(message: Message) -> Mapping[str, Any]:
    """What was sent, before any text in it was brought to a normal form: so it is kept."""
    return orjson.loads(message.raw)["data"] if typed.changed() else dict(message.data)


def _end(ttl: str, now: Any) -> Any:
    try:
        length = durations.parse_duration(ttl)
    except durations.DurationRefused as refused:
        raise _ttl_wrong(refused.zh) from None
    end = durations.add(now, length, lambda day: True)
    if length.working_days or end > now + LONGEST:
        raise _ttl_wrong("最长 30 天，用自然时间，例如 PT24H、P7D。")
    return end


def _ttl_wrong(says: str) -> MessageWrong:
    return MessageWrong(errors=[FieldError("/ttl", "ttl-wrong", says)])


def _deliver(actor: Actor, message: Message, row: Row) -> Sequence[Row]:
    try:
        delivering.deliver(row, actor)
    except Problem:  # the sender is told and nothing is kept, so that a corrected message may come again
        with transaction() as session:
            session.execute(_FORGET, {"row_id": row["id"]})
        raise
    return _answer(actor, message)


def _answer(actor: Actor, message: Message) -> Sequence[Row]:
    """Fixes what the sender is told now: the same message gets it again, whatever happens meanwhile."""
    with transaction() as session:
        session.execute(_ANSWERED, {"from": actor.login, "message": message.message_id})
        return _rows(session, actor, message)


def _again(actor: Actor, message: Message, fingerprint: str, known: Sequence[Row]) -> Sequence[Row]:
    until = clock.monotonic() + PATIENCE
    while known:
        first = known[0]
        with reading() as session:
            if not marks.same(session, first["fingerprint"], fingerprint):
                raise MessageIdReused
        if all(row["answered"] for row in known):
            return known
        if all(row["state"] != "received" for row in known):  # whoever brought it died before the answer
            return _answer(actor, message)
        if _taken_over(first):
            return _deliver(actor, message, first)
        if clock.monotonic() > until:
            raise MessageInFlight(headers={"Retry-After": "1"})
        clock.sleep(0.05)
        with reading() as session:
            known = _rows(session, actor, message)
    raise MessageInFlight(headers={"Retry-After": "1"})  # it was refused a moment ago: send it again


def _taken_over(row: Row) -> bool:
    with transaction() as session:
        now = clock.now(session)
        until = now + timedelta(seconds=settings().lease_seconds)
        how = {"row_id": row["id"], "now": now, "until": until}
        return bool(session.execute(_TAKE_OVER, how).rowcount)


def _rows(session: Session, actor: Actor, message: Message) -> list[Row]:
    which = {"from": actor.login, "message": message.message_id}
    return [dict(row) for row in session.execute(_SAME, which).mappings()]
