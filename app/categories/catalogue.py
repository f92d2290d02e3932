"""What may be chosen at an instant, under which names, and what each list of categories shows."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, literal_column, or_, select

from app.categories.models import categories, category_tables
from app.core.db import Instant, Session

_AT: Any = bindparam("at", type_=Instant)


def valid(at: Any, table: Any = categories) -> ColumnElement[bool]:
    """The rows that hold at an instant."""
    return and_(table.c.valid_from <= at, or_(table.c.valid_to.is_(None), table.c.valid_to > at))


_below = categories.alias("below")
_LEAF = ~exists().where(
    _below.c.table_key == categories.c.table_key,
    _below.c.parent == categories.c.code,
    valid(_AT, _below),
)


_TABLES = select(category_tables.c.key, category_tables.c.name, category_tables.c.changed_at).order_by(
    category_tables.c.key
)


def tables(session: Session) -> list[dict[str, Any]]:
    """Every table of categories, by key."""
    return [dict(row) for row in session.execute(_TABLES).mappings()]


def known(session: Session, table: str) -> bool:
    """Whether there is a table of this key."""
    return bool(session.scalar(select(exists().where(category_tables.c.key == table))))


def page(
    session: Session,
    table: str,
    at: datetime,
    *,
    parent: str | None,
    level: int | None,
    words: str | None,
    limit: int,
    after: str | None,
) -> list[dict[str, Any]]:
    """Up to `limit + 1` categories that hold at the instant, by code."""
    query = (
        select(
            categories.c.code,
            categories.c.name,
            categories.c.parent,
            categories.c.depth,
            categories.c.path,
            categories.c.keywords,
            categories.c.valid_from,
            categories.c.valid_to,
            _LEAF.label("leaf"),
        )
        .where(categories.c.table_key == table, valid(_AT))
        .order_by(categories.c.code)
        .limit(limit + 1)
    )
    if parent is not None:
        query = query.where(categories.c.parent == parent)
    if level is not None:
        query = query.where(categories.c.depth == level)
    if words is not None:
        query = query.where(_named(words))
    if after is not None:
        query = query.where(categories.c.code > after)
    return [dict(row) for row in session.execute(query, {"at": at}).mappings()]


def _named(words: str) -> ColumnElement[bool]:
    return or_(
        categories.c.name.contains(words, autoescape=True),
        categories.c.code.startswith(words, autoescape=True),
        # JSON text of plain words; a table has hundreds of rows, not millions.
        literal_column("categories.keywords").contains(words, autoescape=True),
    )


def codes_below(table: str, code: str) -> Select[Any]:
    """The codes that are or ever were at or below this one: what a search by category compares with."""
    top = categories.alias("top")
    inner = categories.alias("inner_row")
    return (
        select(inner.c.code)
        .join(
            top,
            and_(
                top.c.table_key == inner.c.table_key,
                or_(inner.c.path == top.c.path, inner.c.path.startswith(top.c.path + "/")),
            ),
        )
        .where(inner.c.table_key == table, top.c.code == code)
    )
