"""Before each look for due timers the clocks are compared; a jump pauses firing until a person confirms."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import delete, func, select

from app.audit import streams
from app.audit.streams import Entry
from app.cases.incidents import opening, service
from app.clocks.guard import JUMP, WARN, Guard, Reading
from app.core import clock, dialects
from app.core.clock import BEIJING
from app.core.db import Session, system_state, transaction
from app.core.errors import Conflict
from app.core.ids import new_id
from app.core.seldom import Seldom
from app.identity.actor import SYSTEM, Actor
from app.identity.models import units

log = logging.getLogger("huying.firing")

PAUSED = "firing_paused"
"""The row of system_state that stops every claim; its value says since when."""
CONFIRMED = "clock_confirmed"
"""The row that says when a person confirmed the time last."""
KIND, ELEMENT = "clock-jump", "clock"

_LOOK = select(
    *clock.columns(),
    select(system_state.c.value).where(system_state.c.name == PAUSED).scalar_subquery().label("paused"),
    select(system_state.c.value).where(system_state.c.name == CONFIRMED).scalar_subquery().label("confirmed"),
)
_RESUME = delete(system_state).where(system_state.c.name == PAUSED)
_TOP = select(units.c.path).order_by(func.length(units.c.path), units.c.path).limit(1)

_apart = Seldom(log, "this machine's clock is not the database's")
_guard = Guard()


class ClockJumped(Exception):
    """数据库或服务器的时钟忽然跳了一大步，所有定时已暂停，一个也没有触发。
    请核对时钟，无误后由运维人员运行 huying timers resume。"""

    element = ELEMENT


class ClockUnconfirmed(Conflict):
    """您写的时刻与数据库的时钟不符，定时没有恢复。"""


class NotPaused(Conflict):
    """定时没有暂停。"""


class ClockStepped(Exception):
    """A clock has jumped, by so many seconds: whoever claims lets go of it, and `pausing` stops everybody."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def firing_now(session: Session, guard: Guard = _guard) -> datetime | None:
    """The instant by which this process may claim in this transaction; None when it may not.

    The clocks are compared in the very statement that reads the time, so that nothing is claimed by a time
    that nobody has compared. Raises ClockStepped.
    """
    row = session.execute(_LOOK).one()
    now = Reading(row.raw_now, clock.wall(), clock.boot())
    jumped = guard.look(now, row.confirmed)
    if jumped is not None and row.paused is None:
        raise ClockStepped(jumped.total_seconds())
    if now.apart > WARN:
        _apart.note(seconds=now.apart.total_seconds())
    if row.paused is not None or now.apart > JUMP:
        return None
    return clock.at(row.raw_now, row.clock_offset)


@contextmanager
def pausing() -> Iterator[None]:
    """A jump that is seen within stops every process."""
    try:
        yield
    except ClockStepped as jump:
        pause(jump.seconds)


def pause(seconds: float) -> None:
    """All firing stops, and an incident says why."""
    with transaction() as session:
        raw = clock.raw_now(session)
        state = {"name": PAUSED, "value": raw.isoformat()}
        if not session.execute(dialects.insert_ignore(session.dialect, system_state), state).rowcount:
            return  # another process saw it, too
        error = ClockJumped(seconds)
        where = opening.Where("system", whole_house(session))
        opening.open_incident(session, KIND, where, error, SYSTEM)
        told = {"seconds": round(seconds)}
        streams.append(session, Entry(streams.ADMIN, "firing.paused", SYSTEM.id, None, told, raw))
    log.error("a clock jumped by %.0f s: firing is paused", seconds)


def whole_house(session: Session) -> str:
    """The path of the unit above all others: what stops for the whole house is seen by who sees it."""
    return str(session.scalar(_TOP) or "")


def paused_since(session: Session) -> str | None:
    """Since when firing is paused, as ISO text; None while it goes on."""
    value: str | None = session.execute(_LOOK).one().paused
    return value


def resume(actor: Actor, as_of: datetime, reason: str) -> None:
    """A person says what time it is, and so does the clock. Raises NotPaused, ClockUnconfirmed."""
    with transaction() as session:
        raw = clock.raw_now(session)
        if paused_since(session) is None:
            raise NotPaused
        if abs(raw - as_of) > JUMP:
            said = f"{raw.astimezone(BEIJING):%Y-%m-%d %H:%M}"
            raise ClockUnconfirmed(f"数据库的时钟是 {said}，与您写的相差超过两分钟，定时没有恢复。")
        session.execute(_RESUME)
        confirmed = {"name": CONFIRMED, "value": f"{raw.isoformat()} {new_id()}"}
        session.execute(dialects.upsert(session.dialect, system_state, ("name",)), confirmed)
        told = {"asOf": as_of.isoformat(), "reason": reason}
        streams.append(session, Entry(streams.ADMIN, "firing.resumed", actor.id, None, told, raw))
        service.put_right(session, actor, [KIND], None, ELEMENT, reason)


GOES_ON = ~select(system_state.c.name).where(system_state.c.name == PAUSED).exists()
"""A condition for the statements that claim: nothing is claimed while firing is paused."""
