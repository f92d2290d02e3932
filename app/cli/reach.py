"""The database that a command speaks to: found, reachable, brought up to date; otherwise one plain line."""

import os
from pathlib import Path

import click

from app.cli.local import folder
from app.core import schema
from app.core.config import settings

NOTHING = "没有找到正在运行的呼应；请先 make run，或设 HUYING_DATA / DATABASE_URL。"

_running: list[Path] = []


def attach() -> None:
    """A second terminal beside `make run` speaks to the same database without being told where it is."""
    _running.clear()
    if os.environ.get("DATABASE_URL"):
        return
    data = folder.chosen(os.environ.get("HUYING_DATA"))
    found = folder.running(data)
    if found:
        os.environ.update(found)
        _running.append(data)


def database(*, create: bool = False, migrated: bool = True) -> str:
    """The URL of the database, once it answers; `create` may make an SQLite file, `migrated` asks more.

    Raises click.ClickException with one line that says what to do.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    url = settings().database_url
    if not url:
        raise click.ClickException(NOTHING)
    parsed = make_url(url)
    lite = parsed.drivername == "sqlite"
    if lite and not create and not Path(parsed.database or "").is_file():
        raise click.ClickException(f"{name()} 不存在；请先运行 huying migrate。")
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"timeout": 3} if lite else {"connect_timeout": 5}
    )
    try:
        with engine.connect() as connection:
            has = schema.version(connection)
    except (SQLAlchemyError, OSError):
        why = (
            "请确认文件夹存在、可写，且它是 SQLite 数据库"
            if lite
            else "请确认它在运行，地址、账号和口令没有写错"
        )
        raise click.ClickException(f"{name()} 打不开；{why}。") from None
    if migrated and schema.state(has) == "behind":
        raise click.ClickException(f"{name()}：{schema.advice(has)}")
    return url


def name() -> str:
    """The database for people, without a password."""
    from sqlalchemy.engine import make_url

    if _running:
        return f"正在运行的呼应（数据目录 {_running[0]}）"
    parsed = make_url(settings().database_url)
    if parsed.drivername == "sqlite":
        return f"数据库文件 {Path(parsed.database or '').absolute()}"
    shown = parsed.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
    return f"数据库 {shown}"
