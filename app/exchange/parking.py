"""Parked messages: a wait that opens wakes those meant for it; what nobody came for in its time is told."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import bindparam, delete, or_, select, text, update

from app.cases.models import cases, waits
from app.core import clock, dialects
from app.core.config import settings
from app.core.db import Session, reading, transaction
from app.core.errors import Problem
from app.core.events import Event
from app.core.http.gate import TokenInvalid
from app.exchange import delivering, house
from app.exchange.delivering import Row
from app.exchange.errors import SeveralWaiting
from app.exchange.models import KEPT, inbound
from app.exchange.received import MORE_TIME
from app.identity import login, org
from app.identity.actor import SYSTEM, Actor
from app.identity.org import Unit
from app.identity.scopes import unit_scope

BATCH = 100
MOST = 1000


class MessageExpired(Exception):
    """收到的消息在约定的时间内没有等到要它的办件。请查看“收到的消息”，核对编号后重试，或联系发送方。"""

    element: str


class MessageAmbiguous(Exception):
    """有不止一件办件在等这条消息，流程没有说给哪一件，消息没有送出。请在 messages.yaml 里写明 several。"""

    element: str


_PARKED = text("inbound.state = 'parked'")
_WAKE = (
    update(inbound)
    .where(_PARKED, inbound.c.name == bindparam("called"), inbound.c.key == bindparam("for_key"))
    .values(next_at=bindparam("at"))
)


def wake_those_meant_for(session: Session, told: Sequence[Event]) -> None:
    """Listens: a new wait marks what lies parked for it; the postman brings it, each in its own step."""
    opened = {
        (event.data["message"], event.data["key"]): event.at for event in told if event.name == "wait.opened"
    }
    if opened:
        session.write(
            _WAKE, [{"called": name, "for_key": key, "at": at} for (name, key), at in opened.items()]
        )


_LIES = update(inbound).where(
    _PARKED,
    inbound.c.key == select(cases.c.external_no).where(cases.c.id == bindparam("merged")).scalar_subquery(),
)
_TOLD = (
    update(inbound)
    .where(
        text("inbound.state = 'delivered'"),
        inbound.c.case_id == bindparam("of"),
        select(waits.c.ref)
        .where(
            waits.c.case_id == inbound.c.case_id,
            waits.c.name == inbound.c.name,
            waits.c.key == inbound.c.key,
            waits.c.opened_at <= inbound.c.settled_at,
        )
        .exists(),
    )
    .values(state="parked", settled_at=None, next_at=bindparam("at"), expires_at=bindparam("until"))
)


def follow_merging(session: Session, told: Sequence[Event]) -> None:
    """Listens: what lies parked for a case that is merged is told at once; what it was told while it rested
    comes again once it goes its own way and still waits for it.
    """
    for event in told:
        if event.name == "case.merged":
            session.execute(_LIES.values(next_at=event.at), {"merged": event.case_id})
        elif event.name == "case.unmerged":
            how = {"of": event.case_id, "at": event.at, "until": event.at + MORE_TIME}
            session.execute(_TOLD, how)


def bring_along(session: Session, unit: Unit, old: str, new: str) -> None:
    """A sender's unit has moved: what it sent is seen from its new place."""
    column = inbound.c.org_path
    under = update(inbound).where(unit_scope((old,), column))
    session.execute(under.values(org_path=org.moved(column, old, new)))


_MAY_GO = (
    text("inbound.state in ('received', 'parked')"),
    inbound.c.next_at <= bindparam("now"),
    or_(text("inbound.state = 'received'"), inbound.c.expires_at > bindparam("now")),
    house.IN_TURN,
)
_ANY = select(inbound.c.id).where(*_MAY_GO).limit(1)
_DUE = dialects.locked(
    select(inbound).where(*_MAY_GO).order_by(inbound.c.next_at, inbound.c.id).limit(1), skip=True
)
_CLAIM = (
    update(inbound)
    .where(inbound.c.id == bindparam("row_id"))
    .values(next_at=bindparam("until"), attempts=inbound.c.attempts + 1)
)


def deliver_due(stopped: Callable[[], bool] = lambda: False) -> int:
    """Brings what is due to its cases, one after the other, until nothing is; how many were looked at."""
    done = 0
    while not stopped() and _anything() and (row := _claim()) is not None:
        _deliver(row)
        done += 1
    return done


