"""A real `huying up` for tests: started, watched, and every process it ever had accounted for."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.core.config import REPOSITORY

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("HUYING_", "PYTEST_")) and name not in ("DATABASE_URL", "REDIS_URL")
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def data_folder() -> Path:
    """A folder that the account of the database can reach (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="huying-up-", dir="/tmp"))
    folder.chmod(0o755)
    return folder / "data"


def until(done: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether `done` came true in time."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was only not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found: set[int] = set()
    front = {pid}
    while front:
        front = {child for child, parent in parents.items() if parent in front} - found
        found |= front
    return found


def run_command(*words: str, data: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """`huying …` in a second terminal beside the launcher."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        env={**CLEAN, "HUYING_DATA": str(data), "PYTHONPATH": str(REPOSITORY), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Launcher:
    """`huying up` on one data folder; `stop` returns its exit code and asserts nothing by itself."""

    data: Path
    environ: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    seen: set[int] = field(default_factory=set)

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def _output(self) -> Path:
        return self.data.parent / "output.txt"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *options: str) -> "Launcher":
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "up", "--port", str(self.port), "--workers", "1", *options],
                cwd=REPOSITORY,
                env={**CLEAN, "HUYING_DATA": str(self.data), **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # as a terminal does: Ctrl-C goes to this group
            )
        ready = until(lambda: "呼应已启动" in self.output or not alive(self.pid), 90)
        assert ready, self.output
        assert "呼应已启动" in self.output, self.output
        self.look()
        return self

    def look(self) -> None:
        """Remembers every process there is now."""
        self.seen |= descendants(self.pid)

    def named(self, part: str) -> list[int]:
        """Our processes whose name or command line has `part` in it."""
        self.look()
        return [pid for pid in sorted(self.seen) if alive(pid) and part in _words(pid)]

    def send(self, number: int, *, group: bool = False) -> None:
        self.look()
        (os.killpg if group else os.kill)(self.pid, number)

    def wait(self, seconds: float = 45) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.send(number)
        return self.wait()

    def left(self) -> list[str]:
        """The command lines of those that still run, by number or by naming our folder."""
        mine = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        named = {pid for pid in mine if str(self.data) in _words(pid)}
        return [f"{pid} {_words(pid)}" for pid in sorted(self.seen | named) if alive(pid)]

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def sign_in(self, login: str, password: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            body = json.dumps({"login": login, "password": password})
            connection.request("POST", "/api/v1/sessions", body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()

    def remove(self) -> None:
        """Ends what is left and deletes the folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        until(lambda: not self.left(), 40)
        shutil.rmtree(self.data.parent, ignore_errors=True)


def _words(pid: int) -> str:
    """Its name and its command line."""
    place = Path(f"/proc/{pid}")
    try:
        words = (place / "comm").read_bytes() + (place / "cmdline").read_bytes()
        return words.replace(b"\0", b" ").replace(b"\n", b" ").decode(errors="replace")
    except OSError:
        return ""
