"""Pages of what somebody may see: one branch for each way in, ordered and cut before they are put together.

An OR over all the ways would read a table from its end; each branch by itself is a range of an index.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from app.identity.scopes import holders, require, unit_scope

EXACT_TO = 999
REASONS = 8
"""More than the reasons for which one case may know one person."""
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
        wanted = _wanted(noun, session, actor, asked)
        column = noun.orders[asked.sort.field].column
        keys = [noun.table.c.id] if column is None else [column, noun.table.c.id]
        page = _page(noun, actor, wanted, keys, asked.sort.descending, limit + 1, after)
        rows = [dict(row) for row in session.execute(page).mappings()]
        if not count:
            return Found(rows, 0, False)
        total = session.scalar(_count(noun, actor, wanted))
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


def _wanted(noun: Noun, session: Session, actor: Actor, asked: Asked) -> list[Any]:
    errors: list[FieldError] = []
    asking = Reading(session, actor, clock.now(session), errors)
    found = [each for at, given in asked.filters for each in noun.conditions(asking, given, at)]
    refuse(errors)
    return [*found, *noun.orders[asked.sort.field].only]


def _page(
    noun: Noun,
    actor: Actor,
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
        select(branch.order_by(*order).limit(most).subquery()) for branch in _ways(noun, actor, keys, wanted)
    ]
    found = union(*branches).subquery()
    rows = select(*noun.shown).join(found, found.c.id == noun.table.c.id)
    if noun.table is not cases:
        rows = rows.join(cases, cases.c.id == noun.case_id)
    return rows.order_by(*order).limit(most)


def _count(noun: Noun, actor: Actor, wanted: Sequence[Any]) -> Any:
    """Enough rows of both ways in to tell whether there are more than are counted."""
    most = EXACT_TO + 1
    key = noun.table.c.id
    names = holders(actor, noun.permission)
    branches = [next(iter(_ways(noun, actor, [key], wanted))).limit(most)]
    if names:
        known = _reached(noun, [key]).join(case_access, case_access.c.case_id == noun.case_id)
        known = known.where(case_access.c.holder.in_(names), *wanted)
        branches.append(known.limit(most * (len(names) + REASONS)))
    found = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    return select(func.count(found.c.id.distinct()))


def _ways(noun: Noun, actor: Actor, keys: Sequence[Any], wanted: Sequence[Any]) -> Iterator[Select[Any]]:
    """The keys of what the actor sees, by scope and by each name under which a case may have let them in."""
    base = _reached(noun, keys)
    held = actor.permissions.get(noun.permission, ())
    yield base.where(true() if actor.kind == "system" else unit_scope(held, cases.c.org_path), *wanted)
    for name in holders(actor, noun.permission):
        # Several reasons may have let the same name in: each case once, in the index's order.
        known = base.join(case_access, case_access.c.case_id == noun.case_id).distinct()
        yield known.where(case_access.c.holder == name, *wanted)


def _reached(noun: Noun, keys: Sequence[Any]) -> Select[Any]:
    return select(*keys) if noun.table is cases else select(*keys).join(cases, cases.c.id == noun.case_id)


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
