"""What people do with a task or a case beyond signing and completing it, over HTTP."""

from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases import moves, viewing
from app.cases.advance import Moved
from app.cases.api import blp, moved_answer
from app.cases.errors import (
    AssistUnavailable,
    CannotMerge,
    CannotWithdraw,
    CaseBusy,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    FourEyes,
    MarkUnknown,
    NotMerged,
    OpinionRequired,
    OutcomeUnknown,
    PersonNotSelectable,
    ProcessStopped,
    RequestPending,
    ReturnNotPossible,
    ReturnNotRepeatable,
    ReturnOverSend,
    TaskDone,
    TaskNotClaimed,
    TaskTaken,
    TransferredEnough,
    UnitNotSelectable,
    VerbForbidden,
)
from app.cases.moves_schemas import (
    AssistIn,
    MarkIn,
    MergeIn,
    PriorityIn,
    RejectOrderIn,
    ReturnIn,
    ReturnPlanOut,
    ReturnTargetsOut,
    TransferIn,
)
from app.cases.schemas import CaseOut, MovedOut, ReasonIn
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent
from app.core.http.api import sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import CASE_MARK, CASE_MERGE, CASE_PRIORITISE, TASK_COMPLETE

ON_A_TASK = (NotFound, Forbidden, TaskTaken, TaskDone, CaseClosed, CaseMerged, CaseBusy, VerbForbidden)


