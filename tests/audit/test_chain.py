"""Chains: a changed, missing, swapped or cut row shows, and triggers refuse the change in the first place."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from app.audit.chain import GENESIS, canonical, case_chain, link
from app.audit.streams import AUTH, Entry, append, audit_stream, note, shard_of, stream_heads, write_waiting
from app.audit.verify import verify, verify_streams
from app.core import db

AT = datetime(2026, 3, 2, 1, 0, 0, 123456, tzinfo=UTC)


def a_chain(session: db.Session, case_id: str, length: int) -> tuple[int, bytes]:
    """Writes a chain of so many rows; returns its head."""
    head = GENESIS
    for seq in range(1, length + 1):
        row = {
            "case_id": case_id,
            "seq": seq,
            "at": AT + timedelta(seconds=seq),
            "actor_id": "person-1",
            "command": "Complete",
            "events": '[{"name":"task.done","step":"派遣"}]',
            "ledger_hash": "0" * 64,
        }
        digest = link(head, row)
        session.execute(insert(case_chain), {**row, "prev": head, "hash": digest})
        head = digest
    return length, head


def without_guards(database: db.Database, act: Callable[[Any], None]) -> None:
    """What somebody can do who owns the database: drop the triggers first."""
    with database.writing.begin() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            connection.exec_driver_sql("set local session_replication_role = replica")
        else:
            for name in ("update", "delete"):
                connection.exec_driver_sql(f"drop trigger if exists case_chain_{name}")
        act(connection)


def test_an_untouched_chain_verifies(database: db.Database) -> None:
    with db.transaction() as session:
        heads = {case: a_chain(session, case, 5) for case in ("a", "b")}

    with db.reading() as session:
        found = verify(session, heads=heads)
        one = verify(session, "a", {"a": heads["a"]})

    assert (found.rows, found.faults) == (10, ())
    assert (one.rows, one.faults) == (5, ())


@pytest.mark.parametrize(
    ("act", "seq", "words"),
    [
        (
            lambda c: c.execute(update(case_chain).where(case_chain.c.seq == 3).values(actor_id="x")),
            3,
            "改动",
        ),
        (
            lambda c: c.execute(update(case_chain).where(case_chain.c.seq == 3).values(hash=b"1" * 32)),
            3,
            "改动",
        ),
        (lambda c: c.execute(delete(case_chain).where(case_chain.c.seq == 3)), 4, "第 3 条缺失"),
        (
            lambda c: c.execute(delete(case_chain).where(case_chain.c.seq == 5)),
            5,
            "链尾应为第 5 条，现为第 4 条",
        ),
        (lambda c: c.execute(delete(case_chain)), 1, "现为第 0 条"),
    ],
)
def test_a_tampered_chain_names_its_first_wrong_row(
    database: db.Database, act: Callable[[Any], None], seq: int, words: str
) -> None:
    with db.transaction() as session:
        heads = {"a": a_chain(session, "a", 5)}

    without_guards(database, act)

    with db.reading() as session:
        (fault,) = verify(session, heads=heads).faults
    assert (fault.chain, fault.seq) == ("a", seq)
    assert words in fault.reason


def test_swapped_rows_show(database: db.Database) -> None:
    with db.transaction() as session:
        a_chain(session, "a", 3)

    def swap(connection: Any) -> None:
        for before, after in ((2, 99), (3, 2), (99, 3)):
            connection.execute(update(case_chain).where(case_chain.c.seq == before).values(seq=after))

    without_guards(database, swap)

    with db.reading() as session:
        assert [fault.seq for fault in verify(session).faults] == [2]


def test_rows_cannot_be_changed_or_deleted(database: db.Database) -> None:
    with db.transaction() as session:
        a_chain(session, "a", 1)
        append(session, Entry(AUTH, "signed-in", "p", None, {}, AT))

    for statement in (
        update(case_chain).values(actor_id="x"),
        delete(case_chain),
        update(audit_stream).values(kind="x"),
        delete(audit_stream),
    ):
        with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
            session.execute(statement)


def test_canonical_bytes_mean_the_same_wherever_they_are_made() -> None:
    beijing = timezone(timedelta(hours=8))
    row = {"b": 1, "a": "e\u0301", "at": AT, "raw": b"\x01", "none": None, "hash": b"x", "prev": b"y"}
    same = {
        "at": AT.astimezone(beijing).replace(microsecond=123000),
        **{k: v for k, v in row.items() if k != "at"},
    }

    assert canonical(row) == canonical(same)
    assert (
        canonical(row) == '{"a":"\u00e9","at":1772413200123,"b":1,"format":1,"none":null,"raw":"01"}'.encode()
    )
    with pytest.raises(TypeError):
        canonical({"share": 0.1})


def test_a_security_event_waits_for_the_open_transaction_and_survives_its_failure(
    database: db.Database,
) -> None:
    def refused() -> None:
        with db.transaction():
            note("forbidden", "p1", "case-1", {"permission": "case:read"})
            raise LookupError

    with pytest.raises(LookupError):
        refused()
    write_waiting()
    note("signed-in", "p2", None, {})

    with db.reading() as session:
        rows = session.execute(select(audit_stream).order_by(audit_stream.c.at)).all()
        assert [(row.kind, row.shard) for row in rows] == [
            ("forbidden", shard_of("p1")),
            ("signed-in", shard_of("p2")),
        ]
        assert verify_streams(session).faults == ()


def test_a_stream_that_lost_its_end_shows(database: db.Database) -> None:
    with db.transaction() as session:
        for _ in range(3):
            append(session, Entry(AUTH, "signed-in", "p", None, {}, AT))
        session.execute(update(stream_heads).values(seq=4))

    with db.reading() as session:
        (fault,) = verify_streams(session, AUTH).faults
    assert "链尾" in fault.reason
