"""撤回: who acted takes it back, as long as nobody has gone on from there."""

import orjson
from sqlalchemy import bindparam, select

from app.audit.chain import case_chain
from app.cases.commands import Withdraw
from app.cases.env import awake
from app.cases.errors import CannotWithdraw
from app.cases.external.models import external_tasks
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.stack import LIVE, load
from app.cases.sync import undo_milestones
from app.cases.verbs import guard
from app.cases.verbs.claim import take_up
from app.engine.errors import ReturnImpossible
from app.engine.run import Run

_LATER = (
    select(tasks)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.opened_at >= bindparam("since"))
    .order_by(tasks.c.id)
)
_BESIDE = (
    select(tasks.c.place)
    .distinct()
    .where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.whole == bindparam("whole"),
        tasks.c.opened_at < bindparam("since"),
    )
)
_SINCE = (
    select(case_chain.c.events)
    .where(case_chain.c.case_id == bindparam("case"), case_chain.c.at >= bindparam("since"))
    .order_by(case_chain.c.seq)
)
_FETCHED = (
    select(external_tasks.c.name)
    .where(
        external_tasks.c.case_id == bindparam("case"),
        external_tasks.c.opened_at >= bindparam("since"),
        external_tasks.c.locks > 0,
    )
    .limit(1)
)
GONE_OUT = {
    "message.sent": "已经向外发出消息",
    "request.opened": "已经请其他单位协办，或已有申请、督办、补充",
    "timer.fired": "已经到时自动往下走",
    "message.received": "已经收到外部来件",
    "people.told": "已经通知了有关的人",
    "poll.opened": "居民投票已经开始",
    "publication.shown": "已经给居民看",
    "external.done": "外部系统已经办成",
    "external.error": "外部系统已经答复",
}


def withdraw(motion: Motion, command: Withdraw) -> Run:
    """The step is open again for the one who did it; returns the engine, not yet at rest.

    Raises CannotWithdraw with what happened since, ReasonRequired.
    """
    mine = guard.task_of(motion, command.task_id)
    guard.in_whose_name(motion, mine)
    if mine["done_by"] != motion.actor.id or mine["state"] != "done":
        guard.authority(motion, mine)
        raise CannotWithdraw("只能撤回自己办理的环节。")
    guard.allowed(motion, mine, "withdraw")
    guard.case_active(motion)
    if mine["stacked"] and any(row["state"] in LIVE for row in load(motion, mine)):
        raise CannotWithdraw("不能撤回：后面还有加签没有办完，请先减签，或等加签人退回。")
    reason = guard.written(command.reason, "撤回的原因")
    opened = _opened_since(motion, mine)
    run = awake(motion)
    step = motion.bundle.step(mine["step"])
    try:
        if step.many is not None and (beside := _beside(motion, mine)) is not None:
            run.reopen_vote(beside["ref"], mine["place"])
        else:
            anchor = opened[0] if opened else next(iter(motion.open_tasks()), None)
            if (
                mine["step"] in motion.bundle.drawn.repeated
            ):  # from another item's task another item goes back
                anchor = next((task for task in motion.open_tasks() if _of_my_item(task, mine)), None)
                if step.many is not None or anchor is None:
                    raise CannotWithdraw("这一项已经走完，不能单独撤回；请由后面的环节退回。")
            done = run.return_to(mine["step"], anchor["ref"] if anchor else None, withdraw=True)
            if mine["step"].rpartition("/")[2] not in {each.step for each in done.opened}:
                raise CannotWithdraw("不能撤回：它所在的这一段已经办完，只能由后面的环节退回。")
            undo_milestones(motion, done.between)
    except ReturnImpossible as error:
        raise CannotWithdraw(error.message) from error
    motion.tell_task("task.withdrawn", mine, reason=reason)
    return run


def back_on_desk(motion: Motion, command: Withdraw) -> None:
    """The step lies with who did it, not with all who could: once it is open again, it is taken for them."""
    mine = motion.tasks[command.task_id]
    for task in motion.open_tasks():
        same = (task["step"], task["item"], task["place"]) == (mine["step"], mine["item"], mine["place"])
        if same and task["state"] == "open" and guard.in_pool(motion, task):
            take_up(motion, task)


def _opened_since(motion: Motion, mine: Row) -> list[Row]:
    """The tasks that opened by or after the act, none of them touched. Raises CannotWithdraw."""
    which = {"case": motion.case["id"], "since": mine["closed_at"]}
    for text in motion.session.execute(_SINCE, which).scalars():
        for event in orjson.loads(text):
            if event["name"] in GONE_OUT:
                raise CannotWithdraw(f"不能撤回：{GONE_OUT[event['name']]}。")
    fetched = motion.session.scalar(_FETCHED, which)
    if fetched is not None:
        raise CannotWithdraw(f"不能撤回：“{fetched}”已由外部系统领取。")
    aside = _going_beside(motion, mine)
    later = [dict(row) for row in motion.session.execute(_LATER, which).mappings() if row["id"] != mine["id"]]
    later = [task for task in later if task["place"] not in aside or task["whole"] != mine["whole"]]
    for task in later:
        if task["state"] == "claimed":
            raise CannotWithdraw(f"不能撤回：“{task['name']}”已有人签收。")
        if task["state"] in ("done", "returned"):
            raise CannotWithdraw(f"不能撤回：“{task['name']}”已经办理。")
    return [task for task in later if task["state"] == "open"]


def _going_beside(motion: Motion, mine: Row) -> set[int]:
    """The places of items that were under way beside mine when I acted: what they do is not by my act."""
    step = motion.bundle.step(mine["step"])
    if mine["whole"] is None or step.many is not None:
        return set()
    which = {"case": motion.case["id"], "whole": mine["whole"], "since": mine["closed_at"]}
    return set(motion.session.execute(_BESIDE, which).scalars()) - {mine["place"]}


def _of_my_item(task: Row, mine: Row) -> bool:
    return bool((task["whole"], task["place"]) == (mine["whole"], mine["place"]))


def _beside(motion: Motion, mine: Row) -> Row | None:
    """Another signer's task of the same step and round, still open: then only the own vote is reopened."""
    same = (mine["step"], mine["round"], mine["whole"])
    return next((t for t in motion.open_tasks() if (t["step"], t["round"], t["whole"]) == same), None)
