"""委派, 交回, 交办, 上报: a stack of people on one step; the token stays until the stack is empty."""

import pytest

from app.audit.verify import verify
from app.cases import inbox, tasks
from app.cases.accounts import service as accounts
from app.cases.errors import (
    NobodyAbove,
    PersonNotSelectable,
    TaskDone,
    TaskHandedOn,
    TaskNotClaimed,
    UnitNotSelectable,
    VerbForbidden,
)
from app.cases.handing import service as handing
from app.cases.models import cases, task_queue
from app.cases.models import tasks as task_rows
from app.core import db
from app.core.errors import IfMatchMissing, Stale
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.faults import invariants
from tests.world import Row, World, by_role

STREET = "d1-s1"


def one_step(
    role: str = "handler", tier: str = "street", more: str = "", sla: str = ""
) -> worlds.BundleFiles:
    """start → work → after → end; `work` asks for a result."""
    drawing = Drawing("handed").start()
    drawing.task("work", by_role(role, tier) + ' camunda:formKey="work"', outcomes="完成")
    drawing.task("after", by_role()).end().line("start", "work", "after", "end")
    return worlds.bundle_of(
        "handed",
        drawing,
        data="result: {type: text, max: 200, label: 结果}",
        forms={"work": "title: 办理\nfields:\n  - {name: result, required: true}\n"},
        sla=sla,
        more=more,
    )


def filed(world: World, place: str = "d1-s1-c1") -> Row:
    return world.file(process="handed", place_unit=place).opened[0]


def fresh(world: World, task: Row) -> Row:
    return world.row(task_rows, task["id"])


def held(world: World, who: str, place: str = "d1-s1-c1") -> Row:
    task = filed(world, place)
    world.claim(who, task)
    return fresh(world, task)


def part_of(world: World, task: Row, part: str) -> Row:
    """The newest row that somebody got for this task."""
    return world.rows(task_rows, under_id=task["id"], part=part)[-1]


def sound(world: World) -> None:
    """Rows, engine and inbox agree, and no chain is broken."""
    with db.reading() as session:
        whole = invariants.Whole(session)
        told = [
            *invariants.open_cases_can_go_on(whole),
            *invariants.every_open_task_of_the_engine_has_a_row(whole),
            *invariants.the_inbox_is_its_recount(whole),
        ]
        heads = {case["id"]: (case["audit_seq"], case["audit_head"]) for case in whole.cases}
        told += [fault.reason for fault in verify(session, heads=heads).faults]
    assert told == []


def desk(world: World, who: str, view: str = "todo") -> list[str]:
    return [row["id"] for row in world.inbox(who, view)]


@pytest.fixture
def district(database: db.Database) -> World:
    """Two people at the street, one at a community below it."""
    world = worlds.build(database, one_step())
    world.appoint("xijie1", "handler", STREET)
    return world


def test_a_delegated_task_lies_with_the_other_and_comes_back_with_what_was_filled_in(district: World) -> None:
    task = held(district, "dongjie1")

    handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请先核对", task["revision"])
    given = part_of(district, task, "delegate")
    assert (desk(district, "dongjie1"), desk(district, "xijie1")) == ([], [given["id"]])
    assert desk(district, "dongjie1", "assignedDown") == [task["id"]]
    sound(district)
    handing.resolve(
        district.actor("xijie1"), given["id"], "核对过了", given["revision"], {"result": "共三处"}
    )

    assert (desk(district, "dongjie1"), desk(district, "xijie1")) == ([task["id"]], [])
    assert desk(district, "xijie1", "done") == [given["id"]]
    form = tasks.form_of(district.actor("dongjie1"), task["id"])
    assert form["draft"]["answers"] == {"result": "共三处"}
    sound(district)
    moved = district.complete("dongjie1", fresh(district, task), "完成", {"result": "共三处"})
    assert [row["step"] for row in moved.opened] == ["after"]
    told = [
        event["text"]
        for row in district.get("dongjie1", f"/cases/{task['case_id']}/timeline").json["items"]
        for event in row["events"]
    ]
    assert "把“work”委派给西街道书记，原因：请先核对" in told
    assert "把“work”交回东街道派遣员，意见：核对过了" in told


def test_what_is_delegated_is_given_back_not_completed(district: World) -> None:
    task = held(district, "dongjie1")
    handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请先核对", task["revision"])
    given = part_of(district, task, "delegate")

    with pytest.raises(VerbForbidden, match="交回"):
        district.complete("xijie1", given, "完成", {"result": "好"})
    with pytest.raises(TaskHandedOn, match="西街道书记"):
        district.complete("dongjie1", fresh(district, task), "完成", {"result": "好"})
    with pytest.raises(VerbForbidden):
        handing.resolve(district.actor("dongjie1"), held(district, "dongjie1")["id"], "好了", 2)


