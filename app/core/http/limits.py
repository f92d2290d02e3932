"""How often somebody may ask: an allowance for each person and service, counted in this process alone.

Who spent it is refused before anything is read, asked of the database or written. Nothing is shared between
processes, so that a limit costs no round trip and depends on nothing that may be away.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from app.core import clock
from app.core.config import Rate, settings
from app.core.errors import TooMany
from app.core.seldom import Seldom

BURST = 10
"""Seconds' worth that may be spent at once: a page asks for ten things together, and then for nothing."""
MOST_KEPT = 50_000

_refused = Seldom(logging.getLogger("huying.http"), "requests beyond an allowance were refused")


class Principal(Protocol):
    """Whoever signed in: all that the gate needs to know."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True)
class Left:
    """What is left of an allowance after a request."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class Allowances:
    """The allowances of one process. An entry is the instant at which a bucket is full again (GCRA)."""

    def __init__(self) -> None:
        self._full_at: dict[tuple[str, bool], float] = {}
        self._whose: dict[int, tuple[str, str]] = {}
        self._lock = Lock()

    def admit(self, token: str, ask: Callable[[], Principal], *, writes: bool) -> Left | None:
        """Who sends this token, if something is left; None where there are no limits.

        A token seen before is refused without asking who it is. Raises TooMany (429) and what `ask` raises.
        """
        rates = settings().limits
        if rates is None:
            ask()
            return None
        known = hash(token)
        whose = self._whose.get(known)
        if whose is None:
            principal = ask()
            whose = principal.id, principal.kind
            self._keep(known, whose)
            return self._take(whose, rates, writes)
        left = self._take(whose, rates, writes)
        ask()
        return left

    def _take(self, whose: tuple[str, str], rates: Mapping[str, Rate], writes: bool) -> Left:
        name, kind = whose
        rate = rates["service" if kind == "service" else "person"]
        buckets = [((name, False), rate.requests)]
        if writes:
            buckets.append(((name, True), rate.writes))
        now = clock.monotonic()
        with self._lock:
            spent = [(key, each, max(self._full_at.get(key, now), now) + 1 / each) for key, each in buckets]
            for key, each, full_at in spent:
                wait = full_at - now - BURST
                if wait > 1e-9:
                    _refused.note(actorId=name)
                    raise _too_many(each, math.ceil(wait), writes=key[1])
            for key, _, full_at in spent:
                self._full_at[key] = full_at
        left = [
            Left(_most(each), int((BURST + now - full_at) * each), math.ceil(full_at - now))
            for _, each, full_at in spent
        ]
        return min(left, key=lambda one: one.remaining)

    def _keep(self, token: int, whose: tuple[str, str]) -> None:
        with self._lock:
            if len(self._whose) >= MOST_KEPT:
                self._whose.clear()
            if len(self._full_at) >= MOST_KEPT:
                now = clock.monotonic()
                self._full_at = {key: at for key, at in self._full_at.items() if at > now}
            self._whose[token] = whose


def _too_many(rate: float, wait: int, *, writes: bool) -> TooMany:
    what = "办理、登记等写入" if writes else "请求"
    said = f"{what}每秒至多 {rate:g} 次，短时可到 {_most(rate)} 次；请 {wait} 秒后再试。"
    return TooMany(said, headers={"Retry-After": str(wait), **Left(_most(rate), 0, wait).headers()})


def _most(rate: float) -> int:
    return max(int(rate * BURST), 1)
