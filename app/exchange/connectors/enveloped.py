"""How partners here speak: one envelope around a message, one shape of answer, a map of field names."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.core.clock import BEIJING
from app.exchange.connectors import Order
from app.exchange.connectors.fieldmap import WIRE_TIME, FieldMap

ACCEPTED = "0000"


class Enveloped:
    """The envelope out is {messageId, seq, sendTime, …verb, data}; the answer {code, message}."""

    def __init__(self, names: FieldMap) -> None:
        self.names = names

    def write(self, order: Order) -> bytes:
        verb = self.names.verbs.get(order.message) or {"type": order.message.rpartition(".")[2]}
        return orjson.dumps(
            {
                "messageId": order.id,
                "seq": order.seq,
                "sendTime": order.at.astimezone(BEIJING).strftime(WIRE_TIME),
                **verb,
                "data": self.names.theirs(order.data),
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
        return self.names.ours(data)

    def told(self, path: str) -> str:
        return self.names.told(path)
