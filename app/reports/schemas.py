"""Statistics over the wire."""

from marshmallow import fields

from app.core.http.fields import Day, ListOf, Moment, OneOf, QueryWhole, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.identity.models import TIERS
from app.reports.dimensions import FACT, LABELS, PERIODS

_BY = "按什么分组，用逗号隔开：" + "、".join(f"{key} {zh}" for key, zh in LABELS.items())
_BY += f"；一个流程自己的统计还可以写 {FACT}名字（facts 里的）；不写只有合计"
_UNIT = "算在哪个单位（编码）；- 是还没有派的"
_CATEGORY = "哪一类（表/编码）；- 是没有分类的"


class ReportQuery(Schema):
    """Which cases are counted."""

    from_ = Day(data_key="from", required=True, metadata={"description": "期间的第一天（北京时间）"})
    to = Day(required=True, metadata={"description": "期间的最后一天，含当天；最长三年"})
    period = OneOf(
        tuple(PERIODS),
        load_default="dispatched",
        metadata={
            "description": "按派单时间（默认）、收到的时间还是办结的时间；没有派单的流程，收到就是派单"
        },
    )
    process = Text(60, least=1, load_default=None, metadata={"description": "只算一个流程"})
    unit_tier = OneOf(
        TIERS, load_default=None, metadata={"description": "单位汇总到哪一级；不在这一级之下的单列"}
    )
    within = Text(
        60, least=1, load_default=None, metadata={"description": "只算发生在这个单位（编码）和它下面的"}
    )
    where = ListOf(
        Text(260, least=3),
        load_default=list,
        most=10,
        metadata={"description": "还要符合的条件，每个写成 项:键，例如 status:待回应；没有的写 项:-"},
    )
    held = OneOf(
        ("counted", "left_out"),
        load_default=None,
        metadata={"description": "挂账、还没有恢复的：counted 照算，left_out 不算；不写按流程的规定"},
    )
    category_level = QueryWhole(
        1, 6, load_default=None, metadata={"description": "分类汇总到第几级；不写就不汇总"}
    )


class GroupsQuery(ReportQuery):
    """And how they are grouped."""

    by = Text(200, load_default="", metadata={"description": _BY})
    compare = OneOf(
        ("previous", "year"),
        load_default=None,
        metadata={"description": "与什么比：previous 前一个同样长的期间（环比），year 去年同期（同比）"},
    )
    rank = Text(
        40,
        least=1,
        load_default=None,
        metadata={"description": "按哪个指标给各组排名；件数不够的写“样本不足”、不排名"},
    )


class ReportCasesQuery(ReportQuery, PageQuery):
    """Which number is looked into."""

    measure = Text(60, least=1, required=True, metadata={"description": "哪个指标"})
    part = OneOf(
        ("numerator", "denominator"), load_default="numerator", metadata={"description": "分子还是分母"}
    )
    by = Text(200, load_default="", metadata={"description": _BY})
    group = ListOf(
        Text(200, least=1),
        load_default=list,
        most=10,
        metadata={"description": "哪一组：by 里每一项的键，依次各写一个；没有的写 -"},
    )
    unit = Text(60, least=1, load_default=None, metadata={"description": _UNIT})
    category = Text(121, least=1, load_default=None, metadata={"description": _CATEGORY})


class MeasureOut(Schema):
    """A measure: what it means, and which version of that meaning."""

    key = fields.String(required=True)
    label = fields.String(required=True)
    says = fields.String(required=True, metadata={"description": "口径"})
    version = fields.Integer(required=True, metadata={"description": "口径的版本"})
    unit = fields.String(
        required=True, metadata={"description": "rate 比率、count 件数、mean 平均、duration 小时、score 得分"}
    )
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


class ChangeOut(Schema):
    """How a value changed."""

    by = fields.Float(required=True, allow_none=True, metadata={"description": "增量"})
    percent = fields.Float(required=True, allow_none=True, metadata={"description": "增长百分之几"})
    says = fields.String(required=True, allow_none=True, metadata={"description": "“新增”：以前是零"})


class PartOut(Schema):
    """A rate that a score is made of."""

    measure = fields.String(required=True)
    label = fields.String(required=True)
    weight = fields.Float(required=True, metadata={"description": "权重，加起来是 1"})
    numerator = fields.Float(required=True)
    denominator = fields.Float(required=True, allow_none=True)
    percent = fields.Float(required=True, allow_none=True)
    points = fields.Float(
        required=True, allow_none=True, metadata={"description": "得分里的几分：100 × 权重 × 比率"}
    )
    cases = fields.Integer(required=True, metadata={"description": "由多少件得出（n）"})


class NumberOut(Schema):
    """A number: what it is made of, the value people read, and over how many cases."""

    numerator = fields.Float(
        required=True, allow_none=True, metadata={"description": "件数；平均和时长是各件的合计；得分没有"}
    )
    denominator = fields.Float(required=True, allow_none=True)
    percent = fields.Float(
        required=True, allow_none=True, metadata={"description": "百分比，两位小数；分母为零时没有"}
    )
    value = fields.Float(
        required=True, allow_none=True, metadata={"description": "件数，或分子除以分母；时长是小时"}
    )
    share = fields.Float(
        required=True, allow_none=True, metadata={"description": "分组里的件数占合计的百分之几"}
    )
    mean_of_means = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "平均：由下一级各单位的均值再平均，每个单位算一次；value 是按件平均"},
    )
    cases = fields.Integer(
        required=True, metadata={"description": "由多少件得出（n）；得分是件数最少的那个比率的"}
    )
    parts = ListOf(
        Shape(PartOut),
        required=True,
        allow_none=True,
        metadata={"description": "得分由哪些比率合成；别的指标没有"},
    )
    added = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "得分里的加分；只有单独按单位或发生地分组、没有别的条件时有"},
    )
    taken = fields.Float(
        required=True, allow_none=True, metadata={"description": "得分里扣掉的分，正数；同上"}
    )
    before = fields.Float(required=True, allow_none=True, metadata={"description": "写了 compare：以前的值"})
    change = Shape(ChangeOut, required=True, allow_none=True, metadata={"description": "写了 compare：增量"})


class RankOut(Schema):
    """Where a group stands among the others."""

    score = fields.Float(required=True, allow_none=True)
    place = fields.Integer(required=True, allow_none=True, metadata={"description": "名次，相同的并列"})
    says = fields.String(required=True, allow_none=True, metadata={"description": "“样本不足”：不排名"})


class GroupOut(Schema):
    """One group and its numbers, by measure."""

    by = fields.Dict(required=True, values=Shape(Named))
    numbers = fields.Dict(required=True, values=Shape(NumberOut))
    rank = Shape(RankOut, required=True, allow_none=True)


class FiguresOut(Schema):
    """A report's answer."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    at = Moment(required=True, metadata={"description": "什么时刻的数"})
    from_ = fields.Date(data_key="from", required=True)
    to = fields.Date(required=True)
    period = fields.String(required=True)
    measures = ListOf(Shape(MeasureOut), required=True)
    excluded = fields.Integer(
        required=True, metadata={"description": "期内已剔除的件数；除了写明也算的，不在任何一个数里"}
    )
    held = fields.Integer(required=True, metadata={"description": "期内挂账、还没有恢复的件数"})
    held_counted = fields.Boolean(required=True, metadata={"description": "挂账的算不算在各个数里"})
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
