"""Rows follow the engine's picture: tasks open and close, timers arm, the status changes, the case ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.cases import assign, family, owning, stack, waits
from app.cases.models import GOING
from app.cases.motion import Motion, Row
from app.core.ids import new_id
from app.engine.picture import HumanTask, Passed, Picture
from app.engine.run import Run

HANDED = "handed"
"""Why somebody outside the case's units sees it: a task was put on the own desk."""
RANK_WITHOUT_DUE = "99999999999999"


def sync(motion: Motion, picture: Picture, gone: str = "cancelled") -> None:
    """Brings every row to what the picture says: an open row for each open human task of the engine.

    `gone` is what becomes of tasks that are no longer there: cancelled, or returned.
    """
    motion.ask_limits()
    before = len(motion.opened)  # by acts before this one, of the same transaction
    refs = {task.ref for task in picture.tasks}
    for row in family.live(motion):
        if row["ref"] not in refs:
            for each in (*stack.waiting(motion, row), row):
                _end(motion, each, gone)
    known = {row["ref"] for row in motion.tasks.values()}
    new = [task for task in picture.tasks if task.ref not in known]
    if new:
        assign.look_ahead(motion, [(_rules(motion, task), _item(task)) for task in new])
    for task in new:
        _open(motion, task)
    motion.board.follow(picture.waits)
    waits.follow(motion, picture.waits)
    if picture.status is not None:
        motion.case["status"] = picture.status
    for thrown in picture.thrown:
        motion.tell(f"{thrown.kind}.thrown", element=thrown.element, label=thrown.name)
    if picture.ended:
        _close(motion, picture)
    elif not (picture.tasks or motion.board.moves_by_itself() or _comes_from_outside(picture)):
        motion.stranded = picture.waits
    for row in motion.opened[before:]:
        row["due_at"] = due_of(motion, row)
        lay_out(motion, row)
    set_dues(motion, motion.opened[before:])


def tell_decided(motion: Motion, trace: Iterable[Passed]) -> None:
    """Which rules of which tables decided at business rule tasks, for who asks why the case went this way."""
    for passed in trace:
        if passed.rules:
            rules = [{"table": hit.decision, "rule": hit.rule, "number": hit.number} for hit in passed.rules]
            motion.tell("table.decided", element=passed.place, rules=rules)


def tell_milestones(motion: Motion, trace: Iterable[Passed]) -> None:
    """Milestones that an event in the line or the end of a call carries (`p:event`), told as it is passed."""
    known = motion.bundle.drawn
    for passed in trace:
        drawn = known.events.get(passed.place) or known.ends.get(passed.place)
        if drawn is not None and (milestone := drawn.extensions.get("event")):
            motion.tell(milestone, element=drawn.id)


def undo_milestones(motion: Motion, passed: Iterable[str]) -> None:
    """The case goes back to before these elements: the clocks that their milestones stopped run on."""
    known = motion.bundle.drawn
    carried: list[Any] = []
    for each in passed:
        end, line = known.ends.get(each) or motion.bundle.engine.ends.get(each), known.events.get(each)
        carried += [where.event for where in (known.steps.get(each), end) if where is not None]
        carried += [line.extensions.get("event")] if line is not None else []
    motion.events += motion.board.undo({event for event in carried if event})


def tell_votes(motion: Motion, run: Run) -> None:
    """How a vote ended, with its counts: of steps that say what passes, not of work shared out."""
    for passed in run.trace:
        drawn = motion.bundle.drawn.steps.get(passed.place)
        if drawn is not None and drawn.votes and passed.index is None:
            total, votes = run.view.count_of(passed.place) or (0, {})
            told = {"whole": passed.ref, "result": passed.outcome, "total": total, "votes": dict(votes)}
            motion.tell("vote.decided", step=passed.place, label=drawn.name, **told)


def _comes_from_outside(picture: Picture) -> bool:
    """A message may still come: its wait is a row, and whoever waits too long is told by a clock."""
    return any(wait.kind in ("message", "external") for wait in picture.waits)


def lay_out(motion: Motion, task: Row) -> None:
    """Puts an open task where it is to be found: in its pools, or on its person's desk."""
    rank = rank_of(*motion.urgency, task["due_at"], task["priority"], task["id"])
    holders = [f"person:{task['assignee_id']}"] if task["assignee_id"] else [holder(p) for p in task["pools"]]
    for name in holders:
        lying = {
            "holder": name,
            "rank": rank,
            "due_at": task["due_at"],
            "task_id": task["id"],
            "process_key": motion.case["process_key"],
        }
        motion.changes.insert("task_queue", lying)


def take_away(motion: Motion, task: Row) -> None:
    """The task leaves every place where it lay, or was about to."""
    inserts = motion.changes.inserts
    inserts["leaving"].append({"task": task["id"]})
    inserts["task_queue"] = [row for row in inserts["task_queue"] if row["task_id"] != task["id"]]


def holder(pool: str) -> str:
    return pool if pool.startswith("person:") else f"pool:{pool}"


def rank_of(instructed: bool, urgency: int, due: datetime | None, priority: int, task_id: str) -> str:
    """Text that sorts as the inbox does: 领导批示 (0) before all others (1), urgent, due, priority."""
    when = due.strftime("%Y%m%d%H%M%S") if due else RANK_WITHOUT_DUE
    return f"{0 if instructed else 1}{100 - urgency:03d}{when}{100 - priority:03d}{task_id}"


