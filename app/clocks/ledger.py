"""What a clock says, as pure functions of its ledger: when it started, whether it runs, when it is due."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.engine import durations


def natural_day(day: date) -> bool:
    """Every day counts: limits in working time are refused at publish until there is a calendar."""
    return True


@dataclass(frozen=True)
class Entry:
    """One line of a clock's ledger, oldest first: started, stopped or tier_reached."""

    at: datetime
    entry: str


def due(
    entries: list[Entry], allowance: str | None, is_workday: Callable[[date], bool] = natural_day
) -> datetime | None:
    """The due time of a clock: its start plus its allowance; None without a limit or before the start.

    Natural time on the calendar of Asia/Shanghai. Source: clocks.md, Model.
    """
    if allowance is None:
        return None
    for line in entries:
        if line.entry == "started":
            return durations.add(line.at, durations.parse_duration(allowance), is_workday)
    return None


def at_share(started: datetime, due_at: datetime, percent: int) -> datetime:
    """The instant at which `percent` of the time from start to due has passed."""
    whole = due_at - started
    return started + timedelta(microseconds=(whole // timedelta(microseconds=1)) * percent // 100)
