"""The migrations and the tables in the code are the same thing, in both databases and in both directions."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from app.cli import db as migrations
from app.cli import main
from app.cli.local import servers
from app.core import config
from app.core.db import metadata
from tests.conftest import Run


@pytest.fixture
def empty(dialect: str, run: Run, worker_id: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    name = f"empty_{worker_id}"
    admin = f"host={run.sockets} user={servers.USER} dbname=postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
        yield servers.database_url(run.sockets, name)
        connection.execute(f'drop database "{name}" with (force)')


def full_text(name: str | None) -> bool:
    """A full-text index, which no model declares, and the tables in which SQLite keeps its parts."""
    return "_fts" in (name or "")


def tables(url: str) -> set[str]:
    engine = create_engine(url, poolclass=NullPool)
    names = inspect(engine).get_table_names()
    return {name for name in names if name != "alembic_version" and not full_text(name)}


def test_a_migrated_database_has_exactly_the_tables_of_the_code(empty: str) -> None:
    migrations.import_tables()
    migrations.upgrade(empty)

    engine = create_engine(empty, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, parent: not full_text(name)}
        )
        differences = compare_metadata(context, metadata)

    assert differences == []
    assert tables(empty) == set(metadata.tables)


def test_every_migration_can_be_undone_and_done_again(empty: str) -> None:
    migrations.upgrade(empty)
    before = tables(empty)

    migrations.downgrade(empty, "base")
    emptied = tables(empty)
    migrations.upgrade(empty)

    assert before
    assert emptied == set()
    assert tables(empty) == before


def test_migrating_twice_changes_nothing_and_says_so(empty: str) -> None:
    config.use(config.Settings(profile="test", database_url=empty))

    first = CliRunner().invoke(main, ["migrate"], catch_exceptions=False, env={"DATABASE_URL": empty})
    second = CliRunner().invoke(main, ["migrate"], catch_exceptions=False, env={"DATABASE_URL": empty})
    config.use(None)

    assert first.output.startswith("数据库结构：空 → ")
    assert second.output.startswith("数据库结构已是最新")


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = sorted(file.name[:4] for file in (migrations.MIGRATIONS / "versions").glob("*.py"))

    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


def test_names_of_constraints_fit_every_database() -> None:
    migrations.import_tables()
    named = [
        thing.name
        for table in metadata.tables.values()
        for thing in [*table.constraints, *table.indexes]
        if thing.name is not None
    ]

    assert [name for name in named if len(str(name)) > 30] == []


def test_no_column_has_a_name_that_some_database_keeps_for_itself() -> None:
    migrations.import_tables()
    reserved = {"uid", "level", "domain", "comment", "type", "user", "order"}

    used = [f"{table.name}.{c.name}" for table in metadata.tables.values() for c in table.columns]

    assert [name for name in used if name.split(".")[1] in reserved] == []
