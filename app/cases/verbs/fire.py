"""到时: a claimed timer is looked at again under the case's lock, where nothing can change any more."""

from sqlalchemy import bindparam, update

from app.cases.commands import FireTimer
from app.cases.motion import Motion
from app.clocks.models import timers
from app.clocks.rows import CAP, Timer

_REARM = (
    update(timers)
    .where(timers.c.id == bindparam("row_id"), timers.c.state == "claimed")
    .values(state="armed", lease_by=None, lease_until=None)
)


def fire(motion: Motion, command: FireTimer) -> Timer | None:
    """The timer that the engine shall fire, or None: lost, doubled and late hints are harmless."""
    timer = next((t for t in motion.board.timers if t.id == command.timer_id), None)
    if timer is None or timer.state != "claimed" or motion.case["state"] != "active":
        return None
    if timer.due_at is None or timer.due_at > motion.now:  # moved while it was claimed
        motion.session.execute(_REARM, {"row_id": timer.id})
        return None
    motion.board.alarms.put(timer, "fired")
    if timer.tier == CAP:  # the end of a pause has words of its own
        return timer
    motion.tell("timer.fired", element=timer.tier, ref=timer.key, label=timer_name(motion, timer))
    return timer


def timer_name(motion: Motion, timer: Timer) -> str:
    drawn = motion.bundle.drawn.timers.get(timer.tier)
    return drawn.name if drawn else motion.bundle.name_of(timer.tier) or timer.tier
