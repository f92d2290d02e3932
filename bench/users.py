"""What a hundred people at once feel: `python -m bench.users` starts its own servers, prints tables, stops.

PostgreSQL, Valkey, web processes and worker as `huying up` starts them; a hundred thousand open tasks written
into the tables (bench/crowd.py), a million orders of a year as statistics see them (bench/year.py), and cases
filed and dispatched through the product; two thousand people are signed in. A hundred of them, each a person
with a role in a unit, work for a minute: before each request they think, exponentially distributed, three
seconds in the mean. What they do: bench/office.py. Then each class of
requests is asked without thinking, for the CPU time of one. `floor`: who am I, the least a request costs.

Core-milliseconds and the ratios travel between machines; times are only true of the one it ran on.
"""

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.bundles import store
from app.cli.local import LocalRefused
from app.core import db
from bench import crowd, town, year
from bench.client import Script, Taken, drive
from bench.installation import Installation, installed, tokens
from bench.office import CLASSES, Office, Wrong

THINK = 3.0
"""Seconds in the mean before each request."""
CONNECTIONS = 16
"""Clients without thought, for the CPU time of one request; actions need all users, to feed each other."""
SLICE, ROUNDS = 2.0, 3
STOCK = 240
"""Cases that lie at the units when the minute begins."""


VALID = "else the machine is measured"
"""Written at what says whether a run tells anything: clients that get no core in time see slow servers."""


@dataclass(frozen=True)
class Promise:
    """What must hold, what was found, and who says so."""

    what: str
    found: float
    most: float
    unit: str
    source: str

    @property
    def held(self) -> bool:
        return self.found <= self.most


class Bench:
    """The servers, the people, and what they were seen to do."""

    def __init__(self, house: Installation, users: int, sessions: int) -> None:
        self.house = house
        self.active = town.active(users)
        everybody = [*self.active, *town.others(self.active, sessions - users)]
        town.settle(everybody)
        self.everybody = everybody
        self.tokens = tokens(*(one.login for one in everybody))
        codes = [one.unit for one in self.active if one.role == "handler"]
        self.office = Office(self.tokens, codes, think=0.0)

    def drive(self, scripts: Iterable[Script], seconds: float = 600.0) -> Taken:
        return drive(self.house.address, scripts, seconds)

    def prepare(self) -> None:
        """Cases to work on; every session asked once who it is; then a while without thought, to warm."""
        self.stock(STOCK)
        self.drive(self._sign_ins(self.everybody[start::20]) for start in range(20))
        self.drive((self.office.user(one) for one in self.active), 2 * SLICE)

    def stock(self, count: int) -> None:
        dispatchers = [one for one in self.active if one.role == "dispatcher"]
        self.drive(self.office.stock(one, count) for one in dispatchers[:8])

    def _sign_ins(self, people: Iterable[town.Person]) -> Script:
        for one in people:
            yield from self.office.nothing(one)

    def work(self, seconds: float, think: float = THINK) -> "Minute":
        """All of them at once, thinking."""
        self.office.think = think
        self.office.wrong.clear()  # what came before was asked without thought: 503 is an answer to that
        before = self.house.cpu()
        taken = self.drive((self.office.user(one) for one in self.active), seconds)
        after = self.house.cpu()
        self.office.think = 0.0
        spent = {of: after[of] - before[of] for of in after}
        return Minute(taken, spent, Counter(self.office.wrong))

    def costs(self) -> dict[str, dict[str, float]]:
        """Core-milliseconds of one request of each class: the classes in turn, the median of the rounds."""
        found: dict[str, list[dict[str, float]]] = {name: [] for name in CLASSES}
        for _ in range(ROUNDS):
            for name in CLASSES:
                if name == "action":
                    self.stock(STOCK)
                people = self.active if name == "action" else self.active[:CONNECTIONS]
                scripts = [self.office.user(one, {name: 1}) for one in people]
                before = self.house.cpu()
                taken = self.drive(scripts, SLICE)
                after = self.house.cpu()
                count = max(len(taken.latencies), 1)
                found[name].append({of: (after[of] - before[of]) * 1000 / count for of in after})
        return {
            name: {of: statistics.median(each[of] for each in costs) for of in costs[0]}
            for name, costs in found.items()
        }


@dataclass(frozen=True)
class Minute:
    """What was seen while they worked: answers, CPU seconds by group of processes, and what was not 2xx."""

    taken: Taken
    cpu: dict[str, float]
    wrong: Counter[Wrong]

    def of(self, name: str) -> list[float]:
        """Milliseconds of a kind, or of all kinds of a class, the quickest first."""
        kinds = CLASSES.get(name, (name,))
        return sorted(1000 * each for kind in kinds for each in self.taken.kinds.get(kind, ()))

    def told(self, name: str, indent: str = "") -> str:
        found = self.of(name)
        times = "".join(f"{at(found, share):9.1f}" for share in (0.5, 0.95, 0.99, 1.0))
        return f"{indent + name:<18}{len(found):>7}{times}{len(found) / self.taken.seconds:>9.1f}"


