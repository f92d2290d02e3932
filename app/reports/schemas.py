"""Statistics over the wire."""

from marshmallow import fields

from app.core.http.fields import Day, ListOf, Moment, OneOf, QueryWhole, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.identity.models import TIERS
from app.reports.query import DIMENSIONS, PERIODS

_UNIT = "算在哪个单位（编码）；- 是还没有派的"
_CATEGORY = "哪一类（表/编码）；- 是没有分类的"


class ReportQuery(Schema):
    """Which cases are counted."""

    from_ = Day(data_key="from", required=True, metadata={"description": "期间的第一天（北京时间）"})
    to = Day(required=True, metadata={"description": "期间的最后一天，含当天；最长三年"})
    period = OneOf(
        tuple(PERIODS),
        load_default="dispatched",
        metadata={"description": "按派单时间（默认）还是收到的时间"},
    )
    process = Text(60, least=1, load_default=None, metadata={"description": "只算一个流程"})
    unit_tier = OneOf(
        TIERS, load_default=None, metadata={"description": "单位汇总到哪一级；不在这一级之下的单列"}
    )
    category_level = QueryWhole(
        1, 6, load_default=None, metadata={"description": "分类汇总到第几级；不写就不汇总"}
    )


class GroupsQuery(ReportQuery):
    """And how they are grouped."""

    by = Text(
        60,
        load_default="",
        metadata={"description": f"按什么分组，用逗号隔开：{'、'.join(DIMENSIONS)}；不写只有合计"},
    )


class ReportCasesQuery(ReportQuery, PageQuery):
    """Which number is looked into."""

    measure = Text(60, least=1, required=True, metadata={"description": "哪个指标"})
    part = OneOf(
        ("numerator", "denominator"), load_default="numerator", metadata={"description": "分子还是分母"}
    )
    unit = Text(60, least=1, load_default=None, metadata={"description": _UNIT})
    category = Text(121, least=1, load_default=None, metadata={"description": _CATEGORY})


class MeasureOut(Schema):
    """A measure: what it means, and which version of that meaning."""

    key = fields.String(required=True)
    label = fields.String(required=True)
    says = fields.String(required=True, metadata={"description": "口径"})
    version = fields.Integer(required=True, metadata={"description": "口径的版本"})
    share = fields.Boolean(required=True, metadata={"description": "是比率（有分母）还是件数"})


class ReportOut(Schema):
    """A named report."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    measures = ListOf(Shape(MeasureOut), required=True)


class ReportsOut(Schema):
    """Every report there is."""

    items = ListOf(Shape(ReportOut), required=True)


class Named(Schema):
    """A key with what people call it."""

    key = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)


class NumberOut(Schema):
    """A number: the counts it is made of, and the share where it is one."""

    numerator = fields.Integer(required=True)
    denominator = fields.Integer(required=True, allow_none=True)
    percent = fields.Float(
        required=True, allow_none=True, metadata={"description": "百分比，两位小数；分母为零时没有"}
    )


class GroupOut(Schema):
    """One group and its numbers, by measure."""

    by = fields.Dict(required=True, values=Shape(Named))
    numbers = fields.Dict(required=True, values=Shape(NumberOut))


class FiguresOut(Schema):
    """A report's answer."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    at = Moment(required=True, metadata={"description": "什么时刻的数"})
    from_ = fields.Date(data_key="from", required=True)
    to = fields.Date(required=True)
    period = fields.String(required=True)
    measures = ListOf(Shape(MeasureOut), required=True)
    excluded = fields.Integer(required=True, metadata={"description": "期内已剔除、不在任何一个数里的件数"})
    total = fields.Dict(required=True, values=Shape(NumberOut))
    groups = ListOf(Shape(GroupOut), most=5000, required=True)


class CountedOut(Schema):
    """A case that a number counts."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    unit = fields.String(required=True, allow_none=True)
    category = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)
    received_at = Moment(required=True)
    dispatched_at = Moment(required=True, allow_none=True)
    due_at = Moment(required=True, allow_none=True)
    met_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    returns = fields.Integer(required=True, metadata={"description": "退单申请几次"})
    round = fields.Integer(required=True, metadata={"description": "重办几次"})


class CountedPage(Schema):
    """A page of them, the newest first."""

    items = ListOf(Shape(CountedOut), required=True)
    page = Shape(PageOut, required=True)
