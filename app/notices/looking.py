"""New tasks are looked for, not listened to: the act that opens them must not pay for telling a pool.

A look finds the tasks that opened since the one before, by an index, and tells whoever wants to hear of them.
What it has told once it does not tell again, so that it may look back a little: an act that took long commits
later than one that began after it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text, update

from app.cases.models import cases, tasks
from app.core import clock, dialects
from app.core.db import Instant, Session, system_state, transaction
from app.core.events import Event
from app.identity import substitutes
from app.identity.actor import SYSTEM
from app.notices import listening
from app.notices.rules import in_force
from app.notices.telling import INSTANT
from app.notices.who import PERSON

OPENED = "task.opened"
MOST = 500
"""Tasks in one transaction."""
BACK = timedelta(seconds=30)
"""Longer than any act takes from its first lock to its commit."""
SINCE = "notices_looked_until"

_SINCE = dialects.locked(select(system_state.c.value).where(system_state.c.name == SINCE), skip=True)
_LOOKED = update(system_state).where(system_state.c.name == SINCE).values(value=bindparam("until"))
_NEW = (
    select(
        tasks.c.id,
        tasks.c.case_id,
        tasks.c.step,
        tasks.c.name,
        tasks.c.pools,
        tasks.c.opened_at,
        cases.c.process_key,
    )
    .join(cases, cases.c.id == tasks.c.case_id)
    .where(
        text("tasks.state = 'open'"),
        tasks.c.part.is_(None),  # what others ask of somebody is told by their own act
        tasks.c.opened_at >= bindparam("since", type_=Instant),
    )
    .order_by(tasks.c.opened_at, tasks.c.id)
    .limit(MOST)
)


def look() -> int:
    """Tells of tasks that opened since the last look and are still open; returns how many it looked at.

    Several may look at once: one does, the others come back empty-handed.
    """
    if OPENED not in in_force().events:
        return 0
    total, since = 0, None
    while True:
        with transaction() as session:
            found, since = _look(session, since)
        total += found
        if found < MOST:
            return total


def _look(session: Session, since: datetime | None) -> tuple[int, datetime | None]:
    """One batch, from `since` or from where the last look ended: how many, and where the next one begins."""
    now, held = clock.now(session), _held(session)
    if held is None:  # somebody else looks
        return 0, None
    begin = since or held
    rows = [dict(row) for row in session.execute(_NEW, {"since": begin}).mappings()]
    _and_substitutes(session, rows, now)
    listening.tell_of(session, [_event(row) for row in rows], now)
    end = max(rows[-1]["opened_at"], begin + INSTANT) if len(rows) == MOST else now
    if (until := min(end, now - BACK)) > held:
        session.execute(_LOOKED, {"until": until.isoformat()})
    return len(rows), end


def _and_substitutes(session: Session, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """What lies on somebody's desk is told to who acts for him (代理), too."""
    desks = {name.removeprefix(PERSON) for row in rows for name in row["pools"] if name.startswith(PERSON)}
    acting = substitutes.acting_for(session, desks, now)
    for row in rows if acting else ():
        row["pools"] = row["pools"] + [
            f"{PERSON}{substitute}"
            for name in row["pools"]
            for substitute, processes in acting.get(name.removeprefix(PERSON), ())
            if processes is None or row["process_key"] in processes
        ]


def _held(session: Session) -> datetime | None:
    """Where the last look ended, locked; None while somebody else looks. The first look of all begins now."""
    held = session.scalar(_SINCE)
    if held is not None:
        return datetime.fromisoformat(held)
    now = clock.now(session) - BACK
    row = {"name": SINCE, "value": now.isoformat()}
    first = session.execute(dialects.insert_ignore(session.dialect, system_state), row).rowcount
    return now if first else None


def _event(task: Mapping[str, Any]) -> Event:
    about = {"task": task["id"], "step": task["step"], "label": task["name"], "pools": task["pools"]}
    return Event(OPENED, task["case_id"], task["opened_at"], SYSTEM.id, about)
