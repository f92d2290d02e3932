"""granian and worker.py as an operator starts them: wrong settings refuse, and every event is one JSON line."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.core import startup
from app.core.config import REPOSITORY
from app.crypto import keyring
from tests.cli.launcher import CLEAN, free_port, until
from tests.cli.test_migrations import empty

__all__ = ["empty"]

pytestmark = pytest.mark.launcher

WORKER = [sys.executable, "worker.py"]
NOT_JSON = ("[INFO]", "[WARNING]", "[ERROR]")


def granian(port: int, *options: str) -> list[str]:
    """Plain granian, with the options of docs/operations.md."""
    return [
        str(Path(sys.executable).parent / "granian"),
        *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--blocking-threads", "2", "--http", "1", "--no-ws", "--log-config", "granian-log.json"),
        *options,
        "wsgi:application",
    ]


def refused(command: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**CLEAN, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


WRONG = [
    ({}, "没有设 DATABASE_URL。"),
    ({"DATABASE_URL": "mysql://root:geheim@h/d"}, "DATABASE_URL 里的数据库 mysql 不支持"),
    ({"HUYING_PROFILE": "prod"}, "HUYING_PROFILE 只能是"),
    ({"HUYING_TOKEN_HOURS": "twelve"}, "HUYING_TOKEN_HOURS 应为数字，现在是 'twelve'。"),
    ({"HUYING_WEB_THREADS": "0"}, "HUYING_WEB_THREADS 至少为 1，不能是 0。"),
    ({"HUYING_PROFILE": "production", "DATABASE_URL": "sqlite:////nonexistent/x.db"}, "正式环境"),
    ({"DATABASE_URL": "sqlite:////nonexistent/x.db"}, "没有设 HUYING_KEYS。"),
    (
        {"DATABASE_URL": "sqlite:////nonexistent/x.db", "HUYING_KEYS": "/nonexistent/keyring"},
        "没有密钥文件 /nonexistent/keyring。",
    ),
]


@pytest.mark.parametrize(("environ", "told"), WRONG, ids=[told for _, told in WRONG])
def test_wrong_settings_refuse_both_processes_in_one_plain_line(environ: dict[str, str], told: str) -> None:
    worker = refused(WORKER, environ)
    web = refused(granian(free_port()), environ)

    assert worker.returncode != 0
    assert worker.stdout == ""
    assert worker.stderr.count("\n") == 1
    assert worker.stderr.startswith(f"后台进程没有启动：{told}")
    assert web.returncode != 0
    plain = [line for line in (web.stdout + web.stderr).splitlines() if not line.startswith("{")]
    assert len(plain) == 1
    assert plain[0].startswith(f"网页进程没有启动：{told}")


@pytest.mark.parametrize(("environ", "told"), WRONG, ids=[told for _, told in WRONG])
def test_a_server_that_respawns_its_workers_is_not_even_started(environ: dict[str, str], told: str) -> None:
    own = [sys.executable, "-m", "app.cli.local.web"]

    web = refused(own + granian(free_port(), "--workers", "2", "--respawn-failed-workers")[1:], environ)

    assert (web.returncode, web.stdout) == (1, "")
    assert web.stderr.count("\n") == 1
    assert web.stderr.startswith(f"网页进程没有启动：{told}")


@dataclass
class Service:
    """A process that serves, and what it has said so far."""

    process: "subprocess.Popen[bytes]"
    output: Path
    port: int = 0

    def lines(self) -> list[dict[str, Any]]:
        """Its events; fails when a line is not one JSON object."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def texts(self) -> list[str]:
        return [line["text"] for line in self.lines()]

    def ask(self, method: str, path: str, body: object = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def alive(self) -> bool:
        try:
            return self.ask("GET", "/healthz") == 200
        except OSError:
            return False


@contextmanager
def serving(command: list[str], output: Path, url: str, port: int = 0) -> Iterator[Service]:
    keys = output.with_name("keyring")
    keyring.make(keys)
    with output.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={
                **CLEAN,
                "DATABASE_URL": url,
                "HUYING_KEYS": str(keys),
                "HUYING_PROFILE": "test",
                "HUYING_TICK_SECONDS": "0.05",
            },
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Service(process, output, port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(40)


def test_the_web_process_says_what_to_run_and_logs_json_without_what_was_typed(
    empty: str, tmp_path: Path
) -> None:
    port = free_port()
    with serving(granian(port), tmp_path / "web.log", empty, port) as web:
        assert until(web.alive, 30), web.output.read_text()
        ready = web.ask("GET", "/readyz")
        failed = web.ask(
            "POST", "/api/v1/sessions", {"login": "canary13800138000", "password": "canary-word"}
        )

    written = web.output.read_text()
    assert (ready, failed) == (503, 500)
    assert any(text.endswith("请先运行 huying migrate。") for text in web.texts())
    broken = [line for line in web.lines() if line.get("text") == "a request failed"]
    assert len(broken) == 1
    assert broken[0]["error"] in ("OperationalError", "ProgrammingError")
    assert broken[0]["cause"] in ("OperationalError SQLITE_ERROR", "UndefinedTable 42P01")
    assert any("login" in place for place in broken[0]["where"])
    for leaked in ("canary", "[SQL", "parameters", "SELECT", "Traceback"):
        assert leaked not in written
    trial = empty.startswith("sqlite")
    assert (startup.TRIAL in web.texts()) == trial
    routes = {(line["route"], line["status"]) for line in web.lines() if line["logger"] == "huying.access"}
    assert ("/api/v1/sessions", 500) in routes


def test_the_worker_says_what_to_run_once_and_not_at_every_look(empty: str, tmp_path: Path) -> None:
    with serving(WORKER, tmp_path / "worker.log", empty) as worker:
        said = until(lambda: any("huying migrate" in text for text in worker.texts()), 30)
        until(lambda: False, 2)  # forty looks

    assert said, worker.output.read_text()
    assert sum("请先运行 huying migrate" in text for text in worker.texts()) == 1
    assert (startup.TRIAL in worker.texts()) == empty.startswith("sqlite")
