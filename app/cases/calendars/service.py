"""A year of the working calendar is imported, and the due times that hang on it move with it, or would."""

from dataclasses import dataclass

from app.cases.calendars import recounting
from app.cases.calendars.recounting import Moved
from app.clocks import calendar_import, calendars
from app.clocks.calendar_file import CalendarYear
from app.clocks.calendar_import import Import
from app.core.db import Session
from app.identity.actor import Actor


@dataclass(frozen=True)
class Done:
    """What an import changed, which clocks it moved, and how many cases the ticker will still look at."""

    made: Import
    moved: list[Moved]
    waiting: int


def import_year(session: Session, actor: Actor, year: CalendarYear, *, dry_run: bool = False) -> Done:
    """Keeps the year, and moves what is counted by it; `dry_run` tells the same and keeps nothing."""
    made = calendar_import.import_year(session, actor, year, dry_run=dry_run)
    after = calendars.by_place(session).changed(made.calendar)
    meant = after.on(year.region)
    if made.nothing or not meant:
        return Done(made, [], 0)
    if dry_run:
        waiting = max(0, recounting.behind(session, after, meant) - recounting.AT_ONCE)
        return Done(made, recounting.would_move(session, after, meant), waiting)
    moved = recounting.move(session, actor, after, meant)
    return Done(made, moved, recounting.behind(session, after, meant))
