"""A worker outside: it fetches, hands in, fails, keeps and lets go; what it may see, and what it is told late."""

import pytest

from app.cases.external import fetching
from app.cases.external.models import external_tasks
from app.cases.models import incidents
from app.core import db
from tests.cases.external.conftest import (
    OUTSIDE,
    PRINTED,
    PRINTER,
    TOPIC,
    build,
    complete,
    fetch,
    filed,
    grant,
    problem,
    row,
    said,
)
from tests.cases.external.conftest import (
    fetching as asked,
)
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def open_steps(world: World, case_id: str) -> list[str]:
    return sorted(task["step"] for task in world.inbox_of({"id": case_id}))


def timeline(world: World, case_id: str) -> list[tuple[str, str]]:
    steps = world.get("duban1", f"/cases/{case_id}/timeline").json["items"]
    return [(step["actor"], event["text"]) for step in steps for event in step["events"]]


# — fetched and handed in —


def test_a_worker_gets_what_the_diagram_names_with_its_types_and_a_lock(world: World) -> None:
    case = filed(world, title="路灯不亮")

    (task,) = fetch(world)

    assert task["variables"] == {
        "template": {"value": "notice", "type": "String"},
        "subject": {"value": "路灯不亮", "type": "String"},
        "copies": {"value": 6, "type": "Integer"},
        "urgent": {"value": False, "type": "Boolean"},
    }
    assert (task["topicName"], task["workerId"], task["activityId"]) == (TOPIC, "w1", "print")
    assert (task["caseId"], task["businessKey"]) == (case["id"], case["number"])
    assert (task["retries"], task["priority"], task["state"]) == (None, 50, "open")
    assert row(world, task)["lock_until"] > world.now()
    assert fetch(world) == fetch(world, "w2") == []


def test_a_worker_may_ask_for_some_of_the_variables(world: World) -> None:
    filed(world)

    (task,) = fetch(world, topics=[{"topicName": TOPIC, "lockDuration": 5000, "variables": ["copies", "no"]}])

    assert task["variables"] == {"copies": {"value": 6, "type": "Integer"}}


def test_what_is_handed_in_becomes_case_data_and_the_case_goes_on(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)

    answer = complete(world, task)

    assert (answer.status_code, answer.json["state"]) == (200, "done")
    assert open_steps(world, case["id"]) == ["archive"]
    data = world.case(case["id"])["data"]
    assert (data["printed_no"], data["sent_to"]) == ("P-7", ["d1-cgw"])
    told = timeline(world, case["id"])
    assert ("文印中心", "外部系统办成“print”") in told
    assert ("东街道派遣员", "交给外部系统办理“print”") in told


def test_bare_values_are_understood_as_well(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)

    answer = complete(world, task, number="P-8", units=["d1-zjw"])

    assert answer.status_code == 200
    assert world.case(case["id"])["data"]["sent_to"] == ["d1-zjw"]


