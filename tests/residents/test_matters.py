"""我的诉求 over HTTP: a resident files, follows, rates, urges, takes back and opens again; nobody else's."""

from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest

from app.audit.streams import audit_stream
from app.core.clock import BEIJING
from app.notices.models import notices
from tests import world as worlds
from tests.world import Row, World

ASKED = {"process": "resident_request", "title": "单元门锁坏了", "answers": {"content": "3 号楼 2 单元"}}
GOOD = {"answers": {"stars": 5, "satisfied": "满意"}}
BAD = {"answers": {"stars": 1, "satisfied": "不满意", "comment": "没有修好"}}


def file(town: World, by: str = "jumin1", **about: Any) -> Row:
    answer = town.post(by, "/my/cases", {**ASKED, **about})
    assert answer.status_code == 201, answer.json
    return answer.json


def handle(town: World, case: Row, opinion: str | None = None) -> None:
    """The community's worker ends the step 办理."""
    (task,) = [row for row in town.inbox("jia1") if row["case_id"] == case["id"]]
    town.complete("jia1", task, "办结", {"result": "已换锁"}, opinion)


def test_a_resident_files_and_finds_it_with_public_words(town: World) -> None:
    filed = file(town)

    listed = town.get("jumin1", "/my/cases").json["items"]
    whole = town.get("jumin1", f"/my/cases/{filed['id']}").json
    assert listed == [{**filed, "facts": []}]
    assert (filed["status"], filed["placeUnit"], filed["state"]) == ("办理中", "d1-s1-c1", "active")
    assert whole["data"] == [{"name": "content", "label": "诉求内容", "value": "3 号楼 2 单元"}]
    assert whole["tasks"] == []
    handle(town, filed)
    assert town.get("jumin1", f"/my/cases/{filed['id']}").json["status"] == "待您评价"


def test_what_may_be_filed_is_listed_with_its_form(town: World) -> None:
    town.publish(worlds.folder(worlds.WORK_ORDER))

    (only,) = town.get("jumin1", "/my/processes").json["items"]

    assert (only["key"], only["name"], only["title"]) == ("resident_request", "居民诉求", "我要说")
    assert only["schema"]["required"] == ["content"]


@pytest.mark.requirement("BS-001")
def test_what_a_resident_files_lies_with_his_community_at_once_and_with_no_other(town: World) -> None:
    town.appoint("ding1", "handler", "d1-s2-c1")

    case = file(town)

    assert [row["case_id"] for row in town.inbox("jia1")] == [case["id"]]
    assert town.inbox("ding1") == []
    assert case["id"] not in [row["id"] for row in town.cases("ding1")]


@pytest.mark.requirement("BS-002")
def test_what_the_community_did_is_read_at_once_with_its_time_and_by_nobody_else(town: World) -> None:
    case = file(town)

    handle(town, case)

    whole = town.get("jumin1", f"/my/cases/{case['id']}").json
    last = town.get("jumin1", f"/my/cases/{case['id']}/timeline").json["items"][-1]
    assert whole["status"] == "待您评价"
    assert {"name": "result", "label": "办理结果", "value": "已换锁"} in whole["data"]
    assert (last["text"], last["at"][:10]) == (
        "已答复；进入“待您评价”",
        town.now().astimezone(BEIJING).date().isoformat(),
    )
    assert town.get("jumin2", f"/my/cases/{case['id']}").status_code == 404


def test_the_step_that_waits_is_listed_with_its_form_and_rated_once(town: World) -> None:
    case = file(town)
    handle(town, case)

    (waiting,) = town.get("jumin1", "/my/tasks").json["items"]
    form = town.get("jumin1", f"/my/tasks/{waiting['id']}/form").json
    rated = town.post("jumin1", f"/my/cases/{case['id']}/rate", GOOD, key="once")
    replayed = town.post("jumin1", f"/my/cases/{case['id']}/rate", GOOD, key="once")
    again = town.post("jumin1", f"/my/cases/{case['id']}/rate", GOOD)

    assert (waiting["case"], waiting["name"], waiting["rates"]) == (case["id"], "评价", True)
    assert form["values"] == {"result": "已换锁"}
    assert (rated.status_code, rated.json["status"], rated.json["state"]) == (200, "已办结", "closed")
    assert replayed.data == rated.data
    assert (again.status_code, again.json["type"]) == (409, "/problems/already-rated")
    assert town.get("jumin1", "/my/tasks").json["items"] == []


