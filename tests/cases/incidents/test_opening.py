"""When the process itself fails: the case untouched, the typed text kept, an incident for whoever can mend it."""

from datetime import timedelta
from typing import Any

import pytest

from app.audit.chain import case_chain
from app.audit.streams import audit_stream
from app.cases import tasks
from app.cases.errors import ProcessStopped, ReasonRequired
from app.cases.incidents import service as incidents
from app.cases.incidents import shown
from app.cases.incidents.errors import IncidentResolved
from app.cases.models import cases
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.core import db, events
from app.core.errors import Forbidden, NotFound
from app.core.once import idempotency
from app.identity.models import appointments
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role, once

SECRET = "王某某的电话一三八零零"


def breaking() -> worlds.BundleFiles:
    """After `ask` the gateway compares what was typed with a number; `late` leads to another such gateway."""
    drawing = (
        Drawing("breaking")
        .start(attributes='camunda:formKey="filing"')
        .task("ask", by_role() + ' camunda:formKey="ask"', outcomes="完成")
        .either("big", default="no")
        .task("check", by_role(), outcomes="完成")
        .end()
        .line("start", "ask", "big")
        .flow("big", "check", when="amount > 3")
        .flow("big", "check", name="no")
        .line("check", "end")
    )
    return worlds.bundle_of(
        "breaking",
        drawing,
        data="amount: {type: text, label: 数量}",
        forms={
            "filing": "title: 登记\nfields:\n  - {name: amount}\n",
            "ask": "title: 填写\nfields:\n  - {name: amount}\n",
        },
    )


@pytest.fixture
def broken(database: db.Database) -> World:
    return worlds.build(database, breaking(), worlds.folder(worlds.WORK_ORDER))


def stopped(world: World, task: Row, key: str = "k") -> ProcessStopped:
    actor = world.actor("paiqian1")
    with pytest.raises(ProcessStopped) as caught:
        tasks.complete(actor, task["id"], "完成", {"amount": SECRET}, "请快办", 1, once(actor, key))
    return caught.value


def retry(world: World, by: str, incident_id: str, reason: str = "流程已修正") -> Row:
    done = incidents.treat(world.actor(by), incident_id, "retry", reason)
    assert isinstance(done, dict)
    return done


def test_a_process_that_fails_in_a_persons_hands_leaves_the_case_untouched(broken: World) -> None:
    task = broken.file(process="breaking").opened[0]
    before = [broken.case(task["case_id"]), broken.rows(case_chain, case_id=task["case_id"])]

    problem = stopped(broken, task)

    (incident,) = broken.rows(incident_rows)
    assert (problem.status, problem.slug) == (409, "process-stopped")
    assert "已保存您填写的内容" in problem.title
    assert problem.extra["incident"] == incident["number"]
    assert incident["number"] in str(problem.detail)
    assert [broken.case(task["case_id"]), broken.rows(case_chain, case_id=task["case_id"])] == before
    kept = broken.row(task_rows, task["id"])
    assert (kept["state"], kept["revision"], kept["answers"]) == ("open", 1, None)
    assert broken.rows(idempotency, key="k") == []


def test_what_was_typed_comes_back_with_the_form(broken: World) -> None:
    task = broken.file(process="breaking").opened[0]
    stopped(broken, task)

    form = tasks.form_of(broken.actor("paiqian1"), task["id"])

    assert form["draft"] == {
        "outcome": "完成",
        "answers": {"amount": SECRET},
        "opinion": "请快办",
        "by": broken.actor("paiqian1").id,
    }
    broken.complete("paiqian1", task, "完成", {"amount": ""})
    assert broken.row(task_rows, task["id"])["draft"] is None


