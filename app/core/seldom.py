"""A warning that many requests would repeat, written once a minute with how often it was meant."""

import logging
from threading import Lock

from app.core import clock

EVERY = 60.0


class Seldom:
    """One such warning."""

    def __init__(self, log: logging.Logger, words: str) -> None:
        self._log, self._words = log, words
        self._lock = Lock()
        self._times = 0
        self._written: float | None = None

    def note(self, **fields: object) -> None:
        """It happened once more."""
        now = clock.monotonic()
        with self._lock:
            self._times += 1
            if self._written is not None and now - self._written < EVERY:
                return
            times, self._times, self._written = self._times, 0, now
        self._log.warning(self._words, extra={"fields": {"times": times, **fields}})
