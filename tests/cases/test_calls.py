"""A process that another one calls, at work in a case: its steps, forms, people and waits, and the way back."""

from typing import Any

import pytest
from sqlalchemy import update

from app.bundles.models import process_heads
from app.cases import filing, firing, tasks
from app.cases.advance import advance
from app.cases.commands import Deliver, NewCase
from app.cases.errors import ProcessUnknown
from app.cases.models import case_items, waits
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.clocks.models import clocks
from app.core import db
from app.identity.actor import SYSTEM
from tests import world as worlds
from tests.engine.drawing import Drawing, marker
from tests.world import Row, World, by_role

CHECK_FORM = "title: 核查\nfields:\n  - {name: found, required: true}\n  - {name: level}\n"
CHECK_DATA = "found: {type: text, label: 核查情况}, level: {type: choice, of: [急, 缓], label: 缓急}"


def checking(
    name: str = "核查", more: str = "", inner: Drawing | None = None, **about: Any
) -> worlds.BundleFiles:
    """visit → judge → over: what several processes share."""
    drawing = inner or (
        Drawing("checking")
        .start("s")
        .task("visit", by_role("handler", "district"), status="待核查", outcomes="已查, 查不到!")
    )
    if inner is None:
        drawing.parts[-1] = drawing.parts[-1].replace(
            'name="visit"', f'name="{name}" camunda:formKey="check"'
        )
        drawing.task("judge", by_role("reviewer"), notSameAs="visit").end("over").line(
            "s", "visit", "judge", "over"
        )
    usual: dict[str, Any] = {"data": CHECK_DATA, "forms": {"check": CHECK_FORM}, "starts": "[call]"}
    return worlds.bundle_of("checking", drawing, **{**usual, **about}, more=more)


def caller(drawing: Drawing | None = None, key: str = "drawn", **about: Any) -> worlds.BundleFiles:
    """take → check (called) → close."""
    if drawing is None:
        drawing = (
            Drawing(key).start(attributes='camunda:formKey="filing"').task("take", by_role(), status="待受理")
        )
        drawing.node("callActivity", "check", 'calledElement="checking"').task(
            "close", by_role(), status="待归档"
        )
        drawing.end().line("start", "take", "check", "close", "end")
    usual: dict[str, Any] = {
        "data": "level: {type: choice, of: [急, 缓], label: 缓急}",
        "forms": {"filing": "title: 登记\nfields:\n  - {name: level}\n"},
    }
    return worlds.bundle_of(key, drawing, **{**usual, **about})


def build(database: db.Database, *published: worlds.BundleFiles) -> World:
    world = worlds.build(database, *(published or (checking(), caller())))
    world.appoint("cgw1", "handler", "d1")
    return world


def open_steps(world: World) -> list[str]:
    return sorted(row["step"] for row in world.rows(task_rows) if row["state"] in ("open", "claimed"))


def task(world: World, step: str) -> Row:
    (row,) = [row for row in world.rows(task_rows, step=step) if row["state"] in ("open", "claimed")]
    return row


def at_check(world: World) -> Row:
    """A case that stands in the called process: its task 核查."""
    world.complete("paiqian1", world.file(process="drawn").opened[0])
    return task(world, "check/visit")


def test_a_called_process_runs_as_a_part_of_the_case(database: db.Database) -> None:
    world = build(database)
    case = world.file(process="drawn", answers={"level": "缓"}).case
    world.complete("paiqian1", task(world, "take"))

    visit = task(world, "check/visit")
    assert (visit["name"], visit["pools"]) == ("核查", ["handler@d1"])
    assert world.case(case["id"])["status"] == "待核查"
    moved = world.complete("cgw1", visit, "已查", {"found": "属实", "level": "急"})
    assert [row["step"] for row in moved.opened] == ["check/judge"]
    moved = world.complete("shenhe1", moved.opened[0])
    assert [row["step"] for row in moved.opened] == ["close"]
    moved = world.complete("paiqian1", moved.opened[0])

    assert moved.case["state"] == "closed"
    assert moved.case["data"]["found"] == "属实"
    assert moved.case["data"]["level"] == "急"


