"""What became of what went over channels: a list for who looks after it, and dead ones sent again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, select, text, update

from app.audit import streams
from app.audit.streams import Entry
from app.core import clock
from app.core.db import Session
from app.core.errors import Conflict, NotFound
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.models import appointments, people
from app.identity.permissions import DELIVERY_READ, DELIVERY_REDELIVER
from app.identity.scopes import require, unit_scope
from app.notices.models import notice_deliveries, notices
from app.notices.rules import in_force

Row = dict[str, Any]

STATES = ("pending", "claimed", "sent", "dead")

_ROWS = select(
    notice_deliveries, people.c.name, notices.c.kind, notices.c.urgent, notices.c.count
).select_from(
    notice_deliveries.join(notices, notices.c.id == notice_deliveries.c.notice_id).join(
        people, people.c.id == notice_deliveries.c.person_id
    )
)
_AGAIN = (
    update(notice_deliveries)
    .where(notice_deliveries.c.id == bindparam("row_id"), text("notice_deliveries.state = 'dead'"))
    .values(state="pending", attempts=0, next_at=bindparam("now"), settled_at=None, last_error=None)
)


class DeliveryNotDead(Conflict):
    """这一条没有停止发送：已经送出，或还会再试。"""


def page(
    session: Session, actor: Actor, limit: int, after: str | None, state: str | None, channel: str | None
) -> list[Row]:
    """Up to `limit + 1` of people in one's units, newest first."""
    require(actor, DELIVERY_READ)
    statement = _ROWS.where(_within(actor, DELIVERY_READ)).order_by(notice_deliveries.c.id.desc())
    if state is not None:
        statement = statement.where(notice_deliveries.c.state == state)
    if channel is not None:
        statement = statement.where(notice_deliveries.c.channel == channel)
    if after is not None:
        statement = statement.where(notice_deliveries.c.id < after)
    return [dict(row) for row in session.execute(statement.limit(limit + 1)).mappings()]


def redeliver(session: Session, actor: Actor, delivery_id: str) -> Row:
    """With all its tries again, and the same id. Raises NotFound, DeliveryNotDead."""
    require(actor, DELIVERY_READ, subject=delivery_id)
    mine = _ROWS.where(notice_deliveries.c.id == delivery_id, _within(actor, DELIVERY_READ))
    row = session.execute(mine).mappings().one_or_none()
    if row is None:
        raise NotFound
    require(actor, DELIVERY_REDELIVER, subject=delivery_id)
    now = clock.now(session)
    if not session.execute(_AGAIN, {"row_id": delivery_id, "now": now}).rowcount:
        raise DeliveryNotDead
    kept = {"channel": row["channel"], "person": row["person_id"]}
    streams.append(session, Entry(streams.ADMIN, "notice.redelivered", actor.id, delivery_id, kept, now))
    again: dict[str, Any] = {"state": "pending", "attempts": 0, "next_at": now, "settled_at": None}
    return {**row, **again, "last_error": None}


def _within(actor: Actor, permission: str) -> ColumnElement[bool]:
    held = unit_scope(actor.permissions.get(permission, ()), appointments.c.unit_path)
    return exists().where(appointments.c.person_id == notice_deliveries.c.person_id, held)


def view(row: Mapping[str, Any]) -> Row:
    """A row as it leaves the house: to whom and what became of it, never what the notice says."""
    waiting: datetime | None = row["next_at"] if row["state"] == "pending" else None
    return {
        "id": row["id"],
        "person": row["name"],
        "channel": row["channel"],
        "class": row["kind"],
        "classLabel": in_force().kind(row["kind"]).label,
        "urgent": row["urgent"],
        "count": row["count"],
        "state": row["state"],
        "attempts": row["attempts"],
        "createdAt": out(row["created_at"]),
        "nextAt": out(waiting),
        "settledAt": out(row["settled_at"]),
        "lastError": row["last_error"],
    }
