"""Which shape a database has and which one this code needs: the numbers of the migrations."""

from functools import cache
from typing import Literal

from sqlalchemy import Connection, column, inspect, select, table

from app.core.config import REPOSITORY

VERSIONS = REPOSITORY / "migrations" / "versions"
KEPT_IN = table("alembic_version", column("version_num"))

State = Literal["current", "behind", "ahead"]


@cache
def newest() -> str:
    """The number of the last migration there is."""
    return max(file.name[:4] for file in VERSIONS.glob("[0-9]*_*.py"))


def version(connection: Connection) -> str | None:
    """The number of the last migration this database had; None for an empty one."""
    if not inspect(connection).has_table(KEPT_IN.name):
        return None
    return connection.execute(select(KEPT_IN.c.version_num)).scalar()


def state(has: str | None) -> State:
    """`ahead` serves as well as `current`: migrations only add, so that old code runs beside the new."""
    if has is None or has < newest():
        return "behind"
    return "current" if has == newest() else "ahead"


def advice(has: str | None) -> str:
    """What to tell whoever runs a process on a database that is behind."""
    return f"数据库结构还没有升级（现在{has or '是空的'}，需要 {newest()}）；请先运行 huying migrate。"
