"""What each list of a person holds, as statements with parameters: rows in order, and what counts as one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    or_,
    select,
    text,
    tuple_,
    union,
    union_all,
)

from app.cases.models import cases, favourites, task_queue, tasks
from app.cases.viewing import HEAD, LISTED_TASK
from app.core.db import Instant
from app.identity import scopes
from app.identity.models import case_access

ME: Any = bindparam("me")
DESK: Any = bindparam("desk")
MOST: Any = bindparam("most", type_=Integer)
NOW: Any = bindparam("now", type_=Instant)
TOMORROW: Any = bindparam("tomorrow", type_=Instant)
KNOWN = case_access.c.case_id
WITHOUT_TASK = ("started", "followed", "cc")
"""Reasons for which a case may know somebody who has no task of it."""


@dataclass(frozen=True)
class Shape:
    """What a statement depends on beside its parameters: at how many places tasks lie, and the scope."""

    places: int
    scope: scopes.Shape
    parts: int = 0
    """At how many places only the tasks of one process are looked for, on behalf of others (代理)."""


@dataclass(frozen=True)
class View:
    """A list: its Chinese name, its rows (from the start, or going on), and their number up to `most`.

    `keys` are the columns that a cursor remembers, `reads` how each is read back.
    """

    label: str
    rows: Callable[[Shape, bool], Select[Any]]
    count: Callable[[Shape], Any]
    keys: tuple[str, ...] = ("case_id",)
    reads: tuple[Callable[[Any], Any], ...] = (str,)
    timed: bool = False


def _after(i: int, kind: Any) -> Any:
    return bindparam(f"after_{i}", type_=kind)


# — tasks that lie with me —


def _lying(shape: Shape, goes_on: bool, order: Any, *conditions: Any) -> Select[Any]:
    """The first rows of each of my places, in order, then the first of all; a task in two pools once."""
    # A rank ends with the task's id: nothing to add, and the key of the table is in order already.
    keys = (order,) if order is task_queue.c.rank else (order, task_queue.c.task_id)
    if goes_on:
        conditions = (*conditions, _beyond(keys, descending=False))
    parts = []
    for place in _places(shape):
        part = select(order.label("place"), task_queue.c.task_id).where(place, *conditions)
        parts.append(select(part.order_by(*keys).limit(MOST).subquery()))
    lying = union(*parts).order_by(text("place"), text("task_id")).limit(MOST).subquery()
    return (
        select(lying.c.place, *LISTED_TASK, *HEAD)
        .select_from(lying)
        .join(tasks, tasks.c.id == lying.c.task_id)
        .join(cases, cases.c.id == tasks.c.case_id)
        .order_by(lying.c.place, lying.c.task_id)
    )


def _places(shape: Shape) -> list[Any]:
    """Conditions, one for each place where tasks lie; one lent for some processes counts for each of them."""
    lying = task_queue.c
    whole = [lying.holder == bindparam(f"place_{i}", type_=String) for i in range(shape.places)]
    return whole + [
        and_(
            lying.holder == bindparam(f"part_{i}", type_=String),
            lying.process_key == bindparam(f"of_{i}", type_=String),
        )
        for i in range(shape.parts)
    ]


def _count(found: Select[Any]) -> Any:
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def _count_together(ways: list[Select[Any]], *enough: Any) -> Any:
    """How many there are by all ways together, up to `most`; once a question of `enough` is answered with yes
    there are so many, and the ways are not looked at.
    """
    together = union(*(select(way.limit(MOST).subquery()) for way in ways)).subquery()
    counted = _count(select(together))
    return case(*((told, MOST) for told in enough), else_=counted) if enough else counted


def _one_has_all(way: Select[Any], holder: Any, names: list[Any]) -> Any:
    """Whether one of these names alone has `most`: each is asked until one has. By one name each comes once.

    Written once for all names: to plan a statement takes time for every place where it names a table.
    """
    every = union_all(*(select(name.label("name")) for name in names)).subquery()
    its = way.where(holder == every.c.name).correlate(every).limit(MOST)
    return exists(select(every.c.name).where(_count(its) >= MOST))


def _beyond(keys: tuple[Any, ...], *, descending: bool) -> Any:
    values = [_after(i, key.type) for i, key in enumerate(keys)]
    if len(keys) == 1:
        return keys[0] < values[0] if descending else keys[0] > values[0]
    return tuple_(*keys) < tuple_(*values) if descending else tuple_(*keys) > tuple_(*values)


def _count_lying(shape: Shape, *conditions: Any) -> Any:
    lying = select(task_queue.c.task_id).where(*conditions)
    places: list[Any] = [bindparam(f"place_{i}", type_=String) for i in range(shape.places)]
    each = [lying.where(place) for place in _places(shape)]
    return _count_together(each, _one_has_all(lying, task_queue.c.holder, places))


def _lying_view(label: str, order: Any, *conditions: Any) -> View:
    by_rank = order is task_queue.c.rank
    return View(
        label,
        lambda shape, goes_on: _lying(shape, goes_on, order, *conditions),
        lambda shape: _count_lying(shape, *conditions),
        ("place",) if by_rank else ("place", "id"),
        (str,) if by_rank else (datetime.fromisoformat, str),
        timed=bool(conditions),
    )


# — tasks that I did —


_BY_ME = (
    (tasks.c.done_by == ME,),
    # Written as text, as the index says it.
    (tasks.c.hand_id == ME, text("tasks.hand_id is not null and tasks.done_by is not null")),
)
"""In the own name, whoever acted; and as a substitute. Each in the order of an index."""


def _done(shape: Shape, goes_on: bool) -> Select[Any]:
    keys = (tasks.c.closed_at, tasks.c.id)
    seen = scopes.in_scope(shape.scope, cases.c.org_path, cases.c.id)
    parts = []
    for mine in _BY_ME:
        part = select(*keys).join(cases, cases.c.id == tasks.c.case_id).where(*mine, seen)
        if goes_on:
            part = part.where(_beyond(keys, descending=True))
        parts.append(select(part.order_by(*(key.desc() for key in keys)).limit(MOST).subquery()))
    found = union(*parts).order_by(text("closed_at desc"), text("id desc")).limit(MOST).subquery()
    return (
        select(*LISTED_TASK, *HEAD)
        .select_from(found)
        .join(tasks, tasks.c.id == found.c.id)
        .join(cases, cases.c.id == tasks.c.case_id)
        .order_by(found.c.closed_at.desc(), found.c.id.desc())
    )


def _count_done(shape: Shape) -> Any:
    return _count_together([select(tasks.c.id).where(*mine) for mine in _BY_ME])


# — tasks of mine that others have in hand —


def _given(shape: Shape, goes_on: bool) -> Select[Any]:
    rows = (
        select(*LISTED_TASK, *HEAD)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(tasks.c.assignee_id == ME, text("tasks.state = 'waiting'"), tasks.c.stacked)
    )
    if goes_on:
        rows = rows.where(_beyond((tasks.c.id,), descending=True))
    return rows.order_by(tasks.c.id.desc()).limit(MOST)


def _count_given(shape: Shape) -> Any:
    mine = select(tasks.c.id).where(
        tasks.c.assignee_id == ME, text("tasks.state = 'waiting'"), tasks.c.stacked
    )
    return _count(mine.limit(MOST))


# — cases, each with one task —


def _mine(reason: str) -> Select[Any]:
    """Cases that know me for a reason; written as text, as the index of reasons says it."""
    mine = select(KNOWN).where(
        case_access.c.holder == DESK,
        text(f"case_access.reason = '{reason}' and case_access.reason <> 'pool'"),
    )
    # Who handled a case did it by a task.
    return mine.where(_has_task(KNOWN)) if reason in WITHOUT_TASK else mine


def _because(reason: str) -> Callable[[Shape], tuple[Select[Any], Any]]:
    return lambda shape: (_mine(reason), KNOWN)


def _favourite(shape: Shape) -> tuple[Select[Any], Any]:
    seen = scopes.in_scope(shape.scope, cases.c.org_path, cases.c.id)
    mine = (
        select(favourites.c.case_id)
        .join(cases, cases.c.id == favourites.c.case_id)
        # One after the other: what one may not see any more is not looked up among the tasks.
        .where(favourites.c.person_id == ME, case((seen, _has_task(favourites.c.case_id)), else_=false()))
    )
    return mine, favourites.c.case_id


def _supervised(shape: Shape) -> tuple[Select[Any], Any]:
    """Cases in my scope that are supervised until it is lifted: few, by an index of their own."""
    seen = scopes.in_scope(shape.scope, cases.c.org_path, cases.c.id)
    # Written as text, as the index says it.
    marked = text("cases.supervised and cases.parent_id is null")
    return select(cases.c.id.label("case_id")).where(marked, seen, _has_task(cases.c.id)), cases.c.id


def _unsatisfied(shape: Shape) -> tuple[Select[Any], Any]:
    """Cases in my scope whose reporter is not satisfied: few, by an index of their own."""
    seen = scopes.in_scope(shape.scope, cases.c.org_path, cases.c.id)
    # Written as text, as the index says it.
    known = select(cases.c.id.label("case_id")).where(text("cases.unsatisfied"), seen, _has_task(cases.c.id))
    return known, cases.c.id


def _has_task(case_id: Any) -> Any:
    """A list of tasks shows no case that never had one."""
    return exists().where(tasks.c.case_id == case_id)


def _cases_view(label: str, which: Callable[[Shape], tuple[Select[Any], Any]], *, mine: bool = False) -> View:
    def rows(shape: Shape, goes_on: bool) -> Select[Any]:
        found, case_id = which(shape)
        if goes_on:
            found = found.where(_beyond((case_id,), descending=True))
        return _with_task(found.order_by(case_id.desc()).limit(MOST), mine)

    return View(label, rows, lambda shape: _count(which(shape)[0].limit(MOST)))


def _all(shape: Shape, goes_on: bool) -> Select[Any]:
    """Every case in my scope that has a task: one branch for each way in, each in the order of an index."""
    mine = select(KNOWN).distinct().where(case_access.c.holder == DESK, _has_task(KNOWN))
    ways = [_by_scope(shape), *((way, KNOWN) for way in _by_units(shape)), (mine, KNOWN)]
    parts = []
    for way, key in ways:
        if goes_on:
            way = way.where(_beyond((key,), descending=True))
        parts.append(select(way.order_by(key.desc()).limit(MOST).subquery()))
    found = union(*parts).subquery()
    return _with_task(select(found).order_by(found.c.case_id.desc()).limit(MOST), False)


def _count_all(shape: Shape) -> Any:
    units, mine = _units(shape), [_mine(reason) for reason in ("handled", "closed", "handed", *WITHOUT_TASK)]
    enough = [_count(way.limit(MOST)) >= MOST for way in mine[:2]]
    if units:
        enough.insert(0, _one_has_all(select(KNOWN), case_access.c.holder, units))
    return _count_together([*_by_units(shape), *mine, _by_scope(shape)[0]], *enough)


def _by_scope(shape: Shape) -> tuple[Select[Any], Any]:
    scope = scopes.inside(shape.scope, cases.c.org_path)
    return select(cases.c.id.label("case_id")).where(scope, _has_task(cases.c.id)), cases.c.id


def _by_units(shape: Shape) -> list[Select[Any]]:
    """What lets a unit in is a task of its pool: nothing else has to be looked at."""
    return [select(KNOWN).where(case_access.c.holder == unit) for unit in _units(shape)]


def _units(shape: Shape) -> list[Any]:
    return scopes.names(shape.scope)[:-1]


def _with_task(found: Select[Any], mine: bool) -> Select[Any]:
    """The cases found, each with the task I finished last, or else with its newest one, open ones first."""
    these = found.subquery()
    one = tasks.alias("one")
    first = or_(one.c.done_by == ME, one.c.hand_id == ME) if mine else one.c.state.in_(("open", "claimed"))
    latest = func.coalesce(one.c.closed_at, one.c.opened_at) if mine else one.c.id
    shown = (
        select(one.c.id)
        .where(one.c.case_id == these.c.case_id)
        .order_by(case((first, 0), else_=1), latest.desc(), one.c.id.desc())
        .limit(1)
        .scalar_subquery()
        .correlate(these)
    )
    return (
        select(*LISTED_TASK, *HEAD)
        .select_from(these)
        .join(tasks, tasks.c.id == shown)
        .join(cases, cases.c.id == tasks.c.case_id)
        .order_by(cases.c.id.desc())
    )


def _views() -> Iterator[tuple[str, View]]:
    due = task_queue.c.due_at
    yield "todo", _lying_view("待办", task_queue.c.rank)
    yield "dueToday", _lying_view("今日到期", due, and_(due >= NOW, due < TOMORROW))
    yield "overdue", _lying_view("已超期", due, due < NOW)
    yield "supervised", _cases_view("督办", _supervised)
    yield "done", View("已办", _done, _count_done, ("closed_at", "id"), (datetime.fromisoformat, str))
    yield "assignedDown", View("已交办", _given, _count_given, ("id",))
    yield "running", _cases_view("办理中", _because("handled"), mine=True)
    yield "closed", _cases_view("已结案", _because("closed"), mine=True)
    yield "started", _cases_view("我发起的", _because("started"))
    yield "cc", _cases_view("抄送", _because("cc"))
    yield "followed", _cases_view("关注", _because("followed"))
    yield "favourite", _cases_view("收藏", _favourite)
    yield "unsatisfied", _cases_view("群众不满意", _unsatisfied)
    yield "all", View("全部", _all, _count_all)


VIEWS = dict(_views())
"""The lists there are."""
