"""代理人 over HTTP."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response

from app.cases.errors import ReasonRequired
from app.cases.schemas import ReasonIn
from app.core import clock
from app.core.db import Session, reading
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import TASK_READ
from app.substitutes import service
from app.substitutes.errors import (
    SubstitutionChain,
    SubstitutionOver,
    SubstitutionOverlap,
    SubstitutionRefused,
)
from app.substitutes.schemas import SubstitutionIn, SubstitutionOut, SubstitutionPage, SubstitutionQuery

blp = Blueprint("substitutions", __name__, url_prefix="/api/v1/substitutions", description="代理人")


@blp.post("")
@blp.moves
@blp.arguments(
    SubstitutionIn(),
    example={"substitute": "cgw2", "until": "2026-10-08T09:00:00+08:00", "reason": "国庆休假"},
)
@blp.response(201, SubstitutionOut())
@blp.problems(
    NotFound, Forbidden, SubstitutionRefused, SubstitutionOverlap, SubstitutionChain, ReasonRequired
)
def create(body: dict[str, Any]) -> Response:
    """设置代理人：在这段时间里以本人的权限办本人的待办，经过里写明“甲（代乙）”。

    替别人设置要有“设置代理人”的权限。不能自己代自己、代理再代理、同一时间同一流程由两人代理。
    """
    wanted = service.Wanted(
        body["person"],
        body["substitute"],
        body["from_"],
        body["until"],
        None if body["processes"] is None else tuple(body["processes"]),
        body["reason"],
    )
    who = actor()
    return idempotent.write(
        _shown_by(lambda session: service.create(session, who, wanted)), partial(_answer, 201)
    )


@blp.get("")
@blp.arguments(SubstitutionQuery(), location="query")
@blp.response(200, SubstitutionPage())
@blp.needs(TASK_READ)
@blp.problems(Forbidden)
def listed(query: dict[str, Any]) -> Response:
    """代理，新的在前：谁代理我、我代理谁；账号管理员看自己所管账号的全部。"""
    who = actor()
    with reading() as session:
        now = clock.now(session)
        load = partial(service.page, session, who, query)
        view = f"substitutions:{query['view']}:{query['state']}"
        return sent(pages.of_rows(who.id, view, query, load, lambda row: shown(row, now)))


@blp.post("/<id:substitution_id>/end")
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "提前返岗"})
@blp.response(200, SubstitutionOut())
@blp.problems(NotFound, Forbidden, SubstitutionOver, ReasonRequired)
def end(body: dict[str, Any], substitution_id: str) -> Response:
    """提前结束（还没开始的就是取消）：本人、代理人、设置的人和账号管理员都可以；签收了的待办留在本人名下。"""
    who = actor()
    act = _shown_by(lambda session: service.end(session, who, substitution_id, body["reason"]))
    return idempotent.write(act, partial(_answer, 200))


def _shown_by(act: Any) -> Any:
    def shown_now(session: Session) -> dict[str, Any]:
        row = act(session)
        return shown(row, clock.now(session))

    return shown_now


def _answer(status: int, body: Mapping[str, Any]) -> Stored:
    return idempotent.stored(status, body)


def shown(row: Mapping[str, Any], now: Any) -> dict[str, Any]:
    """A row as it leaves the house."""
    return {
        "id": row["id"],
        "person": _who(row, "person"),
        "substitute": _who(row, "substitute"),
        "from": out(row["valid_from"]),
        "until": out(row["valid_until"]),
        "processes": row["processes"],
        "reason": row["reason"],
        "state": service.state_of(row, now),
        "setBy": row["set_by"],
        "setAt": out(row["set_at"]),
        "endedAt": out(row["ended_at"]),
        "endedBy": row["ended_by"],
        "endReason": row["end_reason"],
    }


def _who(row: Mapping[str, Any], part: str) -> dict[str, str]:
    return {"id": row[f"{part}_id"], "login": row[f"{part}_login"], "name": row[f"{part}_name"]}
