"""What the children of worker.py do until asked to stop: look for timers, for hints, mail, schedules."""

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
from app.core import clock, startup, wake
from app.core.config import settings
from app.exchange import postman
from app.notices import herald
from app.schedules import service as schedules

DRAIN = 25
"""Seconds a child may finish in: less than what its parent is granted."""

FULL_TICK = 200
"""A look that moved this many rows is followed by the next at once."""

SAY_AGAIN_SECONDS = 60.0
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


def keep_schedules(asked: Asked) -> None:
    """What is to be done every so often; however long it takes, no timer and no message waits for it."""
    if not startup.once_served(asked):
        return
    entered, trouble = False, Trouble()
    while not asked():
        try:
            if not entered:
                schedules.enter()
                entered = True
            schedules.run_due()
            trouble = Trouble()
        except Exception as error:  # the database may be away; every later look finds the same rows
            if trouble.worth_saying(type(error).__name__):
                logger.exception("a look for due schedules failed")
        clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), asked)


def our_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def tell(asked: Asked) -> None:
    """Notices: new tasks are looked for, what comes at once is folded, channels are served."""
    herald.serve(our_name(), asked, DRAIN)


ROLES = {"ticker": tick, "jobs": work, "postman": carry, "periodic": keep_schedules, "herald": tell}
