"""The clocks and timers of one case as they stand: due times follow from the ledger, timers from those."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from app.bundles.sla import NO_SLA, ClockDef, Sla
from app.clocks import ledger
from app.clocks.alarms import Alarms
from app.clocks.calendar import NO_CALENDAR, Calendar, WorkingLine
from app.clocks.ledger import Entry, Reckoned
from app.clocks.limits import Limit, extended, fixed
from app.clocks.rows import (
    PAUSED,
    Clock,
    Timer,
    severity,
    tier_at,
    works,
)
from app.core.events import Event
from app.core.ids import new_id
from app.engine.picture import Wait


@dataclass
class Times:
    """Works on copies of the rows and remembers what must be written; it touches no database."""

    case_id: str
    root_id: str
    sla: Sla
    now: datetime
    actor_id: str
    clocks: list[Clock]
    timers: list[Timer]
    new_clocks: dict[str, Clock] = field(default_factory=dict)
    changed_clocks: dict[str, Clock] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    limit_of: Callable[[ClockDef], Limit] = fixed
    """Says how long a clock may run; the case hands in its own, which may ask a table."""
    extension_of: Callable[[ClockDef], str] = extended
    """Says by how much a clock may be extended at once; empty for not at all."""
    round_of: Callable[[], int] = int
    """Which round the case is in."""
    bound_of: Callable[[str], tuple[str, str | None] | None] = lambda element: None
    """What a waiting element of the diagram is bound to: a clock, and one of its tiers or its due time."""
    calendar_of: Callable[[], Calendar] = lambda: NO_CALENDAR
    """The working calendar of the case's place; asked only where something is counted in working time."""
    history_of: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    """The ledger of the case as it was loaded; asked only where a due time is worked out anew."""
    policy: str | None = None
    """The version whose policy `sla` is, where the case went over to it; None for the case's own."""
    sla_at: Callable[[str | None], Sla] = lambda version: NO_SLA
    """The policy of a version, None for the case's own: what a clock goes by that stopped under it."""

    def __post_init__(self) -> None:
        self.alarms = Alarms(self.timers)

    @cached_property
    def calendar(self) -> Calendar:
        return self.calendar_of()

    @cached_property
    def history(self) -> Sequence[Mapping[str, Any]]:
        return self.history_of()

    def is_workday(self, day: date) -> bool:
        return self.calendar.is_workday(day)

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """What expressions may ask of clocks and calendar, as ISO text or None."""
        return {
            "due": lambda name: in_iso(self.due_of(name)),
            "tier": lambda name, key: in_iso(self.tier_of(name, key)),
            "workdays": lambda count: in_iso(self._after(_days(count), by_day=True)),
            "workhours": lambda count: in_iso(self._after(_days(count) / 24, by_day=False)),
        }

    def sla_of(self, clock: Clock) -> Sla:
        """The policy that a clock goes by: the case's, or an earlier one under which it stopped."""
        return self.sla if clock.policy_version == self.policy else self.sla_at(clock.policy_version)

    def live(self) -> list[Clock]:
        """The clocks that run, paused ones too."""
        return [clock for clock in self.clocks if clock.live]

    def newest(self, name: str) -> Clock | None:
        """The instance that `due(name)` and `tier(name, …)` mean: of those that run, else of all."""
        mine = [clock for clock in self.clocks if clock.name == name]
        return max(mine, key=lambda clock: (clock.live, clock.started_at, clock.id), default=None)

    def clock_for(self, name: str, ref: str | None) -> Clock | None:
        """The instance that measures this very task, else the newest one."""
        own = next((clock for clock in self.clocks if clock.name == name and clock.instance == ref), None)
        return own or self.newest(name)

    def due_of(self, name: str) -> datetime | None:
        clock = self.newest(name)
        return clock.due_at if clock else None

    def tier_of(self, name: str, key: str) -> datetime | None:
        """When the tier of the newest instance is reached; None while the clock never started."""
        clock = self.newest(name)
        return self.flag_due(clock, key) if clock else None

    def flag_due(self, clock: Clock, key: str) -> datetime | None:
        flag = self.alarms.flag(clock.id, key)
        return flag.due_at if flag else None

    def light(self) -> str | None:
        """The colour of the worst tier reached by a clock that runs, or that measures the case or its round.

        What the clock of a step or a unit showed goes out once that clock was met; a case that was late stays
        marked late, as long as its round lasts.
        """
        shown = [
            c
            for c in self.clocks
            if c.live or (not (c.of_a_task or c.of_a_unit) and c is self.newest(c.name))
        ]
        colours = [
            tier.colour
            for clock in shown
            for tier in self.sla_of(clock).tiers_of(clock.name)
            if self._reached(clock, tier.key, by_limit=tier.age is None)
        ]
        return max(colours, key=severity, default=None)

    def _reached(self, clock: Clock, key: str, *, by_limit: bool) -> bool:
        flag = self.alarms.flag(clock.id, key)
        if flag is None or flag.due_at is None or flag.state == "cancelled":
            return False
        return flag.due_at <= (clock.stopped_at or self.now) and not (by_limit and clock.allowance is None)

    def moves_by_itself(self) -> bool:
        """Whether a timer will move the case without anybody acting."""
        return any(timer.state != "held" for timer in self.alarms.waiting())

    def follow(self, waits: Sequence[Wait]) -> None:
        """Makes the token timers equal to what the engine waits for; clocks must have started before.

        A job that is to run in a transaction of its own is one of them.
        """
        awaited = {(wait.ref, wait.element): wait for wait in waits if wait.kind in ("timer", "job")}
        known: dict[tuple[str, str], Timer] = {}
        for timer in self.alarms.waiting():
            if (timer.key, timer.tier) in awaited:
                known[timer.key, timer.tier] = timer
            else:
                self.alarms.put(timer, "cancelled")
        for (ref, element), wait in awaited.items():
            armed = known.get((ref, element))
            if armed is None:
                self._arm_token(wait, 1 + self.alarms.last_generation(ref, element))
            elif self._moved(wait, armed):
                self.alarms.put(armed, "cancelled")
                self._arm_token(wait, armed.generation + 1)

    def entries(self, clock: Clock) -> list[Entry]:
        """The ledger of a clock, with what this transaction adds to it."""
        lines = self.ledger if clock.id in self.new_clocks else (*self.history, *self.ledger)
        return ledger.entries_of(lines, clock.id, clock.started_at)

    def reckoned(self, clock: Clock) -> Reckoned:
        """A clock worked out from its ledger, its limit and the calendar."""
        entries = self.entries(clock)
        worked = ledger.reckon(entries, clock.allowance, self._calendar_for(clock, entries))
        assert worked is not None, "every clock begins with a line of its ledger"
        return worked

    def keep(self, clock: Clock) -> None:
        self.clocks[[old.id for old in self.clocks].index(clock.id)] = clock
        (self.new_clocks if clock.id in self.new_clocks else self.changed_clocks)[clock.id] = clock

    def tell(self, what: str, clock: Clock, **more: Any) -> Event:
        data = {"clock": clock.name, **more}
        return Event(f"clock.{what}", self.case_id, self.now, self.actor_id, data)

    def write(self, clock: Clock, entry: str, detail: Mapping[str, Any]) -> None:
        self.ledger.append(
            {
                "id": new_id(),
                "case_id": self.case_id,
                "clock_id": clock.id,
                "at": self.now,
                "entry": entry,
                "actor_id": self.actor_id,
                "detail": {"clock": clock.name, **detail},
            }
        )

    def settle(self, clock: Clock) -> Clock:
        """Its due time follows from the ledger, and its timers from that: a tier that was reached comes again
        if it now lies ahead, and one that lies behind by now comes at once."""
        entries = self.entries(clock)
        calendar = self._calendar_for(clock, entries)
        worked = ledger.reckon(entries, clock.allowance, calendar)
        assert worked is not None, "every clock begins with a line of its ledger"
        by = (calendar.version, calendar.region) if self._works(clock, entries) else (None, None)
        clock = replace(clock, due_at=worked.due, calendar=by[0], region=by[1])
        self.keep(clock)
        tiers = self.sla.tiers_of(clock.name)
        for tier in tiers:
            due, last = tier_at(worked, tier, calendar), self.alarms.flag(clock.id, tier.key)
            if last is None:
                if due is not None:
                    self.alarms.arm("flag", clock.id, tier.key, 1, clock.id, due)
            elif last.state in ("armed", "held", "cancelled"):
                if due is None and clock.state == PAUSED:  # what it had reached before, it has reached
                    if last.state == "armed" and (last.due_at or self.now) > self.now:
                        self.alarms.move(last, "held", None)
                else:
                    self.alarms.move(last, "armed" if due else "cancelled", due or last.due_at)
            elif due is None and worked.paused is not None:  # reached while it was asked to stand still
                if last.due_at is not None and last.due_at > worked.paused.since:
                    self.alarms.arm("flag", clock.id, tier.key, last.generation + 1, clock.id, None, "held")
            elif due is not None and due > self.now:
                self.alarms.arm("flag", clock.id, tier.key, last.generation + 1, clock.id, due)
        for timer in self.alarms.bound_to(clock.id):
            bound = self.bound_of(timer.tier)
            if bound is None or timer.state == "incident":
                continue
            due = self.flag_due(clock, bound[1]) if bound[1] else clock.due_at
            rests = timer.state == "held" and timer.due_at is not None  # the case is on hold
            state = "held" if due is None or rests else "armed" if timer.state == "held" else timer.state
            self.alarms.move(timer, state, due)
        return clock

    def _works(self, clock: Clock, entries: Sequence[Entry]) -> bool:
        """Whether anything of this clock is counted in working time."""
        longer = (str(line.detail["by"]) for line in entries if line.entry == "extended")
        return works(clock.allowance, self.sla.tiers_of(clock.name), *longer)

    def _calendar_for(self, clock: Clock, entries: Sequence[Entry]) -> Calendar:
        return self.calendar if self._works(clock, entries) else NO_CALENDAR

    def _after(self, amount: timedelta, *, by_day: bool) -> datetime:
        return WorkingLine(self.calendar, by_day).after(self.now, amount)

    def _moved(self, wait: Wait, armed: Timer) -> bool:
        """Whether a cycle went on, the clock that a timer waits for has started at last, or of a step of
        several one was done while the clock of another runs."""
        if wait.kind == "job":
            return False
        if wait.bound is None:
            return wait.due_at != armed.due_at
        clock = self.clock_for(wait.bound[0], wait.step_ref)
        met = all(each.id != armed.clock_id for each in self.live())
        return clock is not None and clock.live and met

    def _arm_token(self, wait: Wait, generation: int) -> None:
        # A job is a timer that is due at once: claimed, hinted at and tried again like any other.
        due, clock_id, state = self.now if wait.kind == "job" else wait.due_at, None, "armed"
        if wait.bound is not None:
            name, tier = wait.bound
            clock = self.clock_for(name, wait.step_ref)
            clock_id = clock.id if clock else None
            if clock is not None and clock.live:
                due = self.flag_due(clock, tier) if tier else clock.due_at
            if due is None:
                state = "held"
        self.alarms.arm("token", wait.ref, wait.element, generation, clock_id, due, state)


def _days(count: Any) -> timedelta:
    if isinstance(count, bool) or not isinstance(count, int | float) or count <= 0:
        raise ValueError("应为正数")
    return timedelta(days=count)


def in_iso(instant: datetime | None) -> str | None:
    """An instant as events keep it."""
    return instant.isoformat() if instant else None
