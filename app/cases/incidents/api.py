"""Incidents over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases.advance import Moved
from app.cases.errors import CaseBusy, PersonNotSelectable
from app.cases.incidents import service, shown
from app.cases.incidents.errors import IncidentActRefused, IncidentResolved, IncidentStands
from app.cases.incidents.kinds import ANNOTATE, ASSIGN, RESOLVE, RETRY, SKIP
from app.cases.incidents.schemas import (
    AnnotateIn,
    AssignIn,
    CauseList,
    CauseQuery,
    IncidentOut,
    IncidentPage,
    IncidentQuery,
    SkipIn,
    WholeIncident,
)
from app.cases.schemas import ReasonIn
from app.core.errors import Forbidden, NotFound, Stale
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import INCIDENT_READ, INCIDENT_RETRY

blp = Blueprint("incidents", __name__, url_prefix="/api/v1", description="流程异常")

ON_AN_INCIDENT = (NotFound, Forbidden, IncidentResolved, CaseBusy, Stale)
ENDS_IT = (*ON_AN_INCIDENT, IncidentActRefused, IncidentStands)


@blp.get("/incidents")
@blp.arguments(IncidentQuery(), location="query")
@blp.response(200, IncidentPage())
@blp.needs(INCIDENT_READ)
def list_incidents(query: dict[str, Any]) -> Response:
    """流程异常，新的在前；默认只列没有处理完的。"""
    me = actor()
    asked = {name: value for name, value in query.items() if name not in ("limit", "after")}
    view = f"incidents:{sorted((name, str(value)) for name, value in asked.items())}"
    return sent(pages.of_rows(me.id, view, query, partial(service.page, me, asked), shown.listed))


@blp.get("/incidents/causes")
@blp.arguments(CauseQuery(), location="query")
@blp.response(200, CauseList())
@blp.needs(INCIDENT_READ)
def list_causes(query: dict[str, Any]) -> Response:
    """流程异常按起因归并：同一流程、同一处、同样的错算一个起因，最近发生的在前，最多 200 个。"""
    return sent({"items": [shown.cause(row) for row in service.causes(actor(), query)]})


@blp.get("/incidents/<id:incident_id>")
@blp.response(200, WholeIncident())
@blp.needs(INCIDENT_READ)
@blp.problems(NotFound)
def get_incident(incident_id: str) -> Response:
    """一条异常：是什么意思、现在可以怎样处理、已经做过什么。"""
    incident = service.one(actor(), incident_id)
    return sent(incident, headers=etag.etag(incident["revision"]))


def _answer(done: Any) -> Stored:
    row: Any = done.made if isinstance(done, Moved) else done
    return idempotent.stored(200, shown.listed(row), etag.etag(row["revision"]))


def _treated(incident_id: str, act: str, said: str = "", **more: Any) -> Response:
    once = idempotent.once(_answer)
    return idempotent.send(service.treat(actor(), incident_id, act, said, once, seen=etag.if_match(), **more))


@blp.post("/incidents/<id:incident_id>/retry")
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "流程已修正"})
@blp.response(200, IncidentOut())
@blp.needs(INCIDENT_RETRY)
@blp.problems(*ENDS_IT)
def retry_incident(body: dict[str, Any], incident_id: str) -> Response:
    """重试：停下的定时和自动步骤马上再试，消息重新收发，任务重新派；办理人打开表单时，草稿还在。"""
    return _treated(incident_id, RETRY, body["reason"])


@blp.post("/incidents/<id:incident_id>/resolve")
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "承办单位已改用电话答复，任务照常办理"})
@blp.response(200, IncidentOut())
@blp.needs(INCIDENT_RETRY)
@blp.problems(*ENDS_IT)
def resolve_incident(body: dict[str, Any], incident_id: str) -> Response:
    """办结：不用再试。没有它办件也能往下走时才可以，否则说明应当怎样做。"""
    return _treated(incident_id, RESOLVE, body["reason"])


@blp.post("/incidents/<id:incident_id>/skip")
@blp.moves
@blp.if_match
@blp.arguments(SkipIn(), example={"reason": "对方系统已停用，人工通知过了", "results": {}})
@blp.response(200, IncidentOut())
@blp.needs(INCIDENT_RETRY)
@blp.problems(*ENDS_IT, AnswersRefused)
def skip_incident(body: dict[str, Any], incident_id: str) -> Response:
    """跳过：停下的自动步骤不做、等不来的事件不等、发不出的消息不发，办件往下走。"""
    return _treated(incident_id, SKIP, body["reason"], results=body["results"])


@blp.post("/incidents/<id:incident_id>/annotate")
@blp.moves
@blp.arguments(AnnotateIn(), example={"text": "已联系平台方，预计今天恢复。"})
@blp.response(200, IncidentOut())
@blp.needs(INCIDENT_RETRY)
@blp.problems(NotFound, Forbidden, CaseBusy)
def annotate_incident(body: dict[str, Any], incident_id: str) -> Response:
    """添加说明：记下谁在何时写的，只增不改；处理完的也可以补写。"""
    return _treated(incident_id, ANNOTATE, body["text"])


@blp.post("/incidents/<id:incident_id>/assign")
@blp.moves
@blp.if_match
@blp.arguments(AssignIn(), example={"to": "liucheng1"})
@blp.response(200, IncidentOut())
@blp.needs(INCIDENT_RETRY)
@blp.problems(*ON_AN_INCIDENT, PersonNotSelectable)
def assign_incident(body: dict[str, Any], incident_id: str) -> Response:
    """交给一个人处理，或自己接手；接手人须在这里有处理异常的权限。"""
    return _treated(incident_id, ASSIGN, to=body["to"])
