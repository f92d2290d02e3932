"""停用 and 启用 of accounts over HTTP."""

from typing import Any

from flask import Response
from marshmallow import fields

from app.cases.accounts import service
from app.cases.accounts.service import OwnAccount, UserHasOpenTasks
from app.cases.errors import CaseBusy, ReasonRequired
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent
from app.core.http.api import Blueprint
from app.core.http.fields import Flag, Schema, Text
from app.identity.door import actor
from app.identity.permissions import ACCOUNT_DISABLE

blp = Blueprint("accounts", __name__, url_prefix="/api/v1/people", description="账号的停用与启用")


class EnableIn(Schema):
    """Why."""

    reason = Text(500, least=1, required=True)


class DisableIn(EnableIn):
    """Why, and what becomes of open tasks."""

    release = Flag(
        load_default=False,
        metadata={"description": "没有办完的待办退回待办池；不写时，有待办就不停用（409）"},
    )


class AccountOut(Schema):
    """An account and whether it is in use."""

    login = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": ["active", "disabled"]})


@blp.post("/<id:login>/disable")
@blp.moves
@blp.arguments(DisableIn(), example={"reason": "调离", "release": True})
@blp.response(200, AccountOut())
@blp.needs(ACCOUNT_DISABLE)
@blp.problems(NotFound, Forbidden, UserHasOpenTasks, OwnAccount, ReasonRequired, CaseBusy)
def disable(body: dict[str, Any], login: str) -> Response:
    """停用账号：令牌立即失效。还有没有办完的待办时不停用，除非选择退回待办池（每件都记入办件经过）。"""
    once = idempotent.once(lambda account: idempotent.stored(200, account))
    return idempotent.send(service.disable(actor(), login, body["reason"], body["release"], once))


@blp.post("/<id:login>/enable")
@blp.moves
@blp.arguments(EnableIn(), example={"reason": "返岗"})
@blp.response(200, AccountOut())
@blp.needs(ACCOUNT_DISABLE)
@blp.problems(NotFound, Forbidden, ReasonRequired)
def enable(body: dict[str, Any], login: str) -> Response:
    """启用账号：可以再登录；停用时退回的待办不回来。"""
    who = actor()
    return idempotent.write(
        lambda session: service.enable(session, who, login, body["reason"]),
        lambda account: idempotent.stored(200, account),
    )
