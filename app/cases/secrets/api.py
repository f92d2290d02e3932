"""Revealing secret fields over HTTP, and who did."""

from typing import Any

from flask import Response

from app.cases.secrets import reveal
from app.cases.secrets.reveal import RevealFieldUnknown, RevealLimit
from app.cases.secrets.schemas import LooksOut, RevealedOut, RevealIn
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.identity.permissions import AUDIT_READ, CASE_REVEAL

blp = Blueprint("secrets", __name__, url_prefix="/api/v1", description="加密保存的内容")


@blp.post("/cases/<id:case_id>/reveal")
@blp.moves
@blp.arguments(RevealIn(), example={"fields": ["caller_phone"], "reason": "回访核实"})
@blp.response(200, RevealedOut())
@blp.needs(CASE_REVEAL)
@blp.problems(NotFound, Forbidden, RevealFieldUnknown, RevealLimit)
def reveal_fields(body: dict[str, Any], case_id: str) -> Response:
    """查看加密内容的完整值，须写原因；每次查看都记入审计，每人每小时至多 30 次。"""
    me = actor()
    return idempotent.write(
        lambda session: reveal.reveal(session, me, case_id, body["fields_"], body["reason"]),
        lambda revealed: idempotent.stored(200, reveal.view(revealed)),
    )


@blp.get("/cases/<id:case_id>/reveals")
@blp.response(200, LooksOut())
@blp.needs(AUDIT_READ)
@blp.problems(NotFound)
def list_reveals(case_id: str) -> Response:
    """谁查看过这件办件的完整内容，新的在前，至多 200 条。"""
    return sent({"items": [reveal.look_view(row) for row in reveal.looks(actor(), case_id)]})
