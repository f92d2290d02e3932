"""延期: asked before the deadline, reviewed level by level, granted once; refused in plain words otherwise."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.cases.handing.service import delegate
from app.cases.models import cases
from app.cases.requests.models import case_requests
from app.clocks.models import clock_ledger, clocks
from app.core import db
from tests.cases.asking import SLA, ask, decide, district, filed, open_task, order, texts
from tests.world import Row, World

DMN = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="延期" namespace="urn:t">
  <decision id="longer" name="延期"><decisionTable id="t" hitPolicy="FIRST">
    <input id="i" label="级别"><inputExpression id="ie" typeRef="string"><text>level</text></inputExpression></input>
    <output id="o" label="多久" name="longer" typeRef="string" />
    <rule id="r1"><inputEntry id="a1"><text>"突发"</text></inputEntry>
      <outputEntry id="b1"><text>null</text></outputEntry></rule>
    <rule id="r2"><inputEntry id="a2"><text>-</text></inputEntry>
      <outputEntry id="b2"><text>"P5D"</text></outputEntry></rule>
  </decisionTable></decision>
</definitions>"""


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "extension")


def due(world: World, case_id: str) -> Row:
    (found,) = world.rows(clocks, case_id=case_id, name="resolve")
    return found


def test_a_granted_extension_moves_the_due_time_and_is_told(world: World) -> None:
    task = filed(world)
    before = due(world, task["case_id"])["due_at"]

    asked = ask(world, "cgw1", task, "extension")
    decide(world, "shenhe1", asked.json["id"])

    assert (asked.status_code, asked.json["state"], asked.json["unitName"]) == (201, "pending", "城管委")
    assert due(world, task["case_id"])["due_at"] == before + timedelta(days=3)
    (row,) = world.rows(case_requests)
    assert (row["state"], row["decided_by"]) == ("granted", world.actor("shenhe1").id)
    told = texts(world, task["case_id"])
    number = asked.json["number"]
    assert f"城管委申请延期，{number}：灯杆要从外地调运。" in told
    assert "延期申请通过" in told
    assert world.case(asked.json["id"])["end_element"] == "extended"
    assert world.case(task["case_id"])["children_open"] == 0


def test_a_refusal_needs_words_and_leaves_the_due_time(world: World) -> None:
    task = filed(world)
    before = due(world, task["case_id"])["due_at"]
    asked = ask(world, "cgw1", task, "extension").json
    final = open_task(world, asked["id"])

    silent = world.post(
        "shenhe1", f"/tasks/{final['id']}/complete", {"outcome": "不同意", "answers": {}}, seen=1
    )
    decide(world, "shenhe1", asked["id"], "不同意", "本周可以办完。")

    assert (silent.status_code, silent.json["errors"][0]["code"]) == (422, "opinion-required")
    assert due(world, task["case_id"])["due_at"] == before
    (row,) = world.rows(case_requests)
    assert (row["state"], row["opinion"]) == ("refused", "本周可以办完。")
    assert "延期申请不通过，意见：本周可以办完。" in texts(world, task["case_id"])
    assert ask(world, "cgw1", task, "extension").status_code == 201, "a refused one may be asked again"


def test_a_second_after_the_deadline_is_too_late_and_the_answer_says_when_it_was(world: World) -> None:
    task = filed(world)
    world.wait(days=7, seconds=1)

    late = ask(world, "cgw1", task, "extension")

    assert (late.status_code, late.json["type"]) == (409, "/problems/request-overdue")
    day = due(world, task["case_id"])["due_at"].astimezone(world.now().tzinfo)
    assert "到期，不能再申请延期" in late.json["detail"]
    assert f"{day + timedelta(hours=8):%Y-%m-%d %H:%M:%S}" in late.json["detail"]
    assert world.rows(case_requests) == []