def test_a_delegation_may_be_delegated_and_comes_back_one_by_one(district: World) -> None:
    district.appoint("paiqian2", "handler", STREET)
    task = held(district, "dongjie1")
    handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请办", task["revision"])
    first = part_of(district, task, "delegate")
    handing.delegate(district.actor("xijie1"), first["id"], "paiqian2", "请帮忙", first["revision"])
    second = part_of(district, first, "delegate")
    sound(district)

    handing.resolve(district.actor("paiqian2"), second["id"], "好了", second["revision"])
    assert desk(district, "xijie1") == [first["id"]]
    assert desk(district, "dongjie1") == []
    handing.resolve(district.actor("xijie1"), first["id"], "好了", fresh(district, first)["revision"])

    assert desk(district, "dongjie1") == [task["id"]]
    sound(district)


def test_who_delegated_may_take_it_back(district: World) -> None:
    task = held(district, "dongjie1")
    handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请办", task["revision"])
    given = part_of(district, task, "delegate")

    handing.resolve(district.actor("dongjie1"), task["id"], "他出差了", fresh(district, task)["revision"])

    assert (desk(district, "dongjie1"), desk(district, "xijie1")) == ([task["id"]], [])
    with pytest.raises(TaskDone):
        handing.resolve(district.actor("xijie1"), given["id"], "好了", given["revision"])
    sound(district)


def test_a_task_whose_owner_has_left_comes_back_to_the_pool(district: World) -> None:
    task = held(district, "dongjie1")
    handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请办", task["revision"])
    given = part_of(district, task, "delegate")
    accounts.disable(district.actor("liucheng1"), "dongjie1", "调离", False)

    handing.resolve(district.actor("xijie1"), given["id"], "好了", given["revision"])

    back = fresh(district, task)
    assert (back["state"], back["assignee_id"]) == ("open", None)
    assert desk(district, "xijie1") == [task["id"]]
    sound(district)


@pytest.mark.parametrize("to", ["dongjie1", "cgw1", "nobody", "guancha1"])
def test_nobody_else_is_delegated_to(district: World, to: str) -> None:
    task = held(district, "dongjie1")

    with pytest.raises(PersonNotSelectable):
        handing.delegate(district.actor("dongjie1"), task["id"], to, "请办", task["revision"])

    assert desk(district, "dongjie1") == [task["id"]]


def test_only_who_holds_a_task_hands_it_on_and_only_as_it_is_now(district: World) -> None:
    task = filed(district)
    with pytest.raises(TaskNotClaimed):
        handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请办", 1)
    district.claim("dongjie1", task)

    with pytest.raises(Stale):
        handing.delegate(district.actor("dongjie1"), task["id"], "xijie1", "请办", 1)
    with pytest.raises(IfMatchMissing):
        handing.assign_down(district.actor("dongjie1"), task["id"], "d1-s1-c1", "请办", None)


def test_what_was_assigned_down_is_done_below_and_verified_above(district: World) -> None:
    task = held(district, "dongjie1")
    handing.assign_down(district.actor("dongjie1"), task["id"], "d1-s1-c1", "请上门核实", task["revision"])
    given = part_of(district, task, "assigned")
    assert desk(district, "jia1") == [given["id"]]
    assert desk(district, "dongjie1", "assignedDown") == [task["id"]]
    sound(district)

    moved = district.complete("jia1", given, "完成", {"result": "已核实"}, "属实")

    assert moved.opened == []  # nothing goes on before it was verified
    assert district.case(task["case_id"])["data"].get("result") is None
    assert desk(district, "dongjie1") == [task["id"]]
    form = tasks.form_of(district.actor("dongjie1"), task["id"])
    assert form["draft"]["answers"] == {"result": "已核实"}
    assert form["draft"]["opinion"] == "属实"
    sound(district)
    again = fresh(district, task)
    handing.assign_down(district.actor("dongjie1"), task["id"], "d1-s1-c1", "请补照片", again["revision"])
    second = part_of(district, task, "assigned")
    district.complete("jia1", second, "完成", {"result": "照片已补"})
    after = district.complete("dongjie1", fresh(district, task), "完成", {"result": "照片已补"})
    assert [row["step"] for row in after.opened] == ["after"]
    assert district.case(task["case_id"])["data"]["result"] == "照片已补"
    sound(district)


def test_a_unit_that_cannot_do_it_gives_it_back_with_a_reason(district: World) -> None:
    task = held(district, "dongjie1")
    handing.assign_down(district.actor("dongjie1"), task["id"], "d1-s1-c1", "请办", task["revision"])
    given = part_of(district, task, "assigned")

    handing.resolve(district.actor("jia1"), given["id"], "不在本社区", given["revision"])

    assert desk(district, "dongjie1") == [task["id"]]
    assert fresh(district, given)["outcome"] == "交回"
    sound(district)


