"""Effects wait for the commit: they run once the rows are safe, never after a rollback, and harm nobody."""

import pytest

from app.core import db


def test_what_waits_for_the_commit_sees_the_rows(database: db.Database) -> None:
    seen: list[int] = []

    def look() -> None:
        with db.reading() as session:
            seen.append(len(session.execute(db.system_state.select()).all()))

    with db.transaction() as session:
        before = len(session.execute(db.system_state.select()).all())
        session.execute(db.system_state.insert(), {"name": "after-commit", "value": "1"})
        session.after_commit(look)
        assert seen == []

    assert seen == [before + 1]


def test_nothing_runs_after_a_rollback(database: db.Database) -> None:
    ran: list[str] = []

    def act() -> None:
        with db.transaction() as session:
            session.after_commit(lambda: ran.append("too early"))
            raise LookupError

    with pytest.raises(LookupError):
        act()

    assert ran == []


def test_an_action_that_fails_neither_undoes_the_rows_nor_stops_the_next(database: db.Database) -> None:
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("the worker is away")

    with db.transaction() as session:
        session.execute(db.system_state.insert(), {"name": "kept", "value": "1"})
        session.after_commit(fail)
        session.after_commit(lambda: ran.append("next"))

    with db.reading() as session:
        names = [row.name for row in session.execute(db.system_state.select())]
    assert "kept" in names
    assert ran == ["next"]
