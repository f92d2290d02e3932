"""挂起, 激活, 终止, 撤诉: a case that is stopped stands still, loses nothing, and goes on where it stood."""

from datetime import timedelta

import pytest

from app.cases import firing, moves, tasks
from app.cases.copies import service as copies
from app.cases.errors import (
    CannotRevoke,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    NotSuspended,
    TaskDone,
)
from app.cases.handing import service as handing
from app.cases.models import cases, task_queue
from app.cases.models import tasks as task_rows
from app.cases.notes import service as notes
from app.cases.resting import service as resting
from app.clocks.models import clocks
from app.core import db
from app.core.errors import Forbidden, IfMatchMissing, Stale
from app.identity.errors import PermissionMissing
from tests import world as worlds
from tests.cases.test_handing_on import sound
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

WHY = "等待法院判决"


def stopped(world: World, case_id: str, by: str = "duban1") -> Row:
    resting.suspend(world.actor(by), case_id, WHY, world.case(case_id)["revision"])
    return world.case(case_id)


def resumed(world: World, case_id: str, by: str = "duban1") -> Row:
    resting.resume(world.actor(by), case_id, "判决已生效", world.case(case_id)["revision"])
    return world.case(case_id)


def ended(world: World, case_id: str, by: str = "duban1") -> Row:
    resting.terminate(world.actor(by), case_id, "依规终止", world.case(case_id)["revision"])
    return world.case(case_id)


def lines(world: World, case_id: str) -> list[str]:
    told = world.get("duban1", f"/cases/{case_id}/timeline").json["items"]
    return [event["text"] for row in told for event in row["events"]]


def test_a_suspended_case_lies_nowhere_and_refuses_everything_saying_who_and_when(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)

    case = stopped(world, task["case_id"])

    assert (case["state"], world.rows(task_queue)) == ("suspended", [])
    assert world.row(task_rows, task["id"])["state"] == "suspended"
    for act in (
        lambda: world.complete("cgw1", task, "签收", seen=3),
        lambda: world.claim("cgw2", task),
        lambda: tasks.unclaim(world.actor("cgw1"), task["id"], "x", 3),
        lambda: notes.add(world.actor("cgw1"), task["case_id"], "x", "note"),
        lambda: moves.prioritise(world.actor("paiqian1"), task["case_id"], 90, "急", case["revision"]),
        lambda: copies.copy(world.actor("cgw1"), task["id"], ["zjw1"]),
        lambda: stopped(world, task["case_id"]),
    ):
        with pytest.raises(CaseSuspended, match="督办员甲") as refused:
            act()
        assert refused.value.slug == "case-suspended"
    assert lines(world, task["case_id"])[-1] == f"挂起，原因：{WHY}"


def test_it_goes_on_where_it_stood(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)
    other = world.dispatched()
    stopped(world, task["case_id"])
    stopped(world, other["case_id"])

    assert resumed(world, task["case_id"])["state"] == "active"
    resumed(world, other["case_id"])

    mine, pooled = (world.row(task_rows, each["id"]) for each in (task, other))
    assert (mine["state"], mine["assignee_id"]) == ("claimed", world.actor("cgw1").id)
    assert pooled["state"] == "open"
    assert {row["id"] for row in world.inbox("cgw1")} == {task["id"], other["id"]}
    sound(world)
    assert world.complete("cgw1", mine, "签收").opened[0]["step"] == "handle"
    assert "激活，原因：判决已生效" in lines(world, task["case_id"])


def test_no_timer_fires_while_it_rests_and_what_was_due_fires_at_once_after(world: World) -> None:
    task = world.dispatched()  # to be signed within two hours, or it goes back
    due = {row["name"]: row["due_at"] for row in world.rows(clocks, case_id=task["case_id"])}
    stopped(world, task["case_id"])
    world.wait(hours=3)

    firing.fire_due()
    assert world.row(task_rows, task["id"])["state"] == "suspended"
    assert {row["name"]: row["due_at"] for row in world.rows(clocks, case_id=task["case_id"])} == due
    resumed(world, task["case_id"])
    firing.fire_due()

    assert [row["step"] for row in world.inbox_of(world.case(task["case_id"]))] == ["dispatch"]
    sound(world)


def test_a_stack_of_people_rests_and_comes_back_as_it_was(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)
    handing.delegate(world.actor("cgw1"), task["id"], "cgw2", "请先核对", 2)
    (given,) = world.rows(task_rows, part="delegate")

    stopped(world, task["case_id"])
    resumed(world, task["case_id"])

    assert world.row(task_rows, task["id"])["state"] == "waiting"
    assert [row["id"] for row in world.inbox("cgw2")] == [given["id"]]
    sound(world)


def test_children_rest_with_their_parent_and_go_on_with_it(world: World) -> None:
    world.publish(worlds.shipped("side_assist"))
    task = world.dispatched()
    world.claim("cgw1", task)
    moves.assist(world.actor("cgw1"), task["id"], ["d1-zjw"], "请确认")
    (child,) = world.rows(cases, parent_id=task["case_id"])

    stopped(world, task["case_id"])
    assert world.case(child["id"])["state"] == "suspended"
    assert world.inbox("zjw1") == []
    with pytest.raises(NotSuspended, match="主办件"):
        resumed(world, child["id"])
    resumed(world, task["case_id"])

    assert world.case(child["id"])["state"] == "active"
    assert len(world.inbox("zjw1")) == 1
    sound(world)


