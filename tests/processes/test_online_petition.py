"""网络问政 as it is shipped, over HTTP: what is asked, by whom it is answered, and what everybody reads of it."""

from typing import Any

import pytest

from app.cases import firing, tasks
from app.core import db
from app.exchange import parking
from tests import world as worlds
from tests.world import Row, World


@pytest.fixture
def town(database: db.Database) -> World:
    made = worlds.build(database, worlds.shipped("work_order_12345"), worlds.shipped("online_petition"))
    with db.transaction() as session:
        worlds.categorise(session)
    return made


def asked(town: World, by: str = "jumin1", **answers: Any) -> Any:
    usual = {"kind": "反映问题", "content": "门口路灯不亮", "openly": True}
    given = {name: value for name, value in {**usual, **answers}.items() if value is not None}
    return town.post(by, "/my/cases", {"process": "online_petition", "title": "路灯", "answers": given})


def task_of(town: World, by: str, case: str) -> Row:
    return next(row for row in town.inbox(by) if row["case_id"] == case)


def answered(town: World, case: str) -> Row:
    """Accepted and answered by the department; the step in which the answer is checked."""
    town.complete("paiqian1", task_of(town, "paiqian1", case), "受理", {"main_unit": "d1-cgw"})
    reply = {"reply": "今晚修好", "basis": "养护办法"}
    town.complete("cgw1", task_of(town, "cgw1", case), "提交回复", reply)
    return task_of(town, "shenhe1", case)


@pytest.mark.requirement("HD-060", "HD-063")
def test_each_kind_gets_a_number_and_waits_to_be_accepted_and_nobody_asks_without_a_name_or_content(
    town: World,
) -> None:
    for kind in ("反映问题", "投诉举报", "咨询政策"):
        case = asked(town, kind=kind, openly=None if kind == "投诉举报" else True).json

        assert (case["number"][:3], case["status"]) == ("WZ-", "待受理")
        waiting = task_of(town, "paiqian1", case["id"])
        form = town.get("paiqian1", f"/tasks/{waiting['id']}/form").json
        assert form["values"]["kind"] == kind
    assert asked(town, content="").json["errors"][0]["code"] == "required"
    assert asked(town, kind="闲聊").json["errors"][0]["code"] == "not-a-choice"
    body = {"process": "online_petition", "title": "路灯", "answers": {}}
    assert town.app.test_client().post("/api/v1/my/cases", json=body).status_code == 401


@pytest.mark.requirement("HD-061")
def test_what_was_accepted_is_answered_by_the_department_checked_by_another_and_read_by_who_asked(
    town: World,
) -> None:
    case = asked(town, phone="13800000000").json["id"]
    check = answered(town, case)
    before = town.get("jumin1", f"/my/cases/{case}").json["data"]
    body = {"outcome": "私密回复", "answers": {}}
    for who, status in (("cgw1", 403), ("guancha1", 403), ("jumin1", 403), ("ding1", 404)):
        answer = town.post(who, f"/tasks/{check['id']}/complete", body, seen=check["revision"])
        assert answer.status_code == status, who
    town.complete("shenhe1", check, "私密回复")

    mine = town.get("jumin1", f"/my/cases/{case}").json
    assert {"name": "reply", "label": "回复", "value": "今晚修好"} in mine["data"]
    assert "13800000000" not in town.get("cgw1", f"/cases/{case}").text
    assert town.get("jumin3", f"/my/cases/{case}").status_code == 404
    assert town.get("jumin3", "/publications?process=online_petition").json["items"] == []
    assert "reply" not in {each["name"] for each in before}  # nobody had checked it yet
    rated = town.post(
        "jumin1", f"/my/cases/{case}/rate", {"answers": {"solved": "已解决", "satisfied": "满意"}}
    )
    assert rated.json["status"] == "已评价"


def test_only_the_summary_and_the_answer_are_public_and_nothing_without_consent(town: World) -> None:
    case, closed = asked(town).json["id"], asked(town, openly=False).json["id"]
    for each in (case, closed):
        check = answered(town, each)
        body = {"outcome": "公开回复", "answers": {"question": "路灯何时修"}}
        answer = town.post("shenhe1", f"/tasks/{check['id']}/complete", body, seen=check["revision"])
        assert answer.status_code == (200 if each == case else 422), answer.json

    (public,) = town.get("jumin4", "/publications?process=online_petition").json["items"]
    whole = town.get("jumin4", f"/publications/{public['id']}")

    assert public["title"] == "路灯何时修"
    assert "今晚修好" in whole.text
    assert not any(word in whole.text for word in ("居民甲", "jumin1", "门口路灯不亮"))


@pytest.mark.requirement("HD-062")
def test_what_is_handed_over_is_an_order_of_12345_each_state_of_which_is_shown_to_who_asked(
    town: World,
) -> None:
    case = asked(town).json["id"]
    town.complete("paiqian1", task_of(town, "paiqian1", case), "转12345")
    town.wait(seconds=1)
    firing.fire_due()
    order = town.rows(worlds.cases, process_key="work_order_12345")[0]["id"]

    seen = []
    for by, outcome, answers in COURSE:
        task, confirm = task_of(town, by, order), ["attachment-missing"] if outcome == "通过" else []
        tasks.complete(town.actor(by), task["id"], outcome, answers, None, task["revision"], None, confirm)
        parking.deliver_due()
        mine = town.get("jumin1", f"/my/cases/{case}").json
        assert [(each["id"], each["status"]) for each in mine["filed"]] == [
            (order, town.get("jumin1", f"/my/cases/{order}").json["status"])
        ]
        seen.append((town.case(case)["data"]["order_status"], mine["status"]))

    assert seen == [
        *(
            (status, "已转12345办理")
            for status in ("待派遣", "待签收", "办理中", "待审核", "待回访", "待归档")
        ),
        ("已归档", "已回复，请您评价"),
    ]
    number = town.case(order)["number"]
    (link,) = town.get("paiqian1", f"/cases/{case}/links").json["items"]
    assert (link["case"]["number"], link["case"]["status"]) == (number, "已归档")
    lines = town.get("paiqian1", f"/cases/{case}/timeline?limit=200").json["items"]
    told = [
        event["text"] for line in lines for event in line["events"] if f"12345工单 {number}" in event["text"]
    ]
    assert told[-3:] == [f"12345工单 {number}：{status}" for status in ("待回访", "待归档", "已归档")]
    course = town.get("jumin1", f"/my/cases/{case}/timeline").json["items"]
    orders = [line["text"] for line in course if line["text"].startswith("12345工单：")]
    assert orders[-1] == "12345工单：已办结；进入“已回复，请您评价”"
    assert {"name": "reply", "label": "回复", "value": "已修好"} in mine["data"]
    rated = town.post(
        "jumin1", f"/my/cases/{case}/rate", {"answers": {"solved": "已解决", "satisfied": "满意"}}
    )
    assert rated.json["status"] == "已评价"


COURSE: list[tuple[str, str, Row]] = [
    ("paiqian1", "受理", {"category": "120201"}),
    ("paiqian1", "派遣", {"main_unit": "d1-cgw"}),
    ("cgw1", "签收", {}),
    ("cgw1", "报结", {"contacted": True, "solved": True, "result": "已修好"}),
    ("shenhe1", "通过", {}),
    ("paiqian1", "已回访", {"visit_contacted": True, "visit_solved": True, "visit_satisfied": True}),
    ("paiqian1", "归档", {}),
]
