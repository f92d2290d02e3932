"""Rows follow the engine: branches, side branches, cycles, bound timers, status, facts, data, milestones."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.audit.chain import case_chain
from app.cases import firing, flags, tasks
from app.cases.errors import TaskDone
from app.cases.models import case_facts
from app.cases.models import tasks as task_rows
from app.clocks.models import clock_ledger, clocks, timers
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}
HOUR = timedelta(hours=1)


def task(drawing: Drawing, name: str, **properties: str) -> Drawing:
    return drawing.task(name, by_role(), outcomes="完成", **properties)


def opened(world: World, case_id: str) -> dict[str, Row]:
    """Open tasks by step."""
    return {
        row["step"]: row
        for row in world.rows(task_rows, case_id=case_id)
        if row["state"] in ("open", "claimed")
    }


def filed(world: World, key: str, **about: Any) -> str:
    return str(world.file(process=key, **about).case["id"])


def test_parallel_branches_join_when_all_are_done(database: db.Database) -> None:
    drawing = Drawing("forked").start().both("split").both("join").end()
    for name in ("a", "b", "c"):
        task(drawing, name).line("split", name, "join")
    task(drawing.line("start", "split"), "after").line("join", "after", "end")
    world = worlds.build(database, worlds.bundle_of("forked", drawing))
    case_id = filed(world, "forked")

    for name, left in (("b", {"a", "c"}), ("a", {"c"}), ("c", {"after"})):
        world.complete("paiqian1", opened(world, case_id)[name])
        assert set(opened(world, case_id)) == left
    world.complete("paiqian1", opened(world, case_id)["after"])

    assert world.case(case_id)["state"] == "closed"
    assert len(world.rows(task_rows, case_id=case_id)) == 4


def test_an_end_of_one_branch_ends_nothing_else(database: db.Database) -> None:
    drawing = Drawing("loose").start().both("split").line("start", "split").end("end_a").end("end_b")
    task(task(drawing, "a"), "b").line("split", "a", "end_a").line("split", "b", "end_b")
    world = worlds.build(database, worlds.bundle_of("loose", drawing))
    case_id = filed(world, "loose")

    world.complete("paiqian1", opened(world, case_id)["a"])
    assert (world.case(case_id)["state"], set(opened(world, case_id))) == ("active", {"b"})
    world.complete("paiqian1", opened(world, case_id)["b"])

    case = world.case(case_id)
    assert (case["state"], case["end_element"] in ("end_a", "end_b")) == ("closed", True)
    assert case["closed_at"] == case["last_event_at"]


def side() -> worlds.BundleFiles:
    """`main` with a reminder after an hour that opens `remind` beside it, and a cycle every day beside that."""
    drawing = Drawing("side").start()
    task(task(task(drawing, "main", status="办理中"), "remind", status="催办中"), "next", status="收尾")
    drawing.timer("after_hour", "main", "PT1H", interrupting=False).end("reminded").end("looked").end()
    task(drawing, "look").timer("daily", "main", "R3/P1D", kind="timeCycle", interrupting=False)
    drawing.line("start", "main", "next", "end").line("after_hour", "remind", "reminded").line(
        "daily", "look", "looked"
    )
    return worlds.bundle_of("side", drawing)


def test_a_reminder_opens_beside_the_task_once_and_leaves_it_alone(database: db.Database) -> None:
    world = worlds.build(database, side())
    case_id = filed(world, "side")
    main = opened(world, case_id)["main"]
    world.claim("paiqian1", main)
    world.wait(hours=1, seconds=1)

    assert [firing.fire_due(), firing.fire_due()] == [1, 0]

    assert set(opened(world, case_id)) == {"main", "remind"}
    assert opened(world, case_id)["main"]["state"] == "claimed"
    assert world.timer(case_id, "after_hour")["state"] == "fired"
    assert world.case(case_id)["status"] == "办理中"  # a side branch never is the status
    world.complete("paiqian1", world.row(task_rows, main["id"]))
    assert set(opened(world, case_id)) == {"next", "remind"}
    world.complete("paiqian1", opened(world, case_id)["remind"])
    world.complete("paiqian1", opened(world, case_id)["next"])
    assert world.case(case_id)["state"] == "closed"


def test_a_timer_that_waits_is_left_as_it_is_by_every_other_step(database: db.Database) -> None:
    """A due time must survive the bytes to the microsecond, or each step would arm it anew."""
    world = worlds.build(database, side())
    case_id = filed(world, "side")
    before = world.rows(timers, case_id=case_id)
    world.wait(hours=1, seconds=1)
    firing.fire_due()
    world.complete("paiqian1", opened(world, case_id)["remind"])

    daily = [timer for timer in world.rows(timers, case_id=case_id) if timer["tier"] == "daily"]

    assert daily == [timer for timer in before if timer["tier"] == "daily"]
    assert len(before) == len(world.rows(timers, case_id=case_id)) == 2


def test_a_cycle_fires_so_often_as_it_says_and_missed_rounds_are_one(database: db.Database) -> None:
    world = worlds.build(database, side())
    case_id = filed(world, "side")
    start = world.case(case_id)["opened_at"]
    day = timedelta(days=1)

    world.wait(days=1, seconds=1)
    firing.fire_due()
    first = world.timer(case_id, "daily")
    assert (first["generation"], first["state"], first["due_at"]) == (2, "armed", start + 2 * day)
    world.wait(days=7)  # the second and third round passed while nobody looked
    firing.fire_due()

    fired = [timer for timer in world.rows(timers, case_id=case_id) if timer["tier"] == "daily"]
    assert [(timer["generation"], timer["state"]) for timer in fired] == [(1, "fired"), (2, "fired")]
    assert len(world.rows(task_rows, case_id=case_id, step="look")) == 2
    assert firing.fire_due() == 0


def test_the_status_is_that_of_the_newest_open_step_and_stays_when_none_is_open(world: World) -> None:
    seen = []
    moved = world.file()
    seen.append(moved.case["status"])
    for by, outcome, answers in (
        ("paiqian1", "派遣", {"main_unit": "d1-cgw"}),
        ("cgw1", "签收", {}),
        ("cgw1", "报结", HANDLED),
        ("shenhe1", "通过", {}),
        ("paiqian1", "归档", {}),
    ):
        moved = world.complete(by, moved.opened[0], outcome, answers)
        seen.append(moved.case["status"])

    assert seen == ["待派遣", "待签收", "办理中", "待审核", "待归档", "已归档"]
    assert (moved.case["state"], moved.case["close_reason"]) == ("closed", "solved")
    assert moved.case["end_element"] == "archived"


def test_facts_follow_the_data_in_their_own_types(world: World) -> None:
    def facts(case_id: str) -> dict[str, Any]:
        return {row["name"]: row["as_text"] for row in world.rows(case_facts, case_id=case_id)}

    filed_case = world.file(answers={"content": "路灯坏了", "level": "一般", "appeal": "求助"})
    case_id = filed_case.case["id"]
    assert facts(case_id) == {"appeal": "求助", "level": "一般"}
    sign = world.complete(
        "paiqian1", filed_case.opened[0], "派遣", {"main_unit": "d1-cgw", "level": "紧急", "appeal": ""}
    ).opened[0]
    assert facts(case_id) == {"appeal": None, "level": "紧急", "main_unit": "d1-cgw"}
    handle = world.complete("cgw1", sign, "签收").opened[0]
    world.complete("cgw1", handle, "报结", {**HANDLED, "solved": False, "unsolved_why": "等备件"})

    assert facts(case_id)["solved"] == "false"
    assert world.case(case_id)["data"]["unsolved_why"] == "等备件"


def test_numbers_and_days_are_facts_that_can_be_compared(database: db.Database) -> None:
    drawing = Drawing("typed").start(attributes='camunda:formKey="filing"').end()
    form = "title: 登记\nfields:\n" + "".join(f"  - {{name: {name}}}\n" for name in ("n", "d", "day", "at"))
    files = worlds.bundle_of(
        "typed",
        task(drawing, "t").line("start", "t", "end"),
        data="n: {type: int, label: 数}, d: {type: decimal, label: 小数}, day: {type: date, label: 日}, "
        "at: {type: datetime, label: 时}",
        facts="[n, d, day, at]",
        forms={"filing": form},
    )
    world = worlds.build(database, files)
    answers = {"n": 7, "d": "1.25", "day": "2026-03-02", "at": "2026-03-02T09:00:00+08:00"}
    case_id = filed(world, "typed", answers=answers)

    facts = {row["name"]: row for row in world.rows(case_facts, case_id=case_id)}

    assert (facts["n"]["as_number"], facts["d"]["as_number"]) == (7.0, 1.25)
    assert facts["day"]["as_instant"].isoformat() == "2026-03-01T16:00:00+00:00"
    assert facts["at"]["as_instant"].isoformat() == "2026-03-02T01:00:00+00:00"


def test_answers_stay_on_their_task_for_ever_and_data_hold_the_latest(world: World) -> None:
    task_row = world.file().opened[0]
    for level in ("紧急", "疑难"):
        sign = world.complete("paiqian1", task_row, "派遣", {"main_unit": "d1-cgw", "level": level}).opened[0]
        task_row = world.complete("cgw1", sign, "退单", {"return_reason": "非职责"}, "不归我们").opened[0]

    done = world.rows(task_rows, case_id=task_row["case_id"], step="dispatch", state="done")
    assert [row["answers"]["level"] for row in done] == ["紧急", "疑难"]
    assert [row["round"] for row in done] == [1, 2]
    assert world.case(task_row["case_id"])["data"]["level"] == "疑难"


def test_milestones_of_steps_and_ends_are_told_once_each(world: World) -> None:
    sign = world.dispatched()
    handle = world.complete("cgw1", sign, "签收").opened[0]
    review = world.complete("cgw1", handle, "报结", HANDLED).opened[0]
    world.complete("paiqian1", world.complete("shenhe1", review, "通过").opened[0], "归档")

    chain = world.rows(case_chain, case_id=sign["case_id"])
    told = [event["name"] for row in chain for event in orjson.loads(row["events"])]

    for milestone in ("case.received", "case.dispatched", "case.resolved", "case.closed"):
        assert told.count(milestone) == 1


def test_the_last_handler_of_a_step_finds_the_next_one_on_the_desk(database: db.Database) -> None:
    """`handler(step)`, also for the step completed a moment ago in the same act."""
    world = worlds.build(database, worlds.folder("_template"))
    accept = world.file(process="_template", answers={"content": "路灯坏了"}).opened[0]

    handle = world.complete("paiqian2", accept, "受理", {"urgent": False}).opened[0]

    assert handle["pools"] == [f"person:{world.actor('paiqian2').id}"]
    assert [row["id"] for row in world.inbox("paiqian2")] == [handle["id"]]
    assert world.inbox("paiqian1") == []
    world.complete("paiqian2", handle, "办结", {"result": "已修好"})
    assert world.case(handle["case_id"])["state"] == "closed"


# — timers bound to clocks —


def bound(sla: str, *lines: tuple[str, ...]) -> worlds.BundleFiles:
    """`a` and `b` side by side; `a` has a timer bound to the clock `owed`."""
    drawing = (
        Drawing("bound").start().both("split").line("start", "split").end("end_a").end("end_b").end("gone")
    )
    task(task(drawing, "a", clock="owed"), "b", clock="owed").timer(
        "late", "a", 'due("owed")', kind="timeDate"
    )
    drawing.line("split", "a", "end_a").line("split", "b", "end_b").line("late", "gone")
    return worlds.bundle_of("bound", drawing, sla=sla)


def test_a_timer_whose_clock_starts_later_is_armed_when_it_starts(database: db.Database) -> None:
    sla = "clocks: {owed: {start: task.claimed(b), stop: case.closed, limit: PT5H}}\n"
    world = worlds.build(database, bound(sla))
    case_id = filed(world, "bound")
    held = world.timer(case_id, "late")
    assert (held["state"], held["due_at"], held["clock_id"]) == ("held", None, None)
    assert opened(world, case_id)["a"]["due_at"] is None

    world.claim("paiqian1", opened(world, case_id)["b"])
    world.complete("paiqian1", world.row(task_rows, opened(world, case_id)["b"]["id"]))

    (owed,) = world.rows(clocks, case_id=case_id, name="owed")
    armed = world.timer(case_id, "late")
    assert (armed["state"], armed["due_at"], armed["clock_id"]) == ("armed", owed["due_at"], owed["id"])
    assert opened(world, case_id)["a"]["due_at"] == owed["due_at"] == owed["started_at"] + 5 * HOUR
    assert world.inbox("paiqian1")[0]["due_at"] == owed["due_at"]
    world.wait(hours=5, seconds=1)
    assert firing.fire_due() == 1
    assert world.case(case_id)["state"] == "closed"


def test_each_opening_of_a_step_is_bound_to_its_own_clock(database: db.Database) -> None:
    """Two tokens stand in one step: claiming one must hold its own timer, not the other's."""
    drawing = Drawing("twice").start().both("split").line("start", "split")
    drawing.end().end("gone").either("meet")
    task(drawing, "x").task("sign", by_role(), outcomes="完成", clock="sign")
    drawing.timer("late", "sign", 'due("sign")', kind="timeDate").line("late", "gone")
    drawing.line("split", "meet").line("split", "x", "meet").line("meet", "sign", "end")
    sla = "clocks: {sign: {start: task.opened(sign), stop: task.claimed(sign), limit: PT2H}}\n"
    world = worlds.build(database, worlds.bundle_of("twice", drawing, sla=sla))
    case_id = filed(world, "twice")
    first = opened(world, case_id)["sign"]
    world.wait(minutes=30)
    world.complete("paiqian1", opened(world, case_id)["x"])
    both = world.rows(task_rows, case_id=case_id, step="sign")
    second = next(row for row in both if row["id"] != first["id"])
    assert second["due_at"] - first["due_at"] >= timedelta(minutes=30)

    world.claim("paiqian1", first)
    world.wait(hours=2, seconds=1)
    firing.fire_due()

    assert world.row(task_rows, first["id"])["state"] == "claimed"
    assert world.row(task_rows, second["id"])["state"] == "cancelled"
    (stopped, late) = world.rows(clocks, case_id=case_id, name="sign")
    assert [stopped["instance"], late["instance"]] == [first["ref"], second["ref"]]


