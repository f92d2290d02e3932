"""抄送 and 已阅 over HTTP."""

from typing import Any

from flask import Response
from marshmallow import fields

from app.cases.api import moved_answer
from app.cases.copies import service
from app.cases.errors import (
    CaseBusy,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    NothingToRead,
    PersonNotSelectable,
)
from app.cases.schemas import MovedOut
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING, ListOf, Moment, Schema, Shape, Text
from app.identity.door import actor
from app.identity.permissions import CASE_COPY, CASE_READ, TASK_READ

blp = Blueprint("copies", __name__, url_prefix="/api/v1", description="抄送、已阅")


class CopyIn(Schema):
    """Who is to know of the case, and what is said to them."""

    people = ListOf(Text(60, least=1), required=True, least=1, most=50, metadata={"description": "登录名"})
    text = Text(500, lines=True, load_default="", metadata={"description": "抄送说明"})


class CopyOut(Schema):
    """A copy: to whom, by whom, and when it was read."""

    person = fields.String(required=True)
    name = fields.String(required=True)
    by = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)
    at = Moment(required=True)
    read_at = Moment(required=True, allow_none=True)


class CopiesOut(Schema):
    """All of a case, oldest first."""

    items = ListOf(Shape(CopyOut), required=True)


@blp.post("/tasks/<id:task_id>/cc")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(CopyIn(), example={"people": ["lingdao1"], "text": "请知悉"})
@blp.response(200, MovedOut())
@blp.needs(CASE_COPY)
@blp.problems(NotFound, Forbidden, CaseClosed, CaseMerged, CaseSuspended, CaseBusy, PersonNotSelectable)
def copy_case(body: dict[str, Any], task_id: str) -> Response:
    """抄送：让这些人知道这件办件，列入他们的“抄送”，以后看得到；再次抄送的重新算作未阅。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(service.copy(actor(), task_id, body["people"], body["text"], once))


@blp.post("/tasks/<id:task_id>/read")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, MovedOut())
@blp.needs(TASK_READ)
@blp.problems(NotFound, NothingToRead, CaseBusy)
def read_copy(body: dict[str, Any], task_id: str) -> Response:
    """已阅：收到抄送的人看过了；重复得到同样的回答。"""
    return idempotent.send(service.read(actor(), task_id, idempotent.once(moved_answer)))


@blp.get("/cases/<id:case_id>/copies")
@blp.response(200, CopiesOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def list_copies(case_id: str) -> Response:
    """抄送过谁，谁看过了。"""
    return sent({"items": service.of(actor(), case_id)})
