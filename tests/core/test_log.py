"""A log line is one JSON object, and holds no value of a row or a form whoever logged it."""

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core import db
from app.core.config import REPOSITORY
from app.core.log import JsonLines

CANARY = "13800138000"


def logged(name: str, text: str, *values: object, error: BaseException | None = None) -> tuple[Any, str]:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    handler.handle(
        logging.LogRecord(
            name, 40, "", 0, text, values, (type(error), error, error.__traceback__) if error else None
        )
    )
    written = out.getvalue()
    assert written.count("\n") == 1
    return json.loads(written), written


def test_a_refused_row_is_logged_by_names_and_place_alone(database: db.Database) -> None:
    row = {"name": "canary", "value": CANARY}
    with db.transaction() as session:
        session.execute(db.system_state.insert(), row)
    with pytest.raises(IntegrityError) as refused, db.transaction() as session:
        session.execute(db.system_state.insert(), row)

    line, written = logged("huying.http", "a request failed", error=refused.value)

    assert line["error"] == "IntegrityError"
    assert line["cause"] in ("UniqueViolation 23505", "IntegrityError SQLITE_CONSTRAINT_PRIMARYKEY")
    assert any("core/db.py" in place for place in line["where"])
    assert CANARY not in written
    assert "INSERT" not in written
    assert CANARY not in str(refused.value), "whoever prints the error itself prints no parameters either"


def test_a_library_that_writes_a_traceback_into_its_message_gets_one_line_of_it() -> None:
    line, written = logged("rq.worker", "[Job %s]: exception\n%s", "1", f"Traceback\n  parameters {CANARY}")

    assert line["text"] == "[Job 1]: exception"
    assert CANARY not in written


def test_what_nobody_caught_and_every_warning_is_one_json_line() -> None:
    code = (
        "import threading, warnings; from app.core import log; log.to_stderr(); warnings.warn('old')\n"
        f"def fail(): raise ValueError('{CANARY}')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert [line.get("error") for line in lines] == [None, "ValueError", "ValueError"]
    assert CANARY not in done.stderr
