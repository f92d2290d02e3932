"""The waiting room of a web process: so many requests at work, so many waiting, and the rest told so at once.

Without it a slow database fills the server's queue with requests whose senders have long given up.
"""

import logging
from queue import Empty, SimpleQueue

from flask import Flask, current_app, g, request

from app.core.config import settings
from app.core.errors import Unavailable
from app.core.seldom import Seldom

PATIENCE = 5.0
"""Seconds a request waits for its turn: as long as for a connection of the pool."""
AFTER = 2
"""Retry-After, seconds."""
ALWAYS = {"/healthz", "/readyz", "/version"}
"""Who looks whether we live must be told, above all then."""

_refused = Seldom(logging.getLogger("huying.http"), "requests were refused: overloaded")


class Room:
    """`work` requests at work at a time, `seats` waiting."""

    def __init__(self, work: int, seats: int) -> None:
        self._turns: SimpleQueue[None] = SimpleQueue()  # measurably cheaper than a semaphore of Python
        self._seats: SimpleQueue[None] = SimpleQueue()
        for _ in range(work):
            self._turns.put(None)
        for _ in range(seats):
            self._seats.put(None)

    @property
    def free_seats(self) -> int:
        return self._seats.qsize()

    def enter(self) -> None:
        """Takes a turn, waiting for it if there is a seat. Raises Unavailable (503), nothing done."""
        try:
            self._turns.get_nowait()
        except Empty:
            self._wait()

    def leave(self) -> None:
        self._turns.put(None)

    def _wait(self) -> None:
        try:
            self._seats.get_nowait()
        except Empty:
            raise overloaded() from None
        try:
            self._turns.get(timeout=PATIENCE)
        except Empty:
            raise overloaded() from None
        finally:
            self._seats.put(None)


def install(app: Flask) -> None:
    """One room for all views of the app; the gate asks for the turn once nothing cheap is left to check."""
    app.extensions["huying_room"] = Room(settings().web_threads, settings().waiting)
    app.teardown_request(_leave)


def take_turn() -> None:
    """This request's turn, held until its answer is made. Raises Unavailable (503), nothing read or done."""
    if request.path not in ALWAYS:
        _room().enter()
        g.has_turn = True


def _leave(_: BaseException | None) -> None:
    if g.pop("has_turn", False):
        _room().leave()


def _room() -> Room:
    return current_app.extensions["huying_room"]  # type: ignore[no-any-return]


def overloaded() -> Unavailable:
    """503 `overloaded`, told in the log once a minute."""
    _refused.note()
    return Unavailable("同时办理的人太多，请稍后再试。", headers={"Retry-After": str(AFTER)})
