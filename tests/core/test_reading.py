"""reading() writes nothing, and leaves the connection as fast as it found it."""

import pytest
from sqlalchemy import insert, text

from app.core import clock, db


def test_a_reading_refuses_to_write(database: db.Database) -> None:
    row = {"name": "x", "value": "y"}

    with pytest.raises(RuntimeError, match="does not write"), db.reading() as session:
        session.execute(insert(db.system_state), row)

    with db.reading() as session:
        assert session.scalar(text("select count(*) from system_state where name = 'x'")) == 0


def test_a_reading_lets_the_driver_keep_its_prepared_statements(postgresql: db.Database) -> None:
    for _ in range(40):  # prepared after five uses of each connection of the pool
        with db.reading() as session:
            clock.now(session)

    with db.reading() as session:
        kept = session.scalar(
            text(
                "select count(*) from pg_prepared_statements where statement like 'SELECT timezone%clock_timestamp%'"
            )
        )

    assert kept == 1
