"""待办, 已办, 办理中: right at once after every act, in the right order, stable while others work, exact to 999."""

from datetime import datetime, time, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import insert, update

from app.cases import inbox
from app.cases.copies import service as copies
from app.cases.handing import service as handing
from app.cases.marks import service as marks
from app.cases.models import cases, favourites, task_queue
from app.cases.models import tasks as task_rows
from app.core import db
from app.core.clock import BEIJING
from app.identity import org
from app.identity.models import case_access
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def counts(world: World, who: str) -> dict[str, int]:
    return {view: told["count"] for view, told in inbox.counts(world.actor(who)).items()}


def ids(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows]


def test_every_list_and_count_is_right_right_after_each_act(world: World) -> None:
    def seen(who: str) -> tuple[list[str], dict[str, int]]:
        lists = {view: world.inbox(who, view) for view in inbox.VIEWS}
        found = counts(world, who)
        assert found == {view: len(rows) for view, rows in lists.items()}
        lying = [row["step"] for row in lists["todo"]]
        return lying, {view: found[view] for view in ("todo", "done", "running", "closed")}

    task = world.file().opened[0]
    assert seen("paiqian1") == (["dispatch"], {"todo": 1, "done": 0, "running": 0, "closed": 0})
    assert seen("paiqian2")[0] == ["dispatch"]
    sign = world.complete("paiqian1", task, "派遣", {"main_unit": "d1-cgw"}).opened[0]
    assert seen("paiqian1") == ([], {"todo": 0, "done": 1, "running": 1, "closed": 0})
    assert seen("paiqian2") == ([], {"todo": 0, "done": 0, "running": 0, "closed": 0})
    assert seen("cgw1")[0] == seen("cgw2")[0] == ["sign"]
    world.claim("cgw1", sign)
    assert seen("cgw1")[0] == ["sign"]
    assert seen("cgw2")[0] == []
    handle = world.complete("cgw1", sign, "签收", seen=2).opened[0]
    assert seen("cgw1") == (["handle"], {"todo": 1, "done": 1, "running": 1, "closed": 0})
    assert seen("cgw2")[0] == ["handle"]
    review = world.complete("cgw1", handle, "报结", HANDLED).opened[0]
    archive = world.complete("shenhe1", review, "通过").opened[0]
    world.complete("paiqian1", archive, "归档")
    assert seen("cgw1") == ([], {"todo": 0, "done": 2, "running": 0, "closed": 1})
    assert seen("paiqian1") == ([], {"todo": 0, "done": 2, "running": 0, "closed": 1})
    assert seen("shenhe1") == ([], {"todo": 0, "done": 1, "running": 0, "closed": 1})
    assert world.rows(task_queue) == []


def test_done_is_newest_first_and_running_has_one_row_a_case(world: World) -> None:
    signs = [world.dispatched() for _ in range(3)]
    for sign in signs:
        world.complete("cgw1", sign, "签收")

    assert ids(world.inbox("cgw1", "done")) == ids(signs[::-1])
    running = world.inbox("paiqian1", "running")
    assert [row["case_id"] for row in running] == [sign["case_id"] for sign in signs[::-1]]
    back = world.complete("cgw2", world.dispatched(), "退单", {"return_reason": "非职责"}, "不归我们").opened[
        0
    ]
    world.complete("paiqian1", back, "派遣", {"main_unit": "d1-zjw"})
    assert len(world.inbox("paiqian1", "running")) == 4
    assert world.inbox("paiqian1", "running")[0]["id"] == back["id"]  # what I did last in it


def test_todo_is_ordered_by_urgency_then_due_then_priority(database: db.Database) -> None:
    drawing = Drawing("ordered").start().both("split").line("start", "split").both("join").end()
    for step, priority in (("plain", 50), ("first", 90), ("last", 10)):
        attributes = f'{worlds.by_role()} camunda:priority="{priority}"'
        drawing.task(step, attributes, outcomes="完成", clock="total").line("split", step, "join")
    drawing.line("join", "end")
    sla = "clocks: {total: {start: case.received, stop: case.closed, limit: P1D}}\n"
    world = worlds.build(database, worlds.bundle_of("ordered", drawing, sla=sla))
    now = world.now()
    by_case = {}
    for name, priority, hours in (
        ("late", 50, 9),
        ("soon", 50, 1),
        ("urgent", 90, 1),
        ("calm", 0, 20),
        ("top", 100, 0),
    ):
        received = now - timedelta(hours=hours)
        moved = world.file(process="ordered", title=name, priority=priority, received_at=received)
        by_case[moved.case["id"]] = name

    order = [(row["title"], row["step"]) for row in world.inbox("paiqian1")]

    assert order == [
        (name, step)
        for name in ("top", "urgent", "late", "soon", "calm")
        for step in ("first", "plain", "last")
    ]
    assert len(by_case) == 5