def _open(motion: Motion, task: HumanTask) -> None:
    owning.come_to(motion, task.step)
    pools = assign.pools_for(motion, _rules(motion, task), _item(task), task.index)
    row: dict[str, Any] = {
        "id": new_id(),
        "case_id": motion.case["id"],
        "root_id": motion.case["root_id"],
        "ref": task.ref,
        "seat": 0,
        "part": None,
        "under_id": None,
        "stacked": False,
        "step": task.step,
        "name": task.name,
        "lane": task.lane,
        "item": _item(task),
        "place": task.index,
        "whole": task.whole,
        "round": task.round,
        "pools": list(pools.names),
        "assignee_id": None,
        "owner_id": None,
        "transfers": 0,
        "state": "open",
        "priority": task.priority,
        "due_at": None,
        "opened_at": motion.now,
        "claimed_at": None,
        "closed_at": None,
        "done_by": None,
        "hand_id": None,
        "signature": None,
        "outcome": None,
        "answers": None,
        "answers_salt": None,
        "opinion": None,
        "draft": None,
        "revision": 1,
    }
    motion.tasks[row["id"]] = row
    motion.opened.append(row)
    let_in(motion, pools.names)
    for name in pools.names if row["item"] is not None else ():  # whoever a list names has to see it
        if name.startswith("person:"):
            grant(motion, name, HANDED)
    if pools.fallback:
        motion.unstaffed.append(row)
    motion.tell_task(
        "task.opened", row, pools=list(pools.names), **({"fallback": True} if pools.fallback else {})
    )


def route_anew(motion: Motion, row: Row) -> bool:
    """Finds the pools of an open task again, by who is appointed now; False while the right one is empty."""
    pools = assign.pools_for(motion, motion.bundle.rules_at(row["step"]), row["item"], row["place"])
    if pools.fallback:
        return False
    if row["pools"] == list(pools.names):
        return True
    motion.change_task(row, pools=list(pools.names), revision=row["revision"] + 1)
    take_away(motion, row)
    lay_out(motion, row)
    let_in(motion, pools.names)
    motion.tell_task("task.rerouted", row, pools=list(pools.names))
    return True


def let_in(motion: Motion, pools: Sequence[str]) -> None:
    """The units of these pools see the case from now on, and those above them that the process names; of a
    sealed one only who stands in the pools."""
    process = motion.bundle.process
    hidden = process.above_sees and (motion.new or motion.sealed)
    for name in pools:
        if name.startswith("person:"):
            continue
        grant(motion, f"pool:{name}" if hidden else f"unit:{assign.unit_path(name)}", "pool")
        for path in () if hidden else assign.above(motion, assign.unit_path(name), process.seen_above):
            grant(motion, f"unit:{path}", "pool")


def _item(task: HumanTask) -> str | None:
    """What the task is done for, in a step of several: a unit's code or a person's login."""
    return None if task.item is None else str(task.item)


def _rules(motion: Motion, task: HumanTask) -> Sequence[Any]:
    return motion.bundle.rules_at(task.step)


def grant(motion: Motion, who: str, reason: str) -> None:
    """Lets somebody see the case beyond their scope: units of its pools, people who handled it."""
    motion.changes.update(
        "case_access", f"{who}|{reason}", {"case_id": motion.case["id"], "holder": who, "reason": reason}
    )


def handled(motion: Motion) -> None:
    """Who did a task keeps seeing its case: the one in whose name, and who really did it."""
    for person in dict.fromkeys((motion.actor.id, motion.actor.doer)):
        grant(motion, f"person:{person}", "handled")


def _end(motion: Motion, row: Row, how: str) -> None:
    motion.change_task(row, state=how, closed_at=motion.now, revision=row["revision"] + 1)
    take_away(motion, row)
    motion.tell_task(f"task.{how}", row)


def _close(motion: Motion, picture: Picture) -> None:
    """The case ends as its end event says; one that ends with another case has no end event, but a reason."""
    case, end = motion.case, motion.bundle.engine.ends.get(picture.end_element or "")
    if end is not None:
        case.update(end_element=end.id, close_reason=end.close_reason, status=end.status or case["status"])
        if end.event:
            motion.tell(end.event, end=end.id)
    alone = end is None and case["state"] in GOING  # its parent has gone, and nobody answers for it
    case.update(state="cancelled" if alone else "closed", closed_at=motion.now, on_hold=False)
    motion.tell(f"case.{case['state']}", end=case["end_element"], reason=case["close_reason"])
    motion.events += motion.board.close()
    family.ended(motion)


def set_dues(motion: Motion, laid: Sequence[Row] = ()) -> None:
    """Clocks that started or stopped, and another urgency of the case, move open tasks in the inbox, but for
    those that have just been laid out."""
    new = {row["id"] for row in laid}
    for row in motion.open_tasks():
        if row["id"] not in new and (due := due_of(motion, row)) != row["due_at"]:
            motion.change_task(row, due_at=due)
        elif not motion.more_or_less_urgent:
            continue
        take_away(motion, row)
        lay_out(motion, row)


def due_of(motion: Motion, row: Row) -> datetime | None:
    """The earliest due time of the step's clocks that still run: one that was met is owed no more."""
    names = motion.bundle.step(row["step"]).clocks
    running = [c for name in names if (c := motion.board.clock_for(name, row["ref"])) and c.live]
    return min((clock.due_at for clock in running if clock.due_at is not None), default=None)
