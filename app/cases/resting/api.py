"""挂起, 激活, 终止, 撤诉, 重新打开 over HTTP."""

from typing import Any

from flask import Response

from app.cases.errors import (
    CannotReopen,
    CannotRevoke,
    CaseBusy,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    ChildOpen,
    NotSuspended,
    OpenSupervision,
    ProcessStopped,
)
from app.cases.moves_api import case_answer
from app.cases.resting import service
from app.cases.schemas import CaseOut, ReasonIn
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent
from app.core.http.api import Blueprint
from app.identity.door import actor
from app.identity.permissions import CASE_READ, CASE_REOPEN, CASE_SUSPEND, CASE_TERMINATE

blp = Blueprint("resting", __name__, url_prefix="/api/v1", description="挂起、终止、撤诉")

ON_REVOKING = (
    NotFound,
    Forbidden,
    CannotRevoke,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    ChildOpen,
    OpenSupervision,
    CaseBusy,
)


@blp.post("/cases/<id:case_id>/suspend")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "等待法院判决"})
@blp.response(200, CaseOut())
@blp.needs(CASE_SUSPEND)
@blp.problems(NotFound, Forbidden, CaseClosed, CaseMerged, CaseSuspended, CaseBusy, Stale, IfMatchMissing)
def suspend_case(body: dict[str, Any], case_id: str) -> Response:
    """挂起：待办收起，定时停住，来件存着，时限照 pauseOn 走或停；只能激活或终止，协办件一同挂起。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.suspend(actor(), case_id, body["reason"], etag.if_match(), once))


@blp.post("/cases/<id:case_id>/resume")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "判决已生效"})
@blp.response(200, CaseOut())
@blp.needs(CASE_SUSPEND)
@blp.problems(NotFound, Forbidden, NotSuspended, CaseBusy, Stale, IfMatchMissing)
def resume_case(body: dict[str, Any], case_id: str) -> Response:
    """激活：从停住的地方接着办，挂起期间已经到时的马上触发。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.resume(actor(), case_id, body["reason"], etag.if_match(), once))


@blp.post("/cases/<id:case_id>/terminate")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "诉求人已向法院起诉，依规终止"})
@blp.response(200, CaseOut())
@blp.needs(CASE_TERMINATE)
@blp.problems(
    NotFound, Forbidden, CaseClosed, CaseMerged, ChildOpen, OpenSupervision, CaseBusy, Stale, IfMatchMissing
)
def terminate_case(body: dict[str, Any], case_id: str) -> Response:
    """终止：办件到此为止，须写原因；协办件照各自流程的规定结束、继续，或不许终止。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.terminate(actor(), case_id, body["reason"], etag.if_match(), once))


@blp.post("/cases/<id:case_id>/revoke")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "路灯已自行恢复"})
@blp.response(200, CaseOut())
@blp.needs(CASE_READ)
@blp.problems(*ON_REVOKING)
def revoke_case(body: dict[str, Any], case_id: str) -> Response:
    """撤诉：登记的人在还没有人签收、办理之前可以撤回整件。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.revoke(actor(), case_id, body["reason"], once))


@blp.post("/cases/<id:case_id>/reopen")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "路灯又灭了"})
@blp.response(200, CaseOut())
@blp.needs(CASE_REOPEN)
@blp.problems(NotFound, Forbidden, CannotReopen, CaseMerged, CaseBusy, ProcessStopped)
def reopen_case(body: dict[str, Any], case_id: str) -> Response:
    """重新打开：办结的办件回到流程规定的环节；登记的人或有权限的人，在规定的期限和次数之内。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.reopen(actor(), case_id, body["reason"], once))
