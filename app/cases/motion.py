"""A case while it moves: what was loaded under its lock, what has happened so far, what must be written."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.bundles import Bundle
from app.bundles.lookups import CaseFact, CategoryFact, FileFact, PersonFact, ShownFact, UnitFact
from app.bundles.sla import SAID, ClockDef
from app.cases import offers
from app.cases.attachments import models as attachments
from app.cases.models import GOING, cases
from app.cases.secrets.taking import Taken, hush_spoken, split
from app.categories.kept import Categories, table_of
from app.clocks.board import Board
from app.clocks.limits import Limit, extension_of, limit_of
from app.core.area import Point
from app.core.db import Session
from app.core.events import Event
from app.engine.errors import ExpressionFailed
from app.engine.expressions import ExpressionError
from app.engine.picture import Wait
from app.identity import org
from app.identity.actor import Actor
from app.identity.permissions import CASE_READ
from app.identity.residents import RESIDENT
from app.identity.scopes import case_scope

Row = dict[str, Any]

RESERVED = ("title", "number", "external_no", "source", "received_at", "priority", "round", "place_unit")
"""Names every process has; their values are the case's own columns."""
COLUMNS = ("title", "priority")
"""Those of them that a form, a table or a handler may change."""
WRITABLE = (*COLUMNS, "content")
"""Reserved names that a table or a handler may fill."""


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
    stranded: tuple[Wait, ...] = ()
    """What the case awaits when nobody and no timer can bring it: an incident says so."""
    asked: dict[Any, Any] = field(default_factory=dict)
    """What this motion has already read of the organisation."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """The case's data as they were loaded."""
    retitled: bool = False
    """Somebody gave the case another title."""
    new: bool = False
    """Whether the case was born in this transaction."""
    files_of: str | None = None
    """Whose loose files its answers may name: who files it."""
    moves_root: bool = False
    """Whether the case came into another tree, or left one."""
    acts: list[str] = field(default_factory=list)
    """The commands that changed something, for the audit row."""
    taken: dict[tuple[str, str | None], Taken] = field(default_factory=dict)
    """What is to be sealed beside the case, by name and where it came from."""
    replied: int = 0
    """How often it replied in this act, as far as those merged into it have been told."""
    said: Mapping[str, Any] | None = None
    """What it answered with where another one's answer is its own (合并); else its own data."""
    made: Row | None = None
    """The row an act made beside the case, for its answer: a note, a link, an attachment."""
    awaited: Mapping[str, str] | None = None
    """What the engine waited for when it was woken: ref → message, signal, job or external."""
    finished: dict[str, str] = field(default_factory=dict)
    """How work outside was ended by somebody: ref → done, error or skipped."""
    _asked_for: list[Any] = field(default_factory=list)
    _placed: tuple[bool, int] = field(init=False)
    sealed: bool = field(init=False)
    """Whether the case was kept from everybody but its filer and whose turn it is (`aboveSees`)."""
    was: Mapping[str, Any] = field(init=False)
    """The case's columns as they were loaded; nothing of a new one."""
    _columns: Row = field(init=False)

    def __post_init__(self) -> None:
        self.sealed = self.case["org_path"].startswith(org.SEALED)
        self.case["org_path"] = org.bare(self.case["org_path"])
        self._placed = self.urgency
        self.was = {} if self.new else dict(self.case)
        self._columns = {name: self.case.get(name) for name in RESERVED}
        self.board.limit_of = self._limit_of
        self.board.extension_of = self._extension_of
        self.board.round_of = lambda: int(self.case["round"])
        self.board.bound_of = self._bound_of

    @property
    def urgency(self) -> tuple[bool, int]:
        """What places all tasks of the case alike: 督办 and 领导批示, then the case's priority."""
        return self.case["supervised"] or self.case["instructed"], self.case["priority"]

    @property
    def more_or_less_urgent(self) -> bool:
        """Whether open tasks lie in the wrong place: the urgency is not the one they were laid out with."""
        return self.urgency != self._placed

    @property
    def ended_or_reopened(self) -> bool:
        """Whether this transaction moves the case out of its handlers' running lists, or back into them."""
        runs: bool = self.case["state"] in GOING
        return runs != (self.was.get("state") in (None, *GOING))

    @property
    def stays_sealed(self) -> bool:
        """Whether it still is: until it comes to one of the statuses from which on others see it."""
        shown = self.bundle.process.above_sees
        return bool(shown) and (self.new or self.sealed) and self.case["status"] not in shown

    @property
    def kept_path(self) -> str:
        """The path as it is kept: who asks for what lies below a unit does not find a sealed one."""
        return org.SEALED * self.stays_sealed + str(self.case["org_path"])

    @property
    def lookups(self) -> "RowLookups":
        return RowLookups(
            self.session,
            self.now,
            self.asked,
            self.case["id"],
            self.files_of,
            self.case["org_path"],
            self.actor,
            self.case["parent_id"],
        )

    def tell(self, name: str, **data: Any) -> None:
        """Something happened; clocks hear it at once, listeners when the act is whole."""
        told = {**hush_spoken(self, data, data.get("task")), **self._in_whose_name}
        event = Event(name, self.case["id"], self.now, self.actor.doer, told)
        self.events.append(event)
        self.events += self.board.hear([event])

    def tell_task(self, name: str, task: Row, **data: Any) -> None:
        """Something happened to a task, or at it."""
        self.tell(name, step=task["step"], ref=task["ref"], task=task["id"], label=task["name"], **data)

    def tell_outside(self, name: str, data: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
        """Something happened whose content is for listeners alone: the chain keeps its hash, not itself."""
        told = {**data, **self._in_whose_name}
        self.events.append(Event(name, self.case["id"], self.now, self.actor.doer, told, payload))

    @property
    def _in_whose_name(self) -> Mapping[str, Any]:
        actor = self.actor
        return {"for": actor.id, "signed": actor.signature} if actor.hand is not None else {}

    @property
    def signing(self) -> Mapping[str, Any]:
        """The columns of a task that say who really claimed or did it."""
        hand = self.actor.hand
        return {"hand_id": hand.id if hand is not None else None, "signature": self.actor.signature}

    def _limit_of(self, clock: ClockDef) -> Limit:
        return limit_of(self.bundle, clock, expression_data(self.bundle, self.case), self.board.functions)

    def _extension_of(self, clock: ClockDef) -> str:
        values = expression_data(self.bundle, self.case)
        return extension_of(self.bundle, clock, values, self.board.functions)

    def _bound_of(self, element: str) -> tuple[str, str | None] | None:
        drawn = self.bundle.drawn.timers.get(element)
        return drawn.bound if drawn is not None else None

    def ask_limits(self) -> None:
        """Clocks whose limit hangs on what this motion has changed are limited anew, from the same start."""
        if not self.bundle.limit_names:
            return
        was = {**dict.fromkeys(self.bundle.process.data), **self._columns, **self.before}
        now = {**dict.fromkeys(self.bundle.process.data), **self.case["data"]}
        now.update((name, self.case.get(name)) for name in RESERVED)
        changed = {name for name in now if now[name] != was.get(name)}
        if changed:
            names = self.bundle.limit_names
            self.events += self.board.ask_again({name for name in names if changed & names[name]})

    def change_task(self, task: Row, **columns: Any) -> None:
        if (
            "hand_id" not in columns
            and columns.get("assignee_id", task["assignee_id"]) != task["assignee_id"]
        ):
            columns |= {"hand_id": None, "signature": None}  # on another desk nobody has acted for anybody
        task.update(hush_spoken(self, columns, task["id"]))
        if task["id"] not in {row["id"] for row in self.opened}:
            self.changes.update("tasks", task["id"], task)

    def open_tasks(self) -> list[Row]:
        return [task for task in self.tasks.values() if task["state"] in ("open", "claimed")]

    def ask(self, command: Any) -> None:
        """Another case of the tree is to move too: its turn comes when this act is whole."""
        self._asked_for.append(command)

    def take_asked(self) -> list[Any]:
        """What this case asked for since the last time."""
        asked, self._asked_for = self._asked_for, []
        return asked

    def write(self, values: Mapping[str, Any]) -> None:
        """Assigns to case data, and to the case's own columns where a reserved name is one of them.

        Secret values and personal numbers in texts go to the sidecar instead.
        """
        values = split(self, values)
        own = {name: value for name, value in values.items() if name in COLUMNS}
        self.retitled |= "title" in own and own["title"] != self.case["title"]
        self.case.update(own)
        self.case["data"] = {**self.case["data"], **{k: v for k, v in values.items() if k not in own}}
        self._judge(values)
        self.say(values)

    def say(self, values: Mapping[str, Any]) -> None:
        """Clocks hear which of these are said to be so; they alone, for what wrote them tells people."""
        for name in sorted(self.bundle.sla.said & values.keys()):
            if values[name] is True:
                said = Event(SAID, self.case["id"], self.now, self.actor.doer, {"field": name})
                self.events += self.board.hear([said])

    def _judge(self, values: Mapping[str, Any]) -> None:
        """Whether the one whom the case is about is satisfied, once what says so has changed."""
        condition = self.bundle.process.unsatisfied
        if condition is None or not condition.names & values.keys():
            return
        try:
            self.case["unsatisfied"] = bool(condition.evaluate(expression_data(self.bundle, self.case), {}))
        except ExpressionError as error:
            raise ExpressionFailed(f"（process.yaml 的 unsatisfied：{error.zh}）") from error


_NUMBERED = select(cases.c.number, cases.c.process_key, cases.c.closed_at)


class RowLookups:
    """What a form asks of the world while it checks answers: units, people and files, as they are now."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        asked: dict[Any, Any],
        case_id: str | None = None,
        files_of: str | None = None,
        place: str | None = None,
        actor: Actor | None = None,
        parent_id: str | None = None,
    ) -> None:
        """`asked` is what the motion has read already: a unit is asked for once. Files are the case's own, or
        of a new one the loose ones of who files it and those of its parent. `place` is the path that says in
        which district positions must lie.
        `actor` is who answers: other cases are theirs to see, or not there."""
        self._session, self.now, self._asked = session, now, asked
        self._case_id, self._files_of, self._place = case_id, files_of, place
        self._actor, self._parent_id = actor, parent_id

    def units(self, codes: Collection[str]) -> Mapping[str, UnitFact]:
        known: dict[str, org.Unit | None] = self._asked.setdefault("units", {})
        if unknown := [code for code in codes if code not in known]:
            found = org.units_by_code(self._session, unknown)
            known.update((code, found.get(code)) for code in unknown)
        chosen = [unit for code in codes if (unit := known[code]) is not None]
        return {
            unit.code: UnitFact(
                unit.code, unit.name, unit.kind, unit.tier, unit.valid_at(self.now), unit.above
            )
            for unit in chosen
        }

    def categories(self, table: str, codes: Collection[str]) -> Mapping[str, CategoryFact]:
        found = {code: self.category_table(table).at(code, self.now) for code in codes}
        return {
            code: CategoryFact(code, c.full_name, c.leaf, c.codes)
            for code, c in found.items()
            if c is not None
        }

    def category_table(self, key: str) -> Categories:
        """A whole table of categories."""
        known: dict[str, Categories] = self._asked.setdefault("categories", {})
        if key not in known:
            known[key] = table_of(self._session, key)
        return known[key]

    def cases(self, numbers: Collection[str]) -> Mapping[str, CaseFact]:
        if self._actor is None:
            return {}
        mine = case_scope(self._actor, CASE_READ, cases.c.org_path, cases.c.id)
        query = _NUMBERED.where(mine, cases.c.number.in_(list(numbers)))
        rows = self._session.execute(query)
        return {row.number: CaseFact(row.number, row.process_key, row.closed_at) for row in rows}

    def shown(self, numbers: Collection[str]) -> Mapping[str, ShownFact]:
        return offers.find(self._session, self._actor, numbers) if self._actor is not None else {}

    def files(self, ids: Collection[str]) -> Mapping[str, FileFact]:
        if self._files_of is not None:
            found = attachments.loose(self._session, self._files_of, ids, self.now)
            if self._parent_id is not None and len(found) < len(ids):
                found += attachments.kept(self._session, self._parent_id, ids)
        else:
            found = attachments.kept(self._session, self._case_id, ids) if self._case_id is not None else []
        return {file.id: FileFact(file.id, file.name, file.kind, file.size) for file in found}

    def areas(self) -> Sequence[Sequence[Point]]:
        if "areas" not in self._asked:
            borders = org.boundaries(self._session, self._place)
            self._asked["areas"] = [[(lng, lat) for lng, lat in border] for border in borders]
        found: Sequence[Sequence[Point]] = self._asked["areas"]
        return found

    def people(self, logins: Collection[str]) -> Mapping[str, PersonFact]:
        found = org.people_by_login(self._session, logins)
        return {  # a resident is nobody whom a form could give work to
            login: PersonFact(login, person.name, person.active)
            for login, person in found.items()
            if person.kind != RESIDENT
        }


def expression_data(bundle: Bundle, case: Row) -> Mapping[str, Any]:
    """Everything a diagram or form may name: declared names without a value are None."""
    values: dict[str, Any] = dict.fromkeys(bundle.process.data)
    values.update((name, case.get(name)) for name in RESERVED)
    values["received_at"] = case["received_at"].isoformat()
    values.update(case["data"])
    return values
