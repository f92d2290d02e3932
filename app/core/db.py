"""Transactions: one per use case, nothing beneath it commits, effects wait for the commit."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    MetaData,
    Select,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import Engine

from app.core import schema, together
from app.core.config import settings
from app.core.errors import DatabaseUnavailable
from app.core.types import Id, Instant, Json

__all__ = [
    "Database",
    "Id",
    "Instant",
    "Json",
    "Session",
    "current",
    "metadata",
    "reading",
    "transaction",
    "use",
]

log = logging.getLogger("huying.db")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

system_state = Table(
    "system_state",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)

LOCK_TIMEOUT = 1.0
"""Seconds a statement waits for a row; cases/advance.py tries again within its own budget."""


class Session:
    """One transaction: a connection, and what waits for its commit."""

    __slots__ = ("_after", "_writes", "connection", "dialect", "only_reads")

    def __init__(self, connection: Connection, *, only_reads: bool = False) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self.only_reads = only_reads
        self._after: list[Callable[[], None]] = []
        self._writes = together.Writes(connection)

    def execute(
        self, statement: Any, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        if self.only_reads and getattr(statement, "is_dml", False):
            raise RuntimeError("reading() does not write: open a transaction()")
        self._writes.send()
        return self.connection.execute(statement, parameters)

    def scalar(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        self._writes.send()
        return self.connection.execute(statement, parameters).scalar()

    def write(
        self,
        statement: Any,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        missed: Exception | None = None,
    ) -> None:
        """A write whose outcome nobody waits for: sent with its neighbours, before anything is asked and
        before the commit. `missed` is raised then unless it met one row. The statement should be made once.
        """
        rows = [parameters] if isinstance(parameters, Mapping) else parameters
        if self.dialect == "postgresql":
            self._writes.add(statement, rows, missed)
        elif self.connection.execute(statement, parameters).rowcount != 1 and missed is not None:
            raise missed

    def ask(self, *questions: tuple[Select[Any], Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
        """Several questions in one round trip: the rows that each finds. Each should be made once."""
        if self.dialect == "postgresql":
            self._writes.send()
            return together.ask(self.connection, questions)
        return [
            [dict(row) for row in self.connection.execute(question, values).mappings()]
            for question, values in questions
        ]

    def send(self) -> None:
        """Sends what waits to be written."""
        self._writes.send()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Runs `action` once the rows are safe; its failure harms nobody (a sweep does the same later)."""
        self._after.append(action)


class Database:
    """One database: the engine that writes and the one that only reads."""

    def __init__(self, url: str, *, pool: int | None = None) -> None:
        self.url = url
        if url.startswith("sqlite"):
            self.writing = _sqlite(url, "BEGIN IMMEDIATE")
            self.only_reading = _sqlite(url, "BEGIN")
        else:
            self.writing = self.only_reading = _postgresql(url, pool or settings().web_threads)

    def dispose(self) -> None:
        self.writing.dispose()
        self.only_reading.dispose()


def _sqlite(url: str, begin: str) -> Engine:
    connect = {"timeout": 3.0, "check_same_thread": False}
    engine = create_engine(url, hide_parameters=True, connect_args=connect)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we send BEGIN ourselves: a deferred one deadlocks under load
        for pragma in ("journal_mode=WAL", "busy_timeout=3000", "foreign_keys=on", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: str, pool: int) -> Engine:
    timeouts = f"-c lock_timeout={int(LOCK_TIMEOUT * 1000)} -c idle_in_transaction_session_timeout=30000"
    return create_engine(
        url,
        hide_parameters=True,  # an error's text must not carry what people typed, wherever it is printed
        pool_size=pool,
        max_overflow=2,
        pool_timeout=5,
        connect_args={"options": f"{timeouts} -c statement_timeout=5000", "connect_timeout": 5},
    )


_databases: list[Database] = []
_open: ContextVar[bool] = ContextVar("huying_transaction_open", default=False)


def use(database: Database | None) -> None:
    """Chooses the database of this process; None lets the settings choose again."""
    _databases.clear()
    if database is not None:
        _databases.append(database)


def current() -> Database:
    if not _databases:
        _databases.append(Database(settings().database()))
    return _databases[0]


@contextmanager
def transaction() -> Iterator[Session]:
    """The one transaction of a use case: commits at the end, rolls back on any exception."""
    if _open.get():
        raise RuntimeError("a transaction is already open: the use case above this call owns it")
    mark = _open.set(True)
    try:
        with current().writing.begin() as connection:
            session = Session(connection)
            yield session
            session.send()
    finally:
        _open.reset(mark)
    for action in session._after:
        try:
            action()
        except Exception:  # the rows are committed: what follows may only be late, never fail the answer
            log.exception("an action after the commit failed")


def is_open() -> bool:
    """Whether a transaction of this thread is open: who must write beside it has to wait."""
    return _open.get()


@contextmanager
def reading(*, snapshot: bool = False) -> Iterator[Session]:
    """A transaction that only reads; it never waits for a writer.

    With `snapshot` all its statements see one moment, whatever is written meanwhile.
    """
    engine = current().only_reading
    if snapshot and engine.dialect.name == "postgresql":  # SQLite's reading is one already
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    # Ended by COMMIT: after a ROLLBACK psycopg forgets its prepared statements, and all are planned anew.
    with engine.begin() as connection:
        yield Session(connection, only_reads=True)


def ready() -> schema.State:
    """The state of the database's shape. Raises DatabaseUnavailable unless the database answers."""
    try:
        with reading() as session:
            return schema.state(schema.version(session.connection))
    except Exception as error:
        raise DatabaseUnavailable from error
