"""A long proof of timers: `python -m bench.unrest [--minutes 30] [--seed 7]`, also as `make proofs-timers`.

A whole installation of its own lives through what must not matter: its worker's processes are killed or made
to sleep past their leases, Valkey is emptied or killed, the database's clock jumps by a month and back. All
the while cases are filed and dispatched, some are signed, and time passes in steps, so that timers fall due.
After every round all that is due must have fired, once, never early, and every row must be as it should.
"""

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from redis import Redis
from sqlalchemy import func, select, text

from app.cases import guarding
from app.cases.models import tasks
from app.clocks.models import timers
from app.core import clock, db
from app.identity.actor import SYSTEM
from bench.installation import Installation, installed, tokens
from bench.measure import Report
from tests.faults.invariants import broken, waiting
from tests.faults.load import Client, Journal
from tests.faults.test_worker_killed import kill_parent, kill_role, process_of, until

LEASE = 3
"""Seconds instead of 50, so that take-overs happen often; everything else is as in service."""
SETTLED = 120.0
"""Seconds in which everything due must have fired, whatever happened."""
A_MONTH = timedelta(days=30)
PAUSED = "firing paused, and resumed by a person"
SETTINGS = {"HUYING_PROFILE": "test", "HUYING_LEASE_SECONDS": str(LEASE), "HUYING_TICK_SECONDS": "0.5"}

_OWN_CLOCK = """
create table if not exists public.jumped (by interval not null);
insert into public.jumped values (interval '0');
create or replace function public.clock_timestamp() returns timestamptz language sql volatile
    as 'select pg_catalog.clock_timestamp() + (select by from public.jumped)';
"""
_OURS_FIRST = 'alter database "{}" set search_path = public, pg_catalog'


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30.0)
    asked.add_argument("--cases", type=int, default=40, help="dispatched in a round")
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    wish = asked.parse_args()
    print(f"种子 {wish.seed}（再来一遍：--seed {wish.seed}）", flush=True)
    report, until_then = Report(), time.monotonic() + wish.minutes * 60
    with installed(settings=SETTINGS) as house, house.here():
        unrest = Unrest(house, random.Random(wish.seed), wish.cases)
        unrest.take_the_clock()
        while time.monotonic() < until_then and not unrest.wrong:
            unrest.round()
        unrest.tell(report)
    return 1 if report.failed else 0


