"""我与群众面对面 as it is shipped, over HTTP: who sees a record when, who reviews it, what becomes of it."""

from typing import Any

import pytest

from app.categories import importing
from app.categories.category_file import read_categories
from app.core import db
from app.identity.actor import SYSTEM
from app.processes.check import check_files
from tests import world as worlds
from tests.processes.conftest import BPMN
from tests.world import BundleFiles, Row, World

LABELS = (BPMN / "_categories" / "community_labels.yaml").read_bytes()
RECORD = {"kind": "走访", "label": "54", "content": "五层楼道堆物。"}
EVERYBODY = {"jia1", "jia-shuji", "yi1", "dongjie1", "xuncha-s1", "guancha1", "lingdao1"}
"""Author, secretary, another worker of the community, and those above."""


@pytest.fixture
def town(database: db.Database) -> World:
    made = worlds.build(database, worlds.shipped("problem_tracking"), worlds.shipped("face_to_face"))
    with db.transaction() as session:
        importing.import_file(session, SYSTEM, read_categories("community_labels.yaml", LABELS))
    made.appoint("yi1", "worker", "d1-s1-c1")
    return made


def recorded(town: World, **about: Any) -> str:
    body = {
        "process": "face_to_face",
        "title": "走访 3 号楼",
        "placeUnit": "d1-s1-c1",
        "answers": RECORD,
        **about,
    }
    answer = town.post("jia1", "/cases", body)
    assert answer.status_code == 201, answer.json
    return str(answer.json["case"]["id"])


def task_of(town: World, by: str, case: str) -> Row:
    return next(row for row in town.inbox(by) if row["case_id"] == case)


def handed_in(town: World, **about: Any) -> str:
    case = recorded(town, **about)
    town.complete("jia1", task_of(town, "jia1", case), "提交", RECORD)
    return case


def passed(town: World) -> str:
    case = handed_in(town)
    town.complete("jia-shuji", task_of(town, "jia-shuji", case), "通过", {"label": "54"})
    return case


def who_sees(town: World, case: str) -> set[str]:
    """Of these, who may read the case; lists and words agree with the case itself."""
    people = ("jia1", "jia-shuji", "yi1", "dongjie1", "xuncha-s1", "guancha1", "lingdao1", "ding1")
    found = {by for by in people if town.get(by, f"/cases/{case}").status_code == 200}
    asked = {"filter": {"process": "face_to_face", "words": "楼道堆物"}}
    listed = {by for by in people if town.post(by, "/cases/search", asked).json["items"]}
    assert listed == found
    return found


@pytest.mark.requirement("BS-091", "BS-092", "BS-100", "BS-101", "BS-104")
def test_a_draft_is_its_authors_the_secretary_reviews_it_and_all_others_see_what_passed(town: World) -> None:
    case = recorded(town)
    assert who_sees(town, case) == {"jia1"}

    town.complete("jia1", task_of(town, "jia1", case), "提交", RECORD)
    assert who_sees(town, case) == {"jia1", "jia-shuji"}
    town.complete(
        "jia-shuji", task_of(town, "jia-shuji", case), "退回", {"label": "54"}, opinion="请写明几层"
    )
    assert who_sees(town, case) == {"jia1", "jia-shuji"}
    town.complete("jia1", task_of(town, "jia1", case), "提交", RECORD)
    town.complete("jia-shuji", task_of(town, "jia-shuji", case), "通过", {"label": "54"})

    assert who_sees(town, case) == EVERYBODY
    town.complete("jia-shuji", task_of(town, "jia-shuji", case), "归档")
    assert who_sees(town, case) == EVERYBODY


@pytest.mark.requirement("BS-088", "BS-089", "BS-090")
def test_the_author_alone_changes_and_deletes_a_draft(town: World) -> None:
    case = recorded(town)
    task = task_of(town, "jia1", case)
    body = {"outcome": "删除", "answers": RECORD, "opinion": "重复"}

    refused = [
        town.post(by, f"/tasks/{task['id']}/complete", body, seen=1)
        for by in ("yi1", "jia-shuji", "guancha1")
    ]
    deleted = town.post("jia1", f"/tasks/{task['id']}/complete", body, seen=1)

    assert [each.status_code for each in refused] == [404, 404, 404]
    assert (deleted.status_code, town.case(case)["status"]) == (200, "已删除")
    assert who_sees(town, case) == {"jia1"}