def test_a_suspended_case_stays_in_the_running_lists_of_its_handlers(world: World) -> None:
    sign = world.dispatched()
    world.complete("cgw1", sign, "签收")

    stopped(world, sign["case_id"])

    assert len(world.inbox("cgw1", "running")) == 1
    ended(world, sign["case_id"])
    assert world.inbox("cgw1", "running") == []
    assert len(world.inbox("cgw1", "closed")) == 1


def test_a_terminated_case_is_over_at_once(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)

    case = ended(world, task["case_id"])

    assert (case["state"], case["close_reason"]) == ("cancelled", "终止")
    assert world.rows(task_queue) == []
    assert {row["state"] for row in world.rows(clocks, case_id=case["id"])} == {"stopped"}
    world.wait(days=30)
    firing.fire_due()
    with pytest.raises(TaskDone):
        world.complete("cgw1", task, "签收", seen=2)
    with pytest.raises(CaseClosed):
        ended(world, case["id"])
    assert "终止办件，原因：依规终止" in lines(world, case["id"])
    sound(world)


def test_a_suspended_case_may_be_terminated(world: World) -> None:
    task = world.dispatched()
    stopped(world, task["case_id"])

    case = ended(world, task["case_id"])

    assert (case["state"], case["suspended_by"]) == ("cancelled", None)
    assert world.row(task_rows, task["id"])["state"] == "cancelled"
    sound(world)


def test_a_merged_case_is_neither_suspended_nor_terminated(world: World) -> None:
    one, other = world.file().case, world.file().case
    moves.merge(world.actor("paiqian1"), one["id"], other["id"], "同一件", one["revision"])

    with pytest.raises(CaseMerged):
        stopped(world, one["id"])
    with pytest.raises(CaseMerged):
        ended(world, one["id"])


def test_who_filed_it_takes_it_back_until_somebody_begins(world: World) -> None:
    filed, begun = (world.file(by="jia1", place_unit="d1-s1-c1") for _ in "ab")
    world.claim("paiqian1", begun.opened[0])

    resting.revoke(world.actor("jia1"), filed.case["id"], "灯自己亮了")

    assert world.case(filed.case["id"])["close_reason"] == "撤诉"
    with pytest.raises(CannotRevoke):
        resting.revoke(world.actor("jia1"), begun.case["id"], "灯自己亮了")
    with pytest.raises(Forbidden):
        resting.revoke(world.actor("paiqian1"), begun.case["id"], "不办了")
    sound(world)


def test_only_who_may_stops_a_case_and_only_as_it_is_now(world: World) -> None:
    case = world.file().case
    stale = case["revision"] - 1

    with pytest.raises(PermissionMissing):
        stopped(world, case["id"], by="paiqian1")
    with pytest.raises(PermissionMissing):
        ended(world, case["id"], by="paiqian1")
    with pytest.raises(Stale):
        resting.suspend(world.actor("duban1"), case["id"], WHY, stale)
    with pytest.raises(IfMatchMissing):
        resting.terminate(world.actor("duban1"), case["id"], WHY, None)
    with pytest.raises(NotSuspended):
        resumed(world, case["id"])


def test_it_is_asked_over_http(world: World) -> None:
    case = world.file().case
    path = f"/cases/{case['id']}"

    rests = world.post("duban1", f"{path}/suspend", {"reason": WHY}, seen=case["revision"])
    refused = world.post("paiqian1", f"{path}/notes", {"text": "x"})
    goes_on = world.post("duban1", f"{path}/resume", {"reason": "好了"}, seen=rests.json["revision"])
    over = world.post("duban1", f"{path}/terminate", {"reason": "重复"}, seen=goes_on.json["revision"])

    assert [rests.json["state"], goes_on.json["state"], over.json["state"]] == [
        "suspended",
        "active",
        "cancelled",
    ]
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/case-suspended")
    assert refused.json["who"] == "督办员甲"


def test_clocks_that_heed_it_stand_still_while_the_case_rests_and_others_run_on(
    database: db.Database,
) -> None:
    drawing = Drawing("resting").start().task("work", by_role()).end().line("start", "work", "end")
    sla = (
        "clocks:\n"
        "  total: {start: case.received, stop: case.closed, limit: P7D}\n"
        "  work: {start: task.opened(work), stop: task.done(work), limit: P2D, pauseOn: [suspend]}\n"
    )
    world = worlds.build(database, worlds.bundle_of("resting", drawing, sla=sla))
    case = world.file(process="resting").case
    due = {row["name"]: row["due_at"] for row in world.rows(clocks)}

    stopped(world, case["id"])
    world.wait(days=5)
    resumed(world, case["id"])

    after = {row["name"]: row for row in world.rows(clocks)}
    assert after["total"]["due_at"] == due["total"]
    moved = after["work"]["due_at"] - due["work"]
    assert timedelta(days=5) <= moved < timedelta(days=5, minutes=5)
    assert after["work"]["state"] == "running"
    sound(world)
