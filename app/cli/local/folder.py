"""The one folder that keeps a local installation between runs, and the lock that keeps others out of it."""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.cli.local import LocalRefused, Stopped
from app.cli.local.accounts import Account, must_reach, own_folder
from app.core import clock

NAME = "demo"
MARK = "huying-data"
"""A file that says: this folder is ours, `--fresh` may empty it."""
RUNNING = "running.env"
"""How `huying …` in a second terminal reaches the servers of this run."""

WAIT_FOR_LAST_RUN = 40.0
"""Seconds; the web process may drain for 30."""


@dataclass(frozen=True)
class Folder:
    """The data folder: `path`, and `lock`, an open file that every child of the run holds too."""

    path: Path
    lock: int

    @property
    def postgresql(self) -> Path:
        return self.path / "postgresql"

    @property
    def stub(self) -> Path:
        """What played partners keep, made when asked for."""
        made = self.path / "stub"
        made.mkdir(mode=0o700, exist_ok=True)
        return made

    def log(self, name: str) -> Path:
        """A log file of this run, made empty; the last run's is kept beside it."""
        file = self.path / "logs" / f"{name}.log"
        if file.exists():
            file.replace(file.with_suffix(".log.1"))
        file.touch(mode=0o600)
        return file

    def secret(self) -> str:
        """The key that signs cursors, made once, so that a page link survives a restart."""
        file = self.path / "secret"
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_hex(32))
        return file.read_text().strip()

    def keyring(self) -> Path:
        """The keyring, made once. Without it what was sealed here can never be read again."""
        from app.crypto import keyring  # not at the top: every command looks into the folder, few seal

        file = self.path / "keyring"
        if not file.exists():
            keyring.make(file)
        return file

    def tell(self, variables: Mapping[str, str]) -> None:
        """Writes how other commands of this machine reach the running installation."""
        file = self.path / RUNNING
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))

    def empty(self) -> None:
        """Removes everything this product keeps here."""
        for name in ("postgresql", "logs", "files", "secret", "keyring", "stub", RUNNING):
            gone = self.path / name
            shutil.rmtree(gone) if gone.is_dir() else gone.unlink(missing_ok=True)


def chosen(given: str | None) -> Path:
    """HUYING_DATA, or a place that the service account can reach: not the checkout, not a private home."""
    if given:
        return Path(given).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/huying") / NAME
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "huying" / NAME


@contextmanager
def opened(path: Path, account: Account | None, stopping: Callable[[], bool]) -> Iterator[Folder]:
    """Takes the folder for this run. Its lock ends with the last process of a run, so the next one waits."""
    try:
        must_reach(path, account)
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        must_reach(path / "postgresql", account)
        mark = path / MARK
        if not mark.exists():
            if any(path.iterdir()):
                raise LocalRefused(f"数据目录 {path} 里有别的东西；请用 HUYING_DATA 指定一个空目录。")
            mark.write_text("呼应 Huying 的本机数据。huying up --fresh 会清空它。\n")
        (path / "logs").mkdir(mode=0o700, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        why = f"数据目录 {path} 不能使用：{error.strerror}；请用 HUYING_DATA 指定别处。"
        raise LocalRefused(why) from error
    try:
        _lock(lock, path, stopping)
        try:
            (path / "logs").mkdir(mode=0o700, exist_ok=True)
            sign(lock)
            yield Folder(path, lock)
        finally:
            (path / RUNNING).unlink(missing_ok=True)  # ours alone: whoever is refused here leaves it standing
    finally:
        os.close(lock)


def _lock(lock: int, path: Path, stopping: Callable[[], bool]) -> None:
    end = clock.monotonic() + WAIT_FOR_LAST_RUN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if _launcher(lock) or clock.monotonic() > end:
                raise LocalRefused(
                    f"数据目录 {path} 正被另一个呼应使用；请先停掉它，或用 HUYING_DATA 指定别处。"
                ) from None
        if stopping():
            raise Stopped
        clock.sleep(0.1)


def sign(lock: int) -> None:
    """Writes who runs on this folder, so that a second launcher need not wait to be refused."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def running(path: Path) -> dict[str, str]:
    """The variables of the installation that runs on this folder now; none when nothing runs."""
    try:
        with (path / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return {}  # the lock was free: whatever stands there is left from a run that was killed
    except BlockingIOError:
        pass
    except OSError:
        return {}
    try:
        lines = (path / RUNNING).read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _launcher(lock: int) -> bool:
    """Whether the launcher that signed the lock still lives (its children may need a moment longer)."""
    try:
        words = Path(f"/proc/{int(os.pread(lock, 20, 0))}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    return b"up" in words


@contextmanager
def sockets_of(path: Path, account: Account | None) -> Iterator[Path]:
    """The folder of the sockets, for as long as the servers run."""
    folder = socket_folder(path, account)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def socket_folder(path: Path, account: Account | None) -> Path:
    """A short folder of mode 700 for the sockets of this data folder: their paths have at most 107 bytes."""
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:10]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() == 0:
        base = Path("/run/huying") if os.access("/run", os.W_OK) else Path("/tmp/huying")
        base.mkdir(mode=0o755, exist_ok=True)
        if base.stat().st_uid != 0:
            raise LocalRefused(f"{base} 不属于 root，拒绝使用；请先移走它。")
        must_reach(base / name, account)
        return own_folder(base / name, account)
    if runtime and len(runtime) < 60 and os.access(runtime, os.W_OK):
        return own_folder(Path(runtime) / f"huying-{name}", account)
    return own_folder(Path(f"/tmp/huying-{os.getuid()}-{name}"), account)
