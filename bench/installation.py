"""A whole installation of our own, as `huying up` starts it, to measure it or to break it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app import wire
from app.cli.local import folder, serving
from app.cli.local.accounts import service_account
from app.cli.local.children import Child, Children
from app.core import config, db
from app.identity import login, org


@dataclass
class Installation:
    """Running processes by name (postgresql, valkey, web, worker) and how to reach them."""

    wish: serving.Wish
    children: Children
    environ: Mapping[str, str]
    services: dict[str, Callable[[], Child]]
    folder: Path
    database: db.Database

    @property
    def address(self) -> tuple[str, int]:
        return self.wish.host, self.wish.port

    def child(self, name: str) -> Child:
        return next(child for child in self.children.all if child.name == name)

    def ready(self) -> None:
        """Waits until the web process answers."""
        self.children.wait_until(lambda: serving.answers(self.wish), watching=self.child("web"), seconds=60)

    def start(self, name: str) -> Child:
        return self.services[name]()

    def kill(self, name: str, number: int) -> None:
        """Sends a signal to one service's first process, waits for its end and forgets it."""
        child = self.child(name)
        child.process.send_signal(number)
        self.children.forget(child)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Lets this process look into the installation's database with the product's own code."""
        chosen = config.from_environment(self.environ)
        config.use(replace(chosen, profile="test"))
        db.use(self.database)
        try:
            yield
        finally:
            db.use(None)
            config.use(None)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far of each group of processes, and of this one, which is the clients."""
        groups = {"web": "web", "worker": "worker", "database": "postgresql"}
        found = {of: cpu_seconds(self.child(name).process.pid) for of, name in groups.items()}
        return {**found, "client": time.process_time()}

    def log(self, name: str) -> str:
        return (self.folder / "data" / "logs" / f"{name}.log").read_text(errors="replace")


@contextmanager
def installed(
    *,
    application: str = "wsgi:application",
    workers: int = 2,
    settings: Mapping[str, str] | None = None,
    like: Path | None = None,
) -> Iterator[Installation]:
    """Starts everything on a port, sockets and a database of its own; stops it in order at the end.

    `like` is a data folder that `prepared` left: its copy needs no tables and no demo any more.
    """
    root = Path(tempfile.mkdtemp(prefix="huying-own-", dir="/tmp"))
    root.chmod(0o755)  # the account of the servers must pass through it
    wish = _wish(root / "data", workers)
    if like is not None:
        subprocess.run(["cp", "-a", like, wish.data], check=True)  # the database's account keeps its files
    try:
        with _servers(wish, settings or {}) as (children, services, place, environ):
            if like is None:
                serving.prepare(wish, place, children, environ)
            services["worker"] = lambda: serving.start_worker(place, children, environ)
            services["web"] = lambda: serving.start_web(wish, place, children, environ, application)
            wire()
            database = db.Database(environ["DATABASE_URL"])
            made = Installation(wish, children, environ, services, root, database)
            services["worker"]()
            services["web"]()
            made.ready()
            yield made
            database.dispose()
            children.stop("web", "worker")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def prepared(data: Path) -> Path:
    """A data folder as the first start leaves it, demo included, and nothing that runs."""
    wish = _wish(data, 1)
    with _servers(wish, {}) as (children, _, place, environ):
        serving.prepare(wish, place, children, environ)
    return data


def _wish(data: Path, workers: int) -> serving.Wish:
    return serving.Wish(
        host="127.0.0.1",
        port=free_port(),
        data=data,
        fresh=False,
        workers=workers,
        demo=True,
        database_url=None,
        redis_url=None,
        stub=False,
        stub_every=60.0,
    )


@contextmanager
def _servers(
    wish: serving.Wish, settings: Mapping[str, str]
) -> Iterator[tuple[Children, dict[str, Callable[[], Child]], folder.Folder, dict[str, str]]]:
    account = service_account()
    with (
        folder.opened(wish.data, account, lambda: False) as place,
        Children(keep=[place.lock]) as children,
    ):
        services: dict[str, Callable[[], Child]] = {}
        environ = {**serving.variables(wish, place), **settings}
        sockets = folder.socket_folder(wish.data, account)
        environ |= serving.start_servers(wish, place, children, services, sockets)
        yield children, services, place, environ


def tokens(*logins: str) -> dict[str, str]:
    """A bearer token for each of these people of the demo district."""
    found = {}
    with db.transaction() as session:
        for name in logins:
            person = org.person_by_login(session, name)
            assert person is not None, name
            found[name] = login.token_for(session, person.id)[0]
    return found


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(root: int) -> list[int]:
    """A process and all that descend from it, as numbers."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(int(entry))) is not None:
            children.setdefault(int(stat[1]), []).append(int(entry))
    found = [root]
    for number in found:
        found += children.get(number, [])
    return found


def cpu_seconds(root: int) -> float:
    """CPU time of a process and its descendants so far, those that ended and were waited for included."""
    ticks = 0
    for number in tree(root):
        if (stat := _stat(number)) is not None:
            ticks += sum(int(stat[place]) for place in (11, 12, 13, 14))  # utime stime cutime cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(number: int) -> list[str] | None:
    try:
        # The name in brackets may itself hold blanks and brackets.
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
