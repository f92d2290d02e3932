"""Pages of what somebody may see: one branch for each way in, ordered and cut before they are put together.

An OR over all the ways would read a table from its end; each branch by itself is a range of an index.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, true, tuple_, union, union_all

from app.cases.models import cases, tasks
from app.cases.motion import Row
from app.cases.search.fields import OPEN, Reading, case_conditions, refuse, task_conditions
from app.cases.viewing import HEAD, LISTED_CASE, LISTED_TASK
from app.core import clock, dialects
from app.core.db import Session, reading
from app.core.errors import FieldError
from app.core.http.strict_json import pointer
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.permissions import CASE_READ, TASK_READ, Permission
from app.identity.scopes import holders, lent, require, unit_scope

EXACT_TO = 999
FEW = 2000
"""Cases that may be named one by one in a statement."""
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """A column that an index keeps in order, and what it holds only; none is the id, by opening."""

    column: Any = None
    only: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Noun:
    """What is searched for: its table, what a list shows, who may, and what it can be ordered by."""

    table: Any
    shown: tuple[Any, ...]
    permission: Permission
    orders: Mapping[str, Order]
    conditions: Callable[[Reading, Given, str], list[Any]]

    @property
    def case_id(self) -> Any:
        return cases.c.id if self.table is cases else self.table.c.case_id


CASES = Noun(
    cases,
    LISTED_CASE,
    CASE_READ,
    {"openedAt": Order(), "receivedAt": Order(cases.c.received_at), "priority": Order(cases.c.priority)},
    case_conditions,
)
TASKS = Noun(
    tasks,
    (*LISTED_TASK, *HEAD),
    TASK_READ,
    {"openedAt": Order(), "dueAt": Order(tasks.c.due_at, (OPEN, tasks.c.due_at.is_not(None)))},
    task_conditions,
)


@dataclass(frozen=True)
class Sort:
    """One order of a noun, up or down."""

    field: str = "openedAt"
    descending: bool = True


@dataclass(frozen=True)
class Asked:
    """A question: filters that must all hold, each with the place it came from, and an order."""

    filters: Sequence[tuple[str, Given]] = field(default_factory=tuple)
    sort: Sort = Sort()


@dataclass(frozen=True)
class Found:
    """At most `limit + 1` rows, and how many there are: exact to 999."""

    rows: list[Row]
    total: int
    exact: bool


def search(
    noun: Noun, actor: Actor, asked: Asked, limit: int, after: Sequence[Any] | None, *, count: bool = True
) -> Found:
    """What the actor may see and the question names. Raises FilterRefused, PermissionMissing."""
    require(actor, noun.permission)
    with reading() as session:
        dialects.plan_anew(session.connection)
        wanted = _wanted(noun, Reading(session, actor, clock.now(session), []), asked)
        ways = _ways(noun, session, actor)
        column = noun.orders[asked.sort.field].column
        keys = [noun.table.c.id] if column is None else [column, noun.table.c.id]
        page = _page(noun, ways, wanted, keys, asked.sort.descending, limit + 1, after)
        rows = [dict(row) for row in session.execute(page).mappings()]
        if not count:
            return Found(rows, 0, False)
        total = session.scalar(_count(noun, ways, wanted))
    return Found(rows, min(total, EXACT_TO), total <= EXACT_TO)


def keys_of(noun: Noun, sort: Sort, row: Row) -> list[Any]:
    """What a cursor remembers of the last row."""
    column = noun.orders[sort.field].column
    if column is None:
        return [row["id"]]
    value = row[column.name]
    return [value.isoformat() if isinstance(value, datetime) else value, row["id"]]


def width(noun: Noun, sort: Sort) -> int:
    """How many values a cursor of this order holds."""
    return 1 if noun.orders[sort.field].column is None else 2


def _wanted(noun: Noun, asking: Reading, asked: Asked) -> list[Any]:
    found = [each for at, given in asked.filters for each in noun.conditions(asking, given, at)]
    refuse(asking.errors)
    return [*found, *noun.orders[asked.sort.field].only]


def _page(
    noun: Noun,
    ways: Sequence[Any],
    wanted: Sequence[Any],
    keys: Sequence[Any],
    descending: bool,
    most: int,
    after: Sequence[Any] | None,
) -> Select[Any]:
    if after is not None:
        wanted = [*wanted, _beyond(keys, descending, after)]
    order = [key.desc() if descending else key for key in keys]
    branches = [
        select(_reached(noun, keys, way).where(*wanted).order_by(*order).limit(most).subquery())
        for way in ways
    ]
    found = union(*branches).subquery()
    rows = select(*noun.shown).join(found, found.c.id == noun.table.c.id)
    if noun.table is not cases:
        rows = rows.join(cases, cases.c.id == noun.case_id)
    return rows.order_by(*order).limit(most)


def _count(noun: Noun, ways: Sequence[Any], wanted: Sequence[Any]) -> Any:
    key = noun.table.c.id
    branches = [
        select(_reached(noun, [key], way).where(*wanted).limit(EXACT_TO + 1).subquery()) for way in ways
    ]
    return select(func.count()).select_from(union(*branches).subquery())


def _ways(noun: Noun, session: Session, actor: Actor) -> list[Any]:
    """Conditions on cases, one for each way in: the scope, each name that knows many, all others together by
    their cases. With those at hand no plan can go astray.
    """
    if actor.kind == "system":
        return [true()]
    ways: list[Any] = [unit_scope(actor.permissions.get(noun.permission, ()), cases.c.org_path)]
    few: list[str] = []
    room = FEW
    for name, count in _known(session, holders(actor, noun.permission)).items():
        if count <= room:
            few.append(name)
            room -= count
        else:
            ways.append(cases.c.id.in_(select(case_access.c.case_id).where(case_access.c.holder == name)))
    ways += [cases.c.id.in_(each) for each in lent(actor, noun.permission)]
    if room < FEW:
        ids = select(case_access.c.case_id).distinct().where(case_access.c.holder.in_(few))
        ways.append(dialects.one_of(cases.c.id, session.execute(ids).scalars().all()))
    return ways


def _known(session: Session, names: Sequence[str]) -> dict[str, int]:
    """How many cases know each name, up to a few and one more."""
    some = {
        name: select(case_access.c.case_id).where(case_access.c.holder == name).limit(FEW + 1).subquery()
        for name in names
    }
    counted = [
        select(literal(name).label("name"), func.count().label("known")).select_from(rows)
        for name, rows in some.items()
    ]
    return {row.name: row.known for row in session.execute(union_all(*counted))} if counted else {}


def _reached(noun: Noun, keys: Sequence[Any], way: Any) -> Select[Any]:
    rows = select(*keys) if noun.table is cases else select(*keys).join(cases, cases.c.id == noun.case_id)
    return rows.where(way)


def _beyond(keys: Sequence[Any], descending: bool, after: Sequence[Any]) -> Any:
    values = [
        datetime.fromisoformat(value) if isinstance(value, str) and key.name.endswith("_at") else value
        for key, value in zip(keys, after, strict=True)
    ]
    if len(keys) == 1:
        return keys[0] < values[0] if descending else keys[0] > values[0]
    row = tuple_(*keys)
    seen = tuple_(*(literal(value, key.type) for key, value in zip(keys, values, strict=True)))
    return row < seen if descending else row > seen


def sort_of(noun: Noun, given: Sequence[Mapping[str, Any]], otherwise: Sort = Sort()) -> Sort:
    """The order of a request: at most one field, of those that an index keeps. Raises FilterRefused."""
    if not given:
        return otherwise
    name = given[0]["field"]
    if name not in noun.orders:
        message = f"不能按“{name[:40]}”排序；可以用 {'、'.join(noun.orders)}。"
        refuse([FieldError("/sort/0" + pointer("field"), "field-unknown", message)])
    return Sort(name, given[0]["order"] == "desc")
