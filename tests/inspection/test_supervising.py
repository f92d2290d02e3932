"""督办动态: each change of a supervised order is listed, one without progress is prompted once."""

import pytest

from app.identity.models import people
from app.notices.models import notices
from tests import world as worlds
from tests.cases.asking import ask, decide, open_task
from tests.inspection.conftest import House
from tests.world import Row


@pytest.fixture
def supervised(world: House) -> Row:
    """A supervised order that stands at 办理, and beside it one that nobody supervises."""
    world.publish(worlds.shipped("side_supervise"))
    task = world.order("handle")
    world.order("handle")
    answer = ask(
        world, "duban1", task, "supervise", request_reason="三天内修复并回访。", supervise_within="3天"
    )
    assert answer.status_code == 201, answer.json
    return {**world.row_of(task), "request": answer.json["id"]}


@pytest.mark.requirement("SJS-082")
def test_each_change_of_a_supervised_order_is_listed_and_no_other_order(
    world: House, supervised: Row
) -> None:
    (first,) = world.found("supervised")
    world.wait(minutes=5)
    review = world.done(world.row_of(supervised))
    (second,) = world.found("supervised")
    world.done(review)
    (third,) = world.found("supervised")

    assert {each["case"] for each in (first, second, third)} == {supervised["case_id"]}
    assert first["says"].count("；") == 0, first["says"]
    assert "到“反馈”" in first["says"] or "到“督办反馈”" in first["says"], first["says"]
    assert "办完“办理”：报结" in second["says"]
    assert "到“结案审核”" in second["says"]
    assert "办完“结案审核”：驳回" in third["says"]
    assert len({first["id"], second["id"], third["id"]}) == 1


@pytest.mark.requirement("SJS-082")
def test_a_supervised_order_without_progress_is_listed_and_unit_and_supervisor_are_prompted_once(
    world: House, supervised: Row
) -> None:
    before = world.found("supervised-idle")
    world.wait(hours=25)
    (found,) = world.found("supervised-idle")
    again = world.found("supervised-idle")

    names = {row["id"]: row["login"] for row in world.rows(people)}
    told = [
        names[row["person_id"]]
        for row in world.rows(notices, kind="inspection", case_id=supervised["case_id"])
        if "督办没有进展" in row["text"]
    ]
    assert before == []
    assert found["says"] == "督办中，1 天 1 小时 没有进展，超过 1 天。"
    assert [each["id"] for each in again] == [found["id"]]
    assert sorted(told) == ["cgw1", "cgw2", "duban1"]


@pytest.mark.requirement("SJS-082")
def test_progress_in_the_order_or_in_its_answer_takes_it_off_the_list_and_so_does_lifting(
    world: House, supervised: Row
) -> None:
    world.wait(hours=25)
    stuck = world.found("supervised-idle")
    answer = open_task(world, supervised["request"])
    world.complete("cgw1", answer, "反馈", {"supervise_answer": "正在调运灯杆。"})
    moved = world.found("supervised-idle")
    world.wait(hours=25)
    later = world.found("supervised-idle")
    decide(world, "duban1", supervised["request"], "解除督办")

    assert (len(stuck), moved, len(later)) == (1, [], 1)
    assert world.found("supervised-idle") == []
    assert world.found("supervised") == []
