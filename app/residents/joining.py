"""Memberships by their residents: apply to a community, move to another one, take it back, leave."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.audit import streams
from app.audit.streams import Entry
from app.core import clock, dialects, personal
from app.core.db import Session
from app.core.errors import Conflict, FieldError, Unprocessable
from app.core.ids import new_id
from app.crypto.sealed import Place, Sealed, open_, seal_with
from app.identity import org, residents
from app.identity.actor import Actor
from app.identity.memberships import APPROVED, ENDED, PENDING, memberships
from app.identity.models import units
from app.identity.scopes import hidden

Row = dict[str, Any]

MOST = 5
"""Communities that one may belong to, or apply to, at once."""


class AlreadyMember(Conflict):
    """已经是这个社区的成员，或正在等它审核。"""


class MembershipsEnough(Conflict):
    """加入和申请的社区太多，请先退出不住的。"""


class MembershipOver(Conflict):
    """这份成员资格已经结束，或没有通过。"""


class CommunityUnknown(Unprocessable):
    """没有这个社区。"""


_LIVE = select(memberships.c.id, memberships.c.unit_id).where(
    memberships.c.person_id == bindparam("person"), memberships.c.state.in_((PENDING, APPROVED))
)
_SHOWN = select(memberships, units.c.code.label("unit"), units.c.name.label("unit_name")).join(
    units, units.c.id == memberships.c.unit_id
)
_MINE = _SHOWN.where(memberships.c.person_id == bindparam("person")).order_by(memberships.c.id.desc())
_ONE = dialects.locked(
    select(memberships).where(
        memberships.c.id == bindparam("which"), memberships.c.person_id == bindparam("person")
    )
)


def apply(session: Session, person_id: str, given: Mapping[str, Any], by: Actor | None = None) -> Row:
    """An application, or with `by` (the worker who enters somebody) a membership at once.

    `moves` names a membership of the same person that ends when this one is approved.
    Raises CommunityUnknown, AlreadyMember, MembershipsEnough, MembershipOver.
    """
    now = clock.now(session)
    unit = community(session, given["unit"], now)
    live = session.execute(_LIVE, {"person": person_id}).all()
    if any(row.unit_id == unit.id for row in live):
        raise AlreadyMember
    if len(live) >= MOST:
        raise MembershipsEnough
    moves = given.get("moves")
    if moves is not None and moves not in {row.id for row in live}:
        raise MembershipOver("要迁出的不是您现有的成员资格。")
    row: Row = {
        "id": new_id(),
        "person_id": person_id,
        "unit_id": unit.id,
        "unit_path": unit.path,
        "state": PENDING,
        "household": given.get("household"),
        "tenure": given.get("tenure"),
        "address": None,
        "moves_id": moves,
        "applied_at": now,
        "applied_by": by.id if by is not None else person_id,
        "decided_at": None,
        "decided_by": None,
        "ended_by": None,
        "reason": None,
        "valid_from": None,
        "valid_to": None,
        "revision": 1,
    }
    if given.get("address"):
        key = residents.key_of(session, person_id)
        row["address"] = seal_with(key, _place(row["id"]), orjson.dumps(given["address"]))
    if by is not None:
        row |= {"state": APPROVED, "decided_at": now, "decided_by": by.id, "valid_from": now}
    try:
        session.execute(insert(memberships), row)
    except IntegrityError as error:  # the same application a moment ago
        raise AlreadyMember from error
    told(session, "membership.applied" if by is None else "membership.entered", row["applied_by"], row, now)
    return {**row, "unit": unit.code, "unit_name": unit.name}


def mine(session: Session, actor: Actor) -> list[Row]:
    """One's memberships and applications, newest first, those that are over too."""
    return [dict(row) for row in session.execute(_MINE, {"person": actor.id}).mappings()]


def leave(session: Session, actor: Actor, membership_id: str, reason: str) -> Row:
    """Takes an application back, or ends a membership from now on; again: the same.

    Raises NotFound for somebody else's, MembershipOver for one that was refused.
    """
    found = session.execute(_ONE, {"which": membership_id, "person": actor.id}).mappings().one_or_none()
    if found is None:
        raise hidden(actor, membership_id)
    row = dict(found)
    if row["state"] == ENDED:
        return row
    if row["state"] not in (PENDING, APPROVED):
        raise MembershipOver
    now = clock.now(session)
    return end(session, row, actor.id, personal.covered(reason) or None, now, "membership.left")


def end(session: Session, row: Row, by: str, reason: str | None, now: datetime, kind: str) -> Row:
    """It holds no more from this instant on. An application that ends never held."""
    changed = {"state": ENDED, "ended_by": by, "valid_to": now, "revision": row["revision"] + 1}
    if row["state"] == PENDING:
        changed["valid_from"] = now
    if reason is not None:
        changed["reason"] = reason
    session.execute(update(memberships).where(memberships.c.id == row["id"]).values(**changed))
    told(session, kind, by, row, now, **({"reason": reason} if reason else {}))
    return {**row, **changed}


def community(session: Session, code: str, now: datetime) -> org.Unit:
    """The community of a code. Raises CommunityUnknown."""
    unit = org.unit_by_code(session, code)
    if unit is None or unit.tier != "community" or not unit.valid_at(now):
        zh = "没有这个社区，请核对代码。"
        raise CommunityUnknown(zh, errors=[FieldError("/unit", "community-unknown", zh)])
    return unit


def address_of(session: Session, row: Mapping[str, Any]) -> str | None:
    """Building and door, for who may read them whole."""
    sealed: Sealed | None = row["address"]
    return orjson.loads(open_(session, _place(row["id"]), sealed)) if sealed is not None else None


def told(session: Session, kind: str, by: str, row: Mapping[str, Any], now: datetime, **more: Any) -> None:
    """What happened to a membership, in the audit stream of administration."""
    data = {"membership": row["id"], "unit": row["unit_path"], **more}
    streams.append(session, Entry(streams.ADMIN, kind, by, row["person_id"], data, now))


def _place(row_id: str) -> Place:
    return Place("memberships", "address", row_id)
