"""What lists cost when there is much: `python -m bench.inbox [--sizes 100000,1000000]`, on its own database.

A person stands in eight pools, one of which holds a fifth of so many open tasks (bench/crowd.py). Each line:
rows, median of the wall time of the whole question (building, driver, database), planning and execution as
the database tells them, the ratio to the floor (one case by its key, in the same run), and tables read from
end to end. `generic`: the same statement under a plan made before its parameters were known, which a prepared
statement may get. Ratios travel between machines.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from app import wire
from app.cases import inbox
from app.cases.incidents import service as incidents
from app.cases.lists import VIEWS
from app.cases.models import cases
from app.cases.search import query
from app.cli import db as migrations
from app.cli.local import LocalRefused, servers
from app.cli.local.accounts import own_folder, service_account
from app.cli.local.children import Children
from app.core import config, db
from app.identity.actor import Actor, Appointment, Standing, actor_of
from app.identity.permissions import CASE_READ, INCIDENT_READ, TASK_READ
from bench.crowd import NOW, OURS, case_id, fill

TIMES = 15
PROMISES = dict.fromkeys(("todo", "substitute: todo", "limited: todo", "limited: overdue"), 5.0)
PROMISES |= dict.fromkeys(("counts", "substitute: counts", "limited: counts"), 20.0)
"""Milliseconds of database time. Source: cases.md, the inbox."""


@dataclass
class Line:
    """One question's figures, in milliseconds."""

    name: str
    rows: int
    wall: float
    planning: float
    execution: float
    generic: float
    scans: str

    def told(self, floor: float) -> str:
        return (
            f"{self.name:<28}{self.rows:>6}{self.wall:>10.2f}{self.planning:>10.2f}{self.execution:>10.2f}"
            f"{self.generic:>10.2f}{self.wall / floor:>9.1f}  {self.scans}"
        )


HEAD = (
    f"{'question':<28}{'rows':>6}{'wall ms':>10}{'planning':>10}{'execution':>10}"
    f"{'generic':>10}{'x floor':>9}  scans"
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="100000,1000000")
    sizes = [int(size) for size in options.parse_args().sizes.split(",")]
    try:
        with own_postgresql() as database:
            late = [name for size in sizes for name in measure(database, size)]
    except LocalRefused as refused:
        print(f"没有测量：{refused}", file=sys.stderr)
        return 2
    for name in late:
        print(f"over its promise: {name}", file=sys.stderr)
    return 1 if late else 0


def measure(database: db.Database, size: int) -> list[str]:
    """Fills the tables up to so many open tasks, asks every question, prints a line each; those too slow."""
    began = time.monotonic()
    fill(database, size)
    print(f"\n{size} open tasks, written in {time.monotonic() - began:.0f} s\n{HEAD}", flush=True)
    lines: list[Line] = []
    for name, question in questions().items():
        lines.append(ask(database, name, question))
        print(lines[-1].told(lines[0].wall), flush=True)
    return [
        f"{line.name} at {size}: {line.planning + line.execution:.1f} ms"
        for line in lines
        if line.planning + line.execution > PROMISES.get(line.name, 1e9)
    ]


# — questions —


def questions() -> dict[str, Callable[[], int]]:
    """Each answers how many rows it found."""
    me, street, community = worker(), reader("d1/d1-s1"), reader("d1/d1-s7/d1-s7-c3")
    one = select(cases.c.id, cases.c.title).where(cases.c.id == case_id(12345))

    def found(noun: query.Noun, who: Actor, filter: dict[str, Any], field: str = "openedAt") -> int:
        asked = query.Asked([("/filter", filter)], query.Sort(field))
        return query.search(noun, who, asked, 50, None).total

    made: dict[str, Callable[[], int]] = {"floor": lambda: len(read(one))}
    for view in VIEWS:
        made[view] = lambda view=view: len(inbox.page(me, view, 50, None))  # type: ignore[misc]
    made["counts"] = lambda: sum(each["count"] for each in inbox.counts(me).values())
    for name, who in (("substitute", substitute()), ("limited", substitute("rare", "work_order"))):
        for view in ("todo", "overdue"):
            made[f"{name}: {view}"] = lambda who=who, view=view: len(inbox.page(who, view, 50, None))  # type: ignore[misc]
        made[f"{name}: counts"] = lambda who=who: sum(each["count"] for each in inbox.counts(who).values())  # type: ignore[misc]
    recent = (NOW - timedelta(days=3)).isoformat()
    for name, who in (("street", street), ("community", community)):
        made[f"{name}: cases"] = lambda who=who: len(  # type: ignore[misc]
            query.search(query.CASES, who, query.Asked(), 50, None, count=False).rows
        )
        made[f"{name}: all"] = lambda who=who: len(inbox.page(who, "all", 50, None))  # type: ignore[misc]
        for what, filter in (
            ("count", {}),
            ("words", {"words": "路灯 幸福里"}),
            ("number", {"words": "n0012345"}),
            ("status", {"status": "待签收"}),
            ("fact", {"facts": {"level": "紧急"}}),
            ("received", {"receivedAt": {"$gte": recent}}),
            ("overdue", {"overdue": True}),
        ):
            made[f"{name}: {what}"] = lambda who=who, filter=filter: found(query.CASES, who, filter)  # type: ignore[misc]
        made[f"{name}: by received"] = lambda who=who: found(query.CASES, who, {}, "receivedAt")  # type: ignore[misc]
        made[f"{name}: tasks overdue"] = lambda who=who: found(query.TASKS, who, {"overdue": True}, "dueAt")  # type: ignore[misc]
    made["district: incidents"] = lambda: len(incidents.page(reader("d1"), {"state": "open"}, 50, None))
    return made


