"""The clocks of one case while it moves: events start and stop them, timers follow, the ledger keeps why."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.bundles.sla import ClockDef, Sla
from app.clocks import ledger
from app.clocks.limits import Limit, fixed
from app.clocks.rows import ROUND, WHOLE_CASE, Clock, Timer, severity, tier_at
from app.core.events import Event
from app.core.ids import new_id
from app.engine.picture import Wait

GONE = ("task.done", "task.cancelled", "task.returned")


@dataclass
class Board:
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
    new_timers: dict[str, Timer] = field(default_factory=dict)
    changed_timers: dict[str, Timer] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    limit_of: Callable[[ClockDef], Limit] = fixed
    """Says how long a clock may run; the case hands in its own, which may ask a table."""
    round_of: Callable[[], int] = int
    """Which round the case is in."""
    bound_of: Callable[[str], tuple[str, str | None] | None] = lambda element: None
    """What a waiting element of the diagram is bound to: a clock, and one of its tiers or its due time."""

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """What expressions may ask of the clocks: `due(clock)`, `tier(clock, key)`, as ISO text or None."""
        return {
            "due": lambda name: _text(self.due_of(name)),
            "tier": lambda name, key: _text(self.tier_of(name, key)),
        }

    def hear(self, happened: Sequence[Event]) -> list[Event]:
        """Starts and stops clocks by what happened; returns the clocks' own events."""
        told: list[Event] = []
        for event in happened:
            name = full_name(event)
            if event.name in GONE:  # what measured this very task ends with it, whatever the policy waits for
                told += self._stop([c for c in self._running() if c.instance == event.data["ref"]])
            for clock in self.sla.clocks.values():
                if clock.stop == name:
                    told += self._stop([c for c in self._running() if _meant(c, clock.name, event)])
                if event.name == "task.unclaimed" and clock.stop == f"task.claimed({event.data['step']})":
                    told += self._go_on_with(clock.name, event)
                if clock.resume == name:
                    told += self._resume(clock.name)
                if clock.start == name:
                    told += self._start(clock, event)
        return told

    def ask_again(self, names: Collection[str]) -> list[Event]:
        """The limits of those of these clocks that run are asked for anew; returns what that told."""
        return [
            event
            for clock in self._running()
            if clock.name in names
            for event in self._limit_anew(clock, self.limit_of(self.sla.clocks[clock.name]))
        ]

    def newest(self, name: str) -> Clock | None:
        """The instance that `due(name)` and `tier(name, …)` mean."""
        mine = [clock for clock in self.clocks if clock.name == name]
        return max(mine, key=lambda clock: (clock.started_at, clock.id), default=None)

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
        return self._tier_of(clock, key) if clock else None

    def _tier_of(self, clock: Clock, key: str) -> datetime | None:
        tier = next((t for t in self.sla.tiers_of(clock.name) if t.key == key), None)
        return tier_at(clock, tier) if tier else None

    def light(self) -> str | None:
        """The colour of the worst tier reached by a clock that runs, or that measures the case or its round.

        What a step's clock showed goes out once that clock was met; a case that was late stays marked late,
        as long as its round lasts.
        """
        shown = [
            c for c in self.clocks if c.state == "running" or (not c.of_a_task and c is self.newest(c.name))
        ]
        colours = [
            tier.colour
            for clock in shown
            for tier in self.sla.tiers_of(clock.name)
            if (reached := tier_at(clock, tier)) is not None and reached <= (clock.stopped_at or self.now)
        ]
        return max(colours, key=severity, default=None)

    def moves_by_itself(self) -> bool:
        """Whether a timer will move the case without anybody acting."""
        return any(t.kind == "token" and t.state in ("armed", "claimed", "incident") for t in self.timers)

    def follow(self, waits: Sequence[Wait]) -> None:
        """Makes the token timers equal to what the engine waits for; clocks must have started before.

        A job that is to run in a transaction of its own is one of them.
        """
        awaited = {(wait.ref, wait.element): wait for wait in waits if wait.kind in ("timer", "job")}
        known: dict[tuple[str, str], Timer] = {}
        for timer in self.timers:
            if timer.kind == "token" and timer.state in ("armed", "claimed", "held", "incident"):
                if (timer.key, timer.tier) in awaited:
                    known[timer.key, timer.tier] = timer
                else:
                    self._change_timer(replace(timer, state="cancelled"))
        for (ref, element), wait in awaited.items():
            armed = known.get((ref, element))
            if armed is None:
                self._arm_token(wait, 1 + self._last_generation(ref, element))
            elif self._moved(wait, armed):
                self._change_timer(replace(armed, state="cancelled"))
                self._arm_token(wait, armed.generation + 1)

    def close(self) -> list[Event]:
        """The case has ended: every clock stops, nothing stays armed."""
        told = self._stop(self._running())
        for timer in list(self.timers):
            if timer.kind == "token" and timer.state in ("armed", "claimed", "held", "incident"):
                self._change_timer(replace(timer, state="cancelled"))
        return told

    def hold(self) -> None:
        """No token timer fires any more; each keeps its due time. Lights go on: the clocks run."""
        for timer in list(self.timers):
            if timer.kind == "token" and timer.state in ("armed", "claimed"):
                self._change_timer(replace(timer, state="held"))

    def go_on(self) -> None:
        """What was held with a due time is armed again; what is due by now fires at once."""
        for timer in list(self.timers):
            if timer.kind == "token" and timer.state == "held" and timer.due_at is not None:
                self._change_timer(replace(timer, state="armed"))

    def fired(self, timer_id: str) -> None:
        timer = next(timer for timer in self.timers if timer.id == timer_id)
        self._change_timer(replace(timer, state="fired"))

    # — what the above is made of —

    def _start(self, drawn: ClockDef, event: Event) -> list[Event]:
        name = drawn.name
        instance = f"{ROUND}{self.round_of()}" if drawn.per_round else WHOLE_CASE
        if event.name == "task.opened":
            instance = str(event.data["ref"])
        if any(clock.name == name and clock.instance == instance for clock in self.clocks):
            return []  # one per case (or round) and for ever: a return never starts it again
        told = self._stop([c for c in self._running() if drawn.per_round and c.name == name])
        started = event.data.get("since") or event.at
        started = datetime.fromisoformat(started) if isinstance(started, str) else started
        limit = self.limit_of(drawn)
        due = ledger.due([ledger.Entry(started, "started")], limit.text)
        clock = Clock(new_id(), name, instance, "running", started, limit.text, due)
        self.clocks.append(clock)
        self.new_clocks[clock.id] = clock
        self._write(clock, "started", {"limit": limit.text, **limit.decided})
        for tier in self.sla.tiers:
            if tier.clock == name and (reached := tier_at(clock, tier)) is not None:
                self._add(Timer(new_id(), "flag", clock.id, tier.key, 1, clock.id, reached, "armed"))
        detail = {"clock": name, "due": _text(due), **limit.decided}
        return [*told, replace(event, name="clock.started", data=detail)]

    def _running(self) -> list[Clock]:
        return [clock for clock in self.clocks if clock.state == "running"]

    def _stop(self, meant: Sequence[Clock]) -> list[Event]:
        return [event for clock in meant for event in self._end(clock)]

    def _end(self, clock: Clock) -> list[Event]:
        self._change_clock(replace(clock, state="stopped", stopped_at=self.now))
        self._write(clock, "stopped", {})
        for timer in list(self.timers):
            if timer.clock_id != clock.id:
                continue
            if timer.kind == "token" and timer.state in ("armed", "claimed", "incident"):
                # The token still waits, but its clock has been met: it fires no more, not by a retry either.
                self._change_timer(replace(timer, state="held", due_at=None))
            elif timer.kind == "flag" and timer.state == "armed" and (timer.due_at or self.now) > self.now:
                self._change_timer(replace(timer, state="cancelled"))  # a tier already reached still counts
        return [self._event("stopped", clock)]

    def _go_on_with(self, name: str, event: Event) -> list[Event]:
        """Who took the task gave it back: the clocks that he stopped run on, with the time they had left."""
        told = []
        for clock in [c for c in self.clocks if c.state == "stopped" and _meant(c, name, event)]:
            if clock.stopped_at == datetime.fromisoformat(event.data["since"]):
                late = self.now - clock.stopped_at
                due = clock.due_at and clock.due_at + late
                again = replace(clock, state="running", stopped_at=None, due_at=due)
                self._change_clock(again)
                self._write(again, "resumed", {"due": _text(due)})
                self._rearm(again)
                told.append(self._event("resumed", again, due=_text(due)))
        return told

    def _limit_anew(self, clock: Clock, limit: Limit) -> list[Event]:
        """Another limit from the same start, unless it is the one it had."""
        if limit.text == clock.allowance:
            return []
        plain = ledger.due([ledger.Entry(clock.started_at, "started")], limit.text)
        due = plain + (clock.began - clock.started_at) if plain else None
        moved = replace(clock, allowance=limit.text, due_at=due)
        self._change_clock(moved)
        detail = {"was": clock.allowance, "limit": limit.text, "due": _text(due), **limit.decided}
        self._write(moved, "limit_changed", detail)
        self._rearm(moved)
        return [self._event("limit_changed", moved, **detail)]

    def _rearm(self, clock: Clock) -> None:
        """The timers of a running clock follow its due time; a tier that was reached comes again if it now
        lies ahead, and one that lies behind by now comes at once."""
        for tier in self.sla.tiers_of(clock.name):
            due = tier_at(clock, tier)
            flags = [t for t in self.timers if t.kind == "flag" and (t.key, t.tier) == (clock.id, tier.key)]
            last = max(flags, key=lambda timer: timer.generation, default=None)
            if last is not None and last.state in ("armed", "cancelled"):
                self._move(last, "armed" if due else "cancelled", due or last.due_at)
            elif due is not None and (last is None or due > self.now):
                generation = last.generation + 1 if last else 1
                self._add(Timer(new_id(), "flag", clock.id, tier.key, generation, clock.id, due, "armed"))
        for timer in [t for t in self.timers if t.kind == "token" and t.clock_id == clock.id]:
            bound = self.bound_of(timer.tier)
            if bound is None or timer.state not in ("armed", "claimed", "held"):
                continue
            due = self._tier_of(clock, bound[1]) if bound[1] else clock.due_at
            rests = timer.state == "held" and timer.due_at is not None  # the case is on hold
            state = "held" if due is None or rests else "armed" if timer.state == "held" else timer.state
            self._move(timer, state, due)

    def _move(self, timer: Timer, state: str, due: datetime | None) -> None:
        if (timer.state, timer.due_at) != (state, due):
            self._change_timer(replace(timer, state=state, due_at=due))

    def _resume(self, name: str) -> list[Event]:
        """The clock of the whole case runs on, since and until when it did: the pause was none."""
        clock = next((c for c in self.clocks if (c.name, c.instance) == (name, WHOLE_CASE)), None)
        if clock is None or clock.state == "running":
            return []
        again = replace(clock, state="running", stopped_at=None)
        self._change_clock(again)
        self._write(again, "resumed", {"due": _text(again.due_at)})
        self._rearm(again)
        return [self._event("resumed", again, due=_text(again.due_at))]

    def _moved(self, wait: Wait, armed: Timer) -> bool:
        """Whether a cycle went on, or the clock that a timer waits for has started at last."""
        if wait.kind == "job":
            return False
        if wait.bound is None:
            return wait.due_at != armed.due_at
        clock = self.clock_for(wait.bound[0], wait.step_ref)
        return armed.clock_id is None and clock is not None and clock.state == "running"

    def _arm_token(self, wait: Wait, generation: int) -> None:
        # A job is a timer that is due at once: claimed, hinted at and tried again like any other.
        due, clock_id, state = self.now if wait.kind == "job" else wait.due_at, None, "armed"
        if wait.bound is not None:
            name, tier = wait.bound
            clock = self.clock_for(name, wait.step_ref)
            clock_id = clock.id if clock else None
            if clock is not None and clock.state == "running":
                due = self._tier_of(clock, tier) if tier else clock.due_at
            if due is None:
                state = "held"
        timer = Timer(new_id(), "token", wait.ref, wait.element, generation, clock_id, due, state)
        self._add(timer)

    def _last_generation(self, key: str, tier: str) -> int:
        return max((t.generation for t in self.timers if (t.key, t.tier) == (key, tier)), default=0)

    def _add(self, timer: Timer) -> None:
        self.timers.append(timer)
        self.new_timers[timer.id] = timer

    def _change_clock(self, clock: Clock) -> None:
        self.clocks[[old.id for old in self.clocks].index(clock.id)] = clock
        (self.new_clocks if clock.id in self.new_clocks else self.changed_clocks)[clock.id] = clock

    def _event(self, what: str, clock: Clock, **more: Any) -> Event:
        data = {"clock": clock.name, **more}
        return Event(f"clock.{what}", self.case_id, self.now, self.actor_id, data)

    def _change_timer(self, timer: Timer) -> None:
        self.timers[[old.id for old in self.timers].index(timer.id)] = timer
        (self.new_timers if timer.id in self.new_timers else self.changed_timers)[timer.id] = timer

    def _write(self, clock: Clock, entry: str, detail: Mapping[str, Any]) -> None:
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


def full_name(event: Event) -> str:
    """The name sla.yaml uses: `task.opened(sign)` where the event is of a step."""
    step = event.data.get("step")
    return f"{event.name}({step})" if event.name.startswith("task.") and step else event.name


def _meant(clock: Clock, name: str, event: Event) -> bool:
    """Whether an event that stops `name` stops this instance: one of a task only by that task's event."""
    return clock.name == name and (not clock.of_a_task or clock.instance == event.data.get("ref"))


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
