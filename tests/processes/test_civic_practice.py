"""文明实践点单 over HTTP: who may do what, who sees which order, who is told of what."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core import db
from app.core.clock import BEIJING
from app.notices.models import notices
from app.processes.check import check_folder
from tests import world as worlds
from tests.notices.reading import told
from tests.processes.conftest import BPMN
from tests.world import Row, World

ORDER = {
    "process": "civic_practice",
    "title": "想听反诈讲座",
    "answers": {
        "order_kind": "需求点单",
        "content": "请讲讲反诈。",
        "category": "08",
        "contact_phone": "10000000001",
    },
}
HELD = (datetime.now(BEIJING) + timedelta(days=30)).replace(hour=9, minute=0, second=0, microsecond=0)
ACTIVITY = {
    "activity": "反诈讲座",
    "mode": "线下",
    "held_from": HELD.isoformat(),
    "held_place": "甲社区活动室",
    "introduction": "民警主讲。",
}
STARS = {"answers": {"content_stars": 4, "arrangement_stars": 5}}


@pytest.fixture
def town(database: db.Database) -> World:
    with db.transaction() as session:
        worlds.categorise(session)
    return worlds.build(database, worlds.shipped("civic_practice"))


def order(town: World, by: str = "jumin1", **answers: Any) -> Row:
    answer = town.post(by, "/my/cases", {**ORDER, "answers": {**ORDER["answers"], **answers}})
    assert answer.status_code == 201, answer.json
    return answer.json


def task_of(town: World, by: str, case: Row) -> Row:
    (task,) = [row for row in town.inbox(by) if row["case_id"] == case["id"]]
    return task


def do(
    town: World, by: str, case: Row, outcome: str, answers: Any = None, opinion: str | None = None
) -> None:
    town.complete(by, task_of(town, by, case), outcome, answers, opinion)


@pytest.mark.requirement("XC-034", "XC-035", "XC-045", "XC-046")
def test_an_order_goes_from_the_resident_to_the_centre_to_the_one_station_it_was_dispatched_to(town: World):
    case = order(town)

    assert [row["step"] for row in town.inbox("zhongxin1")] == ["dispatch"]
    do(town, "zhongxin1", case, "派单", {"targets": ["d1-wm-s1-c1"]})
    accept = task_of(town, "jiazhan1", case)
    others = [town.inbox(by) for by in ("dongsuo1", "dingzhan1", "xisuo1")]
    stolen = town.post("dingzhan1", f"/tasks/{accept['id']}/complete", {"outcome": "接单"}, seen=1)
    do(town, "jiazhan1", case, "接单")

    assert (others, stolen.status_code) == ([[], [], []], 404)
    assert town.get("jumin1", f"/my/cases/{case['id']}").json["status"] == "已接单，筹备中"
    assert town.get("dingzhan1", f"/cases/{case['id']}").status_code == 404
    assert town.get("ding1", f"/cases/{case['id']}").status_code == 404  # another community
    course = str(town.get("zhongxin1", f"/cases/{case['id']}/timeline").json)
    assert all(said in course for said in ("办理“派单”，结论：派单", "办理“接单”，结论：接单"))


@pytest.mark.requirement("XC-044", "XC-047")
def test_a_station_confirms_demand_addressed_to_it_and_the_centre_sees_that(town: World):
    case = order(town, wished_unit="d1-wm-s1-c1")

    both = [[row["step"] for row in town.inbox(by)] for by in ("zhongxin1", "jiazhan1")]
    do(town, "jiazhan1", case, "接单")

    assert both == [["dispatch"], ["confirm"]]
    assert town.inbox("zhongxin1") == []
    seen = town.get("zhongxin1", f"/cases/{case['id']}").json
    assert (seen["status"], seen["data"]["carrier"]) == ("筹备中", "d1-wm-s1-c1")


@pytest.mark.requirement("XC-048", "XC-049", "XC-050", "XC-051")
def test_what_the_accepting_street_publishes_is_told_to_all_who_ordered_and_to_the_centre(town: World):
    first, second = order(town), order(town, by="jumin3")
    order(town, by="jumin4")
    merging = {"into": first["id"], "reason": "同一个需求"}
    merged = town.post("zhongxin1", f"/cases/{second['id']}/merge", merging, seen=second["revision"])
    assert merged.status_code == 200, merged.json
    do(town, "zhongxin1", first, "派单", {"targets": ["d1-wm-s1"]})

    do(town, "dongsuo1", first, "接单")
    do(town, "dongsuo1", first, "发布活动", ACTIVITY)

    text = (
        f"您关注的点单“想听反诈讲座”（{first['number']}）已安排活动：反诈讲座，{HELD:%Y-%m-%d %H:%M}，"
        "甲社区活动室，承接单位：东街道文明实践所"
    )
    people = ["实践中心管理员甲", "居民丙", "居民甲"]
    assert told(town, kind="practice") == [(name, "practice", text) for name in people]
    mail = [row["text"] for row in town.get("jumin3", "/notices").json["items"]]
    assert "与另一件同样的事合并办理" in "".join(mail)
    course = town.get("jumin1", f"/my/cases/{first['id']}/timeline").json["items"]
    assert [row["text"] for row in course[1:]] == [
        "进入“已派单”",
        "进入“已接单，筹备中”",
        "进入“活动已发布”",
    ]


@pytest.mark.requirement("XC-034", "XC-052")
def test_an_institute_follows_the_orders_of_its_stations_the_centre_all_and_another_institute_none(
    town: World,
):
    first, second = order(town), order(town, by="jumin4", wished_unit="d1-wm-s2-c1")
    do(town, "zhongxin1", first, "派单", {"targets": ["d1-wm-s1-c1"]})
    accept = task_of(town, "jiazhan1", first)

    def seen(by: str) -> list[str]:
        listed = town.get(by, "/cases?process=civic_practice").json["items"]
        return sorted(row["number"] for row in listed)

    before = {by: seen(by) for by in ("zhongxin1", "dongsuo1", "xisuo1", "jiazhan1", "dingzhan1")}
    followed = town.post("dongsuo1", f"/cases/{first['id']}/follow", {})
    by_other = town.post("xisuo1", f"/cases/{first['id']}/follow", {})
    for_the_station = town.post("dongsuo1", f"/tasks/{accept['id']}/complete", {"outcome": "接单"}, seen=1)
    do(town, "jiazhan1", first, "接单")
    course = town.get("dongsuo1", f"/cases/{first['id']}/timeline")

    both, one, other = sorted([first["number"], second["number"]]), [first["number"]], [second["number"]]
    assert before == {
        "zhongxin1": both, "dongsuo1": one, "jiazhan1": one, "xisuo1": other, "dingzhan1": other,
    }  # fmt: skip
    assert (followed.status_code, by_other.status_code, for_the_station.status_code) == (200, 404, 403)
    assert town.get("dongsuo1", f"/cases/{first['id']}").json["status"] == "筹备中"
    assert "办理“接单”，结论：接单" in str(course.json)
    assert town.inbox("dongsuo1") == []
    assert town.get("xisuo1", f"/cases/{first['id']}/timeline").status_code == 404


@pytest.mark.requirement("XC-053")
def test_who_ordered_rates_two_aspects_once_and_nobody_else_does(town: World):
    case = order(town)
    do(town, "zhongxin1", case, "派单", {"targets": ["d1-wm-s1-c1"]})
    do(town, "jiazhan1", case, "接单")
    do(town, "jiazhan1", case, "发布活动", ACTIVITY)
    early = town.post("jumin1", f"/my/cases/{case['id']}/rate", STARS)
    do(town, "jiazhan1", case, "已实施", {"attended": 20, "summary": "二十人参加。"})

    stranger = town.post("jumin2", f"/my/cases/{case['id']}/rate", STARS)
    rated = town.post("jumin1", f"/my/cases/{case['id']}/rate", STARS)
    again = town.post("jumin1", f"/my/cases/{case['id']}/rate", STARS)

    answers = [each.status_code for each in (early, stranger, rated, again)]
    assert answers == [409, 404, 200, 409]
    data = town.get("zhongxin1", f"/cases/{case['id']}").json["data"]
    assert (data["content_stars"], data["arrangement_stars"]) == (4, 5)


def test_the_reason_of_a_refusal_is_for_the_requester_alone(town: World):
    case = order(town)

    do(town, "zhongxin1", case, "拒绝", {"refusal": "本月没有老师。"})

    mine = town.get("jumin1", f"/my/cases/{case['id']}").json
    assert mine["status"] == "没有受理"
    assert {"name": "refusal", "label": "没有受理的原因", "value": "本月没有老师。"} in mine["data"]
    assert [name for name, *_ in told(town, kind="practice")] == ["居民甲"]
    assert town.get("jumin2", f"/my/cases/{case['id']}").status_code == 404
    course = town.get("jumin1", f"/my/cases/{case['id']}/timeline").json["items"]
    assert "本月没有老师" not in str(course)


def test_residents_do_no_step_of_the_staff_and_observers_write_nothing(town: World):
    case = order(town)
    task = task_of(town, "zhongxin1", case)
    body = {"outcome": "派单", "answers": {"targets": ["d1-wm-s1-c1"]}}

    as_staff = town.post("jumin1", f"/tasks/{task['id']}/complete", body, seen=task["revision"])
    as_own = town.post("jumin1", f"/my/tasks/{task['id']}/complete", body, seen=task["revision"])
    observing = town.post("guancha1", f"/tasks/{task['id']}/complete", body, seen=task["revision"])
    noting = town.post("guancha1", f"/cases/{case['id']}/notes", {"text": "看看"})

    assert (as_staff.status_code, as_own.status_code) == (403, 404)
    assert (observing.status_code, noting.status_code) == (403, 403)
    assert town.get("guancha1", f"/cases/{case['id']}").status_code == 200
    assert town.rows(notices, kind="practice") == []


def test_a_requester_takes_an_order_back_until_its_activity_is_published_and_the_station_is_told(town: World):
    first, second = order(town), order(town)
    for case in (first, second):
        do(town, "zhongxin1", case, "派单", {"targets": ["d1-wm-s1-c1"]})
        do(town, "jiazhan1", case, "接单")
    do(town, "jiazhan1", second, "发布活动", ACTIVITY)

    back = town.post("jumin1", f"/my/cases/{first['id']}/revoke", {"reason": "时间不合适"})
    late = town.post("jumin1", f"/my/cases/{second['id']}/revoke", {"reason": "时间不合适"})

    assert (back.status_code, back.json["state"]) == (200, "cancelled")
    assert (late.status_code, late.json["type"]) == (409, "/problems/cannot-revoke")
    said = ("甲社区实践站干事", "returned", "登记的人撤回了，原因：时间不合适")
    assert told(town, kind="returned", case_id=first["id"]) == [said]
    assert [row["case_id"] for row in town.inbox("jiazhan1")] == [second["id"]]


def test_a_step_to_take_back_at_that_is_not_drawn_and_an_offer_of_nobody_are_told(tmp_path: Path):
    folder = tmp_path / "civic_practice"
    shutil.copytree(BPMN / "civic_practice", folder)
    shutil.copy(BPMN / "_org.yaml", tmp_path)
    written = folder / "process.yaml"
    written.write_text(
        written.read_text("utf-8").replace("revocable: [dispatch", "revocable: [dispach"), "utf-8"
    )

    found = check_folder(folder).findings

    offered, step = found
    assert (step.rule, step.file) == ("step-unknown", "process.yaml")
    assert "是不是 dispatch？" in step.zh
    assert (offered.rule, offered.file) == ("publication-unknown", "forms/filing.yaml")
    assert 'publications(process="civic_activity")，没有这个流程' in offered.zh
