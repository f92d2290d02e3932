"""A year of the working calendar is imported, and the due times that hang on it move with it, or would."""

from dataclasses import dataclass

from app.cases.calendars import recounting
from app.cases.calendars.recounting import Moved
from app.clocks import calendar_import
from app.clocks.calendar_file import CalendarYear
from app.clocks.calendar_import import Import
from app.core.config import settings
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
    if made.nothing or year.region != settings().calendar:
        return Done(made, [], 0)
    if dry_run:
        behind = recounting.behind(session, made.calendar)
        return Done(made, recounting.would_move(session, made.calendar), max(0, behind - recounting.AT_ONCE))
    moved = recounting.move(session, actor, made.calendar)
    return Done(made, moved, recounting.behind(session, made.calendar))
