"""A partner that reads our own words: the names of messages.yaml as JSON, any 2xx means accepted."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.core.clock import BEIJING
from app.exchange.connectors import Connector, Order


class Plain:
    """Nothing is translated."""

    def write(self, order: Order) -> bytes:
        return orjson.dumps(
            {
                "messageId": order.id,
                "message": order.message,
                "seq": order.seq,
                "sentAt": order.at.astimezone(BEIJING).isoformat(timespec="seconds"),
                "data": dict(order.data),
            }
        )

    def refusal(self, status: int, body: bytes) -> str | None:
        return None

    def read(self, message: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return dict(data)

    def told(self, path: str) -> str:
        return path


CONNECTOR: Connector = Plain()
