"""待办、已办、办理中 and the other lists of a person: what is mine to do, what I did, what I watch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, case, exists, func, literal, select, text, union, union_all

from app.cases.assign import places
from app.cases.models import cases, favourites, task_queue, tasks
from app.cases.motion import Row
from app.cases.search import query
from app.cases.viewing import HEAD, LISTED_TASK
from app.core import clock
from app.core.clock import BEIJING
from app.core.db import reading
from app.core.errors import FieldError, Unprocessable
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.permissions import TASK_READ
from app.identity.scopes import case_scope, require

EXACT_TO = 999


class ViewUnknown(Unprocessable):
    """没有这个列表。"""


@dataclass(frozen=True)
class Asking:
    """Whose list, as of when (only lists of due times ask), how many rows, where the page before ended."""

    actor: Actor
    now: datetime | None
    most: int
    after: Sequence[Any] | None = None


def page(actor: Actor, view: str, limit: int, after: Sequence[Any] | None) -> list[Row]:
    """At most `limit + 1` rows of a view, in its order; `after` is the sort key of the last row seen."""
    known(view)
    require(actor, TASK_READ)
    asked = VIEWS[view]
    with reading() as session:
        asking = Asking(actor, clock.now(session) if asked.timed else None, limit + 1, after)
        return [dict(row) for row in session.execute(asked.rows(asking)).mappings()]


def sort_key(view: str, row: Row) -> list[Any]:
    """What a cursor remembers of the last row."""
    return [
        value.isoformat() if isinstance(value := row[name], datetime) else value for name in VIEWS[view].keys
    ]


def width(view: str) -> int:
    """How many values a cursor of the view holds."""
    return len(VIEWS[view].keys)


def counts(actor: Actor) -> dict[str, dict[str, Any]]:
    """Every view's count, exact to 999: one statement asks for all of them."""
    require(actor, TASK_READ)
    with reading() as session:
        asking = Asking(actor, clock.now(session), EXACT_TO + 1)
        counted = [
            select(literal(name).label("view"), func.count().label("found")).select_from(
                view.found(asking).subquery()
            )
            for name, view in VIEWS.items()
        ]
        rows = session.execute(union_all(*counted)).all()
    return {
        row.view: {"count": min(row.found, EXACT_TO), "totalExact": row.found <= EXACT_TO} for row in rows
    }


def known(view: str) -> None:
    if view not in VIEWS:
        names = "、".join(f"{key}（{each.label}）" for key, each in VIEWS.items())
        raise ViewUnknown(errors=[FieldError("?view", "view-unknown", f"可选：{names}。")])


# — tasks that lie with me —


def _lying(asking: Asking, order: Any, *conditions: Any) -> Any:
    """The first rows of each of my places, in order, then the first of all; a task in two pools once."""
    parts = []
    for holder in places(asking.actor):
        part = select(order.label("place"), task_queue.c.task_id)
        part = part.where(task_queue.c.holder == holder, *conditions)
        # A rank ends with the task's id: nothing to add, and the key of the table is in order already.
        order_by = (order,) if order is task_queue.c.rank else (order, task_queue.c.task_id)
        parts.append(select(part.order_by(*order_by).limit(asking.most).subquery()))
    return union(*parts).order_by(text("place"), text("task_id")).limit(asking.most)


def _lying_by_rank(asking: Asking) -> Any:
    beyond = [] if asking.after is None else [task_queue.c.rank > asking.after[0]]
    return _lying(asking, task_queue.c.rank, *beyond)


def _lying_by_due(*bounds: Callable[[datetime], Any]) -> Callable[[Asking], Any]:
    def lying(asking: Asking) -> Any:
        assert asking.now is not None
        conditions = [bound(asking.now) for bound in bounds]
        if asking.after is not None:
            due, key = datetime.fromisoformat(asking.after[0]), asking.after[1]
            column = task_queue.c.due_at
            conditions.append((column > due) | ((column == due) & (task_queue.c.task_id > key)))
        return _lying(asking, task_queue.c.due_at, *conditions)

    return lying


def _laid_out(found: Any) -> Select[Any]:
    lying = found.subquery()
    return (
        select(lying.c.place, *LISTED_TASK, *HEAD)
        .select_from(lying)
        .join(tasks, tasks.c.id == lying.c.task_id)
        .join(cases, cases.c.id == tasks.c.case_id)
        .order_by(lying.c.place, lying.c.task_id)
    )


def _todo(asking: Asking) -> Select[Any]:
    return _laid_out(_lying_by_rank(asking))


def _past(now: datetime) -> Any:
    return task_queue.c.due_at < now


def _not_past(now: datetime) -> Any:
    return task_queue.c.due_at >= now


def _today(now: datetime) -> Any:
    tomorrow = now.astimezone(BEIJING).date() + timedelta(days=1)
    return task_queue.c.due_at < datetime.combine(tomorrow, time(), BEIJING)


