"""An inspection follows the open work: no question of a detector reads a growing table from end to end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from app.cases.attachments.models import attachments
from app.cases.models import cases, rejections, urges
from app.cases.models import tasks as task_rows
from app.clocks.models import clocks
from app.core import db, ids
from app.inspection import service
from app.inspection.models import findings, replies
from tests.inspection.conftest import House
from tests.world import Row

CLOSED, RUNNING = 3000, 300
MADE = (cases, task_rows, clocks, urges, rejections, replies, attachments)
GROWN = (
    "cases",
    "tasks",
    "clocks",
    "urges",
    "rejections",
    "inspected_replies",
    "findings",
    "attachments",
    "case_requests",
)
FILE = {"mime": "image/jpeg", "kind": "image", "size": 9, "sm3": b"", "state": "kept", "step": "handle"}


@pytest.fixture
def archive(world: House, shelf: Path) -> House:
    """Thousands of orders that are over, some hundreds under way, each with what detectors look at."""
    sample = world.order("handle")
    case, task = world.case(sample["case_id"]), world.row_of(sample)
    (clock, *_) = world.rows(clocks, case_id=case["id"])
    long_ago, now = world.now() - timedelta(days=400), world.now()
    made: dict[Any, list[Row]] = {each: [] for each in MADE}
    for i in range(CLOSED + RUNNING):
        key, going = ids.new_id(), i >= CLOSED
        at = now - timedelta(minutes=i) if going else long_ago + timedelta(minutes=i)
        about = {"id": key, "root_id": key, "number": f"N{i}", "external_no": f"X{i}", "last_event_at": at}
        made[cases].append({**case, **about, "state": "active" if going else "closed"})
        for n in range(3):
            ended = {} if going and n == 2 else {"state": "done", "closed_at": at}
            row = {**task, "id": ids.new_id(), "case_id": key, "root_id": key, "ref": str(n), "opened_at": at}
            made[task_rows].append(
                {**row, "closed_at": None, "step": ("sign", "handle", "review")[n], **ended}
            )
        state = {"state": "running" if going else "stopped", "due_at": at}
        made[clocks].append({**clock, "id": ids.new_id(), "case_id": key, **state})
        made[urges].append({"id": ids.new_id(), "case_id": key, "by_id": "p", "text": "", "at": at})
        asked = {
            "unit": "d1-cgw",
            "round": 1,
            "reason": "",
            "state": "granted",
            "asked_by": "p",
            "asked_at": at,
        }
        refused = {"id": ids.new_id(), "case_id": key, "task_id": task["id"]}
        made[rejections].append({**refused, **asked, "suggested_unit": None, "decided_at": None})
        file = {
            "id": ids.new_id(),
            "case_id": key,
            "uploader_id": "p",
            "name": "现场.jpg",
            "stored": f"20260302/{key}",
        }
        made[attachments].append({**file, **FILE, "at": at})
        said = {"task_id": key, "case_id": key, "field": "result", "unit": None, "at": at}
        made[replies].append({**said, "length": 9, "likeness": f"L{i % 700}"})
    with db.transaction() as session:
        for table, rows in made.items():
            session.execute(insert(table), rows)
        for name in GROWN:
            session.connection.exec_driver_sql(f"analyze {name}")
    return world


@contextmanager
def plans(world: House) -> Iterator[list[str]]:
    """What the database says it would read for every question asked meanwhile."""
    found: list[str] = []
    busy: list[bool] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, _: Any, many: bool) -> None:
        if busy or not statement.startswith("SELECT"):
            return
        busy.append(True)
        try:
            sqlite = connection.dialect.name == "sqlite"
            if not sqlite:  # tables of a few thousand rows: only what no index can serve still scans them
                connection.exec_driver_sql("set local enable_seqscan = off")
            words = "explain query plan " if sqlite else "explain "
            with_values = parameters[0] if many else parameters
            plan = connection.exec_driver_sql(words + statement, with_values).all()
            if not sqlite:
                connection.exec_driver_sql("set local enable_seqscan = on")
            found.append("\n".join([statement[:200], *(str(line[-1]) for line in plan)]))
        finally:
            busy.clear()

    engines = {world.database.writing, world.database.only_reading}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", explain)


def test_no_question_of_an_inspection_reads_a_growing_table_from_end_to_end(archive: House) -> None:
    service.inspect()  # the replies of half a year are read once

    with plans(archive) as found:
        service.inspect()

    assert len(found) > 20
    scanned = [
        plan
        for plan in found
        for line in plan.splitlines()[1:]
        for table in GROWN
        if f"Seq Scan on {table}" in line or (line.startswith(f"SCAN {table}") and "USING" not in line)
    ]
    assert scanned == [], "\n\n".join(scanned)


def test_the_list_of_findings_is_read_by_its_index(archive: House) -> None:
    service.inspect()
    assert len(archive.rows(findings)) > 100

    with plans(archive) as found:
        archive.get("duban1", "/inspection/findings?limit=50")

    (plan,) = [each for each in found if each.startswith("SELECT findings.")]
    assert "Seq Scan on findings" not in plan
    assert "SCAN findings" not in plan.replace("SCAN findings USING", "")