def at(ordered: list[float], share: float) -> float:
    """The value below which that share of them lies; 0 of none."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def main() -> int:
    """Runs everything; the exit status tells whether a promise was missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=100_000)
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--users", type=int, default=100)
    options.add_argument("--sessions", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=60.0)
    asked = options.parse_args()
    began = time.monotonic()
    load = os.getloadavg()[0]
    try:
        with installed() as house, house.here():
            with db.reading() as session:
                version = store.latest(session, "work_order_12345")
            assert version is not None
            crowd.fill(house.database, asked.tasks, version)
            year.fill(house.database, asked.orders)
            bench = Bench(house, asked.users, asked.sessions)
            bench.prepare()
            ready = time.monotonic()
            minute = bench.work(asked.seconds)
            costs = bench.costs()
    except LocalRefused as refused:
        print(f"没有测量：{refused}", file=sys.stderr)
        return 2
    print(
        f"{asked.tasks} open tasks, {asked.orders} orders of a year, {asked.sessions} sessions, "
        f"{asked.users} users who think {THINK:g} s "
        f"before each request, {minute.taken.seconds:.0f} s; ready after {ready - began:.0f} s, "
        f"{time.monotonic() - began:.0f} s in all."
    )
    report(minute, costs)
    print(f"Load of the machine before {load:.1f}, after {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores.")
    return judge(promises(bench, minute), minute.wrong)


def report(minute: Minute, costs: dict[str, dict[str, float]]) -> None:
    print(f"\n{'operation':<18}{'n':>7}{'p50 ms':>9}{'p95':>9}{'p99':>9}{'max':>9}{'per s':>9}")
    for name, kinds in CLASSES.items():
        print(minute.told(name))
        for kind in kinds:
            print(minute.told(kind, "  "))
    groups = ("web", "worker", "database", "client")
    print(f"\n{'core-ms of one':<18}" + "".join(f"{of:>10}" for of in groups) + f"{'x floor':>10}")
    floor = server(costs["floor"])
    for name, cost in costs.items():
        shares = "".join(f"{cost[of]:10.2f}" for of in groups)
        print(f"{name:<18}{shares}{server(cost) / floor if floor else 0:10.1f}")
    count, seconds = len(minute.taken.latencies), minute.taken.seconds
    shares = ", ".join(f"{of} {spent / seconds:.0%}" for of, spent in minute.cpu.items())
    print(
        f"\nWhile they worked: {count / seconds:.1f} requests a second, "
        f"{server(minute.cpu) * 1000 / count:.2f} core-ms of servers each; of one core: {shares}."
    )


def server(cost: dict[str, float]) -> float:
    return sum(spent for of, spent in cost.items() if of != "client")


def promises(bench: Bench, minute: Minute) -> list[Promise]:
    simple, complex, action = (minute.of(name) for name in ("simple", "complex", "action"))
    statistics = minute.of("statistics")
    late = sorted(1000 * each for each in minute.taken.late)
    client = 100 * minute.cpu["client"] / minute.taken.seconds
    failed = sum(times for (_, status, _), times in minute.wrong.items() if status >= 500)
    refused = minute.wrong.total() - failed
    ours = "figures of a release"
    return [
        Promise("answers 5xx", failed, 0, "", "SJS-109"),
        Promise("answers 4xx", refused, 0, "", "SJS-109"),
        Promise("rows of somebody else", bench.office.foreign, 0, "", "SJS-109"),
        Promise("simple query p95", at(simple, 0.95), 100, "ms", ours),
        Promise("simple query p99", at(simple, 0.99), 1000, "ms", "SJS-110"),
        Promise("complex query p99", at(complex, 0.99), 5000, "ms", ours),
        Promise("statistics p95", at(statistics, 0.95), 5000, "ms", "SJS-111"),
        Promise("action p99", at(action, 0.99), 500, "ms", ours),
        Promise("action p99", at(action, 0.99), 2000, "ms", "SJS-112"),
        Promise("client late p99", at(late, 0.99), 20, "ms", VALID),
        Promise("client", client, 50, "% core", VALID),
    ]


def judge(found: list[Promise], wrong: Counter[Wrong]) -> int:
    print(f"\n{'must hold':<24}{'found':>10}{'at most':>10}  {'':<8}source")
    for each in found:
        mark = "" if each.held else "   ← not held"
        row = f"{each.what:<24}{each.found:>10.1f}{each.most:>10g}  {each.unit:<8}{each.source}"
        print(row + mark, flush=True)
    for (kind, status, problem), times in wrong.items():
        print(f"{kind}: {status} {problem}, {times} times", file=sys.stderr)
    if not all(each.held for each in found if each.source == VALID):
        print(
            "The clients were kept waiting by the machine itself: measure again when it rests.",
            file=sys.stderr,
        )
    return 0 if all(each.held for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
