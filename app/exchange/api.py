"""Messages in, messages out and the systems they go to, over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.errors import AlreadyFiled, UnitNotSelectable
from app.core.errors import Forbidden, NotFound
from app.core.http import gate, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.exchange import deliveries, inbound, received
from app.exchange.errors import (
    DeliverySettled,
    MessageIdReused,
    MessageInFlight,
    MessageSettled,
    MessageUnknown,
    MessageWrong,
    SeveralWaiting,
)
from app.exchange.schemas import (
    DeliveryOut,
    DeliveryPage,
    DeliveryQuery,
    EndpointList,
    MessageIn,
    MessageOut,
    MessagePage,
    MessageQuery,
    ToldOut,
    WhyIn,
)
from app.identity.door import actor
from app.identity.permissions import (
    DELIVERY_READ,
    DELIVERY_REDELIVER,
    MESSAGE_READ,
    MESSAGE_SEND,
)

blp = Blueprint("exchange", __name__, url_prefix="/api/v1", description="与其他系统来往的消息")


# — messages that come in —


@blp.post("/messages")
@blp.writes
@blp.arguments(
    MessageIn(),
    example={
        "name": "city.callback",
        "correlationKey": "BJ-1",
        "messageId": "city-2026-000042",
        "ttl": "P7D",
        "data": {"contact": True, "solved": True, "satisfied": True},
    },
)
@blp.response(200, ToldOut())
@blp.alt_response(202, schema=ToldOut(), description="已存下：还没有办件在等，或稍后再办")
@blp.needs(MESSAGE_SEND)
@blp.problems(
    Forbidden,
    MessageUnknown,
    MessageIdReused,
    MessageInFlight,
    SeveralWaiting,
    AlreadyFiled,
    MessageWrong,
    UnitNotSelectable,
)
def send_message(body: dict[str, Any]) -> Response:
    """发来一条消息：送到在等它的办件，或登记一件新的；没有办件在等就先存着。

    messageId 就是防重复的编号，不需要 Idempotency-Key：同一编号、同一内容得到同一个回答，只办一次；
    被拒绝的（4xx）没有存下，改正后可以用同一编号再发。
    """
    message = inbound.Message(
        body["name"],
        body["correlation_key"],
        body["message_id"],
        body["data"],
        gate.raw_body(),
        body["ttl"],
    )
    status, told = received.told(inbound.accept(actor(), message))
    return sent(told, status)


@blp.get("/receipts/<id:receipt_id>")
@blp.response(200, MessageOut())
@blp.needs(MESSAGE_SEND)
@blp.problems(NotFound)
def get_receipt(receipt_id: str) -> Response:
    """我发来的一条消息后来怎样了。"""
    return sent(received.view(received.receipt(actor(), receipt_id)))


@blp.get("/messages")
@blp.arguments(MessageQuery(), location="query")
@blp.response(200, MessagePage())
@blp.needs(MESSAGE_READ)
def list_messages(query: dict[str, Any]) -> Response:
    """收到的消息，新的在前。"""
    me = actor()
    view = f"messages:{query['state']}:{query['name']}"
    load = partial(received.page, me, query["state"], query["name"])
    return sent(pages.of_rows(me.id, view, query, load, received.view))


@blp.post("/messages/<id:message_id>/retry")
@blp.moves
@blp.arguments(WhyIn(), example={"reason": "流程已改正"})
@blp.response(200, MessageOut())
@blp.needs(DELIVERY_REDELIVER)
@blp.problems(NotFound, Forbidden, MessageSettled)
def retry_message(body: dict[str, Any], message_id: str) -> Response:
    """重试一条没有办成或已过期的消息。"""
    return idempotent.write(
        lambda session: received.retry(session, actor(), message_id, body["reason"]),
        lambda row: idempotent.stored(200, received.view(row)),
    )


# — messages that leave —


@blp.get("/deliveries")
@blp.arguments(DeliveryQuery(), location="query")
@blp.response(200, DeliveryPage())
@blp.needs(DELIVERY_READ)
def list_deliveries(query: dict[str, Any]) -> Response:
    """发给其他系统的消息，新的在前。"""
    me = actor()
    view = f"deliveries:{query['state']}:{query['endpoint']}:{query['case']}"
    load = partial(deliveries.page, me, query["state"], query["endpoint"], query["case"])
    return sent(pages.of_rows(me.id, view, query, load, deliveries.view))


@blp.post("/deliveries/<id:delivery_id>/redeliver")
@blp.moves
@blp.arguments(WhyIn(), example={"reason": "对方已恢复"})
@blp.response(200, DeliveryOut())
@blp.needs(DELIVERY_REDELIVER)
@blp.problems(NotFound, Forbidden, DeliverySettled)
def redeliver(body: dict[str, Any], delivery_id: str) -> Response:
    """重新发送：编号不变，对方凭编号去重。"""
    return idempotent.write(
        lambda session: deliveries.redeliver(session, actor(), delivery_id, body["reason"]),
        lambda row: idempotent.stored(200, deliveries.view(row)),
    )


@blp.post("/deliveries/<id:delivery_id>/close")
@blp.moves
@blp.arguments(WhyIn(), example={"reason": "已电话告知对方"})
@blp.response(200, DeliveryOut())
@blp.needs(DELIVERY_REDELIVER)
@blp.problems(NotFound, Forbidden, DeliverySettled)
def close_delivery(body: dict[str, Any], delivery_id: str) -> Response:
    """关闭：不再发送，同一办件后面的消息接着发。"""
    return idempotent.write(
        lambda session: deliveries.close(session, actor(), delivery_id, body["reason"]),
        lambda row: idempotent.stored(200, deliveries.view(row)),
    )


@blp.get("/endpoints")
@blp.response(200, EndpointList())
@blp.needs(DELIVERY_READ)
def list_endpoints() -> Response:
    """对接的系统：地址、现在通不通、有多少消息在等。"""
    return sent({"items": deliveries.all_endpoints(actor())})
