"""What `huying up` starts and with which settings: servers, tables, web processes, the worker."""

import http.client
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.cli.local import folder, greeting, servers
from app.cli.local.accounts import service_account
from app.cli.local.children import Child, Children
from app.cli.local.played import Played
from app.core.config import REPOSITORY, from_environment

DRAIN = 30
"""Seconds a web process or a worker may take to finish what it began."""


@dataclass(frozen=True)
class Wish:
    """What the command line and the environment ask for."""

    host: str
    port: int
    data: Path
    fresh: bool
    workers: int
    demo: bool | None
    database_url: str | None
    redis_url: str | None
    stub: bool | None = None
    stub_every: float = 60.0

    @property
    def local(self) -> bool:
        """Whether we start PostgreSQL and Valkey ourselves."""
        return self.database_url is None

    @property
    def trial(self) -> bool:
        return (self.database_url or "").startswith("sqlite")

    @property
    def with_demo(self) -> bool:
        """Known passwords go into a database of our own, into another one only when asked for."""
        return self.local or self.trial if self.demo is None else self.demo

    @property
    def with_stub(self) -> bool:
        """The played partners belong to the demo; whoever names other systems wants no played ones."""
        return self.with_demo and not os.environ.get("HUYING_CONNECTORS") if self.stub is None else self.stub

    @property
    def address(self) -> str:
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{shown}:{self.port}"


def variables(wish: Wish, place: folder.Folder, played: Played | None = None) -> dict[str, str]:
    """The environment of our own processes."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GRANIAN_"))}
    if "HUYING_SECRET" not in environ:
        environ["HUYING_SECRET"] = place.secret()
    if "HUYING_KEYS" not in environ:
        environ["HUYING_KEYS"] = str(place.keyring())
    environ.setdefault("HUYING_FILES", str(place.path / "files"))
    environ.setdefault("HUYING_PROFILE", "trial" if wish.trial else "demo")
    if wish.host not in ("127.0.0.1", "localhost", "0.0.0.0", "::"):
        known = environ.get("HUYING_HOSTS", "127.0.0.1,localhost,[::1]")
        environ["HUYING_HOSTS"] = f"{known},{wish.host}"
    if wish.database_url:
        environ["DATABASE_URL"] = wish.database_url
    environ |= {"HUYING_TIED": "1", "PYTHONUNBUFFERED": "1"}
    if played is not None:
        environ["HUYING_CONNECTORS"] = played.connectors()
    from_environment(environ)  # a wrong setting is refused here, in one line, not in four processes
    return environ


def start_servers(
    wish: Wish,
    place: folder.Folder,
    children: Children,
    services: dict[str, Callable[[], Child]],
    sockets: Path,
) -> dict[str, str]:
    """PostgreSQL and, unless REDIS_URL names another, Valkey; returns how to reach them."""
    account = service_account()
    found = servers.programs(account)
    log = place.log("postgresql")
    services["postgresql"] = lambda: servers.start_postgresql(
        children, found, data=place.postgresql, sockets=sockets, account=account, log=log
    )
    services["postgresql"]()
    servers.create_database(sockets, "huying")
    told = {"DATABASE_URL": servers.database_url(sockets, "huying")}
    if wish.redis_url is None:
        valkey_log = place.log("valkey")
        services["valkey"] = lambda: servers.start_valkey(
            children, found, sockets=sockets, account=account, log=valkey_log
        )
        services["valkey"]()
        told["REDIS_URL"] = servers.redis_url(sockets)
    return told


def prepare(wish: Wish, place: folder.Folder, children: Children, environ: dict[str, str]) -> tuple[str, ...]:
    """Brings the tables up to date, loads the demo where wanted; returns what a person should know."""
    log = place.log("prepare")
    step = ["demo", "load"] if wish.with_demo else ["migrate"]
    children.run(
        "准备数据库",
        [sys.executable, "-m", "app.cli", *step],
        environ=environ,
        cwd=REPOSITORY,
        log=log,
    )
    return tuple(line for line in log.read_text().splitlines() if line.startswith(greeting.NOTE))


def start_web(
    wish: Wish,
    place: folder.Folder,
    children: Children,
    environ: dict[str, str],
    application: str = "wsgi:application",
) -> Child:
    """granian: one process per core, four requests at work in each; a body that never ends is the proxy's."""
    options = {
        "--interface": "wsgi",
        "--host": wish.host,
        "--port": str(wish.port),
        "--workers": str(wish.workers),
        "--blocking-threads": str(from_environment(environ).server_threads),
        "--http": "1",
        "--workers-kill-timeout": f"{DRAIN}s",
        "--log-level": "warning",
        "--log-config": str(REPOSITORY / "granian-log.json"),
    }
    return children.start(
        "web",
        [
            *(sys.executable, "-m", "app.cli.local.web", "--no-ws", "--respawn-failed-workers"),
            *(word for option in options.items() for word in option),
            application,
        ],
        environ=environ,
        cwd=REPOSITORY,
        seconds=DRAIN + 5,
        log=place.log("web"),
    )


def start_worker(place: folder.Folder, children: Children, environ: dict[str, str]) -> Child:
    return children.start(
        "worker",
        [sys.executable, "worker.py"],
        environ=environ,
        cwd=REPOSITORY,
        seconds=DRAIN + 5,
        log=place.log("worker"),
    )


def answers(wish: Wish) -> bool:
    """Whether the web process answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(wish.host, wish.host)
    connection = http.client.HTTPConnection(host, wish.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
