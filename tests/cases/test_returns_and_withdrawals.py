"""退回 and 撤回: out of parallel parts, told beforehand, with clocks that run on."""

from datetime import timedelta

import pytest

from app import bundles
from app.cases import moves
from app.cases.errors import CannotWithdraw, ReturnNotPossible, ReturnOverSend, VerbForbidden
from app.cases.models import cases as case_rows
from app.cases.models import tasks as task_rows
from app.cases.models import waits
from app.clocks.models import clocks
from app.core import db
from app.engine.run import Run
from tests import world as worlds
from tests.engine.conftest import Bench
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

SLA = "clocks:\n  total: {start: case.received, stop: case.closed, limit: P7D}\n"


def parallel() -> Drawing:
    """first → (a ∥ b) → last."""
    drawing = Drawing("drawn").start().task("first", by_role()).both("split").both("join")
    drawing.task("a", by_role()).task("b", by_role()).task("last", by_role()).end()
    drawing.line("start", "first", "split").line("split", "a", "join").line("split", "b", "join")
    return drawing.line("join", "last", "end")


def build(database: db.Database, drawing: Drawing, more: str = "", messages: str = "") -> World:
    return worlds.build(database, worlds.bundle_of("drawn", drawing, sla=SLA, more=more, messages=messages))


def open_task(world: World, step: str) -> Row:
    found = [row for row in world.rows(task_rows, step=step) if row["state"] in ("open", "claimed")]
    assert len(found) == 1, [(row["step"], row["state"]) for row in world.rows(task_rows)]
    return found[0]


def open_steps(world: World) -> list[str]:
    return sorted(row["step"] for row in world.rows(task_rows) if row["state"] in ("open", "claimed"))


def finish(world: World, step: str, by: str = "paiqian1") -> Row:
    task = open_task(world, step)
    world.complete(by, task)
    return task


