"""The door: whoever has something to tell people adds rows here, in the transaction in which it happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from app.clocks import calendars
from app.clocks.calendar import WorkingLine
from app.clocks.calendars import InForce
from app.core import clock, db, dialects
from app.core.db import Session
from app.core.ids import new_id
from app.identity.actor import SYSTEM
from app.notices import who
from app.notices.models import LONGEST, notices
from app.notices.rules import OTHER, in_force
from app.notices.who import Person

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Notice:
    """What is told: the class of bpmn/_notices.yaml, the words, and what it is about.

    `key` says exactly what it is about: a person is told of the same class and key once, however often it is
    asked. `quiet`: outside the working hours of his region it waits until people work there, unless the
    class or `urgent` says that it is urgent, or unless it would come at or after `latest`. Text that does
    not fit is cut.
    """

    kind: str
    text: str
    key: str
    at: datetime
    case_id: str | None = None
    by_id: str = SYSTEM.id
    urgent: bool = False
    quiet: bool = True
    latest: datetime | None = None


def tell(session: Session, people: Iterable[str], notice: Notice) -> int:
    """Tells these people (ids); disabled accounts and who switched the class off are left out.

    Returns how many rows were handed to the database. Call it inside the transaction of what happened.
    """
    wanted = dict.fromkeys(people)
    if not wanted:
        return 0
    found = who.named(session, wanted, (notice.kind,))
    return keep(session, [(person, notice) for person in found])


def keep(session: Session, told: Sequence[tuple[Person, Notice]], now: datetime | None = None) -> int:
    """Writes the rows: one statement for all, those that were told before left alone.

    Nobody is told before `now`, where it is given.
    """
    if not told:
        return 0
    opening = _Opening(session)
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    rules = in_force()
    for person, notice in told:
        kind = rules.kind(notice.kind)
        if not person.hears(kind):
            continue
        urgent = notice.urgent or kind.urgent
        waits = notice.quiet and person.quiet and not urgent
        soonest = max(notice.at, now or notice.at)
        tell_at = opening.after(soonest, person) if waits else soonest
        if notice.latest is not None and tell_at >= notice.latest:
            tell_at = soonest
        row: dict[str, Any] = {
            "id": new_id(),
            "person_id": person.id,
            "kind": notice.kind[:40] or OTHER,
            "case_id": notice.case_id,
            "key": notice.key[:160],
            "text": short(notice.text),
            "by_id": notice.by_id,
            "urgent": urgent,
            "at": notice.at,
            "tell_at": tell_at,
            "count": 1,
            "state": "new",
        }
        rows[row["person_id"], row["kind"], row["key"]] = row
    if rows:
        # In one order, so that two who tell the same people of the same things do not wait for each other.
        ordered = [rows[key] for key in sorted(rows)]
        session.write(dialects.insert_ignore(session.dialect, notices), ordered)
    return len(rows)


def short(text: str) -> str:
    """On one line and no longer than a notice may be."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


class _Opening:
    """When people work next, asked of the calendar only if somebody is not to be disturbed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[datetime, str], datetime] = {}

    def after(self, at: datetime, person: Person) -> datetime:
        """The instant itself within working hours, else the next at which they begin; of somebody who works
        in several regions, where they begin first."""
        named = {self._by.region_at(path) for path in person.paths} or {self._by.house}
        return min(self._opens(at, region) for region in named)

    def _opens(self, at: datetime, region: str) -> datetime:
        if (at, region) not in self._known:
            line = WorkingLine(self._by.calendars[region], by_day=False)
            self._known[at, region] = working_from(line, at)
        return self._known[at, region]

    @cached_property
    def _by(self) -> InForce:
        """The calendars of this minute: whoever changes one need not be heard within the same second."""
        house, now = db.current().url, clock.monotonic()
        kept = _kept.get(house)
        if kept is None or now > kept[0]:
            kept = _kept[house] = (now + KEPT_SECONDS, calendars.by_place(self._session))
        return kept[1]


_kept: dict[str, tuple[float, InForce]] = {}
KEPT_SECONDS = 60.0


def working_from(line: WorkingLine, at: datetime) -> datetime:
    """The first instant, not before this one, at which people work."""
    soon = line.after(at, INSTANT)
    return at if soon - at <= INSTANT else soon - INSTANT