def test_a_timer_bound_to_a_tier_is_due_with_it_and_the_flag_beside_it_is_marked(
    database: db.Database,
) -> None:
    drawing = Drawing("tiered").start().end().end("gone")
    task(drawing, "a", clock="total").timer("late", "a", 'tier("total", "half")', kind="timeDate")
    drawing.line("start", "a", "end").line("late", "gone")
    sla = (
        "clocks: {total: {start: case.received, stop: case.closed, limit: PT10H}}\n"
        "tiers: [{key: half, clock: total, at: 50%, label: 过半, colour: yellow}]\n"
    )
    world = worlds.build(database, worlds.bundle_of("tiered", drawing, sla=sla))
    case_id = filed(world, "tiered")
    received = world.case(case_id)["received_at"]

    assert {timer["due_at"] for timer in world.rows(timers, case_id=case_id)} == {received + 5 * HOUR}
    world.wait(hours=5, seconds=1)
    assert firing.fire_due() == 2

    assert world.case(case_id)["state"] == "closed"
    assert world.case(case_id)["light"] == "yellow"
    assert len(world.rows(clock_ledger, case_id=case_id, entry="tier_reached")) == 1


def test_an_order_received_in_the_past_fires_what_has_passed_and_keeps_its_start(world: World) -> None:
    received = world.now() - timedelta(days=8)
    case_id = filed(world, worlds.WORK_ORDER, received_at=received, answers={"content": "x", "level": "一般"})

    flags.fire()

    (total,) = world.rows(clocks, case_id=case_id, name="total")
    assert total["started_at"] == received
    assert world.case(case_id)["light"] == "red"


