"""What every engine test needs: an environment in memory and a way to walk a diagram with reloads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from app.engine.parser import parse
from app.engine.picture import Picture
from app.engine.run import Run
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.drawing import Drawing

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # nine o'clock in Beijing


@dataclass
class Bench:
    """An Env in memory: a clock that is moved by hand, data that is set by assignment."""

    now: datetime = MONDAY
    data: dict[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    handlers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    def is_workday(self, day: date) -> bool:
        """Monday to Friday, without the holidays."""
        return day.weekday() < 5 and day not in self.holidays

    def pass_time(self, **amount: float) -> None:
        """Moves the clock on, as timedelta would."""
        self.now += timedelta(**amount)

    def call(self, handler: str, params: dict[str, Any]) -> dict[str, Any]:
        """Calls the handler of that name with its inputs by name."""
        found: dict[str, Any] = self.handlers[handler](**params)
        return found

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """Remembers what left the case."""
        self.sent.append(message)

    def write(self, values: dict[str, Any]) -> None:
        """By assignment."""
        self.data.update(values)


class Case:
    """One case that is saved and loaded again before everything it does."""

    def __init__(
        self,
        drawing: Drawing,
        env: Bench | None = None,
        version: Version | None = None,
        start: str | None = None,
    ) -> None:
        self.env = env or Bench()
        self.version = version or version_of(drawing)
        self.run = Run.new(self.version, self.env, start)
        self.keep()

    def keep(self) -> Picture:
        """Settles and saves."""
        self.picture = self.run.settle()
        self.state = self.run.dump()
        self.trace = list(self.run.trace)
        return self.picture

    def wake(self) -> Run:
        """Loads what was saved."""
        self.run = Run.load(self.state, self.version, self.env)
        return self.run

    def do(self, step: str, outcome: str | None = None) -> Picture:
        """Completes the newest open task of a step."""
        self.wake().complete(self.picture.task(step).ref, outcome)
        return self.keep()

    def fire_ref(self, ref: str) -> Picture:
        """Fires one timer by its ref, or delivers to what is no timer."""
        (kind,) = (wait.kind for wait in self.picture.waits if wait.ref == ref)
        if kind == "timer":
            self.wake().fire_timers([ref])
        else:
            self.wake().deliver(ref)
        return self.keep()

    def deliver(self, element: str) -> Picture:
        """The newest wait of this element gets what it waits for."""
        ref = [wait.ref for wait in self.picture.waits if wait.element == element][-1]
        self.wake().deliver(ref)
        return self.keep()

    def fire(self, *elements: str) -> Picture:
        """Fires these timers."""
        refs = [wait.ref for element in elements for wait in self.picture.waits if wait.element == element]
        assert len(refs) == len(elements)
        self.wake().fire_timers(refs)
        return self.keep()

    def tick(self) -> Picture:
        """Fires whatever is due by now, one timer after the other, as a sweep does."""
        while due := self.picture.due(self.env.now):
            self.wake().fire_timers(due[:1])
            self.keep()
        return self.picture

    def wander(self, random: Random, *outcomes: str) -> Picture:
        """Completes some open task with some outcome; where there is none, what waits in the line comes."""
        if self.steps:
            return self.do(random.choice(self.steps), random.choice(outcomes))
        return self.fire_ref(self.picture.waits[0].ref)

    @property
    def steps(self) -> list[str]:
        """The steps that are open."""
        return [task.step for task in self.picture.tasks]


def version_of(drawing: Drawing, key: str = "demo", version: str = "a" * 64) -> Version:
    """The parsed version of a drawing."""
    return parse(Source(version, key, drawing.bytes()))


@pytest.fixture
def env() -> Bench:
    """Monday, nine o'clock in Beijing, no data."""
    return Bench()
