"""The database's shape: `huying migrate` brings it up to date, `huying revise` writes the next step."""

import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import alembic.command
import click
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

import app
from app.cli import reach
from app.core import schema
from app.core.config import REPOSITORY

MIGRATIONS = REPOSITORY / "migrations"


def import_tables() -> None:
    """Imports every module that may hold tables, so that the metadata is whole."""
    _import_below("app", app.__path__)


WITHOUT_TABLES = ("app.cli", "app.web", "app.engine", "app.core.http")


def _import_below(name: str, path: Iterable[str]) -> None:
    for module in iter_modules(path, f"{name}."):
        if module.name not in WITHOUT_TABLES:
            imported = import_module(module.name)
            if module.ispkg:
                _import_below(module.name, imported.__path__)


def configured(url: str) -> Config:
    """Alembic's configuration for one database; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str, to: str = "head") -> None:
    """Runs the missing migrations."""
    alembic.command.upgrade(configured(url), to)


def downgrade(url: str, to: str) -> None:
    """Undoes migrations down to `to` (exclusive); "base" empties the database."""
    alembic.command.downgrade(configured(url), to)


def versions(url: str) -> tuple[str | None, str]:
    """The version a database has, and the newest there is."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return schema.version(connection), schema.newest()


@click.command()
def migrate() -> None:
    """把数据库结构升级到当前版本；可以重复运行。"""
    url = reach.database(create=True, migrated=False)
    before, newest = versions(url)
    if schema.state(before) == "ahead":
        click.echo(f"数据库结构（{before}）比这个程序的（{newest}）新，不需要升级。")
        return
    if before != newest:
        upgrade(url)
    done = f"数据库结构已是最新（{newest}）。"
    click.echo(done if before == newest else f"数据库结构：{before or '空'} → {newest}。")


@click.command()
@click.argument("name")
def revise(name: str) -> None:
    """比较数据表与迁移，生成下一个编号的迁移文件（开发用）。NAME 例如 clocks。"""
    url = reach.database()
    import_tables()
    numbers = [int(file.name[:4]) for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py")]
    number = f"{max(numbers, default=0) + 1:04d}"
    with redirect_stdout(io.StringIO()):
        made = alembic.command.revision(configured(url), message=name, autogenerate=True, rev_id=number)
    path = getattr(made, "path", None)
    click.echo(f"已生成 {Path(path).relative_to(REPOSITORY)}，请通读后再提交。" if path else "没有变化。")
