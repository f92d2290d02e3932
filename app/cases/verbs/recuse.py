"""回避: who has an interest leaves the list of a 会签 himself; the others decide without him."""

from sqlalchemy import bindparam, exists, select

from app.cases.commands.stack import Recuse
from app.cases.env import awake
from app.cases.errors import VerbForbidden
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.sync import handled, take_away
from app.cases.verbs import guard
from app.engine.run import Run

_RECUSED = select(
    exists().where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.whole == bindparam("whole"),
        tasks.c.item == bindparam("item"),
        tasks.c.state == "cancelled",
        tasks.c.done_by.is_not(None),
    )
)


def recuse(motion: Motion, command: Recuse) -> Run:
    """The signer counts no more, as if never on the list; returns the engine, not yet at rest.

    Raises VerbForbidden: no step of several, or nobody else would be left; TaskDone, Stale, ReasonRequired.
    """
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    guard.fresh(task, command.seen)
    guard.allowed(motion, task, "recuse")
    reason = guard.written(command.reason, "回避的原因")
    if motion.bundle.step(task["step"]).many is None:
        raise VerbForbidden(f"“{task['name']}”不是几个人一起表态的环节，不能回避；请退回待办池或转办。")
    run = awake(motion)
    if len(run.signers(task["ref"])) == 1:
        raise VerbForbidden("名单上只剩您这一位，回避以后就没有人表态了；请先加签别人，或退回。")
    run.drop_instance(task["ref"])
    motion.change_task(
        task,
        state="cancelled",
        done_by=motion.actor.id,
        **motion.signing,
        opinion=reason,
        draft=None,
        closed_at=motion.now,
        revision=task["revision"] + 1,
    )
    take_away(motion, task)
    handled(motion)
    motion.tell_task("task.cancelled", task, recused=True, reason=reason)
    return run


def recused(motion: Motion, task: Row, item: str) -> bool:
    """Whether this item has left the list of the task's step: it is not put on it again."""
    which = {"case": motion.case["id"], "whole": task["whole"], "item": item}
    return bool(motion.session.scalar(_RECUSED, which))
