"""挂账: clocks stand still from the reviewer's word to a date or 销账, once and for a year at most."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases import firing
from app.cases.attachments.models import attachments
from app.cases.models import incidents
from app.cases.requests.models import case_requests
from app.cases.resting import service
from app.clocks.models import clock_ledger, clocks
from app.core import db
from app.core.clock import BEIJING
from tests.cases.asking import SLA, ask, brought, decide, district, filed, open_task, order, texts
from tests.world import Row, World

DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "hold")


def in_days(world: World, days: int) -> str:
    return (world.now().astimezone(BEIJING).date() + days * DAY).isoformat()


def hold(world: World, task: Row, days: int = 30, by: str = "cgw1", **more: Any) -> Any:
    answers = {
        "hold_category": "11",
        "hold_plan": "四月施工。",
        "hold_until": in_days(world, days),
        "evidence": [brought(world, by)],
        **more,
    }
    return ask(world, by, task, "hold", **answers)


def resolve(world: World, task: Row) -> Row:
    (found,) = world.rows(clocks, case_id=task["case_id"], name="resolve")
    return found


@pytest.mark.requirement("SJS-018")
def test_a_hold_stops_the_clock_until_its_date_however_late_its_timer_and_then_reminds(world: World) -> None:
    task = filed(world)
    due = resolve(world, task)["due_at"]
    world.wait(days=1)
    asked = hold(world, task)
    granted_at = world.now()
    decide(world, "shenhe1", asked.json["id"], opinion="情况属实。")
    held = world.get("cgw1", f"/cases/{task['case_id']}").json

    world.wait(days=33)
    firing.fire_due()

    assert asked.status_code == 201
    assert (held["onHold"], held["clocks"][0]["state"], held["clocks"][0]["dueAt"]) == (True, "paused", None)
    after = resolve(world, task)
    (line,) = world.rows(clock_ledger, case_id=task["case_id"], entry="resumed")
    assert after["state"] == "running"
    ends = (granted_at.astimezone(BEIJING) + 30 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    assert line["at"] > ends + timedelta(hours=12), "the timer is late"
    (paused,) = world.rows(clock_ledger, case_id=task["case_id"], entry="paused")
    assert after["due_at"] == due + (ends - paused["at"]), "what counts is the approved day"
    assert world.case(task["case_id"])["on_hold"] is False
    assert open_task(world, asked.json["id"])["step"] == "remind"
    assert world.rows(incidents) == []
    told = texts(world, task["case_id"])
    assert "挂账申请通过，意见：情况属实。" in told
    assert any(text.startswith("“办结时限”挂账，暂停计时") for text in told)


@pytest.mark.requirement("SJS-018")
def test_it_is_taken_off_by_hand_and_handling_goes_on(world: World) -> None:
    task = filed(world)
    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")
    world.wait(days=10)

    decide(world, "cgw2", asked["id"], "销账")

    after = resolve(world, task)
    assert (after["state"], world.case(task["case_id"])["on_hold"]) == ("running", False)
    assert timedelta(days=17) <= after["due_at"] - after["started_at"] < timedelta(days=17, minutes=5)
    assert world.row(case_requests, asked["id"])["state"] == "granted"
    assert world.case(asked["id"])["end_element"] == "released"


def test_evidence_lies_with_the_request_and_is_named_in_the_ledger(world: World) -> None:
    task = filed(world)

    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")

    (file,) = world.rows(attachments, case_id=asked["id"])
    (line,) = world.rows(clock_ledger, case_id=task["case_id"], entry="paused")
    assert line["detail"]["evidence"] == [file["id"]]
    assert line["detail"]["approver"] == world.actor("shenhe1").id


def test_the_form_wants_a_category_of_the_last_level_evidence_and_a_day_within_a_year(world: World) -> None:
    task = filed(world)

    refused = {
        "category": hold(world, task, hold_category="1"),
        "evidence": hold(world, task, evidence=[]),
        "far": hold(world, task, days=366),
        "past": hold(world, task, days=0),
        "plan": hold(world, task, hold_plan=""),
    }
    year = hold(world, task, days=365)

    assert {name: each.status_code for name, each in refused.items()} == dict.fromkeys(refused, 422)
    assert {name: each.json["errors"][0]["pointer"] for name, each in refused.items()} == {
        "category": "/answers/hold_category",
        "evidence": "/answers/evidence",
        "far": "/answers/hold_until",
        "past": "/answers/hold_until",
        "plan": "/answers/hold_plan",
    }
    assert year.status_code == 201


def test_a_case_is_put_on_account_once_unless_its_process_says_more(database: db.Database) -> None:
    once = district(database, None, "hold")
    task = filed(once)
    asked = hold(once, task).json
    decide(once, "shenhe1", asked["id"], opinion="情况属实。")
    decide(once, "cgw2", asked["id"], "销账")

    again = hold(once, task)

    assert (again.status_code, again.json["type"]) == (409, "/problems/pause-refused")
    assert "最多挂账 1 次" in again.json["detail"]
    once.publish(order("verbs: {work: {requestHold: {max: 2}}}\n"))
    other = filed(once)
    asked = hold(once, other).json
    decide(once, "shenhe1", asked["id"], opinion="情况属实。")
    decide(once, "cgw2", asked["id"], "销账")
    assert hold(once, other).status_code == 201


def test_both_answers_of_the_reviewer_need_words(world: World) -> None:
    final = open_task(world, hold(world, filed(world)).json["id"])

    silent = [
        world.post("shenhe1", f"/tasks/{final['id']}/complete", {"outcome": word, "answers": {}}, seen=1)
        for word in ("同意", "不同意")
    ]

    assert [each.json["type"] for each in silent] == ["/problems/opinion-required"] * 2


def test_a_process_whose_clocks_heed_no_hold_and_a_late_one_refuse_it(database: db.Database) -> None:
    world = district(database, order(sla=SLA.replace("pauseOn: [hold],", "")), "hold")
    deaf = hold(world, filed(world))
    world.publish(order())
    task = filed(world)
    world.wait(days=7, seconds=1)

    late = hold(world, task)

    assert (deaf.status_code, deaf.json["type"]) == (409, "/problems/pause-refused")
    assert (late.status_code, late.json["type"]) == (409, "/problems/request-overdue")


def test_a_hold_asked_for_in_time_and_granted_late_counts_from_when_it_was_asked(world: World) -> None:
    task = filed(world)
    world.wait(days=6)
    asked = hold(world, task).json
    world.wait(days=2)
    firing.fire_due()

    decide(world, "shenhe1", asked["id"], opinion="申请时没有超期。")
    held = resolve(world, task)
    decide(world, "cgw2", asked["id"], "销账")

    assert (held["state"], held["due_at"]) == ("paused", None)
    assert resolve(world, task)["due_at"] > world.now(), "the day that was left when it was asked is left"
    assert any("挂账，从申请时（" in text for text in texts(world, task["case_id"]))


def test_a_hold_survives_another_limit(database: db.Database) -> None:
    world = district(database, None, "hold")
    task = filed(world)
    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")
    world.publish(order(sla=SLA.replace("P7D", "P3D")))  # the policy of cases filed from now on
    world.wait(days=10)

    decide(world, "cgw2", asked["id"], "销账")

    after = resolve(world, task)
    assert timedelta(days=17) <= after["due_at"] - after["started_at"] < timedelta(days=17, minutes=5)


def test_a_hold_ends_with_its_case(world: World) -> None:
    task = filed(world)
    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")

    world.complete("shenhe1", world.complete("cgw1", task, "办结").opened[0])

    assert (world.case(task["case_id"])["on_hold"], world.case(asked["id"])["state"]) == (False, "cancelled")


def test_the_mark_and_the_request_end_with_the_clock_that_stands_still_and_not_before(
    database: db.Database,
) -> None:
    sla = SLA.replace("stop: case.closed", "stop: task.done(work)").replace(
        "start: case.received", "start: task.opened(work)"
    )
    world = district(
        database, order("verbs: {work: {requestHold: {max: 2}}}\n", sla=sla), "hold", "extension"
    )
    task = filed(world)
    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")
    more = ask(world, "cgw1", task, "extension").json

    answered = world.complete("cgw1", task, "办结")
    review = answered.opened[0]
    body = {"step": "work", "reason": "请补充佐证。"}
    back = world.post("shenhe1", f"/tasks/{review['id']}/return", body, seen=review["revision"])
    again = open_task(world, task["case_id"])

    assert back.status_code == 200, back.json
    case, child = world.case(task["case_id"]), world.case(asked["id"])
    assert (case["on_hold"], again["step"]) == (False, "work")
    assert (child["state"], child["status"]) == ("suspended", "已销账"), "it rests, for a stop may be undone"
    row = world.row(case_requests, more["id"])
    assert (row["state"], row["opinion"]) == ("ended", "“办结时限”已经停止计时")
    told = texts(world, task["case_id"])
    assert "挂账撤销，原因：计时已经停止，不再挂账" in told
    assert "延期撤销，原因：“办结时限”已经停止计时" in told
    assert [each.status_code for each in (ask(world, "cgw1", again, "extension"), hold(world, again))] == [
        201
    ] * 2


@pytest.mark.requirement("SJS-018")
def test_a_reply_that_is_taken_back_leaves_the_hold_as_it_was_until_its_day(database: db.Database) -> None:
    sla = SLA.replace("stop: case.closed", "stop: case.replied")
    world = district(database, order(sla=sla, event="case.replied"), "hold")
    task = filed(world)
    case_id = task["case_id"]
    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")
    world.wait(days=10)

    world.complete("cgw1", task, "办结")
    replied, resting = world.case(case_id), world.case(asked["id"])
    for verb in (service.suspend, service.resume):  # of the order alone: the hold rests by itself
        verb(world.actor("duban1"), case_id, "等会议", world.case(case_id)["revision"])
    still = world.case(asked["id"])
    world.wait(days=5)
    review = open_task(world, case_id)
    body = {"step": "work", "reason": "请补充佐证。"}
    planned = world.post("shenhe1", f"/tasks/{review['id']}/return-plan", {"step": "work"}).json
    back = world.post("shenhe1", f"/tasks/{review['id']}/return", body, seen=review["revision"])
    again, renewed = open_task(world, case_id), world.case(asked["id"])
    lines = world.get("cgw1", f"/cases/{case_id}/clocks").json["items"][0]["lines"]

    assert (replied["on_hold"], resting["state"], resting["status"]) == (False, "suspended", "已销账")
    assert (still["state"], back.status_code) == ("suspended", 200), back.json
    assert planned["clocks"] == ["“办结时限”接着算，像没有停过。"]
    assert (world.case(case_id)["on_hold"], again["due_at"]) == (True, None)
    assert (renewed["state"], renewed["status"], resolve(world, task)["state"]) == (
        "active",
        "挂账中",
        "paused",
    )
    assert [line["what"] for line in lines][-2:] == ["照旧", "到期"]
    assert lines[-2]["text"].endswith("退回到停止计时以前，挂账照旧，如同没有停止过")
    assert any(text.startswith("“办结时限”挂账照旧，到 ") for text in texts(world, case_id))


@pytest.mark.requirement("SJS-018")
def test_its_day_may_come_while_the_case_counts_as_replied(database: db.Database) -> None:
    sla = SLA.replace("stop: case.closed", "stop: case.replied")
    world = district(database, order(sla=sla, event="case.replied"), "hold")
    task = filed(world)
    due = resolve(world, task)["due_at"]
    asked = hold(world, task).json
    decide(world, "shenhe1", asked["id"], opinion="情况属实。")
    (paused,) = world.rows(clock_ledger, case_id=task["case_id"], entry="paused")
    world.wait(days=10)
    world.complete("cgw1", task, "办结")
    world.wait(days=25)
    firing.fire_due()

    taken_back = world.post("cgw1", f"/tasks/{task['id']}/withdraw", {"reason": "还要补充"})
    firing.fire_due()

    ends = (paused["at"].astimezone(BEIJING) + 30 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    assert taken_back.status_code == 200, taken_back.json
    assert resolve(world, task)["due_at"] == due + (ends - paused["at"]), (
        "one stretch, up to the approved day"
    )
    assert world.case(task["case_id"])["on_hold"] is False
    assert open_task(world, asked["id"])["step"] == "remind"
