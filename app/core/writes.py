"""Writes whose outcome nobody waits for: PostgreSQL is sent many of them at once, in one round trip.

SQLAlchemy says what is written and in which types. It has no way to send without waiting for each answer,
so the text it makes goes to the driver's pipeline as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Text:
    """A statement as it is sent: what of its values is fixed, and how those given are made the driver's."""

    sql: str
    fixed: Row
    given: Sequence[tuple[str, Any]]

    def values(self, row: Row) -> Row:
        values = dict(self.fixed)
        for name, process in self.given:
            value = row[name]
            values[name] = process(value) if process is not None else value
        return values


@dataclass(frozen=True)
class _Write:
    text: _Text
    rows: Sequence[Row]
    missed: Exception | None


class Writes:
    """What waits to be sent in a transaction, in its order, with the values that the rows had then."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[_Write] = []

    def add(self, statement: Any, rows: Sequence[Row], missed: Exception | None) -> None:
        text = _text(statement, tuple(rows[0]), self._connection.dialect)
        self._waiting.append(_Write(text, [text.values(row) for row in rows], missed))

    def send(self) -> None:
        """Sends them all and waits for the answers. Raises what the database refuses, and what was missed."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        raw: Any = self._connection.connection.driver_connection
        answers = []
        try:
            with raw.pipeline():
                for write in waiting:
                    cursor = raw.cursor()
                    self._tell(cursor, write)
                    for row in write.rows:
                        cursor.execute(write.text.sql, row)
                    answers.append(cursor)
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise self._refused(error) from error
        for write, cursor in zip(waiting, answers, strict=True):
            if write.missed is not None and cursor.rowcount != 1:
                raise write.missed

    def _tell(self, cursor: Any, write: _Write) -> None:
        """Whoever counts or reads statements hears of these as of all others."""
        many = len(write.rows) > 1
        for hear in self._connection.dispatch.before_cursor_execute:
            hear(self._connection, cursor, write.text.sql, write.rows if many else write.rows[0], None, many)

    def _refused(self, error: Exception) -> Exception:
        dialect = self._connection.dialect
        lost = dialect.is_disconnect(error, self._connection.connection.driver_connection, None)  # type: ignore[arg-type]
        if lost:
            self._connection.invalidate(error)
        return DBAPIError.instance(
            None,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        )


@lru_cache(1024)
def _text(statement: Any, names: tuple[str, ...], dialect: Dialect) -> _Text:
    compiled = statement.compile(dialect=dialect, column_keys=list(names), for_executemany=True)
    process = {
        name: bound.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bound in compiled.binds.items()
    }
    fixed = {name: value for name, value in compiled.params.items() if name not in names}
    if missing := [name for name in fixed if compiled.binds[name].required]:
        raise ValueError(f"values without a name in the row: {missing}")
    return _Text(
        str(compiled),
        {name: process[name](value) if process[name] else value for name, value in fixed.items()},
        [(name, process[name]) for name in names if name in compiled.binds],
    )
