"""Plays every tests/bad/<row>-<variant>.yaml against the application, on both databases.

A file says what is wrong, the request (what it leaves out is proper), and the answer it must get. Whatever it
is, it is one problem in Chinese, tells nothing of our insides, and leaves all rows but the security log alone.
"""

import io
import json
import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
import yaml
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.core import db
from app.core.log import JsonLines
from app.identity import login, org
from tests.identity.conftest import ORG
from tests.toy_api import app_with_toy

FILES = sorted(Path(__file__).parent.glob("[0-9]*.yaml"))
INSIDES = re.compile(
    r"traceback|select |insert |sqlite|psycopg|sqlalchemy|werkzeug|flask|python|\.py\b", re.IGNORECASE
)
MAY_GROW = {"audit_stream", "stream_heads", "sign_in_failures"}


@pytest.fixture
def application(database: db.Database) -> Flask:
    return app_with_toy()


@pytest.fixture
def token(database: db.Database) -> str:
    with db.transaction() as session:
        org.load_org(session, ORG.encode(), with_passwords=False)
        person = org.person_by_login(session, "paiqian1")
        assert person is not None
        return login.token_for(session, person.id)[0]


def text_of(told: Any) -> str:
    """A text, or one described by what it repeats."""
    if not isinstance(told, dict):
        return str(told)
    middle = told["repeat"] * told["times"]
    closing = told.get("close", "") * told["times"]
    return f"{told.get('before', '')}{middle}{told.get('then', '')}{closing}"


def environ_of(told: dict[str, Any], token: str) -> dict[str, Any]:
    body = bytes.fromhex(told["hex"]) if "hex" in told else text_of(told.get("text", "")).encode()
    method = told.get("method", "POST")
    usual = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-key"}
    if method == "POST":
        usual["Content-Type"] = "application/json"
    headers = {
        name: text_of(value)
        for name, value in {**usual, **told.get("headers", {})}.items()
        if value is not None
    }
    environ = EnvironBuilder(method=method, headers=headers).get_environ()
    environ["PATH_INFO"] = unquote_to_bytes(told["path"]).decode("latin-1")
    environ["QUERY_STRING"] = text_of(told.get("query", "")).replace(" ", "%20")
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body)) if method == "POST" else ""
    return environ | told.get("environ", {})


def send(application: Flask, told: dict[str, Any], token: str) -> tuple[int, Any, bytes]:
    body, status, headers = run_wsgi_app(application, environ_of(told, token))
    return int(status[:3]), headers, b"".join(body)


def counts() -> dict[str, int]:
    """How many rows each table has, apart from those that a refusal may add to."""
    with db.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in db.metadata.sorted_tables
            if table.name not in MAY_GROW
        }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_bad_request_gets_its_answer_and_changes_nothing(
    file: Path, application: Flask, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    expected = told["answer"]
    if "before" in told:
        assert send(application, told["before"], token)[0] < 300
    before = counts()

    with caplog.at_level(logging.INFO):
        status, headers, raw = send(application, told["request"], token)

    problem = json.loads(raw)
    assert (status, problem["type"]) == (expected["status"], f"/problems/{expected['problem']}"), problem
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["requestId"] == headers["X-Request-Id"]
    assert re.search("[一-鿿]", problem["title"])
    assert not INSIDES.search(raw.decode())
    if "pointer" in expected:
        assert expected["pointer"] in [error["pointer"] for error in problem["errors"]], problem
    for name, value in expected.get("headers", {}).items():
        assert headers[name] == value
    assert counts() == before
    lines = [JsonLines().format(record) for record in caplog.records]
    assert all(len(line.splitlines()) == 1 and "\x1b" not in line and "\u009b" not in line for line in lines)
