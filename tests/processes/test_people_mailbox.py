"""人民信箱 as it is shipped, over HTTP: who writes, what becomes of a letter, who reads and counts it."""

from typing import Any

import pytest

from app.categories import importing
from app.categories.category_file import read_categories
from app.core import db
from app.exchange import parking
from app.identity.actor import SYSTEM
from tests import world as worlds
from tests.processes.conftest import BPMN
from tests.world import Row, World

LABELS = (BPMN / "_categories" / "community_labels.yaml").read_bytes()
LETTER = {"title": "楼前积水", "answers": {"area": "2", "label": "26", "content": "一下雨就积水。"}}


@pytest.fixture
def town(database: db.Database) -> World:
    made = worlds.build(database, worlds.shipped("problem_tracking"), worlds.shipped("people_mailbox"))
    with db.transaction() as session:
        importing.import_file(session, SYSTEM, read_categories("community_labels.yaml", LABELS))
    return made


def resident_writes(town: World, by: str = "jumin1", title: str = "楼前积水", **answers: Any) -> Any:
    body = {**LETTER, "title": title, "answers": {**LETTER["answers"], **answers}}  # type: ignore[dict-item]
    return town.post(by, "/my/cases", {"process": "people_mailbox", **body})


def worker_writes(town: World, by: str = "jia1", place: str = "d1-s1-c1", **answers: Any) -> Any:
    body = {**LETTER, "answers": {**LETTER["answers"], **answers}}  # type: ignore[dict-item]
    return town.post(by, "/cases", {"process": "people_mailbox", "placeUnit": place, **body})


def mine(town: World, by: str, asked: str = "") -> list[Row]:
    items: list[Row] = town.get(by, f"/my/cases{asked}").json["items"]
    return items