class Unrest:
    """One installation, what is done to it, and what was found wrong."""

    def __init__(self, house: Installation, luck: random.Random, cases: int) -> None:
        self.house, self.luck, self.cases = house, luck, cases
        self.journal, self.done, self.rounds = Journal(), Counter[str](), 0
        self.wrong: list[str] = []
        self.people = tokens("paiqian1", "cgw1", "shenhe1")
        self.blows: dict[str, Callable[[], None]] = {
            "jobs killed": lambda: kill_role(house, "jobs"),
            "ticker killed": lambda: kill_role(house, "ticker"),
            "whole worker killed": lambda: kill_parent(house),
            "jobs asleep past their lease": lambda: self._asleep("jobs"),
            "ticker asleep past its lease": lambda: self._asleep("ticker"),
            "Valkey emptied": self._emptied,
            "Valkey killed": self._without_valkey,
            "database's clock a month ahead": lambda: self._jumped(A_MONTH),
            "database's clock an hour behind": lambda: self._jumped(-timedelta(hours=1)),
        }

    def take_the_clock(self) -> None:
        """From now on the database's clock is one that can jump; everything is started anew to see it."""
        with self.house.database.writing.execution_options(isolation_level="AUTOCOMMIT").connect() as raw:
            raw.exec_driver_sql(_OWN_CLOCK)
            raw.exec_driver_sql(_OURS_FIRST.format(raw.engine.url.database))
        self.house.database.dispose()
        for name in ("web", "worker"):
            self.house.kill(name, signal.SIGTERM)
            self.house.start(name)
        self.house.ready()

    def round(self) -> None:
        """Cases come, time passes, blows fall; then there must be rest, and everything right."""
        client = Client(self.house.address, self.people, self.journal)
        for _ in range(self.cases):
            client.dispatched()
        client.close()
        for minutes in (self.luck.randint(30, 100), 121):
            self._pass(timedelta(minutes=minutes))
        self._look()
        self.journal = Journal()  # answers are kept for a day
        self._pass(timedelta(days=5))
        self._look()
        self.rounds += 1

    def _pass(self, step: timedelta) -> None:
        """Time passes, and while what is due by then fires two blows fall."""
        with db.transaction() as session:
            clock.pass_time(session, step)
        for name in self.luck.sample(sorted(self.blows), 2):
            until(lambda: left() < self.luck.randint(1, self.cases), seconds=self.luck.uniform(0.0, 2.0))
            self.blows[name]()
            self.done[name] += 1

    def _look(self) -> None:
        if not until(lambda: left() == 0, seconds=SETTLED):
            why = "firing is paused" if paused() else self.house.log("worker")[-2000:]
            self.wrong.append(f"{left()} timers are due and did not fire in {SETTLED:g} s: {why}")
        with db.reading(snapshot=True) as session:
            self.wrong += broken(session, self.journal, late=timedelta(seconds=4 * LEASE))

    def tell(self, report: Report) -> None:
        with db.reading() as session:
            fired = session.scalar(
                select(func.count()).where(timers.c.state == "fired", timers.c.kind == "token")
            )
            flags = session.scalar(
                select(func.count()).where(timers.c.state == "fired", timers.c.kind == "flag")
            )
            signed = session.scalar(select(func.count()).where(tasks.c.step == "sign"))
        for name, times in sorted(self.done.items()):
            report.line(name, f"{times} times")
        report.line("rounds", f"{self.rounds}")
        jumps = sum(times for name, times in self.done.items() if "clock" in name)
        if jumps:
            report.line("jumps that paused firing", f"{self.done[PAUSED]}", "> 0", self.done[PAUSED] > 0)
        report.line("steps opened, token timers and flag tiers fired", f"{signed}, {fired}, {flags}")
        for sentence in self.wrong[:20]:
            print(sentence)
        report.line("wrong", f"{len(self.wrong)}", "0", not self.wrong)

    # -- blows ---------------------------------------------------------------------------------------

    def _asleep(self, role: str) -> None:
        number = process_of(self.house, role)
        os.kill(number, signal.SIGSTOP)
        time.sleep(LEASE * 1.5)
        with suppress(ProcessLookupError):  # it was dying of the blow before as it was chosen
            os.kill(number, signal.SIGCONT)

    def _emptied(self) -> None:
        with Redis.from_url(self.house.environ["REDIS_URL"]) as redis:
            redis.flushall()

    def _without_valkey(self) -> None:
        self.house.kill("valkey", signal.SIGKILL)
        time.sleep(self.luck.uniform(0.5, 3.0))
        self.house.start("valkey")

    def _jumped(self, by: timedelta) -> None:
        """Nothing fires from the jump on until a person has confirmed the time, which is right again then.

        A worker that begins behind the jump has nothing to compare with: it does not fire, nor pause.
        """
        settled = until(lambda: left() == 0, seconds=SETTLED)
        before = fired()
        self._set_clock(by)
        until(paused, seconds=2 * LEASE)
        time.sleep(1.0)
        if not settled or fired() != before:
            self.wrong.append(
                f"a jump by {by}: settled {settled}, {left()} were left, {fired() - before} fired"
            )
        self._set_clock(timedelta())
        time.sleep(2.0)  # who has not seen the jump may take the way back for one
        if paused():
            self.done[PAUSED] += 1
            with db.reading() as session:
                raw = clock.raw_now(session)
            guarding.resume(SYSTEM, raw, "已核对")

    def _set_clock(self, by: timedelta) -> None:
        with db.transaction() as session:
            session.execute(text("update public.jumped set by = :by"), {"by": by})


def left() -> int:
    """How many timers of both kinds are due and have not fired yet."""
    with db.reading() as session:
        due = (timers.c.state == "armed") & (timers.c.due_at <= clock.now(session))
        flags = select(func.count()).where(timers.c.kind == "flag", due)
        return waiting(session) + int(session.scalar(flags) or 0)


def fired() -> int:
    with db.reading() as session:
        return int(session.scalar(select(func.count()).where(timers.c.state == "fired")) or 0)


def paused() -> bool:
    with db.reading() as session:
        return guarding.paused_since(session) is not None


if __name__ == "__main__":
    sys.exit(main())
