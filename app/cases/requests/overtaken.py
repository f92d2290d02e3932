"""Requests that lost what they are about: a hold once nothing stands still, more time for what has stopped.

The mark 挂账 goes with the clocks, not with the request: it falls as soon as none of them stands still by it.
"""

from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.cases.commands.merging import EndChild
from app.cases.models import GOING, cases
from app.cases.motion import Motion
from app.cases.requests.models import case_requests
from app.cases.requests.rules import CLOCK
from app.clocks import pausing
from app.clocks.pausing import HOLD

RELEASED = "released"
"""The reason of an end event (`p:closeReason`) that says a hold is over before its day."""

_LEFT = (
    select(
        case_requests.c.id,
        case_requests.c.kind,
        case_requests.c.state,
        cases.c.version_id,
        cases.c.data,
    )
    .join(cases, cases.c.id == case_requests.c.id)
    .where(
        case_requests.c.parent_id == bindparam("parent"),
        case_requests.c.kind.in_(("extension", HOLD)),
        cases.c.state.in_(GOING),
    )
    .order_by(case_requests.c.id)
)


def follow(motion: Motion) -> None:
    """After an act: the mark follows the clocks; what cannot be granted any more ends, and says why."""
    case = motion.case
    held: bool = case["on_hold"]
    case["on_hold"] = held and pausing.holds(motion.board, HOLD)
    stopped = any(event.name == "clock.stopped" for event in motion.events)
    if not (stopped and case["children_open"] and case["state"] in GOING):
        return
    for row in motion.session.execute(_LEFT, {"parent": case["id"]}):
        if row.kind == HOLD and row.state != "pending":
            if held and not case["on_hold"]:
                reason = "计时已经停止，不再挂账"
                motion.ask(EndChild(row.id, reason, status=_released(row.version_id)))
                motion.tell("request.withdrawn", kind=HOLD, called="挂账", child=row.id, reason=reason)
        elif (why := _lost(motion, row)) is not None:
            motion.ask(EndChild(row.id, why))


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
