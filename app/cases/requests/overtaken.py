"""Requests that lost what they are about: a hold once nothing stands still, more time for what has stopped.

The mark 挂账 goes with the clocks, not with the request: it stands as long as one of them stands still by it.
A hold in force rests while none does, and goes on when the stop is undone.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.cases.commands.merging import EndChild
from app.cases.commands.resting import RestHold
from app.cases.models import GOING, cases
from app.cases.motion import Motion
from app.cases.requests import passing_on
from app.cases.requests.models import case_requests
from app.cases.requests.rules import CLOCK
from app.cases.sync import set_dues
from app.clocks import pausing
from app.clocks.pausing import HOLD

RELEASED = "released"
"""The reason of an end event (`p:closeReason`) that says a hold is over before its day."""

_LEFT = (
    select(
        case_requests.c.id,
        case_requests.c.kind,
        case_requests.c.unit,
        case_requests.c.state,
        cases.c.state.label("going"),
        cases.c.version_id,
        cases.c.data,
    )
    .join(cases, cases.c.id == case_requests.c.id)
    .where(
        case_requests.c.parent_id == bindparam("parent"),
        cases.c.state.in_(GOING),
    )
    .order_by(case_requests.c.id)
)


def follow(motion: Motion) -> None:
    """After an act: the mark follows the clocks; a hold rests and goes on with them; what cannot be granted
    any more ends, and says why; the rest goes with the case to another unit."""
    case = motion.case
    held, holds = bool(case["on_hold"]), pausing.holds(motion.board, HOLD)
    case["on_hold"] = holds
    if holds and (joined := pausing.join(motion.board, HOLD)):
        motion.events += joined
        set_dues(motion)
    if not (case["children_open"] and case["state"] in GOING):
        return
    told = {event.name for event in motion.events}
    stopped, passed = "clock.stopped" in told, "unit.assigned" in told
    renewed = holds and not held and "clock.resumed" in told
    left = _left(motion) if stopped or passed or renewed else ()
    if passed:
        passing_on.follow(motion, left)
    if stopped:
        for row in left:
            if not _in_force(row):
                if (why := _lost(motion, row)) is not None:
                    motion.ask(EndChild(row.id, why))
            elif held and not holds and row.going == "active":
                _rest(motion, row)
    if renewed:
        resting = [row for row in left if _in_force(row) and row.going == "suspended"]
        for row in resting[-1:]:
            _go_on(motion, row)


def _left(motion: Motion) -> Sequence[Any]:
    """The requests of the case that are not over."""
    return motion.session.execute(_LEFT, {"parent": motion.case["id"]}).all()


def _in_force(request: Any) -> bool:
    return bool(request.kind == HOLD and request.state != "pending")


def _rest(motion: Motion, hold: Any) -> None:
    reason = "计时已经停止，不再挂账"
    motion.ask(RestHold(hold.id, True, reason, _released(hold.version_id)))
    motion.tell("request.withdrawn", kind=HOLD, called="挂账", child=hold.id, reason=reason)


def _go_on(motion: Motion, hold: Any) -> None:
    reason = "停止计时已经撤回，仍以批准的那一天为准"
    motion.ask(RestHold(hold.id, False, reason))
    motion.tell("request.renewed", kind=HOLD, called="挂账", child=hold.id, reason=reason)


def _lost(motion: Motion, request: Any) -> str | None:
    """Why a request that waits cannot be granted any more, if so."""
    board = motion.board
    if request.kind == HOLD:
        heeds = any(HOLD in board.sla.clocks[clock.name].pauses for clock in board.live())
        return None if heeds else "已经没有在走的时限可以停下"
    name = str(request.data.get(CLOCK) or "")
    drawn, clock = board.sla.clocks.get(name), board.newest(name)
    if drawn is None or (clock is not None and clock.live):
        return None
    return f"“{drawn.label}”已经停止计时"


def _released(version_id: str) -> str | None:
    """What the case of a hold is called that is over before its day."""
    ends = bundles.get(version_id).engine.ends.values()
    return next((end.status for end in ends if end.close_reason == RELEASED), None)
