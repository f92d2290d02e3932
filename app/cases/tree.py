"""The cases that one act may move: a root locked first, the others of its tree when an act reaches them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, text

from app import bundles
from app.cases.commands import BY_ITSELF, Command
from app.cases.commands.beside import TreatIncident
from app.cases.models import cases, tasks
from app.cases.motion import Motion, Row
from app.clocks import calendars
from app.clocks.board import Board
from app.clocks.models import clocks, ledger_of, timers
from app.clocks.rows import CAP, Clock, Timer
from app.core import clock, dialects
from app.core.db import Session
from app.core.errors import NotFound
from app.identity.actor import Actor
from app.identity.permissions import CASE_READ, INCIDENT_READ, TASK_READ
from app.identity.scopes import hidden, holders, lenders, let_in, require, sees


def _locking(root: Any, target: Any) -> Any:
    """Finds a root, locks it, reads the clock after the wait, and says which case of its tree is meant."""
    locked = dialects.locked(select(cases).where(cases.c.id == root)).cte("locked")
    return select(locked, *clock.columns(), let_in(locked.c.id).label("known"), target.label("target"))


def _of(table: Any, column: str, name: str) -> Any:
    return select(table.c[column]).where(table.c.id == bindparam(name)).scalar_subquery()


_BY_TASK = _locking(_of(tasks, "root_id", "which"), _of(tasks, "case_id", "which"))
_BY_TIMER = _locking(_of(timers, "root_id", "which"), _of(timers, "case_id", "which"))
_BY_CASE = _locking(_of(cases, "root_id", "which"), _of(cases, "id", "which"))
_ROOT = {
    "task_id": select(tasks.c.root_id).where(tasks.c.id == bindparam("which")),
    "timer_id": select(timers.c.root_id).where(timers.c.id == bindparam("which")),
    "case_id": select(cases.c.root_id).where(cases.c.id == bindparam("which")),
}
_CHILD = dialects.locked(
    select(cases, let_in(cases.c.id).label("known")).where(cases.c.id == bindparam("which"))
)
_KNOWN = select(let_in(bindparam("which")).label("known"))

_TASKS = select(tasks).where(
    tasks.c.case_id == bindparam("case"),
    or_(text("tasks.state in ('open', 'claimed')"), tasks.c.id == bindparam("task")),
)
_CLOCKS = select(*(clocks.c[name] for name in Clock.__dataclass_fields__)).where(
    clocks.c.case_id == bindparam("case")
)
_WAITING = "timers.state in ('armed', 'claimed', 'held', 'incident')"
_TIMERS = select(*(timers.c[name] for name in Timer.__dataclass_fields__)).where(
    timers.c.case_id == bindparam("case"),
    text(f"(timers.kind = 'flag' or timers.tier = '{CAP}' or {_WAITING})"),
)


@dataclass
class Tree:
    """One transaction's cases, each loaded once. Whoever moves a case of a tree holds its root's lock."""

    session: Session
    actor: Actor
    now: datetime
    _motions: dict[str, Motion] = field(default_factory=dict)
    _targets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def locked(cls, session: Session, actor: Actor, commands: Sequence[Command]) -> "Tree":
        """Locks the roots in the order of their ids. Raises NotFound for what the actor does not see."""
        if len(commands) > 1:
            commands = _by_root(session, commands)
        tree: Tree | None = None
        for command in commands:
            row, now = _lock(session, command, actor)
            tree = tree or cls(session, actor, now)
            tree.now = max(tree.now, now)
            tree._enter(command, row)
        assert tree is not None
        return tree

    def of(self, command: Command) -> Motion:
        """The case that a command moves, loaded under its lock."""
        kind, which = named(command)
        target = self._targets.get(which)
        if target is None:
            target = self._targets[which] = which if kind == "case_id" else self._case_of(kind, which)
        task = which if kind == "task_id" else ""
        motion = self._motions.get(target) or self._load(self._child(target)[0], task)
        if task and task not in motion.tasks:
            motion.tasks.update(_tasks(self.session, target, task))
        return motion

    def look(self, case: Row) -> Motion:
        """A case as it stands, without its lock: for a trial of which nothing is kept."""
        return self._load(case, "")

    def motion(self, task_id: str) -> Motion:
        """The locked case of a task (dry runs)."""
        return self._motions[self._targets[task_id]]

    def adopt(self, motion: Motion) -> None:
        """A case that was born in this transaction."""
        self._motions[motion.case["id"]] = motion

    def take_asked(self) -> list[Command]:
        """What the cases have asked of each other since the last time."""
        return [asked for motion in self._motions.values() for asked in motion.take_asked()]

    def moved(self) -> list[Motion]:
        """The cases that something happened to, the root before its children."""
        return sorted(
            (motion for motion in self._motions.values() if motion.acts),
            key=lambda motion: (motion.case["parent_id"] is not None, motion.case["id"]),
        )

    def _enter(self, command: Command, row: Row) -> None:
        """Keeps the locked root, and asks whether the actor may see the case that is meant."""
        known, target = bool(row.pop("known")), str(row.pop("target"))
        which = named(command)[1]
        self._targets[which] = target
        seen = row
        if target != row["id"]:
            seen, known = self._child(target, _names(self.actor, command))
        place = seen["org_path"]  # as it is kept: a sealed one lies below nobody
        if known and any(not each.covers(seen["process_key"]) for each in self.actor.stands_for):
            known = self._known(command, target, seen["process_key"])  # not by what is lent for others
        if target not in self._motions:
            self._load(seen, getattr(command, "task_id", ""))
        if not isinstance(command, BY_ITSELF) and not sees(self.actor, _needs(command), place, known):
            raise hidden(self.actor, which)

    def _known(self, command: Command, case_id: str, process: str) -> bool:
        named = _names(self.actor, command, process)
        return bool(self.session.scalar(_KNOWN, {"which": case_id, "holders": named}))

    def _case_of(self, kind: str, which: str) -> str:
        table = {"task_id": tasks, "timer_id": timers}[kind]
        found = self.session.scalar(select(table.c.case_id).where(table.c.id == which))
        if found is None:
            raise NotFound
        return str(found)

    def _child(self, case_id: str, names: Sequence[str] = ()) -> tuple[Row, bool]:
        """A case of the tree, and whether it knows one of these names."""
        which = {"which": case_id, "holders": list(names)}
        found = self.session.execute(_CHILD, which).mappings().one_or_none()
        if found is None:
            raise NotFound
        row = dict(found)
        return row, bool(row.pop("known"))

    def _load(self, case: Row, task_id: str) -> Motion:
        """The rows of a locked case that an act may touch."""
        bundle = bundles.of(case)
        which = {"case": case["id"]}
        held, armed, found = self.session.ask(
            (_CLOCKS, which), (_TIMERS, which), (_TASKS, {**which, "task": task_id})
        )
        board = Board(
            case["id"],
            case["root_id"],
            bundle.sla,
            self.now,
            self.actor.id,
            [Clock(**row) for row in held],
            [Timer(**row) for row in armed],
            calendar_of=lambda: calendars.in_force(self.session, case["org_path"]),
            history_of=lambda: ledger_of(self.session, case["id"]),
            policy=case["policy_version"],
            sla_at=lambda version: bundles.get(version or case["version_id"]).sla,
        )
        motion = Motion(
            self.session,
            self.actor,
            self.now,
            bundle,
            case,
            {task["id"]: task for task in found},
            board,
            before=case["data"],
        )
        self._motions[case["id"]] = motion
        return motion


def named(command: Command) -> tuple[str, str]:
    """What a command moves: the name of its id and the id."""
    for kind in _ROOT:
        which = getattr(command, kind, None)
        if which is not None:
            return kind, which
    raise TypeError(f"{type(command).__name__} names no task, timer or case")


def _lock(session: Session, command: Command, actor: Actor) -> tuple[Row, datetime]:
    kind, which = named(command)
    needs = _needs(command)
    by_itself = isinstance(command, BY_ITSELF)
    if not by_itself:
        require(actor, needs, subject=which)
    statement = {"task_id": _BY_TASK, "timer_id": _BY_TIMER, "case_id": _BY_CASE}[kind]
    asked = {"which": which, "holders": [] if by_itself else _names(actor, command)}
    (found,) = session.ask((statement, asked))
    if not found:
        raise hidden(actor, which)
    case = found[0]
    now = clock.at(case.pop("raw_now"), case.pop("clock_offset"), case["last_event_at"])
    return case, now


def _names(actor: Actor, command: Command, process: str | None = None) -> list[str]:
    """Under which names a case may know who asks: the own ones, and those of whom he represents."""
    needs = _needs(command)
    return [*holders(actor, needs), *lenders(actor, needs, process)]


def _needs(command: Command) -> str:
    if isinstance(command, TreatIncident):
        return INCIDENT_READ
    return TASK_READ if getattr(command, "task_id", None) is not None else CASE_READ


def _by_root(session: Session, commands: Iterable[Command]) -> list[Command]:
    """The commands in the order of their roots' ids: whoever locks several trees locks them alike."""

    def root(command: Command) -> str:
        kind, which = named(command)
        return str(session.scalar(_ROOT[kind], {"which": which}))

    return sorted(commands, key=root)


def _tasks(session: Session, case_id: str, task_id: str) -> dict[str, Row]:
    rows = session.execute(_TASKS, {"case": case_id, "task": task_id}).mappings()
    return {row["id"]: dict(row) for row in rows}