def test_what_was_asked_in_time_may_be_granted_after_the_deadline(world: World) -> None:
    task = filed(world)
    before = due(world, task["case_id"])["due_at"]
    world.wait(days=6)
    asked = ask(world, "cgw1", task, "extension").json
    world.wait(days=2)

    decide(world, "shenhe1", asked["id"])

    assert due(world, task["case_id"])["due_at"] == before + timedelta(days=3)


def test_one_request_of_a_kind_waits_at_a_time(world: World) -> None:
    task = filed(world)
    first = ask(world, "cgw1", task, "extension").json

    second = ask(world, "cgw2", task, "extension")

    assert (second.status_code, second.json["type"]) == (409, "/problems/request-pending")
    assert first["number"] in second.json["detail"]
    assert len(world.rows(case_requests)) == 1


def test_no_more_extensions_than_the_policy_grants(world: World) -> None:
    task = filed(world)
    decide(world, "shenhe1", ask(world, "cgw1", task, "extension").json["id"])

    again = ask(world, "cgw1", task, "extension")

    assert (again.status_code, again.json["type"]) == (409, "/problems/extension-refused")
    assert "最多延期 1 次" in again.json["detail"]


def test_two_reviewers_who_agree_at_once_extend_it_once(world: World) -> None:
    task = filed(world)
    final = open_task(world, ask(world, "cgw1", task, "extension").json["id"])
    body = {"outcome": "同意", "answers": {}}

    with ThreadPoolExecutor(2) as both:
        answers = list(
            both.map(
                lambda who: world.post(who, f"/tasks/{final['id']}/complete", body, seen=1),
                ("shenhe1", "shenhe2"),
            )
        )

    assert sorted(each.status_code for each in answers) == [200, 409]
    assert len(world.rows(clock_ledger, case_id=task["case_id"], entry="extended")) == 1


def test_a_community_is_reviewed_by_its_street_first(world: World) -> None:
    task = filed(world, "d1-s1-c1")
    asked = ask(world, "jia1", task, "extension").json

    first = open_task(world, asked["id"])
    decide(world, "dongjie1", asked["id"])
    final = open_task(world, asked["id"])
    own = world.post("dongjie1", f"/tasks/{final['id']}/complete", {"outcome": "同意", "answers": {}}, seen=1)
    decide(world, "shenhe1", asked["id"])

    assert (first["step"], first["pools"]) == ("first", ["handler@d1/d1-s1"])
    assert (final["step"], final["pools"]) == ("final", ["reviewer@d1"])
    assert own.status_code == 403
    assert world.rows(case_requests)[0]["state"] == "granted"


def test_who_may_not_ask_is_told_so(world: World) -> None:
    task = filed(world)

    stranger, dispatcher = ask(world, "zjw1", task, "extension"), ask(world, "paiqian1", task, "extension")

    assert (stranger.status_code, dispatcher.status_code) == (404, 403)
    assert world.rows(case_requests) == []


def test_who_answers_for_a_task_asks_while_another_works_on_it_and_that_one_does_not(world: World) -> None:
    task = filed(world)
    world.claim("cgw1", task)
    delegate(world.actor("cgw1"), task["id"], "cgw2", "外出", task["revision"] + 1)
    (theirs,) = world.inbox("cgw2")

    worker, owner = (ask(world, who, row, "extension") for who, row in (("cgw2", theirs), ("cgw1", task)))

    assert (worker.status_code, owner.status_code) == (409, 201)
    assert "请办好以后交回" in worker.json["detail"]


def test_answers_that_do_not_fit_are_refused_field_by_field(world: World) -> None:
    task = filed(world)
    path = f"/tasks/{task['id']}/requests"

    without = world.post("cgw1", path, {"kind": "extension", "answers": {}})
    taken = ask(world, "cgw1", task, "extension", request_unit="d1-zjw")
    unknown = world.post("cgw1", path, {"kind": "holiday", "answers": {}})
    clock = ask(world, "cgw1", task, "extension", extension_clock="total")

    assert [(e["pointer"], e["code"]) for e in without.json["errors"]] == [
        ("/answers/request_reason", "required")
    ]
    assert [(e["pointer"], e["code"]) for e in taken.json["errors"]] == [
        ("/answers/request_unit", "field-not-applicable")
    ]
    assert unknown.status_code == 422
    assert (clock.status_code, clock.json["type"]) == (409, "/problems/extension-refused")


