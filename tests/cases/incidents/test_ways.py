"""What may be done about each kind of incident, what it does to the case, and what to do instead."""

from typing import Any

import pytest

from app.bundles import store
from app.bundles.forms import AnswersRefused
from app.cases import firing
from app.cases.errors import ProcessStopped
from app.cases.incidents import service
from app.cases.incidents.errors import IncidentActRefused, IncidentStands
from app.cases.models import cases, task_queue
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import db
from app.identity.models import appointments, units
from tests import world as worlds
from tests.cases.incidents.conftest import stopped_job, stopped_timer
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role


def treat(world: World, incident: Row, act: str, said: str = "已核实", **more: Any) -> Any:
    return service.treat(world.actor("duban1"), incident["id"], act, said, **more)


def refused(world: World, incident: Row, act: str, says: str) -> None:
    """The act is refused in these words, the page says so beforehand, and nothing has changed."""
    before = [world.rows(table) for table in (cases, incident_rows, task_rows, timers)]

    told = {way["action"]: way for way in service.one(world.actor("duban1"), incident["id"])["actions"]}
    with pytest.raises(IncidentActRefused, match=says):
        treat(world, incident, act)

    assert (told[act]["open"], says in told[act]["says"]) == (False, True)
    assert [world.rows(table) for table in (cases, incident_rows, task_rows, timers)] == before


def open_steps(world: World) -> list[str]:
    return [task["step"] for task in world.rows(task_rows) if task["state"] in ("open", "claimed")]


def timeline(world: World, case_id: str) -> list[str]:
    steps = world.get("duban1", f"/cases/{case_id}/timeline").json["items"]
    return [event["text"] for step in steps for event in step["events"]]


# — a job, a timer —


def test_a_job_that_stopped_cannot_be_put_aside_and_is_passed_by_with_what_it_would_have_given(
    job: World, called: list[object]
) -> None:
    incident = stopped_job(job)
    refused(job, incident, "resolve", "别的都推动不了它")
    says = {
        way["action"]: way["says"]
        for way in job.get("duban1", f"/incidents/{incident['id']}").json["actions"]
    }
    assert "取到的号（number_given）" in says["skip"]

    treat(job, incident, "skip", "人工取了号", results={"number_given": 7})

    assert (open_steps(job), called) == (["after"], [])
    case = job.case(incident["case_id"])
    assert case["data"]["number_given"] == 7
    assert [timer["state"] for timer in job.rows(timers, kind="token")] == ["cancelled"]
    assert job.row(incident_rows, incident["id"])["state"] == "resolved"
    assert f"跳过“call”，异常 {incident['number']}，原因：人工取了号" in timeline(job, case["id"])


@pytest.mark.parametrize(
    ("results", "at"),
    [
        ({}, "/results/number_given"),
        ({"number_given": "七"}, "/results/number_given"),
        ({"number_given": 7, "title": "别的"}, "/results/title"),
    ],
)
def test_who_passes_a_step_by_says_for_every_result_what_it_is(job: World, results: Row, at: str) -> None:
    incident = stopped_job(job)

    with pytest.raises(AnswersRefused) as caught:
        treat(job, incident, "skip", results=results)

    assert [error.pointer for error in caught.value.errors] == [at]
    assert job.row(incident_rows, incident["id"])["state"] == "open"
    treat(job, incident, "skip", results={"number_given": None})
    assert job.case(incident["case_id"])["data"].get("number_given") is None


def test_a_skip_after_which_the_case_cannot_go_on_changes_nothing(
    database: db.Database, called: list[object]
) -> None:
    drawing = Drawing("drawn").start().task("first", by_role()).either("big", default="no").end()
    drawing.service(
        "call", "tests.ticket", {"what": "broken"}, {"ticket": "word"}, 'camunda:asyncBefore="true"'
    )
    drawing.task("after", by_role()).line("start", "first", "call", "big").line("after", "end")
    drawing.flow("big", "after", when="word > 3").flow("big", "after", name="no")
    data = "word: {type: text, label: 字}"
    world = worlds.build(database, worlds.bundle_of("drawn", drawing, data=data))
    incident = stopped_job(world)

    with pytest.raises(IncidentStands) as caught:
        treat(world, incident, "skip", results={"word": "七"})

    assert "表达式" in str(caught.value.detail)
    (line,) = world.rows(incident_rows)
    assert (line["state"], line["count"]) == ("open", incident["count"])
    assert "word" not in world.case(incident["case_id"])["data"]
    treat(world, incident, "skip", results={"word": None})
    assert open_steps(world) == ["after"]


