"""Saved filters over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.search import saved
from app.cases.search.conditions import FilterRefused
from app.cases.search.saved import FiltersTooMany
from app.cases.search.schemas import FilterChangeIn, FilterIn, FilterOut, FilterPage, FilterQuery
from app.core.db import reading
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.people import RoleUnknown, UnitUnknown
from app.identity.permissions import TASK_READ
from app.identity.scopes import require

blp = Blueprint("filters", __name__, url_prefix="/api/v1/filters", description="保存的筛选")

EXAMPLE = {
    "kind": "tasks",
    "name": "东街道超期",
    "filter": {"overdue": True, "case": {"place": "d1-s1"}},
    "sort": [{"field": "dueAt", "order": "asc"}],
    "share": [{"role": "supervisor"}, {"unit": "d1-s1"}],
}

CHANGE = {name: value for name, value in EXAMPLE.items() if name != "kind"}


@blp.get("")
@blp.arguments(FilterQuery(), location="query")
@blp.response(200, FilterPage())
@blp.needs(TASK_READ)
def list_filters(query: dict[str, Any]) -> Response:
    """我保存的和共享给我的筛选，新的在前。"""
    me, kind = actor(), query["kind"]
    require(me, TASK_READ)
    with reading() as session:
        load = partial(saved.page, session, me, kind)
        page = pages.of_rows(me.id, f"filters:{kind}", query, load, lambda row: saved.view(row, me))
    return sent(page)


@blp.post("")
@blp.moves
@blp.arguments(FilterIn(), example=EXAMPLE)
@blp.response(201, FilterOut())
@blp.needs(TASK_READ)
@blp.problems(FilterRefused, FiltersTooMany, UnitUnknown, RoleUnknown, Forbidden)
def save_filter(body: dict[str, Any]) -> Response:
    """保存一个筛选；共享给角色或单位要有“共享筛选”的权限。"""
    me = actor()
    require(me, TASK_READ)

    def render(row: dict[str, Any]) -> Stored:
        where = {"Location": f"/api/v1/filters/{row['id']}"}
        return idempotent.stored(201, saved.view(row, me), {**where, **etag.etag(1)})

    return idempotent.write(lambda session: saved.save(session, me, body), render)


@blp.get("/<id:filter_id>")
@blp.response(200, FilterOut())
@blp.needs(TASK_READ)
@blp.problems(NotFound)
def get_filter(filter_id: str) -> Response:
    """一个筛选。"""
    me = actor()
    require(me, TASK_READ)
    with reading() as session:
        row = saved.visible(session, me, filter_id)
    headers = etag.etag(row["revision"])
    return sent(saved.view(row, me), headers=headers)


@blp.put("/<id:filter_id>")
@blp.moves
@blp.if_match
@blp.arguments(
    FilterChangeIn(), example={name: EXAMPLE[name] for name in ("name", "filter", "sort", "share")}
)
@blp.response(200, FilterOut())
@blp.needs(TASK_READ)
@blp.problems(NotFound, Forbidden, FilterRefused, UnitUnknown, RoleUnknown, IfMatchMissing, Stale)
def change_filter(body: dict[str, Any], filter_id: str) -> Response:
    """修改自己保存的筛选。"""
    me, seen = actor(), etag.if_match()
    require(me, TASK_READ)
    return idempotent.write(
        lambda session: saved.change(session, me, filter_id, seen, body),
        lambda row: idempotent.stored(200, saved.view(row, me), etag.etag(row["revision"])),
    )


@blp.delete("/<id:filter_id>")
@blp.moves
@blp.if_match
@blp.response(204)
@blp.needs(TASK_READ)
@blp.problems(NotFound, Forbidden, IfMatchMissing, Stale)
def remove_filter(filter_id: str) -> Response:
    """删除自己保存的筛选。"""
    me, seen = actor(), etag.if_match()
    require(me, TASK_READ)
    return idempotent.write(
        lambda session: saved.remove(session, me, filter_id, seen), lambda _: Stored(204, {}, b"")
    )
