"""到时: due token timers are claimed, hinted at, and fired one by one under their case's lock."""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select, text, update

from app.cases import flags
from app.cases.advance import advance
from app.cases.commands import FireTimer
from app.cases.errors import CaseBusy
from app.cases.guarding import GOES_ON, ClockStepped, firing_now, pausing
from app.cases.incidents import opening
from app.cases.models import cases
from app.clocks.models import timers
from app.core import clock, dialects, wake
from app.core.config import settings
from app.core.db import Session, transaction
from app.core.errors import Problem
from app.identity.actor import SYSTEM

log = logging.getLogger("huying.firing")

CLAIM = 200
WAITS = (1, 10, 60, 300, 1800)
"""Seconds before the next attempt, with full jitter; after the last an incident. Source: trust.md §3.7."""
DEATHS = 3
"""Firings that began and never ended: the worker was killed by what it ran."""
MOST_CLAIMED = 2000
"""Claimed timers at a time: more would outlive their lease while their hint still waits in the queue."""

_DUE = (
    select(timers.c.id, timers.c.attempts, timers.c.deaths, timers.c.begun)
    .where(
        GOES_ON,
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
    .limit(bindparam("most"))
)
_DUE_LOCKED = dialects.locked(_DUE, skip=True)
_CLAIMED = select(func.count()).where(
    text("timers.state = 'claimed'"), timers.c.lease_until > bindparam("now")
)
_CLAIM = (
    update(timers)
    .where(timers.c.id == bindparam("row_id"))
    .values(
        state="claimed",
        lease_by=bindparam("by"),
        lease_until=bindparam("until"),
        deaths=bindparam("died"),
        begun=False,
    )
)
_BEGIN = (
    update(timers)
    .where(timers.c.id == bindparam("row_id"), timers.c.state == "claimed")
    .values(lease_until=bindparam("until"), begun=True)
)
LOOKS = (_DUE_LOCKED, _CLAIMED, flags.DUE)
"""What one look asks while nothing is due: kept cheap, whatever lies ahead."""


def tick(worker: str) -> int:
    """One look: flags are fired at once, token timers are claimed and hinted at; returns how many were due.

    Without Redis what was claimed is fired here. While a clock has jumped nothing is.
    """
    moved = 0
    with pausing():
        try:
            moved += flags.fire(firing_now)
        except ClockStepped:
            raise
        except Exception:  # a mark that fails must not starve the timers that move cases
            _fire_tokens(worker)
            raise
        moved += _fire_tokens(worker)
    return moved


def _fire_tokens(worker: str) -> int:
    claimed = claim_due(worker, firing_now)
    first = [key for key, again in claimed if not again]
    again = [key for key, again in claimed if again]
    if not wake.wake(first):
        fire_claimed(first)
    if not wake.wake(again, alone=True):  # so that only the poisonous case dies again
        fire_claimed(again)
    return len(claimed)


def fire_due() -> int:
    """Fires everything due in this process, until nothing is; returns how many (scenarios, tests)."""
    total = 0
    while True:
        marked = flags.fire()
        claimed = [key for key, _ in claim_due("here")]
        fire_claimed(claimed)
        if not marked and not claimed:
            return total
        total += marked + len(claimed)


def claim_due(
    worker: str, now_of: Callable[[Session], datetime | None] = clock.now
) -> list[tuple[str, bool]]:
    """Claims due token timers, oldest first, with a lease: (timer id, whether it was tried before).

    `now_of` says by which instant, or that none may be claimed now. A lease that ended while its hint still
    waited is no death; only a firing that began can kill.
    """
    with transaction() as session:
        now = now_of(session)
        if now is None:
            return []
        room = MOST_CLAIMED - int(session.scalar(_CLAIMED, {"now": now}) or 0)
        if room <= 0:
            return []
        rows = session.execute(_DUE_LOCKED, {"now": now, "most": min(CLAIM, room)}).all()
        claimed = []
        for row in rows:
            died = row.deaths + row.begun
            if died >= DEATHS:
                _killed(session, row.id)
            else:
                claimed.append({"row_id": row.id, "by": worker, "until": now + lease(), "died": died})
        if claimed:
            session.execute(_CLAIM, claimed)
    tried = {row.id for row in rows if row.attempts or row.deaths or row.begun}
    return [(key["row_id"], key["row_id"] in tried) for key in claimed]


def lease() -> timedelta:
    """How long claimed timers belong to a worker."""
    return timedelta(seconds=settings().lease_seconds)


def fire_claimed(timer_ids: Sequence[str]) -> None:
    """What a hint wakes: each timer is its own advance; a failing one never stops the others."""
    for timer_id in timer_ids:
        try:
            _fire(timer_id)
        except wake.JobTimedOut:  # the job's time is over, not the timer's fault: the rest is hinted at again
            raise
        except Exception:  # its lease ends by itself; one broken case must not stop the sweep
            log.exception("timer %s could not be settled", timer_id)


def _fire(timer_id: str) -> None:
    try:
        _begin(timer_id)
        advance(FireTimer(timer_id), SYSTEM)
    except CaseBusy:  # somebody is at work on the case: at the next tick, and no attempt is used up
        log.info("timer %s waits for its case", timer_id)
        with transaction() as session:
            session.execute(_BACK, {"row_id": timer_id})
    except Problem as problem:  # gone
        log.info("timer %s waits: %s", timer_id, problem.slug)
    except wake.JobTimedOut:
        raise
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
        attempts = timer.attempts + 1
        if attempts >= len(WAITS):
            if not session.execute(_STOP, {"row_id": timer_id, "tries": attempts}).rowcount:
                return  # settled by somebody else meanwhile
            where = opening.Where(timer.process_key, timer.org_path, timer.case_id, timer_id=timer_id)
            opening.open_incident(session, "timer-failed", where, error, SYSTEM)
            return
        pause = timedelta(seconds=random.uniform(0, WAITS[attempts - 1]))
        session.execute(_LATER, {"row_id": timer_id, "until": now + pause, "tries": attempts})


_STILL_CLAIMED = (timers.c.id == bindparam("row_id")) & (timers.c.state == "claimed")
_TIMER = (
    select(timers.c.state, timers.c.attempts, timers.c.case_id, cases.c.process_key, cases.c.org_path)
    .join(cases, cases.c.id == timers.c.case_id)
    .where(timers.c.id == bindparam("row_id"))
)
_LATER = (  # armed, not before that instant
    update(timers)
    .where(_STILL_CLAIMED)
    .values(
        state="armed",
        lease_by=None,
        lease_until=bindparam("until"),
        attempts=bindparam("tries"),
        begun=False,
    )
)
_BACK = (
    update(timers).where(_STILL_CLAIMED).values(state="armed", lease_by=None, lease_until=None, begun=False)
)
_STOP = (
    update(timers)
    .where(_STILL_CLAIMED)
    .values(state="incident", lease_until=None, attempts=bindparam("tries"), begun=False)
)


class WorkerKilled(RuntimeError):
    """办理这个定时的进程几次中途退出，没有留下原因。"""


def _killed(session: Session, timer_id: str) -> None:
    timer = session.execute(_TIMER, {"row_id": timer_id}).one()
    session.execute(_STOP, {"row_id": timer_id, "tries": timer.attempts})
    where = opening.Where(timer.process_key, timer.org_path, timer.case_id, timer_id=timer_id)
    opening.open_incident(session, "worker-killed", where, WorkerKilled(), SYSTEM)


def _begin(timer_id: str) -> None:
    """The firing begins: a lease of its own, and a mark that stays if this process is killed."""
    with transaction() as session:
        session.execute(_BEGIN, {"row_id": timer_id, "until": clock.now(session) + lease()})
