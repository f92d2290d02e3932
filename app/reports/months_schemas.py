"""Frozen months and their differences over the wire."""

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageQuery
from app.identity.models import TIERS
from app.reports.causes import CAUSES
from app.reports.schemas import FiguresOut, Named

_TIER = OneOf(TIERS, load_default=None, metadata={"description": "单位汇总到哪一级；不在这一级之下的单列"})


class FrozenQuery(Schema):
    """How a frozen month is grouped."""

    by = Text(
        40, load_default="", metadata={"description": "按什么分组：unit 单位、place 发生地；不写只有合计"}
    )
    unit_tier = _TIER
    rank = Text(40, least=1, load_default=None, metadata={"description": "按哪个指标给各组排名"})


class FrozenCasesQuery(PageQuery):
    """Which frozen number is looked into."""

    measure = Text(60, least=1, required=True, metadata={"description": "哪个指标"})
    part = OneOf(
        ("numerator", "denominator"), load_default="numerator", metadata={"description": "分子还是分母"}
    )
    unit = Text(
        60, least=1, load_default=None, metadata={"description": "算在哪个单位（编码）；- 是还没有派的"}
    )
    place = Text(60, least=1, load_default=None, metadata={"description": "发生在哪个单位（编码）"})
    unit_tier = _TIER


class MonthOut(Schema):
    """A month that was frozen."""

    month = fields.String(required=True, metadata={"description": "月份，如 2026-10，按派单时间"})
    at = Moment(required=True, metadata={"description": "什么时刻冻结的"})
    version = fields.Integer(required=True, metadata={"description": "口径的版本（流程的第几版）"})
    calendar = fields.Integer(
        required=True, allow_none=True, metadata={"description": "工作日历的版本；没有装工作日历的没有"}
    )
    digest = fields.String(
        required=True, metadata={"description": "全部数和办件的 SM3，冻结时也记进审计流水"}
    )


class MonthsOut(Schema):
    """The months of a process, the newest first."""

    items = ListOf(Shape(MonthOut), required=True)


class FrozenOut(FiguresOut):
    """The numbers of a frozen month."""

    frozen = Shape(MonthOut, required=True)


class FrozenNumberOut(Schema):
    """A number, then or now."""

    numerator = fields.Float(required=True, allow_none=True)
    denominator = fields.Float(required=True, allow_none=True)
    value = fields.Float(required=True, allow_none=True)
    cases = fields.Integer(required=True)


class DifferenceCauseOut(Schema):
    """Why a number differs."""

    cause = fields.String(
        required=True, metadata={"description": "、".join(f"{key} {zh}" for key, zh in CAUSES.items())}
    )
    label = fields.String(required=True)
    cases = fields.Integer(required=True, metadata={"description": "几件；不是办件进出引起的是 0"})


class DifferenceCaseOut(Schema):
    """A case that came into a number, or fell out of it."""

    id = fields.String(required=True)
    part = fields.String(required=True, metadata={"description": "numerator 分子、denominator 分母"})
    came = fields.Boolean(required=True, metadata={"description": "true 算进来了，false 出去了"})
    cause = fields.String(required=True)


class DifferenceOut(Schema):
    """One measure of one unit that differs."""

    measure = fields.String(required=True)
    label = fields.String(required=True)
    unit = Shape(Named, required=True, allow_none=True)
    then = Shape(FrozenNumberOut, required=True)
    now = Shape(
        FrozenNumberOut,
        required=True,
        allow_none=True,
        metadata={"description": "现在重新算的；没有这个指标了是空"},
    )
    causes = ListOf(Shape(DifferenceCauseOut), required=True)
    cases = ListOf(Shape(DifferenceCaseOut), required=True, metadata={"description": "至多 200 个"})


class DifferencesOut(Schema):
    """What differs between a frozen month and now."""

    frozen = Shape(MonthOut, required=True)
    at = Moment(required=True, metadata={"description": "重新算的时刻"})
    version = fields.Integer(required=True, metadata={"description": "现在的口径版本"})
    calendar = fields.Integer(required=True, allow_none=True)
    items = ListOf(Shape(DifferenceOut), most=50_000, required=True)