def test_a_task_without_a_due_time_comes_after_those_with_one(database: db.Database) -> None:
    drawing = Drawing("dues").start().both("split").line("start", "split").both("join").end()
    drawing.task("free", worlds.by_role(), outcomes="完成").task(
        "owed", worlds.by_role(), outcomes="完成", clock="c"
    )
    drawing.line("split", "free", "join").line("split", "owed", "join", "end")
    sla = "clocks: {c: {start: case.received, stop: case.closed, limit: P9D}}\n"
    world = worlds.build(database, worlds.bundle_of("dues", drawing, sla=sla))
    world.file(process="dues")

    assert [(row["step"], row["due_at"] is None) for row in world.inbox("paiqian1")] == [
        ("owed", False),
        ("free", True),
    ]


def pages(world: World, who: str, view: str, limit: int) -> list[list[Row]]:
    found, after = [], None
    while True:
        rows = inbox.page(world.actor(who), view, limit, after)
        found.append(rows[:limit])
        if len(rows) <= limit:
            return found
        after = orjson.loads(orjson.dumps(inbox.sort_key(view, rows[limit - 1])))


def lay(world: World, view: str, count: int) -> str:
    """So many rows in one list of a person; returns who."""
    if view in ("started", "all"):
        for _ in range(count):
            world.file()
        return "paiqian1"
    signs = [world.dispatched(priority=10 * i) for i in range(count)]
    actor = world.actor("cgw1")
    for sign in signs:
        if view in ("done", "running"):
            world.complete("cgw1", sign, "签收")
        elif view == "closed":
            handle = world.complete("cgw1", sign, "签收").opened[0]
            review = world.complete("cgw1", handle, "报结", HANDLED).opened[0]
            archive = world.complete("shenhe1", review, "通过").opened[0]
            world.complete("paiqian1", archive, "归档")
        elif view == "assignedDown":
            world.claim("cgw1", sign)
            handing.delegate(actor, sign["id"], "cgw2", "请先核对", 2)
        elif view == "cc":
            copies.copy(world.actor("paiqian1"), sign["id"], ["cgw1"])
        elif view in ("unsatisfied", "supervised"):
            world.change(cases, sign["case_id"], **{view: True})
        elif view in ("followed", "favourite"):
            with db.transaction() as session:
                mark = marks.follow if view == "followed" else marks.keep
                mark(session, actor, sign["case_id"])
    if view == "overdue":
        world.wait(hours=3)
    elif view == "dueToday":
        due_before_midnight(world)
    return "cgw1"


