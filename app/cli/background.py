"""Keeps the background's children alive: forked once everything is loaded, so that all of them share it.

They die with us, and one that ends by itself is followed by another.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from app import wire
from app.cli.local.tie import be_called, die_with_parent
from app.cli.roles import DRAIN, ROLES, Asked
from app.core import clock, db
from app.core.config import settings

RESPAWN_SECONDS = 1.0
LOOK_SECONDS = 0.1

logger = logging.getLogger("huying.worker")


def serve() -> None:
    """Until we are asked to stop."""
    asked = Asked()
    wire()
    db.current().dispose()  # the children have connections of their own
    gc.freeze()  # a collection in a child would write to what it shares with us
    crew = {role: born(role, asked) for role in ROLES if role != "jobs" or settings().redis_url}
    try:
        while not asked():
            for role, child in crew.items():
                if child.exitcode is not None:
                    logger.error("the %s ended with %s; starting another", role, child.exitcode)
                    clock.sleep(RESPAWN_SECONDS)  # a database that is away must not make us spin
                    crew[role] = born(role, asked)
            clock.sleep(LOOK_SECONDS)
    finally:
        end(crew.values())


def born(role: str, asked: Asked) -> BaseProcess:
    child = get_context("fork").Process(target=live, args=(role, asked, os.getpid()))
    child.start()
    return child


def live(role: str, asked: Asked, parent: int) -> None:
    """A child's life, from its birth to its end."""
    die_with_parent(parent)
    be_called(f"huying-{role}")
    try:
        ROLES[role](asked)
    except Exception:  # told as one JSON line; multiprocessing would print what the statement carried
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
    finally:
        db.current().dispose()


def end(crew: Iterable[BaseProcess]) -> None:
    """Asks all at once and waits for them; who takes longer than a drain is killed."""
    until = clock.monotonic() + DRAIN
    for child in crew:
        child.terminate()
    for child in crew:
        child.join(max(0.0, until - clock.monotonic()))
        child.kill()
        child.join()
