"""Databases for the tests: one PostgreSQL and one Valkey per run, a clone per worker, clean rows per test.

A test that asks for `database` runs on SQLite and on PostgreSQL; `sqlite` or `postgresql` choose one.
The servers come from the wheels of the extra `local`, are started by the first process of the run (pytest, or
the controller of its workers) when somebody needs them, and die with it.
"""

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from app.audit import streams
from app.cli import db as migrations
from app.cli.local import LocalRefused, servers
from app.cli.local.accounts import own_folder, service_account
from app.cli.local.children import Children
from app.core import config, db
from app.crypto import data_keys, keyring

TEMPLATE = "huying_template"
MEMORY = Path("/dev/shm")
"""Where a file that is made anew for each test costs no disk."""


@dataclass(frozen=True)
class Run:
    """What one test run shares: the folder of the sockets, an empty, migrated SQLite file, a keyring."""

    sockets: Path
    sqlite: Path
    keys: Path


class Servers:
    """Starts the servers of a run once, and removes what they left."""

    def __init__(self) -> None:
        self.children = Children()
        self.folder: Path | None = None
        self.run: Run | None = None

    def started(self) -> Run:
        if self.run is None:
            try:
                self.run = self._start()
            except LocalRefused as error:
                self.stop()
                pytest.exit(f"测试所需的数据库没有启动：{error}", returncode=3)
        return self.run

    def _start(self) -> Run:
        account = service_account()
        found = servers.programs(account)
        self.folder = folder = Path(tempfile.mkdtemp(prefix="huying-test-", dir="/tmp"))
        folder.chmod(0o755)  # the account of the servers must pass through it
        sockets = own_folder(folder / "s", account)
        servers.start_postgresql(
            self.children,
            found,
            data=folder / "pg",
            sockets=sockets,
            account=account,
            log=folder / "postgresql.log",
            settings=(*servers.FLEETING, "autovacuum=off"),
        )
        servers.start_valkey(
            self.children, found, sockets=sockets, account=account, log=folder / "valkey.log"
        )
        servers.create_database(sockets, TEMPLATE)
        run = Run(sockets, folder / "template.db", folder / "keyring")
        keyring.make(run.keys)
        for url in (servers.database_url(sockets, TEMPLATE), f"sqlite:///{run.sqlite}"):
            migrations.upgrade(url)
        return run

    def stop(self) -> None:
        self.children.stop()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


SERVERS = pytest.StashKey[Servers]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only", choices=["sqlite", "postgresql"], help="run the tests of `database` on this database alone"
    )
    parser.addoption("--examples", type=int, default=8, help="requests to each operation in tests/fuzz")
    parser.addoption("--seed", type=int, default=1, help="where tests/fuzz begins")


class Names:
    """Says the name of a test as soon as it fails: the summary comes minutes later."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        screen = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and screen is not None and self.config.option.verbose <= 0:
            screen.write_line(f"\nFAILED {report.nodeid}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until all is collected
    config.stash[SERVERS] = Servers()
    config.pluginmanager.register(Names(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hands the servers to a worker of pytest-xdist."""
    run = node.config.stash[SERVERS].started()
    node.workerinput["huying"] = (str(run.sockets), str(run.sqlite), str(run.keys))


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        only = metafunc.config.getoption("--only")
        metafunc.parametrize("dialect", [only] if only else ["sqlite", "postgresql"], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests begin first: at the end one worker would wait for the other's."""
    items.sort(key=lambda item: not any(item.iter_markers("launcher")) and not any(item.iter_markers("long")))


def pytest_collection_finish() -> None:
    """What was loaded and collected stays till the end: the collector need not look at it over and over."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The servers of this run; starts them when nobody has."""
    given = getattr(request.config, "workerinput", {}).get("huying")
    return Run(*map(Path, given)) if given else request.config.stash[SERVERS].started()


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "gw0")


