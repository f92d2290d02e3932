"""Audit rows can be added and read, nothing else: triggers refuse whoever tries, the application too.

A database's owner can still drop a trigger; what then happens shows in the chain.
"""

from typing import Any

from sqlalchemy import Connection, Table, event

from app.audit.chain import case_chain
from app.audit.streams import audit_stream
from app.core import dialects

APPEND_ONLY = (case_chain, audit_stream)


def statements(dialect: str) -> list[str]:
    """The DDL for a migration to execute after it has created the tables."""
    return [line for table in APPEND_ONLY for line in dialects.append_only(dialect, table.name)]


def _guard(table: Table, connection: Connection, **_: Any) -> None:
    for line in dialects.append_only(connection.dialect.name, table.name):
        connection.exec_driver_sql(line)


for _table in APPEND_ONLY:
    event.listen(_table, "after_create", _guard)
