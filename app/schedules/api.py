"""定期任务 over HTTP: operators look, and ask for a run now."""

from typing import Any

from flask import Response
from marshmallow import fields

from app.core.errors import NotFound
from app.core.http import idempotent
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING, Moment, Schema, Shape, out
from app.identity.door import actor
from app.identity.permissions import SCHEDULE_READ, SCHEDULE_RUN
from app.schedules import service, starting

blp = Blueprint("schedules", __name__, url_prefix="/api/v1", description="定期任务")


class ScheduleOut(Schema):
    """One schedule as it stands."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    every = fields.String(required=True, metadata={"description": "每隔多久，如 PT1M（1 分钟）"})
    next_at = Moment(required=True, metadata={"description": "下一次不早于这一刻"})
    running = fields.Boolean(required=True, metadata={"description": "现在正在运行"})
    last_at = Moment(required=True, allow_none=True)
    last_seconds = fields.Float(required=True, allow_none=True)
    last_error = fields.String(
        required=True, allow_none=True, metadata={"description": "上一次没有做成时，错误的类名"}
    )
    failures = fields.Integer(required=True, metadata={"description": "连着几次没有做成"})


class SchedulesOut(Schema):
    """All of them, by name."""

    items = fields.List(Shape(ScheduleOut()), required=True)


@blp.get("/schedules")
@blp.response(200, SchedulesOut())
@blp.needs(SCHEDULE_READ)
def every() -> Response:
    """定期任务：下一次什么时候、上一次怎么样。"""
    starting.look()
    return sent({"items": [_told(row) for row in service.every_one(actor())]})


@blp.post("/schedules/<id:name>/run")
@blp.moves
@blp.arguments(NOTHING)
@blp.response(202, ScheduleOut())
@blp.needs(SCHEDULE_RUN)
@blp.problems(NotFound)
def run(body: dict[str, str], name: str) -> Response:
    """立即运行：后台一秒左右开始；正在运行的，做完再做一次。"""
    me = actor()
    starting.look()
    return idempotent.write(
        lambda session: service.run_now(session, me, name),
        lambda row: idempotent.stored(202, _told(row)),
    )


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "label": row["label"],
        "every": row["every"],
        "nextAt": out(row["next_at"]),
        "running": row["running"],
        "lastAt": out(row["last_at"]),
        "lastSeconds": row["last_seconds"],
        "lastError": row["last_error"],
        "failures": row["failures"],
    }
