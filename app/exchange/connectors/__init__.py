"""Connectors: how each foreign system is spoken to. They know wire formats, never tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Order:
    """One message on its way out, in our own words. `id` and `seq` are the same at every try."""

    id: str
    message: str
    seq: int
    at: datetime
    data: Mapping[str, Any]


class Connector(Protocol):
    """One way of speaking. Pure: bytes and values in, bytes and values out."""

    def write(self, order: Order) -> bytes:
        """The body of the request."""

    def refusal(self, status: int, body: bytes) -> str | None:
        """Why the partner refused what it answered 2xx to, in its own words; None when it accepted."""

    def read(self, message: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the partner wrote, in our own words."""

    def told(self, path: str) -> str:
        """How the partner calls one of our paths (`caller.name`), for a message about a wrong field."""


def _all() -> Mapping[str, Connector]:
    from app.exchange.connectors import city12345, grid, plain

    return {"city12345": city12345.CONNECTOR, "grid": grid.CONNECTOR, "plain": plain.CONNECTOR}


CHANNELS: Mapping[str, str] = {"sms": "短信", "wechat": "微信", "mail": "邮件"}
"""Adapters that carry notices to people, not messages of cases; see exchange/gateways."""
ALL: Mapping[str, Connector] = _all()
"""Every connector by the name that the file of endpoints calls `adapter`."""
