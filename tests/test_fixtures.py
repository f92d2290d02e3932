"""The databases that other tests lean on: both kinds, clean each time, and never anybody else's."""

from redis import Redis

from app.core import db
from app.core.config import settings


def test_a_row_of_one_test_is_not_there_in_the_next(database: db.Database) -> None:
    assert settings().database_url == database.url

    for _ in range(2):  # the second insert would meet the first one's key
        with db.reading() as session:
            before = session.execute(db.system_state.select()).all()
    with db.transaction() as session:
        session.execute(db.system_state.insert(), {"name": "left-behind", "value": "1"})

    assert "left-behind" not in [row.name for row in before]


def test_nor_in_the_one_after_it(database: db.Database) -> None:
    with db.reading() as session:
        names = [row.name for row in session.execute(db.system_state.select())]

    assert "left-behind" not in names


def test_postgresql_sees_chinese_letters_as_letters(postgresql: db.Database) -> None:
    with db.reading() as session:
        found = session.connection.exec_driver_sql("select '幸福里' ~ '^[[:alpha:]]+$'").scalar()

    assert found is True


def test_valkey_answers_on_its_socket_and_is_empty(valkey: str) -> None:
    with Redis.from_url(valkey) as redis:
        assert redis.dbsize() == 0
        assert redis.config_get("port") == {"port": "0"}