def read(statement: Any) -> list[Any]:
    with db.reading() as session:
        return list(session.execute(statement))


def ask(database: db.Database, name: str, question: Callable[[], int]) -> Line:
    """Asks often enough that statements are prepared; then looks at the plans of what was sent."""
    sent: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(database.only_reading, "before_cursor_execute", note)
    try:
        rows = question()
    finally:
        event.remove(database.only_reading, "before_cursor_execute", note)
    walls = []
    for _ in range(TIMES):
        start = time.perf_counter()
        question()
        walls.append((time.perf_counter() - start) * 1000)
    planning = execution = generic = 0.0
    scans: set[str] = set()
    with database.only_reading.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        for statement, parameters in sent:
            if "set_config" in statement:
                raw.execute(statement, parameters)
                continue
            plan = explained(raw, statement, parameters)
            planning += plan["Planning Time"]
            execution += plan["Execution Time"]
            scans |= set(scanned(plan["Plan"]))
            generic += under_a_generic_plan(raw, statement, parameters)
    return Line(name, rows, statistics.median(walls), planning, execution, generic, " ".join(sorted(scans)))


def explained(raw: Any, statement: str, parameters: Any) -> Any:
    """The plan and times of a statement, the quickest of several: other work on the machine is not ours."""
    plans = []
    for _ in range(TIMES):
        asked = f"explain (analyze, timing off, format json) {statement}"
        (told,) = raw.execute(asked, parameters).fetchone()
        plans.append((told if isinstance(told, list) else json.loads(told))[0])
    return min(plans, key=lambda plan: plan["Planning Time"] + plan["Execution Time"])


def scanned(node: Any) -> Iterator[str]:
    """Tables read from end to end, unless a limit above stopped it early."""
    if node["Node Type"] == "Seq Scan" and node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > 2000:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from scanned(child)


def under_a_generic_plan(raw: Any, statement: str, parameters: Any) -> float:
    raw.execute("set plan_cache_mode = force_generic_plan")
    try:
        times = []
        for _ in range(4):
            start = time.perf_counter()
            raw.execute(statement, parameters, prepare=True).fetchall()
            times.append((time.perf_counter() - start) * 1000)
        return min(times[1:])
    finally:
        raw.execute("reset plan_cache_mode")


# — who asks —


def worker() -> Actor:
    """Somebody in eight pools, who handled a twentieth of all cases."""
    held = [Appointment("handler", f"u{i}", f"u{i}", f"d1/u{i}") for i in range(OURS)]
    return actor_of("worker", "worker", "办事员", "person", held, {"handler": [TASK_READ, CASE_READ]})


def substitute(*processes: str) -> Actor:
    """Somebody in a pool of his own who acts for the worker, in these processes alone or in all."""
    held = [Appointment("handler", "u9", "u9", f"d1/u{OURS + 1}")]
    me = actor_of("helper", "helper", "代理人", "person", held, {"handler": [TASK_READ, CASE_READ]})
    standing = Standing("s", worker(), frozenset(processes) if processes else None)
    return replace(me, stands_for=(standing,))


def reader(path: str) -> Actor:
    """Somebody who may read everything below a unit."""
    held = [Appointment("observer", path, path, path)]
    granted = {"observer": [TASK_READ, CASE_READ, INCIDENT_READ]}
    return actor_of(f"reader-{path[-5:]}", "reader", "观察员", "person", held, granted)


# — a database —


@contextmanager
def own_postgresql() -> Iterator[db.Database]:
    """A PostgreSQL of our own with empty tables and the work order published; gone afterwards."""
    account = service_account()
    root = Path(tempfile.mkdtemp(prefix="huying-inbox-", dir="/tmp"))
    root.chmod(0o755)  # the account of the server must pass through it
    try:
        with Children() as children:
            sockets = own_folder(root / "s", account)
            servers.start_postgresql(
                children,
                servers.programs(account),
                data=root / "pg",
                sockets=sockets,
                account=account,
                log=root / "postgresql.log",
                settings=(*servers.FLEETING, "max_wal_size=4GB", "autovacuum=off"),
            )
            servers.create_database(sockets, "inbox")
            url = servers.database_url(sockets, "inbox")
            migrations.upgrade(url)
            config.use(config.Settings(profile="test", database_url=url))
            database = db.Database(url)
            db.use(database)
            wire()
            publish()
            yield database
            database.dispose()
    finally:
        db.use(None)
        config.use(None)
        shutil.rmtree(root, ignore_errors=True)


def publish() -> None:
    """The work order, so that its facts are known."""
    from app.processes.publish import publish_folder

    publish_folder(config.settings().bpmn_dir / "work_order_12345")


if __name__ == "__main__":
    sys.exit(main())
