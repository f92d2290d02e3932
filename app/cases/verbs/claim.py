"""签收 and 退回待办池: a pool task gets its person, or goes back; also when the person leaves."""

from app.cases import owning
from app.cases.commands import Claim, HandBack, Unclaim
from app.cases.errors import TaskNotClaimed
from app.cases.motion import Motion, Row
from app.cases.sync import due_of, lay_out, let_in, set_dues, take_away
from app.cases.verbs import apart, guard
from app.identity import login


def claim(motion: Motion, command: Claim) -> Row | None:
    """Takes the task out of its pool; None when the same person had it already."""
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    if task["state"] == "claimed" and task["assignee_id"] == motion.actor.id:
        return None
    guard.still_open(motion, task)
    if command.seen is not None:
        guard.fresh(task, command.seen)
    guard.allowed(motion, task, "claim")
    apart.four_eyes(motion, task)
    take_up(motion, task)
    return task


def take(motion: Motion, task: Row) -> None:
    """The person becomes the assignee; the clocks that waited for a signature stop.

    The first unit that signs an order dispatched to it answers for it from then on (首接负责).
    """
    motion.change_task(
        task,
        state="claimed",
        assignee_id=motion.actor.id,
        claimed_at=motion.now,
        **motion.signing,
        revision=task["revision"] + 1,
    )
    motion.tell_task("task.claimed", task)
    owning.signed(motion, task)


def unclaim(motion: Motion, command: Unclaim) -> Row:
    """Gives the task back to its pool, with a reason; the clocks that its claim stopped run on."""
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    if task["state"] == "open":
        raise TaskNotClaimed
    guard.fresh(task, command.seen)
    guard.allowed(motion, task, "unclaim")
    reason = guard.written(command.reason, "退回待办池的原因")
    since = task["claimed_at"].isoformat()
    motion.change_task(
        task,
        state="open",
        assignee_id=None,
        claimed_at=None,
        revision=task["revision"] + 1,
    )
    motion.tell_task("task.unclaimed", task, reason=reason, since=since)
    _lay_anew(motion, task)
    return task


def hand_back(motion: Motion, command: HandBack) -> bool:
    """A task leaves the desk of somebody who goes, and the clocks that its claim stopped run on; False when
    it does not lie there any more.

    One that was meant for this person by name goes to whoever stands beside him: his own pools.
    """
    task, desk = guard.task_of(motion, command.task_id), f"person:{command.holder}"
    if task["state"] not in ("open", "claimed") or (task["assignee_id"] or command.holder) != command.holder:
        return False
    pools = [pool for pool in task["pools"] if pool != desk]
    if not pools:
        pools = sorted(login.actor_by_id(motion.session, command.holder).pools) or task["pools"]
    since = task["claimed_at"].isoformat() if task["state"] == "claimed" else None
    motion.change_task(
        task,
        state="open",
        assignee_id=None,
        claimed_at=None,
        pools=pools,
        revision=task["revision"] + 1,
    )
    motion.tell_task("task.handed_back", task, called=command.called, reason=command.reason, since=since)
    _lay_anew(motion, task)
    let_in(motion, pools)
    return True


def take_up(motion: Motion, task: Row) -> None:
    """The person becomes the assignee, and the task lies on the own desk."""
    take(motion, task)
    _lay_anew(motion, task)


def _lay_anew(motion: Motion, task: Row) -> None:
    """The task lies where it belongs now, by what its clocks say now; the others follow their clocks."""
    motion.change_task(task, due_at=due_of(motion, task))
    take_away(motion, task)
    lay_out(motion, task)
    set_dues(motion)