def test_a_called_step_is_served_over_http_like_any_other(database: db.Database) -> None:
    world = build(database)
    visit = at_check(world)
    path = f"/tasks/{visit['id']}"

    assert [row["step"] for row in world.get("cgw1", "/tasks?view=todo").json["items"]] == ["check/visit"]
    told = world.get("cgw1", path).json
    assert (told["step"], told["form"], [each["name"] for each in told["outcomes"]]) == (
        "check/visit",
        "checking/check",
        ["已查", "查不到"],
    )
    assert (
        world.put("cgw1", f"{path}/draft", {"outcome": "已查", "answers": {"found": "草"}}).status_code < 300
    )
    form = world.get("cgw1", f"{path}/form").json
    assert form["title"] == "核查"
    assert list(form["schema"]["properties"]) == ["found", "level"]
    assert form["draft"]["answers"] == {"found": "草"}
    wrong = world.post("cgw1", f"{path}/complete", {"outcome": "已查", "answers": {}}, seen=visit["revision"])
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/answers/found")
    assert world.post("cgw1", f"{path}/claim", {}).status_code == 200
    revision = world.row(task_rows, visit["id"])["revision"]
    done = world.post(
        "cgw1", f"{path}/complete", {"outcome": "已查", "answers": {"found": "属实"}}, seen=revision
    )

    assert done.status_code == 200, done.json
    assert [each["step"] for each in done.json["next"]] == ["check/judge"]
    lines = world.get("paiqian1", f"/cases/{visit['case_id']}/timeline").json["items"]
    told = [event["text"] for line in lines for event in line["events"]]
    assert "进入“核查”" in told
    assert "办理“核查”，结论：已查" in told


def test_who_checks_inside_a_call_is_somebody_else(database: db.Database) -> None:
    world = build(database)
    visit = at_check(world)
    world.appoint("shenhe1", "handler", "d1")
    world.complete("shenhe1", visit, "已查", {"found": "属实"})

    answer = world.post("shenhe1", f"/tasks/{task(world, 'check/judge')['id']}/claim", {})

    assert answer.status_code == 409
    assert "核查" in answer.json["detail"]


def test_what_the_called_process_says_of_its_steps_holds_inside(database: db.Database) -> None:
    more = "verbs:\n  visit: {forbid: [transfer]}\nattachments:\n  judge: {min: 1}\n"
    world = build(database, checking(more=more), caller())
    visit = at_check(world)
    world.claim("cgw1", visit)
    visit = task(world, "check/visit")

    given = world.post(
        "cgw1", f"/tasks/{visit['id']}/transfer", {"to": "cgw1", "reason": "忙"}, seen=visit["revision"]
    )
    world.complete("cgw1", visit, "已查", {"found": "属实"})
    judge = task(world, "check/judge")
    done = world.post(
        "shenhe1", f"/tasks/{judge['id']}/complete", {"outcome": "完成"}, seen=judge["revision"]
    )

    assert (given.status_code, given.json["type"].rsplit("/")[-1]) == (409, "verb-forbidden")
    assert (done.status_code, done.json["type"].rsplit("/")[-1]) == (422, "attachment-missing")


def waiting_inside() -> worlds.BundleFiles:
    """send, with a timer on it; then the laboratory's answer; then who sent reads it."""
    inner = Drawing("checking").start("s").declare("message", "lab.result").task("send", by_role())
    inner.timer("late", "send", "P1D").task("hurry", by_role()).catch("hear", "message", "lab.result")
    inner.task("read", 'camunda:candidateGroups="handler(hurry)"').end("over", event="case.replied")
    inner.line("s", "send", "hear", "read", "over").line("late", "hurry", "hear")
    inbound = "lab.result: {direction: in, key: number, data: {found: $.found}}\n"
    return checking(inner=inner, forms={}, messages=inbound)


