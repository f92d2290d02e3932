"""What each detector lists, in which words, and that what is mended leaves the list by itself."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.cases.urging import service as urging
from app.core.clock import BEIJING
from app.inspection.models import findings
from tests import world as worlds
from tests.cases.asking import ask, brought, decide
from tests.files import upload
from tests.inspection.conftest import House
from tests.world import Row


def listed(found: list[Row]) -> set[str]:
    return {each["case"] for each in found}


@pytest.mark.requirement("SJS-079")
def test_an_order_not_signed_within_the_limit_is_listed_and_a_signed_one_is_not(world: House) -> None:
    late, signed = world.order("sign"), world.order("sign")
    world.complete("cgw1", signed, "签收")
    before = world.found("sign-late")

    world.wait(hours=2, minutes=10)
    found = world.found("sign-late")

    assert before == []
    assert listed(found) == {late["case_id"]}
    assert (found[0]["unit"], found[0]["unitName"], found[0]["status"]) == ("d1-cgw", "城管委", "待签收")
    assert "没有" not in found[0]["says"]
    assert "以前签收，已超过 10 分钟" in found[0]["says"]


@pytest.mark.requirement("SJS-079")
def test_what_went_back_because_nobody_signed_stays_listed_until_it_is_dispatched_again(
    world: House,
) -> None:
    task = world.order("sign")
    world.wait(hours=2, minutes=10)
    world.fires()

    (found,) = world.found("sign-late")
    (again,) = world.inbox_of(world.case(task["case_id"]))
    world.done(again)
    after = world.found("sign-late")

    assert (found["status"], found["unit"]) == ("待派遣", "d1-cgw")
    assert "派遣后 2 小时 10 分钟 无人签收" in found["says"]
    assert after == []


def test_an_order_that_is_not_dispatched_in_time_is_listed(world: House) -> None:
    task = world.order("dispatch")
    before = world.found("receive-late")

    world.wait(hours=5)
    (found,) = world.found("receive-late")
    world.done(world.row_of(task))

    assert before == []
    assert found["says"] == "“派遣”已等了 5 小时，超过 4 小时。"
    assert world.found("receive-late") == []


@pytest.mark.requirement("SJS-080")
def test_missing_empty_and_unreadable_evidence_is_listed_with_its_reason_until_it_is_there(
    world: House, shelf: Path
) -> None:
    task = world.order("review")
    missing = world.found("evidence")
    sent = upload(world, "shenhe1", task["case_id"], "jpeg", "现场.jpg")
    assert sent.status_code == 201, sent.json
    whole = world.found("evidence")
    (file,) = [each for each in shelf.rglob("*") if each.is_file()]
    bytes_ = file.read_bytes()
    file.write_bytes(bytes_[:10])
    cut = world.found("evidence")
    file.unlink()
    gone = world.found("evidence")
    file.write_bytes(bytes_)

    assert [each["says"] for each in missing] == ["已到“结案审核”，应有至少 1 个图片或PDF，现在有 0 个。"]
    assert missing[0]["unit"] == "d1-cgw", "the unit that handled it is to bring it"
    assert whole == []
    assert [each["says"].partition("。")[2] for each in (*cut, *gone)] == ["“现场.jpg”打不开。"] * 2
    assert world.found("evidence") == []


@pytest.mark.requirement("SJS-081")
def test_a_reply_that_is_late_is_listed_until_there_is_one(world: House, shelf: Path) -> None:
    task = world.order("handle", level="紧急")
    before = world.found("reply-late")

    world.wait(hours=25)
    found = world.found("reply-late")
    review = world.done(world.row_of(task))
    upload(world, "shenhe1", task["case_id"], "jpeg", "现场.jpg")
    world.complete("shenhe1", review, "通过")

    assert before == []
    assert [each["unit"] for each in found] == ["d1-cgw"]
    assert "以前答复，已超过 1 小时，还在“办理”。" in found[0]["says"]
    assert world.found("reply-late") == []


@pytest.mark.requirement("SJS-081")
def test_a_reply_that_says_nothing_is_listed_until_another_one_is_given(world: House) -> None:
    review = world.done(world.order("handle"), result="已办 。")
    found = world.found("reply-empty")
    handle = world.done(review)
    still = world.found("reply-empty")
    world.done(handle, result="已到现场更换灯泡，夜间恢复照明。")

    assert [each["case"] for each in found] == [review["case_id"]]
    assert "的回复只有 2 个字，少于 6 个字。" in found[0]["says"]
    assert len(still) == 1
    assert world.found("reply-empty") == []


@pytest.mark.requirement("SJS-081")
def test_replies_alike_word_for_word_are_listed(
    world: House, ruled: Callable[..., Row], default_rules: str
) -> None:
    ruled(default_rules.replace("times: 5 ", "times: 3 "))
    orders = [world.order("handle") for _ in range(4)]
    for task in orders[:2]:
        world.done(task, result="已转相关部门处理。")
    two = world.found("reply-same")
    world.done(orders[2], result="已转相关部门处理！")
    world.done(orders[3], result="已换灯泡，夜间亮了。")
    found = world.found("reply-same")

    assert two == []
    assert listed(found) == {task["case_id"] for task in orders[:3]}
    assert "另外 2 件的一字不差" in found[0]["says"]


@pytest.mark.requirement("SJS-083")
def test_an_urged_order_without_reply_after_a_day_is_listed_with_the_number_of_urgings(
    world: House,
) -> None:
    urged, quiet, late = world.order("handle"), world.order("handle"), world.order("handle")
    for who in ("duban1", "lingdao1"):
        urging.urge(world.actor(who), urged["id"], "请尽快")
    world.wait(hours=23)
    urging.urge(world.actor("duban1"), late["id"], "请尽快")
    before = world.found("urged")

    world.wait(hours=2)
    found = world.found("urged")
    world.done(world.row_of(urged))

    assert before == []
    assert listed(found) == {urged["case_id"]}
    assert "起催办 2 次，1 天 1 小时 没有回复，超过 1 天。" in found[0]["says"]
    assert world.found("urged") == []
    assert quiet["case_id"] not in listed(found)


@pytest.mark.requirement("SJS-084")
def test_an_order_that_units_returned_three_times_is_listed(world: House) -> None:
    task = world.order("sign")
    for times, unit in enumerate(("d1-zjw", "d1-s1", "d1-s2"), 1):
        by = {"d1-cgw": "cgw1", "d1-zjw": "zjw1", "d1-s1": "dongjie1"}[world.unit_of(task)]
        asked = {"answers": {"return_reason": "非职责"}, "opinion": "不归我们管。"}
        body = {"outcome": "退单", **asked, "confirm": ["return-to-ruling"]}
        world.post(by, f"/tasks/{task['id']}/complete", body, seen=task["revision"])
        (review,) = world.inbox_of(world.case(task["case_id"]))
        if times < 3:
            assert world.found("returned") == []
            again = world.complete("shenhe1", review, "准予", {}, "属实。").opened[0]
            task = world.complete("paiqian1", again, "派遣", {"main_unit": unit}).opened[0]

    (found,) = world.found("returned")

    assert found["case"] == task["case_id"]
    assert found["says"].startswith("本轮已退单 3 次（达到 3 次）")


@pytest.mark.requirement("SJS-084")
def test_an_order_that_moves_in_a_circle_is_listed_while_it_stands_there(world: House) -> None:
    task = world.order("handle")
    for times in range(3):
        assert [each["says"] for each in world.found("circling")] == [], times
        task = world.done(world.done(task))

    (found,) = world.found("circling")
    review = world.done(task)
    body = {"outcome": "通过", "confirm": ["attachment-missing"]}
    passed = world.post("shenhe1", f"/tasks/{review['id']}/complete", body, seen=review["revision"])

    assert passed.status_code == 200
    assert found["says"] == "第 4 次到“办理”（达到 4 次），在几个环节之间打转。"
    assert world.found("circling") == []


@pytest.mark.requirement("SJS-084")
def test_an_order_in_which_nothing_happens_for_days_is_listed_until_somebody_acts(world: House) -> None:
    task = world.order("handle")
    world.wait(days=2)
    before = world.found("idle")

    world.wait(days=2)
    (found,) = world.found("idle")
    world.done(world.row_of(task))

    assert before == []
    assert found["says"] == "停在“办理”，4 天 没有任何办理，超过 3 天。"
    assert world.found("idle") == []


@pytest.mark.requirement("SJS-084")
def test_an_order_on_account_is_neither_idle_nor_owes_a_reply_until_the_hold_is_over(
    world: House, shelf: Path
) -> None:
    world.publish(worlds.shipped("side_hold"))
    task, left = world.order("handle"), world.order("handle")
    urging.urge(world.actor("duban1"), task["id"], "请尽快")
    until = (world.now().astimezone(BEIJING).date() + timedelta(days=100)).isoformat()
    answers = {"hold_category": "11", "hold_plan": "四月施工。", "hold_until": until}
    asked = ask(world, "cgw1", task, "hold", **answers, evidence=[brought(world, "cgw1")])
    decide(world, "shenhe1", asked.json["id"], opinion="情况属实。")

    world.wait(days=4)
    held = listed(world.found("idle")) | listed(world.found("urged"))
    decide(world, "cgw1", asked.json["id"], "销账")
    world.wait(days=4)

    assert held == {left["case_id"]}
    assert listed(world.found("idle")) == {task["case_id"], left["case_id"]}
    assert listed(world.found("urged")) == {task["case_id"]}


def test_a_finding_opens_once_and_stays_in_the_archive_when_it_is_mended(world: House) -> None:
    task = world.order("handle")
    world.wait(days=4)
    first, second = world.found("idle"), world.found("idle")
    world.done(world.row_of(task))

    (closed,) = world.found("idle", state="closed")

    assert [each["id"] for each in first] == [each["id"] for each in second] == [closed["id"]]
    assert (closed["state"], closed["closedAt"] is not None) == ("closed", True)
    assert closed["says"].startswith("停在“办理”，4 天")
    assert len([row for row in world.rows(findings) if row["rule"] == "idle"]) == 1


def test_what_is_over_or_suspended_is_not_listed(world: House) -> None:
    task = world.order("handle")
    world.wait(days=4)
    before = world.found("idle")

    stopped = world.post(
        "duban1",
        f"/cases/{task['case_id']}/suspend",
        {"reason": "等施工"},
        seen=world.case(task["case_id"])["revision"],
    )

    assert (len(before), stopped.status_code) == (1, 200)
    assert world.found("idle") == []
