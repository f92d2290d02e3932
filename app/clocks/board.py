"""The clocks of one case while it moves: events start and stop them, timers follow, the ledger keeps why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.bundles.sla import PER_ROUND, PER_START, PER_UNIT, SAID, ClockDef
from app.clocks import ledger
from app.clocks.ledger import POLICY_CHANGED
from app.clocks.limits import Limit
from app.clocks.rows import (
    PAUSED,
    ROUND,
    RUNNING,
    START,
    STOPPED,
    UNIT,
    WHOLE_CASE,
    Clock,
)
from app.clocks.times import Times, in_iso
from app.core.events import Event
from app.core.ids import new_id

RELEASED, REDONE = "unit.released", "case.redone"
LEFT = ("task.unclaimed", "task.handed_back")
GONE = ("task.done", "task.cancelled", "task.returned")
REOPENED = "task.reopened"


@dataclass
class Board(Times):
    """What happens to the clocks of a case, by what happens to the case."""

    def hear(self, happened: Sequence[Event]) -> list[Event]:
        """Starts and stops clocks by what happened; returns the clocks' own events."""
        told: list[Event] = []
        for event in happened:
            name = full_name(event)
            if event.name in GONE:  # what measured this very task ends with it, whatever the policy waits for
                told += self._stop([c for c in self.live() if c.instance == event.data["ref"]], name)
            if event.name == REOPENED and event.data.get("since"):
                told += self._not_done_after_all(event)
            if name == RELEASED:
                told += self._stop([c for c in self.live() if c.of_a_unit])
            for clock in self.sla.clocks.values():
                if clock.stop == name:
                    told += self._stop([c for c in self.live() if _meant(c, clock.name, event)], name)
                if event.name in LEFT and clock.stop == f"task.claimed({event.data['step']})":
                    told += self._go_on_with(clock.name, event)
                if clock.per == PER_START and name == REDONE:
                    told += self._stop([c for c in self.live() if c.name == clock.name])
                if name in clock.resume:
                    told += self._resume(clock.name)
                if clock.start == name:
                    told += self._start(clock, event)
        return told

    def undo(self, milestones: Collection[str]) -> list[Event]:
        """The case goes back to before these: what they stopped goes on as if it had not stopped, and what
        measures from each start (`per: start`) is over."""
        told: list[Event] = []
        for drawn in self.sla.clocks.values():
            clock = self.newest(drawn.name)
            if clock is None:
                continue
            if drawn.per == PER_START and drawn.start in milestones and clock.live:
                told += self._stop([clock])
            elif (stop := self._stop_of(clock)) in milestones and self._stopped_by(clock) == stop:
                told += self._as_before(clock)
        return told

    def ask_again(self, names: Collection[str]) -> list[Event]:
        """The limits of those of these clocks that run are asked for anew; returns what that told."""
        return [
            event
            for clock in self.live()
            if clock.name in names
            for event in self._limit_anew(clock, self.limit_of(self.sla.clocks[clock.name]))
        ]

    def close(self) -> list[Event]:
        """The case has ended: every clock stops, nothing stays armed."""
        told = self._stop(self.live())
        self.alarms.end()
        return told

    def _start(self, drawn: ClockDef, event: Event) -> list[Event]:
        name = drawn.name
        instance, whose = WHOLE_CASE, {}
        nth = 1 + sum(clock.name == name for clock in self.clocks)
        if drawn.per == PER_ROUND:
            instance = f"{ROUND}{self.round_of()}"
        elif drawn.per == PER_START:
            instance = f"{START}{nth}"
        elif drawn.per == PER_UNIT:
            instance = f"{UNIT}{nth}"
            whose = {"unit": event.data["unit"], "called": event.data["called"]}
        elif event.name == "task.opened":
            instance = str(event.data["ref"])
        if any(clock.name == name and clock.instance == instance for clock in self.clocks):
            return []  # one per case (or round) and for ever: a return never starts it again
        told = self._stop([c for c in self.live() if drawn.per and c.name == name])
        started = event.data.get("since") or event.at
        started = datetime.fromisoformat(started) if isinstance(started, str) else started
        limit = self.limit_of(drawn)
        clock = Clock(
            new_id(), name, instance, RUNNING, started, limit.text, None, policy_version=self.policy
        )
        self.clocks.append(clock)
        self.new_clocks[clock.id] = clock
        self.write(clock, "started", {"limit": limit.text, **limit.decided, **whose})
        clock = self.settle(clock)
        detail = {"clock": name, "due": in_iso(clock.due_at), **limit.decided, **whose}
        return [*told, replace(event, name="clock.started", data=detail)]

    def _stop(self, meant: Sequence[Clock], by: str = "") -> list[Event]:
        return [event for clock in meant for event in self._end(clock, by)]

    def _end(self, clock: Clock, by: str) -> list[Event]:
        self.write(clock, "stopped", {"by": by} if by else {})
        due = self.reckoned(clock).due if clock.state == PAUSED else clock.due_at
        self.keep(replace(clock, state=STOPPED, stopped_at=self.now, due_at=due))
        self.alarms.clock_stopped(clock.id, self.now)
        return [self.tell("stopped", clock)]

    def _stopped_by(self, clock: Clock) -> str | None:
        """The event that has stopped it, as sla.yaml writes it; None while it runs."""
        if clock.live:
            return None
        stops = [line.detail.get("by") for line in self.entries(clock) if line.entry == "stopped"]
        return stops[-1] if stops else None

    def _go_on_with(self, name: str, event: Event) -> list[Event]:
        """Who took the task gave it back: the clocks that he stopped run on, with the time they had left."""
        if not event.data.get("since"):
            return []  # nobody had taken it
        since = datetime.fromisoformat(event.data["since"])
        met = [
            c for c in self.clocks if c.state == STOPPED and _meant(c, name, event) and c.stopped_at == since
        ]
        return [told for clock in met for told in self._again(clock, stood=True)]

    def _not_done_after_all(self, event: Event) -> list[Event]:
        """Who signs afterwards sent the step back: what its end had stopped runs on as if it had not."""
        done, since = f"task.done({event.data['step']})", datetime.fromisoformat(event.data["since"])
        met = [c for c in self.clocks if c.stopped_at == since and _meant(c, c.name, event)]
        met = [clock for clock in met if self._stopped_by(clock) == done]
        return [told for clock in met for told in self._again(clock, stood=False)]

    def _resume(self, name: str) -> list[Event]:
        """The clock of the whole case runs on, since and until when it did: the pause was none."""
        clock = next((c for c in self.clocks if (c.name, c.instance) == (name, WHOLE_CASE)), None)
        return self._again(clock, stood=False) if clock is not None and clock.state == STOPPED else []

    def _as_before(self, clock: Clock) -> list[Event]:
        """It runs on, or stands still as it did until the pause that was cut short ends."""
        pause = self.reckoned(clock).cut
        if pause is None:
            return self._again(clock, stood=False)
        kind, until = pause.detail["kind"], ledger.capped(pause)
        assert until is not None, "every pause has a cap"
        self.write(clock, "resumed", {"stood": False, "held": kind})
        clock, over = self._settled(replace(clock, state=PAUSED, stopped_at=None))
        self.alarms.cap(clock.id, until)
        return [self.tell("resumed", clock, held=kind, until=in_iso(until)), *over]

    def _again(self, clock: Clock, *, stood: bool) -> list[Event]:
        self.write(clock, "resumed", {"stood": stood})
        clock, over = self._settled(replace(clock, state=RUNNING, stopped_at=None))
        return [self.tell("resumed", clock, due=in_iso(clock.due_at)), *over]

    def _settled(self, clock: Clock) -> tuple[Clock, list[Event]]:
        """One that had stopped goes again: by another policy, where its case went over to that meanwhile."""
        if clock.policy_version == self.policy:
            return self.settle(clock), []
        over = self.go_over(clock)
        return next(each for each in self.clocks if each.id == clock.id), [over]

    def go_over(self, clock: Clock) -> Event:
        """A clock that runs goes by the case's policy from now on: limited anew from the same start; what was
        paused, given back and granted stays. What it has reached is reached; what it waits for moves."""
        drawn, left = self.sla.clocks[clock.name], self.sla_of(clock)
        limit, was = self.limit_of(drawn), clock
        clock = replace(clock, allowance=limit.text, policy_version=self.policy, policy_since=self.now)
        due = self.reckoned(clock).due
        detail = {
            "from": was.policy_version,
            "to": self.policy,
            "was": was.allowance,
            "limit": limit.text,
            "wasDue": in_iso(was.due_at),
            "due": in_iso(due),
            **limit.decided,
        }
        self.write(clock, POLICY_CHANGED, detail)
        gone = {tier.key for tier in left.tiers_of(clock.name)} - {
            tier.key for tier in self.sla.tiers_of(clock.name)
        }
        self.alarms.forget(clock.id, gone)
        return self.tell(POLICY_CHANGED, self.settle(clock), **detail)

    def _stop_of(self, clock: Clock) -> str | None:
        """The event that stops it, by the policy that it goes by."""
        drawn = self.sla_of(clock).clocks.get(clock.name)
        return drawn.stop if drawn is not None else None

    def _limit_anew(self, clock: Clock, limit: Limit) -> list[Event]:
        """Another limit from the same start, unless it is the one it had; what was paused stays given."""
        if limit.text == clock.allowance:
            return []
        moved = replace(clock, allowance=limit.text)
        due = self.reckoned(moved).due
        detail = {"was": clock.allowance, "limit": limit.text, "due": in_iso(due), **limit.decided}
        self.write(moved, "limit_changed", detail)
        return [self.tell("limit_changed", self.settle(moved), **detail)]


def full_name(event: Event) -> str:
    """The name sla.yaml uses: `task.opened(sign)` where the event is of a step, `data.true(contacted)` where
    it is of a name."""
    of = event.data.get("field") if event.name == SAID else event.data.get("step")
    return f"{event.name}({of})" if event.name.startswith(("task.", "data.")) and of else event.name


def _meant(clock: Clock, name: str, event: Event) -> bool:
    """Whether an event that stops `name` stops this instance: one of a task only by that task's event."""
    return clock.name == name and (not clock.of_a_task or clock.instance == event.data.get("ref"))
