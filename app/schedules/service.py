"""Schedules as sentences: know them, do what is due, list them, ask for one now.

A run is claimed with a lease, like a timer: a killed worker's is taken over, two never do the same. Runs that
were missed become one. What is done must bear being done twice: a lease can end while the work goes on.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, or_, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.guarding import GOES_ON, firing_now, pausing, whole_house
from app.cases.incidents import opening
from app.core import clock, dialects
from app.core.config import settings
from app.core.db import Instant, Session, reading, transaction
from app.core.errors import NotFound
from app.core.ids import new_id
from app.engine.durations import Duration, add, parse_duration
from app.identity.actor import SYSTEM, Actor
from app.identity.permissions import SCHEDULE_READ, SCHEDULE_RUN
from app.identity.scopes import require
from app.schedules.models import schedules

log = logging.getLogger("huying.schedules")

AGAIN = timedelta(minutes=5)
"""How long after a failed run the next is tried, where it would not be due before."""
RENEWALS = 3
"""How often a lease is renewed within its length."""
FAILURES = 3
"""Failed runs in a row after which an incident says so."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Schedule:
    """One thing to be done every so often (ISO 8601, natural time), and what operators read of it."""

    name: str
    label: str
    every: str
    act: Callable[[], object]
    after: Callable[[datetime], datetime] | None = None
    """Its own instants: the first after a moment; without it, each run counts from the last."""
    of: str = ""
    """A group that is made known anew as a whole."""

    def next_at(self, last: datetime, now: datetime) -> datetime:
        """When it is due next; `last` is when it was."""
        return self.after(now) if self.after is not None else following(last, self.every, now)


class ScheduleFailed(Exception):
    """一项定期任务连着几次没有做成。后台过几分钟再试一次；请运维人员查看日志，改正以后在“定期任务”里立即运行。"""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.element = name


_known: dict[str, Schedule] = {}

_DUE = (
    select(schedules.c.name, schedules.c.next_at)
    .where(
        GOES_ON,
        schedules.c.next_at <= bindparam("now"),
        or_(schedules.c.lease_until.is_(None), schedules.c.lease_until <= dialects.instant_now()),
    )
    .order_by(schedules.c.next_at, schedules.c.name)
)
_CLAIM = (
    update(schedules)
    .where(
        GOES_ON,
        schedules.c.name == bindparam("which"),
        schedules.c.next_at == bindparam("seen"),
        or_(schedules.c.lease_until.is_(None), schedules.c.lease_until <= bindparam("raw")),
    )
    .values(lease_by=bindparam("run"), lease_until=bindparam("until"))
)
_MINE = (schedules.c.name == bindparam("which")) & (schedules.c.lease_by == bindparam("run"))
_KEEP = update(schedules).where(_MINE).values(lease_until=bindparam("until"))
_DONE = (
    update(schedules)
    .where(_MINE)
    .values(
        # Who asked for it while it ran wants another run.
        next_at=case(
            (schedules.c.next_at == bindparam("seen"), bindparam("following", type_=Instant())),
            else_=schedules.c.next_at,
        ),
        lease_by=None,
        lease_until=None,
        last_at=bindparam("now"),
        last_seconds=bindparam("took"),
        last_error=bindparam("error"),
        failures=case((bindparam("error").is_(None), 0), else_=schedules.c.failures + 1),
    )
)
_FAILURES = select(schedules.c.failures).where(schedules.c.name == bindparam("which"))
_NOW = update(schedules).where(schedules.c.name == bindparam("which")).values(next_at=bindparam("now"))
_ALL = select(schedules, (schedules.c.lease_until > dialects.instant_now()).label("running"))


def know(*given: Schedule) -> None:
    """Makes schedules known to this process; as often as you like."""
    _known.update({each.name: each for each in given})


def know_instead(given: Sequence[Schedule]) -> None:
    """Makes a group known, and forgets the ones of its kind that are not among them."""
    gone = {name for name, each in _known.items() if each.of} - {each.name for each in given}
    know(*given)
    for name in gone:
        _known.pop(name, None)


