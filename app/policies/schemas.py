"""Policies and backtests over the wire."""

from marshmallow import fields

from app.core.http.fields import Day, ListOf, Moment, Schema, Shape
from app.processes.schemas import BundleIn


class BroughtByOut(Schema):
    """The published version that brought a policy."""

    id = fields.String(required=True)
    number = fields.Integer(required=True)


class PolicyOut(Schema):
    """One policy of a process."""

    number = fields.Integer(required=True, metadata={"description": "时限规则第几版，在一个流程里从 1 数起"})
    digest = fields.String(required=True, metadata={"description": "sla.yaml 和它用到的决策表的 SM3"})
    version = Shape(BroughtByOut, required=True, metadata={"description": "随哪一个流程版本发布"})
    valid_from = Moment(required=True)
    published_by = fields.String(required=True)
    current = fields.Boolean(required=True, metadata={"description": "新登记的办件用这一版"})
    changes = ListOf(
        fields.String(), required=True, metadata={"description": "与前一版相比改了什么，一条一句"}
    )


class PoliciesOut(Schema):
    """All policies of a process, the newest first."""

    items = ListOf(Shape(PolicyOut), required=True)


class BacktestIn(BundleIn):
    """A changed policy, and the past cases to try it on."""

    from_ = Day(data_key="from", required=True, metadata={"description": "收到的第一天（北京时间）"})
    to = Day(required=True, metadata={"description": "收到的最后一天，含当天"})


class TriedCaseOut(Schema):
    """A case behind a number."""

    id = fields.String(required=True)
    number = fields.String(required=True)


class RateOut(Schema):
    """按时率: of those that are over or late, how many were in time."""

    numerator = fields.Integer(required=True)
    denominator = fields.Integer(required=True)
    percent = fields.Float(
        required=True, allow_none=True, metadata={"description": "两位小数；分母为零时没有"}
    )


class SideOut(Schema):
    """The numbers of a clock under one policy, each instance counted once."""

    met = fields.Integer(required=True, metadata={"description": "按时停止"})
    late = fields.Integer(required=True, metadata={"description": "超期，停了的和还在走的"})
    running = fields.Integer(required=True, metadata={"description": "还在走（或暂停），没有超期"})
    none = fields.Integer(required=True, metadata={"description": "没有这个时钟，或没有时限"})
    rate = Shape(RateOut, required=True)


class BecameOut(Schema):
    """The cases whose clock was the one and would be the other."""

    was = fields.String(required=True, metadata={"description": "met、late、running、none，按各件自己的规则"})
    now = fields.String(required=True, metadata={"description": "同上，按要试的规则"})
    count = fields.Integer(
        required=True, metadata={"description": "几个；一件可以有几个，例如每次签收各一个"}
    )
    cases = ListOf(Shape(TriedCaseOut), most=100_000, required=True)


class ClockTriedOut(Schema):
    """One clock under both policies."""

    clock = fields.String(required=True)
    label = fields.String(required=True)
    cases = fields.Integer(required=True)
    was = Shape(SideOut, required=True)
    now = Shape(SideOut, required=True)
    became = ListOf(Shape(BecameOut), required=True, metadata={"description": "上面每个数是哪些办件"})


class UnreplayedOut(TriedCaseOut):
    """A case that could not be told again."""

    why = fields.String(required=True)


class BacktestOut(Schema):
    """What the figures would have been."""

    at = Moment(required=True, metadata={"description": "还在走的时钟算到这一刻"})
    version = fields.String(required=True, metadata={"description": "要试的内容发布出来会是哪个版本"})
    changes = ListOf(fields.String(), required=True, metadata={"description": "与现在的规则相比改了什么"})
    cases = fields.Integer(required=True, metadata={"description": "期间收到、在您范围内、没有剔除的件数"})
    excluded = fields.Integer(required=True, metadata={"description": "另有多少件已剔除，不在任何数里"})
    changed = ListOf(
        Shape(TriedCaseOut), most=100_000, required=True, metadata={"description": "有时钟结果变了的办件"}
    )
    clocks = ListOf(Shape(ClockTriedOut), required=True)
    unreplayed = ListOf(
        Shape(UnreplayedOut),
        most=100_000,
        required=True,
        metadata={"description": "没有能重算的办件和原因；不在上面任何一个数里"},
    )
