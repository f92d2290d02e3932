"""How suggestions fared, over HTTP."""

from typing import Any

from flask import Response

from app.cases.suggestions import service
from app.cases.suggestions.schemas import SuggestionCounts, SuggestionQuery
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.identity.permissions import CASE_READ

blp = Blueprint("suggestions", __name__, url_prefix="/api/v1/suggestions", description="智能建议")


@blp.get("/counts")
@blp.arguments(SuggestionQuery(), location="query")
@blp.response(200, SuggestionCounts())
@blp.needs(CASE_READ)
def count_suggestions(query: dict[str, Any]) -> Response:
    """智能建议采用和改选的次数：按流程、环节、字段，只数自己范围内的办件。"""
    return sent({"items": service.counts(actor(), query["process"])})
