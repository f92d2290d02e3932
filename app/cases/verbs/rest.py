"""挂起 and 激活: nothing of a case moves until it is resumed, and it goes on where it stood; children too."""

from typing import Any

from sqlalchemy import bindparam, select

from app.cases import family
from app.cases.commands.resting import RestHold, RestWithParent, Resume, Suspend
from app.cases.errors import NotSuspended
from app.cases.external import follow as external
from app.cases.models import cases, waits
from app.cases.motion import Motion
from app.cases.sync import due_of, lay_out, take_away
from app.cases.verbs import guard
from app.clocks import pausing
from app.core import personal
from app.identity import org
from app.identity.actor import SYSTEM
from app.identity.permissions import CASE_SUSPEND

SUSPEND, WITH_PARENT = "suspend", "随主办件"
_CHILDREN = select(cases.c.id).where(
    cases.c.parent_id == bindparam("parent"),
    cases.c.state == bindparam("state"),
    cases.c.suspended_by.is_distinct_from(SYSTEM.id),  # a hold that rests by itself
)
_PARENT = select(cases.c.state).where(cases.c.id == bindparam("parent"))
_WAITS = select(waits.c.name, waits.c.ref, waits.c.element, waits.c.key).where(
    waits.c.case_id == bindparam("case")
)


def suspend(motion: Motion, command: Suspend) -> None:
    """Tasks leave every desk, token timers are held, messages lie until the case goes on; clocks stand still
    where sla.yaml says so (`pauseOn: [suspend]`), else they run on.

    Raises CaseSuspended, CaseClosed, CaseMerged, Stale, ReasonRequired.
    """
    guard.right(motion, CASE_SUSPEND)
    guard.case_active(motion)
    guard.fresh(motion.case, command.seen)
    reason = guard.written(command.reason, "挂起的原因")
    motion.tell("case.suspended", reason=reason)
    _rest(motion, reason)


def resume(motion: Motion, command: Resume) -> None:
    """Tasks lie where they lay, timers run, parked messages are looked at again.

    Raises NotSuspended, also for a child whose parent rests; Stale, ReasonRequired.
    """
    case = motion.case
    guard.right(motion, CASE_SUSPEND)
    if case["state"] != "suspended":
        raise NotSuspended
    if case["parent_id"] and motion.session.scalar(_PARENT, {"parent": case["parent_id"]}) == "suspended":
        raise NotSuspended("随主办件一起挂起的，请激活主办件。")
    guard.fresh(case, command.seen)
    reason = guard.written(command.reason, "激活的原因")
    motion.tell("case.resumed", reason=reason)
    _go_on(motion, reason)


def with_parent(motion: Motion, command: RestWithParent) -> bool:
    """A child follows its parent; False when it does already."""
    if motion.case["state"] != ("active" if command.rest else "suspended"):
        return False
    motion.tell("case.suspended" if command.rest else "case.resumed", reason=WITH_PARENT)
    if command.rest:
        _rest(motion, WITH_PARENT)
    else:
        _go_on(motion, WITH_PARENT)
    return True


def with_hold(motion: Motion, command: RestHold) -> bool:
    """A hold rests until clocks stand still by it again, False when it does already."""
    if motion.case["state"] != ("active" if command.rest else "suspended"):
        return False
    motion.tell("case.suspended" if command.rest else "case.resumed", reason=command.reason)
    if command.rest:
        _rest(motion, command.reason)
        motion.case.update(suspended_by=SYSTEM.id, status=command.called or motion.case["status"])
    else:
        _go_on(motion, command.reason)
        (task,) = motion.open_tasks()
        motion.case["status"] = motion.bundle.step(task["step"]).status
    return True


def wait_again(motion: Motion) -> None:
    """What lay parked for this case while it rested is looked at once more."""
    for row in motion.session.execute(_WAITS, {"case": motion.case["id"]}).mappings():
        told: dict[str, Any] = {"message": row["name"], "ref": row["ref"], "element": row["element"]}
        motion.tell("wait.opened", **told, key=row["key"], again=True)


def _rest(motion: Motion, reason: str) -> None:
    why = {"reason": personal.covered(reason)}
    motion.events += pausing.stand_still(motion.board, SUSPEND, why)
    for task in motion.open_tasks():
        motion.change_task(task, state="suspended", revision=task["revision"] + 1)
        take_away(motion, task)
    motion.board.alarms.hold()
    external.rest(motion)
    motion.case.update(state="suspended", suspended_by=motion.actor.id, suspended_at=motion.now)
    _ask_children(motion, "active", rest=True)


def _go_on(motion: Motion, reason: str) -> None:
    motion.events += pausing.resume(motion.board, SUSPEND, personal.covered(reason))
    for task in family.live(motion):
        if task["state"] != "suspended":
            continue
        holder = task["assignee_id"]
        here = holder is not None and org.is_active(motion.session, holder)
        motion.change_task(
            task,
            state="claimed" if here else "open",
            assignee_id=holder if here else None,
            claimed_at=task["claimed_at"] if here else None,
            due_at=due_of(motion, task),
            revision=task["revision"] + 1,
        )
        lay_out(motion, task)
    motion.board.alarms.go_on()
    external.go_on(motion)
    motion.case.update(state="active", suspended_by=None, suspended_at=None)
    wait_again(motion)
    _ask_children(motion, "suspended", rest=False)


def _ask_children(motion: Motion, state: str, *, rest: bool) -> None:
    if motion.case["children_open"]:
        which = {"parent": motion.case["id"], "state": state}
        for child in motion.session.execute(_CHILDREN, which).scalars():
            motion.ask(RestWithParent(child, rest))
