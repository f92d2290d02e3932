"""Alembic's entry: the tables of app.core.db.metadata against the database named by the caller.

Whoever compares the two (`huying revise`, a test) imports all tables before; an upgrade needs none of them.
"""

import re
from typing import Any

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from app.core.db import metadata
from app.core.types import Instant, Json
from app.crypto.sealed import BlindIndex, SealedBytes


def render_item(kind: str, item: Any, autogen: Any) -> Any:
    """Writes our own column types by their names; False leaves the rest to Alembic."""
    if kind == "type" and isinstance(item, Instant | Json | SealedBytes | BlindIndex):
        autogen.imports.add(f"from {type(item).__module__} import {type(item).__name__}")
        return f"{type(item).__name__}()"
    return False


def include_name(name: str | None, kind: str, parent: Any) -> bool:
    """Leaves out full-text indexes (app.core.dialects makes them) and what SQLite keeps for itself."""
    return not (name and re.search(r"_fts(_|$)|^sqlite_", name))


def run() -> None:
    engine = create_engine(context.config.attributes["url"], poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by copying it
            render_item=render_item,
            include_name=include_name,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
