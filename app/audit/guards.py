"""Audit rows can be added and read, nothing else: triggers refuse whoever tries, the application too.

A database's owner can still drop a trigger; what then happens shows in the chain.
"""

from typing import Any

from sqlalchemy import Connection, Table, event

from app.audit.chain import case_chain
from app.audit.streams import audit_stream
from app.core import dialects


def append_only(table: Table) -> Table:
    """Guards a table wherever it is created from the models; its migration executes the same DDL."""
    event.listen(table, "after_create", _guard)
    return table


def _guard(table: Table, connection: Connection, **_: Any) -> None:
    for line in dialects.append_only(connection.dialect.name, table.name):
        connection.exec_driver_sql(line)


for _table in (case_chain, audit_stream):
    append_only(_table)
