"""A case's clocks over HTTP: why each is due when it is."""

from flask import Response
from marshmallow import fields

from app.cases import clock_view
from app.cases.schemas import ClockOut
from app.core.errors import NotFound
from app.core.http.api import Blueprint, sent
from app.core.http.fields import ListOf, Moment, Schema, Shape
from app.identity.door import actor
from app.identity.permissions import CASE_READ

blp = Blueprint("case_clocks", __name__, url_prefix="/api/v1", description="办件的时钟")


class ClockLineOut(Schema):
    """One line of the derivation of a due time."""

    what = fields.String(
        required=True,
        metadata={"description": "起点、限时、依据、日历、扣除、延期、改限、换规则、重算、照旧、到期"},
    )
    text = fields.String(required=True)
    at = Moment(required=True, allow_none=True, metadata={"description": "到这一行为止的到期时刻"})
    adds = fields.Integer(required=True, metadata={"description": "这一行使到期推后多少秒；各行相加就是到期"})


class ClockTierOut(Schema):
    """A tier of a clock."""

    key = fields.String(required=True)
    label = fields.String(required=True)
    class_ = fields.String(required=True, allow_none=True, data_key="class")
    colour = fields.String(required=True, allow_none=True)
    at = Moment(required=True, allow_none=True)
    reached = fields.Boolean(required=True)
    holds = fields.Boolean(
        required=True, metadata={"description": "现在算数：时钟没有停，同类里没有更晚的一档到达"}
    )


class ExplainedClockOut(ClockOut):
    """A clock with why it is due when it is."""

    label = fields.String(required=True)
    round = fields.Integer(required=True, allow_none=True)
    unit = fields.String(
        required=True, allow_none=True, metadata={"description": "per: unit 的时钟：哪个单位的"}
    )
    calendar = fields.Integer(
        required=True, allow_none=True, metadata={"description": "工作日历的版本；自然时间没有"}
    )
    region = fields.String(
        required=True, allow_none=True, metadata={"description": "按哪个地方的工作日历；自然时间没有"}
    )
    policy = fields.Integer(required=True, allow_none=True, metadata={"description": "时限规则的第几版"})
    lines = ListOf(Shape(ClockLineOut), required=True)
    tiers = ListOf(Shape(ClockTierOut), required=True)


class CaseClocksOut(Schema):
    """Every clock of a case."""

    items = ListOf(Shape(ExplainedClockOut), required=True)


@blp.get("/cases/<id:case_id>/clocks")
@blp.response(200, CaseClocksOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def case_clocks(case_id: str) -> Response:
    """办件的每个时钟：到期时刻是怎么算出来的，一行一行写明。"""
    return sent({"items": clock_view.of(actor(), case_id)})


@blp.get("/clocks/<id:clock_id>/explain")
@blp.response(200, ExplainedClockOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def explain_clock(clock_id: str) -> Response:
    """一个时钟：到期时刻是怎么算出来的，一行一行写明。"""
    return sent(clock_view.one(actor(), clock_id))
