"""Rows that many tests begin with: kept as their database tells them, and put back without being made anew."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from app.core.db import Session

Kept = dict[str, Any]
"""Name of a table → its rows: text of COPY, or tuples of SQLite. Tables stand after those they refer to."""


def keep(session: Session, tables: Sequence[Table]) -> Kept:
    """What the tables hold now; for the same kind of database only."""
    raw = _raw(session)
    if session.dialect == "sqlite":
        return {table.name: raw.execute(f'select * from "{table.name}"').fetchall() for table in tables}
    kept: Kept = {}
    for table in tables:
        with raw.cursor().copy(f'copy "{table.name}" to stdout') as copy:
            kept[table.name] = b"".join(map(bytes, copy))
    return kept


def put_back(session: Session, kept: Kept) -> None:
    """Into empty tables."""
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
