"""The chain of a case: every step leaves one row that covers its events and its ledger, and a changed row shows."""

from typing import Any

import orjson
import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from app.audit import verify
from app.audit.chain import GENESIS, case_chain
from app.audit.verify import Verified
from app.cases import firing, tasks, timeline
from app.cases.models import tasks as task_rows
from app.cases.verbs.complete import seal_of
from app.clocks.models import clock_ledger
from app.clocks.proof import ledger_hash, verify_ledger
from app.core import db
from tests.world import Row, World

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def walked(world: World) -> Row:
    """A case that was bounced by the clock once, signed, given back, handled, rejected and archived."""
    task = world.dispatched()
    world.wait(hours=3)
    firing.fire_due()
    task = world.complete("paiqian1", world.inbox("paiqian1")[0], "派遣", {"main_unit": "d1-cgw"}).opened[0]
    world.claim("cgw1", task)
    tasks.unclaim(world.actor("cgw1"), task["id"], "请假", 2)
    task = world.complete("cgw2", world.row(task_rows, task["id"]), "签收").opened[0]
    task = world.complete("cgw2", task, "报结", HANDLED).opened[0]
    task = world.complete("shenhe1", task, "驳回", {}, "照片不清").opened[0]
    task = world.complete("cgw2", task, "报结", {**HANDLED, "result": "已补拍"}).opened[0]
    task = world.complete("shenhe1", task, "通过").opened[0]
    world.complete("paiqian2", task, "归档")
    return world.case(task["case_id"])


def verified(world: World, case: Row, **about: Any) -> Verified:
    heads = {case["id"]: (case["audit_seq"], case["audit_head"])}
    with db.transaction() as session:
        return verify.verify(session, case["id"], heads, **about)


def untriggered(world: World) -> Any:
    """A hand in the database that no trigger stops: what an owner of the machine could do."""
    connection = world.database.writing.connect()
    connection.detach()  # never back to the pool
    if world.database.writing.dialect.name == "postgresql":
        connection.exec_driver_sql("set session_replication_role = replica")
    else:
        names = connection.exec_driver_sql("select name from sqlite_master where type = 'trigger'").scalars()
        for name in list(names):
            connection.exec_driver_sql(f'drop trigger "{name}"')
    return connection


def test_every_step_has_one_row_with_all_its_events_in_order(world: World) -> None:
    case = walked(world)

    rows = world.rows(case_chain, case_id=case["id"])

    commands = [row["command"] for row in rows]
    assert commands == ["Start", "Complete", "FireTimer", "Complete", "Claim", "Unclaim", *["Complete"] * 6]
    assert [row["seq"] for row in rows] == list(range(1, 13))
    assert (case["audit_seq"], case["audit_head"]) == (12, rows[-1]["hash"])
    assert rows[0]["prev"] == GENESIS
    told = [[event["name"] for event in orjson.loads(row["events"])] for row in rows]
    assert told[1] == ["task.claimed", "task.done", "case.dispatched", "task.opened", "clock.started"]
    assert told[2] == ["timer.fired", "task.cancelled", "clock.stopped", "task.opened"]
    assert told[4] == ["task.claimed", "clock.stopped", "unit.assigned"]
    assert told[-1] == ["task.claimed", "task.done", "case.resolved", "case.closed", "clock.stopped"]
    assert sum(map(len, told)) == case["event_seq"]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_a_whole_chain_verifies(world: World) -> None:
    case = walked(world)

    found = verified(world, case)

    assert (found.rows, found.faults) == (12, ())


def test_a_row_covers_the_ledger_lines_written_with_it(world: World) -> None:
    case = walked(world)
    ledger = world.rows(clock_ledger, case_id=case["id"])
    covered = 0

    for row in world.rows(case_chain, case_id=case["id"]):
        lines = [line for line in ledger if line["at"] == row["at"]]
        covered += len(lines)
        assert {line["chain_seq"] for line in lines} <= {row["seq"]}
        assert ledger_hash(lines) == row["ledger_hash"], row["command"]
    assert covered == len(ledger) == 8