def test_an_incident_says_what_broke_and_never_what_was_typed(broken: World) -> None:
    task = broken.file(process="breaking").opened[0]
    stopped(broken, task)

    (incident,) = broken.rows(incident_rows)

    assert (incident["kind"], incident["case_id"]) == ("process-stopped", task["case_id"])
    assert incident["element"] in ("big", "f3")
    assert incident["task_id"] == task["id"]
    assert SECRET not in str(incident)
    assert any("一" <= letter <= "鿿" for letter in incident["explanation"])


def test_the_same_failure_again_folds_into_one_line_with_a_count(broken: World) -> None:
    task = broken.file(process="breaking").opened[0]

    numbers = {stopped(broken, task, key).extra["incident"] for key in ("a", "b", "c")}
    other = stopped(broken, broken.file(process="breaking").opened[0])

    lines = broken.rows(incident_rows)
    assert len(numbers) == 1
    assert sorted(line["count"] for line in lines) == [1, 3]
    assert other.extra["incident"] not in numbers
    first = next(line for line in lines if line["count"] == 3)
    assert first["last_at"] > first["first_at"]


def test_supervisors_see_incidents_in_their_scope_and_others_are_told_what_they_lack(broken: World) -> None:
    stopped(broken, broken.file(process="breaking").opened[0])

    for who in ("duban1", "liucheng1"):
        (seen,) = incidents.page(broken.actor(who), {"state": "open"}, 10, None)
        assert shown.listed(seen)["caseNumber"].startswith("T-")
    with pytest.raises(Forbidden) as caught:
        incidents.page(broken.actor("paiqian1"), {"state": "open"}, 10, None)
    assert caught.value.extra["permission"] == "incident:read"
    assert "查看流程异常" in str(caught.value.detail)


def test_a_retry_resolves_once_wants_a_reason_and_repeats_nothing_of_the_person(broken: World) -> None:
    task = broken.file(process="breaking").opened[0]
    stopped(broken, task)
    (incident,) = broken.rows(incident_rows)
    before = broken.case(task["case_id"])

    with pytest.raises(ReasonRequired):
        retry(broken, "duban1", incident["id"], "  ")
    with pytest.raises(Forbidden):
        retry(broken, "paiqian1", incident["id"])
    with pytest.raises(NotFound):
        retry(broken, "duban1", "no-such-incident")
    done = retry(broken, "duban1", incident["id"])
    with pytest.raises(IncidentResolved):
        retry(broken, "duban1", incident["id"])

    assert (done["state"], done["note"], done["revision"]) == ("resolved", "流程已修正", 2)
    (audit,) = broken.rows(audit_stream, stream="admin")
    assert (audit["kind"], audit["actor_id"], audit["subject"]) == (
        "incident.retried",
        broken.actor("duban1").id,
        incident["id"],
    )
    assert done["resolved_by"] == broken.actor("duban1").id
    after = broken.case(task["case_id"])
    assert {name for name in after if after[name] != before[name]} == {
        *(
            "revision",
            "audit_seq",
            "audit_head",
            "event_seq",
            "last_event_at",
        )  # it is told, and moves nothing
    }
    assert tasks.form_of(broken.actor("paiqian1"), task["id"])["draft"]["answers"] == {"amount": SECRET}
    stopped(broken, task)  # not mended at all: a new line, not the resolved one
    assert sorted(line["state"] for line in broken.rows(incident_rows)) == ["open", "resolved"]


def test_a_filing_that_fails_makes_no_case_and_an_incident_at_the_filers_unit(database: db.Database) -> None:
    drawing = (
        Drawing("stillborn")
        .start(attributes='camunda:formKey="filing"')
        .either("big", default="no")
        .task("a", by_role(), outcomes="完成")
        .end()
        .line("start", "big")
        .flow("big", "a", when="amount > 3")
        .flow("big", "a", name="no")
        .line("a", "end")
    )
    world = worlds.build(
        database,
        worlds.bundle_of(
            "stillborn",
            drawing,
            data="amount: {type: text, label: 数量}",
            forms={"filing": "title: 登记\nfields:\n  - {name: amount}\n"},
        ),
    )

    with pytest.raises(ProcessStopped) as caught:
        world.file(process="stillborn", answers={"amount": "很多"})

    (incident,) = world.rows(incident_rows)
    assert (incident["kind"], incident["case_id"], incident["org_path"]) == ("filing-stopped", None, "d1")
    assert "没有登记成功" in str(caught.value.detail)
    assert "很多" not in str(incident)
    assert world.rows(cases) == []
    (seen,) = incidents.page(world.actor("duban1"), {"state": "open"}, 10, None)
    assert shown.listed(seen)["case"] is None