def test_a_timer_a_message_and_a_rule_of_the_called_process_work_inside(database: db.Database) -> None:
    world = build(database, waiting_inside(), caller())
    case = world.file(process="drawn").case
    world.complete("paiqian1", task(world, "take"))
    assert world.timer(case["id"], "check/late")["state"] == "armed"

    world.wait(days=1, seconds=1)
    firing.fire_due()
    assert open_steps(world) == ["check/hurry"]
    world.complete("paiqian2", task(world, "check/hurry"))
    (waiting,) = world.rows(waits)
    assert (waiting["element"], waiting["name"], waiting["key"]) == (
        "check/hear",
        "lab.result",
        case["number"],
    )
    advance(Deliver(case["id"], waiting["ref"], {"found": "合格"}), SYSTEM)

    read = task(world, "check/read")
    assert read["pools"] == [f"person:{world.actor('paiqian2').id}"]
    world.complete("paiqian2", read)
    assert open_steps(world) == ["close"]
    assert world.case(case["id"])["data"]["found"] == "合格"
    lines = world.get("paiqian1", f"/cases/{case['id']}/timeline").json["items"]
    told = [event["text"] for line in lines for event in line["events"]]
    assert "到时：late" in told
    assert "收到消息“lab.result”" in told
    assert "已答复" in told


def test_a_case_goes_back_inside_out_of_and_into_a_call(database: db.Database) -> None:
    world = build(database)
    world.complete("cgw1", at_check(world), "已查", {"found": "属实"})

    def back(by: str, step: str, to: str) -> list[str]:
        mine = task(world, step)
        targets = world.get(by, f"/tasks/{mine['id']}/return-targets").json["items"]
        assert to in [target["step"] for target in targets]
        plan = world.post(by, f"/tasks/{mine['id']}/return", {"step": to, "reason": "试", "dryRun": True})
        answer = world.post(
            by, f"/tasks/{mine['id']}/return", {"step": to, "reason": "重来"}, seen=mine["revision"]
        )
        assert answer.status_code == 200, (plan.json, answer.json)
        return open_steps(world)

    assert back("shenhe1", "check/judge", "check/visit") == ["check/visit"]
    assert task(world, "check/visit")["round"] == 2
    assert back("cgw1", "check/visit", "take") == ["take"]
    world.complete("paiqian1", task(world, "take"))
    world.complete("cgw1", task(world, "check/visit"), "已查", {"found": "属实"})
    world.complete("shenhe1", task(world, "check/judge"))
    assert back("paiqian1", "close", "check/visit") == ["check/visit"]


def test_who_acted_inside_a_call_takes_it_back(database: db.Database) -> None:
    world = build(database)
    done = world.complete("cgw1", at_check(world), "已查", {"found": "属实"}).task
    assert done is not None

    answer = world.post("cgw1", f"/tasks/{done['id']}/withdraw", {"reason": "写错了"})

    assert answer.status_code == 200, answer.json
    assert open_steps(world) == ["check/visit"]


def test_a_timer_on_a_call_ends_what_is_open_inside(database: db.Database) -> None:
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.node("callActivity", "check", 'calledElement="checking"').timer("late", "check", "P2D")
    drawing.task("hurry", by_role()).end().line("start", "check", "end").line("late", "hurry", "end")
    world = build(database, checking(), caller(drawing))
    world.file(process="drawn")
    assert open_steps(world) == ["check/visit"]

    world.wait(days=2, seconds=1)
    firing.fire_due()

    assert open_steps(world) == ["hurry"]


