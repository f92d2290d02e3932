"""审核: a community's workers decide applications, one or many, enter residents, end memberships."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, select, update

from app.audit import streams
from app.audit.streams import REVEAL, Entry, audit_stream
from app.cases.secrets.reveal import MOST_AN_HOUR, RevealLimit
from app.cases.verbs import guard
from app.core import clock, dialects, events, once
from app.core.clock import BEIJING
from app.core.db import Session, reading, transaction
from app.core.errors import Conflict, Problem
from app.core.once import Once
from app.crypto import data_keys
from app.crypto.data_keys import WRAPPED
from app.crypto.sm4 import Unreadable
from app.identity import org, residents
from app.identity.actor import Actor
from app.identity.memberships import APPROVED, PENDING, REJECTED, memberships
from app.identity.models import people, units
from app.identity.people import known_unit
from app.identity.permissions import RESIDENT_READ, RESIDENT_REVIEW
from app.identity.scopes import hidden, require, unit_scope
from app.notices.telling import Notice, tell
from app.residents import joining, persons

Row = dict[str, Any]

MOST = 500
MOVED = "迁到别的社区"


class MembershipDecided(Conflict):
    """这份申请已经审核过了。"""


_FROM = (
    memberships.join(units, units.c.id == memberships.c.unit_id)
    .join(people, people.c.id == memberships.c.person_id)
    .outerjoin(residents.residents, residents.residents.c.person_id == memberships.c.person_id)
    .outerjoin(data_keys.data_keys, data_keys.data_keys.c.id == residents.residents.c.key_id)
)
_ROWS = select(
    memberships,
    units.c.code.label("unit"),
    units.c.name.label("unit_name"),
    people.c.login,
    people.c.name,
    residents.residents.c.sealed,
    residents.residents.c.registered_by,
    *(column.label(f"key_{column.name}") for column in WRAPPED),
).select_from(_FROM)
_LOCKED = dialects.locked(select(memberships).where(memberships.c.id == bindparam("which")))
_LATELY = select(func.count()).where(
    audit_stream.c.stream == REVEAL,
    audit_stream.c.actor_id == bindparam("who"),
    audit_stream.c.at > bindparam("since"),
)


def page(
    session: Session, actor: Actor, asked: Mapping[str, Any], limit: int, after: str | None
) -> list[Row]:
    """Up to `limit + 1` memberships and applications of one's communities, newest first.

    `asked`: state, unit (a code, with what is below it), phone (whole, or its last four digits), each perhaps
    None. Raises PermissionMissing, UnitUnknown.
    """
    require(actor, RESIDENT_READ)
    m = memberships.c
    query = _ROWS.where(_mine(actor)).order_by(m.id.desc()).limit(limit + 1)
    if asked["state"] is not None:
        query = query.where(m.state == asked["state"])
    if asked["unit"] is not None:
        here = known_unit(session, asked["unit"], "?unit")
        query = query.where(unit_scope((here.path,), m.unit_path))
    if asked["phone"] is not None:
        query = query.where(residents.with_phone(session, asked["phone"]))
    if after is not None:
        query = query.where(m.id < after)
    return [dict(row) for row in session.execute(query).mappings()]


def one(session: Session, actor: Actor, membership_id: str) -> Row:
    """One of these. Raises NotFound."""
    require(actor, RESIDENT_READ, subject=membership_id)
    query = _ROWS.where(and_(memberships.c.id == membership_id, _mine(actor)))
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise hidden(actor, membership_id)
    return dict(row)


def decide(session: Session, actor: Actor, membership_id: str, approve: bool, reason: str = "") -> Row:
    """通过 or 不通过 (with a reason). The same decision by the same person again changes nothing.

    Approving somebody who moves ends the membership he comes from, in the same transaction.
    Raises NotFound, PermissionMissing, MembershipDecided with who and when, ReasonRequired.
    """
    row = _reviewed(session, actor, membership_id)
    wanted = APPROVED if approve else REJECTED
    if (row["state"], row["decided_by"]) == (wanted, actor.id):
        return one(session, actor, membership_id)
    if row["state"] != PENDING:
        raise _decided(session, row)
    why = None if approve else guard.noted(reason, "不通过的原因")
    now = clock.now(session)
    changed: Row = {"state": wanted, "decided_at": now, "decided_by": actor.id, "reason": why}
    if approve:
        changed["valid_from"] = now
    row["revision"] += 1
    statement = update(memberships).where(memberships.c.id == membership_id)
    session.execute(statement.values(**changed, revision=row["revision"]))
    kind = "membership.approved" if approve else "membership.refused"
    joining.told(session, kind, actor.id, row, now, **({"reason": why} if why else {}))
    if approve and row["moves_id"] is not None:
        _move_out(session, actor, row["moves_id"], now)
    shown = one(session, actor, membership_id)
    _tell(session, actor, shown, approve, why, now)
    return shown


def each(actor: Actor, asked: Mapping[str, Any], request: Once) -> list[Row]:
    """One decision on many applications, each for itself, in the order asked: what came of it.

    Nothing for a request that was answered before: its answer is kept. Asked again after a broken one, what
    was decided by the same person says so again. Raises IdempotencyKeyReused.
    """
    require(actor, RESIDENT_REVIEW)
    with reading() as session:
        if once.look_up(session, request) is not None:
            return []
    return [_one_of(actor, which, asked) for which in asked["items"]]


def end(session: Session, actor: Actor, membership_id: str, reason: str) -> Row:
    """A worker ends a membership, for a reason. Raises NotFound, PermissionMissing, MembershipOver."""
    row = _reviewed(session, actor, membership_id)
    if row["state"] != APPROVED:
        raise joining.MembershipOver("只有正式成员可以移出。")
    why, now = guard.noted(reason, "移出的原因"), clock.now(session)
    joining.end(session, row, actor.id, why, now, "membership.ended")
    return one(session, actor, membership_id)


def enter(session: Session, actor: Actor, given: Mapping[str, Any], password_hash: str | None) -> Row:
    """A worker enters a resident of a community of his: an account, and a membership without a review.

    Raises PermissionMissing, CommunityUnknown, and what an account and an application may raise.
    """
    now = clock.now(session)
    unit = joining.community(session, given["unit"], now)
    require(actor, RESIDENT_REVIEW, unit.path, unit.code)
    account = persons.new_account(session, given, actor.id, password_hash, now)
    made = joining.apply(session, account.id, given, actor)
    return one(session, actor, made["id"])


def reveal(session: Session, actor: Actor, membership_id: str, reason: str) -> Row:
    """Who the applicant is, whole, once the look is in the audit; thirty an hour with those at cases."""
    row = one(session, actor, membership_id)
    require(actor, RESIDENT_REVIEW, row["unit_path"], membership_id)
    why, now = guard.noted(reason, "查看的原因"), clock.now(session)
    told = {"fields": ["realName", "phone", "idNumber", "address"], "reason": why}
    streams.append(session, Entry(REVEAL, "resident.revealed", actor.id, row["person_id"], told, now))
    lately = session.scalar(_LATELY, {"who": actor.id, "since": now - timedelta(hours=1)}) or 0
    if lately > MOST_AN_HOUR:
        events.security("reveal-limit", actor.id, membership_id, {"inAnHour": lately})
        raise RevealLimit(headers={"Retry-After": "600"})
    real = residents.real_name(session, row["person_id"])
    return {
        "membership": membership_id,
        "realName": real.name if real else None,
        "phone": real.phone if real else None,
        "idNumber": real.id_number if real else None,
        "address": joining.address_of(session, row),
    }


def covered(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Name, phone and identity number of a row as its list shows them; None where nothing is kept."""
    nothing: dict[str, str | None] = {"name": None, "phone": None, "id_number": None}
    if row["sealed"] is None:
        return nothing
    try:
        key = data_keys.unwrap(_Key(row))
        return {**nothing, **residents.opened(key, row["person_id"], row["sealed"]).covered}
    except Unreadable:  # one that was destroyed or damaged must not hide the list
        return nothing


