"""重复诉求 over HTTP: asked before a case is filed, while the caller is still on the line."""

from typing import Any

from flask import Response

from app.cases import filing, hints
from app.cases.commands import NewCase
from app.cases.errors import ProcessRetired, ProcessUnknown, UnitNotSelectable
from app.cases.schemas import NewCaseIn, PromptOut
from app.core.errors import Forbidden
from app.core.http.api import Blueprint, sent
from app.core.http.fields import ListOf, Schema, Shape
from app.identity.door import actor
from app.identity.permissions import CASE_CREATE

blp = Blueprint("repeats", __name__, url_prefix="/api/v1", description="重复诉求")


class RepeatsOut(Schema):
    """What is to be said before the case is filed; nothing where it repeats nothing."""

    prompts = ListOf(Shape(PromptOut()), required=True)


@blp.post("/cases/repeats")
@blp.arguments(
    NewCaseIn(),
    example={
        "process": "work_order_12345",
        "title": "路灯不亮",
        "answers": {"content": "乙社区3号楼前路灯不亮。", "caller_phone": "10012345678"},
    },
)
@blp.response(200, RepeatsOut())
@blp.needs(CASE_CREATE)
@blp.problems(ProcessUnknown, ProcessRetired, UnitNotSelectable, Forbidden)
def repeats(body: dict[str, Any]) -> Response:
    """登记之前看一看：同一来电人、同一地点有没有反映过相似的事。内容同登记，不会登记。"""
    earlier = filing.repeated(actor(), NewCase(**body))
    return sent({"prompts": hints.before_filing(earlier)})
