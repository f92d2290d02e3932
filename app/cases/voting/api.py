"""会签 over HTTP: who said what so far, and 回避."""

from typing import Any

from flask import Response

from app.cases.api import moved_answer
from app.cases.errors import NotSeveral, ProcessStopped, TaskHandedOn
from app.cases.moves_api import ON_A_TASK
from app.cases.schemas import MovedOut, ReasonIn
from app.cases.trying_schemas import WouldOut
from app.cases.voting import service
from app.cases.voting.schemas import VotesOut
from app.core.errors import IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.identity.permissions import TASK_COMPLETE, TASK_READ

blp = Blueprint("voting", __name__, url_prefix="/api/v1", description="会签、表决")


@blp.get("/tasks/<id:task_id>/votes")
@blp.response(200, VotesOut())
@blp.needs(TASK_READ)
@blp.problems(NotFound, NotSeveral)
def get_votes(task_id: str) -> Response:
    """几个人一起办的环节：名单、谁怎么表的态、怎样算通过、结果。"""
    return sent(service.votes_of(actor(), task_id))


@blp.post("/tasks/<id:task_id>/recuse")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "与申请人有亲属关系"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_TASK, TaskHandedOn, ProcessStopped, Stale, IfMatchMissing)
def recuse_from_vote(body: dict[str, Any], task_id: str) -> Response:
    """回避：还没有表态的签字人退出名单，不再计入人数；须写原因，本次会签不能再请回来。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(service.recuse(actor(), task_id, body["reason"], etag.if_match(), once))
