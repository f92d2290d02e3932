"""定期启动: the calendar files the cases that published processes ask it to, once for each period.

Each `schedules:` line of a current version is a schedule of this room, `<process>-<name>`. Once a period is
promised by the case's number at its source (`<schedule>@<day>`): a run that is repeated finds the case there.
"""

from functools import partial

from sqlalchemy import select

from app import bundles
from app.bundles import Bundle, store
from app.bundles.calendar_starts import BY_SCHEDULE, CalendarStart
from app.cases import filing
from app.cases.errors import AlreadyFiled
from app.core import clock, dialects
from app.core.db import Session, reading, transaction
from app.schedules import service
from app.schedules.models import schedules
from app.schedules.service import Schedule

_THERE = select(schedules.c.name)


def look() -> None:
    """Makes known what the current versions ask for, with a row each, and forgets what none asks any more.

    A new one is due at its first instant to come.
    """
    with reading() as session:
        asked = _asked(session)
        there = set(session.execute(_THERE).scalars())
    service.know_instead(asked)
    if new := [each for each in asked if each.name not in there]:
        with transaction() as session:
            now = clock.now(session)
            insert = dialects.insert_ignore(session.dialect, schedules)
            session.execute(insert, [{"name": each.name, "next_at": each.next_at(now, now)} for each in new])


def file(name: str, start: CalendarStart) -> None:
    """Files the case of the period that began last, unless it is there. Raises what `file_case` raises."""
    with reading() as session:
        at = start.last(clock.now(session))
    try:
        filing.file_scheduled(start, at, name)
    except AlreadyFiled:  # by a run that was cut off before it could say so
        return


def _asked(session: Session) -> list[Schedule]:
    current = [bundles.get(version) for version in store.current(session)]
    return [_schedule(bundle, start) for bundle in current for start in bundle.process.schedules]


def _schedule(bundle: Bundle, start: CalendarStart) -> Schedule:
    name = f"{bundle.key}-{start.name}"
    label = f"{bundle.process.name}：定期登记（{start.name}）"
    return Schedule(name, label, start.every, partial(file, name, start), start.following, BY_SCHEDULE)