@pytest.mark.parametrize("harm", ["forge", "remove"])
def test_a_forged_or_removed_ledger_line_is_found_at_its_step(world: World, harm: str) -> None:
    case = walked(world)
    line = world.rows(clock_ledger, case_id=case["id"])[2]
    with db.reading(snapshot=True) as session:
        assert verify_ledger(session).faults == ()

    with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
        session.execute(delete(clock_ledger).where(clock_ledger.c.id == line["id"]))
    this = clock_ledger.c.id == line["id"]
    with untriggered(world) as connection:
        if harm == "forge":
            connection.execute(update(clock_ledger).where(this).values(actor_id="forged"))
        else:
            connection.execute(delete(clock_ledger).where(this))
        connection.commit()

    with db.reading(snapshot=True) as session:
        (fault,) = verify_ledger(session, case["id"]).faults
    assert (fault.chain, fault.seq) == (case["id"], line["chain_seq"])


def test_the_answers_of_a_task_verify_with_their_salt_and_are_not_in_the_chain(world: World) -> None:
    case = walked(world)
    chain = world.rows(case_chain, case_id=case["id"])
    events = [event for row in chain for event in orjson.loads(row["events"]) if event["name"] == "task.done"]
    done = {task["id"]: task for task in world.rows(task_rows, case_id=case["id"], state="done")}

    assert len(events) == len(done) == 8
    for event in events:
        task = done[event["task"]]
        assert seal_of(task["answers_salt"], task["answers"]) == event["answers"]
        assert seal_of(task["answers_salt"], {**task["answers"], "result": "改过"}) != event["answers"]
        assert len(task["answers_salt"]) == 16
    assert len({task["answers_salt"] for task in done.values()}) == 8
    assert all("已修好" not in row["events"] for row in chain)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_id", "somebody-else"),
        ("events", "[]"),
        ("command", "Complete"),
        ("ledger_hash", "0" * 64),
        ("hash", b"\x01" * 32),
    ],
)
def test_a_changed_row_is_found_at_its_place(world: World, column: str, value: Any) -> None:
    case = walked(world)
    with untriggered(world) as connection:
        changed = update(case_chain).where(case_chain.c.case_id == case["id"], case_chain.c.seq == 5)
        connection.execute(changed.values({column: value}))
        connection.commit()

    (fault,) = verified(world, case).faults

    assert (fault.chain, fault.seq) == (case["id"], 5)


def test_a_missing_row_and_a_cut_end_are_found(world: World) -> None:
    case, other = walked(world), walked(world)
    with untriggered(world) as connection:
        connection.execute(
            delete(case_chain).where(case_chain.c.case_id == case["id"], case_chain.c.seq == 7)
        )
        connection.execute(
            delete(case_chain).where(case_chain.c.case_id == other["id"], case_chain.c.seq > 10)
        )
        connection.commit()

    (missing,) = verified(world, case).faults
    (cut,) = verified(world, other).faults

    assert (missing.seq, missing.reason) == (8, "第 7 条缺失。")
    assert "第 12 条" in cut.reason


def test_the_application_cannot_change_a_row(world: World) -> None:
    case = walked(world)

    for statement in (update(case_chain).values(command="Claim"), delete(case_chain)):
        with pytest.raises(Exception, match="append-only"), db.transaction() as session:
            session.execute(statement)
    assert verified(world, case).faults == ()


def test_the_timeline_tells_it_all_in_sentences(world: World) -> None:
    case = walked(world)

    lines = timeline.of(world.actor("paiqian1"), case["id"])

    said = [event["text"] for line in lines for event in line["events"]]
    assert [line["seq"] for line in lines] == list(range(1, 13))
    assert lines[2]["actor"] == "系统"
    assert said[0] == f"收到并登记，编号 {case['number']}"
    assert "到时：无人签收" in said
    assert "把“签收”退回待办池，原因：请假" in said
    assert "办理“结案审核”，结论：驳回，意见：照片不清" in said
    assert all("一" <= text[0] <= "鿿" or text[0] == "“" for text in said)
    assert [line["seq"] for line in timeline.of(world.actor("paiqian1"), case["id"], 3, 4)] == [5, 6, 7, 8]
