"""转办: who holds a task hands it to a peer, with a reason, so many times at most."""

from app.cases.commands import Transfer
from app.cases.errors import PersonNotSelectable, TaskNotClaimed, TransferredEnough
from app.cases.motion import Motion, Row
from app.cases.sync import lay_out, take_away
from app.cases.verbs import apart, guard
from app.core.errors import FieldError
from app.identity import login, org

MOST = 3
"""Transfers of one task where process.yaml says nothing."""


def transfer(motion: Motion, command: Transfer) -> Row:
    """The task lies on another desk; its clocks run on.

    Raises VerbForbidden, TaskNotClaimed, TransferredEnough, PersonNotSelectable, FourEyes,
    ReasonRequired.
    """
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    if task["state"] == "open":
        raise TaskNotClaimed
    guard.fresh(task, command.seen)
    rule = guard.allowed(motion, task, "transfer")
    most = rule.max if rule.max is not None else MOST
    if task["transfers"] >= most:
        raise TransferredEnough(f"已经转办 {most} 次，不能再转；请自己办理、上报，或退回待办池。")
    reason = guard.written(command.reason, "转办的原因")
    peer = _peer(motion, task, command.to)
    apart.four_eyes(motion, task, peer)
    motion.change_task(
        task,
        assignee_id=peer,
        transfers=task["transfers"] + 1,
        revision=task["revision"] + 1,
    )
    take_away(motion, task)
    lay_out(motion, task)
    called = org.name_of(motion.session, peer)
    motion.tell_task("task.transferred", task, to=peer, called=called, reason=reason)
    return task


def _peer(motion: Motion, task: Row, named: str) -> str:
    """The id of the person: one who finds this task by its own pools, and not the one who gives it away."""
    person = org.person_by_login(motion.session, named)
    if person is not None and person.active and person.id != motion.actor.id:
        peer = login.actor_by_id(motion.session, person.id)
        if any(pool in peer.pools for pool in task["pools"]):
            return str(person.id)
    message = f"“{named}”不能接办“{task['name']}”：只能转给同一待办池里的其他人。"
    raise PersonNotSelectable(message, errors=[FieldError("/to", "person-not-selectable", message)])
