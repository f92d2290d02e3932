"""Pauses and extensions that a diagram decides: what clocks, timers, tasks, timeline and explanation then say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import firing, moves, timeline
from app.cases.advance import advance
from app.cases.commands.clocks import ExtendClock, PauseClocks, ResumeClocks
from app.cases.models import incidents, tasks
from app.clocks.models import clock_ledger, clocks, timers
from app.clocks.pausing import ExtensionRefused, PauseRefused
from app.clocks.proof import verify_ledger
from app.core import db
from app.identity.actor import SYSTEM
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SLA = """
clocks:
  resolve: {label: 办结时限, start: case.received, stop: case.closed, limit: P7D, pauseOn: [hold],
            extendable: {max: 1, by: P3D}, basis: 示范办法第六条}
  total: {label: 群众时限, start: case.received, stop: case.closed, limit: P15D}
tiers:
  - {key: due, clock: resolve, at: 100%, label: 办结超期, colour: red}
  - {key: m1, clock: total, age: P1M, label: 1-3个月未解决, class: resolve}
  - {key: m3, clock: total, age: P3M, label: 3-6个月未解决, class: resolve}
"""


def bundle() -> BundleFiles:
    """办理: 挂账 pauses until 销账, 延期 extends at once; a reminder waits for the due time of 办结."""
    drawing = Drawing("held").start()
    drawing.task("work", by_role(), outcomes="挂账, 延期, 办结", clock="resolve").either(
        "which", default="over"
    )
    drawing.service("pause", "clocks.pause", {"reason": "${title}", "cap": "P30D"})
    drawing.task("held", by_role(), clock="resolve").service("go", "clocks.resume", {"reason": "条件具备"})
    drawing.service("longer", "clocks.extend", {"clock": "resolve", "reason": "材料多"}).end()
    drawing.line("start", "work", "which").flow("which", "end", name="over")
    drawing.flow("which", "pause", 'outcome("work") == "挂账"').line("pause", "held", "go", "work")
    drawing.flow("which", "longer", 'outcome("work") == "延期"').line("longer", "work")
    drawing.timer("late", "held", 'due("resolve")', "timeDate", interrupting=False).task("told", by_role())
    drawing.line("late", "told", "end")
    return worlds.bundle_of("held", drawing, sla=SLA)


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, bundle())


def clock(world: World, case: Row, name: str = "resolve") -> Row:
    (found,) = world.rows(clocks, case_id=case["id"], name=name)
    return found


def on_hold(world: World) -> tuple[Row, Row]:
    """A case that was put on hold a day after it was filed, and its task 销账."""
    filed = world.file(process="held", title="等水务局批复")
    world.wait(days=1)
    moved = world.complete("paiqian1", filed.opened[0], "挂账")
    return filed.case, moved.opened[0]


def test_a_hold_stops_the_clock_its_timers_and_what_the_inbox_shows(world: World) -> None:
    case, task = on_hold(world)

    assert (clock(world, case)["state"], clock(world, case)["due_at"]) == ("paused", None)
    assert clock(world, case, "total")["state"] == "running"
    assert (world.timer(case["id"], "late")["state"], world.timer(case["id"], "due")["state"]) == (
        "held",
        "held",
    )
    assert task["due_at"] is None
    texts = [
        event["text"] for line in timeline.of(world.actor("paiqian1"), case["id"]) for event in line["events"]
    ]
    assert "“办结时限”挂账，暂停计时，原因：等水务局批复" in texts
    with db.reading() as session:
        assert verify_ledger(session).faults == ()


def test_after_a_hold_the_time_that_was_left_is_left(world: World) -> None:
    case, task = on_hold(world)
    world.wait(days=20)
    assert firing.fire_due() == 0

    opened = world.complete("paiqian1", task).opened[0]

    after = clock(world, case)
    assert after["state"] == "running"
    assert timedelta(days=27) <= after["due_at"] - after["started_at"] < timedelta(days=27, minutes=5)
    assert opened["due_at"] == after["due_at"] == world.timer(case["id"], "due")["due_at"]


def test_a_hold_that_nobody_ends_ends_by_itself_and_the_reminder_comes(world: World) -> None:
    case, task = on_hold(world)
    world.wait(days=30, hours=1)

    firing.fire_due()

    after = clock(world, case)
    assert after["state"] == "running"
    assert timedelta(days=37) <= after["due_at"] - after["started_at"] < timedelta(days=37, minutes=5)
    assert world.row(tasks, task["id"])["due_at"] == after["due_at"]
    assert world.rows(incidents) == []
    world.wait(days=7)
    firing.fire_due()
    assert "told" in {row["step"] for row in world.inbox_of(case)}
    assert world.case(case["id"])["light"] == "red"


def test_a_pass_through_hold_again_and_again_is_one_clock_that_adds_up(world: World) -> None:
    filed = world.file(process="held")
    task = filed.opened[0]
    for _ in range(3):
        held = world.complete("paiqian1", task, "挂账").opened[0]
        world.wait(days=2)
        task = world.complete("paiqian1", held).opened[0]

    (told,) = [
        c
        for c in world.get("paiqian1", f"/cases/{filed.case['id']}/clocks").get_json()["items"]
        if c["name"] == "resolve"
    ]

    start, due = (datetime.fromisoformat(told[name]) for name in ("startedAt", "dueAt"))
    adds = sum(line["adds"] for line in told["lines"])
    assert abs((due - start).total_seconds() - adds) <= len(told["lines"])
    assert [line["what"] for line in told["lines"]].count("扣除") == 3
    assert timedelta(days=13) <= due - start < timedelta(days=13, minutes=5)


def test_an_extension_is_granted_as_often_as_the_policy_says(world: World) -> None:
    filed = world.file(process="held")
    before = clock(world, filed.case)

    task = world.complete("paiqian1", filed.opened[0], "延期").opened[0]
    again = world.post(
        "paiqian1", f"/tasks/{task['id']}/complete", {"outcome": "延期", "answers": {}}, seen=task["revision"]
    )

    assert clock(world, filed.case)["due_at"] == before["due_at"] + 3 * DAY
    assert (again.status_code, again.get_json()["type"]) == (409, "/problems/extension-refused")
    assert "“办结时限”最多延期 1 次" in again.get_json()["detail"]
    assert world.row(tasks, task["id"])["state"] == "open", "nothing has happened"


def test_the_clocks_of_a_case_are_explained_line_by_line(world: World) -> None:
    case, _ = on_hold(world)
    advance(ExtendClock(case["id"], "resolve", "材料多", approver=world.actor("shenhe1").id), SYSTEM)

    answer = world.get("paiqian1", f"/cases/{case['id']}/clocks")
    hidden = world.get("ding1", f"/cases/{case['id']}/clocks")
    items = {each["id"]: each for each in answer.get_json()["items"]}
    alone = {each: world.get("paiqian1", f"/clocks/{each}/explain").get_json() for each in items}
    others = [world.get("ding1", f"/clocks/{each}/explain").status_code for each in (*items, "nothing")]
    assert (alone, set(others)) == (items, {404})

    assert (answer.status_code, hidden.status_code) == (200, 404)
    resolve, total = sorted(answer.get_json()["items"], key=lambda each: each["name"])
    said = {line["what"]: line["text"] for line in resolve["lines"]}
    assert said["起点"].endswith("收到时起算")
    assert said["限时"].startswith("7 天，到 ")
    assert said["依据"].startswith("示范办法第六条；流程版本 ")
    assert said["日历"] == "自然时间，北京时间的日历"
    assert "批准：审核员甲" in said["延期"]
    assert "暂停计时，原因：等水务局批复，批准：派遣员甲，恢复以后再算；最迟" in said["到期"]
    assert (resolve["state"], resolve["dueAt"], total["state"]) == ("paused", None, "running")
    assert [tier["class"] for tier in total["tiers"]] == ["resolve", "resolve"]


@pytest.mark.requirement("BS-043", "BS-044")
def test_of_one_class_the_last_reached_tier_holds_and_the_border_belongs_to_the_one_before(
    world: World,
) -> None:
    case = world.file(process="held").case

    def holds() -> list[str]:
        told = world.get("paiqian1", f"/cases/{case['id']}/clocks").get_json()["items"]
        return [tier["label"] for each in told for tier in each["tiers"] if tier["class"] and tier["holds"]]

    first = clock(world, case, "total")
    m1, m3 = (world.timer(case["id"], key)["due_at"] for key in ("m1", "m3"))
    assert holds() == []
    world.wait(seconds=(m1 - world.now()).total_seconds() + 1)
    firing.fire_due()
    assert holds() == ["1-3个月未解决"]
    world.wait(seconds=(m3 - world.now()).total_seconds() - 60)
    assert holds() == ["1-3个月未解决"]
    world.wait(seconds=120)
    firing.fire_due()
    assert holds() == ["3-6个月未解决"]
    assert first["started_at"] < m1 < m3
    assert m3.microsecond == (first["started_at"].microsecond + 1) % 1_000_000
    reached = world.rows(clock_ledger, case_id=case["id"], entry="tier_reached")
    assert [row["detail"].get("class") for row in reached if row["detail"]["tier"] in ("m1", "m3")] == [
        "resolve",
        "resolve",
    ]


def test_what_the_policy_refuses_is_refused_in_words_and_changes_nothing(world: World) -> None:
    filed = world.file(process="held")
    case = filed.case
    before = world.rows(clock_ledger, case_id=case["id"])
    world.wait(days=7, seconds=1)

    with pytest.raises(ExtensionRefused, match="已经超期"):
        advance(ExtendClock(case["id"], "resolve", "来晚了"), SYSTEM)
    with pytest.raises(PauseRefused, match="已经超期"):
        advance(PauseClocks(case["id"], "hold", "来晚了"), SYSTEM)
    with pytest.raises(ExtensionRefused, match="不可以延期"):
        advance(ExtendClock(case["id"], "total", "想要更多"), SYSTEM)

    assert world.rows(clock_ledger, case_id=case["id"]) == before


def test_two_that_approve_a_pause_at_once_pause_once(database: db.Database) -> None:
    world = worlds.build(database, bundle())
    case = world.file(process="held").case

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: advance(PauseClocks(case["id"], "hold", f"批复 {n}"), SYSTEM), range(2)))
    advance(ResumeClocks(case["id"], "hold", "好了"), SYSTEM)
    advance(ResumeClocks(case["id"], "hold", "好了"), SYSTEM)

    entries = [row["entry"] for row in world.rows(clock_ledger, case_id=case["id"])]
    assert (entries.count("paused"), entries.count("resumed")) == (1, 1)


def test_a_side_process_pauses_the_clocks_of_the_case_it_was_begun_for(database: db.Database) -> None:
    side = dict(worlds.folder("side_assist").files)
    drawing = (
        Drawing("side_assist")
        .start(attributes='camunda:formKey="asked"')
        .task("assist", outcomes="已协办")
        .end()
    )
    drawing.service("pause", "clocks.pause", {"reason": "${assist_demand}"})
    drawing.line("start", "assist", "pause", "end").lanes({"协办单位": ["assist"]})
    side["process.bpmn"] = drawing.bytes()
    world = worlds.build(database, bundle(), BundleFiles("side_assist", side))
    filed = world.file(process="held", place_unit="d1-s1")
    world.claim("paiqian1", filed.opened[0])
    moves.assist(world.actor("paiqian1"), filed.opened[0]["id"], ["d1-zjw"], "请看")
    (task,) = [row for row in world.rows(tasks, step="assist") if row["state"] == "open"]

    world.complete("zjw1", task, "已协办")

    assert clock(world, filed.case)["state"] == "paused"
    (told,) = world.rows(clock_ledger, case_id=filed.case["id"], entry="paused")
    assert told["detail"]["approver"] == world.actor("zjw1").id
    assert world.rows(timers, case_id=filed.case["id"], tier="#cap")[0]["state"] == "armed"
