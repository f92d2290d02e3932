"""委派, 交回, 交办, 上报, 加签, 减签 over HTTP."""

from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases.api import moved_answer
from app.cases.errors import (
    CaseBusy,
    CaseClosed,
    CaseMerged,
    FourEyes,
    NobodyAbove,
    PersonNotSelectable,
    ProcessStopped,
    TaskHandedOn,
    TaskNotClaimed,
    UnitNotSelectable,
    VerbForbidden,
)
from app.cases.handing import service
from app.cases.handing.schemas import AssignDownIn, DelegateIn, ResolveIn, SignerGone, SignersIn
from app.cases.moves_api import ON_A_TASK
from app.cases.schemas import MovedOut, ReasonIn
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent
from app.core.http.api import Blueprint
from app.identity.door import actor
from app.identity.permissions import TASK_COMPLETE

blp = Blueprint("handing", __name__, url_prefix="/api/v1", description="委派、交办、上报、加签")

ON_A_HELD_TASK = (*ON_A_TASK, TaskHandedOn, TaskNotClaimed, Stale, IfMatchMissing)


@blp.post("/tasks/<id:task_id>/delegate")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(DelegateIn(), example={"to": "cgw2", "reason": "请先核对台账"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_HELD_TASK, PersonNotSelectable, FourEyes)
def delegate_task(body: dict[str, Any], task_id: str) -> Response:
    """委派：请本单位或下级单位的人代办，办好交回；任务仍由委派人负责。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(
        service.delegate(actor(), task_id, body["to"], body["reason"], etag.if_match(), once)
    )


@blp.post("/tasks/<id:task_id>/resolve")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ResolveIn(), example={"opinion": "台账已核对，共三处。"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_HELD_TASK, AnswersRefused)
def resolve_task(body: dict[str, Any], task_id: str) -> Response:
    """交回：把委派或交办的任务交回，填好的内容成为对方的草稿；由交出的人来做就是收回。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(
        service.resolve(actor(), task_id, body["opinion"], etag.if_match(), body["answers"], once)
    )


@blp.post("/tasks/<id:task_id>/assign-down")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(AssignDownIn(), example={"unit": "d1-s1-c1", "demand": "请上门核实，三天内报结果。"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_HELD_TASK, UnitNotSelectable)
def assign_task_down(body: dict[str, Any], task_id: str) -> Response:
    """交办：由下级单位办理，办完报回核实；本级仍然负责，时限不变。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(
        service.assign_down(actor(), task_id, body["unit"], body["demand"], etag.if_match(), once)
    )


@blp.post("/tasks/<id:task_id>/escalate")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "涉及两个街道，需区级协调"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_HELD_TASK, NobodyAbove)
def escalate_task(body: dict[str, Any], task_id: str) -> Response:
    """上报：任务交给上一级的同一岗位，须写原因；时限不变。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(service.escalate(actor(), task_id, body["reason"], etag.if_match(), once))


@blp.post("/tasks/<id:task_id>/signers")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(
    SignersIn(), example={"people": ["shenhe1"], "where": "after", "reason": "涉及资金，请审核员会签"}
)
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_HELD_TASK, PersonNotSelectable, FourEyes, ProcessStopped)
def add_signers(body: dict[str, Any], task_id: str) -> Response:
    """加签：请别人在自己之前、同时或之后签字；签完这个环节才往下走，不同意的退给办理人。会签里就是加人。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(
        service.add_signers(
            actor(), task_id, body["people"], body["where"], body["reason"], etag.if_match(), once
        )
    )


@blp.delete("/tasks/<id:task_id>/signers")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(SignerGone(), location="query")
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(
    NotFound, Forbidden, CaseClosed, CaseMerged, CaseBusy, VerbForbidden, PersonNotSelectable, ProcessStopped
)
def remove_signer(query: dict[str, Any], task_id: str) -> Response:
    """减签：自己请来加签、还没有签的人不用再签；都签完了，环节就往下走。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(service.remove_signer(actor(), task_id, query["person"], query["reason"], once))
