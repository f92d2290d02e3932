"""换用时限规则: a running case goes by a newer policy of its process; its tasks follow."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from app import bundles
from app.audit.chain import case_chain
from app.bundles.sla import SAID, Sla
from app.cases.commands.clocks import SwapPolicy
from app.cases.models import GOING
from app.cases.motion import Motion
from app.cases.sync import set_dues
from app.clocks import swapping
from app.clocks.swapping import Swapped
from app.core.errors import Conflict
from app.core.events import Event

SWAPPED = "case.policy_changed"

_TOLD = (
    select(case_chain.c.at, case_chain.c.events)
    .where(case_chain.c.case_id == bindparam("case"))
    .order_by(case_chain.c.seq)
)


class TiersToCome(Conflict):
    """这件办件有到了的档还没有记下，过一会儿再换。"""


def swap_policy(motion: Motion, command: SwapPolicy) -> bool:
    """The clocks that run go over; False when the case has ended, or goes by that policy or a newer one.

    Raises TiersToCome, SwapRefused, and what a table of limits raises that has no answer.
    """
    case, board = motion.case, motion.board
    under = case["policy_version"] or case["version_id"]
    if case["state"] not in GOING or under not in command.older:
        return False
    if swapping.to_come(board):
        raise TiersToCome
    sla = bundles.get(command.version).sla
    happened = list(_happened(motion, sla)) if swapping.differing_stops(board, sla) else ()
    motion.bundle = bundles.under(case["version_id"], command.version)
    swapped, told = swapping.go_over(board, command.version, sla, happened)
    case["policy_version"] = command.version
    data = {"policy": command.number, "was": command.older[under] or None}
    about = {"swap": command.swap, "clocks": [_moved(motion, each) for each in swapped]}
    motion.tell_outside(SWAPPED, {**data, "reason": command.reason, "called": command.called}, about)
    motion.events += told
    if case["state"] == "active":
        set_dues(motion)
    return True


def _happened(motion: Motion, sla: Sla) -> Iterator[Event]:
    """What the case told so far, as clocks hear it, and what is said in its data."""
    case_id = motion.case["id"]
    for row in motion.session.execute(_TOLD, {"case": case_id}):
        yield from (Event(told["name"], case_id, row.at, "", told) for told in orjson.loads(row.events))
    for name in sla.said:
        if motion.case["data"].get(name) is True:
            yield Event(SAID, case_id, motion.now, "", {"field": name})


def _moved(motion: Motion, swapped: Swapped) -> dict[str, Any]:
    """One clock as a report keeps it; `fires` are the names of what acts at once."""
    was, now = swapped.was, swapped.now
    return {
        "clock": now.name,
        "label": swapped.label,
        "state": now.state,
        "wasLimit": was.allowance,
        "limit": now.allowance,
        "wasDue": _text(was.due_at),
        "due": _text(now.due_at),
        "passed": list(swapped.passed),
        "fires": [motion.bundle.drawn.timers[each].name or each for each in swapped.fires],
    }


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
