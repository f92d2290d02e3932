"""Swaps of policies over the wire."""

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, Schema, Shape, Text
from app.core.http.pages import PageOut


class SwapIn(Schema):
    """Why running cases are to go over."""

    reason = Text(
        500, least=1, lines=True, required=True, metadata={"description": "原因，记入每一件的办理过程"}
    )


class SwappedClockOut(Schema):
    """One running clock of a case, before and after."""

    clock = fields.String(required=True)
    label = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "running 在走，paused 暂停着：没有到期"})
    was_limit = fields.String(required=True, allow_none=True)
    limit = fields.String(required=True, allow_none=True)
    was_due = Moment(required=True, allow_none=True)
    due = Moment(required=True, allow_none=True)
    passed = ListOf(
        fields.String(),
        required=True,
        metadata={"description": "按新规则已经过了的档：记下，不逐条提醒，每件汇总提醒一次"},
    )
    fires = ListOf(
        fields.String(), required=True, metadata={"description": "图中等着这个时钟、换了以后马上到时的"}
    )


class SwapLineOut(Schema):
    """What came, or would come, of a case."""

    case = fields.String(required=True)
    number = fields.String(required=True)
    was = fields.Integer(required=True, allow_none=True, metadata={"description": "原来是第几版"})
    why = fields.String(required=True, allow_none=True, metadata={"description": "为什么换不了；换了的没有"})
    clocks = ListOf(Shape(SwappedClockOut), required=True)


class SwapTrialOut(Schema):
    """What a swap would do."""

    number = fields.Integer(required=True)
    total = fields.Integer(required=True, metadata={"description": "还按旧规则在办的件数，在您范围内"})
    looked_at = fields.Integer(required=True, metadata={"description": "逐件试算了多少件，最多 1000"})
    movable = fields.Integer(required=True)
    left = fields.Integer(required=True, metadata={"description": "换不了的件数，每件写明原因"})
    items = ListOf(Shape(SwapLineOut), most=1000, required=True)


class SwapOut(Schema):
    """A swap as it stands."""

    id = fields.String(required=True)
    number = fields.Integer(required=True, metadata={"description": "换用第几版"})
    reason = fields.String(required=True)
    asked_by = fields.String(required=True)
    asked_at = Moment(required=True)
    state = fields.String(required=True, metadata={"enum": ["running", "done"]})
    ended_at = Moment(required=True, allow_none=True)
    moved = fields.Integer(required=True)
    left = fields.Integer(required=True, metadata={"description": "换不了的件数"})


class SwapsOut(Schema):
    """All swaps of a process, the newest first."""

    items = ListOf(Shape(SwapOut), required=True)


class SwapLinesOut(Schema):
    """A page of a swap's report."""

    items = ListOf(Shape(SwapLineOut), required=True)
    page = Shape(PageOut, required=True)
