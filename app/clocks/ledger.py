"""What a clock says, as pure functions of ledger, limit and calendar: step by step until it is due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from app.bundles import limit_text
from app.clocks.calendar import NO_CALENDAR, NOTHING, Calendar, Line, WorkingLine, natural
from app.core.clock import BEIJING
from app.engine import durations

DAY = timedelta(days=1)
POLICY_CHANGED = "policy_changed"
"""The line of a clock that goes over to another policy: from, to (versions), was, limit, wasDue, due."""


@dataclass(frozen=True)
class Entry:
    """One line of a clock's ledger, oldest first.

    started, limit_changed, policy_changed, paused {reason, cap, since}, resumed, extended {by, reason},
    stopped, recounted, tier_reached. A clock that runs on after a stop is `resumed` with `stood`: whether the
    gap is given back. One that stood still when it stopped, and does so again as if it had not, is `resumed`
    with `held`, the kind of its pause.
    """

    at: datetime
    entry: str
    detail: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def entries_of(lines: Iterable[Mapping[str, Any]], clock_id: str, started_at: datetime) -> "list[Entry]":
    """The lines of one clock among rows of the ledger; it began when its row says, which may lie before its
    first line was written."""
    return [
        Entry(started_at if line["entry"] == "started" else line["at"], line["entry"], line["detail"])
        for line in lines
        if line["clock_id"] == clock_id
    ]


@dataclass(frozen=True)
class Gap:
    """A stretch that is given back: a pause, or a stop that was undone. `until` is None while it lasts."""

    since: datetime
    until: datetime | None
    detail: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Step:
    """One step from the start to the due time: `at` is where the due time then stands.

    `what` is limit, gap or extension; `counted` is the time it adds, on the line it is counted on.
    """

    what: str
    at: datetime
    counted: timedelta = NOTHING
    gap: Gap | None = None
    text: str = ""
    detail: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Reckoned:
    """A clock worked out. `due` is None without a limit, and while a pause lasts."""

    start: datetime
    line: Line
    steps: tuple[Step, ...]
    stood: timedelta
    paused: Gap | None
    cut: Gap | None = None
    """The pause that the last stop cut short, while the clock is stopped."""

    @property
    def due(self) -> datetime | None:
        return self.steps[-1].at if self.steps and self.paused is None else None

    def at_share(self, percent: int) -> datetime | None:
        """When this share of the time from the start to the due time has passed, gaps apart."""
        due = self.due
        if due is None or percent == 100:
            return due
        whole = self.line.between(self.start, due) - self.stood
        part = (whole // timedelta(microseconds=1)) * percent // 100
        return self.line.after(self.start, self.stood + timedelta(microseconds=part))


def line_of(text: str | None, calendar: Calendar) -> Line:
    """The time on which a limit is counted, and with it the pauses of its clock."""
    if text is None or not limit_text.is_working(text):
        return natural()
    return WorkingLine(calendar, by_day=limit_text.working_hours(text) is None)


def add(start: datetime, text: str, calendar: Calendar) -> datetime:
    """The end of a limit that begins at `start`; a day ends at midnight in Beijing, at the earliest at
    `start`. Source: clocks.md, Model."""
    if limit_text.DAY.fullmatch(text):
        return max(start, datetime.combine(date.fromisoformat(text) + DAY, time(), BEIJING))
    line = line_of(text, calendar)
    if isinstance(line, WorkingLine):
        hours = limit_text.working_hours(text)
        days = limit_text.natural_or_days(text).working_days if hours is None else 0
        return line.after(start, days * DAY if hours is None else timedelta(hours=hours))
    return durations.add(start, limit_text.natural_or_days(text), calendar.is_workday)


def reckon(
    entries: Sequence[Entry], allowance: str | None, calendar: Calendar = NO_CALENDAR
) -> Reckoned | None:
    """Start, limit, every gap, every extension; None before the start. Pauses count at most to their cap."""
    start = next((line.at for line in entries if line.entry == "started"), None)
    if start is None:
        return None
    gaps, paused, cut = gaps_of(entries)
    line, stood, steps = line_of(allowance, calendar), NOTHING, []
    if allowance is not None:
        due = add(start, allowance, calendar)
        steps.append(Step("limit", due, line.between(start, due), text=allowance))
        for gap in gaps:
            assert gap.until is not None
            counted = line.between(gap.since, gap.until)
            stood += counted
            due = line.after(due, counted)
            steps.append(Step("gap", due, counted, gap))
        for each in entries:
            if each.entry == "extended":
                by = str(each.detail["by"])
                due = add(due, by, calendar)
                steps.append(Step("extension", due, text=by, detail={**each.detail, "at": each.at}))
    return Reckoned(start, line, tuple(steps), stood, paused, cut)


def due(entries: Sequence[Entry], allowance: str | None, calendar: Calendar = NO_CALENDAR) -> datetime | None:
    """The due time of a clock; None without a limit, before the start, and while a pause lasts."""
    reckoned = reckon(entries, allowance, calendar)
    return reckoned.due if reckoned else None


def gaps_of(entries: Sequence[Entry]) -> tuple[list[Gap], Gap | None, Gap | None]:
    """The gaps that are over, the pause that lasts, and the one that a stop cut short."""
    gaps: list[Gap] = []
    paused: Gap | None = None
    cut: Gap | None = None
    stopped: datetime | None = None
    for line in entries:
        if line.entry == "paused":
            paused = pause_of(line)
        elif line.entry in ("resumed", "stopped") and paused is not None:
            gaps.append(Gap(paused.since, min(line.at, capped(paused) or line.at), paused.detail))
            stopped, cut = (line.at, paused) if line.entry == "stopped" else (None, None)
            paused = None
        elif line.entry == "stopped":
            stopped = line.at
        elif line.entry == "resumed" and stopped is not None:
            if cut is not None and line.detail.get("held"):  # as if it had not stopped
                gaps.pop()
                paused = cut
            elif line.detail.get("stood", True):
                gaps.append(Gap(stopped, line.at, line.detail))
            stopped = cut = None
    return gaps, paused, cut


def pause_of(line: Entry) -> Gap:
    """The pause that a line begins: when it was written, or `since` when it was asked for in time."""
    since = line.detail.get("since")
    return Gap(datetime.fromisoformat(since) if since else line.at, None, line.detail)


def capped(pause: Gap) -> datetime | None:
    """When a pause ends by itself: after so long, or at an instant; None for one without a cap."""
    cap = str(pause.detail.get("cap") or "")
    if "T" in cap and not cap.startswith("P"):
        return max(pause.since, datetime.fromisoformat(cap))
    return add(pause.since, cap, NO_CALENDAR) if cap else None
