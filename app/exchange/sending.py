"""Sending: one row after the other goes to its partner, each partner in a thread of its own."""

import logging
import random
import threading
from collections.abc import Callable

from app.core import clock
from app.core.config import settings
from app.core.db import transaction
from app.exchange import client, endpoints, outbox
from app.exchange.client import Answer, Blocked, Unreachable
from app.exchange.connectors import Order
from app.exchange.endpoints import Endpoint
from app.exchange.outbox import Claimed

log = logging.getLogger("huying.exchange")

SHARE_OF_LEASE = 0.6
"""A try ends long before its lease does, so that nobody else holds the row meanwhile."""
TROUBLE = frozenset({429, 500, 502, 503, 504})
"""Answers that say more about the partner's system than about this message."""

Post = Callable[..., Answer]


def send_next(endpoint: Endpoint, worker: str, post: Post = client.post) -> bool:
    """Sends the next row that may go to this endpoint; False when there is none."""
    if not outbox.anything(endpoint.name):
        return False
    with transaction() as session:
        held = outbox.claim(session, endpoint.name, worker)
    if held is None:
        return False
    _send(endpoint, held, post)
    return True


def _send(endpoint: Endpoint, held: Claimed, post: Post) -> None:
    connector = endpoint.connector
    assert connector is not None
    order = Order(held.id, held.message, held.seq, held.created_at, held.body)
    headers = {"Idempotency-Key": held.id, "webhook-id": held.id, "X-Huying-Message": held.message}
    seconds = min(client.TOTAL, settings().lease_seconds * SHARE_OF_LEASE)
    try:
        answer = post(endpoint, connector.write(order), headers, seconds=seconds)
    except Blocked as blocked:
        outbox.blocked(held, blocked.zh)
    except Unreachable as unreachable:
        outbox.unreachable(held, None, unreachable.zh)
    else:
        _settle(held, answer, connector.refusal)


def _settle(held: Claimed, answer: Answer, refusal: Callable[[int, bytes], str | None]) -> None:
    status = answer.status
    if 200 <= status < 300:
        why = refusal(status, answer.body)
        if why is None:
            outbox.sent(held, status)
        else:
            outbox.refused(held, status, f"对方没有收下：{_short(why)}")
    elif status in TROUBLE:
        outbox.unreachable(held, status, f"对方系统回答 {status}，现在不能办理。", answer.retry_after)
    elif 300 <= status < 400:
        outbox.refused(held, status, f"对方要求转到别的地址（{status}），没有跟过去。")
    else:
        outbox.refused(held, status, f"对方没有收下：回答 {status}。")


def _short(text: str) -> str:
    """A partner's own words, on one line and bounded: they are shown to people."""
    return "".join(c if c.isprintable() else " " for c in text)[:200]


class Senders:
    """One thread for each endpoint, so that a slow partner delays nobody but itself."""

    def __init__(self, worker: str, stopped: Callable[[], bool]) -> None:
        self.worker, self.stopped = worker, stopped
        self.threads = [
            threading.Thread(target=self._serve, args=(endpoint,), name=f"send-{name}", daemon=True)
            for name, endpoint in endpoints.configured().items()
            if endpoint.on and endpoint.of_cases
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Waits until each has finished the try it is at."""
        end = clock.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, end - clock.monotonic()))

    def _serve(self, endpoint: Endpoint) -> None:
        quiet = False
        while not self.stopped():
            sent = False
            try:
                sent = send_next(endpoint, self.worker)
                quiet = False
            except Exception as error:  # the database may be away; the row's lease ends by itself
                if not quiet:
                    log.exception("sending to %s failed (%s)", endpoint.name, type(error).__name__)
                quiet = True
            if not sent:
                clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), self.stopped)