def test_where_no_clock_may_be_extended_nothing_is_begun(database: db.Database) -> None:
    sla = "clocks:\n  resolve: {start: case.received, stop: case.closed, limit: P7D}\n"
    world = district(database, order(sla=sla), "extension")

    refused = ask(world, "cgw1", filed(world), "extension")

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/extension-refused")


def test_a_kind_whose_process_is_not_published_says_which(database: db.Database) -> None:
    world = district(database)

    refused = ask(world, "cgw1", filed(world), "extension")

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/request-unavailable")
    assert "side_extension" in refused.json["detail"]


def test_process_yaml_forbids_a_kind_at_a_step(database: db.Database) -> None:
    forbidden = order("verbs: {work: {forbid: [requestExtension]}}\n")
    world = district(database, forbidden, "extension")

    refused = ask(world, "cgw1", filed(world), "extension")

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/verb-forbidden")


def test_a_table_says_by_how_much_or_that_it_may_not(database: db.Database) -> None:
    sla = SLA.replace("by: P3D", "by: table(longer)")
    world = district(database, order(sla=sla, **{"decisions/longer.dmn": DMN}), "extension")
    usual, urgent = filed(world, level="一般"), filed(world, level="突发")
    before = due(world, usual["case_id"])["due_at"]
    first, second = (ask(world, "cgw1", task, "extension").json for task in (usual, urgent))

    decide(world, "shenhe1", first["id"])
    final = open_task(world, second["id"])
    refused = world.post(
        "shenhe1", f"/tasks/{final['id']}/complete", {"outcome": "同意", "answers": {}}, seen=1
    )

    assert due(world, usual["case_id"])["due_at"] == before + timedelta(days=5)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/extension-refused")
    assert "不可以延期" in refused.json["detail"]
    assert world.row(case_requests, second["id"])["state"] == "pending"


def test_a_request_ends_with_its_case(world: World) -> None:
    task = filed(world)
    asked = ask(world, "cgw1", task, "extension").json

    world.complete("shenhe1", world.complete("cgw1", task, "办结").opened[0])

    assert world.case(task["case_id"])["state"] == "closed"
    assert world.case(asked["id"])["state"] == "cancelled"
    assert world.row(case_requests, asked["id"])["state"] == "ended"


def test_nothing_is_asked_of_a_request_itself(world: World) -> None:
    asked = ask(world, "cgw1", filed(world), "extension").json

    refused = ask(world, "shenhe1", open_task(world, asked["id"]), "extension")

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/verb-forbidden")
    assert len(world.rows(cases)) == 2


def test_the_same_request_sent_again_is_one(world: World) -> None:
    task = filed(world)
    body = {"kind": "extension", "answers": {"request_reason": "等待停电检修。"}}

    first = world.post("cgw1", f"/tasks/{task['id']}/requests", body, key="once")
    second = world.post("cgw1", f"/tasks/{task['id']}/requests", body, key="once")

    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert len(world.rows(case_requests)) == 1


def test_a_planned_return_names_what_is_open_beside_the_case(world: World) -> None:
    task = filed(world)
    asked = ask(world, "cgw1", task, "extension").json
    review = world.complete("cgw1", task, "办结").opened[0]

    plan = world.post("shenhe1", f"/tasks/{review['id']}/return-plan", {"step": "work"})
    world.post("shenhe1", f"/tasks/{review['id']}/return", {"step": "work", "reason": "没有照片"}, seen=1)

    assert (plan.status_code, plan.json["children"], plan.json["openChildren"]) == (200, 1, [asked["number"]])
    assert world.case(asked["id"])["state"] == "active", "a return leaves it as it is"
