"""How much an operation costs: `python -m bench.cases` starts its own servers, prints one table, and stops.

Each line: answers timed, p50 and p99, per second with 16 clients in a closed loop, and core-milliseconds (CPU
time) of web, worker, database and client for one operation. Core-milliseconds and the ratios travel between
machines; the rest is only true of the one it ran on. `floor` and `bare`: bench/floor.py.
"""

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import bindparam, create_engine, func, select, text

from app.cli.local import LocalRefused
from app.clocks.models import timers
from app.core import clock, db
from bench import diagrams, floor
from bench.client import Request, Script, Taken, drive
from bench.installation import Installation, installed, tokens
from bench.order import FILING, STEPS, statements_of_each_step

CLIENTS = 16
ROUNDS = 5
SLICE = 2.0
"""Seconds of one measured slice; complete, floor and bare take turns, so a busy machine harms all three."""

CASES = 600
"""Enough that no slice of `complete` runs out of them."""
ROW_CASES = 128
"""Cases of one slice of a diagram in bench/diagrams.py."""
MOST_GROWN = 1.3
LEAST_OF_FLOOR = 0.35

_keys = itertools.count()


@dataclass
class Line:
    """One operation's figures, summed over its slices."""

    name: str
    latencies: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    costs: list[dict[str, float]] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def cost(self, of: str) -> float:
        """Core-milliseconds of one operation, the median over the slices."""
        return statistics.median(cost[of] for cost in self.costs)

    @property
    def server(self) -> float:
        return statistics.median(cost["web"] + cost["worker"] + cost["database"] for cost in self.costs)

    def told(self) -> str:
        ordered = sorted(self.latencies)
        p50, p99 = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 for share in (0.5, 0.99))
        costs = "".join(f"{self.cost(of):10.2f}" for of in ("web", "worker", "database", "client"))
        return f"{self.name:<14}{len(ordered):>7}{p50:>9.1f}{p99:>9.1f}{self.rate:>9.0f}{costs}"


HEAD = (
    f"{'operation':<14}{'n':>7}{'p50 ms':>9}{'p99 ms':>9}{'per s':>9}"
    f"{'web':>10}{'worker':>10}{'database':>10}{'client':>10}   (core-ms each)"
)


class Bench:
    """The servers, whoever works on them, and the cases that wait for their next step."""

    def __init__(self, house: Installation) -> None:
        self.house = house
        self.tokens = tokens("paiqian1", "cgw1", "shenhe1")
        self.ready: list[tuple[str, str]] = []  # (task, step) of cases that go on to their end
        self.signable: list[str] = []  # tasks of a step that must be claimed in time
        self.finished: list[str] = []
        self.filed: list[tuple[str, str]] = []
        self.rows: dict[int, list[str]] = {diagrams.SHORT: [], diagrams.LONG: []}

    # — what a client does —

    def file(self, most: int = sys.maxsize) -> Script:
        while len(self.filed) < most:
            answer = yield Request("POST", "/api/v1/cases", self.tokens["paiqian1"], FILING, key())
            if answer.status == 201:
                self.filed.append((answer.json["tasks"][0]["id"], "receive"))

    def complete(self) -> Script:
        """Takes cases through all their steps; each answer names the next one."""
        while self.ready:
            task, step = self.ready.pop()
            while step:
                answer = yield self.step(task, step)
                if answer.status != 200:
                    break
                following = answer.json["next"]
                task, step = (following[0]["id"], following[0]["step"]) if following else ("", "")
                if not following:
                    self.finished.append(answer.json["case"]["id"])

    def step(self, task: str, step: str, *, timed: bool = True) -> Request:
        who, body = STEPS[step]
        path = f"/api/v1/tasks/{task}/complete"
        return Request("POST", path, self.tokens[who], body, key(), if_match=1, timed=timed)

    def dispatch(self) -> Script:
        """Files and dispatches a case, so that somebody must sign for it."""
        while True:
            answer = yield Request(
                "POST", "/api/v1/cases", self.tokens["paiqian1"], FILING, key(), timed=False
            )
            for step in ("receive", "dispatch"):
                opened = answer.json["next"] if "next" in answer.json else answer.json["tasks"]
                answer = yield self.step(opened[0]["id"], step, timed=False)
            self.signable.append(answer.json["next"][0]["id"])

    def claim(self, keep: int) -> Script:
        while len(self.signable) > keep:
            path = f"/api/v1/tasks/{self.signable.pop()}/claim"
            yield Request("POST", path, self.tokens["cgw1"], {}, key())

    def file_row(self, tasks: int, count: int) -> Script:
        """Files cases of a diagram of so many tasks in a row."""
        for _ in range(count):
            body = diagrams.filing(tasks)
            answer = yield Request("POST", "/api/v1/cases", self.tokens["paiqian1"], body, key())
            self.rows[tasks].append(answer.json["tasks"][0]["id"])

    def complete_row(self, tasks: int) -> Script:
        while self.rows[tasks]:
            task = self.rows[tasks].pop()
            for _ in range(diagrams.STEPS):
                path = f"/api/v1/tasks/{task}/complete"
                body = {"outcome": "完成"}
                answer = yield Request("POST", path, self.tokens["paiqian1"], body, key(), if_match=1)
                if answer.status != 200:
                    break
                task = answer.json["next"][0]["id"]

    def floor(self, row: str) -> Script:
        _, body = STEPS["dispatch"]
        while True:
            yield Request("POST", f"/bench/floor/{row}", self.tokens["cgw1"], body, key(), if_match=1)

    def bare(self, row: str) -> Script:
        while True:
            yield Request("POST", f"/bare/{row}", "", {})

    def read(self, path: Callable[[int], str], who: str) -> Script:
        for number in itertools.count():
            yield Request("GET", path(number), self.tokens[who])

    # — measuring —

    def measure(self, line: Line, scripts: Iterable[Script], seconds: float = SLICE) -> Taken:
        before = self.house.cpu()
        taken = drive(self.house.address, scripts, seconds)
        self.note(line, before, taken.latencies, taken.seconds)
        line.refused += len(taken.refused)
        if taken.refused:
            print(f"{line.name}: {taken.refused[0].status} {taken.refused[0].body.decode()}", file=sys.stderr)
        return taken

    def note(self, line: Line, before: dict[str, float], latencies: list[float], seconds: float) -> None:
        after = self.house.cpu()
        if latencies:
            line.latencies += latencies
            line.rates.append(len(latencies) / seconds)
            line.costs.append({of: (after[of] - before[of]) * 1000 / len(latencies) for of in after})

    def prepare(self, seconds: float, scripts: Iterable[Script]) -> None:
        drive(self.house.address, scripts, seconds)


