"""Child processes that never outlive us: tied by a death signal, in one group, every one waited for."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.cli.local import LocalRefused, Stopped
from app.cli.local.accounts import Account
from app.cli.local.tie import die_with_parent
from app.core import clock

TICK = 0.05


@dataclass
class Child:
    """One running child: how it is asked to stop, how long it may take, where it writes."""

    name: str
    process: "subprocess.Popen[bytes]"
    signal: int
    seconds: float
    log: Path | None
    asked: bool = False

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for the person who has to find out why it stopped."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Children:
    """The children of this process. Start them from the main thread: the death signal follows the thread."""

    def __init__(self, keep: Sequence[int] = (), stopping: Callable[[], bool] = lambda: False) -> None:
        """`keep`: open files every child holds too."""
        self.keep = tuple(keep)
        self.stopping = stopping
        self.all: list[Child] = []
        self._group = 0

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        environ: Mapping[str, str],
        cwd: str | os.PathLike[str] = "/",
        account: Account | None = None,
        stop: int = signal.SIGTERM,
        seconds: float = 10.0,
        log: Path | None = None,
    ) -> Child:
        """Starts one child; `account` is whom it runs as, `stop` the signal that ends it in order."""
        who: dict[str, Any] = {}
        if account is not None:
            who = {"user": account.uid, "group": account.gid, "extra_groups": []}
        try:
            with (log or Path(os.devnull)).open("ab") as output:
                process = subprocess.Popen(
                    [os.fspath(part) for part in argv],
                    cwd=cwd,
                    env=dict(environ),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=self.keep,
                    process_group=self._group_now(),
                    # Runs after the switch of account, which would clear the death signal.
                    preexec_fn=partial(die_with_parent, os.getpid(), stop),
                    **who,
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalRefused(f"{name} 无法启动：{error}") from error
        child = Child(name, process, stop, seconds, log)
        if not self._group:
            self._group = process.pid
        self.all.append(child)
        return child

    def run(self, name: str, argv: Sequence[str | Path], **how: Any) -> None:
        """Starts a child and waits for its end; a failure is LocalRefused with its last words."""
        child = self.start(name, argv, **how)
        self.wait_until(lambda: not child.running)
        self.all.remove(child)
        if child.process.returncode:
            words = child.last_words()
            raise LocalRefused(f"{name}失败：{words}" if "\n" not in words else f"{name}失败：\n{words}")

    def wait_until(
        self, done: Callable[[], bool], *, watching: Child | None = None, seconds: float = 120
    ) -> None:
        """Waits for `done`. Raises Stopped when we are asked to stop, LocalRefused when `watching` ends."""
        end = clock.monotonic() + seconds
        while not done():
            if self.stopping():
                raise Stopped
            if watching is not None and not watching.running:
                raise LocalRefused(f"{watching.name} 启动后随即退出，日志末尾：\n{watching.last_words()}")
            if clock.monotonic() > end:
                what = watching.name if watching else "启动步骤"
                raise LocalRefused(f"{what} 在 {seconds:.0f} 秒内没有就绪。")
            clock.sleep(TICK)

    def ended(self) -> Child | None:
        """A child that ended although nobody asked it to."""
        return next((child for child in self.all if not child.running), None)

    def forget(self, child: Child) -> None:
        """Drops a child that has ended, so that it can be started again."""
        child.process.wait()
        self.all.remove(child)

    def stop(self, *names: str, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stops the named children, or all of them newest first, and waits for each.

        A child that does not end in its time, or any child once `hurry` says so, is killed.
        """
        for child in [c for c in reversed(self.all) if not names or c.name in names]:
            if names:
                _ask(child)  # together: the web process and the worker drain at the same time
        for child in [c for c in reversed(self.all) if not names or c.name in names]:
            _ask(child)
            end = clock.monotonic() + child.seconds
            while child.running and clock.monotonic() < end and not hurry():
                clock.sleep(TICK)
            if child.running:
                child.process.kill()
            child.process.wait()
            self.all.remove(child)
        if not self.all and self._group:
            try:
                os.killpg(self._group, signal.SIGKILL)  # a grandchild whose parent was killed
            except (ProcessLookupError, PermissionError):
                pass  # the group is empty, as it should be
            self._group = 0

    def _group_now(self) -> int:
        """The group to join; 0 founds one (the first child, or after all of the group have ended)."""
        if self._group:
            try:
                os.killpg(self._group, 0)
            except ProcessLookupError:
                self._group = 0
            except PermissionError:
                pass  # it exists under another account
        return self._group


def _ask(child: Child) -> None:
    """Once: granian's handler, met by a second signal while it runs, waits for itself for ever."""
    if child.running and not child.asked:
        child.asked = True
        child.process.send_signal(child.signal)
