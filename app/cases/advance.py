"""The one way a case moves: lock it, wake it, act, let it settle, keep it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.exc import DBAPIError

from app import bundles
from app.bundles import Bundle
from app.cases import incidents
from app.cases.commands import Claim, Command, Complete, FireTimer, Unclaim
from app.cases.errors import CaseBusy, ProcessStopped
from app.cases.models import cases, tasks
from app.cases.motion import Motion, Row
from app.cases.save import save
from app.cases.sync import sync
from app.cases.verbs.claim import claim, unclaim
from app.cases.verbs.complete import complete
from app.cases.verbs.fire import fire
from app.clocks.board import Board, Clock, Timer
from app.clocks.models import clocks, timers
from app.core import clock, dialects, once
from app.core.db import Session, reading, transaction
from app.core.errors import DatabaseUnavailable
from app.core.once import Once, Stored
from app.engine.errors import EngineError
from app.engine.run import Run
from app.identity.actor import Actor
from app.identity.permissions import TASK_READ
from app.identity.scopes import hidden, holders, let_in, require, sees

T = TypeVar("T")

BUDGET_SECONDS = 3.0
"""For waiting and trying again, per request: four threads waiting on one hot case would stop a server."""


@dataclass(frozen=True)
class Moved:
    """What an act answers: the task acted on, its case, and the tasks opened by it."""

    task: Row | None
    case: Row
    opened: list[Row]
    bundle: Bundle


def advance(command: Command, actor: Actor, request: Once | None = None) -> Moved | Stored:
    """Moves one case by one command, once.

    With `request` the answer is what was stored under it (rendered before the commit, or replayed).
    Raises the problems of cases.md; ProcessStopped when the process itself fails in a person's request.
    """
    try:
        return within_budget(lambda: _step(command, actor, request), request)
    except EngineError as error:
        if isinstance(command, FireTimer):
            raise  # firing.py counts the attempts
        failure = error
        number = within_budget(lambda: incidents.keep_draft_and_open(command, actor, failure))
        raise ProcessStopped(f"异常编号 {number}。", incident=number) from error


def within_budget(step: Callable[[], T], request: Once | None = None) -> T | Stored:
    """Runs one transaction, again and again within the budget while others are in the way.

    A connection lost *at* commit is settled by the idempotency row: what happened, happened.
    """
    until = clock.monotonic() + BUDGET_SECONDS
    while True:
        try:
            return step()
        except DBAPIError as error:
            lost = dialects.is_lost(error)
            if not lost and not dialects.is_busy(error):
                raise
            if lost and request is not None and (stored := _settled(request)) is not None:
                return stored
            pause = random.uniform(0.01, 0.05)  # jitter, not a secret
            if clock.monotonic() + pause > until:
                if lost:
                    raise DatabaseUnavailable(headers={"Retry-After": "1"}) from error
                raise CaseBusy(headers={"Retry-After": "1"}) from error
            clock.sleep(pause)


def _settled(request: Once) -> Stored | None:
    """What was committed for this request before the connection went; None also while nobody answers."""
    try:
        with reading() as session:
            return once.look_up(session, request)
    except DBAPIError as error:
        if dialects.is_lost(error):
            return None
        raise


def _step(command: Command, actor: Actor, request: Once | None) -> Moved | Stored:
    with transaction() as session:
        if request is not None and (stored := once.begin(session, request)) is not None:
            return stored
        motion = lock(session, command, actor)
        if _act(motion, command):
            save(motion, type(command).__name__)
        elif isinstance(command, Complete):
            motion.opened += _opened_by(motion, command.task_id)
        moved = Moved(
            motion.tasks.get(getattr(command, "task_id", "")), motion.case, motion.opened, motion.bundle
        )
        if request is None:
            return moved
        stored = request.render(moved)
        once.finish(session, request, stored, motion.now)
        return stored


def _opened_by(motion: Motion, task_id: str) -> list[Row]:
    """What a completion opened when it was made, as it is now: a repeated one gets the same answer."""
    which = {"case": motion.case["id"], "at": motion.tasks[task_id]["closed_at"]}
    return [dict(row) for row in motion.session.execute(_OPENED_AT, which).mappings()]


def _act(motion: Motion, command: Command) -> bool:
    """The change of one command; False when there was nothing left to do."""
    match command:
        case Claim():
            return claim(motion, command) is not None
        case Unclaim():
            return unclaim(motion, command) is not None
        case Complete():
            task = complete(motion, command)
            if task is None:
                return False
            run = motion.run()
            run.complete(task["ref"], command.outcome)
        case FireTimer():
            timer = fire(motion, command)
            if timer is None:
                return False
            run = motion.run()
            run.fire_timers([timer.key])
    settle(motion, run)
    return True


def settle(motion: Motion, run: Run) -> None:
    """The engine comes to rest, the rows follow its picture, its bytes are kept."""
    sync(motion, run.settle())
    motion.case["engine"] = run.dump()


# — loading under the lock —


def _locked(which: Any) -> Any:
    return dialects.locked(select(cases).where(which)).cte("locked")


_OF_TASK = _locked(
    cases.c.id == select(tasks.c.root_id).where(tasks.c.id == bindparam("task")).scalar_subquery()
)
_OF_TIMER = _locked(
    cases.c.id == select(timers.c.root_id).where(timers.c.id == bindparam("timer")).scalar_subquery()
)
_TASKS = select(tasks).where(
    tasks.c.case_id == bindparam("case"),
    or_(text("tasks.state in ('open', 'claimed')"), tasks.c.id == bindparam("task")),
)
_OPENED_AT = (
    select(tasks)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.opened_at == bindparam("at"))
    .order_by(tasks.c.id)
)
_CLOCKS = select(*(clocks.c[name] for name in Clock.__dataclass_fields__)).where(
    clocks.c.case_id == bindparam("case")
)
_TIMERS = select(*(timers.c[name] for name in Timer.__dataclass_fields__)).where(
    timers.c.case_id == bindparam("case"),
    text("timers.state in ('armed', 'claimed', 'held', 'incident')"),
)
_LOCK_TASK = select(_OF_TASK, *clock.columns(), let_in(_OF_TASK.c.id).label("known"))
_LOCK_TIMER = select(_OF_TIMER, *clock.columns())


def lock(session: Session, command: Command, actor: Actor) -> Motion:
    """Finds the case, locks it, reads the clock and who was let in: one statement; then loads its rows."""
    if isinstance(command, FireTimer):
        row = session.execute(_LOCK_TIMER, {"timer": command.timer_id}).mappings().one_or_none()
    else:
        require(actor, TASK_READ, subject=command.task_id)
        which = {"task": command.task_id, "holders": holders(actor, TASK_READ)}
        row = session.execute(_LOCK_TASK, which).mappings().one_or_none()
    if row is None or not sees(actor, TASK_READ, row["org_path"], row.get("known", False)):
        raise hidden(actor, getattr(command, "task_id", None))
    case = dict(row)
    case.pop("known", None)
    now = clock.at(case.pop("raw_now"), case.pop("clock_offset"), case["last_event_at"])
    return load(session, actor, now, case, getattr(command, "task_id", ""))


def load(session: Session, actor: Actor, now: Any, case: Row, task_id: str) -> Motion:
    """The rows of a locked case that an act may touch."""
    bundle = bundles.get(case["version_id"])
    which = {"case": case["id"]}
    task_rows = session.execute(_TASKS, {**which, "task": task_id}).mappings()
    clock_rows = session.execute(_CLOCKS, which)
    timer_rows = session.execute(_TIMERS, which)
    board = Board(
        case["id"],
        case["root_id"],
        bundle.sla,
        now,
        actor.id,
        [Clock(*tuple(row)) for row in clock_rows],
        [Timer(*tuple(row)) for row in timer_rows],
    )
    return Motion(
        session,
        actor,
        now,
        bundle,
        case,
        {row["id"]: dict(row) for row in task_rows},
        board,
        before=case["data"],
    )
