"""`huying audit verify` says in plain words whether the record is whole."""

from click.testing import CliRunner

from app.audit.streams import AUTH, Entry, append, audit_stream
from app.cli import main
from app.core import clock, db


def test_a_whole_record_is_said_to_be_whole(database: db.Database) -> None:
    with db.transaction() as session:
        append(session, Entry(AUTH, "signed-in", "p", None, {}, clock.wall()))

    answer = CliRunner().invoke(main, ["audit", "verify"])

    assert answer.exit_code == 0
    assert "安全日志，审计记录 1 条：完好。" in answer.output


def test_a_stream_covers_numbers_in_what_was_looked_for_and_in_reasons(database: db.Database) -> None:
    said = {"reason": "请打13800138000", "number": "13800138000"}
    with db.transaction() as session:
        append(session, Entry(AUTH, "out-of-scope", "p", "/cases/13800138000", said, clock.wall()))
        row = session.execute(audit_stream.select()).one()

    assert (row.subject, "请打138****8000" in row.data) == ("/cases/138****8000", True)


def test_a_broken_record_is_named_and_fails_the_command(database: db.Database) -> None:
    with db.transaction() as session:
        append(session, Entry(AUTH, "signed-in", "p", None, {}, clock.wall()))
        session.connection.exec_driver_sql("update stream_heads set seq = 7")

    answer = CliRunner().invoke(main, ["audit", "verify"])

    assert answer.exit_code == 1
    assert "链尾应为第 7 条" in answer.output


def test_an_unknown_case_is_told_so(database: db.Database) -> None:
    answer = CliRunner().invoke(main, ["audit", "verify", "--case", "none"])

    assert answer.exit_code == 1
    assert "没有编号为 none 的办件" in answer.output
