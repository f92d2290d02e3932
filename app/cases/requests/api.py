"""Requests over HTTP: 申请, 已申请列表, 剔除、挂账、督办管理."""

from functools import partial
from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases.advance import Moved
from app.cases.errors import (
    AlreadyExcluded,
    CaseBusy,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    NotExcluded,
    ProcessStopped,
    RequestOverdue,
    RequestPending,
    RequestUnavailable,
    TaskDone,
    TaskTaken,
    VerbForbidden,
)
from app.cases.moves_api import case_answer
from app.cases.requests import service
from app.cases.requests.errors import RequestOfOthers
from app.cases.requests.schemas import AskIn, RequestOut, RequestPage, RequestQuery, RequestsOut, SuperviseIn
from app.cases.schemas import CaseOut, ReasonIn
from app.cases.trying_schemas import WouldOut
from app.clocks.pausing import ExtensionRefused, PauseRefused
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import CASE_EXCLUDE, CASE_READ, CASE_SUPERVISE

blp = Blueprint("requests", __name__, url_prefix="/api/v1", description="申请：延期、挂账、剔除、督办……")


@blp.post("/tasks/<id:task_id>/requests")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(
    AskIn(), example={"kind": "extension", "answers": {"request_reason": "需要等待供电公司停电检修。"}}
)
@blp.response(201, RequestOut())
@blp.needs(CASE_READ)
@blp.problems(
    NotFound,
    Forbidden,
    TaskTaken,
    TaskDone,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    CaseBusy,
    VerbForbidden,
    RequestPending,
    RequestOverdue,
    RequestUnavailable,
    AlreadyExcluded,
    ExtensionRefused,
    PauseRefused,
    AnswersRefused,
    ProcessStopped,
)
def ask(body: dict[str, Any], task_id: str) -> Response:
    """提出一种申请；它自己是一件小办件，由审核的人决定，本件照常办理。"""
    return _asked(task_id, body["kind"], body["answers"])


@blp.post("/tasks/<id:task_id>/supervise")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(
    SuperviseIn(),
    example={"answers": {"request_reason": "群众多次反映，请三日内办结。", "supervise_within": "P3D"}},
)
@blp.response(201, RequestOut())
@blp.needs(CASE_SUPERVISE)
@blp.problems(
    NotFound,
    Forbidden,
    TaskDone,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    CaseBusy,
    VerbForbidden,
    RequestPending,
    RequestUnavailable,
    AnswersRefused,
    ProcessStopped,
)
def supervise(body: dict[str, Any], task_id: str) -> Response:
    """督办：要求和限期写在督办单里，必须反馈；与申请 kind 为 supervise 的一种相同。"""
    return _asked(task_id, "supervise", body["answers"])


def _asked(task_id: str, kind: str, answers: dict[str, Any]) -> Response:
    def render(moved: Moved) -> Stored:
        assert moved.made is not None
        where = {"Location": f"/api/v1/requests/{moved.made['id']}"}
        return idempotent.stored(201, service.view(moved.made), where)

    once = idempotent.once(render)
    return idempotent.send(service.ask(actor(), task_id, kind, answers, once))


@blp.post("/cases/<id:case_id>/include")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "复核后应当计入"})
@blp.response(200, CaseOut())
@blp.needs(CASE_EXCLUDE)
@blp.problems(NotFound, Forbidden, NotExcluded, CaseBusy, Stale, IfMatchMissing)
def include_case(body: dict[str, Any], case_id: str) -> Response:
    """恢复计入：剔除的办件重新计入考核，须写原因；办结的也可以。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.include(actor(), case_id, body["reason"], etag.if_match(), once))


@blp.get("/cases/<id:case_id>/requests")
@blp.response(200, RequestsOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def list_requests_of_case(case_id: str) -> Response:
    """一件办件的全部申请，从旧到新。"""
    return sent({"items": service.of_case(actor(), case_id)})


@blp.get("/requests")
@blp.arguments(RequestQuery(), location="query")
@blp.response(200, RequestPage())
@blp.needs(CASE_READ)
def list_requests(query: dict[str, Any]) -> Response:
    """本单位和下级单位的申请，新的在前；mine=true 只看本单位的。"""
    me = actor()
    asked = {**query, "mine": query["mine"] == "true"}
    names = ("kind", "state", "unit", "mine", "since", "until")
    view = "requests:" + ":".join(str(asked[name]) for name in names)
    load = partial(_load, asked)
    return sent(pages.of_rows(me.id, view, query, load, service.view))


@blp.get("/requests/<id:request_id>")
@blp.response(200, RequestOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound, RequestOfOthers)
def show_request(request_id: str) -> Response:
    """一个申请；别的单位的不能看（403）。"""
    return sent(service.one(actor(), request_id))


def _load(query: dict[str, Any], limit: int, after: Any) -> Any:
    return service.page(actor(), query, limit, None if after is None else [after])
