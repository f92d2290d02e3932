"""拆分 over HTTP."""

from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases import viewing
from app.cases.advance import Moved
from app.cases.commands.splitting import Part
from app.cases.errors import (
    CannotSplit,
    CannotTakeBack,
    CaseBusy,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    VerbForbidden,
)
from app.cases.moves_api import case_answer
from app.cases.moves_schemas import ReasonIn
from app.cases.schemas import CaseOut
from app.cases.splitting import service
from app.cases.splitting.schemas import SplitIn, SplitOut
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import CASE_SPLIT

blp = Blueprint("splitting", __name__, url_prefix="/api/v1", description="拆分")

EXAMPLE = {
    "parts": [{"title": "井盖缺损", "answers": {"content": "三号楼前井盖缺损。"}, "attachments": []}],
    "reason": "一件里说了两件事",
    "dryRun": True,
}
_STANDING = (NotFound, Forbidden, CaseClosed, CaseMerged, CaseSuspended, CaseBusy)


@blp.post("/cases/<id:case_id>/split")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(SplitIn(), example=EXAMPLE)
@blp.response(200, SplitOut())
@blp.needs(CASE_SPLIT)
@blp.problems(*_STANDING, CannotSplit, VerbForbidden, AnswersRefused, Stale, IfMatchMissing)
def split_case(body: dict[str, Any], case_id: str) -> Response:
    """拆分：每一部分登记为新的一件，有自己的编号，与本件关联；本件接着办余下的。先用 dryRun 看看。"""
    parts = [Part("", each["title"], each["answers"], tuple(each["attachments"])) for each in body["parts"]]
    if body["dry_run"]:
        planned = service.plan(actor(), case_id, parts)
        shown = {"planned": planned["parts"], "prompts": planned["prompts"]}
        return sent({"dryRun": True, "case": None, "parts": [], **shown})
    once = idempotent.once(_answer)
    return idempotent.send(service.split(actor(), case_id, parts, body["reason"], etag.if_match(), once))


@blp.post("/cases/<id:case_id>/take-back")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "其实是一件事"})
@blp.response(200, CaseOut())
@blp.needs(CASE_SPLIT)
@blp.problems(*_STANDING, CannotTakeBack)
def take_part_back(body: dict[str, Any], case_id: str) -> Response:
    """撤销拆分：拆分出来的这一件还没有人动过，就此结束；原件的经过写明。"""
    once = idempotent.once(case_answer)
    return idempotent.send(service.take_back(actor(), case_id, body["reason"], once))


def _answer(moved: Moved) -> Stored:
    made = moved.made or {"parts": []}
    return idempotent.stored(
        200,
        {
            "dryRun": False,
            "case": viewing.case_view(moved.case, moved.bundle),
            "parts": [viewing.case_view(part, moved.bundle) for part in made["parts"]],
            "planned": [],
            "prompts": [],
        },
        etag.etag(moved.case["revision"]),
    )
