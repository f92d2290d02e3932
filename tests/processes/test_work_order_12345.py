"""12345 as it is shipped: what the customer asked of it, each shown by the scenario that would break without it."""

import pytest

from app.bundles.bundle import compile_bundle
from app.cases import tasks
from app.core import db
from app.engine.xml import read
from app.processes.check import check_folder
from tests import world
from tests.cases.secret_process import PHONE
from tests.processes.conftest import BPMN, published
from tests.processes.test_scenarios import walked

ORDER = BPMN / "work_order_12345"
WHOLE_WAY = (
    ("paiqian1", "受理", {}),
    ("paiqian1", "派遣", {"main_unit": "d1-cgw", "category": "120201"}),
    ("cgw1", "签收", {}),
    ("cgw1", "报结", {"contacted": True, "solved": True, "result": "已更换灯具。"}),
    ("shenhe1", "通过", {}),
    ("paiqian1", "已回访", {"visit_contacted": True, "visit_solved": True, "visit_satisfied": True}),
    ("paiqian1", "归档", {}),
)


def story(name: str) -> str:
    """The whole story of one scenario, which must have gone as written."""
    published(BPMN / "side_assist")
    (told,), _ = walked(ORDER, name)
    assert told.failed is None, told.failed
    return "\n".join(told.lines)


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-004")
def test_a_dispatcher_changes_the_proposed_class_and_the_proposal_is_kept():
    assert "办理“派遣” → 派遣" in story("suggested")


@pytest.mark.requirement("SJS-039")
def test_proposals_and_prompts_come_with_the_steps_of_one_order_and_its_history_tells_of_each(
    database: db.Database,
):
    house = world.build(database, world.shipped(world.WORK_ORDER))
    with db.transaction() as session:
        world.categorise(session)
    filed = house.file(
        title="路灯不亮", answers={"content": "三号楼前路灯不亮，夜间看不清路。", "level": "一般"}
    )

    offered: dict[str, list[str]] = {}
    task = filed.opened[0]
    for by, outcome, answers in WHOLE_WAY:
        form = tasks.form_of(house.actor(by), task["id"])
        offered[task["step"]] = [told["code"] for told in form["prompts"]]
        offered[task["step"]] += [told["adviser"] for told in form["suggestions"]]
        confirm = [told["code"] for told in form["prompts"]]
        moved = tasks.complete(
            house.actor(by), task["id"], outcome, answers, None, task["revision"], None, confirm
        )
        task = next(iter(moved.opened), task)

    assert ("classify" in offered["dispatch"], offered["review"]) == (True, ["attachment-missing"])
    told = house.get("paiqian1", f"/cases/{filed.case['id']}/timeline?limit=200").json["items"]
    done = [each["step"] for line in told for each in line["events"] if each["name"] == "task.done"]
    assert done == ["receive", "dispatch", "sign", "handle", "review", "visit", "archive"]
    assert house.case(filed.case["id"])["status"] == "已归档"


def test_an_order_whose_caller_is_not_satisfied_is_on_the_list_of_those_in_scope(database: db.Database):
    house = world.build(database, world.shipped(world.WORK_ORDER))
    with db.transaction() as session:
        world.categorise(session)
    task = house.file(title="路灯不亮", answers={"content": "三号楼前路灯不亮。", "level": "一般"}).opened[0]

    for by, outcome, answers in WHOLE_WAY[:-1]:
        if outcome == "已回访":
            answers = {**answers, "visit_satisfied": False, "visit_reason": "修得慢"}
        confirm = [told["code"] for told in tasks.form_of(house.actor(by), task["id"])["prompts"]]
        moved = tasks.complete(
            house.actor(by), task["id"], outcome, answers, None, task["revision"], None, confirm
        )
        task = moved.opened[0]

    assert [row["case_id"] for row in house.inbox("duban1", "unsatisfied")] == [task["case_id"]]
    assert house.inbox("ding1", "unsatisfied") == []


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-019")
def test_a_unit_whose_return_was_refused_is_told_that_it_may_not_return_the_order_again():
    assert "想退单“签收”，被拒绝" in story("not_repeatable")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-020")
def test_a_unit_whose_return_was_granted_cannot_be_chosen_when_the_order_is_dispatched_again():
    assert "想办理“派遣”，被拒绝" in story("return_granted")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-021")
def test_a_reviewer_is_told_that_evidence_lacks_and_closes_only_knowingly():
    assert "想办理“结案审核”，被拒绝" in story("attachments")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-025")
def test_a_lead_unit_and_assisting_units_handle_one_order_together():
    assert story("assisted").count("办理“协办” → 已办") == 2


def test_assisting_units_see_where_it_is_and_cannot_change_it(database: db.Database):
    house = world.build(database, world.shipped(world.WORK_ORDER))
    with db.transaction() as session:
        world.categorise(session)
    content = f"三号楼前路灯不亮，请联系{PHONE}。"
    answers = {"content": content, "level": "一般", "address": "三号楼东侧"}
    task = house.file(title="路灯不亮", answers=answers).opened[0]
    for by, outcome, said in WHOLE_WAY[:3]:
        said = {**said, "assist_units": ["d1-zjw"]} if outcome == "派遣" else said
        task, *others = house.complete(by, task, outcome, said).opened
    assist = next(each for each in (task, *others) if each["step"] == "assist")
    house.claim("zjw1", assist)

    shown = tasks.form_of(house.actor("zjw1"), assist["id"])
    path, done = f"/tasks/{assist['id']}/complete", {"outcome": "已办"}
    told = {**shown["values"], "assist_reply": "已配合。"}
    changed = house.post("zjw1", path, {**done, "answers": {**told, "address": "另一处"}}, seen=2)
    same = house.post("zjw1", path, {**done, "answers": told}, seen=2)

    assert (shown["values"]["address"], shown["values"]["content"]) == ("三号楼东侧", content)
    assert shown["schema"]["properties"]["address"]["readOnly"] is True
    assert (changed.status_code, changed.json["errors"][0]["code"]) == (422, "field-readonly")
    assert same.status_code == 200, same.json
    assert house.case(assist["case_id"])["data"]["address"] == "三号楼东侧"


@pytest.mark.usefixtures("district")
@pytest.mark.parametrize(
    "name", ["arbitrated", "city_redone", "whistled", "handed_down", "declined", "city_no_callback"]
)
def test_its_harder_turns_go_as_written(name: str):
    assert story(name)


def test_everybody_whom_an_order_passes_has_a_lane():
    bundle, _ = compile_bundle(world.shipped(ORDER.name))
    root = read((ORDER / "process.bpmn").read_bytes())
    drawn = [each.get("name") for each in root.iter("{*}lane")]

    assert bundle is not None
    assert drawn == ["市12345", "区分中心", "承办部门/街道", "承办单位"]
    assert list(bundle.process.lanes) == drawn


def test_the_check_says_nothing_about_it():
    assert list(check_folder(ORDER).findings) == []
