"""Rows that many tests begin with: made once, kept as their database tells them, and put back from then on."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from sqlalchemy import Table, or_, select

from app.core.db import Session

Kept = dict[str, Any]
"""Name of a table → its rows: the text of COPY, or the tuples of SQLite."""

_kept: dict[tuple[str, Hashable], Kept] = {}


def begun(session: Session, name: str, tables: Sequence[Table], make: Callable[[], object]) -> None:
    """Fills empty tables, each after those it refers to, with what `make` fills them with; others are left
    to `make`."""
    empty = are_empty(session, tables)
    if not (empty and put_back(session, name)):
        make()
        if empty:
            keep(session, name, tables)


def are_empty(session: Session, tables: Sequence[Table]) -> bool:
    return not session.scalar(select(or_(*(select(table).exists() for table in tables))))


def keep(session: Session, name: Hashable, tables: Sequence[Table]) -> None:
    """Remembers what the tables hold now, for databases of the same kind."""
    _kept[session.dialect, name] = _told(session, tables)


def put_back(session: Session, name: Hashable) -> bool:
    """Brings what was kept under a name into empty tables; whether there was anything."""
    kept = _kept.get((session.dialect, name))
    if kept is not None:
        _bring(session, kept)
    return kept is not None


def _told(session: Session, tables: Sequence[Table]) -> Kept:
    raw = _raw(session)
    if session.dialect == "sqlite":
        return {table.name: raw.execute(f'select * from "{table.name}"').fetchall() for table in tables}
    kept: Kept = {}
    for table in tables:
        with raw.cursor().copy(f'copy "{table.name}" to stdout') as copy:
            kept[table.name] = b"".join(map(bytes, copy))
    return kept


def _bring(session: Session, kept: Kept) -> None:
    raw = _raw(session)
    for name, rows in kept.items():
        if session.dialect == "postgresql":
            with raw.cursor().copy(f'copy "{name}" from stdin') as copy:
                copy.write(rows)
        elif rows:
            places = ", ".join("?" * len(rows[0]))
            raw.executemany(f'insert into "{name}" values ({places})', rows)


def _raw(session: Session) -> Any:
    session.send()
    return session.connection.connection.driver_connection
