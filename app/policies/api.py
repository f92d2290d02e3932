"""Policies over HTTP: which there were, and what each changed."""

from flask import Response

from app.core.errors import NotFound
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import PROCESS_READ
from app.policies import service
from app.policies.schemas import PoliciesOut

blp = Blueprint("policies", __name__, url_prefix="/api/v1/processes", description="时限规则")


@blp.get("/<id:key>/policies")
@blp.response(200, PoliciesOut())
@blp.needs(PROCESS_READ)
@blp.problems(NotFound)
def every(key: str) -> Response:
    """一个流程的时限规则有过哪几版，各比前一版改了什么；新的在前。"""
    return sent({"items": [_told(each) for each in service.every(actor(), key)]})


def _told(each: service.Told) -> dict[str, object]:
    row = each.row
    return {
        "number": row["number"],
        "digest": row["digest"],
        "version": {"id": row["version_id"], "number": row["version_number"]},
        "validFrom": out(row["valid_from"]),
        "publishedBy": row["published_by"],
        "current": each.current,
        "changes": each.changes,
    }
