"""Several cases in one act: 协办 as child cases, 合并 of two roots, messages, handlers, jobs, items."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.bundles.files import BundleFiles
from app.cases import firing, handlers, moves, tasks, waits
from app.cases.advance import MOST_DEEP, advance
from app.cases.commands import Deliver
from app.cases.errors import (
    CannotMerge,
    CaseMerged,
    ChildOpen,
    FourEyes,
    NotAwaited,
    ProcessStopped,
    RequestPending,
    TaskDone,
    UnitNotSelectable,
)
from app.cases.models import case_items, task_queue
from app.cases.models import cases as case_rows
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.cases.models import waits as wait_rows
from app.clocks.models import timers
from app.core import db
from app.core.errors import Stale
from app.identity.actor import SYSTEM
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.faults.invariants import broken
from tests.faults.load import Journal
from tests.world import WORK_ORDER, Row, World, by_role, folder, numbered, statements


@pytest.fixture
def district(database: db.Database) -> World:
    return worlds.build(database, folder(WORK_ORDER), folder("side_assist"))


def in_hand(world: World) -> Row:
    """A work order that 城管委 signed: its task 办理."""
    task = world.dispatched()
    return world.complete("cgw1", task, "签收").opened[0]


def close(world: World, task: Row) -> None:
    """办理 is reported, approved and archived."""
    answers = {"contacted": True, "solved": True, "result": "好"}
    review = world.complete("cgw1", task, "报结", answers).opened[0]
    archive = world.complete("shenhe1", review, "通过").opened[0]
    world.complete("paiqian1", archive, "归档")


ASKED = (
    "assist_for: {type: text, label: 上级}, assist_unit: {type: unit, label: 单位}, "
    "assist_demand: {type: text, label: 要求}, assist_whistle: {type: bool, label: 吹哨}, "
    "solved: {type: text, label: 解决}"
)


def asking(database: db.Database, drawing: Drawing, messages: str = "") -> World:
    """A district whose assisting process is this drawing; it begins as every one of them does."""
    asked = folder("side_assist").files["forms/asked.yaml"].decode()
    side = worlds.bundle_of("side_assist", drawing, data=ASKED, forms={"asked": asked}, messages=messages)
    return worlds.build(database, folder(WORK_ORDER), side)


def begun() -> Drawing:
    return Drawing("side_assist").start(attributes='camunda:formKey="asked"').end()


def test_assisting_units_get_a_child_case_each_and_the_owner_stays(district: World) -> None:
    task = in_hand(district)

    moves.assist(district.actor("cgw1"), task["id"], ["d1-zjw", "d1-s1"], "请确认产权。", whistle=True)

    children = district.rows(case_rows, parent_id=task["case_id"])
    parent = district.case(task["case_id"])
    assert {child["owner_unit"] for child in children} == {"d1-zjw", "d1-s1"}
    assert {child["number"] for child in children} == {f"{parent['number']}-X1", f"{parent['number']}-X2"}
    assert parent["owner_unit"] == "d1-cgw"
    assert (parent["children_open"], parent["children_born"]) == (2, 2)
    assert any(row["step"] == "assist" for row in district.inbox("zjw1"))


def test_the_parent_hears_what_the_child_found(district: World) -> None:
    task = in_hand(district)
    moves.assist(district.actor("cgw1"), task["id"], ["d1-zjw"], "请确认产权。")
    (child,) = district.rows(case_rows, parent_id=task["case_id"])
    (asked,) = district.rows(task_rows, case_id=child["id"])

    district.complete("zjw1", asked, "已办", {"assist_result": "已到场。", "assist_solved": "解决"})

    assert district.case(child["id"])["state"] == "closed"
    assert district.case(task["case_id"])["children_open"] == 0
    items = district.get("cgw1", f"/cases/{task['case_id']}/timeline").get_json()["items"]
    assert "协办结束：已到场。" in [event["text"] for item in items for event in item["events"]]


def test_a_child_ends_with_its_parent_and_leaves_no_task_behind(district: World) -> None:
    task = in_hand(district)
    moves.assist(district.actor("cgw1"), task["id"], ["d1-zjw"], "请确认产权。")
    (child,) = district.rows(case_rows, parent_id=task["case_id"])

    close(district, task)

    assert district.case(child["id"])["state"] == "cancelled"
    assert district.case(task["case_id"])["children_open"] == 0
    assert district.rows(task_queue) == []
    assert {row["state"] for row in district.rows(task_rows, case_id=child["id"])} == {"cancelled"}
    assert district.rows(timers, case_id=child["id"], state="armed") == []
    with pytest.raises(TaskDone):
        district.complete("zjw1", district.rows(task_rows, case_id=child["id"])[0], "已办")


def test_a_child_that_waits_for_a_message_ends_with_its_parent_and_hears_it_no_more(
    database: db.Database,
) -> None:
    drawing = begun().declare("message", "city.callback")
    drawing.catch("back", "message", "city.callback").line("start", "back", "end")
    world = asking(database, drawing, messages=MESSAGES)
    task = in_hand(world)
    moves.assist(world.actor("cgw1"), task["id"], ["d1-zjw"], "请确认产权。")
    (wait,) = world.rows(wait_rows)

    close(world, task)

    assert world.case(wait["case_id"])["state"] == "cancelled"
    assert world.case(task["case_id"])["children_open"] == 0
    assert world.rows(wait_rows) == []
    with pytest.raises(NotAwaited):
        advance(Deliver(wait["case_id"], wait["ref"], {"solved": "是"}), SYSTEM)
    with db.reading() as session:
        assert list(broken(session, Journal(), late=timedelta(minutes=1))) == []


def test_a_child_that_is_over_as_it_begins_is_counted_out_at_once(database: db.Database) -> None:
    world = asking(database, begun().line("start", "end"))
    task = in_hand(world)

    moves.assist(world.actor("cgw1"), task["id"], ["d1-zjw"], "请确认产权。")

    (child,) = world.rows(case_rows, parent_id=task["case_id"])
    parent = world.case(task["case_id"])
    assert (child["state"], parent["children_born"], parent["children_open"]) == ("closed", 1, 0)


def test_without_a_process_for_assistance_nobody_can_be_asked(database: db.Database) -> None:
    world = worlds.build(database, folder(WORK_ORDER))
    task = world.dispatched()
    world.claim("cgw1", task)
    before = world.case(task["case_id"])

    answer = world.post(
        "cgw1", f"/tasks/{task['id']}/assist", {"units": ["d1-zjw"], "demand": "请确认产权。"}, seen=2
    )

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/assist-unavailable"), answer.json
    assert "side_assist" in answer.json["title"]
    assert world.case(task["case_id"]) == before


def test_what_was_not_merged_cannot_be_taken_apart(district: World) -> None:
    case = district.file().case

    answer = district.post("paiqian1", f"/cases/{case['id']}/unmerge", {"reason": "并错了"})

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-merged"), answer.json
    assert district.case(case["id"])["state"] == "active"


def test_a_case_ends_with_any_number_of_others_merged_into_it(district: World) -> None:
    stays, centre = in_hand(district), district.actor("paiqian1")
    for _ in range(MOST_DEEP + 5):
        goes = district.dispatched()["case_id"]
        moves.merge(centre, goes, stays["case_id"], "同一盏路灯", district.case(goes)["revision"])

    close(district, stays)

    assert district.case(stays["case_id"])["children_open"] == 0
    assert {case["state"] for case in district.rows(case_rows)} == {"closed"}


def test_cases_that_move_each_other_in_a_circle_stop_where_they_were(
    district: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = in_hand(district)
    seen = district.case(task["case_id"])["revision"]
    monkeypatch.setattr("app.cases.advance.act", lambda tree, motion, command: motion.ask(command))

    with pytest.raises(ProcessStopped):
        moves.assist(district.actor("cgw1"), task["id"], ["d1-zjw"], "请确认产权。")

    (told,) = district.rows(incident_rows)
    assert "成了一个圈" in told["explanation"]
    assert district.case(task["case_id"])["revision"] == seen


def test_a_unit_is_not_asked_twice_nor_the_owner_itself(district: World) -> None:
    task = in_hand(district)
    actor = district.actor("cgw1")
    moves.assist(actor, task["id"], ["d1-zjw"], "请确认产权。")

    with pytest.raises(RequestPending):
        moves.assist(actor, task["id"], ["d1-zjw"], "再请一次。")
    with pytest.raises(UnitNotSelectable):
        moves.assist(actor, task["id"], ["d1-cgw"], "请自己。")

    assert len(district.rows(case_rows, parent_id=task["case_id"])) == 1


def test_a_further_case_of_the_tree_costs_at_most_twelve_statements(district: World) -> None:
    district.appoint("jia1", "handler", "d1-s1")
    actor, costs = district.actor("cgw1"), []
    moves.assist(actor, in_hand(district)["id"], ["d1-zjw"], "请确认产权。")  # the catalog is warm

    for units in (["d1-zjw"], ["d1-zjw", "d1-s1"]):
        task = in_hand(district)
        with statements(district.database) as sent:
            moves.assist(actor, task["id"], units, "请确认产权。")
        costs.append(sent)

    assert len(costs[1]) - len(costs[0]) <= 12, numbered(costs[1])


def test_a_merged_case_rests_and_ends_with_the_other_one(district: World) -> None:
    stays, goes = district.dispatched(), district.dispatched()
    centre = district.actor("paiqian1")
    seen = district.case(goes["case_id"])["revision"]

    moves.merge(centre, goes["case_id"], stays["case_id"], "同一盏路灯", seen)

    merged = district.case(goes["case_id"])
    assert (merged["state"], merged["merged_into"], merged["root_id"]) == (
        "merged",
        stays["case_id"],
        stays["case_id"],
    )
    assert district.row(task_rows, goes["id"])["state"] == "suspended"
    with pytest.raises(CaseMerged):
        district.complete("cgw1", district.row(task_rows, goes["id"]), "签收")
    district.wait(hours=3)
    firing.fire_due()  # the stays' own timer returns it; the merged one's rests
    assert district.timer(goes["case_id"], "sign_overdue")["state"] == "held"
    (again,) = [t for t in district.rows(task_rows, case_id=stays["case_id"]) if t["state"] == "open"]
    sign = district.complete("paiqian1", again, "派遣", {"main_unit": "d1-cgw"}).opened[0]
    close(district, district.complete("cgw1", sign, "签收").opened[0])
    assert district.case(goes["case_id"])["state"] == "closed"
    assert district.rows(task_queue) == []


def test_a_merge_is_undone_with_tasks_and_timers_as_they_were(district: World) -> None:
    stays, goes = district.dispatched(), district.dispatched()
    centre = district.actor("paiqian1")
    moves.merge(
        centre, goes["case_id"], stays["case_id"], "同一盏路灯", district.case(goes["case_id"])["revision"]
    )
    due = district.timer(goes["case_id"], "sign_overdue")["due_at"]

    moves.unmerge(centre, goes["case_id"], "并错了")

    again = district.row(task_rows, goes["id"])
    timer = district.timer(goes["case_id"], "sign_overdue")
    assert (again["state"], timer["state"], timer["due_at"]) == ("open", "armed", due)
    assert district.case(goes["case_id"])["root_id"] == goes["case_id"]
    assert district.case(stays["case_id"])["children_open"] == 0
    district.complete("cgw1", again, "签收")


def test_two_merges_crosswise_leave_one_case_to_go_on(district: World) -> None:
    one, two = district.dispatched(), district.dispatched()
    centre = district.actor("paiqian1")
    moves.merge(centre, one["case_id"], two["case_id"], "同一件", district.case(one["case_id"])["revision"])

    with pytest.raises((CaseMerged, CannotMerge, Stale)):
        moves.merge(
            centre, two["case_id"], one["case_id"], "同一件", district.case(two["case_id"])["revision"]
        )

    assert district.case(two["case_id"])["state"] == "active"


# — messages, handlers, jobs, items —

MESSAGES = "city.callback: {direction: in, key: number, data: {solved: $.solved}}\n"


def waiting(database: db.Database) -> World:
    drawing = Drawing("drawn").start().task("first", by_role()).end().task("after", by_role())
    drawing.declare("message", "city.callback").catch("back", "message", "city.callback")
    drawing.line("start", "first", "back", "after", "end")
    return worlds.build(
        database,
        worlds.bundle_of("drawn", drawing, data="solved: {type: text, label: 解决}", messages=MESSAGES),
    )


def test_a_message_moves_exactly_one_wait_once(database: db.Database) -> None:
    world = waiting(database)
    moved = world.complete("paiqian1", world.file(process="drawn").opened[0])
    with db.reading() as session:
        (wait,) = waits.waiting_for(session, "city.callback", moved.case["number"])

    advance(Deliver(wait["case_id"], wait["ref"], {"solved": "是"}), SYSTEM)

    assert world.rows(wait_rows) == []
    assert world.case(wait["case_id"])["data"]["solved"] == "是"
    assert [t["step"] for t in world.rows(task_rows, state="open")] == ["after"]
    with pytest.raises(NotAwaited):
        advance(Deliver(wait["case_id"], wait["ref"], {"solved": "否"}), SYSTEM)
    assert world.case(wait["case_id"])["data"]["solved"] == "是"


@pytest.fixture
def counted() -> list[object]:
    """A handler of the tests' own, and what it was given."""
    seen: list[object] = []

    def count(context: handlers.Context) -> dict[str, object]:
        if context.params.get("what") == "broken":
            raise ValueError("it broke")
        seen.append(context.params["what"])
        return {"count": len(seen)}

    handlers.handler("tests.count", "数一数", needs=("what",), gives=("count",))(count)
    return seen


