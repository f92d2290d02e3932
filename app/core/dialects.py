"""What differs between databases, and only here: now, locks, upserts, and what an error means."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator

from app.core.types import Instant


class instant_now(FunctionElement[Any]):
    """The database's clock at the moment the row is produced, as an Instant."""

    inherit_cache = True
    type = Instant()
    name = "instant_now"


@compiles(instant_now, "postgresql")
def _now_postgresql(element: Any, compiler: Any, **_: Any) -> str:
    # now() is the start of the transaction, before any wait for a lock.
    return "timezone('UTC', clock_timestamp())"


@compiles(instant_now, "sqlite")
def _now_sqlite(element: Any, compiler: Any, **_: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


class joined(FunctionElement[Any]):
    """The texts of a group, with commas between them; none for no rows."""

    inherit_cache = True
    type = Text()
    name = "joined"


@compiles(joined, "postgresql")
def _joined_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **more)}, ',')"


@compiles(joined, "sqlite")
def _joined_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **more)}, ',')"


def locked(statement: Select[Any], *, skip: bool = False, shared: bool = False) -> Select[Any]:
    """The same rows, locked until the end of the transaction (SQLite has one writer and needs no word);
    `shared` with others who only rely on them."""
    return statement.with_for_update(skip_locked=skip, read=shared)


