"""Who may vote is told when a poll opens, and once more before it ends: looked for, as new tasks are.

The act that opens a poll pays nothing for it. Batch by batch along the roll, each in a transaction that keeps
how far it has come, so that who is killed goes on where it stood.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, select, update

from app.cases.sentences import minutes
from app.core import clock, dialects
from app.core.db import Instant, Session, reading, transaction
from app.core.events import Event
from app.identity.actor import SYSTEM
from app.notices import listening
from app.notices.rules import in_force
from app.notices.words import POLL_CLOSING, POLL_OPENED
from app.polls import models
from app.polls.models import OPEN, OVER, Row, poll_roll, poll_tellings, poll_voters, polls

MOST = 500
"""People in one transaction."""

_ENDED = exists().where(
    poll_tellings.c.poll_id == polls.c.id,
    poll_tellings.c.event == bindparam("event"),
    poll_tellings.c.ended_at.is_not(None),
)
_DUE = (
    models.FOUND.where(
        polls.c.state == OPEN,
        polls.c.ends_at > bindparam("now", type_=Instant),
        polls.c.ends_at <= bindparam("until", type_=Instant),
        ~_ENDED,
    )
    .order_by(polls.c.id)
    .limit(MOST)
)
_OF = (poll_tellings.c.poll_id == bindparam("poll"), poll_tellings.c.event == bindparam("about"))
_REACHED = dialects.locked(select(poll_tellings.c.reached, poll_tellings.c.ended_at).where(*_OF), skip=True)
_ANY = select(exists().where(*_OF))
_REACH = update(poll_tellings).where(*_OF).values(reached=bindparam("upto"), ended_at=bindparam("done"))
_ROLL = (
    select(poll_roll.c.person_id)
    .where(
        poll_roll.c.poll_id == bindparam("poll"),
        poll_roll.c.person_id > bindparam("after"),
        poll_roll.c.recused_by.is_(None),
    )
    .order_by(poll_roll.c.person_id)
    .limit(MOST)
)
_NOT_YET = _ROLL.where(
    ~exists().where(
        poll_voters.c.poll_id == poll_roll.c.poll_id, poll_voters.c.person_id == poll_roll.c.person_id
    )
)
_FAR = timedelta(days=3650)


def look() -> int:
    """Tells all who are to be told now; returns how many people it looked at. Several may look at once."""
    total = 0
    for event, lines in in_force().events.items():
        if event not in (POLL_OPENED, POLL_CLOSING):
            continue
        before = lines[0].before
        for poll in _due(event, before):
            while (found := _tell(event, poll, before)) == MOST:
                total += found
            total += found
    return total


def _due(event: str, before: timedelta | None) -> list[Row]:
    """Open polls of which somebody is still to be told; reminders from `before` their end on."""
    with reading() as session:
        now = clock.now(session)
        asked = {"event": event, "now": now, "until": now + (before or _FAR)}
        rows = session.execute(_DUE, asked).mappings().all()
    return [models.poll_of(row) for row in rows if row["case_state"] not in OVER]


def _tell(event: str, poll: Row, before: timedelta | None) -> int:
    """The next batch of the roll; 0 when somebody else is at it or nobody is left."""
    with transaction() as session:
        now, about = clock.now(session), {"poll": poll["id"], "about": event}
        reached = _from(session, about)
        if reached is None:
            return 0
        at = poll["opened_at"] if before is None else poll["ends_at"] - before
        people = _people(session, event, poll, reached) if at >= poll["opened_at"] else []
        if people:
            listening.tell_of(session, [_event(event, poll, at, people)], now)
        done = None if len(people) == MOST else now
        session.execute(_REACH, {**about, "upto": people[-1] if people else reached, "done": done})
        return len(people)


def _from(session: Session, about: Mapping[str, Any]) -> str | None:
    """The person up to whom all were told, locked; None while another is at it, or when all were."""
    row = session.execute(_REACHED, about).one_or_none()
    if row is not None:
        return str(row.reached) if row.ended_at is None else None
    if session.scalar(_ANY, about):
        return None
    first = {"poll_id": about["poll"], "event": about["about"], "reached": "", "ended_at": None}
    new = session.execute(dialects.insert_ignore(session.dialect, poll_tellings), first).rowcount
    return "" if new else None


def _people(session: Session, event: str, poll: Row, after: str) -> list[str]:
    """Of a secret poll all who may vote are reminded: a list of reminders would tell who has not."""
    some = _ROLL if event == POLL_OPENED or poll["secret"] else _NOT_YET
    return list(session.execute(some, {"poll": poll["id"], "after": after}).scalars())


def _event(event: str, poll: Row, at: datetime, people: list[str]) -> Event:
    until = minutes(poll["ends_at"].astimezone(clock.BEIJING).isoformat())
    data = {"poll": poll["id"], "title": poll["title"], "until": until, "voters": people}
    return Event(event, poll["case_id"], at, SYSTEM.id, data, {"latest": poll["ends_at"]})