def calling(database: db.Database, what: str, attributes: str = "") -> World:
    drawing = Drawing("drawn").start().task("first", by_role()).task("after", by_role()).end()
    drawing.service("call", "tests.count", {"what": what}, {"count": "counted"}, attributes)
    drawing.line("start", "first", "call", "after", "end")
    return worlds.build(database, worlds.bundle_of("drawn", drawing, data="counted: {type: int, label: 数}"))


def test_a_handler_is_called_in_the_transaction_and_its_result_is_case_data(
    database: db.Database, counted: list[object]
) -> None:
    world = calling(database, "one")

    moved = world.complete("paiqian1", world.file(process="drawn").opened[0])

    assert counted == ["one"]
    assert moved.case["data"]["counted"] == 1


def test_a_failing_handler_leaves_the_case_untouched_and_the_answers_as_a_draft(
    database: db.Database, counted: list[object]
) -> None:
    world = calling(database, "broken")
    task = world.file(process="drawn").opened[0]
    before = world.case(task["case_id"])

    with pytest.raises(ProcessStopped):
        world.complete("paiqian1", task)

    assert world.case(task["case_id"]) == before
    draft = tasks.form_of(world.actor("paiqian1"), task["id"])["draft"]
    assert draft is not None
    assert draft["outcome"] == "完成"