def test_handing_in_twice_gets_the_same_answer_and_moves_nothing(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    first = complete(world, task)
    before = world.case(case["id"])
    world.wait(minutes=10)

    again = complete(world, task, number="P-9")

    assert (again.status_code, again.data) == (200, first.data)
    assert world.case(case["id"]) == before


@pytest.mark.parametrize(
    ("variables", "pointer", "code"),
    [
        ({"number": 7}, "/variables/number", "not-text"),
        ({"number": "x" * 21}, "/variables/number", "too-long"),
        ({"units": {"value": '["d1-nowhere"]', "type": "Json"}}, "/variables/units", "unit-not-selectable"),
        ({"units": {"value": '["d1-', "type": "Json"}}, "/variables/units", "not-a-list"),
        ({"caller": "市民乙"}, "/variables/caller", "unknown-field"),
        ({"printed_no": "P-7"}, "/variables/printed_no", "unknown-field"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_happens(
    world: World, variables: dict[str, object], pointer: str, code: str
) -> None:
    case = filed(world)
    (task,) = fetch(world)
    before = world.case(case["id"])

    answer = complete(world, task, **variables)

    assert problem(answer) == (422, "variables-wrong")
    assert [(each["pointer"], each["code"]) for each in answer.json["errors"]] == [(pointer, code)]
    assert world.case(case["id"]) == before
    assert complete(world, task).status_code == 200


def test_everything_that_the_diagram_names_is_handed_in_if_only_as_null(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)

    missing = said(world, task, "complete", variables={"number": "P-7"})
    given = said(world, task, "complete", variables={"number": "P-7", "units": None})

    assert [each["pointer"] for each in missing.json["errors"]] == ["/variables/units"]
    assert given.status_code == 200
    assert world.case(case["id"])["data"]["sent_to"] is None


# — locks —


def test_when_the_worker_dies_its_lock_ends_and_another_gets_the_task(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    world.wait(seconds=61)

    (again,) = fetch(world, "w2")
    late = complete(world, task)
    done = complete(world, again, "w2")

    assert (again["id"], row(world, task)["locks"]) == (task["id"], 2)
    assert problem(late) == (409, "external-task-lock-lost")
    assert done.status_code == 200
    assert open_steps(world, case["id"]) == ["archive"]


def test_a_lock_that_has_ended_is_lost_even_while_nobody_else_came(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    before = world.case(case["id"])
    world.wait(seconds=60)

    for act, body in (("complete", {"variables": PRINTED}), ("extend-lock", {"newDuration": 9000})):
        answer = said(world, task, act, **body)
        assert problem(answer) == (409, "external-task-lock-lost")
        assert "过了期" in answer.json["detail"]

    assert world.case(case["id"]) == before


def test_a_worker_of_another_name_or_account_has_no_lock(world: World) -> None:
    filed(world)
    (task,) = fetch(world)
    world.appoint("city", "integrator", "d1")
    grant(world, "city", TOPIC)

    for worker, by in (("w2", PRINTER), ("w1", "city")):
        answer = said(world, task, "complete", worker, by, variables=PRINTED)
        assert problem(answer) == (409, "external-task-lock-lost")


def test_a_lock_that_is_extended_lasts_longer(world: World) -> None:
    filed(world)
    (task,) = fetch(world)
    world.wait(seconds=50)

    extended = said(world, task, "extend-lock", newDuration=60_000)
    world.wait(seconds=50)

    assert extended.status_code == 200
    assert extended.json["lockExpirationTime"] > task["lockExpirationTime"]
    assert fetch(world, "w2") == []
    assert complete(world, task).status_code == 200


def test_what_is_let_go_is_offered_at_once(world: World) -> None:
    filed(world)
    (task,) = fetch(world)

    answer = said(world, task, "unlock")

    assert (answer.status_code, answer.json["workerId"]) == (200, None)
    assert [each["id"] for each in fetch(world, "w2")] == [task["id"]]
    assert problem(said(world, task, "unlock")) == (409, "external-task-lock-lost")


# — failures —


def test_a_failure_is_tried_again_after_its_pause_and_the_next_worker_reads_why(world: World) -> None:
    filed(world)
    (task,) = fetch(world)

    failed = said(
        world,
        task,
        "failure",
        errorMessage="打印机离线，联系人 13800138000",
        errorDetails="offline",
        retries=2,
        retryTimeout=120_000,
    )
    early = fetch(world, "w2")
    world.wait(seconds=121)
    (again,) = fetch(world, "w2")

    assert (failed.status_code, failed.json["state"], early) == (200, "open", [])
    assert (again["retries"], again["errorDetails"]) == (2, "offline")
    assert "打印机离线" in again["errorMessage"]
    assert "13800138000" not in again["errorMessage"]


def test_a_failure_without_retries_stops_the_task_with_an_incident(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    before = world.case(case["id"])

    failed = said(world, task, "failure", errorMessage="没有墨", retries=0)
    again = said(world, task, "failure", errorMessage="没有墨", retries=0)

    assert (failed.status_code, failed.json["state"]) == (200, "stopped")
    assert again.data == failed.data
    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["element"], incident["count"]) == ("external-failed", "print", 1)
    assert "没有墨" not in incident["explanation"]
    assert world.case(case["id"]) == before
    world.wait(hours=1)
    assert fetch(world) == []


def test_an_error_that_is_drawn_takes_its_way(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)

    answer = said(world, task, "bpmn-error", errorCode="no_paper", variables={"number": "P-1"})
    again = said(world, task, "bpmn-error", errorCode="no_paper")

    assert (answer.status_code, answer.json["state"]) == (200, "error")
    assert again.data == answer.data
    assert open_steps(world, case["id"]) == ["buy"]
    assert world.case(case["id"])["data"]["printed_no"] == "P-1"
    assert ("文印中心", "外部系统没有办成“print”，报出 no_paper") in timeline(world, case["id"])
    assert problem(complete(world, task)) == (409, "external-task-closed")


def test_an_error_that_is_not_drawn_stops_the_task_with_an_incident(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)

    answer = said(world, task, "bpmn-error", errorCode="on_fire", errorMessage="着火了")
    again = said(world, task, "bpmn-error", errorCode="on_fire", errorMessage="着火了")

    assert (answer.status_code, answer.json["state"]) == (200, "stopped")
    assert again.data == answer.data
    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["element"]) == ("external-failed", "print")
    assert "on_fire" in incident["explanation"]
    assert open_steps(world, case["id"]) == []


def test_a_process_that_fails_at_what_was_handed_in_stops_the_task_and_keeps_the_case(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    before = world.case(case["id"])

    answer = complete(world, task, number="P-0")

    assert problem(answer) == (409, "process-stopped")
    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["number"]) == ("external-failed", answer.json["incident"])
    assert world.case(case["id"]) == before
    assert problem(complete(world, task)) == (409, "external-task-lock-lost")


# — too late —


def test_a_timer_that_ends_the_work_tells_whoever_comes_late(world: World) -> None:
    from app.cases import firing

    case = filed(world)
    (task,) = fetch(world, lock=3_600_000)
    said(world, task, "extend-lock", newDuration=3_600_000)
    world.wait(days=1, seconds=1)

    firing.fire_due()
    answer = complete(world, task)

    assert open_steps(world, case["id"]) == ["hurry"]
    assert problem(answer) == (409, "external-task-closed")
    assert (answer.json["who"], answer.json["state"]) == ("系统", "cancelled")
    assert "when" in answer.json


def test_work_of_a_merged_case_rests_and_is_offered_again_when_that_is_undone(world: World) -> None:
    case, other = filed(world), filed(world)
    tasks = {task["caseId"]: task for task in fetch(world)}
    task = tasks[case["id"]]
    body = {"into": other["id"], "reason": "同一件"}
    assert world.post("paiqian1", f"/cases/{case['id']}/merge", body, seen=1).status_code == 200

    late = complete(world, task)
    world.wait(seconds=61)
    offered = fetch(world, "w2")

    assert problem(late) == (409, "external-task-closed")
    assert (late.json["who"], late.json["state"]) == ("派遣员甲", "resting")
    assert [each["caseId"] for each in offered] == [other["id"]]
    world.post("paiqian1", f"/cases/{case['id']}/unmerge", {"reason": "不是同一件"})
    assert [each["id"] for each in fetch(world, "w2")] == [task["id"]]


def test_work_of_a_suspended_case_rests_and_ends_when_the_case_is_terminated(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    path = f"/cases/{case['id']}"

    def act(verb: str, reason: str = "等上级答复") -> None:
        seen = world.case(case["id"])["revision"]
        answer = world.post("duban1", f"{path}/{verb}", {"reason": reason}, seen=seen)
        assert answer.status_code == 200, answer.json

    act("suspend")
    late = complete(world, task)
    act("resume")
    (again,) = fetch(world, "w2")
    act("suspend")
    act("terminate", "重复登记")
    gone = complete(world, again, "w2")

    assert (problem(late), late.json["state"]) == ((409, "external-task-closed"), "resting")
    assert again["id"] == task["id"]
    assert (problem(gone), gone.json["state"]) == ((409, "external-task-closed"), "cancelled")
    assert (gone.json["who"], fetch(world)) == ("督办员甲", [])


def test_work_of_a_merged_case_ends_with_the_other(world: World) -> None:
    case, other = filed(world), filed(world)
    tasks = {task["caseId"]: task for task in fetch(world)}
    body = {"into": other["id"], "reason": "同一件"}
    world.post("paiqian1", f"/cases/{case['id']}/merge", body, seen=1)

    complete(world, tasks[other["id"]])
    (archive,) = world.inbox_of(other)
    world.complete("paiqian1", archive)

    assert world.case(case["id"])["state"] == "closed"
    assert row(world, tasks[case["id"]])["state"] == "cancelled"


def beside(database: db.Database) -> World:
    """accept, then print and check side by side."""
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"').task("accept", by_role())
    drawing.both("split").both("join").service("print", "", {}, {}, OUTSIDE)
    drawing.task("check", by_role()).end()
    drawing.line("start", "accept", "split", "print", "join", "end").line("split", "check", "join")
    return build(database, drawing)


def test_a_return_over_the_work_ends_it_and_the_way_there_again_is_new_work(database: db.Database) -> None:
    world = beside(database)
    case = filed(world)
    world.complete("paiqian1", world.inbox_of(case)[0])
    (task,) = fetch(world)
    (check,) = world.inbox_of(case)

    body = {"step": "accept", "reason": "补材料"}
    claimed = world.post("paiqian1", f"/tasks/{check['id']}/return", body, seen=check["revision"])
    late = said(world, task, "complete", variables={})
    world.complete("paiqian1", world.inbox_of(case)[0])
    (again,) = fetch(world)

    assert claimed.status_code == 200, claimed.json
    assert problem(late) == (409, "external-task-closed")
    assert (late.json["who"], late.json["state"]) == ("派遣员甲", "returned")
    assert again["id"] != task["id"]
    assert said(world, again, "complete", variables={}).status_code == 200


def test_an_act_is_taken_back_until_a_worker_has_fetched_what_it_led_to(database: db.Database) -> None:
    world = beside(database)
    case = filed(world)
    (accept,) = world.inbox_of(case)
    world.complete("paiqian1", accept)
    path, body = f"/tasks/{accept['id']}/withdraw", {"reason": "看错了"}

    early = world.post("paiqian1", path, body)
    (again,) = world.inbox_of(case)
    world.complete("paiqian1", again)
    fetch(world)
    late = world.post("paiqian1", f"/tasks/{again['id']}/withdraw", body)

    assert early.status_code == 200, early.json
    assert {each["state"] for each in world.rows(external_tasks)} == {"returned", "open"}
    assert problem(late) == (409, "cannot-withdraw")
    assert "“print”已由外部系统领取" in late.json["detail"]


# — who may —


def test_only_granted_topics_are_fetched(world: World) -> None:
    filed(world)
    world.appoint("city", "integrator", "d1")

    answer = asked(world, by="city")
    other = asked(world, topics=[{"topicName": "other", "lockDuration": 5000}])

    assert problem(answer) == problem(other) == (403, "topic-not-granted")
    assert other.json["topics"] == [TOPIC]
    assert problem(asked(world, by="paiqian1")) == (403, "forbidden-action")


def test_work_outside_an_accounts_units_is_never_offered_and_not_there_for_it(world: World) -> None:
    filed(world)
    (task,) = fetch(world)
    said(world, task, "unlock")
    world.appoint("city", "integrator", "d1-s2")
    grant(world, "city", TOPIC)

    assert fetch(world, by="city") == []
    assert problem(said(world, task, "unlock", by="city")) == (404, "not-found")
    grant(world, "city", "other")
    assert problem(said(world, task, "complete", by="city", variables=PRINTED)) == (404, "not-found")


def test_people_see_who_holds_what_and_what_was_said(world: World) -> None:
    case = filed(world)
    (task,) = fetch(world)
    said(world, task, "failure", errorMessage="没有墨", retries=1)

    listed = world.get("duban1", f"/external-tasks?state=open&topic={TOPIC}&case={case['id']}").json["items"]
    one = world.get("duban1", f"/external-tasks/{task['id']}").json

    assert listed == [one]
    assert (one["errorMessage"], one["locks"], one["activityName"]) == ("没有墨", 1, "print")
    assert "variables" not in one
    assert problem(world.get("paiqian1", "/external-tasks")) == (403, "forbidden-action")
    assert problem(world.get("duban1", "/external-tasks/0")) == (404, "not-found")


def test_urgent_work_is_fetched_first_when_asked_so(world: World) -> None:
    calm, urgent = filed(world, priority=10), filed(world, priority=90)
    later = filed(world)
    body = {"priority": 95, "reason": "领导交办"}
    raised = world.post("paiqian1", f"/cases/{later['id']}/priority", body, seen=1)
    assert raised.status_code == 200, raised.json

    first = fetch(world, most=2, usePriority=True)
    rest = fetch(world, most=2)

    assert [task["caseId"] for task in first] == [later["id"], urgent["id"]]
    assert [(task["caseId"], task["priority"]) for task in rest] == [(calm["id"], 10)]
    assert len(world.rows(external_tasks)) == 3


def test_one_request_of_a_process_waits_for_work_and_the_next_is_told_to_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(fetching, "LOOKS_EVERY", 0.05)

    waited = asked(world, asyncResponseTimeout=30_000)
    with fetching._one_waits:
        refused = asked(world, asyncResponseTimeout=30_000)

    assert (waited.json, waited.headers.get("Retry-After")) == ([], None)
    assert (refused.json, refused.headers["Retry-After"]) == ([], "1")


def test_a_request_that_waits_gets_what_comes_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.clock, "sleep", lambda seconds: filed(world))

    (task,) = fetch(world, asyncResponseTimeout=10_000)

    assert task["activityId"] == "print"
