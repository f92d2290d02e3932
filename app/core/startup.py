"""What a process checks and says before it serves: settings, the trial mode, a database that is behind."""

import logging
from collections.abc import Callable

from app.core import clock, db, log, schema
from app.core.config import settings

logger = logging.getLogger("huying.start")

TRIAL = "试用模式：数据库是 SQLite，只适合一台机器上试用，不要用于正式办公。"
AWAY = "数据库现在连不上，会一直再试；请确认 DATABASE_URL 和数据库。"


def begin() -> None:
    """Log as JSON lines, refuse wrong settings, say the trial mode. Raises SettingRefused."""
    log.to_stderr()
    settings().database()
    if settings().trial:
        logger.warning(TRIAL)


def behind() -> str | None:
    """What to tell when the database has not the shape this code needs; None when it can be served."""
    with db.reading() as session:
        has = schema.version(session.connection)
    return schema.advice(has) if schema.state(has) == "behind" else None


def once_served(stopped: Callable[[], bool]) -> bool:
    """Waits for a database with the tables of this code (the ticker says so); False when asked to stop."""
    while not stopped():
        try:
            if behind() is None:
                return True
        except Exception:  # away: it comes back
            logger.debug("the database cannot be asked yet")
        clock.pause(settings().tick_seconds, stopped)
    return False


def say_what_is_behind() -> None:
    """Once at the start of a process that goes on all the same: /readyz keeps requests away from it."""
    try:
        told = behind()
    except Exception:  # a database that comes back later is no reason to be gone by then
        told = AWAY
    if told is not None:
        logger.warning(told)