def test_nobody_reviews_an_own_record(town: World) -> None:
    town.appoint("jia1", "secretary", "d1-s1-c1")
    case = handed_in(town)
    task = task_of(town, "jia-shuji", case)

    answer = town.post(
        "jia1",
        f"/tasks/{task['id']}/complete",
        {"outcome": "通过", "answers": {"label": "54"}},
        seen=task["revision"],
    )

    assert answer.status_code in (403, 409), answer.json
    assert town.case(case)["status"] == "待审核"
    for by in ("guancha1", "lingdao1", "jia-shuji", "jumin1"):
        body = {"process": "face_to_face", "title": "x", "placeUnit": "d1-s1-c1", "answers": RECORD}
        assert town.post(by, "/cases", body).status_code in (403, 404)


@pytest.mark.requirement("BS-093", "BS-094", "BS-095")
def test_a_problem_of_a_record_is_tracked_with_the_resident_whom_it_is_about(town: World) -> None:
    case = handed_in(town, reporter="jumin1")
    town.complete("jia-shuji", task_of(town, "jia-shuji", case), "通过", {"label": "54"})

    told = {"problem": "四层灯不亮。", "label": "21"}
    town.complete("jia-shuji", task_of(town, "jia-shuji", case), "转问题跟踪", told)

    (problem,) = town.rows(worlds.cases, process_key="problem_tracking")
    assert (problem["data"]["channel"], problem["data"]["content"], problem["data"]["label"]) == (
        "面对面",
        "四层灯不亮。",
        "21",
    )
    assert problem["reporter_id"] == town.actor("jumin1").id
    assert town.case(case)["status"] == "通过"
    town.complete("jia-shuji", task_of(town, "jia-shuji", case), "归档")
    assert town.case(case)["state"] == "closed"


@pytest.mark.requirement("BS-096", "BS-097", "BS-102", "BS-103")
def test_records_are_found_by_kind_status_and_words_and_counted_once_they_are_seen(town: World) -> None:
    first = passed(town)
    recorded(town, answers={**RECORD, "kind": "接待"})
    day = town.now().date()

    def found(by: str, **filter: Any) -> list[str]:
        asked = {"filter": {"process": "face_to_face", **filter}}
        return [each["id"] for each in town.post(by, "/cases/search", asked).json["items"]]

    assert found("guancha1", facts={"kind": "走访"}) == [first]
    assert found("guancha1", facts={"kind": "接待"}) == []
    assert len(found("jia1", facts={"kind": "接待"})) == 1
    assert found("yi1", status="通过", words="堆物") == [first]
    assert found("jia1", status="草稿", place="d1-s1") != []
    report = f"/reports/face_to_face?from={day}&to={day}&period=received&by=place"
    groups = town.get("guancha1", report).json["groups"]
    assert [(each["by"]["place"]["name"], each["numbers"]["visits"]["value"]) for each in groups] == [
        ("甲社区", 1)
    ]


@pytest.mark.requirement("BS-098")
def test_whoever_has_an_account_is_written_to_and_answers_and_nobody_else(town: World) -> None:
    case, other = handed_in(town, reporter="jumin1"), handed_in(town)
    letters, mine = f"/cases/{case}/letters", f"/my/cases/{case}/letters"
    assert town.post("jumin1", mine, {"text": "有人吗"}).json["type"].endswith("nothing-to-answer")

    sent = town.post("jia1", letters, {"text": "楼道清理了，请看看。电话 13800000000"})

    assert sent.status_code == 201, sent.json
    (told,) = town.get("jumin1", "/notices?class=letter").json["items"]
    assert (told["case"], told["by"]) == (case, town.actor("jia1").name)
    (read,) = town.get("jumin1", mine).json["items"]
    assert read["text"].startswith("楼道清理了")
    assert "13800000000" not in read["text"]
    whole = town.get("jumin1", f"/my/cases/{case}")
    assert "五层楼道堆物" not in whole.text, "the record itself is the committee's"
    assert town.post("jumin1", mine, {"text": "看到了"}).status_code == 201
    assert [each["class"] for each in town.get("jia1", "/notices?class=letter").json["items"]] == ["letter"]
    thread = town.get("jia-shuji", letters).json
    assert ([each["kind"] for each in thread["items"]], thread["mayWrite"]) == (["letter", "answer"], True)
    assert town.get("jia1", f"/cases/{case}/notes").json["items"] == []
    refused = town.post("jia1", f"/cases/{other}/letters", {"text": "您好"})
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "not-reached")
    assert town.get("jia1", f"/cases/{other}/letters").json["mayWrite"] is False
    assert [town.get(by, mine).status_code for by in ("jumin2", "jumin4")] == [404, 404]
    assert [town.post(by, letters, {"text": "x"}).status_code for by in ("guancha1", "yi1")] == [404, 404]