def test_a_database_lost_inside_a_handler_is_tried_again_and_is_no_incident(database: db.Database) -> None:
    calls: list[str] = []

    def flaky(context: handlers.Context) -> dict[str, object]:
        calls.append("called")
        if len(calls) == 1:
            raise OperationalError("select 1", {}, Exception("database is locked"))
        return {"count": len(calls)}

    handlers.handler("tests.flaky", "第一次够不着数据库", gives=("count",))(flaky)
    drawing = Drawing("drawn").start().task("first", by_role()).task("after", by_role()).end()
    drawing.service("call", "tests.flaky", {}, {"count": "counted"}).line(
        "start", "first", "call", "after", "end"
    )
    world = worlds.build(database, worlds.bundle_of("drawn", drawing, data="counted: {type: int, label: 数}"))

    moved = world.complete("paiqian1", world.file(process="drawn").opened[0])

    assert moved.case["data"]["counted"] == 2
    assert world.rows(incident_rows) == []


def test_a_job_runs_in_a_transaction_of_its_own_by_the_worker(
    database: db.Database, counted: list[object]
) -> None:
    world = calling(database, "later", 'camunda:asyncBefore="true"')

    world.complete("paiqian1", world.file(process="drawn").opened[0])
    assert counted == []
    firing.fire_due()

    assert counted == ["later"]
    assert [t["step"] for t in world.rows(task_rows, state="open")] == ["after"]