def test_an_error_of_the_called_process_leads_out_of_the_call(database: db.Database) -> None:
    inner = Drawing("checking").start("s").task("visit", by_role(), outcomes="已查, 进不去")
    inner.declare("error", "no_entry").either("way", default="ok").end("e").over("stuck", "error", "no_entry")
    inner.line("s", "visit", "way").flow("way", "e", name="ok")
    inner.flow("way", "stuck", when='outcome("visit") == "进不去"')
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.node("callActivity", "check", 'calledElement="checking"').edge(
        "failed", "check", "error", "no_entry"
    )
    drawing.declare("error", "no_entry").task("ask", by_role()).end()
    drawing.line("start", "check", "end").line("failed", "ask", "end")
    world = build(database, checking(inner=inner, forms={}), caller(drawing))
    world.file(process="drawn")

    world.complete("paiqian1", task(world, "check/visit"), "进不去")

    assert open_steps(world) == ["ask"]


def test_what_fails_inside_a_call_is_an_incident_that_says_where(database: db.Database) -> None:
    inner = Drawing("checking").start("s").task("visit", by_role()).either("way").end("e").end("f")
    inner.line("s", "visit", "way").flow("way", "e", "found == 1").flow("way", "f", "found == 2")
    world = build(database, checking(inner=inner, forms={}, data="found: {type: int, label: 数}"), caller())
    world.complete("paiqian1", world.file(process="drawn").opened[0])
    visit = task(world, "check/visit")

    answer = world.post(
        "paiqian1", f"/tasks/{visit['id']}/complete", {"outcome": "完成", "answers": {}}, seen=1
    )

    assert (answer.status_code, answer.json["type"].rsplit("/")[-1]) == (409, "process-stopped")
    (incident,) = world.rows(incident_rows)
    assert incident["element"] == "check/way"
    told = world.get("duban1", f"/incidents/{incident['id']}").json
    assert told["elementName"] == "way"
    assert open_steps(world) == ["check/visit"]


def test_a_job_inside_a_call_can_be_skipped(database: db.Database) -> None:
    inner = (
        Drawing("checking")
        .start("s")
        .service("look_up", "tests.gone", attributes='camunda:asyncBefore="true"')
    )
    inner.task("visit", by_role()).end("e").line("s", "look_up", "visit", "e")
    world = build(database, checking(inner=inner, forms={}), caller())
    case = world.file(process="drawn").case
    world.complete("paiqian1", task(world, "take"))
    assert world.timer(case["id"], "check/look_up")["state"] == "armed"
    for _ in range(12):
        firing.fire_due()
        world.wait(hours=6)
    (incident,) = world.rows(incident_rows, kind="timer-failed")

    told = world.get("duban1", f"/incidents/{incident['id']}").json
    skipped = world.post(
        "duban1",
        f"/incidents/{incident['id']}/skip",
        {"reason": "查不了", "results": {}},
        seen=incident["revision"],
    )

    assert [each for each in told["actions"] if each["action"] == "skip" and not each["open"]] == []
    assert skipped.status_code == 200, skipped.json
    assert open_steps(world) == ["check/visit"]


def printing_inside() -> worlds.BundleFiles:
    """A printing centre prints; without paper somebody buys some."""
    inner = Drawing("checking").start("s").declare("error", "no_paper")
    outside = 'camunda:type="external" camunda:topic="notice.print"'
    inner.service("print", "", {"subject": "${title}"}, {"number": "printed_no"}, outside)
    inner.edge("none_left", "print", "error", "no_paper").task("buy", by_role()).end("e")
    inner.line("s", "print", "e").line("none_left", "buy", "e")
    return checking(inner=inner, forms={}, data="printed_no: {type: text, max: 20, label: 文印编号}")


def to_print(world: World) -> Row:
    """What the printing centre has fetched."""
    body = {
        "workerId": "w1",
        "maxTasks": 1,
        "topics": [{"topicName": "notice.print", "lockDuration": 60_000}],
    }
    (work,) = world.post("print-centre", "/external-tasks/fetch-and-lock", body).json
    return dict(work)


