"""One message comes to its case, and its row says so in the same transaction: once, whoever is killed."""

import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, text, update
from sqlalchemy.exc import DBAPIError

from app.cases import filing
from app.cases.advance import advance
from app.cases.commands import Deliver, NewCase
from app.cases.errors import CaseBusy, NotAwaited, ProcessStopped
from app.cases.incidents import opening
from app.core import clock, typed
from app.core.db import Session, reading, transaction
from app.core.errors import Problem, Unavailable
from app.core.events import Event
from app.core.http import strict_json
from app.core.ids import new_id
from app.crypto.sealed import Place, open_
from app.exchange import catalogue, endpoints, house, reach
from app.exchange.catalogue import Known
from app.exchange.errors import SeveralWaiting
from app.exchange.models import inbound
from app.exchange.reach import Reach
from app.identity.actor import SYSTEM, Actor

log = logging.getLogger("huying.exchange")

Row = dict[str, Any]

WAITS = (1, 10, 60, 300, 1800)
"""Seconds before the next try after a failure, with full jitter; after the last an incident."""
TRIES = len(WAITS) + 1
AGAIN = 3
"""How often a wait that was over when we came is looked for anew."""
MOST_PARTS = 200
LOOK_AGAIN = timedelta(seconds=1)
"""A parked message is looked at once more: a wait that was opened meanwhile did not see it yet."""

_OPEN = text("inbound.state in ('received', 'parked')")
_DELIVERED = (
    update(inbound)
    .where(inbound.c.id == bindparam("row_id"), _OPEN)
    .values(
        state="delivered", case_id=bindparam("of"), settled_at=bindparam("at"), next_at=None, last_error=None
    )
)
_STILL = update(inbound).where(inbound.c.id == bindparam("row_id"), _OPEN)
_PARK = _STILL.values(state="parked", next_at=bindparam("again"), attempts=0)
_LATER = _STILL.values(next_at=bindparam("again"), last_error=bindparam("error"))
_REFUSED = _STILL.values(
    state="refused", settled_at=bindparam("at"), next_at=None, last_error=bindparam("error")
)
_BIND = update(inbound).where(
    inbound.c.id == bindparam("row_id"), _OPEN, inbound.c.ref.is_(None)
).values(ref=bindparam("to"), case_id=bindparam("of"))  # fmt: skip


class AlreadyDelivered(Exception):
    """这条消息已经送到。"""


class MessageFailed(Exception):
    """收到的消息几次都没有办成，已停止重试。请查看“收到的消息”，改正流程后重试。"""

    element: str


def mark_delivered(session: Session, told: Sequence[Event]) -> None:
    """Listens: whoever receives a message settles its row in the same transaction, or does not receive it."""
    for event in told:
        receipt = event.data.get("receipt") if event.name == "message.received" else None
        if receipt is not None:
            how = {"row_id": receipt, "of": event.case_id, "at": event.at}
            if not session.execute(_DELIVERED, how).rowcount:
                raise AlreadyDelivered


def deliver(row: Row, actor: Actor) -> None:
    """Brings a message that is ours to whoever waits for it, starts what it starts, or parks it.

    Raises the problem for which it cannot be taken at all; a process that fails is tried again later.
    """
    try:
        _deliver(row, actor)
    except AlreadyDelivered:
        pass  # somebody was faster, and everything is as it should be
    except (CaseBusy, Unavailable):
        _later(row, "办件正有他人操作。", count=False)
    except ProcessStopped as stopped:
        failed(row, stopped)
    except (Problem, DBAPIError):
        raise
    except Exception as error:  # the process is at fault, or we are; the message is kept
        log.exception("message %s could not be delivered", row["id"])
        failed(row, error)


def _deliver(row: Row, actor: Actor) -> None:
    with reading() as session:
        payload = _payload(session, row, actor)
    for _ in range(AGAIN):
        with reading() as session:
            found = (
                house.look(session, row)
                if house.is_of(row)
                else reach.look(session, actor, row["name"], row["key"])
            )
            chosen = _chosen(row, found)
            values = [catalogue.values(session, actor, found.declared(wait), payload) for wait in chosen]
        if row["ref"] is not None:
            _bring_part(row, values, actor)
        elif found.joined is not None:
            try:
                _hear(row, actor, payload, found)
            except NotAwaited:
                continue
        elif not chosen:
            _start_or_park(row, actor, payload, found)
        elif len(chosen) > 1:
            for part, clean in zip(_split(row, chosen), values, strict=True):
                _bring_part(part, [clean], actor)
        else:
            try:
                word = house.word(row, payload) if house.is_of(row) else None
                advance(Deliver(chosen[0]["case_id"], chosen[0]["ref"], values[0], row["id"], word), actor)
            except NotAwaited:
                continue  # another message was faster: whoever waits now gets this one
        return
    park(row)


def place(channel: str, message_id: str) -> Place:
    """Where the content of a message lies, of all its parts."""
    return Place("inbound", "body", f"{channel}|{message_id}")


def _payload(session: Session, row: Row, actor: Actor) -> Mapping[str, Any]:
    typed.begin()
    data = strict_json.parse(open_(session, place(row["channel"], row["message_id"]), row["body"]))
    connector = reach.connector(endpoints.of_account(actor.login))
    return data if connector is None else connector.read(row["name"], data)