def test_a_return_out_of_a_parallel_part_ends_every_branch_and_no_task_is_lost(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    finish(world, "first")
    task = open_task(world, "a")

    moved = moves.give_back(world.actor("paiqian1"), task["id"], "first", "材料不全", task["revision"])

    assert open_steps(world) == ["first"]
    assert [row["step"] for row in moved.opened] == ["first"]
    states = {(row["step"], row["state"]) for row in world.rows(task_rows)}
    assert {("a", "returned"), ("b", "returned")} <= states
    for step in ("first", "a", "b", "last"):
        finish(world, step)
    assert world.case(task["case_id"])["state"] == "closed"


def test_ten_returns_leave_one_total_clock_that_never_began_again(database: db.Database) -> None:
    world = build(database, parallel())
    filed = world.file(process="drawn")
    due = world.rows(clocks, case_id=filed.case["id"])[0]["due_at"]

    for _ in range(10):
        finish(world, "first")
        task = open_task(world, "b")
        moves.give_back(world.actor("paiqian1"), task["id"], "first", "再补充", task["revision"])
        world.wait(hours=1)

    (total,) = world.rows(clocks, case_id=filed.case["id"])
    assert (total["state"], total["due_at"]) == ("running", due)
    assert due - total["started_at"] == timedelta(days=7)


def test_the_dry_run_tells_what_the_return_then_does_and_changes_nothing(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    finish(world, "first")
    task = open_task(world, "a")
    before = world.case(task["case_id"]), world.rows(task_rows)

    plan = moves.give_back_plan(world.actor("paiqian1"), task["id"], "first")

    assert (world.case(task["case_id"]), world.rows(task_rows)) == before
    assert {each["step"] for each in plan["withdrawn"]} == {"a", "b"}
    assert [each["step"] for each in plan["opened"]] == ["first"]
    assert plan["clocks"] == ["“total”不重新计时。"]
    moves.give_back(world.actor("paiqian1"), task["id"], "first", "退回", task["revision"])
    assert open_steps(world) == [each["step"] for each in plan["opened"]]


def test_targets_are_the_steps_that_were_passed(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    finish(world, "first")

    targets = moves.return_targets(world.actor("paiqian1"), open_task(world, "b")["id"])

    assert [target["step"] for target in targets] == ["first"]


def test_a_step_never_passed_is_no_target(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    finish(world, "first")
    task = open_task(world, "b")

    with pytest.raises(ReturnNotPossible):
        moves.give_back(world.actor("paiqian1"), task["id"], "last", "退回", task["revision"])

    assert open_steps(world) == ["a", "b"]


def test_process_yaml_may_forbid_a_return(database: db.Database) -> None:
    world = build(database, parallel(), more="verbs: {a: {forbid: [return]}}\n")
    world.file(process="drawn")
    finish(world, "first")
    task = open_task(world, "a")

    with pytest.raises(VerbForbidden, match="不能退回"):
        moves.give_back(world.actor("paiqian1"), task["id"], "first", "退回", task["revision"])


SENDING = "city.reply: {direction: out, to: 'connector:city', body: {number: number}}\n"


def sending() -> Drawing:
    drawing = Drawing("drawn").start().task("first", by_role()).task("last", by_role()).end()
    drawing.declare("message", "city.reply").throw("reply", "message", "city.reply")
    return drawing.line("start", "first", "reply", "last", "end")


def test_a_return_over_a_message_that_went_out_is_refused_unless_it_shall_go_again(
    database: db.Database,
) -> None:
    world = build(database, sending(), messages=SENDING)
    world.file(process="drawn")
    finish(world, "first")
    task = open_task(world, "last")
    actor = world.actor("paiqian1")

    with pytest.raises(ReturnOverSend, match=r"city\.reply"):
        moves.give_back(actor, task["id"], "first", "退回", task["revision"])
    moves.give_back(actor, task["id"], "first", "退回", task["revision"], over_send="resend")

    assert open_steps(world) == ["first"]


def test_a_message_sent_inside_a_sub_process_counts_as_sent(database: db.Database) -> None:
    inner = Drawing().start("s").throw("reply", "message", "city.reply").end("e").line("s", "reply", "e")
    drawing = Drawing("drawn").start().task("first", by_role()).task("last", by_role()).end()
    drawing.declare("message", "city.reply").inside("part", inner).line(
        "start", "first", "part", "last", "end"
    )
    world = build(database, drawing, messages=SENDING)
    world.file(process="drawn")
    finish(world, "first")
    task = open_task(world, "last")

    with pytest.raises(ReturnOverSend, match=r"city\.reply"):
        moves.give_back(world.actor("paiqian1"), task["id"], "first", "退回", task["revision"])

    assert open_steps(world) == ["last"]


def test_who_acted_takes_it_back_while_nobody_went_on(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    first = finish(world, "first")

    moves.withdraw(world.actor("paiqian1"), first["id"], "选错了")

    assert open_steps(world) == ["first"]


def test_a_finished_branch_is_taken_back_and_its_sibling_stays(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    finish(world, "first")
    sibling = open_task(world, "b")
    mine = finish(world, "a")

    moves.withdraw(world.actor("paiqian1"), mine["id"], "还没写完")

    assert open_steps(world) == ["a", "b"]
    assert open_task(world, "b")["id"] == sibling["id"]


def test_nothing_is_taken_back_once_somebody_signed_or_it_was_another_s(database: db.Database) -> None:
    world = build(database, parallel())
    world.file(process="drawn")
    first = finish(world, "first")

    with pytest.raises(CannotWithdraw, match="自己办理"):
        moves.withdraw(world.actor("paiqian2"), first["id"], "不该这样")
    world.claim("paiqian2", open_task(world, "a"))
    with pytest.raises(CannotWithdraw, match="“a”已有人签收"):
        moves.withdraw(world.actor("paiqian1"), first["id"], "选错了")

    assert open_steps(world) == ["a", "b"]


def test_nothing_is_taken_back_once_a_message_went_out(database: db.Database) -> None:
    world = build(database, sending(), messages=SENDING)
    world.file(process="drawn")
    first = finish(world, "first")

    with pytest.raises(CannotWithdraw, match="已经向外发出消息"):
        moves.withdraw(world.actor("paiqian1"), first["id"], "选错了")


def test_a_return_ends_what_was_waited_for(database: db.Database) -> None:
    drawing = Drawing("drawn").start().task("first", by_role()).both("split").task("a", by_role())
    drawing.declare("message", "city.callback").catch("back", "message", "city.callback").both("join").end()
    drawing.line("start", "first", "split").line("split", "a", "join", "end").line("split", "back", "join")
    world = build(database, drawing, messages="city.callback: {direction: in, key: number, data: {}}\n")
    world.file(process="drawn")
    finish(world, "first")
    assert len(world.rows(waits)) == 1
    task = open_task(world, "a")

    moves.give_back(world.actor("paiqian1"), task["id"], "first", "退回", task["revision"])
    assert world.rows(waits) == []
    finish(world, "first")

    assert len(world.rows(waits)) == 1


def test_over_http_a_plan_then_a_return_then_the_timeline_says_it(database: db.Database) -> None:
    world = build(database, parallel())
    case = world.file(process="drawn").case
    finish(world, "first")
    task = open_task(world, "a")

    targets = world.get("paiqian1", f"/tasks/{task['id']}/return-targets").get_json()
    plan = world.post("paiqian1", f"/tasks/{task['id']}/return-plan", {"step": "first"})
    body = {"step": "first", "reason": "材料不全"}
    stale = world.post("paiqian1", f"/tasks/{task['id']}/return", body, seen=7)
    done = world.post("paiqian1", f"/tasks/{task['id']}/return", body, seen=task["revision"])

    assert [each["step"] for each in targets["items"]] == ["first"]
    assert plan.status_code == 200
    assert stale.status_code == 412
    assert done.status_code == 200, done.get_json()
    assert [each["step"] for each in done.get_json()["next"]] == ["first"]
    items = world.get("paiqian1", f"/cases/{case['id']}/timeline").get_json()["items"]
    assert any("从“a”退回到“first”，原因：材料不全" in e["text"] for i in items for e in i["events"])


def asking_others_at_first() -> Drawing:
    """first → (others, unless the check refused) → work → check → end or work again."""
    drawing = Drawing("drawn").start().task("first", by_role()).either("m").either("asks", default="f_on")
    drawing.task("others", by_role()).either("n").task("work", by_role())
    drawing.task("check", by_role(), outcomes="通过, 驳回").either("g", default="f_out").end()
    drawing.line("start", "first", "m", "asks").flow("asks", "others", 'outcome("check") != "驳回"')
    drawing.flow("asks", "n", name="f_on").line("others", "n", "work", "check", "g")
    return drawing.flow("g", "m", 'outcome("check") == "驳回"').flow("g", "end", name="f_out")


def test_after_a_return_nobody_hears_what_was_decided_before_it(database: db.Database) -> None:
    world = build(database, asking_others_at_first())
    world.file(process="drawn")
    for step in ("first", "others", "work"):
        finish(world, step)
    world.complete("paiqian1", open_task(world, "check"), "驳回")
    finish(world, "work")
    task = open_task(world, "check")

    moves.give_back(world.actor("paiqian1"), task["id"], "first", "重新来", task["revision"])

    finish(world, "first")
    assert open_steps(world) == ["others"]


def test_after_a_withdrawal_nobody_hears_what_was_withdrawn(database: db.Database) -> None:
    world = build(database, asking_others_at_first())
    world.file(process="drawn")
    for step in ("first", "others", "work"):
        finish(world, step)
    check = open_task(world, "check")
    world.complete("paiqian1", check, "驳回")

    moves.withdraw(world.actor("paiqian1"), check["id"], "看错了")

    assert open_steps(world) == ["check"]
    (case,) = world.rows(case_rows)
    run = Run.load(case["engine"], bundles.get(case["version_id"]).engine, Bench())
    assert "check" not in run.outcomes


def test_a_branch_beside_is_done_again_and_the_task_that_asked_stays(database: db.Database) -> None:
    drawing = (
        Drawing("drawn").start().both("split").both("join").task("air", by_role()).task("noise", by_role())
    )
    drawing.end().line("start", "split", "air", "join", "end").line("split", "noise", "join")
    world = build(database, drawing)
    world.file(process="drawn")
    finish(world, "noise")
    air = open_task(world, "air")

    moves.give_back(world.actor("paiqian1"), air["id"], "noise", "重新测", air["revision"])

    assert open_steps(world) == ["air", "noise"]
    finish(world, "air")
    finish(world, "noise")
    assert [case["state"] for case in world.rows(case_rows)] == ["closed"]
