"""Messages in, messages out and the systems they go to, over HTTP."""

from typing import Any

import orjson
from flask import Response

from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint
from app.exchange import deliveries
from app.exchange.errors import DeliverySettled
from app.exchange.schemas import DeliveryOut, DeliveryPage, DeliveryQuery, EndpointList, WhyIn
from app.identity.door import actor
from app.identity.permissions import DELIVERY_READ, DELIVERY_REDELIVER

blp = Blueprint("exchange", __name__, url_prefix="/api/v1", description="与其他系统来往的消息")


def sent(body: Any) -> Response:
    """A prepared answer; its schema only documents it, and a test compares the two."""
    return Response(orjson.dumps(body), mimetype="application/json")


# — messages that leave —


@blp.get("/deliveries")
@blp.arguments(DeliveryQuery(), location="query")
@blp.response(200, DeliveryPage())
@blp.needs(DELIVERY_READ)
def list_deliveries(query: dict[str, Any]) -> Response:
    """发给其他系统的消息，新的在前。"""
    me = actor()
    view = f"deliveries:{query['state']}:{query['endpoint']}:{query['case']}"
    found = pages.after(me.id, view, query["after"], 1)
    rows = deliveries.page(
        me, query["state"], query["endpoint"], query["case"], query["limit"], found[0] if found else None
    )
    return sent(
        pages.page(
            rows,
            query["limit"],
            principal=me.id,
            view=view,
            keys=lambda row: [row["id"]],
            item=deliveries.view,
        )
    )


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
