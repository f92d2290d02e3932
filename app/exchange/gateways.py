"""Gateways for short messages, WeChat and mail: one POST with a few messages, spoken in our own words.

The file of endpoints names them by `adapter: sms`, `wechat` or `mail`. A gateway knows which telephone or
account belongs to a login; it is told none, and what it answers is read only for which messages it refuses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.core import clock
from app.core.clock import BEIJING
from app.core.db import reading, transaction
from app.exchange import client, endpoints, health
from app.exchange.client import Answer, Blocked, Unreachable
from app.exchange.connectors import CHANNELS
from app.exchange.endpoints import Endpoint
from app.notices.channels import Channel, Message, Undelivered

LONGEST_WHY = 100


def offered() -> Mapping[str, Channel]:
    """The channels that the file of endpoints names and that are on, by the name of the endpoint."""
    return {
        name: Gateway(endpoint)
        for name, endpoint in endpoints.configured().items()
        if endpoint.adapter in CHANNELS and endpoint.on
    }


class Gateway:
    """One gateway. Its door is watched like every partner's: after failures in a row nobody knocks."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.label = CHANNELS[endpoint.adapter]

    def send(self, messages: Sequence[Message], seconds: float) -> Mapping[str, str]:
        name = self.endpoint.name
        with reading() as session:
            if health.closed(session, name, clock.now(session)):
                raise Undelivered("对方多次没有应答，过一会儿再试。", pause=health.FIRST_PAUSE, counts=False)
        headers = {"Idempotency-Key": messages[0].id, "webhook-id": messages[0].id}
        try:
            answer = client.post(
                self.endpoint, written(messages), headers, seconds=min(client.TOTAL, seconds)
            )
        except Blocked as blocked:
            raise Undelivered(blocked.zh) from None
        except Unreachable as unreachable:
            raise self._shut(unreachable.zh, None) from None
        if answer.status in (429, 500, 502, 503, 504):
            raise self._shut(f"对方系统回答 {answer.status}，现在不能办理。", answer.retry_after)
        with transaction() as session:
            health.answered(session, name, clock.now(session))
        if not 200 <= answer.status < 300:
            raise Undelivered(f"对方没有收下：回答 {answer.status}。")
        return refused(answer, {message.id for message in messages})

    def _shut(self, why: str, pause: int | None) -> Undelivered:
        with transaction() as session:
            known, _ = health.failed(session, self.endpoint.name, clock.now(session), why, pause)
        return Undelivered(why, pause=pause, counts=not known and pause is None)


def written(messages: Sequence[Message]) -> bytes:
    """The body: `{messages: [{id, to, text, urgent, at}]}`."""
    return orjson.dumps(
        {
            "messages": [
                {
                    "id": message.id,
                    "to": message.to,
                    "text": message.text,
                    "urgent": message.urgent,
                    "at": message.at.astimezone(BEIJING).isoformat(timespec="seconds"),
                }
                for message in messages
            ]
        }
    )


def refused(answer: Answer, asked: set[str]) -> dict[str, str]:
    """Which of them it did not take: `{refused: [{id, reason}]}`; the others it has."""
    try:
        told: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    listed = told.get("refused") if isinstance(told, dict) else None
    found: dict[str, str] = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("id") in asked:
            found[each["id"]] = f"对方没有收下：{_line(each.get('reason'))}"
    return found


def _line(text: Any) -> str:
    """A partner's own words, on one line and bounded."""
    return "".join(c if c.isprintable() else " " for c in str(text or "没有说明原因"))[:LONGEST_WHY]