@pytest.mark.requirement("BS-105")
def test_each_act_upon_records_is_refused_to_the_wrong_role_and_without_a_login(town: World) -> None:
    body = {"process": "face_to_face", "title": "x", "placeUnit": "d1-s1-c1", "answers": RECORD}
    draft, waits, kept = handed_in(town), handed_in(town), passed(town)
    back = task_of(town, "jia-shuji", draft)
    town.complete("jia-shuji", back, "退回", {"label": "54"}, opinion="请写明几层")  # now she sees the draft
    hands = [("jia1", draft), ("jia-shuji", waits), ("jia-shuji", kept)]
    at = {case: f"/tasks/{task_of(town, by, case)['id']}" for by, case in hands}
    day = town.now().date()
    acts: list[tuple[str, str, Row | None, tuple[str, ...]]] = [
        ("post", "/cases", body, ("jia-shuji", "lingdao1", "jumin1")),
        ("put", f"{at[draft]}/draft", {"answers": RECORD}, ("jia-shuji", "jumin1")),
        *(
            ("post", f"{at[draft]}/complete", finished(how), ("jia-shuji", "jumin1"))
            for how in ("提交", "删除")
        ),
        *(("post", f"{at[waits]}/complete", finished(how), ("jia1", "jumin1")) for how in ("通过", "退回")),
        *(
            ("post", f"{at[kept]}/complete", finished(how), ("jia1", "yi1", "guancha1", "jumin1"))
            for how in ("归档", "转问题跟踪")
        ),
        ("post", f"/cases/{kept}/letters", {"text": "x"}, ("guancha1", "lingdao1", "jumin1")),
        ("post", "/cases/search", {"filter": {"process": "face_to_face"}}, ("jumin1",)),
        ("get", f"/reports/face_to_face?from={day}&to={day}&period=received", None, ("jumin1",)),
    ]

    for verb, path, given, wrong in acts:
        for by in wrong:
            ask = {"post": town.post, "put": town.put}.get(verb)
            answer = ask(by, path, given, seen=1) if ask is not None else town.get(by, path)
            assert answer.status_code == 403, (path, by, answer.json)
        nobody = town.app.test_client().open(f"/api/v1{path}", method=verb.upper(), json=given)
        assert nobody.status_code == 401, path

    assert [town.case(case)["status"] for case in (draft, waits, kept)] == ["草稿", "待审核", "通过"]


def finished(how: str) -> Row:
    return {"outcome": how, "answers": {"label": "54"}, "opinion": "x"}


def test_an_incident_of_a_sealed_record_is_told_to_those_above(town: World) -> None:
    case = recorded(town)
    town.change(worlds.people, town.actor("jia-shuji").id, state="disabled")

    town.complete("jia1", task_of(town, "jia1", case), "提交", RECORD)

    (incident,) = town.get("liucheng1", "/incidents").json["items"]
    assert incident["kind"] == "pool-empty"


def test_what_the_key_names_must_be_drawn() -> None:
    files = dict(worlds.shipped("face_to_face").files)
    files["process.yaml"] = files["process.yaml"].replace(
        "[通过, 归档] ".encode(), "[通过了, 归档] ".encode()
    )

    found = [
        each
        for each in check_files(BundleFiles("face_to_face", files)).findings
        if each.rule.startswith("above")
    ]

    assert [(each.rule, "没有" in each.zh or "不是图中的状态" in each.zh) for each in found] == [
        ("above-sees-unknown", True)
    ]
