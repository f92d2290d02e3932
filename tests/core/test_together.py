"""Statements that go together: in their order, never later than what is asked next, and counted like all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core import db, dialects
from app.core.types import Instant, Json
from tests.world import statements

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(20), nullable=False),
    Column("at", Instant),
    Column("said", Json),
)
_INSERT = insert(things)
_RENAME = update(things).where(things.c.id == bindparam("row_id")).values(name=bindparam("new_name"))
_HUSH = update(things).where(things.c.name == "loud").values(name="still")
_ALL = select(things).order_by(things.c.id)
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def things_in(database: db.Database) -> Iterator[db.Database]:
    metadata.create_all(database.writing)
    yield database
    metadata.drop_all(database.writing)


def row(number: int, name: str = "loud") -> dict[str, object]:
    return {"id": number, "name": name, "at": NOON, "said": {"词": [number]}}


def written(act: Callable[[db.Session], object]) -> None:
    """One transaction with this act."""
    with db.transaction() as session:
        act(session)


class Gone(RuntimeError):
    """Nothing was there to be changed."""


def test_what_is_asked_sees_all_that_was_written_before_it_in_its_order(things_in: db.Database) -> None:
    with db.transaction() as session:
        session.write(_INSERT, [row(1), row(2)])
        session.write(_RENAME, {"row_id": 2, "new_name": "second"})
        session.write(_HUSH, {})

        found = [tuple(each) for each in session.execute(_ALL)]

    assert found == [(1, "still", NOON, {"词": [1]}), (2, "second", NOON, {"词": [2]})]


def test_the_commit_keeps_what_was_written_and_an_exception_nothing(things_in: db.Database) -> None:
    with db.transaction() as session:
        session.write(_INSERT, row(1))

    def fail(session: db.Session) -> None:
        session.write(_INSERT, row(2))
        raise Gone

    with pytest.raises(Gone):
        written(fail)
    with db.reading() as session:
        assert session.execute(select(things.c.id)).scalars().all() == [1]


def test_a_row_that_changes_after_it_was_handed_in_is_written_as_it_was(things_in: db.Database) -> None:
    thing = row(1)

    with db.transaction() as session:
        session.write(_INSERT, thing)
        thing["name"] = "later"

    with db.reading() as session:
        assert session.scalar(select(things.c.name)) == "loud"


def test_what_the_database_refuses_is_an_error_like_any_other_and_keeps_nothing(
    things_in: db.Database,
) -> None:
    def twice(session: db.Session) -> None:
        session.write(_INSERT, row(1))
        session.write(_INSERT, row(1, "twice"))
        session.write(_INSERT, row(3))

    with pytest.raises(IntegrityError) as refused:
        written(twice)

    assert not dialects.is_busy(refused.value)
    assert not dialects.is_lost(refused.value)
    with db.transaction() as session:
        assert session.execute(_ALL).all() == []


def test_a_write_that_must_meet_a_row_says_so_when_there_is_none(things_in: db.Database) -> None:
    def rename_nothing(session: db.Session) -> None:
        session.write(_INSERT, row(1))
        session.write(_RENAME, {"row_id": 2, "new_name": "second"}, Gone("2"))

    with pytest.raises(Gone):
        written(rename_nothing)

    with db.transaction() as session:
        assert session.execute(_ALL).all() == []


def test_a_lost_connection_is_told_as_one_and_the_next_transaction_has_another(
    postgresql: db.Database,
) -> None:
    def write_to_nobody(session: db.Session) -> None:
        mine = session.scalar(select(func.pg_backend_pid()))
        with postgresql.writing.begin() as other:
            other.execute(select(func.pg_terminate_backend(mine)))
        session.write(_INSERT, row(1))

    with pytest.raises(DBAPIError) as lost:
        written(write_to_nobody)

    assert dialects.is_lost(lost.value)
    with db.reading() as session:
        assert session.scalar(select(1)) == 1


def test_whoever_counts_statements_counts_these_too(things_in: db.Database) -> None:
    with statements(things_in) as sent, db.transaction() as session:
        session.write(_INSERT, [row(1), row(2)])
        session.write(_HUSH, {})

    assert [line.split()[0] for line in sent] == ["INSERT", "UPDATE"]


def test_questions_that_go_together_are_answered_each_for_itself(things_in: db.Database) -> None:
    named = select(things.c.id, things.c.said).where(dialects.one_of(things.c.name, "names"))

    with statements(things_in) as sent, db.transaction() as session:
        session.write(_INSERT, [row(1), row(2, "quiet")])
        every, quiet, nobody = session.ask((_ALL, {}), (named, {"names": ["quiet"]}), (named, {"names": []}))

    assert every == [row(1), row(2, "quiet")]
    assert quiet == [{"id": 2, "said": {"词": [2]}}]
    assert nobody == []
    assert len(sent) == 4
