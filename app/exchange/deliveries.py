"""What people see and do about messages that leave: which wait, which are dead, send again, close."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, text, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.incidents import service as incidents
from app.cases.models import cases
from app.cases.verbs import guard
from app.core import clock
from app.core.db import Session, reading
from app.core.events import Event
from app.core.http.fields import out
from app.exchange import endpoints
from app.exchange.errors import DeliverySettled
from app.exchange.models import endpoint_health, outbox
from app.identity.actor import Actor
from app.identity.permissions import DELIVERY_READ, DELIVERY_REDELIVER
from app.identity.scopes import case_scope, hidden, require

Row = dict[str, Any]

STATES = ("pending", "claimed", "held", "sent", "dead", "closed")
STANDING = ("pending", "held", "dead")
"""States in which a person may have it sent again or close it."""

INCIDENTS = ("delivery-dead", "delivery-blocked")

_ROWS = select(outbox, cases.c.number.label("case_number"), cases.c.org_path).join(
    cases, cases.c.id == outbox.c.case_id
)


def page(
    actor: Actor, state: str | None, endpoint: str | None, case_id: str | None, limit: int, after: str | None
) -> list[Row]:
    """Messages of cases in the actor's scope, newest first; `after` is the last id of the page before."""
    require(actor, DELIVERY_READ)
    statement = (
        _ROWS.where(case_scope(actor, DELIVERY_READ, cases.c.org_path, outbox.c.case_id))
        .order_by(outbox.c.id.desc())
        .limit(limit + 1)
    )
    for column, wanted in (
        (outbox.c.state, state),
        (outbox.c.endpoint, endpoint),
        (outbox.c.case_id, case_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if after is not None:
        statement = statement.where(outbox.c.id < after)
    with reading() as session:
        return [dict(row) for row in session.execute(statement).mappings()]


def redeliver(session: Session, actor: Actor, delivery_id: str, reason: str) -> Row:
    """发送: at once and with all its tries again; a sent one is not sent a second time."""
    note = guard.noted(reason, "再次发送的原因")
    row = _standing(session, actor, delivery_id)
    now = clock.now(session)
    _change(
        session,
        row,
        state="pending",
        next_at=now,
        attempts=0,
        settled_at=None,
        note=note,
    )
    return _told(session, actor, row, "delivery.redelivered", now)


def close(session: Session, actor: Actor, delivery_id: str, reason: str) -> Row:
    """关闭: it will not be sent any more, and what the case sends after it may go."""
    note = guard.noted(reason, "关闭的原因")
    row = _standing(session, actor, delivery_id)
    now = clock.now(session)
    _change(session, row, state="closed", settled_at=now, note=note)
    return _told(session, actor, row, "delivery.closed", now)


def _standing(session: Session, actor: Actor, delivery_id: str) -> Row:
    require(actor, DELIVERY_READ, subject=delivery_id)
    found = (
        session.execute(
            _ROWS.where(
                outbox.c.id == delivery_id,
                case_scope(actor, DELIVERY_READ, cases.c.org_path, outbox.c.case_id),
            )
        )
        .mappings()
        .one_or_none()
    )
    if found is None:
        raise hidden(actor, delivery_id)
    row: Mapping[Any, Any] = found
    require(actor, DELIVERY_REDELIVER, row["org_path"], delivery_id)
    return dict(row)


def _change(session: Session, row: Row, **columns: Any) -> None:
    still = (outbox.c.id == row["id"]) & outbox.c.state.in_(STANDING)
    if not session.execute(update(outbox).where(still).values(columns)).rowcount:
        raise DeliverySettled
    row.update(columns)


_STILL_DEAD = select(func.count()).where(
    outbox.c.case_id == bindparam("of"), outbox.c.message == bindparam("called"), outbox.c.state == "dead"
)
_AGAIN = (
    update(outbox)
    .where(
        outbox.c.case_id == bindparam("of"),
        outbox.c.message == bindparam("called"),
        text("outbox.state = 'dead'"),
    )
    .values(state="pending", next_at=bindparam("at"), attempts=0, settled_at=None)
)


_NO_MORE = (
    update(outbox)
    .where(
        outbox.c.case_id == bindparam("of"),
        outbox.c.message == bindparam("called"),
        text("outbox.state = 'dead'"),
    )
    .values(state="closed", settled_at=bindparam("at"))
)


def follow_incidents(session: Session, told: Sequence[Event]) -> None:
    """Listens: whoever retries the incident of dead messages sends them again, who skips it closes them."""
    done = {"incident.retried": _AGAIN, "incident.skipped": _NO_MORE}
    for event in told:
        if event.name in done and event.data["kind"] in INCIDENTS:
            how = {"of": event.case_id, "called": event.data["element"], "at": event.at}
            session.execute(done[event.name], how)


def _told(session: Session, actor: Actor, row: Row, kind: str, now: datetime) -> Row:
    which = {"of": row["case_id"], "called": row["message"]}
    if not session.scalar(_STILL_DEAD, which):
        incidents.put_right(session, actor, INCIDENTS, row["case_id"], row["message"], row["note"])
    kept = {"endpoint": row["endpoint"], "message": row["message"], "case": row["case_id"]}
    streams.append(session, Entry(streams.ADMIN, kind, actor.id, row["id"], kept, now))
    return row


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A message as people see it: what became of it, never what stands in it."""
    return {
        "id": row["id"],
        "case": row["case_id"],
        "caseNumber": row["case_number"],
        "endpoint": row["endpoint"],
        "message": row["message"],
        "seq": row["seq"],
        "state": row["state"],
        "attempts": row["attempts"],
        "createdAt": out(row["created_at"]),
        "triedAt": out(row["tried_at"]),
        "nextAt": out(row["next_at"]) if row["state"] == "pending" else None,
        "settledAt": out(row["settled_at"]),
        "answerStatus": row["answer_status"],
        "lastError": row["last_error"],
        "note": row["note"],
    }


_COUNTS = select(outbox.c.endpoint, outbox.c.state, func.count().label("number")).group_by(
    outbox.c.endpoint, outbox.c.state
)


def all_endpoints(actor: Actor) -> list[dict[str, Any]]:
    """Every system that is configured or that a message is meant for: its door, and what waits for it."""
    require(actor, DELIVERY_READ)
    with reading() as session:
        now = clock.now(session)
        health = {row.endpoint: row for row in session.execute(select(endpoint_health))}
        counts: dict[str, dict[str, int]] = {}
        for row in session.execute(_COUNTS.where(outbox.c.state.in_(STANDING))):
            counts.setdefault(row.endpoint, {})[row.state] = row.number
    known = endpoints.configured()
    return [
        {
            "name": name,
            "adapter": known[name].adapter if name in known else None,
            "address": str(known[name].target) if name in known else None,
            "state": _state(known.get(name), health.get(name), now),
            "stub": known[name].stub if name in known else False,
            "answeredAt": out(health[name].answered_at) if name in health else None,
            "lastError": health[name].last_error if name in health else None,
            **{state: counts.get(name, {}).get(state, 0) for state in STANDING},
        }
        for name in sorted({*known, *counts})
    ]


def _state(endpoint: Any, health: Any, now: datetime) -> str:
    if endpoint is None:
        return "not-configured"
    if not endpoint.on:
        return "off"
    if health is not None and health.closed_until is not None and health.closed_until > now:
        return "unreachable"
    return "on"