def test_a_waiting_step_is_completed_like_any_task_with_its_revision(town: World) -> None:
    case = file(town)
    handle(town, case)
    (waiting,) = town.get("jumin1", "/my/tasks").json["items"]
    path, body = f"/my/tasks/{waiting['id']}/complete", {"outcome": "评价", **GOOD}

    assert town.post("jumin1", path, body).status_code == 428
    done = town.post("jumin1", path, body, seen=waiting["revision"])

    assert (done.status_code, done.json["state"]) == (200, "closed")


def test_what_is_wrong_in_a_rating_is_told_field_by_field(town: World) -> None:
    case = file(town)
    assert (
        town.post("jumin1", f"/my/cases/{case['id']}/rate", GOOD).json["type"] == "/problems/nothing-to-rate"
    )
    handle(town, case)

    for body, code in (
        ({"answers": {"stars": 6, "satisfied": "满意"}}, "too-big"),
        ({"answers": {"stars": 1.5, "satisfied": "满意"}}, "not-an-integer"),
        ({"answers": {"satisfied": "满意"}}, "required"),
        ({"answers": {**GOOD["answers"], "result": "改写"}}, "field-readonly"),
        ({"stars": 5}, "unknown-field"),
        ({"answers": []}, "invalid"),
    ):
        answer = town.post("jumin1", f"/my/cases/{case['id']}/rate", body)
        assert (answer.status_code, [each["code"] for each in answer.json["errors"]]) == (422, [code]), body
    assert town.get("jumin1", f"/my/cases/{case['id']}").json["status"] == "待您评价"


def test_the_course_is_told_in_public_words_without_names_reasons_and_opinions(town: World) -> None:
    case = file(town)
    town.post("paiqian1", f"/cases/{case['id']}/notes", {"text": "来电人情绪激动"})
    handle(town, case, opinion="内部意见：锁芯旧")
    town.post("jumin1", f"/my/cases/{case['id']}/rate", BAD)

    told = town.get("jumin1", f"/my/cases/{case['id']}/timeline").json["items"]

    assert [step["text"] for step in told] == [
        "已收到并登记",
        "已答复；进入“待您评价”",
        "已评价；进入“回访中”",
    ]
    whole = str(told) + str(town.get("jumin1", f"/my/cases/{case['id']}").json)
    for hidden in ("甲社区社工", "内部意见", "情绪激动", "handler", town.actor("jia1").id):
        assert hidden not in whole


def test_a_matter_that_was_merged_stands_where_the_other_one_stands(town: World) -> None:
    first, second = file(town), file(town, by="jumin2")
    town.appoint("jia1", "dispatcher", "d1-s1-c1")
    merging = {"into": first["id"], "reason": "同一把锁"}
    merged = town.post("jia1", f"/cases/{second['id']}/merge", merging, seen=second["revision"])
    handle(town, first)

    whole = town.get("jumin2", f"/my/cases/{second['id']}").json
    found = {
        status: [row["status"] for row in town.get("jumin2", f"/my/cases?{asked}").json["items"]]
        for status in ("待您评价", "办理中")
        if (asked := urlencode({"process": "resident_request", "status": status}))
    }

    assert (merged.status_code, whole["state"], whole["status"]) == (200, "merged", "待您评价")
    assert found == {"待您评价": ["待您评价"], "办理中": []}


