"""The postman: one process that sends what waits in the outbox and brings what was parked to its case."""

import logging
import random
from collections.abc import Callable

from app.core import clock, startup
from app.core.config import settings
from app.core.db import transaction
from app.exchange import outbox, parking
from app.exchange.sending import Senders

log = logging.getLogger("huying.exchange")

SWEEP_SECONDS = 60.0


def serve(worker: str, stopped: Callable[[], bool], drain: float) -> None:
    """Works until `stopped`; then waits at most `drain` seconds for what is on its way."""
    if not _once_served(stopped):
        return
    sweep()
    senders = Senders(worker, stopped)
    senders.start()
    next_sweep = clock.monotonic() + SWEEP_SECONDS
    while not stopped():
        if clock.monotonic() >= next_sweep:
            next_sweep = clock.monotonic() + SWEEP_SECONDS
            sweep()
        _safely(lambda: parking.deliver_due(stopped))
        clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), stopped)
    senders.join(drain)


def sweep() -> None:
    """What needs a look once a minute."""
    for act in (_follow_configuration, parking.find_missed, parking.expire, parking.forget_delivered):
        _safely(act)


def _follow_configuration() -> None:
    with transaction() as session:
        outbox.follow_configuration(session)


def _once_served(stopped: Callable[[], bool]) -> bool:
    """Waits for a database with the tables of this code; the ticker is the one who says so."""
    while not stopped():
        try:
            if startup.behind() is None:
                return True
        except Exception:  # away: it comes back
            log.debug("the database cannot be asked yet")
        clock.pause(settings().tick_seconds, stopped)
    return False


def _safely(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:  # the next sweep finds the same rows
        log.exception("a round of the postman failed")
