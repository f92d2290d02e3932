"""What differs between databases, and only here: now, locks, upserts, and what an error means."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from app.core.types import Instant


class instant_now(FunctionElement[Any]):
    """The database's clock at the moment the row is produced, as an Instant."""

    inherit_cache = True
    type = Instant()
    name = "instant_now"


@compiles(instant_now, "postgresql")
def _now_postgresql(element: Any, compiler: Any, **_: Any) -> str:
    # now() is the start of the transaction, before any wait for a lock.
    return "timezone('UTC', clock_timestamp())"


@compiles(instant_now, "sqlite")
def _now_sqlite(element: Any, compiler: Any, **_: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


def locked(statement: Select[Any], *, skip: bool = False) -> Select[Any]:
    """The same rows, locked until the end of the transaction (SQLite has one writer and needs no word)."""
    return statement.with_for_update(skip_locked=skip)


@cache
def insert_ignore(dialect: str, table: Table) -> Any:
    """INSERT that leaves a row alone which is already there; `rowcount` tells whether it was new."""
    # Without the option the count of an INSERT on PostgreSQL is -1: "new" each time.
    return _insert(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def upsert(dialect: str, table: Table, keys: Sequence[str]) -> Any:
    """INSERT that overwrites the other columns of a row with the same keys."""
    insert = _insert(dialect, table)
    rest = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
    return insert.on_conflict_do_update(index_elements=list(keys), set_=rest)


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


_BUSY = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialization failure


def is_busy(error: Exception) -> bool:
    """Whether somebody else held what we wanted: trying again may help."""
    if not isinstance(error, DBAPIError):
        return False
    return _sqlstate(error) in _BUSY or "database is locked" in str(error.orig)


def is_lost(error: Exception) -> bool:
    """Whether the connection or the server went away."""
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    unreachable = isinstance(error, OperationalError) and state is None and "sqlite" not in _module(error)
    return error.connection_invalidated or unreachable or (state or "").startswith(("08", "57P"))


def is_full(error: Exception) -> bool:
    """Whether the disk is full."""
    return isinstance(error, DBAPIError) and (
        _sqlstate(error) == "53100" or "database or disk is full" in str(error.orig)
    )


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _module(error: DBAPIError) -> str:
    return type(error.orig).__module__


def append_only(dialect: str, table: str) -> list[str]:
    """DDL that lets rows of a table be added and read, never changed or deleted, whoever asks."""
    if dialect == "postgresql":
        return [
            "create or replace function huying_append_only() returns trigger language plpgsql as "
            "$$ begin "
            "raise exception using message = 'rows of ' || tg_table_name || ' are append-only'; "
            "end $$",
            f"create trigger {table}_rows before update or delete on {table} "
            "for each row execute function huying_append_only()",
            f"create trigger {table}_whole before truncate on {table} "
            "for each statement execute function huying_append_only()",
        ]
    return [
        f"create trigger {table}_{act} before {act} on {table} "
        f"begin select raise(abort, 'rows of {table} are append-only'); end"
        for act in ("update", "delete")
    ]
