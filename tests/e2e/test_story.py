"""The README's story, pasted into a shell beside a running demo, word for word."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.local import greeting
from app.core.config import REPOSITORY

ORDERS = (REPOSITORY / "examples/work-orders.jsonl").read_text().splitlines()


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """`huying up` on a fresh folder: its address and the folder."""
    data = Path("/tmp") / f"huying-story-{os.getpid()}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("story") / "up.log"
    command = [sys.executable, "-m", "app.cli", "up", "--port", str(port), "--fresh"]
    with log.open("w") as out:
        launcher = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=out, stderr=out, env={**os.environ, "HUYING_DATA": str(data)}
        )
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 60
            while address not in log.read_text():
                assert launcher.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            yield address, data
        finally:
            launcher.send_signal(signal.SIGTERM)
            launcher.wait(timeout=40)
            subprocess.run(["rm", "-rf", str(data)], check=True)


@pytest.mark.launcher
def test_the_story_of_the_readme_works_when_it_is_pasted(demo: tuple[str, Path]) -> None:
    address, data = demo

    # Our own python3 first: a version manager's costs more than the story's two hundred calls of it.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    told = subprocess.run(
        ["bash"],
        input=greeting.story(address, data),
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    said = told.stdout.splitlines()
    assert told.stderr == ""
    assert len(ORDERS) == 50
    assert len({line for line in said[:50] if line.startswith("12345-")}) == 50
    assert said[50] == "claimed"
    assert said[51] == "已归档"
    assert said[52] == "待签收"
    assert said[-2:] == ["待派遣", "到时：无人签收"]
