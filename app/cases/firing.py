"""到时: due timers are claimed, hinted at, and fired one by one under their case's lock; flags in sets."""

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from app import bundles
from app.audit import streams
from app.audit.streams import Entry
from app.cases import incidents
from app.cases.advance import advance
from app.cases.commands import FireTimer
from app.cases.errors import CaseBusy
from app.cases.models import cases
from app.clocks.models import clock_ledger, clocks, timers
from app.core import clock, dialects, events, wake
from app.core.config import settings
from app.core.db import Session, transaction
from app.core.errors import Problem
from app.core.events import Event
from app.core.ids import new_id
from app.identity.actor import SYSTEM

log = logging.getLogger("huying.firing")

CLAIM = 200
FLAGS = 100
WAITS = (1, 10, 60, 300, 1800)
"""Seconds before the next attempt, with full jitter; after the last an incident. Source: trust.md §3.7."""
DEATHS = 3
"""Leases that ended without a word: the worker was killed by what it ran."""

_DUE = (
    select(timers.c.id, timers.c.attempts, timers.c.state)
    .where(
        timers.c.kind == "token",
        or_(
            and_(
                timers.c.state == "armed",
                timers.c.due_at <= bindparam("now"),
                or_(timers.c.lease_until.is_(None), timers.c.lease_until <= bindparam("now")),
            ),
            and_(timers.c.state == "claimed", timers.c.lease_until <= bindparam("now")),
        ),
    )
    .order_by(timers.c.due_at, timers.c.id)
    .limit(CLAIM)
)
_DUE_LOCKED = dialects.locked(_DUE, skip=True)
_CLAIM = (
    update(timers)
    .where(timers.c.id == bindparam("row_id"))
    .values(
        state="claimed",
        lease_by=bindparam("by"),
        lease_until=bindparam("until"),
        attempts=bindparam("attempt"),
    )
)
_RENEW = (
    update(timers)
    .where(timers.c.id == bindparam("row_id"), timers.c.state == "claimed")
    .values(lease_until=bindparam("until"))
)
_FLAGS = dialects.locked(
    select(
        timers.c.id,
        timers.c.case_id,
        clocks.c.name.label("clock"),
        timers.c.tier,
        timers.c.key,
        timers.c.due_at,
        cases.c.version_id,
        cases.c.process_key,
        cases.c.org_path,
        cases.c.light,
    )
    .join(cases, cases.c.id == timers.c.case_id)
    .join(clocks, clocks.c.id == timers.c.key)
    .where(timers.c.kind == "flag", timers.c.state == "armed", timers.c.due_at <= bindparam("now"))
    .order_by(timers.c.due_at, timers.c.id)
    .limit(FLAGS),
    skip=True,
)
_FLAG_FIRED = (
    update(timers).where(timers.c.id == bindparam("row_id")).values(state="fired", fired_at=bindparam("now"))
)
_FLAG_STOPPED = update(timers).where(timers.c.id == bindparam("row_id")).values(state="incident")
_FLAG_SEEN = (
    update(cases)
    .where(cases.c.id == bindparam("row_id"))
    .values(light=bindparam("colour"), event_seq=cases.c.event_seq + bindparam("more"))
)

_SEVERITY = {None: 0, "green": 1, "yellow": 2, "orange": 3, "red": 4}


def tick(worker: str) -> int:
    """One look: flags are fired at once, token timers are claimed and hinted at; returns how many were due.

    Without Redis what was claimed is fired here.
    """
    flags = fire_flags()
    claimed = claim_due(worker)
    first = [key for key, attempt in claimed if attempt == 1]
    again = [key for key, attempt in claimed if attempt > 1]
    if not wake.wake(first):
        fire_claimed(first)
    if not wake.wake(again, alone=True):  # so that only the poisonous case dies again
        fire_claimed(again)
    return flags + len(claimed)


def fire_due() -> int:
    """Fires everything due in this process, until nothing is; returns how many (scenarios, tests)."""
    total = 0
    while True:
        flags = fire_flags()
        claimed = [key for key, _ in claim_due("here")]
        fire_claimed(claimed)
        if not flags and not claimed:
            return total
        total += flags + len(claimed)


def claim_due(worker: str) -> list[tuple[str, int]]:
    """Claims due token timers, oldest first, with a lease: (timer id, attempt)."""
    with transaction() as session:
        now = clock.now(session)
        rows = session.execute(_DUE_LOCKED, {"now": now}).all()
        claimed = []
        for row in rows:
            if row.state == "claimed" and row.attempts >= DEATHS:
                _killed(session, row.id, now)
            else:
                claimed.append((row.id, row.attempts + 1))
        if claimed:
            session.execute(
                _CLAIM,
                [
                    {"row_id": key, "by": worker, "until": now + lease(), "attempt": attempt}
                    for key, attempt in claimed
                ],
            )
    return claimed


def lease() -> timedelta:
    """How long claimed timers belong to a worker."""
    return timedelta(seconds=settings().lease_seconds)


def fire_claimed(timer_ids: Sequence[str]) -> None:
    """What a hint wakes: each timer is its own advance; a failing one never stops the others."""
    for timer_id in timer_ids:
        try:
            _fire(timer_id)
        except Exception:  # its lease ends by itself; one broken case must not stop the sweep
            log.exception("timer %s could not be settled", timer_id)