@cache
def insert_ignore(dialect: str, table: Table) -> Any:
    """INSERT that leaves a row alone which is already there; `rowcount` tells whether it was new."""
    # Without the option the count of an INSERT on PostgreSQL is -1: "new" each time.
    return _insert(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def upsert(dialect: str, table: Table, keys: Sequence[str], only: Sequence[str] = ()) -> Any:
    """INSERT that overwrites the other columns (or `only` these) of a row with the same keys."""
    insert = _insert(dialect, table)
    names = only or [c.name for c in table.columns if c.name not in keys]
    rest = {name: insert.excluded[name] for name in names}
    return insert.on_conflict_do_update(index_elements=list(keys), set_=rest)


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


_BUSY = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialization failure


def is_busy(error: Exception) -> bool:
    """Whether somebody else held what we wanted: trying again may help."""
    if not isinstance(error, DBAPIError):
        return False
    return _sqlstate(error) in _BUSY or "database is locked" in str(error.orig)


def is_lost(error: Exception) -> bool:
    """Whether the connection or the server went away."""
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    unreachable = isinstance(error, OperationalError) and state is None and "sqlite" not in _module(error)
    return error.connection_invalidated or unreachable or (state or "").startswith(("08", "57P"))


def is_full(error: Exception) -> bool:
    """Whether the disk is full."""
    return isinstance(error, DBAPIError) and (
        _sqlstate(error) == "53100" or "database or disk is full" in str(error.orig)
    )


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _module(error: DBAPIError) -> str:
    return type(error.orig).__module__


def append_only(dialect: str, table: str) -> list[str]:
    """DDL that lets rows of a table be added and read, never changed or deleted, whoever asks."""
    if dialect == "postgresql":
        return [
            "create or replace function huying_append_only() returns trigger language plpgsql as "
            "$$ begin "
            "raise exception using message = 'rows of ' || tg_table_name || ' are append-only'; "
            "end $$",
            f"create trigger {table}_rows before update or delete on {table} "
            "for each row execute function huying_append_only()",
            f"create trigger {table}_whole before truncate on {table} "
            "for each statement execute function huying_append_only()",
        ]
    return [
        f"create trigger {table}_{act} before {act} on {table} "
        f"begin select raise(abort, 'rows of {table} are append-only'); end"
        for act in ("update", "delete")
    ]


# — words —

LAST = "\U0010ffff"
"""Sorts after every character there is."""

GAP = "\ue000"
"""Stands in FTS5's text where a sentence breaks: a letter of its own that nobody can type into a question."""


class SearchWords(TypeDecorator[Sequence[str | None]]):
    """Tokens of letters and digits in their order, None where no phrase may reach across.

    PostgreSQL keeps them as a tsvector made here, so that no locale of the server decides what a word is;
    SQLite as the text behind an FTS5 index.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(postgresql.TSVECTOR() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[str | None] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return " ".join(f"'{word}':{at}" for at, word in enumerate(value, 1) if word is not None)
        return " ".join(GAP if word is None else word for word in value)


@dataclass(frozen=True)
class Wanted:
    """Tokens that must stand one behind the other; the last may be only the beginning of one."""

    tokens: tuple[str, ...]
    prefix: bool = False


class found_words(FunctionElement[bool]):
    """Whether the words of a row of `words.table` hold everything wanted; an index answers."""

    inherit_cache = True
    type = Boolean()
    name = "found_words"

    def __init__(self, words: Any, slot: Any, wanted: Sequence[Wanted]) -> None:
        super().__init__(words, slot, bindparam("wanted", list(wanted), type_=_Question(), unique=True))


class _Question(TypeDecorator[Sequence[Wanted]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Wanted] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            phrases = [" <-> ".join(f"'{token}'" for token in each.tokens) for each in value]
            return " & ".join(
                f"({phrase}{':*' if each.prefix else ''})"
                for phrase, each in zip(phrases, value, strict=True)
            )
        return " AND ".join(f'"{" ".join(each.tokens)}"{" *" if each.prefix else ""}' for each in value)


@compiles(found_words, "postgresql")
def _found_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    words, _, wanted = (compiler.process(each, **how) for each in element.clauses)
    return f"({words} @@ cast({wanted} as tsquery))"


@compiles(found_words, "sqlite")
def _found_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    slot, wanted = (compiler.process(each, **how) for each in list(element.clauses)[1:])
    index = full_text_index(list(element.clauses)[1].table.name)
    return f"({slot} in (select rowid from {index} where {index} match {wanted}))"


def full_text_index(table: str) -> str:
    return f"{table}_fts"


def full_text(dialect: str, table: str, slot: str, words: str) -> list[str]:
    """DDL for the index over a table's words that an ordinary index cannot give."""
    if dialect == "postgresql":
        return [
            f"create index ix_{full_text_index(table)} on {table} using gin ({words}) with (fastupdate = off)"
        ]
    index = full_text_index(table)
    gone = f"insert into {index}({index}, rowid, {words}) values ('delete', old.{slot}, old.{words})"
    here = f"insert into {index}(rowid, {words}) values (new.{slot}, new.{words})"
    return [
        f"create virtual table {index} using fts5({words}, content='{table}', content_rowid='{slot}', "
        'tokenize="unicode61 remove_diacritics 0")',
        f"create trigger {table}_ai after insert on {table} begin {here}; end",
        f"create trigger {table}_ad after delete on {table} begin {gone}; end",
        f"create trigger {table}_au after update on {table} begin {gone}; {here}; end",
    ]


class _byte_order(FunctionElement[bool]):
    """`column` compared with a text byte by byte, as an index with pattern ops is sorted."""

    type = Boolean()
    operator = ""


class not_before(_byte_order):
    inherit_cache = True
    name = "not_before"
    operator = ">="


class before(_byte_order):
    inherit_cache = True
    name = "before"
    operator = "<"


@compiles(not_before)
@compiles(before)
def _plain_order(element: Any, compiler: Any, **how: Any) -> str:
    left, right = (compiler.process(each, **how) for each in element.clauses)
    return f"({left} {element.operator} {right})"


@compiles(not_before, "postgresql")
@compiles(before, "postgresql")
def _pattern_order(element: Any, compiler: Any, **how: Any) -> str:
    left, right = (compiler.process(each, **how) for each in element.clauses)
    return f"({left} ~{element.operator}~ {right})"


def begins(column: Any, text: str) -> ColumnElement[bool]:
    """The rows whose column begins with a text, as a range.

    A LIKE with a parameter is no range to a plan that was made before the parameter was known, and a prepared
    statement gets such plans.
    """
    return and_(not_before(column, text), before(column, text + LAST))


class one_of(FunctionElement[bool]):
    """Whether a column is one of many values: a list in a single parameter, whose length a planner knows."""

    inherit_cache = True
    type = Boolean()
    name = "one_of"

    def __init__(self, column: Any, values: Sequence[str] | str) -> None:
        """The values, or the name of the parameter that will hold them, for a statement made once."""
        if isinstance(values, str):
            super().__init__(column, bindparam(values, type_=_Values()))
        else:
            super().__init__(column, bindparam("values", list(values), type_=_Values(), unique=True))


class _Values(TypeDecorator[Sequence[str]]):
    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(postgresql.ARRAY(Text) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(list(value)).decode()


@compiles(one_of, "postgresql")
def _any(element: Any, compiler: Any, **how: Any) -> str:
    column, values = (compiler.process(each, **how) for each in element.clauses)
    return f"({column} = any ({values}))"


@compiles(one_of, "sqlite")
def _in_json(element: Any, compiler: Any, **how: Any) -> str:
    column, values = (compiler.process(each, **how) for each in element.clauses)
    return f"({column} in (select value from json_each({values})))"


_PREFER = text(
    "select set_config('enable_seqscan', :scans, true), set_config('enable_indexscan', :scans, true)"
)


@contextmanager
def by_bitmap(connection: Connection) -> Iterator[None]:
    """What is asked meanwhile is answered by a bitmap of an index, also where a planner guesses otherwise."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(_PREFER, {"scans": "off"})
    yield
    connection.execute(_PREFER, {"scans": "on"})


_ANEW = text("select set_config('plan_cache_mode', 'force_custom_plan', true)")


def plan_anew(connection: Connection) -> None:
    """Until the transaction ends every statement is planned for its own values: a plan for anybody's scope is
    bad for those who see everything or bad for those who see little.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ANEW)


_TIME = text("select set_config('statement_timeout', :milliseconds, true)")


def take_time(connection: Connection, seconds: int) -> None:
    """Until the transaction ends a statement may take so long, and no longer."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TIME, {"milliseconds": str(1000 * seconds)})


class seconds_between(FunctionElement[Any]):
    """Seconds from one Instant to another, with fractions; nothing when either is missing."""

    inherit_cache = True
    type = Float()
    name = "seconds_between"


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    start, end = (compiler.process(each, **how) for each in element.clauses)
    return f"(cast(extract(epoch from ({end} - {start})) as double precision))"


@compiles(seconds_between, "sqlite")
def _seconds_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    start, end = (compiler.process(each, **how) for each in element.clauses)
    return f"(round((julianday({end}) - julianday({start})) * 86400.0, 3))"


class _beijing_day(FunctionElement[str]):
    """A day of Beijing as text, of an Instant: itself, the Monday of its week, the first of its month."""

    inherit_cache = True
    type = Text()
    postgresql, sqlite = "", ""


class day_of(_beijing_day):
    inherit_cache = True
    name = "day_of"
    postgresql, sqlite = "day", ""


class week_of(_beijing_day):
    inherit_cache = True
    name = "week_of"
    postgresql, sqlite = "week", ", 'weekday 0', '-6 days'"


class month_of(_beijing_day):
    inherit_cache = True
    name = "month_of"
    postgresql, sqlite = "month", ", 'start of month'"


@compiles(day_of, "postgresql")
@compiles(week_of, "postgresql")
@compiles(month_of, "postgresql")
def _day_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    (at,) = (compiler.process(each, **how) for each in element.clauses)
    return f"to_char(date_trunc('{element.postgresql}', {at} + interval '8 hours'), 'YYYY-MM-DD')"


@compiles(day_of, "sqlite")
@compiles(week_of, "sqlite")
@compiles(month_of, "sqlite")
def _day_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    (at,) = (compiler.process(each, **how) for each in element.clauses)
    return f"(date({at}, '+8 hours'{element.sqlite}))"
