"""The only place that asks the time: the database's clock plus an offset that is 0 in production."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, select

from app.core.config import settings
from app.core.errors import Conflict

if TYPE_CHECKING:  # db stands on this file
    from app.core.db import Session

BEIJING = ZoneInfo("Asia/Shanghai")
OFFSET = "clock_offset_seconds"


class ClockFixed(Conflict):
    """正式环境不能拨动时钟。"""


def wall() -> datetime:
    """This machine's clock, aware, UTC; for logs, ids and deadlines of waiting, never for a due time."""
    return datetime.now(UTC)


def wall_milliseconds() -> int:
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds that only go forward, to bound waiting."""
    return time.monotonic()


def boot() -> float:
    """Seconds since this machine was started, also those it slept; nobody can set it."""
    source = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(source) if source is not None else time.monotonic()


def cpu() -> float:
    """CPU seconds of this thread."""
    return time.thread_time()


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def pause(seconds: float, stopped: Callable[[], bool]) -> None:
    """Sleeps, but not beyond a tenth of a second after somebody asked to stop."""
    end = monotonic() + seconds
    while not stopped() and monotonic() < end:
        sleep(min(0.1, seconds))


def columns() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Two columns for a statement that also wants the time: pass their values to `at`."""
    from app.core import db, dialects

    state = db.system_state
    offset = select(state.c.value).where(state.c.name == OFFSET).scalar_subquery()
    return dialects.instant_now().label("raw_now"), offset.label("clock_offset")


def moved() -> ColumnElement[bool]:
    """Whether this database's clock was ever moved: never in production, where the machine's time will do."""
    from app.core import db

    return exists().where(db.system_state.c.name == OFFSET)


def at(raw: datetime, offset: str | None, not_before: datetime | None = None) -> datetime:
    """The instant of a transaction: never earlier than what already happened to the case."""
    now = raw + timedelta(seconds=float(offset)) if offset else raw
    return max(now, not_before) if not_before is not None else now


def now(session: "Session") -> datetime:
    """The instant by the database's clock, aware, UTC."""
    row = session.execute(_now()).one()
    return at(row.raw_now, row.clock_offset)


def raw_now(session: "Session") -> datetime:
    """The database's clock without the offset: what a guard against clock jumps compares."""
    return session.execute(_now()).one().raw_now  # type: ignore[no-any-return]


def offset(session: "Session") -> timedelta:
    """How far this database's clock was moved."""
    return timedelta(seconds=float(session.execute(_now()).one().clock_offset or 0))


def pass_time(session: "Session", step: timedelta) -> datetime:
    """Moves this database's clock forward; returns the new now. Refused in production and backwards."""
    from app.core import db, dialects

    if settings().profile == "production":
        raise ClockFixed
    if step < timedelta(0):
        raise ClockFixed("时钟只能往前拨。")
    total = offset(session) + step
    session.execute(
        dialects.upsert(session.dialect, db.system_state, ("name",)),
        {"name": OFFSET, "value": str(total.total_seconds())},
    )
    return now(session)


def _now() -> Any:
    global _NOW
    if _NOW is None:
        _NOW = select(*columns())
    return _NOW


_NOW: Any = None