def enter() -> None:
    """A row for each known schedule; a new one is due at once."""
    with transaction() as session:
        now = clock.now(session)
        insert = dialects.insert_ignore(session.dialect, schedules)
        new = [name for name, each in _known.items() if each.after is None]
        session.execute(insert, [{"name": name, "next_at": now} for name in new])


def run_due() -> int:
    """Does what is due now, one after the other; returns how many runs there were.

    Nothing while a clock has jumped: an answer forgotten too early would let a request happen twice.
    """
    done = 0
    with pausing():
        with reading() as session:
            now = firing_now(session)
            due = [] if now is None else session.execute(_DUE, {"now": now}).all()
        for row in due:
            known = _known.get(row.name)
            done += known is not None and _run(known, row.next_at)
    return done


def following(last: datetime, every: str, now: datetime) -> datetime:
    """The next time after now, counted from the last: what was missed meanwhile is not made up for."""
    step = parse_duration(every)
    count = max(1, (now - last) // _at_most(step))
    while (at := add(last, step.times(count), lambda _: True)) <= now:
        count += 1
    return at


def every_one(actor: Actor) -> list[Row]:
    """All schedules of this version, by name. Raises PermissionMissing."""
    require(actor, SCHEDULE_READ)
    with reading() as session:
        return [
            _shown(dict(row))
            for row in session.execute(_ALL.order_by(schedules.c.name)).mappings()
            if row["name"] in _known
        ]


def run_now(session: Session, actor: Actor, name: str) -> Row:
    """The worker does it at its next look. Raises PermissionMissing, NotFound."""
    require(actor, SCHEDULE_RUN)
    now = clock.now(session)
    if name not in _known or not session.execute(_NOW, {"which": name, "now": now}).rowcount:
        raise NotFound
    streams.append(session, Entry(streams.ADMIN, "schedule.asked", actor.id, name, {}, now))
    return _shown(dict(session.execute(_ALL.where(schedules.c.name == name)).mappings().one()))


def _run(schedule: Schedule, seen: datetime) -> bool:
    """One run, unless somebody else has it."""
    mine = {"which": schedule.name, "run": new_id()}
    with transaction() as session:
        if firing_now(session) is None:
            return False
        raw = clock.raw_now(session)
        if not session.execute(_CLAIM, {**mine, "seen": seen, "raw": raw, "until": raw + _lease()}).rowcount:
            return False
    began, error = clock.monotonic(), None
    try:
        with _kept(mine):
            schedule.act()
    except Exception as failed:  # one that fails must not stop the others
        log.exception("schedule %s failed", schedule.name)
        error = type(failed).__name__
    took = clock.monotonic() - began
    with transaction() as session:
        now = clock.now(session)
        next_at = schedule.next_at(seen, now)
        if error is not None:
            next_at = min(next_at, now + AGAIN)
        done = {**mine, "seen": seen, "following": next_at, "now": now, "took": took, "error": error}
        mine_still = session.execute(_DONE, done).rowcount
        if error is not None and mine_still:
            _tell(session, schedule.name)
    return True


def _tell(session: Session, name: str) -> None:
    if session.scalar(_FAILURES, {"which": name}) >= FAILURES:
        where = opening.Where("system", whole_house(session))
        opening.open_incident(session, "schedule-failed", where, ScheduleFailed(name), SYSTEM)


@contextmanager
def _kept(mine: Mapping[str, str]) -> Iterator[None]:
    """The lease lasts as long as the work and this process do."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(settings().lease_seconds / RENEWALS):
            try:
                with transaction() as session:
                    session.execute(_KEEP, {**mine, "until": clock.raw_now(session) + _lease()})
            except Exception:  # the next renewal may come in time
                log.exception("the lease of schedule %s could not be renewed", mine["which"])

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def _lease() -> timedelta:
    return timedelta(seconds=settings().lease_seconds)


def _at_most(step: Duration) -> timedelta:
    days = 366 * step.years + 31 * step.months + 7 * step.weeks + step.days
    return timedelta(days=days, hours=step.hours, minutes=step.minutes)


def _shown(row: Mapping[str, Any]) -> Row:
    schedule = _known[row["name"]]
    return {**row, "label": schedule.label, "every": schedule.every, "running": bool(row["running"])}
