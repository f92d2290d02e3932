"""Notes of a case over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.advance import Moved
from app.cases.errors import CaseBusy, CaseClosed
from app.cases.notes import service
from app.cases.notes.schemas import NoteIn, NoteOut, NotePage
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import CASE_NOTE, CASE_READ

blp = Blueprint("notes", __name__, url_prefix="/api/v1", description="备注、领导批示")


@blp.post("/cases/<id:case_id>/notes")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(NoteIn(), example={"text": "来电人补充：路灯在3号楼北侧。"})
@blp.response(201, NoteOut())
@blp.needs(CASE_NOTE)
@blp.problems(NotFound, Forbidden, CaseClosed, CaseBusy)
def add_note(body: dict[str, Any], case_id: str) -> Response:
    """填写备注；kind 为 instruction 时是领导批示（权限 case:instruct），该办件从此排在最前。"""
    me = actor()

    def render(moved: Moved) -> Stored:
        assert moved.made is not None
        return idempotent.stored(201, service.view(moved.made, me.name))

    return idempotent.send(service.add(me, case_id, body["text"], body["kind"], idempotent.once(render)))


@blp.get("/cases/<id:case_id>/notes")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, NotePage())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def list_notes(query: dict[str, Any], case_id: str) -> Response:
    """办件的备注和批示，从旧到新。"""
    me = actor()
    load = partial(service.page, me, case_id)
    return sent(pages.of_rows(me.id, f"notes:{case_id}", query, load, service.view))
