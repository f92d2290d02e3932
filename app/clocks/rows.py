"""A clock and a timer as their rows say, when a clock's tiers are reached, and how bad a light is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.bundles import limit_text
from app.bundles.sla import TierDef
from app.clocks import ledger
from app.clocks.calendar import Calendar
from app.clocks.ledger import Reckoned

WHOLE_CASE = ""
ROUND, UNIT, START = "#", "@", "!"
"""Before the number of the round that an instance measures, before the how manieth unit it is that has the
case in hand, and before the how manieth start it is; what measures a task bears the task's ref."""

CAP = "#cap"
"""The tier of the token timer that ends a pause at its cap; its key is the clock."""

RUNNING, PAUSED, STOPPED = STATES = ("running", "paused", "stopped")

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Clock:
    """One clock of the case, as its row says. `due_at` is None without a limit and while it is paused;
    `region` and `calendar` are whose calendar and which version of it the due time was worked out by, None
    when no part of it is counted in working time.
    `policy_version` names the version of the process whose policy it goes by, None for its case's own;
    `policy_since` is when it went over to that."""

    id: str
    name: str
    instance: str
    state: str
    started_at: datetime
    allowance: str | None
    due_at: datetime | None
    stopped_at: datetime | None = None
    calendar: int | None = None
    region: str | None = None
    policy_version: str | None = None
    policy_since: datetime | None = None

    @property
    def of_a_task(self) -> bool:
        """Whether it measures one opened task, and not the case or a round of it."""
        return self.instance != WHOLE_CASE and not self.instance.startswith((ROUND, UNIT, START))

    @property
    def of_a_unit(self) -> bool:
        """Whether it measures how long one unit has had the case in hand."""
        return self.instance.startswith(UNIT)

    @property
    def live(self) -> bool:
        """Whether it was started and not stopped."""
        return self.state in (RUNNING, PAUSED)


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


def tier_at(clock: Reckoned, tier: TierDef, calendar: Calendar) -> datetime | None:
    """When a clock reaches a tier; None where that hangs on a due time it has not.

    A class begins just after its instant, unless it is the first of its kind. Source: BS-042 … BS-045.
    """
    if tier.age:
        begins = ledger.add(clock.start, tier.age, calendar)
        return begins + INSTANT if tier.just_after else begins
    if tier.before:
        soon = clock.due - (limit_text.elapsed(tier.before) or ledger.DAY) if clock.due else None
        return soon if soon is not None and soon >= clock.start else None
    if tier.after:
        return ledger.add(clock.due, tier.after, calendar) if clock.due else None
    return clock.at_share(tier.at) if tier.at is not None else None


def works(allowance: str | None, tiers: tuple[TierDef, ...], *longer: str) -> bool:
    """Whether a working calendar is needed to tell when a clock or one of its tiers is due."""
    texts = (allowance, *longer, *(text for tier in tiers for text in (tier.age, tier.after)))
    return any(limit_text.is_working(text) for text in texts)


SEVERITY = {"green": 1, "yellow": 2, "orange": 3, "red": 4}


def severity(colour: str | None) -> int:
    """How bad a light is; none is best."""
    return SEVERITY.get(colour or "", 0)
