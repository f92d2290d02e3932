"""What the children of worker.py do until they are asked to stop: tick, work off hints, carry messages."""

import logging
import os
import random
import signal
import socket
from dataclasses import dataclass

from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from app.cases import firing
from app.cases.attachments import service as attachments
from app.cases.calendars import recounting
from app.core import clock, db, once, startup, wake
from app.core.config import settings
from app.exchange import postman
from app.identity import login

DRAIN = 25
"""Seconds a child may finish in: less than what its parent is granted."""

FULL_TICK = 200
"""A look that moved this many rows is followed by the next at once."""

SWEEP_SECONDS = 60.0
FILES_SECONDS = 86_400.0
SAY_AGAIN_SECONDS = 60.0
SWEEP_BATCH = 1000
WORKER_TTL = 75
"""RQ blocks in its dequeue for 15 s less than this; its default would be 405 s."""

ASKING = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger("huying.worker")


class Asked:
    """Whether this process was asked to stop; a forked child keeps the handler, and a copy of its own."""

    def __init__(self) -> None:
        self.stop = False
        for number in ASKING:
            signal.signal(number, self._on)

    def __call__(self) -> bool:
        return self.stop

    def _on(self, number: int, frame: object) -> None:
        self.stop = True


def tick(asked: Asked) -> None:
    """Looks for due timers about once a second; one failed look must not stop the next."""
    next_sweep = next_files = clock.monotonic()
    trouble = Trouble()
    served = False  # once the tables are there they stay: migrations only add
    while not asked():
        moved = 0
        try:
            if not served and (told := startup.behind()) is not None:
                if trouble.worth_saying(told):
                    logger.warning(told)
            else:
                served = True
                moved = firing.tick(our_name())
                trouble = Trouble()
        except Exception as error:  # the database may be away; every later look finds the same rows
            if trouble.worth_saying(type(error).__name__):
                logger.exception("a look for due timers failed")
        if served and clock.monotonic() >= next_sweep:
            next_sweep = clock.monotonic() + SWEEP_SECONDS
            sweep()
        if served and clock.monotonic() >= next_files:
            next_files = clock.monotonic() + FILES_SECONDS
            sweep_files()
        if moved < FULL_TICK:
            clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), asked)


@dataclass
class Trouble:
    """What goes wrong at every look is said at once, and then once a minute."""

    what: str = ""
    next_at: float = 0.0

    def worth_saying(self, what: str) -> bool:
        now = clock.monotonic()
        if what == self.what and now < self.next_at:
            return False
        self.what, self.next_at = what, now + SAY_AGAIN_SECONDS
        return True


def sweep() -> None:
    """Once a minute: due times that another calendar moves, kept answers and tokens past their time."""
    try:
        recounting.catch_up()
        more = True
        while more:  # a batch a transaction, so that nobody waits long
            with db.transaction() as session:
                more = once.forget_expired(session, clock.now(session), SWEEP_BATCH) == SWEEP_BATCH
        with db.transaction() as session:
            login.forget_expired(session)
    except Exception:  # the next sweep finds the same rows
        logger.exception("sweeping failed")


def sweep_files() -> None:
    """Once a day: bytes that no attachment names any more."""
    try:
        gone = attachments.sweep()
        if gone:
            logger.info("%s files that no row names were removed", gone)
    except Exception:  # tomorrow's sweep finds the same files
        logger.exception("sweeping files failed")


def work(asked: Asked) -> None:
    """An RQ worker that runs hints only: JSON in, one fixed function, no fork, no scheduler."""
    for number in ASKING:  # RQ installs handlers of its own; until then a signal just ends us
        signal.signal(number, signal.SIG_DFL)
    if asked():  # before the line above
        return
    wake.on_hint(firing.fire_claimed)
    url = settings().redis_url
    assert url is not None, "the RQ worker is only started with REDIS_URL"
    redis = Redis.from_url(url)  # no socket timeout: an idle worker blocks in its dequeue
    worker = SimpleWorker(
        [wake.queue(redis)],
        connection=redis,
        job_class=wake.HintJob,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL,
        log_job_description=False,  # what stands in Redis may be anybody's text
    )
    worker.work(logging_level="WARNING")


def carry(asked: Asked) -> None:
    """Messages between cases and other systems; a slow partner delays neither timers nor other partners."""
    postman.serve(our_name(), asked, DRAIN)


def our_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


ROLES = {"ticker": tick, "jobs": work, "postman": carry}
