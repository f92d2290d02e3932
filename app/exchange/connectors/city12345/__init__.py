"""The city's 12345 platform: its envelope, its codes, and a map of its field names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from app.core.clock import BEIJING
from app.exchange.connectors import Connector, Order, fieldmap

ACCEPTED = "0000"
MAP = fieldmap.load(Path(__file__).with_name("map.yaml"))


class City12345:
    """Its envelope out is {messageId, seq, sendTime, …verb, data}; its answer {code, message}."""

    def write(self, order: Order) -> bytes:
        verb = MAP.verbs.get(order.message) or {"type": order.message.rpartition(".")[2]}
        return orjson.dumps(
            {
                "messageId": order.id,
                "seq": order.seq,
                "sendTime": order.at.astimezone(BEIJING).strftime(fieldmap.WIRE_TIME),
                **verb,
                "data": MAP.theirs(order.data),
            }
        )

    def refusal(self, status: int, body: bytes) -> str | None:
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError:
            told = None
        if not isinstance(told, dict) or "code" not in told:
            return "应答不是约定的格式（缺少 code）"
        if str(told["code"]) == ACCEPTED:
            return None
        said = told.get("message") or told.get("msg")
        return f"{told['code']} {said}" if isinstance(said, str) and said else str(told["code"])

    def read(self, message: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return MAP.ours(data)

    def told(self, path: str) -> str:
        return MAP.told(path)


CONNECTOR: Connector = City12345()