class _Key:
    """The key of a row, as `unwrap` reads it."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        for column in WRAPPED:
            setattr(self, column.name, row[f"key_{column.name}"])


def _mine(actor: Actor) -> Any:
    return unit_scope(actor.permissions.get(RESIDENT_READ, ()), memberships.c.unit_path)


def _reviewed(session: Session, actor: Actor, membership_id: str) -> Row:
    """The membership under its lock, for who may review it there."""
    require(actor, RESIDENT_REVIEW, subject=membership_id)
    found = session.execute(_LOCKED, {"which": membership_id}).mappings().one_or_none()
    if found is None or not actor.allows(RESIDENT_READ, found["unit_path"]):
        raise hidden(actor, membership_id)
    require(actor, RESIDENT_REVIEW, found["unit_path"], membership_id)
    return dict(found)


def _decided(session: Session, row: Row) -> MembershipDecided:
    if row["decided_by"] is None:
        return MembershipDecided("申请人已经撤回。")
    who = org.name_of(session, row["decided_by"])
    when = row["decided_at"].astimezone(BEIJING).isoformat(timespec="seconds")
    return MembershipDecided(f"已由{who}于 {when} 审核。", who=who, when=when)


def _move_out(session: Session, actor: Actor, membership_id: str, now: datetime) -> None:
    old = session.execute(_LOCKED, {"which": membership_id}).mappings().one()
    if old["state"] in (PENDING, APPROVED):
        joining.end(session, dict(old), actor.id, MOVED, now, "membership.moved")


def _tell(session: Session, actor: Actor, row: Row, approved: bool, why: str | None, now: datetime) -> None:
    said = "已通过" if approved else f"没有通过，原因：{why}"
    text = f"您加入{row['unit_name']}的申请{said}"
    key = f"membership:{row['id']}:{row['state']}"
    tell(session, [row["person_id"]], Notice("membership", text, key, now, by_id=actor.id))


def _one_of(actor: Actor, which: str, asked: Mapping[str, Any]) -> Row:
    try:
        with transaction() as session:
            row = decide(session, actor, which, asked["decision"] == "approve", asked["reason"])
        return {"membership": which, "status": 200, "state": row["state"], "problem": None}
    except Problem as problem:  # the others are not to suffer from it
        refused = {
            "type": f"/problems/{problem.slug}",
            "title": problem.title,
            "detail": problem.detail,
        }
        return {"membership": which, "status": problem.status, "state": None, "problem": refused}


def tally(results: Sequence[Row]) -> Row:
    """What came of each, and how many were done."""
    done = sum(each["problem"] is None for each in results)
    return {"done": done, "refused": len(results) - done, "results": list(results)}
