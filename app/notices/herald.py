"""The herald: one process that looks for new tasks and polls, folds notices, and carries them out."""

import logging
import random
import threading
from collections.abc import Callable

from app.core import clock, startup
from app.core.config import settings
from app.notices import carrying, channels, folding, looking

log = logging.getLogger("huying.notices")


_looks: dict[str, Callable[[], int]] = {"look": looking.look}


def also(name: str, look: Callable[[], int]) -> None:
    """Another room has people to tell whom no act may pay for: it looks for them at every round."""
    _looks[name] = look


def serve(worker: str, stopped: Callable[[], bool], drain: float) -> None:
    """Works until `stopped`. Each channel has a thread of its own: a slow one delays nobody but itself."""
    threads: dict[str, threading.Thread] = {}
    quiet: set[str] = set()
    while not stopped():
        if _ready():
            for name, look in _looks.items():
                _safely(name, look, quiet)
            _safely("fold", folding.fold_due, quiet)
            for name in channels.available():
                if name not in threads:
                    threads[name] = _thread(name, worker, stopped)
        clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), stopped)
    end = clock.monotonic() + drain
    for thread in threads.values():
        thread.join(max(0.0, end - clock.monotonic()))


def once(worker: str = "here") -> None:
    """All that is due now, in this process (tests, the demo)."""
    for look in _looks.values():
        look()
    folding.fold_due()
    for name, channel in channels.available().items():
        while carrying.carry(name, channel, worker):
            pass


def _thread(name: str, worker: str, stopped: Callable[[], bool]) -> threading.Thread:
    thread = threading.Thread(target=_carry, args=(name, worker, stopped), name=f"tell-{name}", daemon=True)
    thread.start()
    return thread


def _carry(name: str, worker: str, stopped: Callable[[], bool]) -> None:
    quiet: set[str] = set()
    while not stopped():
        carried = _safely(name, lambda: _next(name, worker), quiet)
        if not carried:
            clock.pause(settings().tick_seconds * random.uniform(0.8, 1.2), stopped)


def _next(name: str, worker: str) -> int:
    channel = channels.available().get(name)
    return carrying.carry(name, channel, worker) if channel is not None else 0


def _ready() -> bool:
    """Whether the database has the tables of this code; the ticker is the one who says so."""
    try:
        return startup.behind() is None
    except Exception:  # away: it comes back
        return False


def _safely(what: str, act: Callable[[], int], quiet: set[str]) -> int:
    """What fails is said once, until it goes well again; the next round finds the same rows."""
    try:
        done = act()
    except Exception as error:
        if what not in quiet:
            log.exception("%s failed (%s)", what, type(error).__name__)
        quiet.add(what)
        return 0
    quiet.discard(what)
    return done