def test_filing_urging_revoking_and_reopening_keep_their_guards_and_can_be_tried(town: World) -> None:
    trial = town.post("jumin1", "/my/cases?dryRun=true", ASKED)
    unfit = town.post("jumin1", "/my/cases?dryRun=true", {**ASKED, "answers": {}})
    assert town.get("jumin1", "/my/cases").json["items"] == [], "a trial files nothing"
    first, second = file(town), file(town)
    path = f"/my/cases/{first['id']}"

    tried = [
        town.post("jumin1", f"{path}/{verb}?dryRun=true", {said: "请快些"})
        for verb, said in (("urge", "text"), ("revoke", "reason"), ("reopen", "reason"))
    ]
    assert town.get("jumin1", path).json["status"] == "办理中", "a trial took nothing back"
    urged = [town.post("jumin1", f"{path}/urge", {"text": "请快些"}) for _ in range(2)]
    gone = town.post("jumin1", f"/my/cases/{second['id']}/revoke", {"reason": "已经好了"})
    handle(town, first)
    (own,) = town.get("jumin1", "/my/tasks").json["items"]
    rate = {"outcome": "评价", **GOOD}
    rated = town.post("jumin1", f"/my/tasks/{own['id']}/complete?dryRun=true", rate, seen=own["revision"])
    late = town.post("jumin1", f"{path}/revoke", {"reason": "不用了"})
    early = town.post("jumin1", f"{path}/reopen", {"reason": "又坏了"})
    assert town.post("jumin1", f"{path}/rate?dryRun=true", GOOD).status_code == 200
    assert town.post("jumin1", f"{path}/rate", GOOD).status_code == 200
    opened = town.post("jumin1", f"{path}/reopen", {"reason": "又坏了"})
    handle(town, first)
    town.post("jumin1", f"{path}/rate", GOOD)
    third = town.post("jumin1", f"{path}/reopen", {"reason": "又坏了"})

    assert [each.status_code for each in tried] == [200, 200, 409]
    assert (trial.json["number"], trial.json["status"]) == (first["number"], "办理中"), (
        "the number stays free"
    )
    assert (unfit.status_code, rated.status_code) == (422, 200), rated.json
    assert set(tried[1].json) == set(rated.json) == set(gone.json), "steps inside are no resident's business"
    assert [each.status_code for each in urged] == [200, 429]
    assert gone.status_code == 200
    assert (late.status_code, late.json["type"]) == (409, "/problems/cannot-revoke")
    assert (early.status_code, early.json["type"]) == (409, "/problems/cannot-reopen")
    assert (opened.status_code, opened.json["status"]) == (200, "办理中")
    assert third.json["type"] == "/problems/cannot-reopen"
    assert town.post("jumin1", f"{path}/urge", {"text": "请快些"}).json["type"] == "/problems/case-closed"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("get", "/timeline", None),
        ("get", "/attachments", None),
        ("post", "/rate", GOOD),
        ("post", "/urge", {"text": "x"}),
        ("post", "/revoke", {"reason": "x"}),
        ("post", "/reopen", {"reason": "x"}),
    ],
)
def test_what_is_somebody_elses_is_not_there(town: World, method: str, path: str, body: Any) -> None:
    case = file(town)
    handle(town, case)

    for who in ("jumin2", "jumin4"):  # a neighbour of the same community, and one of another
        ask = town.get if method == "get" else lambda by, where: town.post(by, where, body)
        answer = ask(who, f"/my/cases/{case['id']}{path}")
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found")
    assert town.get("jumin2", "/my/cases").json["items"] == []
    assert town.get("jumin2", "/my/tasks").json["items"] == []
    kinds = {(row["kind"], row["subject"]) for row in town.rows(audit_stream, stream="auth")}
    assert ("out-of-scope", case["id"]) in kinds


def test_the_form_of_a_step_of_staff_is_not_there_even_in_ones_own_matter(town: World) -> None:
    case = file(town)
    (task,) = [row for row in town.inbox("jia1") if row["case_id"] == case["id"]]

    form = town.get("jumin1", f"/my/tasks/{task['id']}/form")
    done = town.post("jumin1", f"/my/tasks/{task['id']}/complete", {"outcome": "办结"}, seen=1)

    assert (form.status_code, done.status_code) == (404, 404)


def test_what_a_worker_files_for_a_resident_is_his_matter_too(town: World) -> None:
    answer = town.post("jia1", "/cases", {**ASKED, "placeUnit": "d1-s1-c1", "reporter": "jumin1"})
    refused = town.post("jia1", "/cases", {**ASKED, "placeUnit": "d1-s1-c1", "reporter": "jumin4"})

    assert answer.status_code == 201, answer.json
    assert [row["id"] for row in town.get("jumin1", "/my/cases").json["items"]] == [answer.json["case"]["id"]]
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "reporter-unknown")


