"""加分、扣分 over HTTP: entered, approved, taken back, listed: what a score counts beside its rates."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response

from app.cases.errors import FourEyes, ReasonRequired
from app.cases.motion import Row
from app.cases.schemas import ReasonIn
from app.core.db import Session, reading
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import REPORT_READ, SCORE_APPROVE, SCORE_ENTER
from app.reports import points, service
from app.reports.points import STATES, PointsDecided, PointsRefused, Wanted, Which
from app.reports.points_schemas import DecisionIn, PointsIn, PointsOut, PointsPage, PointsQuery

blp = Blueprint("score-points", __name__, url_prefix="/api/v1/reports", description="统计")
_ASKED = {
    "measure": "score",
    "unit": "d1-cgw",
    "points": -2,
    "day": "2026-10-08",
    "reason": "督办两次没有反馈",
}


@blp.post("/<id:name>/points")
@blp.moves
@blp.arguments(PointsIn(), example=_ASKED)
@blp.response(201, PointsOut())
@blp.needs(SCORE_ENTER)
@blp.problems(NotFound, Forbidden, PointsRefused, ReasonRequired)
def enter(body: dict[str, Any], name: str) -> Response:
    """登记一条加分（正数）或扣分（负数）：哪个单位的哪个得分、哪一天的事、为什么；由别人审批，同意了才算。"""
    who = actor()
    wanted = Wanted(body["measure"], body["unit"], body["points"], body["day"], body["reason"], body["case"])
    return _written(201, name, lambda session, report: points.enter(session, who, report, wanted))


@blp.get("/<id:name>/points")
@blp.arguments(PointsQuery(), location="query")
@blp.response(200, PointsPage())
@blp.needs(REPORT_READ)
@blp.problems(NotFound)
def listed(query: dict[str, Any], name: str) -> Response:
    """加分、扣分的登记簿，新的在前：我管得到的单位的；得分里算的，是那段日子里 state=granted 的。"""
    me = actor()
    which = Which(query["from_"], query["to"], query["measure"], query["unit"], query["state"])

    with reading() as session:
        report = service.named(session, name)

        def load(limit: int, after: str | None) -> list[Row]:
            return points.page(session, me, report, which, limit + 1, after)

        return sent(pages.of_rows(me.id, f"points:{name}:{which}", query, load, _shown))


@blp.post("/<id:name>/points/<id:points_id>/decide")
@blp.moves
@blp.arguments(DecisionIn(), example={"granted": True, "opinion": "情况属实"})
@blp.response(200, PointsOut())
@blp.needs(SCORE_APPROVE)
@blp.problems(NotFound, Forbidden, FourEyes, PointsDecided, ReasonRequired)
def decide(body: dict[str, Any], name: str, points_id: str) -> Response:
    """审批一条加分、扣分：不能由登记的人自己审批，不同意要写意见。"""
    who, granted, opinion = actor(), body["granted"], body["opinion"]
    act = partial(_decide, who, points_id, granted, opinion)
    return _written(200, name, act)


@blp.post("/<id:name>/points/<id:points_id>/revoke")
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "申诉成立"})
@blp.response(200, PointsOut())
@blp.needs(SCORE_APPROVE)
@blp.problems(NotFound, Forbidden, PointsDecided, ReasonRequired)
def revoke(body: dict[str, Any], name: str, points_id: str) -> Response:
    """撤销一条已经同意的：从现在起不再算；已经冻结的月份不变，在差异里说明。"""
    who, reason = actor(), body["reason"]
    return _written(200, name, lambda session, report: points.revoke(session, who, report, points_id, reason))


def _decide(who: Any, which: str, granted: bool, opinion: str | None, session: Session, report: Any) -> Row:
    return points.decide(session, who, report, which, granted, opinion)


def _written(status: int, name: str, act: Callable[[Session, Any], Row]) -> Response:
    def shown(session: Session) -> dict[str, Any]:
        return _shown(act(session, service.named(session, name)))

    return idempotent.write(shown, lambda body: idempotent.stored(status, body))


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "measure": row["measure"],
        "unit": {"key": row["unit"], "name": row["unit_name"] or row["unit"]},
        "points": row["points"],
        "day": row["day"].isoformat(),
        "reason": row["reason"],
        "case": row["case_id"],
        "state": row["state"],
        "stateLabel": STATES[row["state"]],
        "enteredBy": row["entered_name"] or row["entered_by"],
        "enteredAt": out(row["entered_at"]),
        "decidedBy": row["decided_name"] or row["decided_by"],
        "decidedAt": out(row["decided_at"]),
        "opinion": row["opinion"],
        "revokedBy": row["revoked_name"] or row["revoked_by"],
        "revokedAt": out(row["revoked_at"]),
        "revokeReason": row["revoke_reason"],
    }