def codes(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.json
    return {each["pointer"].rpartition("/")[2]: each["code"] for each in answer.json["errors"]}


@pytest.mark.requirement("BS-001", "BS-002", "BS-006", "BS-009", "BS-012", "BS-026", "BS-036")
def test_a_letter_is_a_problem_at_once_which_its_writer_follows_and_rates(town: World) -> None:
    letter = resident_writes(town).json

    (problem,) = mine(town, "jumin1", "?process=problem_tracking")
    assert (letter["status"], letter["state"]) == ("未回应", "active")
    assert (problem["title"], problem["status"]) == ("楼前积水", "未回应")
    (task,) = [row for row in town.inbox("jia1") if row["case_id"] == problem["id"]]
    assert town.case(problem["id"])["data"]["channel"] == "人民信箱"
    town.complete("jia1", task, "回应", {"reply": "今天就去看。"})
    parking.deliver_due()
    assert {each["status"] for each in mine(town, "jumin1")} == {"处理中"}, "the letter and its problem"
    (task,) = [row for row in town.inbox("jia1") if row["case_id"] == problem["id"]]
    town.complete("jia1", task, "已解决", {"way": "线下", "measure": "疏通", "result": "已疏通"})
    rated = town.post("jumin1", f"/my/cases/{problem['id']}/rate", {"answers": {"stars": 5}})
    assert (rated.status_code, rated.json["state"]) == (200, "closed")
    revoked = town.post("jumin1", f"/my/cases/{letter['id']}/revoke", {"reason": "好了"})
    assert revoked.status_code == 409, "what came of it is under way"
    parking.deliver_due()
    whole = town.get("jumin1", f"/my/cases/{letter['id']}").json
    shown = {each["name"]: each["value"] for each in whole["data"]}
    assert (whole["status"], whole["state"], shown["result"]) == ("已解决", "closed", "已疏通")


@pytest.mark.requirement("BS-004", "BS-005", "BS-007", "BS-014", "BS-017", "BS-018", "BS-019", "BS-020")
def test_a_resident_chooses_one_sub_label_and_a_committee_several_of_one_label(town: World) -> None:
    assert codes(resident_writes(town, label_2="25")) == {"label_2": "field-not-applicable"}
    assert codes(resident_writes(town, label="54")) == {"label": "category-not-selectable"}
    assert codes(resident_writes(town, area="26")) == {"area": "category-not-selectable"}
    assert codes(resident_writes(town, label=["25", "26"])) == {"label": "not-a-code"}
    assert codes(worker_writes(town, label_2="54")) == {"label_2": "category-not-selectable"}

    several = worker_writes(town, label_2="25", label_3="21")

    assert several.status_code == 201
    held = town.case(several.json["case"]["id"])["data"]
    assert [held[name] for name in ("area", "label", "label_2", "label_3")] == ["2", "26", "25", "21"]


@pytest.mark.requirement("BS-010", "BS-022", "BS-023", "BS-025")
def test_own_letters_are_found_by_words_of_title_and_content(town: World) -> None:
    resident_writes(town)
    resident_writes(town, title="路灯不亮", label="21", content="东门的路灯坏了。")
    resident_writes(town, "jumin2", title="楼前积水")
    filed = worker_writes(town).json["case"]

    assert [each["title"] for each in mine(town, "jumin1", "?process=people_mailbox&words=东门")] == [
        "路灯不亮"
    ]
    assert len(mine(town, "jumin1", "?words=积水")) == 2, "the letter and the problem it became"
    asked = {"filter": {"process": "people_mailbox", "words": "积水", "source": "staff"}}
    found = town.post("jia1", "/cases/search", asked).json["items"]
    assert [each["id"] for each in found] == [filed["id"]]
    (link,) = town.get("jia1", f"/cases/{filed['id']}/links").json["items"]
    course = town.get("jia1", f"/cases/{link['case']['id']}/timeline").json["items"]
    assert any("起因于" in event["text"] for line in course for event in line["events"])


@pytest.mark.requirement("BS-028")
@pytest.mark.parametrize("by", ["guancha1", "xuncha-s1", "jia-shuji"])
def test_who_only_observes_writes_no_letter(town: World, by: str) -> None:
    before = len(town.rows(worlds.cases))

    answer = worker_writes(town, by)

    assert answer.status_code in (403, 404), answer.json
    assert len(town.rows(worlds.cases)) == before


def test_a_letter_stays_in_its_community(town: World) -> None:
    letter = worker_writes(town).json["case"]

    assert town.get("ding1", f"/cases/{letter['id']}").status_code == 404
    assert town.get("jumin2", f"/my/cases/{letter['id']}").status_code == 404
    assert worker_writes(town, "ding1").status_code == 422, "another community's"
    assert town.get("guancha1", f"/cases/{letter['id']}").status_code == 200


@pytest.mark.requirement("BS-015", "BS-029", "BS-030", "BS-031", "BS-032")
def test_letters_are_counted_by_place_and_label_down_to_each_of_them(town: World) -> None:
    resident_writes(town)
    resident_writes(town, label="21")
    resident_writes(town, "jumin4", area="5", label="51")
    day = town.now().date()
    asked = f"/reports/people_mailbox?from={day}&to={day}&period=received"

    streets = town.get("guancha1", f"{asked}&by=place&unitTier=street").json
    labels = town.get("guancha1", f"{asked}&by=category,place&categoryLevel=1&unitTier=street").json
    behind = asked.replace("/people_mailbox?", "/people_mailbox/cases?")
    listed = town.get("guancha1", f"{behind}&by=place&group=d1-s2-c1&measure=letters").json

    assert {
        each["by"]["place"]["name"]: each["numbers"]["letters"]["value"] for each in streets["groups"]
    } == {
        "东街道": 2,
        "西街道": 1,
    }
    assert streets["total"]["letters"]["value"] == 3
    assert [each["numbers"]["letters"]["share"] for each in streets["groups"]] == [66.67, 33.33]
    assert {
        (each["by"]["category"]["name"], each["by"]["place"]["name"]): each["numbers"]["letters"]["value"]
        for each in labels["groups"]
    } == {("建设管理", "东街道"): 2, ("社区建设", "西街道"): 1}
    assert [each["unit"] for each in listed["items"]] == ["d1-s2-c1"]