def _anything() -> bool:
    with reading() as session:
        return session.execute(_ANY, {"now": clock.now(session)}).first() is not None


def _claim() -> Row | None:
    with transaction() as session:
        now = clock.now(session)
        found = session.execute(_DUE, {"now": now}).mappings().one_or_none()
        if found is None:
            return None
        until = now + timedelta(seconds=settings().lease_seconds)
        session.execute(_CLAIM, {"row_id": found["id"], "until": until})
    return {**found, "attempts": found["attempts"] + 1}


def _deliver(row: Row) -> None:
    if row["attempts"] > delivering.TRIES:  # whoever held it for the last time never came back
        why = "办理这条消息的进程几次中途退出，没有留下原因。"
        delivering.stop(row, delivering.MessageFailed(), "message-failed", why)
        return
    sender = _sender(row)
    if sender is None:
        delivering.stop(row, delivering.MessageFailed(), "message-failed", "发送这条消息的账号已停用。")
        return
    try:
        delivering.deliver(row, sender)
    except SeveralWaiting as several:
        delivering.stop(row, MessageAmbiguous(), "message-ambiguous", several.detail or several.title)
    except Problem as problem:  # it was right when it came, and is not any more
        delivering.stop(row, delivering.MessageFailed(), "message-failed", problem.detail or problem.title)


def _sender(row: Row) -> Actor | None:
    """Who sent it, with what he may do now; nobody when the account was closed meanwhile."""
    if house.is_of(row):
        return SYSTEM
    with reading() as session:
        try:
            return login.actor_by_id(session, row["principal_id"])
        except TokenInvalid:
            return None


_MISSED = (
    select(inbound.c.id)
    .join(waits, (waits.c.name == inbound.c.name) & (waits.c.key == inbound.c.key))
    .join(cases, cases.c.id == waits.c.case_id)
    .where(_PARKED, inbound.c.next_at.is_(None), text("cases.state = 'active'"))
    .limit(MOST)
)
_LOOK = update(inbound).where(inbound.c.id == bindparam("row_id"), _PARKED).values(next_at=bindparam("at"))


def find_missed() -> int:
    """A message and a wait that came at the same instant did not see each other: now they do."""
    with transaction() as session:
        rows = session.execute(_MISSED).all()
        now = clock.now(session)
        if rows:
            session.execute(_LOOK, [{"row_id": row_id, "at": now} for row_id in {row.id for row in rows}])
    return len(rows)


_EXPIRED = dialects.locked(
    select(inbound)
    .where(_PARKED, inbound.c.expires_at <= bindparam("now"))
    .order_by(inbound.c.expires_at)
    .limit(BATCH),
    skip=True,
)
_EXPIRE = (
    update(inbound)
    .where(inbound.c.id == bindparam("row_id"), _PARKED)
    .values(state="expired", settled_at=bindparam("at"), next_at=None)
)
_LONGER = (
    update(inbound).where(inbound.c.id == bindparam("row_id"), _PARKED).values(expires_at=bindparam("until"))
)


def expire() -> int:
    """Ends what nobody came for in its time, a batch a transaction; how many."""
    total = 0
    while True:
        with transaction() as session:
            now = clock.now(session)
            rows = [dict(row) for row in session.execute(_EXPIRED, {"now": now}).mappings()]
            wanted = house.heard_later(session, rows)
            if wanted:
                session.execute(_LONGER, [{"row_id": row_id, "until": now + KEPT} for row_id in wanted])
            if over := [row for row in rows if row["id"] not in wanted]:
                session.execute(_EXPIRE, [{"row_id": row["id"], "at": now} for row in over])
            for row in over:
                if not house.is_of(row):  # whoever filed the sender is over: nobody misses it
                    delivering.tell(session, row, MessageExpired(), "message-expired")
        total += len(rows)
        if len(rows) < BATCH:
            return total


def forget_delivered() -> int:
    """Deletes what was delivered long ago, a batch; how many."""
    with transaction() as session:
        before = clock.now(session) - KEPT
        old = select(inbound.c.id).where(text("inbound.state = 'delivered'"), inbound.c.settled_at < before)
        keys = [row.id for row in session.execute(old.limit(MOST))]
        if keys:
            session.execute(delete(inbound).where(inbound.c.id.in_(keys)))
    return len(keys)
