"""The postman: one process that sends what waits in the outbox and brings what was parked to its case."""

import logging
import random
from collections.abc import Callable

from app.core import clock, startup
from app.core.config import settings
from app.exchange import outbox, parking
from app.exchange.sending import Senders

log = logging.getLogger("huying.exchange")


def serve(worker: str, stopped: Callable[[], bool], drain: float) -> None:
    """Works until `stopped`; then waits at most `drain` seconds for what is on its way."""
    if not startup.once_served(stopped):
        return
    _safely(outbox.follow)
    senders = Senders(worker, stopped)
    senders.start()
    while not stopped():
        _safely(lambda: parking.deliver_due(stopped))
        clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), stopped)
    senders.join(drain)


def _safely(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:  # the next look finds the same rows
        log.exception("a round of the postman failed")
