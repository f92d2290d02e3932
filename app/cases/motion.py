"""A case while it moves: what was loaded under its lock, what has happened so far, what must be written."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.bundles import Bundle
from app.bundles.lookups import PersonFact, UnitFact
from app.clocks.board import Board
from app.core.db import Session
from app.core.events import Event
from app.engine.errors import HandlerFailed
from app.engine.run import Run
from app.identity import org
from app.identity.actor import Actor

Row = dict[str, Any]

RESERVED = ("title", "number", "external_no", "source", "received_at", "priority", "round", "place_unit")
"""Names every process has; their values are the case's own columns."""


@dataclass
class Changes:
    """Rows to write, collected so that each table is written with one statement."""

    inserts: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    updates: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))

    def insert(self, table: str, row: Row) -> None:
        self.inserts[table].append(row)

    def update(self, table: str, key: str, row: Row) -> None:
        """Keeps the whole new row; a row changed twice is written once."""
        self.updates[table][key] = row


@dataclass
class Motion:
    """One case under its lock. `case` and `tasks` are copies of rows that the acts change."""

    session: Session
    actor: Actor
    now: datetime
    bundle: Bundle
    case: Row
    tasks: dict[str, Row]
    board: Board
    events: list[Event] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    opened: list[Row] = field(default_factory=list)
    unstaffed: list[Row] = field(default_factory=list)
    """Opened tasks whose own pool had nobody: somebody above got them, and an incident says so."""
    stranded: tuple[str, ...] = ()
    """What the case awaits when nobody and no timer can bring it: an incident says so."""
    asked: dict[Any, Any] = field(default_factory=dict)
    """What this motion has already read of the organisation."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """The case's data as they were loaded."""

    @property
    def lookups(self) -> "RowLookups":
        return RowLookups(self.session, self.now)

    def tell(self, name: str, **data: Any) -> None:
        """Something happened; clocks hear it at once, listeners when the act is whole."""
        event = Event(name, self.case["id"], self.now, self.actor.id, data)
        self.events.append(event)
        self.events += self.board.hear([event])

    def change_task(self, task: Row, **columns: Any) -> None:
        task.update(columns)
        if task["id"] not in {row["id"] for row in self.opened}:
            self.changes.update("tasks", task["id"], task)

    def open_tasks(self) -> list[Row]:
        return [task for task in self.tasks.values() if task["state"] in ("open", "claimed")]

    def run(self) -> Run:
        """The engine, awake with this case."""
        return Run.load(self.case["engine"], self.bundle.engine, CaseEnv(self))


class CaseEnv:
    """What the engine may ask of us while it settles (engine.md §1.1)."""

    def __init__(self, motion: Motion) -> None:
        self._motion = motion
        self.now = motion.now
        self.data = expression_data(motion.bundle, motion.case)
        self.functions: Mapping[str, Callable[..., Any]] = {"due": self._due, "tier": self._tier}

    def is_workday(self, day: date) -> bool:
        return True  # working days are refused at publish until there is a calendar

    # What follows is refused at publish (processes/served.py): there are no handlers, tables or outbox yet.

    def call(self, handler: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        raise HandlerFailed(f"（处理程序 {handler} 尚不能调用）")

    def write(self, values: Mapping[str, Any]) -> None:
        raise HandlerFailed("（结果尚不能写回办件）")

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        raise HandlerFailed(f"（消息 {message} 尚不能发出）")

    def _due(self, clock: str) -> str | None:
        due = self._motion.board.due_of(clock)
        return due.isoformat() if due else None

    def _tier(self, clock: str, tier: str) -> str | None:
        reached = self._motion.board.tier_of(clock, tier)
        return reached.isoformat() if reached else None


class RowLookups:
    """What a form asks of the world while it checks answers: units and people, as they are now."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self.now = session, now

    def units(self, codes: Collection[str]) -> Mapping[str, UnitFact]:
        found = org.units_by_code(self._session, codes)
        return {
            unit.code: UnitFact(unit.code, unit.name, unit.kind, unit.tier, unit.valid_at(self.now))
            for unit in found.values()
        }

    def people(self, logins: Collection[str]) -> Mapping[str, PersonFact]:
        found = org.people_by_login(self._session, logins)
        return {login: PersonFact(login, person.name, person.active) for login, person in found.items()}


def expression_data(bundle: Bundle, case: Row) -> Mapping[str, Any]:
    """Everything a diagram or form may name: declared names without a value are None."""
    values: dict[str, Any] = dict.fromkeys(bundle.process.data)
    values.update((name, case.get(name)) for name in RESERVED)
    values["received_at"] = case["received_at"].isoformat()
    values.update(case["data"])
    return values
