"""Children end with us, however we end, and from their first moment on."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.cli.local import LocalRefused
from app.cli.local.children import Children
from app.core.config import REPOSITORY
from tests.cli.launcher import alive, until


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def test_a_killed_parent_takes_its_children_along() -> None:
    code = """
        import os, sys, time
        from app.cli.local.children import Children
        children = Children()
        child = children.start("sleeper", ["sleep", "60"], environ=os.environ)
        print(child.process.pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(python(code), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        sleeper = int(parent.stdout.readline())
        before = alive(sleeper)

        parent.kill()

    assert before
    assert until(lambda: not alive(sleeper), 5)


def ignored(pid: int) -> int:
    """The signals that a process ignores, a bit each."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("SigIgn:")[2].split()[0], 16)


def test_a_child_that_will_not_end_is_killed_after_its_time() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    children = Children()
    child = children.start("stubborn", python(stubborn), environ=os.environ, seconds=0.3)
    assert until(lambda: bool(ignored(child.process.pid) & 1 << signal.SIGTERM - 1), 5)

    children.stop()

    assert child.process.returncode == -signal.SIGKILL
    assert children.all == []


def test_a_step_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "step.log"

    with Children() as children, pytest.raises(LocalRefused, match="磁盘已满"):
        children.run("准备", python("print('磁盘已满'); raise SystemExit(3)"), environ=os.environ, log=log)


def test_a_program_that_is_not_there_is_told_in_one_line() -> None:
    with Children() as children, pytest.raises(LocalRefused, match="无法启动"):
        children.start("nothing", ["/no/such/program"], environ=os.environ)


def test_a_worker_of_the_web_server_can_be_stopped_from_its_first_moment_on() -> None:
    code = """
        import os, signal, time
        from app.cli.local.web import born_stoppable
        signal.signal(signal.SIGTERM, lambda *_: None)  # as the server does: a flag of its own
        born_stoppable()
        for _ in range(200):
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(0)
            os.kill(child, signal.SIGTERM)
            status = os.waitpid(child, 0)[1]
            assert os.WIFSIGNALED(status), status
        os.kill(os.getpid(), signal.SIGTERM)  # the server itself keeps its handler
        print("alive")
    """

    done = subprocess.run(
        python(code), cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "alive\n", done.stderr


def test_a_child_is_asked_once_to_end(tmp_path: Path) -> None:
    counting = f"""
        import signal, time
        asked = []
        signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
        open({str(tmp_path / "ready")!r}, "w")
        while not asked:
            time.sleep(0.01)
        time.sleep(0.2)
        open({str(tmp_path / "asked")!r}, "w").write(str(len(asked)))
    """
    children = Children()
    children.start("counting", python(counting), environ=os.environ)
    assert until((tmp_path / "ready").exists, 10)

    children.stop("counting")

    assert (tmp_path / "asked").read_text() == "1"