def due_before_midnight(world: World) -> None:
    """Everything in a queue is due when today ends, each a little before the next."""
    tomorrow = world.now().astimezone(BEIJING).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), BEIJING)
    for i, row in enumerate(world.rows(task_queue), 1):
        due = midnight - timedelta(milliseconds=1 + i // 3)
        world.change(task_rows, row["task_id"], due_at=due)
        with db.transaction() as session:
            mine = task_queue.c.task_id == row["task_id"]
            session.execute(update(task_queue).where(mine).values(due_at=due))


@pytest.mark.parametrize("view", list(inbox.VIEWS))
def test_pages_together_hold_everything_once_in_order(world: World, view: str) -> None:
    who = lay(world, view, 7)

    for limit in (1, 2, 3, 7, 50):
        found = pages(world, who, view, limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert ids([row for page in found for row in page]) == ids(world.inbox(who, view))
    assert len(world.inbox(who, view)) == counts(world, who)[view] == 7


def test_a_cursor_stays_right_while_rows_come_and_go(world: World) -> None:
    signs = [world.dispatched() for _ in range(6)]
    actor = world.actor("cgw1")
    first = inbox.page(actor, "todo", 2, None)[:2]
    assert ids(first) == ids(signs[:2])

    world.complete("cgw1", signs[1], "签收")  # the very row the cursor stands on is gone
    world.complete("cgw1", signs[3], "签收")
    ahead = world.dispatched(priority=99)  # stands before the cursor: not on this page, not twice
    behind = world.dispatched(priority=1)
    rest = inbox.page(actor, "todo", 50, inbox.sort_key("todo", first[-1]))

    assert ids([row for row in rest if row["step"] == "sign"]) == ids([signs[2], signs[4], signs[5], behind])
    assert ahead["id"] not in ids(rest)


def test_a_task_in_two_of_my_pools_is_there_once(database: db.Database) -> None:
    drawing = Drawing("shared").start().end()
    rules = 'camunda:candidateGroups="role(dispatcher)@district, role(dispatcher)@street"'
    drawing.task("t", rules, outcomes="完成").line("start", "t", "end")
    world = worlds.build(database, worlds.bundle_of("shared", drawing))
    with db.transaction() as session:
        text = (worlds.BPMN / "_org.yaml").read_text(encoding="utf-8")
        text = text.replace(
            "appointments: [{role: dispatcher, unit: d1}]}\n  - {login: paiqian2",
            "appointments: [{role: dispatcher, unit: d1}, {role: dispatcher, unit: d1-s1}]}\n  - {login: paiqian2",
        )
        org.load_org(session, text.encode(), with_passwords=False)
    for _ in range(3):
        world.file(process="shared")

    rows = world.inbox("paiqian1")

    assert len(world.actor("paiqian1").pools) == 2
    assert len(world.rows(task_queue)) == 6
    assert len(rows) == len(set(ids(rows))) == 3
    assert counts(world, "paiqian1")["todo"] == 3
    assert [len(page) for page in pages(world, "paiqian1", "todo", 2)] == [2, 1]
    world.claim("paiqian1", rows[0])
    assert len(world.inbox("dongjie1")) == 2
    assert len(world.inbox("paiqian1")) == 3


@pytest.mark.parametrize(
    ("more", "count", "exact"), [(998, 999, True), (999, 999, False), (1200, 999, False)]
)
def test_counts_are_exact_to_999_and_say_so_beyond(world: World, more: int, count: int, exact: bool) -> None:
    """Rows written directly: so many cases in which this person has a task, has done one, takes part."""
    sign = world.dispatched()
    world.complete("cgw1", sign, "签收")
    case, done = world.case(sign["case_id"]), world.row(task_rows, sign["id"])
    actor = world.actor("cgw1")
    made: dict[Any, list[Row]] = {
        table: [] for table in (cases, task_rows, task_queue, case_access, favourites)
    }
    marked = {"unsatisfied": True, "supervised": True}
    desks = (f"person:{actor.id}", "pool:handler@d1/d1-cgw")
    now = world.now()
    tomorrow = datetime.combine(now.astimezone(BEIJING).date() + timedelta(days=1), time(), BEIJING)
    for i in range(more + 1):
        key = worlds.new_id()
        if i < more:  # the one that came here by itself is there already
            made[cases].append({**case, "id": key, "root_id": key, "number": f"N{i}", **marked})
            made[task_rows].append({**done, "id": key, "case_id": key, "root_id": key})
        else:
            key = case["id"]
            world.change(cases, key, **marked)
        given = {**done, "id": worlds.new_id(), "case_id": key, "root_id": key, "seat": 1}
        made[task_rows].append(
            {**given, "state": "waiting", "stacked": True, "assignee_id": actor.id, "done_by": None}
        )
        reasons = ["closed", "started", "followed", "cc", *(["handled"] if i < more else [])]
        made[case_access] += [{"case_id": key, "holder": desks[0], "reason": reason} for reason in reasons]
        made[favourites].append({"person_id": actor.id, "case_id": key, "at": now})
        task = key if i < more else done["id"]
        for due, rank in ((now - timedelta(days=1), "1"), (tomorrow - timedelta(seconds=1), "2")):
            lying = {"holder": desks[i % 2], "rank": f"{rank}050{i:05}", "due_at": due, "task_id": task}
            made[task_queue].append(lying)
    with db.transaction() as session:
        for table, rows in made.items():
            session.execute(insert(table), rows)

    answer = inbox.counts(actor)

    told = {view: (each["count"], each["totalExact"]) for view, each in answer.items()}
    assert told == {**dict.fromkeys(inbox.VIEWS, (count, exact)), "todo": (999, False)}


def test_a_list_that_does_not_exist_is_named_with_those_that_do(world: World) -> None:
    answer = world.get("cgw1", "/tasks?view=mine")

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "?view")


def test_a_claimed_task_lies_on_one_desk_and_the_time_for_signing_presses_no_more(world: World) -> None:
    sign = world.dispatched()
    (before,) = world.rows(task_queue, task_id=sign["id"])
    world.claim("cgw1", sign)
    (claimed,) = world.rows(task_queue, task_id=sign["id"])

    assert before["holder"] == "pool:handler@d1/d1-cgw"
    assert claimed["holder"] == f"person:{world.actor('cgw1').id}"
    assert claimed["rank"] > before["rank"]


def test_over_http_pages_are_bound_to_their_person_and_view(world: World) -> None:
    for _ in range(3):
        world.dispatched()

    page = world.get("cgw1", "/tasks?view=todo&limit=2").json
    cursor = page["page"]["next"]
    rest = world.get("cgw1", f"/tasks?view=todo&limit=2&after={cursor}").json

    assert (len(page["items"]), len(rest["items"]), rest["page"]["next"]) == (2, 1, None)
    for who, path in (
        ("cgw2", f"/tasks?view=todo&after={cursor}"),
        ("cgw1", f"/tasks?view=done&after={cursor}"),
        ("cgw1", f"/tasks?view=running&after={cursor}"),
        ("cgw1", f"/cases?after={cursor}"),
        ("cgw1", f"/tasks?view=todo&after={cursor[:-3]}"),
        ("cgw1", f"/tasks?view=todo&after={cursor[::-1]}"),
    ):
        answer = world.get(who, path)
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/cursor-invalid"), path