@blp.post("/tasks/<id:task_id>/transfer")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(TransferIn(), example={"to": "cgw2", "reason": "下午外出，请接着办"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(
    *ON_A_TASK, TaskNotClaimed, TransferredEnough, PersonNotSelectable, FourEyes, Stale, IfMatchMissing
)
def transfer_task(body: dict[str, Any], task_id: str) -> Response:
    """转办给同一待办池里的另一个人，须写原因；时限不变。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(
        moves.transfer(actor(), task_id, body["to"], body["reason"], etag.if_match(), once)
    )


@blp.post("/tasks/<id:task_id>/reject-order")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(
    RejectOrderIn(),
    example={"reason": "非职责", "suggest": "d1-zjw", "opinion": "属住建委职责，见三定方案。"},
)
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(
    *ON_A_TASK,
    ReturnNotRepeatable,
    ProcessStopped,
    AnswersRefused,
    OutcomeUnknown,
    OpinionRequired,
    Stale,
    IfMatchMissing,
)
def reject_order(body: dict[str, Any], task_id: str) -> Response:
    """退单：申请把派来的工单退回；驳回后本单位不能再次退回同一工单。"""
    once = idempotent.once(moved_answer)
    moved = moves.reject_order(
        actor(), task_id, body["reason"], body["suggest"], body["opinion"], etag.if_match(), once
    )
    return idempotent.send(moved)


@blp.post("/tasks/<id:task_id>/assist")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(AssistIn(), example={"units": ["d1-zjw"], "demand": "请到现场确认产权。"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_TASK, UnitNotSelectable, RequestPending, AssistUnavailable, ProcessStopped)
def ask_for_assistance(body: dict[str, Any], task_id: str) -> Response:
    """协办、吹哨：请别的单位协助，主办单位不变，由主办单位统一答复。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(
        moves.assist(actor(), task_id, body["units"], body["demand"], body["whistle"], once)
    )


@blp.post("/tasks/<id:task_id>/withdraw")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "单位选错了"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_TASK, CannotWithdraw, ProcessStopped)
def withdraw_task(body: dict[str, Any], task_id: str) -> Response:
    """撤回自己办理的环节：后面还没有人签收或办理、消息还没有发出时可以。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(moves.withdraw(actor(), task_id, body["reason"], once))


@blp.get("/tasks/<id:task_id>/return-targets")
@blp.response(200, ReturnTargetsOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_TASK)
def list_return_targets(task_id: str) -> Response:
    """可以退回到哪些环节，各有什么选择。"""
    return sent({"items": moves.return_targets(actor(), task_id)})


@blp.post("/tasks/<id:task_id>/return-plan")
@blp.arguments(ReturnIn(), example={"step": "dispatch"})
@blp.response(200, ReturnPlanOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_TASK, ReturnNotPossible)
def plan_return(body: dict[str, Any], task_id: str) -> Response:
    """试算退回：会撤下哪些待办、重新发出什么、时限怎样；什么也不改。"""
    return sent(moves.give_back_plan(actor(), task_id, body["step"], body["scope"]))


@blp.post("/tasks/<id:task_id>/return")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReturnIn(), example={"step": "dispatch", "reason": "派错单位"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(*ON_A_TASK, ReturnNotPossible, ReturnOverSend, ProcessStopped, Stale, IfMatchMissing)
def return_task(body: dict[str, Any], task_id: str) -> Response:
    """退回到以前的环节，也可以从并行、会签里退回；时限不重新起算。"""
    once = idempotent.once(moved_answer)
    moved = moves.give_back(
        actor(),
        task_id,
        body["step"],
        body["reason"],
        etag.if_match(),
        body["scope"],
        body["over_send"],
        once,
    )
    return idempotent.send(moved)


def case_answer(moved: Moved) -> Stored:
    return idempotent.stored(
        200, viewing.case_view(moved.case, moved.bundle), etag.etag(moved.case["revision"])
    )


@blp.post("/cases/<id:case_id>/merge")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(MergeIn(), example={"into": "0190…", "reason": "同一盏路灯"})
@blp.response(200, CaseOut())
@blp.needs(CASE_MERGE)
@blp.problems(NotFound, Forbidden, CannotMerge, CaseMerged, CaseClosed, CaseBusy, Stale, IfMatchMissing)
def merge_case(body: dict[str, Any], case_id: str) -> Response:
    """合并：本件并入另一件，随那一件办结；那一件办结之前可以撤销。"""
    once = idempotent.once(case_answer)
    return idempotent.send(moves.merge(actor(), case_id, body["into"], body["reason"], etag.if_match(), once))


@blp.post("/cases/<id:case_id>/unmerge")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "并错了"})
@blp.response(200, CaseOut())
@blp.needs(CASE_MERGE)
@blp.problems(NotFound, Forbidden, NotMerged, CaseBusy)
def unmerge_case(body: dict[str, Any], case_id: str) -> Response:
    """撤销合并：本件恢复自己的待办和定时。"""
    once = idempotent.once(case_answer)
    return idempotent.send(moves.unmerge(actor(), case_id, body["reason"], once))


@blp.post("/cases/<id:case_id>/priority")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(PriorityIn(), example={"priority": 90, "reason": "临近学校，家长多次来电"})
@blp.response(200, CaseOut())
@blp.needs(CASE_PRIORITISE)
@blp.problems(NotFound, Forbidden, CaseClosed, CaseMerged, CaseSuspended, CaseBusy, Stale, IfMatchMissing)
def adjust_priority(body: dict[str, Any], case_id: str) -> Response:
    """调整优先级（0–100，越大越急），须写原因；办件在每个列表里随之移动。"""
    once = idempotent.once(case_answer)
    seen = etag.if_match()
    return idempotent.send(moves.prioritise(actor(), case_id, body["priority"], body["reason"], seen, once))


@blp.post("/cases/<id:case_id>/marks")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(MarkIn(), example={"name": "key_issue", "on": True})
@blp.response(200, CaseOut())
@blp.needs(CASE_MARK)
@blp.problems(NotFound, Forbidden, MarkUnknown, CaseClosed, CaseMerged, CaseSuspended, CaseBusy)
def mark_case(body: dict[str, Any], case_id: str) -> Response:
    """加上或去掉一个标记：流程在 marks 里写的，例如重点议题；列表可以按它筛选。"""
    once = idempotent.once(case_answer)
    return idempotent.send(moves.mark(actor(), case_id, body["name"], body["on"], once))
