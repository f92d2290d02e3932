"""待办、已办、办理中: what is mine to do, what I did, what still runs of it; cheap pages and counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, union, union_all

from app.cases.models import cases, task_queue, tasks
from app.cases.motion import Row
from app.cases.viewing import HEAD, LISTED_TASK
from app.core.db import reading
from app.core.errors import FieldError, Unprocessable
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.permissions import TASK_READ
from app.identity.scopes import case_scope, require

VIEWS = {"todo": "待办", "done": "已办", "running": "办理中"}
EXACT_TO = 999


class ViewUnknown(Unprocessable):
    """没有这个列表。"""


def holders(actor: Actor) -> list[str]:
    """Where my tasks lie: my desk and the pools I stand in."""
    return [f"person:{actor.id}", *(f"pool:{pool}" for pool in sorted(actor.pools))]


def page(actor: Actor, view: str, limit: int, after: Sequence[Any] | None) -> list[Row]:
    """At most `limit + 1` rows of a view, in its order; `after` is the sort key of the last row seen.

    todo: tasks by rank (urgency, due, priority). done: tasks by when I finished them, newest first.
    running: cases, newest first, one row a case with the task that I finished last in it.
    """
    known(view)
    require(actor, TASK_READ)
    statement = {"todo": _todo, "done": _done, "running": _running}[view](actor, limit + 1, after)
    with reading() as session:
        return [dict(row) for row in session.execute(statement).mappings()]


def sort_key(view: str, row: Row) -> list[Any]:
    """What a cursor remembers of the last row."""
    if view == "todo":
        return [row["rank"]]
    if view == "done":
        return [row["closed_at"].isoformat(), row["id"]]
    return [row["case_id"]]


def counts(actor: Actor) -> dict[str, dict[str, Any]]:
    """Every view's count in one statement, exact to 999."""
    require(actor, TASK_READ)
    with reading() as session:
        rows = session.execute(union_all(*(_count(actor, view) for view in VIEWS))).all()
    return {
        row.view: {"count": min(row.found, EXACT_TO), "totalExact": row.found <= EXACT_TO} for row in rows
    }


def known(view: str) -> None:
    if view not in VIEWS:
        names = "、".join(f"{key}（{label}）" for key, label in VIEWS.items())
        raise ViewUnknown(errors=[FieldError("?view", "view-unknown", f"可选：{names}。")])


def _lying(actor: Actor, most: int, after: str | None) -> Any:
    """The first rows of each place, already in order, then the first of all; a task in two pools once."""
    parts = []
    for holder in holders(actor):
        part = select(task_queue.c.rank, task_queue.c.task_id).where(task_queue.c.holder == holder)
        if after is not None:
            part = part.where(task_queue.c.rank > after)
        parts.append(select(part.order_by(task_queue.c.rank).limit(most).subquery()))
    return union(*parts).order_by("rank").limit(most)


def _todo(actor: Actor, most: int, after: Sequence[Any] | None) -> Select[Any]:
    lying = _lying(actor, most, after[0] if after else None).subquery()
    return (
        select(lying.c.rank, *LISTED_TASK, *HEAD)
        .join(tasks, tasks.c.id == lying.c.task_id)
        .join(cases, cases.c.id == tasks.c.case_id)
        .order_by(lying.c.rank)
    )


def _done(actor: Actor, most: int, after: Sequence[Any] | None) -> Select[Any]:
    statement: Select[Any] = (
        select(*LISTED_TASK, *HEAD)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(tasks.c.done_by == actor.id, case_scope(actor, TASK_READ, cases.c.org_path, cases.c.id))
        .order_by(tasks.c.closed_at.desc(), tasks.c.id.desc())
        .limit(most)
    )
    if after:
        when, key = datetime.fromisoformat(after[0]), after[1]
        closed = tasks.c.closed_at
        statement = statement.where((closed < when) | ((closed == when) & (tasks.c.id < key)))
    return statement


def _running(actor: Actor, most: int, after: Sequence[Any] | None) -> Select[Any]:
    mine = _handled(actor)
    if after:
        mine = mine.where(case_access.c.case_id < after[0])
    mine_first = mine.order_by(case_access.c.case_id.desc()).limit(most).subquery()
    last = (
        select(tasks.c.id)
        .where(tasks.c.case_id == mine_first.c.case_id, tasks.c.done_by == actor.id)
        .order_by(tasks.c.closed_at.desc())
        .limit(1)
        .scalar_subquery()
        .correlate(mine_first)
    )
    return (
        select(*LISTED_TASK, *HEAD)
        .select_from(mine_first)
        .join(tasks, tasks.c.id == last)
        .join(cases, cases.c.id == tasks.c.case_id)
        .order_by(cases.c.id.desc())
    )


def _handled(actor: Actor) -> Select[Any]:
    """Active cases in which I have finished a task."""
    return (
        select(case_access.c.case_id)
        .join(cases, cases.c.id == case_access.c.case_id)
        .where(
            case_access.c.holder == f"person:{actor.id}",
            case_access.c.reason == "handled",
            cases.c.state == "active",
        )
    )


def _count(actor: Actor, view: str) -> Select[str, int]:
    most = EXACT_TO + 1
    if view == "todo":
        found: Any = _lying(actor, most, None)
    elif view == "done":
        found = select(tasks.c.id).where(tasks.c.done_by == actor.id).limit(most)
    else:
        found = _handled(actor).limit(most)
    return select(literal(view).label("view"), func.count().label("found")).select_from(found.subquery())
