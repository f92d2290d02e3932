"""督办: by somebody above, with demand and deadline; first in every list until it is lifted, and in the way of the
end."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases import firing, inbox
from app.cases.handing.service import delegate
from app.cases.requests.models import case_requests
from app.clocks.models import clocks
from app.core import db
from app.notices.models import notices
from tests import world as worlds
from tests.cases.asking import ask, decide, district, filed, open_task, order, texts
from tests.world import Row, World


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "supervise")


def supervise(world: World, by: str, task: Row, **more: Any) -> Any:
    answers = {"request_reason": "三天内修复并回访。", "supervise_within": "3天", **more}
    return ask(world, by, task, "supervise", **answers)


def answered(world: World, case_id: str, by: str = "cgw1") -> None:
    world.complete(by, open_task(world, case_id), "反馈", {"supervise_answer": "已修复。"})


@pytest.mark.requirement("TKX-171")
@pytest.mark.requirement("SJS-026")
def test_somebody_above_supervises_and_the_handling_unit_is_told_and_may_not_itself(world: World) -> None:
    task = filed(world)

    own, beside, hidden = (supervise(world, by, task) for by in ("cgw1", "shenhe1", "zjw1"))
    done = supervise(world, "duban1", task)

    assert (own.status_code, beside.status_code, hidden.status_code) == (403, 403, 404)
    assert (done.status_code, done.json["stateName"]) == (201, "待反馈")
    answer = open_task(world, done.json["id"])
    assert (answer["step"], answer["pools"]) == ("answer", ["handler@d1/d1-cgw"])
    told = {row["person_id"] for row in world.rows(notices) if "三天内修复" in str(row["text"])}
    assert told == {world.actor("cgw1").id, world.actor("cgw2").id}
    listed = [row["id"] for row in world.inbox("duban1", "supervised")]
    assert listed == [task["id"]]


def test_a_demand_goes_with_the_order_to_the_unit_that_has_it_now_whoever_had_taken_it(
    database: db.Database,
) -> None:
    world = district(database, worlds.folder(worlds.WORK_ORDER), "supervise", "supplement")
    sign = world.dispatched("d1-cgw")
    asked = supervise(world, "duban1", sign).json["id"]
    added = ask(world, "paiqian1", sign, "supplement", request_reason="灯杆编号是 12。").json["id"]
    theirs = open_task(world, asked)
    world.claim("cgw1", theirs)
    delegate(world.actor("cgw1"), theirs["id"], "cgw2", "外出", theirs["revision"] + 1)
    world.wait(hours=3)
    firing.fire_due()  # nobody signed: it is dispatched anew
    (again,) = world.inbox_of({"id": sign["case_id"]})
    (elsewhere,) = world.complete("paiqian1", again, "派遣", {"main_unit": "d1-zjw"}).opened

    world.claim("zjw1", elsewhere)

    assert [open_task(world, each)["pools"] for each in (asked, added)] == [["handler@d1/d1-zjw"]] * 2
    assert {asked, added} <= {row["case_id"] for row in world.inbox("zjw2")}
    assert (world.inbox("cgw1"), world.inbox("cgw2")) == ([], [])
    assert {row["unit"] for row in world.rows(case_requests)} == {"d1-zjw"}
    answered(world, asked, "zjw1")
    assert open_task(world, asked)["step"] == "check"


def test_the_short_way_to_supervise_is_tried_and_done_like_the_request(world: World) -> None:
    task = filed(world)
    path = f"/tasks/{task['id']}/supervise"
    body = {"answers": {"request_reason": "三天内修复并回访。", "supervise_within": "3天"}}

    tried = world.post("duban1", f"{path}?dryRun=true", body)
    own = world.post("cgw1", path, body)
    done = world.post("duban1", path, body)

    assert ["answer"] in [[step["step"] for step in each["opens"]] for each in tried.json["would"]]
    assert (own.status_code, done.status_code) == (403, 201)
    assert (done.json["kind"], done.json["stateName"]) == ("supervise", "待反馈")


def test_who_holds_the_right_only_inside_the_handling_unit_is_not_above_it(world: World) -> None:
    world.appoint("cgw1", "supervisor", "d1-cgw")
    world.appoint("cgw2", "supervisor", "d1")
    task = filed(world)

    inside, both = supervise(world, "cgw1", task), supervise(world, "cgw2", task)

    assert (inside.status_code, both.status_code) == (403, 403)
    assert "只有它的上级可以督办" in both.json["detail"]


@pytest.mark.requirement("TKX-095")
def test_a_supervised_case_lies_first_is_listed_and_leaves_the_list_when_it_is_lifted(world: World) -> None:
    first, second = filed(world), filed(world)
    asked = supervise(world, "duban1", second).json
    order_before = [row["case_id"] for row in world.inbox("cgw1")]
    counted = inbox.counts(world.actor("cgw1"))["supervised"]
    shown = world.get("cgw1", f"/cases/{second['case_id']}").json

    answered(world, asked["id"])
    decide(world, "duban1", asked["id"], "解除督办")

    assert set(order_before[:2]) == {asked["id"], second["case_id"]}
    assert order_before[2] == first["case_id"]
    assert (counted["count"], shown["supervised"], shown["priority"]) == (1, True, 90)
    assert world.inbox("cgw1", "supervised") == []
    after = world.case(second["case_id"])
    assert (after["supervised"], after["state"]) == (False, "active")
    assert world.row(case_requests, asked["id"])["state"] == "ended"
    told = texts(world, second["case_id"])
    assert f"督办城管委，{asked['number']}：三天内修复并回访。" in told
    assert "列入督办，优先级 90" in told
    assert "督办解除" in told


def test_its_own_clock_runs_to_the_deadline_and_again_when_the_answer_does_not_do(world: World) -> None:
    asked = supervise(world, "lingdao1", filed(world)).json
    (first,) = world.rows(clocks, case_id=asked["id"], name="supervise")

    answered(world, asked["id"])
    decide(world, "duban1", asked["id"], "继续督办", "没有修复。")

    assert first["due_at"] - first["started_at"] == timedelta(days=3)
    both = world.rows(clocks, case_id=asked["id"], name="supervise")
    assert [row["state"] for row in both] == ["stopped", "running"]
    assert open_task(world, asked["id"])["step"] == "answer"


def test_a_case_does_not_end_while_it_is_supervised(world: World) -> None:
    task = filed(world)
    asked = supervise(world, "duban1", task).json
    review = world.complete("cgw1", task, "办结").opened[0]
    body = {"outcome": "完成", "answers": {}}

    ended = world.post("shenhe1", f"/tasks/{review['id']}/complete", body, seen=1)
    revision = world.case(task["case_id"])["revision"]
    terminated = world.post(
        "duban1", f"/cases/{task['case_id']}/terminate", {"reason": "不办了"}, seen=revision
    )

    assert (ended.status_code, ended.json["type"]) == (409, "/problems/open-supervision")
    assert asked["number"] in ended.json["detail"]
    assert (terminated.status_code, terminated.json["type"]) == (409, "/problems/open-supervision")
    assert world.case(task["case_id"])["state"] == "active"
    answered(world, asked["id"])
    decide(world, "duban1", asked["id"], "解除督办")
    assert world.post("shenhe1", f"/tasks/{review['id']}/complete", body, seen=1).status_code == 200


def test_one_that_was_a_mistake_is_terminated_and_the_case_is_free(world: World) -> None:
    task = filed(world)
    asked = supervise(world, "duban1", task).json

    child = world.case(asked["id"])
    gone = world.post(
        "duban1", f"/cases/{asked['id']}/terminate", {"reason": "发错了"}, seen=child["revision"]
    )

    assert gone.status_code == 200
    assert world.case(task["case_id"])["supervised"] is False
    assert supervise(world, "lingdao1", task).status_code == 201


def test_a_second_one_waits_for_the_first(world: World) -> None:
    task = filed(world)
    first = supervise(world, "duban1", task).json

    second = supervise(world, "lingdao1", task)

    assert (second.status_code, second.json["type"]) == (409, "/problems/request-pending")
    assert first["number"] in second.json["detail"]


def test_it_may_be_late_and_needs_demand_and_deadline(world: World) -> None:
    task = filed(world)
    world.wait(days=30)

    wordless = supervise(world, "duban1", task, request_reason=" ")
    endless = supervise(world, "duban1", task, supervise_within="一年")
    done = supervise(world, "duban1", task)

    assert (wordless.status_code, endless.status_code, done.status_code) == (422, 422, 201)


def test_process_yaml_may_forbid_it_at_a_step(database: db.Database) -> None:
    world = district(database, order("verbs: {work: {forbid: [supervise]}}\n"), "supervise")

    refused = supervise(world, "duban1", filed(world))

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/verb-forbidden")