def test_an_incident_is_told_to_listeners(broken: World) -> None:
    heard: list[Any] = []

    def listen(session: Any, told: Any) -> None:
        heard.extend(told)

    task = broken.file(process="breaking").opened[0]
    events.listen(listen)
    try:
        stopped(broken, task)
    finally:
        events.forget(listen)

    assert [event.name for event in heard] == ["incident.opened"]


def test_over_http_the_person_reads_that_the_text_is_kept_and_may_try_again(broken: World) -> None:
    filed = broken.post("paiqian1", "/cases", {"process": "breaking", "title": "x"}).json
    task = filed["tasks"][0]
    body = {"outcome": "完成", "answers": {"amount": SECRET}}

    answer = broken.post("paiqian1", f"/tasks/{task['id']}/complete", body, key="k", seen=1)
    form = broken.get("paiqian1", f"/tasks/{task['id']}/form").json
    listed = broken.get("duban1", "/incidents").json["items"]
    mended = broken.post("duban1", f"/incidents/{listed[0]['id']}/retry", {"reason": "已改流程"})
    again = broken.post(
        "paiqian1", f"/tasks/{task['id']}/complete", {"outcome": "完成", "answers": {}}, key="k", seen=1
    )

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/process-stopped")
    assert SECRET not in answer.get_data(as_text=True)
    assert answer.json["incident"] == listed[0]["number"]
    assert form["draft"]["answers"] == {"amount": SECRET}
    assert (mended.status_code, mended.json["state"]) == (200, "resolved")
    assert again.status_code == 200  # nothing was stored under the key


def test_a_step_whose_pool_is_empty_goes_up_and_opens_an_incident(world: World) -> None:
    moved = world.complete("paiqian1", world.file().opened[0], "派遣", {"main_unit": "d1-cgw"})
    assert world.rows(incident_rows) == []
    with db.transaction() as session:
        session.execute(appointments.delete().where(appointments.c.unit_path == "d1/d1-zjw"))

    moved = world.complete("paiqian1", world.file().opened[0], "派遣", {"main_unit": "d1-zjw"})

    (incident,) = world.rows(incident_rows)
    assert (incident["kind"], incident["element"]) == ("pool-empty", "sign")
    assert incident["task_id"] == moved.opened[0]["id"]
    assert moved.opened[0]["pools"] != []
    assert world.now() - incident["first_at"] < timedelta(minutes=1)


@pytest.mark.parametrize(
    "spoil", [lambda state: b"", lambda state: state[:-1], lambda state: b"\x09" + state[1:]]
)
def test_a_case_whose_bytes_cannot_be_read_stops_and_keeps_them(world: World, spoil: Any) -> None:
    task = world.dispatched()
    spoiled = spoil(world.case(task["case_id"])["engine"])
    world.change(cases, task["case_id"], engine=spoiled)

    claimed = world.claim("cgw1", task).task  # needs no engine
    assert claimed is not None
    with pytest.raises(ProcessStopped):
        world.complete("cgw1", claimed, "签收")

    assert world.case(task["case_id"])["engine"] == spoiled
    assert world.row(task_rows, task["id"])["state"] == "claimed"
    (incident,) = world.rows(incident_rows)
    assert incident["error"] == "StateUnreadable"
