"""Answers kept for repeated requests: nothing of them can be read in the database."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app import wire
from app.core import clock, db, once
from app.core.once import IdempotencyKeyReused, Once, Stored, idempotency
from app.crypto import data_keys
from app.crypto.kept import AnswerUnreadable

BODY = b'{"caller_phone":"13800138000"}'
THIS = Once("person-1", "POST", "/reveal", "key-1", "the fingerprint", lambda _: Stored(200, {}, BODY))


def keep(this: Once = THIS) -> None:
    wire()
    acted: list[Once] = []
    once.answered(this, lambda session: (acted.append(this), clock.now(session)))
    assert acted == [this]


def repeat(this: Once = THIS) -> Stored | None:
    def twice(session: db.Session) -> tuple[None, None]:
        raise AssertionError("the same request happened twice")

    return once.answered(this, twice)


def test_a_repeated_request_gets_the_bytes_and_the_database_holds_none_of_them(database: db.Database) -> None:
    keep()

    data_keys.forget()
    again = repeat()

    assert again == Stored(200, {}, BODY)
    with db.reading() as session:
        row = session.execute(select(idempotency)).one()
        assert once.look_up(session, THIS) == again
    assert b"13800138000" not in bytes(row.body)
    assert "fingerprint" not in row.fingerprint


def test_another_request_under_the_same_key_is_still_told_apart(database: db.Database) -> None:
    keep()

    with pytest.raises(IdempotencyKeyReused):
        repeat(replace(THIS, fingerprint="another"))


def test_an_answer_moved_to_another_request_is_not_sent(database: db.Database) -> None:
    other = replace(THIS, principal="person-2", key="key-2")
    keep()
    keep(other)
    with db.transaction() as session:
        first = session.execute(select(idempotency).where(idempotency.c.principal == "person-1")).one()
        session.execute(
            update(idempotency).where(idempotency.c.principal == "person-2").values(body=first.body)
        )

    with pytest.raises(AnswerUnreadable):
        repeat(other)
