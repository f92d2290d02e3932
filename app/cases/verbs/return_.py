"""退回: the case goes back to an earlier step, also out of parallel parts; a dry run tells what it does."""

from typing import Any

import orjson
from sqlalchemy import bindparam, func, select

from app.audit.chain import case_chain
from app.cases.commands import Return
from app.cases.env import awake
from app.cases.errors import ReturnNotPossible, ReturnOverSend
from app.cases.models import GOING, cases, tasks
from app.cases.motion import Motion, Row
from app.cases.stack import above
from app.cases.sync import handled, undo_milestones
from app.cases.verbs import guard
from app.cases.verbs.stacking import drop
from app.engine.errors import ReturnImpossible
from app.engine.returns import ReturnPlan
from app.engine.run import Run

_CHILDREN = (
    select(cases.c.number)
    .where(cases.c.parent_id == bindparam("case"), cases.c.state.in_(GOING))
    .order_by(cases.c.id)
)


def give_back(motion: Motion, command: Return) -> Run:
    """Takes the task out and puts the case where it shall go on; returns the engine, not yet at rest.

    Raises VerbForbidden, ReturnNotPossible with its reasons, ReturnOverSend, ReasonRequired.
    """
    task = checked(motion, command.task_id)
    guard.fresh(task, command.seen)
    reason = guard.written(command.reason, "退回的原因")
    run = awake(motion)
    plan = planned(motion, run, task, command.step, command.scope)
    passed = again(motion, plan)
    if passed["messages"] and (command.over_send or motion.bundle.process.returns.over_send) == "refuse":
        names = "、".join(passed["messages"])
        raise ReturnOverSend(
            f"退回途中会再次发出：{names}。消息已经发出，不能收回。", messages=passed["messages"]
        )
    try:
        done = run.return_to(command.step, task["ref"], command.scope)
    except ReturnImpossible as error:
        raise ReturnNotPossible(error.message, reasons=list(error.reasons)) from error
    undo_milestones(motion, done.between)
    if task["ref"] not in {each.ref for each in plan.kept}:  # a branch beside may be done again without it
        motion.change_task(
            task,
            state="returned",
            done_by=motion.actor.id,
            **motion.signing,
            opinion=reason,
            closed_at=motion.now,
            revision=task["revision"] + 1,
        )
        motion.changes.inserts["leaving"].append({"task": task["id"]})
        for row in above(motion, task):  # who was to sign after it never will
            drop(motion, row)
    handled(motion)
    target = plan_name(motion, command.step)
    motion.tell_task("task.returned", task, to=command.step, target=target, reason=reason)
    return run


def checked(motion: Motion, task_id: str) -> Row:
    """The task, if this person may give it back."""
    task = guard.task_of(motion, task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    guard.allowed(motion, task, "return")
    return task


def planned(motion: Motion, run: Run, task: Row, step: str, scope: str) -> ReturnPlan:
    """What the return would do; changes nothing. Raises ReturnNotPossible."""
    try:
        return run.return_to(step, task["ref"], scope, dry_run=True)
    except ReturnImpossible as error:
        raise ReturnNotPossible(error.message, reasons=list(error.reasons)) from error


_SINCE = (
    select(case_chain.c.events)
    .where(
        case_chain.c.case_id == bindparam("case"),
        case_chain.c.at
        >= select(func.max(tasks.c.opened_at))
        .where(
            tasks.c.case_id == bindparam("case"),
            tasks.c.step == bindparam("step"),
            tasks.c.part.is_(None),
        )
        .scalar_subquery(),
    )
    .order_by(case_chain.c.seq)
)


def sent_since(motion: Motion, step: str) -> set[str]:
    """The messages that went out since the case entered a step last."""
    rows = motion.session.execute(_SINCE, {"case": motion.case["id"], "step": step}).scalars()
    told = [event for text in rows for event in orjson.loads(text)]
    return {event["message"] for event in told if event["name"] == "message.sent"}


def again(motion: Motion, plan: ReturnPlan) -> dict[str, list[str]]:
    """What lies between and would happen once more on the way: messages that went out, handlers called."""
    known, messages = motion.bundle.drawn, motion.bundle.messages
    ends = {**motion.bundle.engine.ends, **known.ends}
    passed = [*plan.between, *(each for call in plan.between for each in _inside(motion, call))]
    drawn = [known.events.get(each) or ends.get(each) for each in passed]
    thrown = {each.what for each in drawn if each is not None and each.kind == "message"}
    thrown = {name for name in thrown if name in messages and messages[name].direction == "out"}
    sent = thrown & sent_since(motion, plan.target) if thrown else thrown
    handlers = {known.services[each].name for each in passed if each in known.services}
    return {"messages": sorted(sent), "handlers": sorted(handlers)}


def _inside(motion: Motion, call: str) -> list[str]:
    """What is passed inside a call activity; nothing for any other element."""
    known = motion.bundle.drawn
    return [each for each in (*known.events, *known.ends, *known.services) if each.startswith(f"{call}/")]


def plan_name(motion: Motion, step: str) -> str:
    drawn = motion.bundle.drawn.steps.get(step)
    return drawn.name if drawn else step


def shown(motion: Motion, plan: ReturnPlan) -> dict[str, Any]:
    """A plan as it leaves the house, with what the clocks do: due times are never reset by a return."""
    return {
        "target": plan.target,
        "targetName": plan_name(motion, plan.target),
        "scope": plan.scope,
        "choices": list(plan.choices),
        "reasons": list(plan.reasons),
        "withdrawn": [_touched(each) for each in plan.withdrawn],
        "kept": [_touched(each) for each in plan.kept],
        "opened": [_touched(each) for each in plan.opened],
        "votesDropped": [{"step": v.step, "item": v.item, "outcome": v.outcome} for v in plan.votes_dropped],
        "timersEnded": [wait.name for wait in plan.timers_ended if wait.kind == "timer"],
        "timersArmed": [wait.name for wait in plan.timers_armed if wait.kind == "timer"],
        "again": again(motion, plan),
        "children": motion.case["children_open"],
        "openChildren": open_children(motion),
        "clocks": clocks_told(motion, plan),
    }


def open_children(motion: Motion) -> list[str]:
    """The numbers of what was begun for the case and is not over: a return leaves it as it is."""
    if not motion.case["children_open"]:
        return []
    return list(motion.session.execute(_CHILDREN, {"case": motion.case["id"]}).scalars())


def clocks_told(motion: Motion, plan: ReturnPlan) -> list[str]:
    """One line a clock of the whole case: it runs on, runs again since a milestone is undone, or is over.

    The milestones are undone on the board of this motion, which a plan throws away.
    """
    ran = {clock.id for clock in motion.board.live()}
    undo_milestones(motion, plan.between)
    lines = []
    for clock in motion.board.clocks:
        if clock.of_a_task or clock.of_a_unit or not (clock.live or clock.id in ran):
            continue
        label = motion.bundle.sla.clocks[clock.name].label
        if not clock.live:
            lines.append(f"“{label}”停止计时。")
        elif clock.id in ran:
            lines.append(f"“{label}”不重新计时。")
        else:
            lines.append(f"“{label}”接着算，像没有停过。")
    return lines


def _touched(each: Any) -> dict[str, Any]:
    return {"step": each.step, "name": each.name, "item": each.item, "branch": each.branch}
