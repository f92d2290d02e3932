"""A clock and a timer as their rows say, when a clock's tiers are reached, and how bad a light is."""

from dataclasses import dataclass
from datetime import datetime

from app.bundles.sla import TierDef
from app.clocks import ledger
from app.engine import durations

WHOLE_CASE = ""
ROUND = "#"
"""Before the number of the round that an instance measures; what measures a task bears the task's ref."""


@dataclass(frozen=True)
class Clock:
    """One clock of the case, as its row says."""

    id: str
    name: str
    instance: str
    state: str
    started_at: datetime
    allowance: str | None
    due_at: datetime | None
    stopped_at: datetime | None = None

    @property
    def of_a_task(self) -> bool:
        """Whether it measures one opened task, and not the case or a round of it."""
        return self.instance != WHOLE_CASE and not self.instance.startswith(ROUND)

    @property
    def began(self) -> datetime:
        """Its start, later by as long as it stood still: shares of its limit are counted from here."""
        plain = ledger.due([ledger.Entry(self.started_at, "started")], self.allowance)
        if plain is None or self.due_at is None:
            return self.started_at
        return self.started_at + (self.due_at - plain)


@dataclass(frozen=True)
class Timer:
    """One armed, held or claimed timer, as its row says."""

    id: str
    kind: str
    key: str
    tier: str
    generation: int
    clock_id: str | None
    due_at: datetime | None
    state: str


def tier_at(clock: Clock, tier: TierDef) -> datetime | None:
    """When a clock reaches a tier; None where that hangs on a limit it has not."""
    if tier.age is not None:
        return durations.add(clock.started_at, durations.parse_duration(tier.age), ledger.natural_day)
    if tier.at is None or clock.due_at is None:
        return None
    return ledger.at_share(clock.began, clock.due_at, tier.at)


SEVERITY = {"green": 1, "yellow": 2, "orange": 3, "red": 4}


def severity(colour: str | None) -> int:
    """How bad a light is; none is best."""
    return SEVERITY.get(colour or "", 0)