def _chosen(row: Row, found: Reach) -> Sequence[Row]:
    """Those of the waiting that this message is for. Raises SeveralWaiting."""
    if row["ref"] is not None:
        return [
            wait for wait in found.waiting if (wait["case_id"], wait["ref"]) == (row["case_id"], row["ref"])
        ]
    if len(found.waiting) < 2:
        return found.waiting
    match found.rule:
        case "oldest":
            return found.waiting[:1]
        case "all":
            if len(found.waiting) > MOST_PARTS:
                raise SeveralWaiting(f"有 {len(found.waiting)} 件在等，一次最多送给 {MOST_PARTS} 件。")
            return found.waiting
    raise SeveralWaiting(f"有 {len(found.waiting)} 件在等这条消息。")


def _bring_part(part: Row, values: Sequence[Mapping[str, Any]], actor: Actor) -> None:
    """One part of several, bound to its wait: what becomes of it is its own matter."""
    try:
        if not values:
            raise NotAwaited
        advance(Deliver(part["case_id"], part["ref"], values[0], part["id"]), actor)
    except AlreadyDelivered:
        pass
    except NotAwaited:
        with transaction() as session:
            how = {"row_id": part["id"], "at": clock.now(session), "error": "该办件已不再等这条消息。"}
            session.execute(_REFUSED, how)
    except (CaseBusy, Unavailable):
        _later(part, "办件正有他人操作。", count=False)
    except DBAPIError:
        raise
    except Exception as error:
        log.exception("message %s could not be delivered", part["id"])
        failed(part, error)


def _split(row: Row, waiting: Sequence[Row]) -> list[Row]:
    """A row for each receiver, bound to it: what was delivered is known for each by itself."""
    first, *others = waiting
    with transaction() as session:
        if not session.execute(
            _BIND, {"row_id": row["id"], "to": first["ref"], "of": first["case_id"]}
        ).rowcount:
            raise AlreadyDelivered
        shared = {name: row[name] for name in _SHARED}
        parts = [
            {**shared, "id": new_id(), "part": number, "ref": wait["ref"], "case_id": wait["case_id"]}
            for number, wait in enumerate(others, 1)
        ]
        session.execute(insert(inbound), parts)
    return [{**row, "ref": first["ref"], "case_id": first["case_id"]}, *parts]


_SHARED = (
    "channel",
    "principal_id",
    "org_path",
    "message_id",
    "name",
    "key",
    "fingerprint",
    "body",
    "state",
    "received_at",
    "expires_at",
    "next_at",
    "attempts",
)


def _hear(row: Row, actor: Actor, payload: Mapping[str, Any], found: Reach) -> None:
    """A message for a case that was merged into another one: brought there, or told to both."""
    joined = found.joined
    assert joined is not None
    with reading() as session:
        values = catalogue.values(session, actor, found.heard_by, payload)
    advance(joined.commands(row["name"], values, row["id"]), actor)


def _start_or_park(row: Row, actor: Actor, payload: Mapping[str, Any], found: Reach) -> None:
    start = found.starting
    if start is None:
        park(row)
    else:
        _file(row, actor, payload, start)


def _file(row: Row, actor: Actor, payload: Mapping[str, Any], start: Known) -> None:
    """Files the case that the message starts; its key is the external number, so there is one at most."""
    with reading() as session:
        values = catalogue.values(session, actor, start, payload)
    received = values.pop("received_at", None)
    new = NewCase(
        start.bundle.key,
        values.pop("title", None) or f"{start.bundle.process.name} {row['key']}",
        external_no=row["key"],
        received_at=datetime.fromisoformat(received) if received else None,
        place_unit=values.pop("place_unit", None),
        priority=values.pop("priority", None) or NewCase.priority,
        answers=values,
        start=start.start,
        receipt=row["id"],
    )
    filing.file_case(actor, new)


def park(row: Row) -> None:
    """Nobody waits: it lies until somebody does. The first time it is looked at once more."""
    with transaction() as session:
        again = clock.now(session) + LOOK_AGAIN if row["state"] == "received" else None
        session.execute(_PARK, {"row_id": row["id"], "again": again})


def failed(row: Row, error: Exception) -> None:
    """The next try after a pause; after the last one the message is refused, and an incident says so."""
    why = (error.detail or error.title) if isinstance(error, Problem) else opening.explain(error)
    if row["attempts"] >= TRIES:
        stop(row, MessageFailed(), "message-failed", why)
    else:
        _later(row, why)


def _later(row: Row, why: str, *, count: bool = True) -> None:
    pause = random.uniform(0, WAITS[row["attempts"] - 1]) if count else 1.0
    with transaction() as session:
        again = clock.now(session) + timedelta(seconds=pause)
        session.execute(_LATER if count else _UNCOUNTED, {"row_id": row["id"], "again": again, "error": why})


_UNCOUNTED = _LATER.values(attempts=inbound.c.attempts - 1)


def stop(row: Row, error: Exception, kind: str, why: str) -> None:
    """Nobody will try again by himself: a person must look."""
    with transaction() as session:
        how = {"row_id": row["id"], "at": clock.now(session), "error": why}
        if session.execute(_REFUSED, how).rowcount:
            tell(session, row, error, kind)


def tell(session: Session, row: Row, error: Exception, kind: str) -> None:
    """An incident about a message, seen by whoever sees its sender's unit, or its case."""
    error.__dict__["element"] = row["name"][:60]
    where = opening.Where(_process(session, row), row["org_path"], row["case_id"])
    opening.open_incident(session, kind, where, error, SYSTEM)


def _process(session: Session, row: Row) -> str:
    try:
        return catalogue.known(session, row["name"], reach.sender_of(row["channel"]))[0].bundle.key
    except Problem:  # no process knows it any more
        return "messages"