def test_a_timer_beside_an_open_step_may_be_put_aside_but_is_no_step_to_pass_by(late: World) -> None:
    incident = stopped_timer(late)
    refused(late, incident, "skip", "不是单独运行的自动步骤")

    treat(late, incident, "resolve", "由人继续办理")
    firing.fire_due()

    assert open_steps(late) == ["ask"]
    late.complete("paiqian1", late.rows(task_rows, step="ask")[0])
    assert late.case(incident["case_id"])["state"] == "closed"
    assert late.rows(incident_rows, state="open") == []


def test_what_killed_workers_is_never_run_in_a_request(job: World) -> None:
    job.complete("paiqian1", job.file(process="drawn").opened[0])
    for _ in range(firing.DEATHS):
        for key, _again in firing.claim_due("doomed"):
            firing._begin(key)
        job.wait(seconds=firing.lease().total_seconds() + 1)
    firing.claim_due("careful")
    (incident,) = job.rows(incident_rows)
    assert incident["kind"] == "worker-killed"

    refused(job, incident, "skip", "查明后重试")
    refused(job, incident, "resolve", "不能就这样办结")
    treat(job, incident, "retry")

    assert [timer["state"] for timer in job.rows(timers, kind="token")] == ["armed"]


def test_nothing_stands_in_a_case_that_has_ended(late: World) -> None:
    incident = stopped_timer(late)
    late.complete("paiqian1", late.rows(task_rows, step="ask")[0])

    for act in ("retry", "skip"):
        refused(late, incident, act, "办件已经结束")
    treat(late, incident, "resolve")

    assert late.row(incident_rows, incident["id"])["state"] == "resolved"
    assert f"办结异常 {incident['number']}（到时未成），原因：已核实" in timeline(late, incident["case_id"])


def test_a_timer_of_a_case_that_rests_in_another_rests_with_it(late: World) -> None:
    incident = stopped_timer(late)
    late.change(cases, incident["case_id"], state="merged")

    for act in ("retry", "resolve", "skip"):
        refused(late, incident, act, "已并入另一件")


# — a case that nothing moves —


def stranded(database: db.Database, kind: str, said: str) -> World:
    drawing = Drawing("drawn").start().declare("signal", "ready").catch("enough", kind, said)
    drawing.task("go", by_role()).end().line("start", "enough", "go", "end")
    return worlds.build(database, worlds.bundle_of("drawn", drawing, data="amount: {type: int, label: 数量}"))


@pytest.mark.parametrize(("kind", "said"), [("conditional", "amount > 10"), ("signal", "ready")])
def test_a_stranded_case_is_never_put_aside_and_goes_on_when_its_event_is_passed_by(
    database: db.Database, kind: str, said: str
) -> None:
    world = stranded(database, kind, said)
    case = world.file(process="drawn").case
    (incident,) = world.rows(incident_rows)
    refused(world, incident, "resolve", "没有什么能推动它")
    with pytest.raises(IncidentStands, match="条件仍不成立"):
        treat(world, incident, "retry")
    assert world.row(incident_rows, incident["id"]) == incident

    treat(world, incident, "skip", "线下已经确认")

    assert open_steps(world) == ["go"]
    assert world.rows(incident_rows, state="open") == []
    assert f"跳过“enough”，异常 {incident['number']}，原因：线下已经确认" in timeline(world, case["id"])


def test_a_stranded_case_that_is_looked_at_again_goes_on_once_its_condition_holds(
    database: db.Database,
) -> None:
    world = stranded(database, "conditional", "amount > 10")
    case = world.file(process="drawn").case
    (incident,) = world.rows(incident_rows)
    world.change(cases, case["id"], data={"amount": 11})

    treat(world, incident, "retry")

    assert open_steps(world) == ["go"]
    assert world.row(incident_rows, incident["id"])["state"] == "resolved"


def test_between_several_events_nobody_chooses_for_the_case(database: db.Database) -> None:
    drawing = Drawing("drawn").start().declare("signal", "ready", "never")
    drawing.node("eventBasedGateway", "gate").catch("one", "signal", "ready").catch("two", "signal", "never")
    drawing.task("go", by_role()).end().line("start", "gate", "one", "go", "end").line("gate", "two", "go")
    world = worlds.build(database, worlds.bundle_of("drawn", drawing))
    world.file(process="drawn")
    (incident,) = world.rows(incident_rows)

    assert incident["kind"] == "no-way-forward"
    refused(world, incident, "skip", "走上不同的路")


# — people —


