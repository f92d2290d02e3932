"""Who belongs to which community, and since when: rows that stay when a membership ends, and what they say.

A resident may belong to several communities at once. A membership begins as an application (pending), is
approved or refused by a worker of the community, and ends. It holds from valid_from until just before
valid_to: an application has neither yet, one that was loaded with the organisation has always held.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    and_,
    exists,
    or_,
    select,
    text,
)

from app.core.db import Id, Instant, Session, metadata
from app.crypto.sealed import SealedBytes
from app.identity.models import people
from app.identity.scopes import unit_scope

PENDING, APPROVED, REJECTED, ENDED = "pending", "approved", "rejected", "ended"
STATES = {PENDING: "待审核", APPROVED: "正式成员", REJECTED: "未通过", ENDED: "已结束"}
HOUSEHOLDS = {"registered": "户籍", "floating": "流动"}
TENURES = {"owner": "住户", "tenant": "租户"}

_LIVE = text("state in ('pending', 'approved')")

memberships = Table(
    "memberships",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", Id, ForeignKey("people.id", name="fk_memberships_person"), nullable=False),
    Column("unit_id", Id, ForeignKey("units.id", name="fk_memberships_unit"), nullable=False),
    Column("unit_path", String(255), nullable=False),
    Column("state", String(10), nullable=False),  # pending | approved | rejected | ended
    Column("household", String(10)),  # registered | floating
    Column("tenure", String(10)),  # owner | tenant
    Column("address", SealedBytes),  # building and door, with the person's key
    # The membership that ends when this one is approved: somebody who moves stays a member until then.
    Column("moves_id", Id, ForeignKey("memberships.id", name="fk_memberships_moves")),
    Column("applied_at", Instant, nullable=False),
    Column("applied_by", String(60), nullable=False),  # the resident, or the worker who entered it
    Column("decided_at", Instant),
    Column("decided_by", String(60)),
    Column("ended_by", String(60)),
    Column("reason", String(500)),  # why it was refused or ended
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("revision", Integer, nullable=False),
    Index("ix_memberships_person", "person_id", "id"),
    Index("ix_memberships_unit", "unit_path", "state", "id"),
    # Two who apply at once for one person are one application.
    Index(
        "uq_memberships_live",
        "person_id",
        "unit_id",
        unique=True,
        postgresql_where=_LIVE,
        sqlite_where=_LIVE,
    ),
)


class Membership(NamedTuple):
    """A membership that holds: whose, and where."""

    id: str
    person_id: str
    unit_id: str
    unit_path: str
    valid_from: datetime | None


def holds(at: datetime) -> ColumnElement[bool]:
    """The memberships that held, or hold, at an instant: approved before it and not ended by then."""
    m = memberships.c
    return and_(
        m.state.in_((APPROVED, ENDED)),
        or_(m.valid_from.is_(None), m.valid_from <= at),
        or_(m.valid_to.is_(None), m.valid_to > at),
    )


def members(path: str, at: datetime) -> Select[Any]:
    """The ids of the people who were approved members at an instant, each once: of a community, or of any
    community below a wider unit. Accounts that are disabled now do not count.
    """
    m = memberships.c
    active = exists().where(people.c.id == m.person_id, people.c.state == "active")
    return select(m.person_id).distinct().where(holds(at), unit_scope((path,), m.unit_path), active)


def is_member(session: Session, person_id: str, path: str, at: datetime) -> bool:
    """Whether somebody was an approved member at an instant, of this unit or of one below it."""
    query = members(path, at).where(memberships.c.person_id == person_id)
    return session.execute(query).first() is not None


def communities(session: Session, person_id: str, at: datetime) -> list[Membership]:
    """The memberships of somebody that held at an instant, by the path of their units."""
    m = memberships.c
    query = (
        select(m.id, m.person_id, m.unit_id, m.unit_path, m.valid_from)
        .where(m.person_id == person_id, holds(at))
        .order_by(m.unit_path, m.id)
    )
    return [Membership._make(row) for row in session.execute(query)]
