"""加分、扣分 over the wire."""

from marshmallow import fields

from app.core.http.fields import Day, Flag, ListOf, Moment, Number, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.reports.points import MOST_POINTS, STATES
from app.reports.schemas import Named


class PointsIn(Schema):
    """What is given to a unit's score, or taken from it."""

    measure = Text(60, least=1, required=True, metadata={"description": "哪个得分（unit: score 的指标）"})
    unit = Text(60, least=1, required=True, metadata={"description": "被考核的单位（编码）"})
    points = Number(
        -MOST_POINTS, MOST_POINTS, required=True, metadata={"description": "加分是正数，扣分是负数；两位小数"}
    )
    day = Day(required=True, metadata={"description": "哪一天的事（北京时间）：算在有这一天的期间里"})
    reason = Text(500, least=1, required=True)
    case = Text(36, least=1, load_default=None, metadata={"description": "因哪一件办件，没有不写"})


class DecisionIn(Schema):
    """Whether it is granted."""

    granted = Flag(required=True)
    opinion = Text(500, load_default=None, metadata={"description": "不同意要写"})


class PointsQuery(PageQuery):
    """Which entries."""

    from_ = Day(data_key="from", load_default=None, metadata={"description": "不早于哪一天"})
    to = Day(load_default=None, metadata={"description": "不晚于哪一天"})
    measure = Text(60, least=1, load_default=None, metadata={"description": "哪个得分"})
    unit = Text(60, least=1, load_default=None, metadata={"description": "哪个单位（编码）"})
    state = OneOf(
        tuple(STATES),
        load_default=None,
        metadata={"description": "、".join(f"{key} {zh}" for key, zh in STATES.items())},
    )


class PointsOut(Schema):
    """An entry: who asked for it, who decided, whether it was taken back."""

    id = fields.String(required=True)
    measure = fields.String(required=True)
    unit = Shape(Named, required=True)
    points = fields.Float(required=True)
    day = fields.Date(required=True)
    reason = fields.String(required=True)
    case = fields.String(required=True, allow_none=True)
    state = OneOf(tuple(STATES), required=True)
    state_label = fields.String(required=True)
    entered_by = fields.String(required=True, metadata={"description": "登记的人"})
    entered_at = Moment(required=True)
    decided_by = fields.String(required=True, allow_none=True, metadata={"description": "审批的人"})
    decided_at = Moment(required=True, allow_none=True)
    opinion = fields.String(required=True, allow_none=True)
    revoked_by = fields.String(required=True, allow_none=True)
    revoked_at = Moment(required=True, allow_none=True)
    revoke_reason = fields.String(required=True, allow_none=True)


class PointsPage(Schema):
    """A page of them, the newest first."""

    items = ListOf(Shape(PointsOut), required=True)
    page = Shape(PageOut, required=True)