# — tasks that I did —


def _done(asking: Asking) -> Select[Any]:
    statement: Select[Any] = (
        select(*LISTED_TASK, *HEAD)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(
            tasks.c.done_by == asking.actor.id,
            case_scope(asking.actor, TASK_READ, cases.c.org_path, cases.c.id),
        )
        .order_by(tasks.c.closed_at.desc(), tasks.c.id.desc())
        .limit(asking.most)
    )
    if asking.after:
        when, key = datetime.fromisoformat(asking.after[0]), asking.after[1]
        closed = tasks.c.closed_at
        statement = statement.where((closed < when) | ((closed == when) & (tasks.c.id < key)))
    return statement


def _found_done(asking: Asking) -> Select[Any]:
    return select(tasks.c.id).where(tasks.c.done_by == asking.actor.id).limit(asking.most)


# — cases, each with one task —


def _because(reason: str) -> Callable[[Asking], Select[Any]]:
    """Cases that know me for a reason; written as text, as the index of reasons says it."""

    def found(asking: Asking) -> Select[Any]:
        mine = select(case_access.c.case_id).where(
            case_access.c.holder == f"person:{asking.actor.id}",
            text(f"case_access.reason = '{reason}' and case_access.reason <> 'pool'"),
        )
        return _newest_first(mine, case_access.c.case_id, asking)

    return found


def _favourite(asking: Asking) -> Select[Any]:
    mine = (
        select(favourites.c.case_id)
        .join(cases, cases.c.id == favourites.c.case_id)
        .where(
            favourites.c.person_id == asking.actor.id,
            case_scope(asking.actor, TASK_READ, cases.c.org_path, cases.c.id),
        )
    )
    return _newest_first(mine, favourites.c.case_id, asking)


def _all(asking: Asking) -> Select[Any]:
    """Every case in my scope that has a task: one branch for each way in, as in a search."""
    noun = replace(query.CASES, permission=TASK_READ)
    beyond = [] if asking.after is None else [cases.c.id < asking.after[0]]
    ways = query.ways(noun, asking.actor, [cases.c.id.label("case_id")], [_has_task(cases.c.id), *beyond])
    parts = [select(way.order_by(cases.c.id.desc()).limit(asking.most).subquery()) for way in ways]
    found = union(*parts).subquery()
    return select(found).order_by(found.c.case_id.desc()).limit(asking.most)


def _newest_first(mine: Select[Any], case_id: Any, asking: Asking) -> Select[Any]:
    if asking.after is not None:
        mine = mine.where(case_id < asking.after[0])
    return mine.where(_has_task(case_id)).order_by(case_id.desc()).limit(asking.most)


def _has_task(case_id: Any) -> Any:
    """A list of tasks shows no case that never had one."""
    return exists().where(tasks.c.case_id == case_id)


def _with_task(found: Select[Any], mine: str | None = None) -> Select[Any]:
    """The cases found, each with the task I finished last, or else with its newest one, open ones first."""
    these = found.subquery()
    one = tasks.alias("one")
    first = one.c.state.in_(("open", "claimed")) if mine is None else one.c.done_by == mine
    latest = one.c.id if mine is None else func.coalesce(one.c.closed_at, one.c.opened_at)
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


@dataclass(frozen=True)
class View:
    """A list: its Chinese name, its rows, what counts as one of them, and the columns a cursor remembers."""

    label: str
    rows: Callable[[Asking], Select[Any]]
    found: Callable[[Asking], Any]
    keys: tuple[str, ...] = ("case_id",)
    timed: bool = False


def _of_cases(label: str, found: Callable[[Asking], Select[Any]], *, mine: bool = False) -> View:
    return View(label, lambda asking: _with_task(found(asking), asking.actor.id if mine else None), found)


def _of_dues(label: str, *bounds: Callable[[datetime], Any]) -> View:
    lying = _lying_by_due(*bounds)
    return View(label, lambda asking: _laid_out(lying(asking)), lying, ("place", "id"), timed=True)


def _views() -> Iterator[tuple[str, View]]:
    yield "todo", View("待办", _todo, _lying_by_rank, ("place",))
    yield "dueToday", _of_dues("今日到期", _not_past, _today)
    yield "overdue", _of_dues("已超期", _past)
    yield "done", View("已办", _done, _found_done, ("closed_at", "id"))
    yield "running", _of_cases("办理中", _because("handled"), mine=True)
    yield "closed", _of_cases("已结案", _because("closed"), mine=True)
    yield "started", _of_cases("我发起的", _because("started"))
    yield "followed", _of_cases("关注", _because("followed"))
    yield "favourite", _of_cases("收藏", _favourite)
    yield "all", _of_cases("全部", _all)


VIEWS = dict(_views())
"""The lists there are. What nothing is known of yet (抄送, 督办, 不满意, 已交办) is no list."""
