"""A table of categories as a process keeps it: read whole once, and anew after an import has changed it.

A table has hundreds of rows and changes a few times a year; what it says at an instant is asked at every
filing and dispatch. So the database is asked only when the table was last changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, select

from app.categories.models import categories, category_tables
from app.core import db
from app.core.db import Session


class Category(NamedTuple):
    """A category as it is at an instant. `codes` and `names` run from the top down to itself."""

    table: str
    code: str
    name: str
    leaf: bool
    codes: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def level(self) -> int:
        """1 at the top."""
        return len(self.codes)

    @property
    def full_name(self) -> str:
        """「城市管理 / 公用设施 / 路灯不亮」"""
        return " / ".join(self.names)


class Categories:
    """The dated rows of one table."""

    def __init__(self, key: str, changed_at: datetime | None, rows: Iterable[Any]) -> None:
        self.key, self.changed_at = key, changed_at
        self._by_code: dict[str, list[Any]] = defaultdict(list)
        self._below: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            self._by_code[row.code].append(row)
            if row.parent is not None:
                self._below[row.parent].append(row)

    def at(self, code: str, moment: datetime) -> Category | None:
        """The category of this code as it is at the instant; None when unknown, ended or still to come."""
        chain = []
        row = self._row(code, moment)
        while row is not None:
            chain.append(row)
            row = self._row(row.parent, moment) if row.parent is not None else None
        if not chain:
            return None
        chain.reverse()
        parted = any(_holds(row, moment) for row in self._below.get(code, ()))
        codes, names = (tuple(row.code for row in chain), tuple(row.name for row in chain))
        return Category(self.key, code, names[-1], not parted, codes, names)

    def worded(self, moment: datetime) -> Iterator[tuple[str, list[str]]]:
        """Every code that holds at the instant with the words that speak for it, by code."""
        for code, rows in self._by_code.items():
            for row in rows:
                if row.keywords and _holds(row, moment):
                    yield code, row.keywords

    def _row(self, code: str, moment: datetime) -> Any:
        return next((row for row in self._by_code.get(code, ()) if _holds(row, moment)), None)


def _holds(row: Any, moment: datetime) -> bool:
    return bool(row.valid_from <= moment and (row.valid_to is None or row.valid_to > moment))


_CHANGED = select(category_tables.c.changed_at).where(category_tables.c.key == bindparam("table"))
_ROWS = (
    select(
        categories.c.code,
        categories.c.parent,
        categories.c.name,
        categories.c.keywords,
        categories.c.valid_from,
        categories.c.valid_to,
    )
    .where(categories.c.table_key == bindparam("table"))
    .order_by(categories.c.code, categories.c.valid_from)
)

_kept: WeakKeyDictionary[db.Database, dict[str, Categories]] = WeakKeyDictionary()


def table_of(session: Session, key: str) -> Categories:
    """The table as it is now, one statement while nothing changed; an unknown one is empty."""
    # Asked before the rows are: an import in between makes them newer than the mark, and they are read again.
    changed_at = session.scalar(_CHANGED, {"table": key})
    tables = _kept.setdefault(db.current(), {})
    known = tables.get(key)
    if changed_at is None:
        return Categories(key, None, [])
    if known is None or known.changed_at != changed_at:
        known = tables[key] = Categories(key, changed_at, session.execute(_ROWS, {"table": key}).all())
    return known
