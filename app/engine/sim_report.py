"""What a simulation tells: the path, who had what to do from when to when, what was awaited, how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from app.engine.picture import Passed, Thrown

DONE = "done"


@dataclass(frozen=True)
class Turn:
    """One opening of a step. `how` it was left: done, returned, or ended by an event or the case's end."""

    ref: str
    step: str
    name: str
    round: int
    opened: datetime
    left: datetime | None = None
    how: str | None = None
    outcome: str | None = None
    item: str | int | float | None = None
    order: int = 0

    def closed(self, now: datetime, how: str, outcome: str | None, order: int) -> "Turn":
        """The same, left; `order` counts what was left before it."""
        return replace(self, left=now, how=how, outcome=outcome, order=order)


def steps_done(turns: Iterable[Turn]) -> tuple[str, ...]:
    """The steps completed, in the order of completion."""
    return tuple(turn.step for turn in sorted(turns, key=lambda turn: turn.order) if turn.how == DONE)


@dataclass(frozen=True)
class Stay:
    """One wait: since when, due when (its last due time), how often it fired, when it was gone."""

    ref: str
    element: str
    name: str
    kind: str
    since: datetime
    due_at: datetime | None
    fired: int = 0
    left: datetime | None = None

    def closed(self, now: datetime, fired: bool) -> "Stay":
        """The same, gone."""
        return replace(self, left=now, fired=self.fired + fired)


@dataclass(frozen=True)
class Mismatch:
    """What was not as it should be, in Chinese; `place` counts the moves from 1."""

    place: int
    zh: str
    element: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class SimReport:
    """How a simulated case went. `error` stopped the walk; `mismatches` are expectations that did not hold.

    `state` holds the bytes of the case at its last rest, `sent` the messages that would have gone out,
    `thrown` what left the process by its events.
    """

    key: str
    version: str
    started: datetime
    at: datetime
    ended: bool
    end_element: str | None
    status: str | None
    path: tuple[Passed, ...]
    tasks: tuple[Turn, ...]
    waits: tuple[Stay, ...]
    thrown: tuple[Thrown, ...]
    sent: tuple[tuple[str, Mapping[str, Any]], ...]
    data: Mapping[str, Any]
    mismatches: tuple[Mismatch, ...]
    error: Mismatch | None
    skipped: tuple[str, ...]
    state: bytes

    @property
    def good(self) -> bool:
        """Everything went as the walk says."""
        return self.error is None and not self.mismatches

    @property
    def log(self) -> tuple[str, ...]:
        """The steps completed, in order."""
        return steps_done(self.tasks)

    @property
    def breaches(self) -> tuple[Stay, ...]:
        """The timers that fired."""
        return tuple(stay for stay in self.waits if stay.kind == "timer" and stay.fired)

    @property
    def covered(self) -> frozenset[str]:
        """Every element passed and every flow a gateway chose, for the coverage of a bundle's scenarios."""
        return frozenset(passed.element for passed in self.path) | {
            passed.branch for passed in self.path if passed.branch is not None
        }

    def line(self) -> bytes:
        """The report as one line of JSON, without the state; equal reports give equal bytes."""
        told = {key: value for key, value in asdict(self).items() if key != "state"}
        told |= {"log": self.log, "breaches": [stay.ref for stay in self.breaches]}
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=str) + b"\n"
