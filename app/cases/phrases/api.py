"""Kept phrases over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.phrases import service
from app.cases.phrases.schemas import PhraseIn, PhraseOut, PhrasePage
from app.cases.phrases.service import PhraseRefused, PhrasesTooMany
from app.core.db import reading
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.people import RoleUnknown, UnitUnknown
from app.identity.permissions import TASK_READ
from app.identity.scopes import require

blp = Blueprint("phrases", __name__, url_prefix="/api/v1/phrases", description="常用语")

EXAMPLE = {
    "text": "请城管委主办，2 小时内到场处置并回复来电人。",
    "process": "work_order_12345",
    "step": "dispatch",
    "field": "dispatch_note",
    "share": {"unit": "d1", "role": "dispatcher"},
}


@blp.get("")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, PhrasePage())
@blp.needs(TASK_READ)
def list_phrases(query: dict[str, Any]) -> Response:
    """我的常用语、与我共用的、由我维护的，新的在前。"""
    me = actor()
    require(me, TASK_READ)
    with reading() as session:
        load = partial(service.page, session, me)
        page = pages.of_rows(me.id, "phrases", query, load, lambda row: service.view(row, me))
    return sent(page)


@blp.post("")
@blp.tries()
@blp.moves
@blp.arguments(PhraseIn(), example=EXAMPLE)
@blp.response(201, PhraseOut())
@blp.needs(TASK_READ)
@blp.problems(PhraseRefused, PhrasesTooMany, UnitUnknown, RoleUnknown, Forbidden)
def keep_phrase(body: dict[str, Any]) -> Response:
    """保存一条常用语；与单位、角色共用要有那里的“共用常用语”权限。"""
    me = actor()
    require(me, TASK_READ)

    def render(row: dict[str, Any]) -> Stored:
        where = {"Location": f"/api/v1/phrases/{row['id']}"}
        return idempotent.stored(201, service.view(row, me), {**where, **etag.etag(1)})

    return idempotent.write(lambda session: service.keep(session, me, body), render)


@blp.get("/<id:phrase_id>")
@blp.response(200, PhraseOut())
@blp.needs(TASK_READ)
@blp.problems(NotFound)
def get_phrase(phrase_id: str) -> Response:
    """一条常用语。"""
    me = actor()
    require(me, TASK_READ)
    with reading() as session:
        row = service.visible(session, me, phrase_id)
    return sent(service.view(row, me), headers=etag.etag(row["revision"]))


@blp.put("/<id:phrase_id>")
@blp.tries()
@blp.moves
@blp.if_match
@blp.arguments(PhraseIn(), example=EXAMPLE)
@blp.response(200, PhraseOut())
@blp.needs(TASK_READ)
@blp.problems(
    NotFound, Forbidden, PhraseRefused, PhrasesTooMany, UnitUnknown, RoleUnknown, IfMatchMissing, Stale
)
def change_phrase(body: dict[str, Any], phrase_id: str) -> Response:
    """修改自己的常用语，或由我维护的共用常用语。"""
    me, seen = actor(), etag.if_match()
    require(me, TASK_READ)
    return idempotent.write(
        lambda session: service.change(session, me, phrase_id, seen, body),
        lambda row: idempotent.stored(200, service.view(row, me), etag.etag(row["revision"])),
    )


@blp.delete("/<id:phrase_id>")
@blp.tries()
@blp.moves
@blp.if_match
@blp.response(204)
@blp.needs(TASK_READ)
@blp.problems(NotFound, Forbidden, IfMatchMissing, Stale)
def remove_phrase(phrase_id: str) -> Response:
    """删除自己的常用语，或由我维护的共用常用语。"""
    me, seen = actor(), etag.if_match()
    require(me, TASK_READ)
    return idempotent.write(
        lambda session: service.remove(session, me, phrase_id, seen), lambda _: Stored(204, {}, b"")
    )