def signing(database: db.Database) -> World:
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"').end().task("after", by_role())
    drawing.signing(
        "assist", "units", item="unit", attributes='camunda:formKey="reply" camunda:candidateGroups="item"'
    )
    drawing.line("start", "assist", "after", "end")
    forms = {
        "filing": "title: 登记\nfields:\n  - {name: units, required: true}\n",
        "reply": "title: 回复\nfields:\n  - {name: reply, required: true}\n",
    }
    data = "units: {type: list, of: unit, label: 单位}, reply: {type: text, label: 回复, per: item}"
    return worlds.build(database, worlds.bundle_of("drawn", drawing, data=data, forms=forms))


def test_each_item_of_a_step_of_several_has_its_own_pool_and_its_own_answers(database: db.Database) -> None:
    world = signing(database)
    filed = world.file(process="drawn", answers={"units": ["d1-cgw", "d1-zjw"]})
    ours, theirs = filed.opened

    assert [task["pools"] for task in (ours, theirs)] == [["handler@d1/d1-cgw"], ["handler@d1/d1-zjw"]]
    world.complete("zjw1", theirs, answers={"reply": "乙"})
    world.complete("cgw1", ours, answers={"reply": "甲"})

    kept = {row["item"]: row["value"] for row in world.rows(case_items)}
    assert kept == {"d1-cgw": "甲", "d1-zjw": "乙"}
    assert "reply" not in world.case(filed.case["id"])["data"]
    assert [t["step"] for t in world.rows(task_rows, state="open")] == ["after"]


