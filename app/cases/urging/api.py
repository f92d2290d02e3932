"""催办 over HTTP."""

from typing import Any

from flask import Response

from app.cases.api import moved_answer
from app.cases.errors import CaseBusy, CaseClosed, CaseMerged, CaseSuspended, UrgedEnough, VerbForbidden
from app.cases.schemas import MovedOut
from app.cases.trying_schemas import WouldOut
from app.cases.urging import service
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent
from app.core.http.api import Blueprint
from app.core.http.fields import Schema, Text
from app.identity.door import actor
from app.identity.permissions import CASE_URGE

blp = Blueprint("urging", __name__, url_prefix="/api/v1", description="催办")


class UrgeIn(Schema):
    """What is pressed for."""

    text = Text(500, lines=True, least=1, required=True)


@blp.post("/tasks/<id:task_id>/urge")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(UrgeIn(), example={"text": "群众再次来电，请尽快处置"})
@blp.response(200, MovedOut())
@blp.needs(CASE_URGE)
@blp.problems(
    NotFound, Forbidden, CaseClosed, CaseMerged, CaseSuspended, CaseBusy, VerbForbidden, UrgedEnough
)
def urge_case(body: dict[str, Any], task_id: str) -> Response:
    """催办：登记的人或上级催一件；优先级提高，在列表里提前。流程没有另写的，一人一小时一次，一件一天最多五次。"""
    return idempotent.send(service.urge(actor(), task_id, body["text"], idempotent.once(moved_answer)))
