"""Statements that need not wait for each other: PostgreSQL is sent them at once, in one round trip.

SQLAlchemy says what is sent and in which types. It has no way to send without waiting for each answer, so
the text it makes goes to the driver's pipeline as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError

Row = Mapping[str, Any]
_Named = Sequence[tuple[str, Any]]
"""Names of values with what turns each into the driver's, or back; None where it stays as it is."""


@dataclass(frozen=True)
class _Text:
    """A statement as it is sent: the values that never change, those given, and the columns of an answer."""

    sql: str
    fixed: Row
    given: _Named
    columns: _Named

    def values(self, row: Row) -> Row:
        values = dict(self.fixed)
        for name, process in self.given:
            value = row[name]
            values[name] = process(value) if process is not None else value
        return values

    def row(self, found: Sequence[Any]) -> dict[str, Any]:
        pairs = zip(self.columns, found, strict=True)
        return {name: process(value) if process is not None else value for (name, process), value in pairs}


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
        with _pipeline(self._connection, sum(len(write.rows) for write in waiting)) as raw:
            sent = [(write, _sent(self._connection, raw, write.text, write.rows)) for write in waiting]
        for write, cursor in sent:
            if write.missed is not None and cursor.rowcount != 1:
                raise write.missed


def ask(connection: Connection, questions: Sequence[tuple[Select[Any], Row]]) -> list[list[dict[str, Any]]]:
    """The rows that each question finds, by the names of its columns."""
    texts = [_text(question, tuple(values), connection.dialect) for question, values in questions]
    with _pipeline(connection, len(texts)) as raw:
        sent = [
            _sent(connection, raw, text, [text.values(values)])
            for text, (_, values) in zip(texts, questions, strict=True)
        ]
    return [
        [text.row(found) for found in cursor.fetchall()] for text, cursor in zip(texts, sent, strict=True)
    ]


@contextmanager
def _pipeline(connection: Connection, count: int) -> Iterator[Any]:
    """The driver's connection while it only sends; one statement alone needs no pipeline.

    What the database refuses is raised as SQLAlchemy does it.
    """
    raw: Any = connection.connection.driver_connection
    dialect = connection.dialect
    try:
        with raw.pipeline() if count > 1 else nullcontext():
            yield raw
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, raw, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        ) from error


def _sent(connection: Connection, raw: Any, text: _Text, rows: Sequence[Row]) -> Any:
    cursor, many = raw.cursor(), len(rows) > 1
    # Whoever counts or reads statements hears of these as of all others.
    for hear in connection.dispatch.before_cursor_execute:
        hear(connection, cursor, text.sql, rows if many else rows[0], None, many)
    if many:
        cursor.executemany(text.sql, rows)
    else:
        cursor.execute(text.sql, rows[0])
    return cursor


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
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    return _Text(
        str(compiled),
        {name: process[name](value) if process[name] else value for name, value in fixed.items()},
        [(name, process[name]) for name in names if name in compiled.binds],
        [(each.name, each.type.dialect_impl(dialect).result_processor(dialect, None)) for each in columns],
    )
