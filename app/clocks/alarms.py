"""The timers of one case while it moves: armed, moved, held, cancelled; what changed is remembered."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.clocks.rows import CAP, Timer
from app.core.ids import new_id

WAITS = ("armed", "claimed", "held", "incident")


@dataclass
class Alarms:
    """Works on copies of the rows: flags, which mark a tier, and tokens, which move the case."""

    timers: list[Timer]
    new: dict[str, Timer] = field(default_factory=dict)
    changed: dict[str, Timer] = field(default_factory=dict)

    def arm(
        self,
        kind: str,
        key: str,
        tier: str,
        generation: int,
        clock_id: str | None,
        due: datetime | None,
        state: str = "armed",
    ) -> None:
        timer = Timer(new_id(), kind, key, tier, generation, clock_id, due, state)
        self.timers.append(timer)
        self.new[timer.id] = timer

    def flag(self, clock_id: str, tier: str) -> Timer | None:
        """The newest timer that marks a tier of a clock."""
        mine = [t for t in self.timers if t.kind == "flag" and (t.key, t.tier) == (clock_id, tier)]
        return max(mine, key=lambda timer: timer.generation, default=None)

    def waiting(self) -> Iterator[Timer]:
        """The tokens that the engine waits for."""
        return (t for t in list(self.timers) if t.kind == "token" and t.tier != CAP and t.state in WAITS)

    def bound_to(self, clock_id: str) -> list[Timer]:
        """The tokens that wait for a clock."""
        return [timer for timer in self.waiting() if timer.clock_id == clock_id]

    def move(self, timer: Timer, state: str, due: datetime | None) -> None:
        """Another due time or state, with the next generation."""
        if (timer.state, timer.due_at) != (state, due):
            self.change(replace(timer, state=state, due_at=due, generation=timer.generation + 1))

    def put(self, timer: Timer, state: str) -> None:
        if timer.state != state:
            self.change(replace(timer, state=state))

    def change(self, timer: Timer) -> None:
        self.timers[[old.id for old in self.timers].index(timer.id)] = timer
        (self.new if timer.id in self.new else self.changed)[timer.id] = timer

    def last_generation(self, key: str, tier: str) -> int:
        return max((t.generation for t in self.timers if (t.key, t.tier) == (key, tier)), default=0)

    def clock_stopped(self, clock_id: str, now: datetime) -> None:
        """What waits for a clock that was met fires no more; a tier already reached still counts."""
        for timer in self.bound_to(clock_id):
            if timer.state != "held" or timer.due_at is not None:  # it fires no more, not by a retry either
                self.change(replace(timer, state="held", due_at=None))
        for timer in [t for t in self.timers if t.kind == "flag" and t.key == clock_id]:
            if timer.state == "held" or (timer.state == "armed" and (timer.due_at or now) > now):
                self.put(timer, "cancelled")
        self.uncap(clock_id)

    def forget(self, clock_id: str, tiers: Collection[str]) -> None:
        """These tiers are none any more: what was to mark one never will."""
        for timer in [t for t in self.timers if t.kind == "flag" and t.key == clock_id]:
            if timer.tier in tiers and timer.state in ("armed", "held"):
                self.put(timer, "cancelled")

    def cap(self, clock_id: str, due: datetime) -> None:
        """A pause ends by itself at this instant."""
        self.arm("token", clock_id, CAP, 1 + self.last_generation(clock_id, CAP), clock_id, due)

    def uncap(self, clock_id: str) -> None:
        for timer in [t for t in self.timers if (t.key, t.tier) == (clock_id, CAP) and t.state in WAITS]:
            self.put(timer, "cancelled")

    def hold(self) -> None:
        """No token fires any more; each keeps its due time."""
        for timer in list(self.timers):
            if timer.kind == "token" and timer.state in ("armed", "claimed"):
                self.put(timer, "held")

    def go_on(self) -> None:
        """What was held with a due time is armed again; what is due by now fires at once."""
        for timer in list(self.timers):
            if timer.kind == "token" and timer.state == "held" and timer.due_at is not None:
                self.put(timer, "armed")

    def end(self) -> None:
        """Nothing stays armed."""
        for timer in list(self.timers):
            if timer.kind == "token" and timer.state in WAITS:
                self.put(timer, "cancelled")
