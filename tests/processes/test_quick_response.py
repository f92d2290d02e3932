"""接诉即办 as it is shipped, over HTTP: its six actions, its nine lists, and who may do what."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from app.core import db
from tests import world as worlds
from tests.world import Row, World

MATTER = {"matter": "环境卫生", "content": "东门垃圾桶满了。"}


@pytest.fixture
def county(database: db.Database) -> World:
    return worlds.build(
        database,
        worlds.shipped("quick_response"),
        worlds.shipped("side_extension"),
        worlds.shipped("side_supervise"),
    )


def reported(county: World, by: str = "jumin1", unit: str = "d1-s1-c1", **answers: Any) -> str:
    """A matter of 甲社区 that 东街道 has accepted for a unit; its case."""
    body = {"process": "quick_response", "title": "垃圾桶满", "answers": {**MATTER, **answers}}
    answer = county.post(by, "/my/cases", body)
    assert answer.status_code == 201, answer.json
    case = str(answer.json["id"])
    accepting = {"matter": "环境卫生", "main_unit": unit}
    county.complete("dongjie1", task_of(county, "dongjie1", case), "受理", accepting)
    return case


def task_of(county: World, by: str, case: str) -> Row:
    return next(row for row in county.inbox(by) if row["case_id"] == case)


def boxes(county: World, by: str, case: str) -> set[str]:
    views = (
        "todo",
        "running",
        "assignedDown",
        "closed",
        "all",
        "supervised",
        "unsatisfied",
        "dueToday",
        "overdue",
    )
    found = {view: county.get(by, f"/tasks?view={view}").json["items"] for view in views}
    return {view for view, items in found.items() if case in {item["case"] for item in items}}


def act(county: World, by: str, case: str, verb: str, **body: Any) -> Any:
    task = task_of(county, by, case)
    return county.post(by, f"/tasks/{task['id']}/{verb}", body, seen=task["revision"])


def claim(county: World, by: str, case: str) -> None:
    county.claim(by, task_of(county, by, case))


@pytest.mark.requirement(
    "TKX-091", "TKX-092", "TKX-094", "TKX-095", "TKX-167", "TKX-168", "TKX-170", "TKX-171"
)
def test_what_is_escalated_assigned_down_and_supervised_is_found_in_its_lists(county: World) -> None:
    case = reported(county)
    claim(county, "jia1", case)

    assert act(county, "jia1", case, "escalate", reason="要清运车").status_code == 200
    claim(county, "dongjie1", case)
    given = act(county, "dongjie1", case, "assign-down", unit="d1-s1-c1", demand="请先围挡")

    assert given.status_code == 200, given.json
    assert {"assignedDown", "running", "all"} <= boxes(county, "dongjie1", case)
    assert "todo" in boxes(county, "jia1", case)
    county.complete("jia1", task_of(county, "jia1", case), "办结", {"result": "已围挡"})
    assert "assignedDown" not in boxes(county, "dongjie1", case), "it came back to be verified"
    assert county.case(case)["status"] == "办理中"
    asked = {"kind": "supervise", "answers": {"request_reason": "今天清走。", "supervise_within": "1天"}}
    task = task_of(county, "dongjie1", case)
    assert county.post("duban1", f"/tasks/{task['id']}/requests", asked).status_code == 201
    assert {"supervised", "all"} <= boxes(county, "duban1", case)
    county.complete("dongjie1", task_of(county, "dongjie1", case), "办结", {"result": "已清运"})
    assert county.case(case)["status"] == "待核实"


@pytest.mark.requirement("TKX-097", "TKX-098", "TKX-172")
def test_what_is_due_today_or_overdue_is_listed_and_a_delay_counts_once_it_is_granted(county: World) -> None:
    case = reported(county)
    claim(county, "jia1", case)
    due = task_of(county, "jia1", case)["due_at"]
    county.wait(seconds=(due - county.now()).total_seconds() - 60)

    assert "dueToday" in boxes(county, "jia1", case)
    asked = {"kind": "extension", "answers": {"request_reason": "清运车坏了。"}}
    task = task_of(county, "jia1", case)
    assert county.post("jia1", f"/tasks/{task['id']}/requests", asked).status_code == 201
    county.wait(minutes=2)
    assert "overdue" in boxes(county, "jia1", case)
    for reviewer in ("dongjie1", "shenhe1"):
        for row in county.inbox(reviewer):
            if row["step"] in ("first", "final"):
                county.complete(reviewer, row, "同意")
    assert not {"overdue", "dueToday"} & boxes(county, "jia1", case)


@pytest.mark.requirement("TKX-093", "TKX-096", "TKX-165", "TKX-169")
def test_who_is_not_satisfied_is_answered_and_a_matter_is_passed_round_twice_at_most(county: World) -> None:
    case = reported(county, unit="d1-cgw")
    for by, unit in (("cgw1", "d1-zjw"), ("zjw1", "d1-s1-c1")):
        task = task_of(county, by, case)
        county.complete(by, task, "转办", {"next_unit": unit}, opinion="不归我们")
    third = {"outcome": "转办", "answers": {"next_unit": "d1-cgw"}, "opinion": "也不归我们"}

    refused = act(county, "jia1", case, "complete", **third)

    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "not-accepted")
    county.complete("jia1", task_of(county, "jia1", case), "办结", {"result": "已清运"})
    county.complete("shenhe1", task_of(county, "shenhe1", case), "通过")
    bad = {"stars": 1, "satisfied": "不满意", "comment": "还是满的"}
    assert county.post("jumin1", f"/my/cases/{case}/rate", {"answers": bad}).status_code == 200
    assert "unsatisfied" in boxes(county, "dongjie1", case)
    county.complete("dongjie1", task_of(county, "dongjie1", case), "说明原因", {}, opinion="已增设垃圾桶")
    assert "closed" in boxes(county, "jia1", case)
    assert county.case(case)["status"] == "已说明"


def test_who_handled_a_matter_does_not_verify_it_and_others_see_and_do_nothing(county: World) -> None:
    case = reported(county)
    task = task_of(county, "jia1", case)

    assert county.get("ding1", f"/cases/{case}").status_code == 404
    assert county.get("jumin2", f"/my/cases/{case}").status_code == 404
    body = {"outcome": "办结", "answers": {"result": "好了"}}
    assert county.post("guancha1", f"/tasks/{task['id']}/complete", body, seen=1).status_code == 403
    assert county.post("jumin1", f"/tasks/{task['id']}/complete", body, seen=1).status_code == 403
    assert county.post("cgw1", f"/tasks/{task['id']}/complete", body, seen=1).status_code == 404
    county.appoint("jia1", "reviewer", "d1")
    county.complete("jia1", task, "办结", {"result": "已清运"})
    assert "已清运" not in str(county.get("jumin1", f"/my/cases/{case}").json), "not verified yet"
    check = task_of(county, "jia1", case) if any(r["case_id"] == case for r in county.inbox("jia1")) else None
    row = check or task_of(county, "shenhe1", case)
    own = county.post(
        "jia1", f"/tasks/{row['id']}/complete", {"outcome": "通过", "answers": {}}, seen=row["revision"]
    )
    assert own.status_code in (403, 409), own.json
    assert county.case(case)["status"] == "待核实"


@pytest.mark.requirement("TKX-099", "TKX-100", "TKX-101", "TKX-102", "TKX-166")
def test_matters_are_counted_by_department_matter_source_and_person(county: World) -> None:
    first, second = reported(county), reported(county, unit="d1-cgw", matter="环境卫生")
    county.wait(hours=3)
    county.complete("jia1", task_of(county, "jia1", first), "办结", {"result": "已清运"})
    county.complete("shenhe1", task_of(county, "shenhe1", first), "通过")
    rated = {"answers": {"stars": 5, "satisfied": "满意"}}
    assert county.post("jumin1", f"/my/cases/{first}/rate", rated).status_code == 200
    day, near = county.now().date(), timedelta(days=1)
    asked = f"/reports/quick_response?from={day - near}&to={day + near}&period=received&by="

    def counted(by: str, measure: str = "received") -> dict[str, float]:
        groups = county.get("lingdao1", asked + by).json["groups"]
        return {each["by"][by]["name"]: each["numbers"][measure]["value"] for each in groups}

    assert counted("unit") == {"城管委": 1, "甲社区": 1}
    assert counted("fact.matter") == {"环境卫生": 2}
    assert counted("source") != {}
    assert counted("unit", "closed_rate") == {"城管委": 0, "甲社区": 1}
    rows = list(csv.reader(StringIO(county.get("lingdao1", asked.replace("?", "/table?") + "unit").text)))
    rates = {line[0]: line[rows[0].index("办结率（%）")] for line in rows[1:]}
    assert rates == {"城管委": "0.0", "甲社区": "100.0", "合计": "50.0"}
    assert abs(counted("person", "hours")["甲社区社工"] - 3) < 0.1
    own = county.get("cgw1", asked + "person").json["groups"]
    assert [each["by"]["person"]["name"] for each in own] == ["（无人办过）"], "of one's own unit alone"
    assert county.case(second)["status"] == "办理中"
    assert {name: value for name, value in counted("person", "received").items() if value} == {
        "甲社区社工": 1,
        "（无人办过）": 1,
    }
