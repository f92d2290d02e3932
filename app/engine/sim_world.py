"""The world of a simulated case: virtual time, data in memory, stubs in place of services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from app.engine.durations import Duration, add, parse_duration
from app.engine.errors import SimulationRefused

Handlers = Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]


Happened = tuple[int, datetime]  # the how-manieth event, and when


@dataclass(frozen=True)
class Moment:
    """What a clock may know: the case's beginning, now, and event → when it last happened.

    Events are named as in sla.yaml: case.received, case.closed, task.opened(step), task.claimed(step),
    task.done(step), task.returned(step), task.cancelled(step), and the milestones the diagram names.
    """

    start: datetime
    now: datetime
    events: Mapping[str, Happened]


@dataclass(frozen=True)
class Limit:
    """A clock as sla.yaml writes it: an ISO duration, the event that starts it, the one that stops it."""

    limit: str
    start: str = "case.received"
    stop: str = "case.closed"


def weekdays(day: date) -> bool:
    """Monday to Friday: the calendar of whoever hands in no other."""
    return day.weekday() < 5


@dataclass(frozen=True)
class Clock:
    """Virtual time, from `start` on, which is aware.

    `limits` maps a clock, or `clock.tier`, to its Limit. A clock that has none, has not started or has
    stopped is never due. Who knows clocks better hands in `functions`, which makes tier, due, workdays …
    for a Moment; every Moment must give the same names.
    """

    start: datetime
    limits: Mapping[str, Limit] = field(default_factory=dict)
    is_workday: Callable[[date], bool] = weekdays
    functions: Callable[[Moment], Mapping[str, Callable[..., Any]]] | None = None

    def at(self, moment: Moment) -> Mapping[str, Callable[..., Any]]:
        """The functions expressions call, bound to this instant."""
        if self.functions is not None:
            return self.functions(moment)

        def due(clock: str, tier: str | None = None) -> str | None:
            limit = self.limits.get(clock if tier is None else f"{clock}.{tier}")
            since = None if limit is None else moment.events.get(limit.start)
            if limit is None or since is None or moment.events.get(limit.stop, since) > since:
                return None
            return add(since[1], parse_duration(limit.limit), self.is_workday).isoformat()

        def workdays(count: int) -> str:
            return add(moment.now, Duration(working_days=count), self.is_workday).isoformat()

        return {"due": due, "tier": due, "workdays": workdays}


class World:
    """The Env in memory."""

    def __init__(self, clock: Clock, handlers: Handlers) -> None:
        self.clock, self.handlers = clock, handlers
        self.now = clock.start.astimezone(UTC)
        self.values: dict[str, Any] = {}
        self.events: dict[str, Happened] = {}
        self.count = 0
        self.sent: list[tuple[str, Mapping[str, Any]]] = []

    @property
    def data(self) -> Mapping[str, Any]:
        """Read-only."""
        return MappingProxyType(self.values)

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """Asked afresh at every call: a run binds its functions once, and time goes on meanwhile."""

        def late(name: str) -> Callable[..., Any]:
            return lambda *said: self.clock.at(self._moment())[name](*said)

        return {name: late(name) for name in self.clock.at(self._moment())}

    def happened(self, event: str | None) -> None:
        """Notes an event that may start or stop a clock."""
        if event:
            self.count += 1
            self.events[event] = (self.count, self.now)

    def _moment(self) -> Moment:
        return Moment(self.clock.start.astimezone(UTC), self.now, MappingProxyType(self.events))

    def is_workday(self, day: date) -> bool:
        """By the clock's calendar."""
        return self.clock.is_workday(day)

    def call(self, handler: str, params: dict[str, Any]) -> dict[str, Any]:
        """The stub's answer. Raises SimulationRefused when there is none for this handler."""
        stub = self.handlers.get(handler)
        if stub is None:
            raise SimulationRefused(f"（没有给服务 {handler} 准备替身）")
        return dict(stub(MappingProxyType(params)))

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """Kept for the report."""
        self.sent.append((message, MappingProxyType(dict(params))))

    def write(self, values: dict[str, Any]) -> None:
        """By assignment."""
        self.values.update(values)