def test_work_outside_is_fetched_and_handed_in_from_inside_a_call(database: db.Database) -> None:
    world = build(database, printing_inside(), caller())
    case = world.file("dongjie1", "drawn").case
    world.complete("paiqian1", task(world, "take"))

    work = to_print(world)
    body = {"workerId": "w1", "variables": {"number": {"value": "P-1"}}}
    answer = world.post("print-centre", f"/external-tasks/{work['id']}/complete", body)

    assert work["activityId"] == "check/print"
    assert answer.status_code < 300, answer.json
    assert world.case(case["id"])["data"]["printed_no"] == "P-1"
    assert open_steps(world) == ["close"]


def test_an_error_from_outside_finds_its_edge_inside_a_call(database: db.Database) -> None:
    world = build(database, printing_inside(), caller())
    world.file("dongjie1", "drawn")
    world.complete("paiqian1", task(world, "take"))
    work = to_print(world)
    path = f"/external-tasks/{work['id']}/bpmn-error"

    known = world.post("print-centre", path, {"workerId": "w1", "errorCode": "no_paper"})

    assert known.status_code < 300, known.json
    assert open_steps(world) == ["check/buy"]


def test_an_error_nobody_awaits_stops_the_work_inside_a_call(database: db.Database) -> None:
    world = build(database, printing_inside(), caller())
    world.file("dongjie1", "drawn")
    world.complete("paiqian1", task(world, "take"))
    path = f"/external-tasks/{to_print(world)['id']}/bpmn-error"

    answers = [world.post("print-centre", path, {"workerId": "w1", "errorCode": "no_ink"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [(row["kind"], row["element"]) for row in world.rows(incident_rows)] == [
        ("external-failed", "check/print")
    ]


def test_a_called_process_may_call_in_its_turn(database: db.Database) -> None:
    middle = (
        Drawing("middle")
        .start("s")
        .task("plan", by_role())
        .node("callActivity", "deep", 'calledElement="checking"')
    )
    middle.end("e").line("s", "plan", "deep", "e")
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.node("callActivity", "first", 'calledElement="middle"').node(
        "callActivity", "again", 'calledElement="checking"'
    )
    drawing.end().line("start", "first", "again", "end")
    world = build(database, checking(), worlds.bundle_of("middle", middle, starts="[call]"), caller(drawing))
    world.file(process="drawn")
    world.complete("paiqian1", task(world, "first/plan"))
    world.complete("cgw1", task(world, "first/deep/visit"), "已查", {"found": "一"})
    world.complete("shenhe1", task(world, "first/deep/judge"))

    again = task(world, "again/visit")
    world.complete("cgw1", again, "已查", {"found": "二"})
    world.complete("shenhe1", task(world, "again/judge"))

    assert [row["state"] for row in world.rows(worlds.cases)] == ["closed"]
    assert len({row["ref"] for row in world.rows(task_rows)}) == 5


def test_a_later_version_changes_no_case_and_no_caller(database: db.Database) -> None:
    world = build(database)
    visit = at_check(world)
    before = {key: world.head(key) for key in ("checking", "drawn")}

    world.publish(checking(name="二次核查"))
    another = world.file(process="drawn").case
    world.complete(
        "paiqian1", next(row for row in world.rows(task_rows, step="take") if row["state"] == "open")
    )

    names = {row["case_id"]: row["name"] for row in world.rows(task_rows, step="check/visit")}
    assert names == {visit["case_id"]: "核查", another["id"]: "核查"}
    world.publish(caller())
    world.file(process="drawn")
    world.complete(
        "paiqian1", next(row for row in world.rows(task_rows, step="take") if row["state"] == "open")
    )
    assert sorted(row["name"] for row in world.rows(task_rows, step="check/visit")) == [
        "二次核查",
        "核查",
        "核查",
    ]
    assert all(world.head(key) != version for key, version in before.items())


def test_callers_go_on_when_what_they_call_is_retired(database: db.Database) -> None:
    world = build(database)
    with db.transaction() as session:
        session.execute(
            update(process_heads).where(process_heads.c.key == "checking").values(retired_at=world.now())
        )

    world.complete("cgw1", at_check(world), "已查", {"found": "属实"})

    assert open_steps(world) == ["check/judge"]


def test_what_is_only_called_is_filed_by_nobody(database: db.Database) -> None:
    world = build(database)

    with pytest.raises(ProcessUnknown):
        filing.file_case(world.actor("paiqian1"), NewCase("checking", title="一件", place_unit=worlds.PLACE))


def test_a_clock_of_the_caller_measures_a_called_step(database: db.Database) -> None:
    sla = (
        "clocks:\n  visit: {start: task.opened(check/visit), stop: task.done(check/visit), limit: PT2H, label: 核查时限}\n"
        "tiers:\n  - {key: due, clock: visit, at: 100%, label: 已超期, colour: red}\n"
    )
    world = build(database, checking(), caller(sla=sla))
    visit = at_check(world)

    assert (visit["due_at"] - visit["opened_at"]).total_seconds() == 7200
    world.complete("cgw1", visit, "已查", {"found": "属实"})
    assert [clock["state"] for clock in world.rows(clocks)] == ["stopped"]


@pytest.mark.parametrize("sequential", [False, True])
def test_a_call_is_repeated_for_each_unit_of_a_list(database: db.Database, sequential: bool) -> None:
    item = 'camunda:candidateGroups="item"'
    inner = Drawing("checking").start("s").task("visit", f'{item} camunda:formKey="check"')
    inner.task("write", item).end("e").line("s", "visit", "write", "e")
    data = "found: {type: text, label: 核查情况, per: item}"
    form = "title: 核查\nfields:\n  - {name: found, required: true}\n"
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    many = marker("units", sequential, item="unit")
    drawing.node("callActivity", "check", 'calledElement="checking"', many).task("close", by_role())
    drawing.either("g", default="rest").end().task("thin", by_role()).line("start", "check", "close", "g")
    drawing.flow("g", "thin", "count(found) < 2").flow("g", "end", name="rest").line("thin", "end")
    world = worlds.build(
        database,
        checking(inner=inner, data=data, forms={"check": form}),
        caller(
            drawing,
            data=f"units: {{type: list, of: unit, label: 单位}}, {data}",
            forms={"filing": "title: 登记\nfields:\n  - {name: units}\n"},
        ),
    )
    case = world.file(process="drawn", answers={"units": ["d1-cgw", "d1-zjw"]}).case
    assert [row["item"] for row in world.inbox_of(case)] == (
        ["d1-cgw"] if sequential else ["d1-cgw", "d1-zjw"]
    )

    for unit, by in (("d1-cgw", "cgw1"), ("d1-zjw", "zjw1")):
        (visit,) = [
            row for row in world.inbox_of(case) if (row["item"], row["step"]) == (unit, "check/visit")
        ]
        assert visit["pools"] == [f"handler@d1/{unit}"]
        world.complete(by, visit, answers={"found": by})
        (write,) = [
            row for row in world.inbox_of(case) if (row["item"], row["step"]) == (unit, "check/write")
        ]
        world.complete(by, write)

    assert open_steps(world) == ["close"]
    assert [row["value"] for row in world.rows(case_items)] == ["cgw1", "zjw1"]
    world.complete("paiqian1", task(world, "close"))
    assert world.case(case["id"])["state"] == "closed"


def test_an_act_inside_a_call_costs_no_more_than_elsewhere(database: db.Database) -> None:
    world = build(database)
    visit = at_check(world)
    actor = world.actor("cgw1")
    with worlds.statements(database) as sent:
        tasks.complete(actor, visit["id"], "已查", {"found": "属实"}, None, 1, worlds.once(actor, "k"))

    assert len(sent) <= 23, "\n".join(sent)
