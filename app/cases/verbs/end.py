"""终止 and 撤诉: a case ends without having come to an end event."""

from sqlalchemy import bindparam, exists, select

from app.cases import family
from app.cases.commands.asking import EndCase
from app.cases.commands.resting import Revoke, Terminate
from app.cases.env import awake
from app.cases.errors import CannotRevoke
from app.cases.models import cases, tasks
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.core import events
from app.core.errors import Forbidden
from app.engine.run import Run
from app.identity.permissions import CASE_CREATE, CASE_TERMINATE

TERMINATED, REVOKED, CALLED_OFF = "终止", "撤诉", "撤单"
"""Why a case was closed that nobody handled to its end."""

_BEGUN = select(
    exists().where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.state.in_(("claimed", "waiting", "suspended", "done", "returned")),
    )
    | exists().where(cases.c.filed_from == bindparam("case"))
)


def terminate(motion: Motion, command: Terminate) -> Run:
    """Ends an active or suspended case; the engine that is returned is cancelled and not yet at rest.

    What was begun for it ends as its process says (onParentEnd). Raises CaseClosed, CaseMerged, ChildOpen …
    """
    guard.right(motion, CASE_TERMINATE)
    if motion.case["state"] != "suspended":
        guard.case_active(motion)
    guard.fresh(motion.case, command.seen)
    reason = guard.written(command.reason, "终止的原因")
    motion.tell("case.terminated", reason=reason)
    return _ended(motion, TERMINATED)


def revoke(motion: Motion, command: Revoke) -> Run:
    """Who filed the case takes it back while nobody has signed or handled anything of it and it has
    filed no other one, or as long as it
    stands at steps that its process names (`revocable`): then those whose tasks go are told.

    Raises Forbidden for anybody else, CannotRevoke, CaseClosed, ReasonRequired.
    """
    case = motion.case["id"]
    if not guard.filed(motion):
        events.security("forbidden", motion.actor.id, case, {"permission": CASE_CREATE})
        raise Forbidden("只有登记这件办件的人可以撤诉。", permission=CASE_CREATE)
    guard.case_active(motion)
    begun = bool(motion.session.scalar(_BEGUN, {"case": case}))
    standing = [task for task in motion.open_tasks() if task["part"] is None]
    if begun and not (standing and {task["step"] for task in standing} <= motion.bundle.process.revocable):
        raise CannotRevoke
    reason = guard.written(command.reason, "撤诉的原因")
    desks = sorted({name for task in standing for name in task["pools"]}) if begun else []
    motion.tell("case.revoked", reason=reason, **({"pools": desks} if desks else {}))
    return _ended(motion, REVOKED)


def called_off(motion: Motion, command: EndCase) -> Run:
    """撤单: a request that was granted ends the case. Raises CaseClosed, CaseSuspended, ChildOpen …"""
    guard.case_active(motion)
    motion.tell("case.revoked", reason=guard.noted(command.reason, "撤单的原因"))
    return _ended(motion, CALLED_OFF)


def _ended(motion: Motion, why: str) -> Run:
    family.live(motion)  # those that rest with the case end too
    motion.case.update(close_reason=why, suspended_by=None, suspended_at=None)
    run = awake(motion)
    run.cancel()
    return run