def key() -> str:
    return f"bench-{next(_keys)}"


def main() -> int:
    """Runs everything; the exit status tells whether an answer was refused or a promise not kept."""
    began = time.monotonic()
    try:
        with installed(application="bench.wsgi:application") as house, house.here():
            bench = Bench(house)
            lines = run(bench)
            counts = statements_of_each_step(bench.tokens)
    except LocalRefused as refused:
        print(f"没有测量：{refused}", file=sys.stderr)
        return 2
    ratio, grown = report(lines, counts, time.monotonic() - began)
    unkept = any(line.refused for line in lines.values())
    return 1 if unkept or ratio < LEAST_OF_FLOOR or grown > MOST_GROWN else 0


def run(bench: Bench) -> dict[str, Line]:
    names = ("file", "claim", "complete", "inbox page", "counts", "timeline", "due timer", "floor", "bare")
    lines: dict[str, Line] = {name: Line(name) for name in names}
    rows = lay_rows()
    for scripts in (bench.floor, bench.bare):
        bench.prepare(1.0, [scripts(row) for row in rows])  # warm: caches, prepared statements

    bench.prepare(1.0, [bench.file() for _ in range(CLIENTS)])
    bench.measure(lines["file"], [bench.file() for _ in range(CLIENTS)], 2 * SLICE)
    bench.prepare(60.0, [bench.file(CASES) for _ in range(CLIENTS)])
    bench.ready, bench.filed = bench.filed, []
    bench.prepare(3.0, [bench.dispatch() for _ in range(CLIENTS)])
    analyze()

    for tasks in bench.rows:
        lines[diagrams.key(tasks)] = Line(f"1 of {tasks} tasks")
    for number in range(ROUNDS):
        if number == 0:
            bench.prepare(1.0, [bench.complete() for _ in range(CLIENTS)])
        bench.measure(lines["complete"], [bench.complete() for _ in range(CLIENTS)])
        bench.measure(lines["floor"], [bench.floor(row) for row in rows])
        bench.measure(lines["bare"], [bench.bare(row) for row in rows], SLICE / 2)

    bench.measure(lines["claim"], [bench.claim(len(bench.signable) // 2) for _ in range(CLIENTS)])
    todo = "/api/v1/tasks?view=todo&limit=50"
    for name, path in (
        ("inbox page", lambda _: todo),
        ("counts", lambda _: "/api/v1/tasks/counts"),
        ("timeline", lambda n: f"/api/v1/cases/{bench.finished[n % len(bench.finished)]}/timeline?limit=50"),
    ):
        bench.measure(lines[name], [bench.read(path, "paiqian1") for _ in range(CLIENTS)])
    let_fire(bench, lines["due timer"])
    complete_rows(bench, lines)
    return lines


def complete_rows(bench: Bench, lines: dict[str, Line]) -> None:
    """A long and a short diagram in turn; each slice has its cases filed before."""
    for tasks in bench.rows:
        diagrams.publish(tasks)
    for number in range(ROUNDS + 1):
        for tasks in bench.rows:
            bench.prepare(30.0, [bench.file_row(tasks, ROW_CASES // CLIENTS) for _ in range(CLIENTS)])
            line = lines[diagrams.key(tasks)] if number else Line("warm")
            bench.measure(line, [bench.complete_row(tasks) for _ in range(CLIENTS)], 30.0)


def let_fire(bench: Bench, line: Line) -> None:
    """Moves the clock past the limit of every task that nobody signed for, and waits for the worker."""
    before = bench.house.cpu()
    with db.transaction() as session:
        armed = session.scalar(_ARMED, {"now": clock.now(session) + timedelta(hours=3)})
        moved = clock.pass_time(session, timedelta(hours=3))
    began = time.perf_counter()
    while time.perf_counter() < began + 30:
        time.sleep(0.1)
        with db.reading() as session:
            fired = session.execute(_FIRED).scalars().all()
        if len(fired) >= armed:
            break
    seconds = (max(fired) - moved).total_seconds()
    bench.note(line, before, [(at - moved).total_seconds() for at in fired], seconds)
    if len(fired) != armed:
        print(f"due timer: {armed} due, {len(fired)} fired", file=sys.stderr)
        line.refused += 1


_ARMED = select(func.count()).where(
    timers.c.kind == "token", timers.c.state == "armed", timers.c.due_at <= bindparam("now")
)
_FIRED = select(timers.c.fired_at).where(timers.c.kind == "token", timers.c.state == "fired")


def lay_rows() -> list[str]:
    """A row of its own for each client of `floor` and `bare`, about as heavy as a case's engine state."""
    floor.metadata.create_all(db.current().writing)
    keys = [f"row-{number}" for number in range(CLIENTS)]
    with db.transaction() as session:
        state = os.urandom(400)
        session.execute(
            floor.rows.insert(), [{"id": k, "revision": 1, "at": None, "state": state} for k in keys]
        )
    return keys


def analyze() -> None:
    """Gives the planner the statistics it would have in service after a minute."""
    engine = create_engine(db.current().url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("analyze"))
    engine.dispose()


def report(lines: dict[str, Line], counts: dict[str, int], seconds: float) -> tuple[float, float]:
    """Prints the table; returns what a completion is of the floor, and how it grows with the diagram."""
    print(HEAD)
    for line in lines.values():
        print(line.told() if line.costs else f"{line.name:<14} nothing measured")
    complete, floor, bare = lines["complete"], lines["floor"], lines["bare"]
    share = complete.cost("client") / (complete.server + complete.cost("client"))
    print(
        f"{CLIENTS} clients, {ROUNDS} rounds in turn, {seconds:.0f} s in all. Floor costs {floor.server:.2f} "
        f"core-ms of servers, bare {bare.server:.2f} ({bare.server / floor.server:.2f} of it)."
    )
    short, long = (lines[diagrams.key(tasks)] for tasks in (diagrams.SHORT, diagrams.LONG))
    grown = long.server / short.server
    print(
        f"A completion in a diagram of {diagrams.LONG} tasks costs {grown:.2f} of one in a diagram of "
        f"{diagrams.SHORT}, by server core-ms (must hold: ≤ {MOST_GROWN})."
    )
    told = ", ".join(f"{step} {count}" for step, count in counts.items())
    print(f"Statements of a completion: {told}; {sum(counts.values()) / len(counts):.1f} on average.")
    print(
        f"Complete costs {complete.server:.2f}: {floor.server / complete.server:.2f} by server core-ms. "
        f"The clients took {share:.0%} of the cores, so the last line is by throughput."
    )
    ratio = complete.rate / floor.rate
    print(f"Medians of the rounds; the ratio must hold: ≥ {LEAST_OF_FLOOR}.")
    print(f"complete {complete.rate:.0f}/s of floor {floor.rate:.0f}/s, ratio {ratio:.2f}")
    return ratio, grown


if __name__ == "__main__":
    sys.exit(main())
