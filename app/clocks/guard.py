"""The clock guard: three clocks that must step alike; one that jumps stops firing until a person looks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

JUMP = timedelta(seconds=120)
"""Steps further apart than this are no drift. Source: trust.md §3.5, P6."""
WARN = timedelta(seconds=5)


@dataclass(frozen=True)
class Reading:
    """One look at the clocks: the database's, this machine's, and the seconds since it was started."""

    database: datetime
    wall: datetime
    boot: float

    @property
    def apart(self) -> timedelta:
        """How far this machine's clock is from the database's."""
        return abs(self.wall - self.database)


@dataclass
class Guard:
    """What this process saw the last time; a cold start has seen nothing, and catches up as ever.

    `confirmed` is when a person confirmed the clocks last: what was seen before that compares no more, or
    whoever looks late would take the way back for another jump.
    """

    before: Reading | None = None
    confirmed: str | None = None

    def look(self, now: Reading, confirmed: str | None = None) -> timedelta | None:
        """How far the clocks' steps since the last look lie apart, when that is a jump."""
        before, self.before = self.before, now
        asked, self.confirmed = self.confirmed, confirmed
        if before is None or asked != confirmed:
            return None
        steps = (
            now.database - before.database,
            now.wall - before.wall,
            timedelta(seconds=now.boot - before.boot),
        )
        apart = max(steps) - min(steps)
        return apart if apart > JUMP else None
