"""领取: a worker is given tasks of its topics and a lock on each; two workers never get the same one."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from app.cases.advance import within_budget
from app.cases.errors import CaseBusy
from app.cases.external.errors import TopicNotGranted
from app.cases.external.models import external_tasks
from app.cases.models import cases
from app.cases.motion import Row
from app.core import clock, dialects
from app.core.db import Session, reading, transaction
from app.identity import topics
from app.identity.actor import Actor
from app.identity.permissions import EXTERNAL_WORK
from app.identity.scopes import require, unit_scope

LONGEST_WAIT = 10.0
"""Seconds that one request of a process may wait for work; it holds a thread meanwhile."""
LOOKS_EVERY = 0.25

_one_waits = threading.Lock()


@dataclass(frozen=True)
class Topic:
    """One topic asked for; `only` names the variables that are wanted, None: all of them."""

    name: str
    lock: timedelta
    only: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Asked:
    """What a worker asks for: at most so many tasks, of these topics in this order, and how long it waits."""

    worker: str
    most: int
    topics: tuple[Topic, ...]
    urgent_first: bool = False
    wait: float = 0.0


def fetch(actor: Actor, asked: Asked) -> tuple[list[Row], bool]:
    """The tasks, locked for this worker, and whether there was no room to wait for some (ask again later).

    Raises PermissionMissing, TopicNotGranted.
    """
    require(actor, EXTERNAL_WORK)
    with reading() as session:
        mine = topics.granted(session, actor.id)
    for topic in asked.topics:
        if topic.name not in mine:
            known = "、".join(sorted(mine)) or "（没有）"
            raise TopicNotGranted(f"不能领取“{topic.name}”；这个账号的主题有：{known}。", topics=sorted(mine))
    found = _take(actor, asked)
    if found or asked.wait <= 0:
        return found, False
    if not _one_waits.acquire(blocking=False):
        return [], True
    try:
        until = clock.monotonic() + min(asked.wait, LONGEST_WAIT)
        while not found and clock.monotonic() < until:
            clock.sleep(LOOKS_EVERY)
            found = _take(actor, asked)
        return found, False
    finally:
        _one_waits.release()


_DUE = external_tasks.c.topic == bindparam("topic"), external_tasks.c.next_at <= bindparam("now")
_WAITING = select(external_tasks.c.id).where(*_DUE)
_CASE = select(cases.c.number).where(cases.c.id == external_tasks.c.case_id)
_PAGE = select(  # the case is read beside it, not joined: a lock is for the task alone
    external_tasks,
    _CASE.scalar_subquery().label("number"),
    _CASE.with_only_columns(cases.c.process_key).scalar_subquery().label("process_key"),
).where(*_DUE)
_LOCK = (
    update(external_tasks)
    .where(external_tasks.c.id == bindparam("which"), external_tasks.c.next_at <= bindparam("now"))
    .values(
        account_id=bindparam("account"),
        worker=bindparam("called"),
        lock_until=bindparam("until"),
        next_at=bindparam("until"),
        locks=external_tasks.c.locks + 1,
    )
)


def _take(actor: Actor, asked: Asked) -> list[Row]:
    with reading() as session:
        if not _anything(session, actor, asked):
            return []
    try:
        found = within_budget(lambda: _lock(actor, asked))
    except CaseBusy:  # SQLite has one writer, and somebody else is writing: nothing for now
        return []
    assert isinstance(found, list)
    return found


def _anything(session: Session, actor: Actor, asked: Asked) -> bool:
    """A look that locks nothing, so that asking in vain costs nobody a write."""
    now = clock.now(session)
    first = _WAITING.where(_within(actor)).order_by(external_tasks.c.next_at).limit(1)
    names = (topic.name for topic in asked.topics)
    return any(session.execute(first, {"topic": name, "now": now}).first() is not None for name in names)


def _lock(actor: Actor, asked: Asked) -> list[Row]:
    with transaction() as session:
        now = clock.now(session)
        found: list[Row] = []
        for topic in asked.topics:
            room = asked.most - len(found)
            if room > 0:
                found += [
                    _held(row, topic, actor, asked, now)
                    for row in _due(session, actor, asked, topic, room, now)
                ]
        if found:
            locks = [
                {
                    "which": row["id"],
                    "now": now,
                    "account": actor.id,
                    "called": asked.worker,
                    "until": row["lock_until"],
                }
                for row in found
            ]
            session.execute(_LOCK, locks)
    return found


def _due(
    session: Session, actor: Actor, asked: Asked, topic: Topic, room: int, now: datetime
) -> Sequence[Any]:
    order: tuple[Any, ...] = (external_tasks.c.next_at, external_tasks.c.id)
    if asked.urgent_first:
        order = (external_tasks.c.rank, *order)
    statement = _PAGE.where(_within(actor)).order_by(*order).limit(room)
    rows = session.execute(dialects.locked(statement, skip=True), {"topic": topic.name, "now": now})
    return rows.mappings().all()


def _within(actor: Actor) -> Any:
    """Work of cases in the account's units, and of no other."""
    return unit_scope(actor.permissions.get(EXTERNAL_WORK, ()), external_tasks.c.org_path)


def _held(row: Any, topic: Topic, actor: Actor, asked: Asked, now: datetime) -> Row:
    return {
        **row,
        "account_id": actor.id,
        "worker": asked.worker,
        "lock_until": now + topic.lock,
        "only": topic.only,
    }
