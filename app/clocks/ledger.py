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
    """One line of a clock's ledger, oldest first: started, limit_changed, stopped, resumed, tier_reached."""

    at: datetime
    entry: str


def due(
    entries: list[Entry], allowance: str | None, is_workday: Callable[[date], bool] = natural_day
) -> datetime | None:
    """The due time of a clock: its start plus the allowance it has now, plus the time it stood still; None
    without a limit or before the start.

    Natural time on the calendar of Asia/Shanghai. Source: clocks.md, Model.
    """
    started = next((line.at for line in entries if line.entry == "started"), None)
    if allowance is None or started is None:
        return None
    still, stopped = timedelta(), started
    for line in entries:
        if line.entry == "stopped":
            stopped = line.at
        elif line.entry == "resumed":
            still += line.at - stopped
    return durations.add(started, durations.parse_duration(allowance), is_workday) + still


def at_share(started: datetime, due_at: datetime, percent: int) -> datetime:
    """The instant at which `percent` of the time from start to due has passed."""
    whole = due_at - started
    return started + timedelta(microseconds=(whole // timedelta(microseconds=1)) * percent // 100)
