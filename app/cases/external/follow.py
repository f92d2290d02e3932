"""Rows of external tasks follow the engine: one opens where work outside is awaited, and ends with that."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, text, update

from app.cases.external.models import external_tasks
from app.cases.motion import Motion
from app.core.ids import new_id
from app.engine.picture import Wait
from app.engine.run import Run

URGENT = 100

_LIVE = text("external_tasks.state in ('open', 'stopped', 'resting')")
_INSERT = insert(external_tasks)
_OVER = (
    update(external_tasks)
    .where(external_tasks.c.case_id == bindparam("case"), external_tasks.c.ref == bindparam("which"), _LIVE)
    .values(
        state=bindparam("how"),
        closed_at=bindparam("at"),
        closed_by=bindparam("by"),
        next_at=None,
        lock_until=None,
    )
)
_RANKED = (
    update(external_tasks)
    .where(external_tasks.c.case_id == bindparam("case"), _LIVE)
    .values(rank=bindparam("placed"))
)
_REST = (
    update(external_tasks)
    .where(external_tasks.c.case_id == bindparam("case"), text("external_tasks.state = 'open'"))
    .values(
        state="resting",
        next_at=None,
        lock_until=None,
        closed_at=bindparam("at"),
        closed_by=bindparam("by"),
    )
)
_GO_ON = (
    update(external_tasks)
    .where(external_tasks.c.case_id == bindparam("case"), text("external_tasks.state = 'resting'"))
    .values(state="open", next_at=bindparam("at"), closed_at=None, closed_by=None)
)


def follow(motion: Motion, run: Run, waits: Sequence[Wait], gone: str) -> None:
    """Makes the rows equal to what the engine waits for now; the inputs are read as they are at this moment.

    `gone` is what becomes of work that nobody handed in. Raises ExpressionFailed.
    """
    before = motion.awaited or {}
    awaited = [wait for wait in waits if wait.kind == "external"]
    for wait in awaited:
        if wait.ref not in before:
            _open(motion, run, wait)
    still = {wait.ref for wait in awaited}
    for ref, kind in sorted(before.items()):
        if kind == "external" and ref not in still:
            how = motion.finished.get(ref, gone)
            over = {"case": motion.case["id"], "which": ref, "how": how, "at": motion.now}
            motion.changes.insert("external_over", {**over, "by": motion.actor.id})


def _open(motion: Motion, run: Run, wait: Wait) -> None:
    service = run.service_at(wait.ref)
    row: dict[str, Any] = {
        "id": new_id(),
        "case_id": motion.case["id"],
        "ref": wait.ref,
        "element": wait.element,
        "name": service.name,
        "topic": wait.name,
        "org_path": motion.case["org_path"],
        "rank": _rank(motion),
        "variables": run.params_of(wait.ref),
        "state": "open",
        "next_at": motion.now,
        "locks": 0,
        "opened_at": motion.now,
    }
    motion.changes.insert("external_tasks", row)
    motion.tell("external.opened", element=wait.element, label=service.name, topic=wait.name)


def _rank(motion: Motion) -> int:
    instructed, priority = motion.urgency
    return 0 if instructed else URGENT - priority


def save(motion: Motion) -> None:
    """Writes what `follow` gathered; another urgency of the case moves its work, too."""
    session, changes = motion.session, motion.changes
    if changes.inserts["external_over"]:
        session.write(_OVER, changes.inserts["external_over"])
    if changes.inserts["external_tasks"]:
        session.write(_INSERT, changes.inserts["external_tasks"])
    if motion.more_or_less_urgent and _may_have_work(motion):
        session.write(_RANKED, {"case": motion.case["id"], "placed": _rank(motion)})


def _may_have_work(motion: Motion) -> bool:
    """Whether there may be rows of before; while the engine sleeps nobody knows."""
    return not motion.new if motion.awaited is None else "external" in motion.awaited.values()


def rest(motion: Motion) -> None:
    """The case is suspended or merged: nobody is offered its work, and whoever holds it has lost it."""
    motion.session.execute(_REST, {"case": motion.case["id"], "at": motion.now, "by": motion.actor.id})


def go_on(motion: Motion) -> None:
    """The case goes its own way again: its work is offered as it was."""
    motion.session.execute(_GO_ON, {"case": motion.case["id"], "at": motion.now})
