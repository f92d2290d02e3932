"""The one way cases move: lock the tree, then command by command: wake, act, settle; keep it all, commit."""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError

from app.bundles import Bundle
from app.cases import trying
from app.cases.acts import act
from app.cases.commands import NO_DRAFT, Command, Complete
from app.cases.errors import CaseBusy, ProcessStopped
from app.cases.incidents import opening
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.requests import overtaken
from app.cases.save import save
from app.cases.tree import Tree
from app.core import clock, dialects, once
from app.core.db import Session, reading
from app.core.errors import DatabaseUnavailable, Problem
from app.core.once import Once, Stored
from app.engine.errors import EngineError
from app.identity.actor import Actor

T = TypeVar("T")

BUDGET_SECONDS = 3.0
"""For waiting and trying again, per request: four threads waiting on one hot case would stop a server."""
MOST_DEEP = 20
"""Commands that follow from each other in one act; more is a circle. A case may end any number of others."""


class Circle(EngineError):
    """几件办件互相推动，成了一个圈，已停下，都保持原样。请检查它们的流程。"""

    rule = "cases-in-a-circle"


@dataclass(frozen=True)
class Moved:
    """What an act answers: the task acted on, its case, its opened tasks, what it made beside the case."""

    task: Row | None
    case: Row
    opened: list[Row]
    bundle: Bundle
    made: Row | None = None
    acted: Sequence[Row] = ()
    """The tasks of all commands, where several were asked at once."""
    would: Sequence[Mapping[str, Any]] | None = None
    """Of a trial: what would happen to each case."""


def advance(asked: Command | Sequence[Command], actor: Actor, request: Once | None = None) -> Moved | Stored:
    """Moves a tree of cases (or several) by a command and by those that follow from it, once.

    Several commands are one act: all or none; the answer is that of the first. With `request` the answer is
    what was stored under it (rendered before the commit, or replayed).
    Raises the problems of cases.md; ProcessStopped when the process itself fails in a person's request.
    """
    commands = list(asked) if isinstance(asked, Sequence) else [asked]
    command = commands[0]
    try:
        return within_budget(lambda: _step(commands, actor, request), request)
    except EngineError as error:
        if isinstance(command, NO_DRAFT):
            raise
        if isinstance(error.__cause__, Problem):  # no fault of the process: a handler says what may not be
            raise error.__cause__ from None
        if request is not None and request.dry:
            raise ProcessStopped("照这样办，流程会停下，请联系流程管理员。") from error
        failure, about = error, vars(error).get("about")
        failed = about if about in commands else command
        number = within_budget(lambda: opening.keep_draft_and_open(failed, actor, failure))
        stopped = ProcessStopped(f"异常编号 {number}。", incident=number)
        vars(stopped)["about"] = failed
        raise stopped from error


def move(session: Session, commands: Sequence[Command], actor: Actor) -> None:
    """The same for an act whose transaction is the caller's, since more than cases changes with it.

    For commands that leave the engine asleep; the caller stays within the budget and keeps the answer.
    """
    tree = Tree.locked(session, actor, commands)
    _work(tree, commands)
    save(tree.moved())


def keep_new(motion: Motion, *, dry: bool = False) -> list[dict[str, Any]] | None:
    """Saves a case that was born and has settled, and those that it filed itself; tells what a trial did."""
    tree = Tree(motion.session, motion.actor, motion.now)
    tree.adopt(motion)
    _work(tree, tree.take_asked())
    moving = tree.moved()
    would = trying.told(moving, ()) if dry else None
    save(moving)
    return would


def within_budget(step: Callable[[], T], request: Once | None = None) -> T | Stored:
    """Runs one transaction, again and again within the budget while others are in the way.

    A connection lost *at* commit is settled by the idempotency row: what happened, happened.
    """
    until = clock.monotonic() + BUDGET_SECONDS
    while True:
        try:
            return step()
        except (DBAPIError, EngineError) as raised:
            error = _of_the_database(raised)  # met by a handler it is no fault of the process
            if error is None:
                raise
            lost = dialects.is_lost(error)
            if not lost and not dialects.is_busy(error):
                raise
            if lost and request is not None and not request.dry and (stored := _settled(request)) is not None:
                return stored
            pause = random.uniform(0.01, 0.05)  # jitter, not a secret
            if clock.monotonic() + pause > until:
                if lost:
                    raise DatabaseUnavailable(headers={"Retry-After": "1"}) from error
                raise CaseBusy(headers={"Retry-After": "1"}) from error
            clock.sleep(pause)


def answered(act: Callable[[Session], T], request: Once | None) -> T | Stored:
    """The same for an act that moves no case, whose answer is kept with it."""
    return within_budget(lambda: once.answered(request, lambda session: (act(session), None)), request)


def _of_the_database(error: BaseException | None) -> DBAPIError | None:
    """The database's own error, or the one that an error of the engine was raised from."""
    while error is not None and not isinstance(error, DBAPIError):
        error = error.__cause__
    return error


def _settled(request: Once) -> Stored | None:
    """What was committed for this request before the connection went; None also while nobody answers."""
    try:
        with reading() as session:
            return once.look_up(session, request)
    except DBAPIError as error:
        if dialects.is_lost(error):
            return None
        raise


def _step(commands: Sequence[Command], actor: Actor, request: Once | None) -> Moved | Stored:
    dry = request is not None and request.dry

    def moved(session: Session) -> tuple[Moved, datetime]:
        command = commands[0]
        tree = Tree.locked(session, actor, commands)
        motion = tree.of(command)
        _work(tree, commands)
        moving = tree.moved()
        would = trying.told(moving, {tree.of(each).case["id"] for each in commands}) if dry else None
        save(moving)
        if isinstance(command, Complete) and not motion.acts:
            motion.opened += _opened_by(motion, command.task_id)
        answer = Moved(
            motion.tasks.get(getattr(command, "task_id", "")),
            motion.case,
            motion.opened,
            motion.bundle,
            motion.made,
            _acted_on(tree, commands) if len(commands) > 1 else (),
            would,
        )
        return answer, motion.now

    return once.answered(request, moved)


def _acted_on(tree: Tree, commands: Sequence[Command]) -> list[Row]:
    named = [(command, getattr(command, "task_id", None)) for command in commands]
    return [tree.of(command).tasks[task] for command, task in named if task is not None]


def _work(tree: Tree, asked: Sequence[Command]) -> None:
    """One command after the other; what an act asks of other cases of the tree waits its turn, and is done
    by the same hand in the same name."""
    work = deque((command, tree.actor, 1) for command in asked)
    while work:
        command, actor, deep = work.popleft()
        if deep > MOST_DEEP:
            raise Circle
        motion = tree.of(command)
        motion.actor = actor
        try:
            moved = act(tree, motion, command)
            overtaken.follow(motion)
        except (Problem, EngineError) as error:
            vars(error)["about"] = command  # several may have been asked at once
            raise
        if moved:
            motion.acts.append(type(command).__name__)
        work += ((following, motion.actor, deep + 1) for following in tree.take_asked())


_OPENED_AT = (
    select(tasks)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.opened_at == bindparam("at"))
    .order_by(tasks.c.id)
)


def _opened_by(motion: Motion, task_id: str) -> list[Row]:
    """What a completion opened when it was made, as it is now: a repeated one gets the same answer."""
    which = {"case": motion.case["id"], "at": motion.tasks[task_id]["closed_at"]}
    return [dict(row) for row in motion.session.execute(_OPENED_AT, which).mappings()]
