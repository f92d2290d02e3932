"""Messages, deliveries and endpoints over the wire."""

from marshmallow import fields

from app.bundles.message_file import NAME
from app.core.http.fields import Answers, Identifier, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.exchange import received
from app.exchange.deliveries import STATES
from app.exchange.inbound import USUAL_TTL


class MessageIn(Schema):
    """A message from another system."""

    name = Identifier(120, pattern=NAME, required=True, metadata={"description": "消息名，如 city.callback"})
    correlation_key = Text(
        120, least=1, required=True, metadata={"description": "凭它找到办件：来源编号、办件编号或约定的值"}
    )
    message_id = Text(
        120,
        least=1,
        required=True,
        pattern=r"[\x21-\x7e]+",
        metadata={"description": "发送方的消息编号；同一编号、同一内容得到同一个回答，只办一次"},
    )
    ttl = Text(
        40, least=1, load_default=USUAL_TTL, metadata={"description": "没有办件在等时保留多久，最长 30 天"}
    )
    data = Answers(load_default=dict, metadata={"description": "内容，按 messages.yaml 的约定"})


class Reached(Schema):
    """A case that a message came to."""

    id = fields.String(required=True)
    number = fields.String(required=True)


class ToldOut(Schema):
    """What became of a message: delivered (200), or kept for later (202)."""

    receipt_id = fields.String(required=True)
    state = OneOf(received.STATES, required=True)
    received_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)
    cases = ListOf(Shape(Reached), required=True)


class MessageOut(Schema):
    """A message that came in; its content is not shown."""

    id = fields.String(required=True, metadata={"description": "收条编号 receiptId"})
    channel = fields.String(required=True, metadata={"description": "发送方的账号"})
    message_id = fields.String(required=True)
    name = fields.String(required=True)
    correlation_key = fields.String(required=True)
    state = OneOf(received.STATES, required=True)
    case = fields.String(required=True, allow_none=True)
    case_number = fields.String(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    received_at = Moment(required=True)
    expires_at = Moment(required=True)
    next_at = Moment(required=True, allow_none=True)
    settled_at = Moment(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)


class MessagePage(Schema):
    """A page of messages that came in."""

    items = ListOf(Shape(MessageOut), required=True)
    page = fields.Nested(PageOut, required=True)


class MessageQuery(PageQuery):
    """Which messages."""

    state = OneOf(received.STATES, load_default=None)
    name = Identifier(120, pattern=NAME, load_default=None)


class DeliveryOut(Schema):
    """One message that leaves; its content is not shown."""

    id = fields.String(required=True, metadata={"description": "对方看到的消息编号，重发时不变"})
    case = fields.String(required=True)
    case_number = fields.String(required=True)
    endpoint = fields.String(required=True)
    message = fields.String(required=True)
    seq = fields.Integer(required=True, metadata={"description": "同一办件发给同一系统的第几条，按序发送"})
    state = OneOf(STATES, required=True)
    attempts = fields.Integer(required=True)
    created_at = Moment(required=True)
    tried_at = Moment(required=True, allow_none=True)
    next_at = Moment(required=True, allow_none=True)
    settled_at = Moment(required=True, allow_none=True)
    answer_status = fields.Integer(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class DeliveryPage(Schema):
    """A page of messages that leave."""

    items = ListOf(Shape(DeliveryOut), required=True)
    page = fields.Nested(PageOut, required=True)


class DeliveryQuery(PageQuery):
    """Which messages."""

    state = OneOf(STATES, load_default=None)
    endpoint = Identifier(60, load_default=None)
    case = Identifier(load_default=None, metadata={"description": "办件的 id"})


class EndpointOut(Schema):
    """One other system: its door, and how many messages wait for it."""

    name = fields.String(required=True)
    adapter = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    state = OneOf(("on", "off", "unreachable", "not-configured"), required=True)
    stub = fields.Boolean(required=True, metadata={"description": "示范用的模拟系统"})
    answered_at = Moment(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)
    pending = fields.Integer(required=True)
    held = fields.Integer(required=True)
    dead = fields.Integer(required=True)


class EndpointList(Schema):
    """All of them."""

    items = ListOf(Shape(EndpointOut), required=True)


class WhyIn(Schema):
    """Why."""

    reason = Text(500, least=1, required=True)