def _fire(timer_id: str) -> None:
    try:
        _renew(timer_id)
        advance(FireTimer(timer_id), SYSTEM)
    except CaseBusy:  # somebody is at work on the case: at the next tick, and no attempt is used up
        log.info("timer %s waits for its case", timer_id)
        with transaction() as session:
            session.execute(_BACK, {"row_id": timer_id})
    except Problem as problem:  # gone
        log.info("timer %s waits: %s", timer_id, problem.slug)
    except Exception as error:
        log.exception("timer %s failed", timer_id)
        failed(timer_id, error)


def failed(timer_id: str, error: Exception) -> None:
    """The next attempt after a pause, or an incident when there were enough."""
    with transaction() as session:
        now = clock.now(session)
        timer = session.execute(_TIMER, {"row_id": timer_id}).one()
        if timer.state != "claimed":
            return
        if timer.attempts >= len(WAITS):
            if not session.execute(_STOP, {"row_id": timer_id}).rowcount:
                return  # settled by somebody else meanwhile
            where = incidents.Where(timer.process_key, timer.org_path, timer.case_id, timer_id=timer_id)
            incidents.open_incident(session, "timer-failed", where, error, SYSTEM)
            return
        pause = timedelta(seconds=random.uniform(0, WAITS[timer.attempts - 1]))
        session.execute(_LATER, {"row_id": timer_id, "until": now + pause})


_STILL_CLAIMED = (timers.c.id == bindparam("row_id")) & (timers.c.state == "claimed")
_TIMER = (
    select(timers.c.state, timers.c.attempts, timers.c.case_id, cases.c.process_key, cases.c.org_path)
    .join(cases, cases.c.id == timers.c.case_id)
    .where(timers.c.id == bindparam("row_id"))
)
_LATER = (  # armed, not before that instant: a lease that ends by itself means a death, this does not
    update(timers).where(_STILL_CLAIMED).values(state="armed", lease_by=None, lease_until=bindparam("until"))
)
_BACK = (
    update(timers)
    .where(_STILL_CLAIMED)
    .values(state="armed", lease_by=None, lease_until=None, attempts=timers.c.attempts - 1)
)
_STOP = update(timers).where(_STILL_CLAIMED).values(state="incident", lease_until=None)


class WorkerKilled(RuntimeError):
    """办理这个定时的进程几次中途退出，没有留下原因。"""


def _killed(session: Session, timer_id: str, now: datetime) -> None:
    timer = session.execute(_TIMER, {"row_id": timer_id}).one()
    session.execute(_STOP, {"row_id": timer_id})
    where = incidents.Where(timer.process_key, timer.org_path, timer.case_id, timer_id=timer_id)
    incidents.open_incident(session, "worker-killed", where, WorkerKilled(), SYSTEM)


def _renew(timer_id: str) -> None:
    with transaction() as session:
        session.execute(_RENEW, {"row_id": timer_id, "until": clock.now(session) + lease()})


def fire_flags() -> int:
    """Marks tiers that were reached, a hundred a transaction, without waking the engine."""
    total = 0
    while True:
        with transaction() as session:
            found = _mark(session)
        total += found
        if found < FLAGS:
            return total


def _mark(session: Session) -> int:
    now = clock.now(session)
    due = session.execute(_FLAGS, {"now": now}).all()
    rows = [row for row in due if _readable(session, row)]
    if not rows:
        return len(due)
    told, ledger = [], []
    lights: dict[str, str | None] = {}
    count: dict[str, int] = {}
    for row in rows:
        sla = bundles.get(row.version_id).sla
        tier = next(tier for tier in sla.tiers_of(row.clock) if tier.key == row.tier)
        light = lights.get(row.case_id, row.light)
        lights[row.case_id] = max(light, tier.colour, key=lambda colour: _SEVERITY.get(colour, 0))
        count[row.case_id] = count.get(row.case_id, 0) + 1
        data = {"clock": tier.clock, "tier": tier.key, "label": tier.label, "due": row.due_at.isoformat()}
        told.append(Event("clock.tier_reached", row.case_id, now, SYSTEM.id, data))
        ledger.append(_ledger_line(row, now, data))
    session.execute(_FLAG_FIRED, [{"row_id": row.id, "now": now} for row in rows])
    session.execute(clock_ledger.insert(), ledger)
    session.execute(
        _FLAG_SEEN, [{"row_id": key, "colour": lights[key], "more": count[key]} for key in sorted(lights)]
    )
    batch = {"tiers": [{"case": event.case_id, **event.data} for event in told]}
    streams.append(session, Entry("tiers", "clock.tier_reached", SYSTEM.id, None, batch, now))
    events.publish(session, told)
    return len(due)


def _readable(session: Session, row: Any) -> bool:
    """Whether the case's version can be read; a tier of one that cannot becomes an incident."""
    try:
        bundles.get(row.version_id)
    except Exception as error:
        log.exception("flag timer %s failed", row.id)
        session.execute(_FLAG_STOPPED, {"row_id": row.id})
        where = incidents.Where(row.process_key, row.org_path, row.case_id, timer_id=row.id)
        incidents.open_incident(session, "timer-failed", where, error, SYSTEM)
        return False
    return True


def _ledger_line(row: Any, now: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "case_id": row.case_id,
        "clock_id": row.key,
        "at": now,
        "entry": "tier_reached",
        "actor_id": SYSTEM.id,
        "detail": data,
    }
