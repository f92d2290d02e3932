"""Rows that many tests begin with: made once, kept as their database tells them, and put back from then on."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, or_, select

from app.core.db import Session

Kept = dict[str, Any]
"""Name of a table → its rows: the text of COPY, or the tuples of SQLite."""

_kept: dict[tuple[str, ...], Kept] = {}


def begun(session: Session, tables: Sequence[Table], make: Callable[[], object]) -> None:
    """Fills the tables, each named after those it refers to, with what `make` makes of empty ones. Where one
    has rows already, they are left to `make`."""
    if session.scalar(select(or_(*(select(table).exists() for table in tables)))):
        make()
        return
    known = (session.dialect, *(table.name for table in tables))
    if known in _kept:
        _put_back(session, _kept[known])
    else:
        make()
        _kept[known] = _told(session, tables)


def _told(session: Session, tables: Sequence[Table]) -> Kept:
    raw = _raw(session)
    if session.dialect == "sqlite":
        return {table.name: raw.execute(f'select * from "{table.name}"').fetchall() for table in tables}
    kept: Kept = {}
    for table in tables:
        with raw.cursor().copy(f'copy "{table.name}" to stdout') as copy:
            kept[table.name] = b"".join(map(bytes, copy))
    return kept


def _put_back(session: Session, kept: Kept) -> None:
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
