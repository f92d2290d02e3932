"""Data keys: one a subject, wrapped in the database, at hand for five minutes, rotated while in use."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.core import clock, config, db
from app.crypto import data_keys, keyring, rotate, sealed
from app.crypto.data_keys import ANSWERS, INBOUND, INDEX, KeyDestroyed
from app.crypto.sealed import Place, Sealed
from app.crypto.sm4 import DataKey, Unreadable
from tests.world import statements

ROWS = select(data_keys.data_keys).order_by(data_keys.data_keys.c.id)


def system(purpose: str) -> DataKey:
    with db.transaction() as session:
        return data_keys.system(session, purpose)


def test_a_system_key_is_made_once_and_costs_no_statement_while_it_is_remembered(
    database: db.Database,
) -> None:
    first = system(ANSWERS)

    with statements(database) as sent:
        again = system(ANSWERS)

    assert (again, sent) == (first, [])
    data_keys.forget()
    assert system(ANSWERS) == first
    assert system(INDEX) != first


def test_a_key_is_forgotten_after_five_minutes(
    database: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    system(ANSWERS)
    later = clock.monotonic() + data_keys.UNWRAPPED_SECONDS + 1
    monkeypatch.setattr(clock, "monotonic", lambda: later)

    with statements(database) as sent:
        system(ANSWERS)

    assert len(sent) == 1
    assert data_keys._remembered.by_purpose(INDEX) is None


def test_a_key_whose_transaction_was_rolled_back_is_not_remembered(database: db.Database) -> None:
    lost = []

    def fail() -> None:
        with db.transaction() as session:
            lost.append(data_keys.system(session, ANSWERS))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert system(ANSWERS).secret != lost[0].secret


def test_of_keys_made_at_once_all_get_the_first(database: db.Database) -> None:
    with ThreadPoolExecutor(6) as threads:
        made = set(threads.map(system, [INDEX] * 12))

    with db.reading() as session:
        assert len(session.execute(ROWS).all()) == len(made) == 1


def test_the_database_holds_no_key(database: db.Database) -> None:
    keys = [system(purpose) for purpose in (ANSWERS, INBOUND, INDEX)]
    with db.transaction() as session:
        keys.append(data_keys.of(session, "case:1"))

    with db.reading() as session:
        rows = session.execute(ROWS).all()
    assert len(rows) == 4
    for row in rows:
        for key in keys:
            assert key.secret not in row.wrapped


def test_a_wrapped_key_moved_to_another_subject_does_not_open(database: db.Database) -> None:
    with db.transaction() as session:
        for subject in ("case:1", "case:2"):
            data_keys.of(session, subject)
        one, two = session.execute(ROWS).all()
        session.execute(
            update(data_keys.data_keys).where(data_keys.data_keys.c.id == two.id).values(wrapped=one.wrapped)
        )

        with pytest.raises(Unreadable):
            data_keys.of(session, "case:2")


def test_what_a_destroyed_key_sealed_is_gone(database: db.Database) -> None:
    place = Place("inbox", "body", "1")
    with db.transaction() as session:
        key = data_keys.of(session, "case:1")
        value = sealed.seal_with(key, place, "幸福社区3号楼".encode())
        assert sealed.open_(session, place, value).decode() == "幸福社区3号楼"
        gone = {"state": "destroyed", "wrapped": None}
        session.execute(update(data_keys.data_keys).values(gone))

        with pytest.raises(KeyDestroyed):
            sealed.open_(session, place, value)


def test_a_sealed_column_refuses_a_plain_value(database: db.Database) -> None:
    column = sealed.SealedBytes()

    for plain in ("13800138000", b"13800138000"):
        with pytest.raises(TypeError, match="sealed values only"):
            column.process_bind_param(plain, database.writing.dialect)  # type: ignore[arg-type]
    assert "13800138000" not in repr(Sealed(b"13800138000"))


@pytest.fixture
def own_keyring(database: db.Database, tmp_path: Path) -> Path:
    file = tmp_path / "keyring"
    keyring.make(file)
    config.use(replace(config.settings(), keys=file))
    return file


def test_a_new_kek_wraps_every_data_key_and_old_values_still_open(own_keyring: Path) -> None:
    place = Place("inbox", "body", "1")
    with db.transaction() as session:
        value = sealed.seal(session, INBOUND, place, b"{}")
        data_keys.of(session, "case:1")
    old = keyring.current().active

    new = rotate.use_newest(own_keyring)
    done = rotate.wrap_all()

    data_keys.forget()
    with db.reading() as session:
        assert {row.kek_id for row in session.execute(ROWS)} == {new.id} != {old}
        assert sealed.open_(session, place, value) == b"{}"
    assert done == 2
    assert set(keyring.current().keks) == {old, new.id}
    assert own_keyring.stat().st_mode & 0o7777 == 0o400


def test_an_interrupted_rotation_goes_on_where_it_stopped(
    own_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate, "_WRAPPED_BY_ANOTHER", rotate._WRAPPED_BY_ANOTHER.limit(2))
    with db.transaction() as session:
        keys = {data_keys.of(session, f"case:{n}") for n in range(5)}

    def interrupted(count: int) -> None:
        raise KeyboardInterrupt

    new = rotate.use_newest(own_keyring)
    with pytest.raises(KeyboardInterrupt):
        rotate.wrap_all(interrupted)
    again = rotate.use_newest(own_keyring)
    rest = rotate.wrap_all()

    assert (again.id, rest) == (new.id, 3)
    assert len(keyring.current().keks) == 2
    with db.transaction() as session:
        assert {data_keys.of(session, f"case:{n}") for n in range(5)} == keys


def test_a_prepared_kek_is_used_by_the_next_rotation(own_keyring: Path) -> None:
    old = keyring.current().active
    made = rotate.prepare_kek(own_keyring)
    before = keyring.current().active

    new = rotate.use_newest(own_keyring)

    assert (before, new.id) == (old, made.id)
    assert set(keyring.current().keks) == {old, made.id}