def test_matters_come_in_pages_newest_first(town: World) -> None:
    filed = [file(town, title=f"第 {i} 件")["id"] for i in range(5)]

    first = town.get("jumin1", "/my/cases?limit=3").json
    rest = town.get("jumin1", f"/my/cases?limit=3&after={first['page']['next']}").json

    assert [row["id"] for row in first["items"] + rest["items"]] == filed[::-1]
    assert town.get("jumin2", f"/my/cases?after={first['page']['next']}").status_code == 422


@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"process": "nothing"}, 404, "process-unknown"),
        ({"placeUnit": "d1-s2-c1"}, 422, "unit-not-selectable"),
        ({"title": ""}, 422, "fields-refused"),
        ({"answers": {}}, 422, "answers-wrong"),
        ({"reporter": "jumin2"}, 422, "fields-refused"),
        ({"priority": 100}, 422, "fields-refused"),
        ({"externalNo": "BJ-1"}, 422, "fields-refused"),
    ],
)
def test_a_wrong_filing_is_refused_in_words(town: World, change: Row, status: int, slug: str) -> None:
    answer = town.post("jumin1", "/my/cases", {**ASKED, **change})

    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}")
    assert town.get("jumin1", "/my/cases").json["items"] == []


def bring(town: World, by: str, path: str, name: str = "锁.txt", content: bytes = "锁坏了".encode()) -> Any:
    return town.app.test_client().post(
        f"/api/v1{path}",
        data={"file": (BytesIO(content), name)},
        headers={"Authorization": f"Bearer {town.token(by)}", "Idempotency-Key": f"{by}-{len(name)}"},
    )


@pytest.mark.usefixtures("shelf")
def test_a_resident_brings_files_and_reads_his_own_only(town: World) -> None:
    case = file(town)

    mine = bring(town, "jumin1", f"/my/cases/{case['id']}/attachments")
    stranger = bring(town, "jumin2", f"/my/cases/{case['id']}/attachments")
    theirs = bring(town, "paiqian1", f"/cases/{case['id']}/attachments", "内部.txt")

    assert (mine.status_code, stranger.status_code, theirs.status_code) == (201, 404, 201)
    listed = town.get("jumin1", f"/my/cases/{case['id']}/attachments").json["items"]
    assert [row["id"] for row in listed] == [mine.json["id"]]
    assert town.get("jumin1", f"/my/attachments/{mine.json['id']}").data == "锁坏了".encode()
    for who, which in (("jumin1", theirs.json["id"]), ("jumin2", mine.json["id"])):
        assert town.get(who, f"/my/attachments/{which}").status_code == 404


def test_the_reporters_of_merged_matters_are_told_of_it_and_of_the_end(town: World) -> None:
    stays, goes = file(town), file(town, by="jumin2", placeUnit="d1-s1-c1")
    body = {"into": stays["id"], "reason": "同一把锁"}
    merged = town.post("paiqian1", f"/cases/{goes['id']}/merge", body, seen=goes["revision"])
    assert merged.status_code == 200, merged.json

    handle(town, stays)
    town.post("jumin1", f"/my/cases/{stays['id']}/rate", GOOD)

    told = [row["text"] for row in town.rows(notices, person_id=town.actor("jumin2").id)]
    assert told == ["与另一件同样的事合并办理", "已办结"]  # read in the mailbox once it is day


def test_a_resident_is_nobody_to_be_chosen_in_a_form_or_given_a_task(town: World) -> None:
    case = file(town)
    (task,) = [row for row in town.inbox("jia1") if row["case_id"] == case["id"]]
    town.claim("jia1", task)

    for act, body in (
        ("transfer", {"to": "jumin2", "reason": "x"}),
        ("delegate", {"to": "jumin2", "reason": "x"}),
        ("signers", {"people": ["jumin2"], "where": "after", "reason": "x"}),
        ("cc", {"people": ["jumin2"], "text": ""}),
    ):
        answer = town.post("jia1", f"/tasks/{task['id']}/{act}", body, seen=2)
        assert answer.status_code in (409, 422), (act, answer.json)
