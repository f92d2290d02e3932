"""Incidents over HTTP."""

from typing import Any

from flask import Response

from app.cases.errors import IncidentResolved
from app.cases.incidents import service
from app.cases.incidents.schemas import IncidentOut, IncidentPage, IncidentQuery
from app.cases.schemas import ReasonIn
from app.core.errors import Forbidden, NotFound
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.identity.permissions import INCIDENT_READ, INCIDENT_RETRY

blp = Blueprint("incidents", __name__, url_prefix="/api/v1", description="流程异常")


@blp.get("/incidents")
@blp.arguments(IncidentQuery(), location="query")
@blp.response(200, IncidentPage())
@blp.needs(INCIDENT_READ)
def list_incidents(query: dict[str, Any]) -> Response:
    """流程异常，新的在前。"""
    me = actor()
    view = f"incidents:{query['state']}"
    found = pages.after(me.id, view, query["after"], 1)
    rows = service.page(me, query["state"], query["limit"], found[0] if found else None)
    page = pages.page(
        rows, query["limit"], principal=me.id, view=view, keys=lambda row: [row["id"]], item=service.view
    )
    return sent(page)


@blp.post("/incidents/<id:incident_id>/retry")
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "流程已修正"})
@blp.response(200, IncidentOut())
@blp.needs(INCIDENT_RETRY)
@blp.problems(NotFound, Forbidden, IncidentResolved)
def retry_incident(body: dict[str, Any], incident_id: str) -> Response:
    """重试：到时未成的定时马上再试；办理人重新打开表单时，草稿还在。"""
    return idempotent.write(
        lambda session: service.retry(session, actor(), incident_id, body["reason"]),
        lambda row: idempotent.stored(200, service.view(row), etag.etag(row["revision"])),
    )