@pytest.mark.parametrize("unit", ["d1-s1", "d1", "d1-s2-c1", "d1-s1-c3", "nothing"])
def test_work_goes_down_only_to_a_unit_below_with_somebody_in_it(district: World, unit: str) -> None:
    task = held(district, "dongjie1")

    with pytest.raises(UnitNotSelectable):
        handing.assign_down(district.actor("dongjie1"), task["id"], unit, "请办", task["revision"])


def test_what_is_reported_up_belongs_to_the_next_level(database: db.Database) -> None:
    world = worlds.build(database, one_step(tier="community"))
    task = held(world, "jia1")

    handing.escalate(world.actor("jia1"), task["id"], "需要街道协调", task["revision"])

    assert (desk(world, "jia1"), desk(world, "dongjie1")) == ([], [task["id"]])
    sound(world)
    moved = world.complete("dongjie1", fresh(world, task), "完成", {"result": "已协调"})
    assert [row["step"] for row in moved.opened] == ["after"]


def test_at_the_top_nothing_is_reported_up(database: db.Database) -> None:
    world = worlds.build(database, one_step(role="dispatcher", tier="district"))
    task = held(world, "paiqian1")

    with pytest.raises(NobodyAbove):
        handing.escalate(world.actor("paiqian1"), task["id"], "难办", task["revision"])


def test_the_process_says_where_work_is_not_handed_on(database: db.Database) -> None:
    forbids = "verbs: {work: {forbid: [delegate, assignDown, escalate]}}\n"
    world = worlds.build(database, one_step(more=forbids))
    world.appoint("xijie1", "handler", STREET)
    task = held(world, "dongjie1")
    me, seen = world.actor("dongjie1"), task["revision"]

    with pytest.raises(VerbForbidden, match="委派"):
        handing.delegate(me, task["id"], "xijie1", "请办", seen)
    with pytest.raises(VerbForbidden, match="交办"):
        handing.assign_down(me, task["id"], "d1-s1-c1", "请办", seen)
    with pytest.raises(VerbForbidden, match="上报"):
        handing.escalate(me, task["id"], "难办", seen)


def test_a_return_ends_the_whole_stack(database: db.Database) -> None:
    drawing = Drawing("handed").start().task("first", by_role("handler", "street"))
    drawing.both("split").both("join").task("a", by_role("handler", "street"))
    drawing.task("b", by_role("handler", "street")).end().line("start", "first", "split")
    drawing.line("split", "a", "join").line("split", "b", "join").line("join", "end")
    world = worlds.build(database, worlds.bundle_of("handed", drawing))
    world.appoint("xijie1", "handler", STREET)
    task = filed(world)
    world.complete("dongjie1", task)
    a, b = (world.rows(task_rows, step=step)[0] for step in ("a", "b"))
    world.claim("dongjie1", a)
    handing.delegate(world.actor("dongjie1"), a["id"], "xijie1", "请办", 2)

    answer = world.post(
        "dongjie1", f"/tasks/{b['id']}/return", {"step": "first", "reason": "重来"}, seen=b["revision"]
    )

    assert answer.status_code == 200
    assert [
        row["step"] for row in world.rows(task_rows) if row["state"] in ("open", "claimed", "waiting")
    ] == ["first"]
    assert world.rows(task_queue, holder=f"person:{world.actor('xijie1').id}") == []
    sound(world)


def test_it_is_asked_over_http_once(district: World) -> None:
    task = held(district, "dongjie1")
    body, path = {"to": "xijie1", "reason": "请办"}, f"/tasks/{task['id']}/delegate"

    first = district.post("dongjie1", path, body, key="one", seen=task["revision"])
    again = district.post("dongjie1", path, body, key="one", seen=task["revision"])

    assert (first.status_code, first.data) == (200, again.data)
    assert first.json["task"]["state"] == "waiting"
    assert len(district.rows(task_rows, part="delegate")) == 1
    shown = district.get("xijie1", f"/cases/{task['case_id']}").json
    assert {(row["state"], row["part"]) for row in shown["tasks"]} == {
        ("waiting", None),
        ("claimed", "delegate"),
    }
    assert inbox.counts(district.actor("dongjie1"))["assignedDown"] == {"count": 1, "totalExact": True}


def test_who_is_outside_learns_nothing(district: World) -> None:
    task = held(district, "dongjie1")

    answer = district.post("zjw1", f"/tasks/{task['id']}/delegate", {"to": "xijie1", "reason": "x"}, seen=2)

    assert answer.status_code == 404
    assert district.rows(cases)[0]["revision"] == 2
