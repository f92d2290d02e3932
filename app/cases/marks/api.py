"""关注 and 收藏 over HTTP; both can be taken back."""

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import fields

from app.cases.errors import CaseClosed
from app.cases.marks import service
from app.core.db import Session
from app.core.errors import NotFound
from app.core.http import idempotent
from app.core.http.api import Blueprint
from app.core.http.fields import NOTHING, Schema
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.permissions import CASE_READ

blp = Blueprint("marks", __name__, url_prefix="/api/v1", description="关注、收藏")


class MarksOut(Schema):
    """What I set on a case."""

    case = fields.String(required=True)
    followed = fields.Boolean(required=True)
    favourite = fields.Boolean(required=True)


@blp.post("/cases/<id:case_id>/follow")
@blp.tries()
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, MarksOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound, CaseClosed)
def follow(body: dict[str, str], case_id: str) -> Response:
    """关注办件：列入“关注”，以后一直看得到。"""
    return _write(service.follow, case_id)


@blp.delete("/cases/<id:case_id>/follow")
@blp.tries()
@blp.moves
@blp.response(200, MarksOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def unfollow(case_id: str) -> Response:
    """取消关注。"""
    return _write(service.unfollow, case_id)


@blp.post("/cases/<id:case_id>/favourite")
@blp.tries()
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, MarksOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def keep(body: dict[str, str], case_id: str) -> Response:
    """收藏办件：列入“收藏”，办结了也可以。"""
    return _write(service.keep, case_id)


@blp.delete("/cases/<id:case_id>/favourite")
@blp.tries()
@blp.moves
@blp.response(200, MarksOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def forget(case_id: str) -> Response:
    """取消收藏。"""
    return _write(service.forget, case_id)


def _write(act: Callable[[Session, Actor, str], dict[str, Any]], case_id: str) -> Response:
    me = actor()
    return idempotent.write(
        lambda session: act(session, me, case_id), lambda marks: idempotent.stored(200, marks)
    )