def moved(world: World, unit: str) -> None:
    """Who serves in 住建委 serves in this unit now; empty: nowhere."""
    with db.transaction() as session:
        theirs = appointments.c.person_id.in_([world.actor(name).id for name in ("zjw1", "zjw2")])
        if not unit:
            session.execute(appointments.delete().where(theirs))
            return
        (row,) = world.rows(units, code=unit)
        here = {"unit_id": row["id"], "unit_path": row["path"]}
        session.execute(appointments.update().where(theirs).values(here))


def unstaffed(world: World) -> Row:
    """The incident of an order that was dispatched to 住建委, where nobody serves."""
    world.complete("paiqian1", world.file().opened[0], "派遣", {"main_unit": "d1-zjw"})
    (incident,) = world.rows(incident_rows)
    assert incident["kind"] == "pool-empty"
    return incident


def test_a_task_that_went_up_finds_its_own_pool_once_somebody_is_appointed(world: World) -> None:
    moved(world, "d1")
    incident = unstaffed(world)
    assert world.row(task_rows, incident["task_id"])["pools"] == ["handler@d1"]
    with pytest.raises(IncidentStands, match="仍然没有人"):
        treat(world, incident, "retry")
    moved(world, "d1-zjw")

    treat(world, incident, "retry", "已任命")

    task = world.row(task_rows, incident["task_id"])
    lying = [row["holder"] for row in world.rows(task_queue, task_id=task["id"])]
    assert (task["pools"], lying) == (["handler@d1/d1-zjw"], ["pool:handler@d1/d1-zjw"])
    assert task["id"] in [row["id"] for row in world.get("zjw1", "/tasks?view=todo").json["items"]]
    assert "“签收”重新派到该去的待办池" in timeline(world, incident["case_id"])


def test_a_task_that_went_up_may_stay_there(world: World) -> None:
    moved(world, "d1")
    incident = unstaffed(world)
    refused(world, incident, "skip", "要由人办理")

    treat(world, incident, "resolve", "由区里办理")

    assert world.row(task_rows, incident["task_id"])["pools"] == ["handler@d1"]


def test_a_task_that_lies_where_nobody_is_keeps_its_incident(world: World) -> None:
    moved(world, "")
    incident = unstaffed(world)

    refused(world, incident, "resolve", "现在的待办池里没有人")


# — a person's request, a filing —


def test_what_failed_in_a_persons_hands_is_put_aside_or_done_again_and_never_passed_by(
    database: db.Database, called: list[object]
) -> None:
    drawing = Drawing("drawn").start().task("first", by_role()).task("after", by_role()).end()
    drawing.service("call", "tests.ticket", {"what": "broken"}, {"ticket": "number_given"})
    drawing.line("start", "first", "call", "after", "end")
    data = "number_given: {type: int, label: 取到的号}"
    world = worlds.build(database, worlds.bundle_of("drawn", drawing, data=data))
    task = world.file(process="drawn").opened[0]
    with pytest.raises(ProcessStopped):
        world.complete("paiqian1", task)
    (incident,) = world.rows(incident_rows)

    refused(world, incident, "skip", "随办理一起撤回")
    treat(world, incident, "resolve", "先不办")

    assert open_steps(world) == ["first"]
    assert world.get("paiqian1", f"/tasks/{task['id']}/form").json["draft"]["outcome"] == "完成"


def test_a_filing_that_failed_left_nothing_to_try_again(database: db.Database, called: list[object]) -> None:
    drawing = Drawing("drawn").start().task("after", by_role()).end()
    drawing.service("call", "tests.ticket", {"what": "broken"}).line("start", "call", "after", "end")
    world = worlds.build(database, worlds.bundle_of("drawn", drawing))
    with pytest.raises(ProcessStopped):
        world.file(process="drawn")
    (incident,) = world.rows(incident_rows)

    refused(world, incident, "retry", "请登记人重新登记")
    refused(world, incident, "skip", "没有办件")
    treat(world, incident, "resolve", "流程已改好，已重新登记")

    (after,) = world.rows(incident_rows)
    assert (after["state"], after["note"]) == ("resolved", "流程已改好，已重新登记")


def test_an_incident_of_a_version_that_cannot_be_read_takes_notes_and_nothing_else(
    late: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = stopped_timer(late)

    def gone(*_: Any) -> Any:
        raise store.VersionUnusable("broken")

    monkeypatch.setattr(store, "version", gone)
    for act in ("retry", "resolve", "skip"):
        refused(late, incident, act, "无法装载")
    treat(late, incident, "annotate", "备份里有这个版本")

    assert late.row(incident_rows, incident["id"])["state"] == "open"
    (line,) = service.one(late.actor("duban1"), incident["id"])["history"]
    assert line["text"] == "备份里有这个版本"