def test_nobody_can_act_on_what_a_timer_took_away(world: World) -> None:
    sign = world.dispatched()
    world.wait(hours=3)
    firing.fire_due()

    for act in (
        lambda: world.claim("cgw1", sign),
        lambda: world.complete("cgw1", sign, "签收"),
        lambda: tasks.unclaim(world.actor("cgw1"), sign["id"], "x", 1),
    ):
        with pytest.raises(TaskDone) as caught:
            act()
        assert "无需再办" in str(caught.value.detail)
        assert caught.value.extra["who"] is None


def test_branches_completed_at_once_by_several_people_join_once(database: db.Database) -> None:
    drawing = Drawing("meeting").start().both("split").both("join").end()
    for name in "abcdef":
        task(drawing, name).line("split", name, "join")
    task(drawing.line("start", "split"), "after").line("join", "after", "end")
    world = worlds.build(database, worlds.bundle_of("meeting", drawing))
    case_id = filed(world, "meeting")
    rows = list(opened(world, case_id).values())
    for who in ("paiqian1", "paiqian2"):
        world.actor(who)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: world.complete(f"paiqian{i % 2 + 1}", rows[i]), range(6)))

    assert set(opened(world, case_id)) == {"after"}
    assert world.case(case_id)["revision"] == 7
    assert [row["seq"] for row in world.rows(case_chain, case_id=case_id)] == list(range(1, 8))
