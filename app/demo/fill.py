"""Orders of the last sixty days, dealt with by the services people use, while the demo clock runs.

What may be done is read from the open tasks, their outcomes and forms, and from what cases wait for: the play
knows no process. It can be killed and begun again: what was filed is found by its number, what is open by
its row.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from app.cases import filing, firing
from app.cases.models import cases, waits
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import clock, events
from app.core.config import settings
from app.core.db import Session, reading, transaction
from app.core.errors import Conflict
from app.core.events import Event
from app.demo import habits, orders
from app.demo.chance import chance, pick
from app.demo.hands import Filled, Hands
from app.demo.mark import Mark, mark
from app.exchange.models import outbox
from app.identity.actor import Actor
from app.processes.scenarios import set_offset

RESIDENTS, PREFIX = 2_000, "SY"
RECENT = timedelta(days=2)
INTAKE = timedelta(minutes=5)
"""From the call to the filing, at most."""
PATIENCE = 60.0
"""Seconds for a worker to finish a timer that it took before we did."""

Row = Mapping[str, Any]


class AlreadyFilled(Conflict):
    """这里已经装过示范工单；要重新装，请先清空数据（make run ARGS=--fresh）。"""


def fill(
    by: Actor, seed: str, count: int, days: int, told: Callable[[datetime], None] = lambda at: None
) -> Filled:
    """Files `count` orders as `by` over the last `days` and deals with them up to now, or goes on doing so.

    Moves the clock of the database and brings it back. Raises AlreadyFilled; ClockFixed in production.
    """
    if settings().profile == "production":
        raise clock.ClockFixed
    with transaction() as session:
        kept = mark(session)
        if kept is not None and kept.done:
            raise AlreadyFilled
        if kept is None:
            end = clock.now(session).replace(second=0, microsecond=0)
            kept = Mark(seed, count, days, end, clock.offset(session).total_seconds())
            kept.keep(session)
    play = Play(kept, Hands(by, planned(kept)), told)
    try:
        play.run()
    finally:
        with transaction() as session:
            set_offset(session, timedelta(seconds=kept.offset))
    with transaction() as session:
        Mark(kept.seed, kept.count, kept.days, kept.end, kept.offset, done=True).keep(session)
    return play.hands.filled


def play_one(by: Actor, seed: str, index: int) -> None:
    """Files one order and deals with it to its end, sixty days at most; leaves the clock there."""
    with reading() as session:
        now, offset = clock.now(session), clock.offset(session).total_seconds()
    row = orders.order(orders.plan("demo", seed, now, 60, RESIDENTS, PREFIX), index)
    end = datetime.fromisoformat(row["receivedAt"]) + timedelta(days=60)
    Play(Mark(seed, 1, 60, end, offset), Hands(by, [row], photos=False), lambda at: None).run()


def planned(kept: Mark) -> Iterator[Row]:
    """The orders of a play: most spread over its days, the last ones of the last two days."""
    recent = round(kept.count * float(habits.habits()["recent"]))
    spread = orders.plan("demo", kept.seed, kept.end, kept.days, RESIDENTS, PREFIX)
    yield from orders.orders(spread, kept.count - recent)
    late = orders.plan("demo", kept.seed, kept.end, RECENT.days, RESIDENTS, PREFIX)
    for index in range(kept.count - recent + 1, kept.count + 1):
        again = orders.kind_of(kept.seed, index) != "original"  # of one of those before
        yield orders.order(spread if again else late, index)


@dataclass
class Play:
    """One run through time. The queue holds (when, tie, act): what people do if nothing comes between."""

    mark: Mark
    hands: Hands
    told: Callable[[datetime], None]
    _queue: list[tuple[datetime, str, Callable[[], None]]] = field(default_factory=list)
    _visits: Counter[tuple[str, str]] = field(default_factory=Counter)
    _known: set[str] = field(default_factory=set)

    def run(self) -> None:
        done = self._filed()
        for number, row in self.hands.orders.items():
            if number not in done:
                at = (
                    datetime.fromisoformat(row["receivedAt"]) + self._dice(number, "intake").random() * INTAKE
                )
                self._later(at, number, partial(self.hands.file, row))
        start = max(done.values(), default=self.mark.end - timedelta(days=self.mark.days))
        with transaction() as session:
            set_offset(session, start - clock.raw_now(session))
        self._notice(None)
        events.listen(self._received)
        try:
            self._go_on()
        finally:
            events.forget(self._received)

    def _go_on(self) -> None:
        while self._queue and self._queue[0][0] <= self.mark.end:
            at, _, act = heappop(self._queue)
            self._forward(at)
            act()
            self._notice(at)
            self.told(at)
        self._forward(self.mark.end)
        self.told(self.mark.end)

    def _received(self, session: Session, told: Sequence[Event]) -> None:
        """Listens: the play is the other system too, so nobody sends it what our orders send."""
        sent = {event.case_id for event in told if event.name == "message.sent"}
        if sent:
            ours = select(cases.c.id).where(cases.c.id.in_(sent), cases.c.external_no.in_(self.hands.orders))
            session.execute(
                update(outbox)
                .where(outbox.c.case_id.in_(ours), outbox.c.state.in_(("pending", "held")))
                .values(state="closed", settled_at=clock.now(session), note="示范：对方已收到")
            )

    def _filed(self) -> dict[str, datetime]:
        """External number → when something last happened to it, of orders filed by an earlier run."""
        with reading() as session:
            query = select(cases.c.external_no, cases.c.last_event_at).where(cases.c.source == self._source)
            return {
                row.external_no: row.last_event_at
                for row in session.execute(query)
                if row.external_no in self.hands.orders
            }

    @property
    def _source(self) -> str:
        return filing.source_of(self.hands.by)

    def _later(self, at: datetime, tie: str, act: Callable[[], None]) -> None:
        heappush(self._queue, (at, f"{tie}/{len(self._known):09}/{len(self._queue):06}", act))

    def _dice(self, *of: object) -> Random:
        return chance(self.mark.seed, "habit", *of)

    # — time —

    def _forward(self, target: datetime) -> None:
        """To an instant by way of everything due before it. A worker beside us may do some of the firing."""
        while (due := self._next_due(target)) is not None:
            self._set_clock(due)
            since = due
            until = clock.monotonic() + PATIENCE
            while not firing.fire_due() and self._next_due(due) is not None and clock.monotonic() < until:
                clock.sleep(0.02)
            if clock.monotonic() >= until:
                self.hands.filled.left["到期的定时没有办成，请看流程异常"] += 1
                break
            self._notice(since)
        self._set_clock(target)

    def _next_due(self, target: datetime) -> datetime | None:
        with reading() as session:
            waiting = or_(timers.c.lease_until.is_(None), timers.c.lease_until <= target)
            due: datetime | None = session.scalar(
                select(func.min(timers.c.due_at)).where(
                    timers.c.due_at <= target,
                    or_(and_(timers.c.state == "armed", waiting), timers.c.state == "claimed"),
                )
            )
        return due

    @staticmethod
    def _set_clock(at: datetime) -> None:
        with transaction() as session:
            if at > clock.now(session):
                set_offset(session, at - clock.raw_now(session))

    # — seeing what there is to do —

    def _notice(self, since: datetime | None) -> None:
        """Plans what people will do with tasks, and other systems with waits, that were opened since."""
        with reading() as session:
            root = cases.alias("root")  # what a case begins beside itself belongs to the same order
            ours = root.c.source == self._source
            tasks_ = (
                select(task_rows, root.c.external_no, cases.c.version_id)
                .join(cases, cases.c.id == task_rows.c.case_id)
                .join(root, root.c.id == cases.c.root_id)
            )
            waits_ = (
                select(waits, root.c.external_no, cases.c.version_id)
                .join(cases, cases.c.id == waits.c.case_id)
                .join(root, root.c.id == cases.c.root_id)
            )
            if since is not None:
                tasks_ = tasks_.where(task_rows.c.opened_at >= since)
                waits_ = waits_.where(waits.c.opened_at >= since)
            opened = [
                dict(r)
                for r in session.execute(
                    tasks_.where(ours).order_by(task_rows.c.opened_at, task_rows.c.id)
                ).mappings()
            ]
            awaited = [
                dict(r)
                for r in session.execute(
                    waits_.where(ours).order_by(waits.c.opened_at, waits.c.ref)
                ).mappings()
            ]
        for row in opened:
            if row["id"] not in self._known and row["external_no"] in self.hands.orders:
                self._known.add(row["id"])
                self._visits[row["external_no"], row["step"]] += 1
                if row["state"] in ("open", "claimed"):
                    self._plan(row, self._visits[row["external_no"], row["step"]])
        for row in awaited:
            key = f"{row['case_id']}/{row['ref']}"
            if key not in self._known and row["external_no"] in self.hands.orders:
                self._known.add(key)
                self._await(row)

    def _plan(self, task: Row, visit: int) -> None:
        number = task["external_no"]
        dice = self._dice(number, task["step"], visit, task["item"] or "")
        recent = self.mark.end - task["opened_at"] < RECENT
        fate = self._fate(number)
        level = self.hands.orders[number]["level"]
        pace = habits.pace(task["name"], level, task["opened_at"], recent, dice, fate)
        people = self.hands.crew.of(task)
        if not people:
            self.hands.filled.left[f"“{task['name']}”没有人办"] += 1
            return
        who = pick(dice, people)
        if pace.claimed is not None and task["state"] == "open" and not task["assignee_id"]:
            self._later(pace.claimed, number, partial(self.hands.claim, task["id"], who))
        if pace.done is not None:
            chosen = fate.choose.get(task["name"]) if visit <= habits.STUBBORN else None
            self._later(pace.done, number, partial(self.hands.complete, task["id"], who, dice, chosen))

    def _fate(self, number: str) -> habits.Fate:
        received = datetime.fromisoformat(self.hands.orders[number]["receivedAt"])
        return habits.fate(int(number.rpartition("-")[2]), self.mark.end - received)

    def _await(self, wait: Row) -> None:
        dice = self._dice(wait["external_no"], wait["element"], wait["ref"])
        if not habits.comes(wait["name"], dice):
            return
        at = habits.reply_after(wait["opened_at"], dice)
        self._later(at, wait["external_no"], partial(self.hands.deliver, wait, dice))
