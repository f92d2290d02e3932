"""What became of what went over channels, over HTTP."""

from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields

from app.core.db import reading
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING, Identifier, ListOf, Moment, OneOf, Schema, Shape
from app.core.http.pages import PageOut, PageQuery
from app.identity.door import actor
from app.identity.permissions import DELIVERY_READ, DELIVERY_REDELIVER
from app.notices import deliveries
from app.notices.deliveries import STATES, DeliveryNotDead

blp = Blueprint("notice-deliveries", __name__, url_prefix="/api/v1/notice-deliveries", description="通知发送")


class NoticeDeliveryQuery(PageQuery):
    """Which of them."""

    state = OneOf(STATES, load_default=None)
    channel = Identifier(40, load_default=None)


class NoticeDeliveryOut(Schema):
    """One notice on its way over one channel; what it says is not shown."""

    id = fields.String(required=True, metadata={"description": "网关看到的编号，重发时不变"})
    person = fields.String(required=True)
    channel = fields.String(required=True)
    kind = fields.String(required=True, data_key="class")
    class_label = fields.String(required=True)
    urgent = fields.Boolean(required=True)
    count = fields.Integer(required=True)
    state = OneOf(STATES, required=True)
    attempts = fields.Integer(required=True)
    created_at = Moment(required=True)
    next_at = Moment(required=True, allow_none=True)
    settled_at = Moment(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)


class NoticeDeliveryPage(Schema):
    """A page, newest first."""

    items = ListOf(Shape(NoticeDeliveryOut), required=True)
    page = Shape(PageOut, required=True)


@blp.get("")
@blp.arguments(NoticeDeliveryQuery(), location="query")
@blp.response(200, NoticeDeliveryPage())
@blp.needs(DELIVERY_READ)
@blp.problems(Forbidden)
def list_deliveries(query: dict[str, Any]) -> Response:
    """通知发给了本单位范围内的谁、走哪个渠道、送到没有，新的在前。"""
    me, state, channel = actor(), query["state"], query["channel"]
    with reading() as session:
        load = partial(deliveries.page, session, me, state=state, channel=channel)
        page = pages.of_rows(me.id, f"notice-deliveries:{state}:{channel}", query, load, deliveries.view)
    return sent(page)


@blp.post("/<id:delivery_id>/redeliver")
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, NoticeDeliveryOut())
@blp.needs(DELIVERY_REDELIVER)
@blp.problems(NotFound, Forbidden, DeliveryNotDead)
def redeliver(body: dict[str, Any], delivery_id: str) -> Response:
    """停止发送的再发：编号不变，从头再试。"""
    me = actor()
    return idempotent.write(
        lambda session: deliveries.redeliver(session, me, delivery_id),
        lambda row: idempotent.stored(200, deliveries.view(row)),
    )
