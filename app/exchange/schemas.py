"""Messages, deliveries and endpoints over the wire."""

from marshmallow import fields

from app.core.http.fields import Identifier, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.exchange.deliveries import STATES


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
