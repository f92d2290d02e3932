"""What moves_api.py takes and tells."""

from marshmallow import fields

from app.cases.schemas import ReasonIn
from app.core.http.fields import Flag, Identifier, ListOf, OneOf, Schema, Shape, Text, Whole


class PriorityIn(ReasonIn):
    """How urgent a case is, and why."""

    priority = Whole(0, 100, required=True)


class MarkIn(Schema):
    """Which mark, and whether it is put on or taken off."""

    name = Identifier(60, required=True)
    on = Flag(required=True)


class TransferIn(ReasonIn):
    """To whom, and why."""

    to = Text(60, least=1, required=True, metadata={"description": "接办人的登录名，须在同一待办池里"})


class RejectOrderIn(Schema):
    """A unit refuses an order."""

    reason = Text(60, least=1, required=True, metadata={"description": "退单原因，流程里列出的一个"})
    suggest = Text(60, least=1, load_default=None, metadata={"description": "建议单位的代码"})
    opinion = Text(2000, lines=True, required=True, metadata={"description": "说明与依据"})


class AssistIn(Schema):
    """Which units are asked for help, and for what."""

    units = ListOf(Text(60, least=1), required=True, least=1, most=10, metadata={"description": "单位代码"})
    demand = Text(2000, lines=True, least=1, required=True)
    whistle = Flag(load_default=False, metadata={"description": "吹哨：请部门到场"})


class ReturnIn(Schema):
    """Where to, and why; `scope` is one of the choices of the target."""

    step = Text(60, least=1, required=True)
    reason = Text(500, load_default="", metadata={"description": "退回的原因；试算时可以不写"})
    scope = Text(80, least=1, load_default="auto")
    over_send = OneOf(
        ("refuse", "resend"), load_default=None, metadata={"description": "退回途中有已发出的消息时"}
    )


class MergeIn(ReasonIn):
    """The case that goes on, and why."""

    into = Identifier(36, required=True, metadata={"description": "继续办理的那一件的 id"})


class ReturnTargetOut(Schema):
    """A step a task may go back to."""

    step = fields.String(required=True)
    name = fields.String(required=True)
    rounds = fields.Integer(required=True)
    choices = ListOf(fields.String(), required=True)
    reasons = ListOf(fields.String(), required=True)


class ReturnTargetsOut(Schema):
    """All of them, in the diagram's order."""

    items = ListOf(Shape(ReturnTargetOut), required=True)


class ReturnPlanOut(Schema):
    """What a return would do; nothing has been done."""

    target = fields.String(required=True)
    target_name = fields.String(required=True)
    scope = fields.String(required=True)
    choices = ListOf(fields.String(), required=True)
    reasons = ListOf(fields.String(), required=True)
    withdrawn = ListOf(fields.Dict(), required=True)
    kept = ListOf(fields.Dict(), required=True)
    opened = ListOf(fields.Dict(), required=True)
    votes_dropped = ListOf(fields.Dict(), required=True)
    timers_ended = ListOf(fields.String(), required=True)
    timers_armed = ListOf(fields.String(), required=True)
    again = fields.Dict(required=True)
    children = fields.Integer(required=True)
    open_children = ListOf(
        fields.String(), required=True, metadata={"description": "还没有办完的下级办件的编号，退回后不变"}
    )
    clocks = ListOf(fields.String(), required=True)
