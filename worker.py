"""The background process: a ticker, an RQ worker that does what it is hinted at, a postman for messages.

All are children of this process and die with it; one that ends by itself is started again. Without REDIS_URL
there is no RQ worker, and the ticker does the work itself. `python worker.py`; SIGTERM drains ≤ 30 s.
"""

import logging
import os
import random
import signal
import socket
import sys
from dataclasses import dataclass

from app import begin
from app.cli.local import LocalRefused
from app.cli.local.children import Children
from app.cli.local.tie import die_with_parent
from app.core import clock, db, log, startup
from app.core.config import REPOSITORY, SettingRefused, settings

DRAIN = 25
"""Seconds a child may finish in: less than what our own parent grants us."""

FULL_TICK = 200
"""A look that moved this many rows is followed by the next at once."""

RESPAWN_SECONDS = 1.0
SWEEP_SECONDS = 60.0
FILES_SECONDS = 86_400.0
SAY_AGAIN_SECONDS = 60.0
SWEEP_BATCH = 1000
WORKER_TTL = 75
"""RQ blocks in its dequeue for 15 s less than this; its default would be 405 s."""

logger = logging.getLogger("huying.worker")


class Asked:
    """Whether we were asked to stop."""

    def __init__(self) -> None:
        self.stop = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on)

    def _on(self, number: int, frame: object) -> None:
        self.stop = True


def main() -> None:
    """Keeps the children alive until we are asked to stop."""
    asked = Asked()
    if os.environ.get("HUYING_TIED"):
        die_with_parent(os.getppid())
    begin()
    db.current().dispose()  # the children have connections of their own
    roles = ["ticker", "jobs", "postman"] if settings().redis_url else ["ticker", "postman"]
    # In our own group: the launcher can then end grandchildren, too.
    with Children(found_group=False) as children:
        for role in roles:
            start(children, role)
        while not asked.stop:
            ended = children.ended()
            if ended is not None:
                logger.error("the %s ended with %s; starting another", ended.name, ended.process.returncode)
                children.forget(ended)
                clock.sleep(RESPAWN_SECONDS)  # a database that is away must not make us spin
                start(children, ended.name)
            clock.sleep(0.1)
        children.stop(*roles)


def start(children: Children, role: str) -> None:
    children.start(
        role,
        [sys.executable, str(REPOSITORY / "worker.py"), role],
        environ=os.environ,
        cwd=REPOSITORY,
        seconds=DRAIN,
        inherit_output=True,
    )


def tick_for_ever() -> None:
    """Looks for due timers about once a second; one failed look must not stop the next."""
    asked = Asked()
    prepare()
    from app.cases import firing

    name = f"{socket.gethostname()}-{os.getpid()}"
    next_sweep = next_files = clock.monotonic()
    trouble = Trouble()
    served = False  # once the tables are there they stay: migrations only add
    while not asked.stop:
        moved = 0
        try:
            if not served and (told := startup.behind()) is not None:
                if trouble.worth_saying(told):
                    logger.warning(told)
            else:
                served = True
                moved = firing.tick(name)
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
            clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), lambda: asked.stop)
    db.current().dispose()


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
    """Deletes what nobody can ask for any more: kept answers and tokens past their time, a batch each."""
    from app.core import once
    from app.identity import login

    try:
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
    from app.cases.attachments import service

    try:
        gone = service.sweep()
        if gone:
            logger.info("%s files that no row names were removed", gone)
    except Exception:  # tomorrow's sweep finds the same files
        logger.exception("sweeping files failed")


def work_for_ever() -> None:
    """An RQ worker that runs hints only: JSON in, one fixed function, no fork, no scheduler.

    RQ installs its own handlers; until then a signal just ends us, since nothing has begun.
    """
    prepare()
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    from app.cases import firing
    from app.core import wake

    wake.on_hint(firing.fire_claimed)
    url = settings().redis_url
    assert url is not None, "the RQ worker is only started with REDIS_URL"
    from redis import Redis

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
    db.current().dispose()


def carry_for_ever() -> None:
    """Messages between cases and other systems; a slow partner delays neither timers nor other partners."""
    asked = Asked()
    prepare()
    from app.exchange import postman

    postman.serve(f"{socket.gethostname()}-{os.getpid()}", lambda: asked.stop, DRAIN)
    db.current().dispose()


def prepare() -> None:
    """What all children do first: log as JSON lines, and know every listener."""
    log.to_stderr()
    from app import wire

    wire()


ROLES = {"ticker": tick_for_ever, "jobs": work_for_ever, "postman": carry_for_ever}

if __name__ == "__main__":
    try:
        ROLES[sys.argv[1]]() if sys.argv[1:] else main()
    except (SettingRefused, LocalRefused) as refused:
        print(f"后台进程没有启动：{refused}", file=sys.stderr)
        sys.exit(1)