def test_who_checks_a_step_is_somebody_else_than_who_did_it(database: db.Database) -> None:
    drawing = Drawing("drawn").start().task("write", by_role()).end()
    drawing.task("check", by_role(), notSameAs="write").line("start", "write", "check", "end")
    world = worlds.build(database, worlds.bundle_of("drawn", drawing))
    check = world.complete("paiqian1", world.file(process="drawn").opened[0]).opened[0]

    with pytest.raises(FourEyes, match="您办理过“write”"):
        world.claim("paiqian1", check)
    with pytest.raises(FourEyes):
        world.complete("paiqian1", check)

    assert world.complete("paiqian2", check).case["state"] == "closed"


def test_a_child_whose_process_says_so_stands_in_the_way_or_goes_on(district: World) -> None:
    for says in ("block", "finish"):
        files = folder("side_assist")
        text = files.files["process.yaml"] + f"onParentEnd: {says}\n".encode()
        district.publish(BundleFiles(files.key, {**files.files, "process.yaml": text}))
        task = in_hand(district)
        moves.assist(district.actor("cgw1"), task["id"], ["d1-zjw"], "请确认产权。")
        answers = {"contacted": True, "solved": True, "result": "好"}
        review = district.complete("cgw1", task, "报结", answers).opened[0]
        archive = district.complete("shenhe1", review, "通过").opened[0]

        if says == "block":
            with pytest.raises(ChildOpen, match="还没有办完"):
                district.complete("paiqian1", archive, "归档")
        else:
            district.complete("paiqian1", archive, "归档")
            (child,) = district.rows(case_rows, parent_id=task["case_id"])
            asked = district.rows(task_rows, case_id=child["id"])[0]
            district.complete("zjw1", asked, "已办", {"assist_result": "好"})
            assert district.case(child["id"])["state"] == "closed"