@pytest.fixture(scope="session")
def data_like(run: Run) -> Path:
    """The data folder of a house as its first start leaves it, for `installed(like=…)`: made once a run."""
    from bench.installation import prepared

    folder = run.sqlite.parent / "like"
    with (run.sqlite.parent / "like.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder if folder.exists() else prepared(folder)


@dataclass
class Clone:
    """This worker's PostgreSQL database, and the rows it has when nothing has happened yet."""

    database: db.Database
    plain: psycopg.Connection[Any]
    tables: list[str]
    seeds: dict[str, list[tuple[Any, ...]]]
    cleaned: int = 0

    def clean(self) -> None:
        """Brings every table back to the rows that the migrations left; the schema stays."""
        # Deleting from the few tables a test filled takes a tenth of truncating all.
        filled = " union all ".join(
            f"select '{name}' where exists (select 1 from \"{name}\")" for name in self.tables
        )
        for (name,) in self.plain.execute(filled).fetchall():
            self.plain.execute(f'delete from "{name}"')
        self.cleaned += 1
        if self.cleaned % 100 == 0:  # what lies dead in a table is passed by every statement that looks there
            self.plain.execute("vacuum " + ", ".join(f'"{name}"' for name in self.tables))
        for name in self.tables:
            for row in self.seeds.get(name, ()):
                places = ", ".join(["%s"] * len(row))
                self.plain.execute(f'insert into "{name}" values ({places})', row)


@pytest.fixture(scope="session")
def clone(run: Run, worker_id: str) -> Iterator[Clone]:
    name = f"t_{worker_id}"
    dsn = f"host={run.sockets} user={servers.USER} dbname={{}}"
    with psycopg.connect(dsn.format("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}" template "{TEMPLATE}"')
    with psycopg.connect(dsn.format(name), autocommit=True) as plain:
        # Foreign keys and append-only triggers sleep for this connection; a forgotten transaction is named.
        plain.execute("set session_replication_role = replica")
        plain.execute("set lock_timeout = '5s'")
        named = plain.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        tables = [table for (table,) in named if table != "alembic_version"]
        seeds = {table: plain.execute(f'select * from "{table}"').fetchall() for table in tables}
        database = db.Database(servers.database_url(run.sockets, name))
        yield Clone(database, plain, tables, seeds)
        database.dispose()


@pytest.fixture(scope="session")
def sqlite_file() -> Iterator[db.Database]:
    """This worker's SQLite database: one, because a new engine would compile every statement anew."""
    with tempfile.TemporaryDirectory(
        prefix="huying-test-", dir=MEMORY if MEMORY.is_dir() else None
    ) as folder:
        yield from _sqlite_in(Path(folder) / "huying.db")


def _sqlite_in(file: Path) -> Iterator[db.Database]:
    database = db.Database(f"sqlite:///{file}")
    for engine in (database.writing, database.only_reading):
        event.listen(engine, "connect", _fleeting)
    yield database
    database.dispose()


def _fleeting(connection: Any, _: Any) -> None:
    """What a test run throws away need not reach the disk."""
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def sqlite(sqlite_file: db.Database, run: Run) -> Iterator[db.Database]:
    """This worker's SQLite database, fresh, chosen as the database of this process."""
    file = Path(sqlite_file.url.removeprefix("sqlite:///"))
    for name in (file, *file.parent.glob("huying.db-*")):
        name.unlink(missing_ok=True)
    shutil.copy(run.sqlite, file)
    with _chosen(sqlite_file, run.keys):
        yield sqlite_file
    sqlite_file.dispose()


@pytest.fixture
def postgresql(clone: Clone, run: Run) -> Iterator[db.Database]:
    """This worker's PostgreSQL database, clean, chosen as the database of this process."""
    clone.clean()
    with _chosen(clone.database, run.keys):
        yield clone.database


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest) -> db.Database:
    """A clean database of either kind, chosen as the database of this process."""
    return request.getfixturevalue(dialect)  # type: ignore[no-any-return]


@pytest.fixture
def shelf(database: db.Database, tmp_path: Path) -> Iterator[Path]:
    """The folder where attachments of this test lie."""
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    yield tmp_path / "files"
    config.use(before)


@pytest.fixture
def valkey(run: Run, worker_id: str) -> Iterator[str]:
    """The URL of this worker's own, empty Valkey database; `settings().redis_url` names it meanwhile."""
    from redis import Redis

    number = int("".join(filter(str.isdigit, worker_id)) or 0) % 16
    url = servers.redis_url(run.sockets).replace("db=0", f"db={number}")
    with Redis.from_url(url) as redis:
        redis.flushdb()
        before = config.settings()
        config.use(replace(before, redis_url=url))
        yield url
        config.use(before)


@contextmanager
def _chosen(database: db.Database, keys: Path) -> Iterator[None]:
    """Makes a database the one of this process, with the settings that belong to it."""
    config.use(config.Settings(profile="test", database_url=database.url, keys=keys))
    db.use(database)
    data_keys.forget()  # the rows of an earlier test's keys are gone
    streams._waiting.set(())  # what a refusal in an earlier test left for a request that never came
    try:
        yield
    finally:
        db.use(None)
        config.use(None)


os.environ.pop("DATABASE_URL", None)  # a test never touches the database of whoever runs it
os.environ.pop("REDIS_URL", None)
