"""随手拍 as it is shipped, over HTTP: what a citizen, the district and a street may do, and may not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.categories import importing
from app.categories.category_file import read_categories
from app.core import config, db
from app.core.clock import BEIJING
from app.identity.actor import SYSTEM
from tests import world as worlds
from tests.files import MADE, form
from tests.processes.conftest import BPMN
from tests.world import Row, World

EAST, WEST, OUTSIDE = (
    {"lng": 103.02, "lat": 40.41},
    {"lng": 103.05, "lat": 40.41},
    {"lng": 116.4, "lat": 39.9},
)
TABLE = (BPMN / "_categories" / "snap_indicators.yaml").read_bytes()
RATING = {"solved": "已解决", "satisfied": "满意", "efficiency": "很快"}


@pytest.fixture
def town(database: db.Database, tmp_path: Path) -> Iterator[World]:
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    made = worlds.build(database, worlds.shipped("snap_report"))
    with db.transaction() as session:
        importing.import_file(session, SYSTEM, read_categories("snap_indicators.yaml", TABLE))
    yield made
    config.use(before)


def brought(town: World, by: str, made: str, name: str) -> str:
    headers = {"Content-Type": "multipart/form-data; boundary=b0undary"}
    answer = town.post(by, "/my/attachments", form([("file", name, MADE[made]())]), headers=headers)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def snap(town: World, by: str = "jumin1", **answers: Any) -> Any:
    """What a citizen of 甲社区 sends: a full dustbin in 西街道, unless told otherwise."""
    photo = brought(town, by, "jpeg", "现场.jpg")
    usual = {"photos": [photo], "place": WEST, "area": "02", "content": "垃圾桶脏污满冒"}
    body = {"process": "snap_report", "title": "垃圾桶", "answers": {**usual, **answers}}
    return town.post(by, "/my/cases", body)


def refused(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.json
    return {each["pointer"].rpartition("/")[2]: each["code"] for each in answer.json["errors"]}


def task_of(town: World, by: str, case: str) -> Row | None:
    return next((row for row in town.inbox(by) if row["case_id"] == case), None)


def handled(town: World, case: str) -> Row:
    """The street brings a photo of what it did and reports; returns the photo."""
    task = task_of(town, "xijie2", case)
    assert task is not None
    headers = {"Content-Type": "multipart/form-data; boundary=b0undary"}
    parts = [("task", None, task["id"].encode()), ("file", "整改后.jpg", MADE["jpeg"]())]
    after = town.post("xijie2", f"/cases/{case}/attachments", form(parts), headers=headers).json
    town.complete("xijie2", task, "报结", {"result": "已清运", "rectified": [after["id"]]})
    return after


@pytest.mark.requirement("HD-001", "HD-009", "HD-010")
def test_a_snap_lies_where_it_was_taken_is_reviewed_by_the_district_and_goes_to_that_street_alone(
    town: World,
) -> None:
    case = snap(town).json

    assert (case["placeUnit"], case["status"]) == ("d1-s2-c1", "待审核")  # he lives in d1-s1-c1
    review = task_of(town, "paiqian1", case["id"])
    assert review is not None
    assert task_of(town, "xijie2", case["id"]) is None
    body = {"outcome": "通过", "answers": {}}
    for who, status in (("xijie2", 403), ("guancha1", 403), ("dongjie1", 404), ("jumin1", 403)):
        answer = town.post(who, f"/tasks/{review['id']}/complete", body, seen=review["revision"])
        assert answer.status_code == status, who
    town.complete("paiqian1", review, "通过")
    assert task_of(town, "xijie2", case["id"]) is not None
    assert task_of(town, "dongjie1", case["id"]) is None
    assert town.get("dongjie1", f"/cases/{case['id']}").status_code == 404
    assert town.get("xijie2", f"/cases/{case['id']}").json["data"]["place"] == WEST


@pytest.mark.requirement("HD-003", "HD-004", "HD-005", "HD-017")
def test_a_snap_needs_photos_a_position_and_words_or_a_voice_and_lies_in_public_space(town: World) -> None:
    text, voice = brought(town, "jumin1", "gbk", "说明.txt"), brought(town, "jumin1", "mp3", "描述.mp3")

    assert refused(snap(town, photos=[])) == {"photos": "required"}
    assert refused(snap(town, photos=[text])) == {"photos": "attachment-kind"}
    assert refused(snap(town, place=None)) == {"place": "required"}
    assert refused(snap(town, place=OUTSIDE)) == {"place": "point-outside"}
    assert refused(snap(town, content="")) == {"content": "required"}
    indoors = snap(town, area="01", stairwell=True)
    assert refused(indoors) == {"stairwell": "not-accepted"}
    assert "楼道内的不受理" in indoors.json["errors"][0]["message"]
    spoken = snap(town, content="", voice=[voice])
    assert spoken.status_code == 201, spoken.json
    heard = town.get("paiqian1", f"/attachments/{voice}")
    assert (heard.status_code, heard.mimetype) == (200, "audio/mpeg")


@pytest.mark.requirement("HD-018", "HD-019")
def test_there_are_two_indicators_in_estates_and_ten_in_public_space_and_a_snap_has_one_of_its_area(
    town: World,
) -> None:
    def names(parent: str) -> list[str]:
        found = town.get("jumin1", f"/categories/snap_indicators?parent={parent}").json["items"]
        return [row["name"] for row in found]

    assert names("01") == ["卫生死角", "垃圾乱堆乱放"]
    assert names("02") == [
        "公共区域清扫保洁不到位",
        "喷涂张贴小广告",
        "垃圾桶脏污满冒周边不洁",
        "公共绿地环境卫生",
        "水面漂浮物",
        "浮土扬尘",
        "快递占道分拣",
        "沿街晾晒",
        "车辆占压盲道",
        "非机动车乱停放",
    ]
    assert refused(snap(town, area="01", stairwell=False, indicator="0203")) == {
        "indicator": "category-not-selectable"
    }
    assert refused(snap(town, indicator="02")) == {"indicator": "category-not-selectable"}
    assert refused(snap(town, indicator=["0203", "0204"])) == {"indicator": "not-a-code"}


@pytest.mark.requirement("HD-002", "HD-020")
def test_an_indicator_is_proposed_added_and_ended_as_data_and_old_snaps_keep_theirs(town: World) -> None:
    proposed = snap(town).json["id"]
    chosen = snap(town, indicator="0204").json["id"]
    before = town.post("jumin1", "/categories/snap_indicators/suggest", {"text": "垃圾桶脏污满冒"}).json[
        "suggestion"
    ]
    changed = TABLE.decode().replace(
        '{code: "0203", name: 垃圾桶脏污满冒周边不洁, keywords: [垃圾桶, 满冒, 满溢, 脏污]}',
        '{code: "0211", name: 路面破损}',
    )
    renamed = next(line for line in changed.splitlines() if '"0204"' in line)
    name = renamed.partition("name: ")[2].partition(",")[0].rstrip("} ")
    changed = changed.replace(name, "新的叫法")

    with db.transaction() as session:
        importing.import_file(session, SYSTEM, read_categories("snap_indicators.yaml", changed.encode()))
    town.wait(minutes=1)

    def kept(case: str) -> Row:
        return dict(town.get("paiqian1", f"/cases/{case}").json["data"])

    asked = {"text": "垃圾桶脏污满冒"}
    offered = town.post("jumin1", "/categories/snap_indicators/suggest", asked).json["suggestion"]
    nothing = town.post("jumin1", "/categories/snap_indicators/suggest", {"text": "路灯不亮"}).json
    assert (before["code"], before["words"][0]) == ("0203", "垃圾桶")  # before he files, while it held
    assert (offered, nothing["suggestion"]) == (None, None)
    assert (kept(proposed)["indicator"], kept(proposed)["suggested_indicator"]) == ("0203", "0203")
    assert (kept(chosen)["indicator"], kept(chosen)["suggested_indicator"]) == ("0204", "0203")
    assert kept(proposed)["indicator_name"].endswith("垃圾桶脏污满冒周边不洁")
    assert refused(snap(town, indicator="0203")) == {"indicator": "category-not-selectable"}
    assert snap(town, indicator="0211").status_code == 201
    later = snap(town, indicator="0204").json["id"]
    assert kept(later)["indicator_name"].endswith("新的叫法")
    assert kept(chosen)["indicator_name"].endswith(name), "old ones are called what they were"


@pytest.mark.requirement("HD-011", "HD-012", "HD-013", "HD-014", "HD-015")
def test_the_street_shows_what_it_did_the_district_closes_and_the_citizen_alone_says_what_he_thinks(
    town: World,
) -> None:
    case = snap(town).json["id"]
    review = task_of(town, "paiqian1", case)
    assert review is not None
    task = town.complete("paiqian1", review, "通过").opened[0]
    bare = town.post(
        "xijie2",
        f"/tasks/{task['id']}/complete",
        {"outcome": "报结", "answers": {"result": "已清运"}},
        seen=task["revision"],
    )
    assert "rectified" in refused(bare)
    after = handled(town, case)

    check = task_of(town, "shenhe1", case)
    assert check is not None
    assert task["due_at"] is not None
    body = {"outcome": "结案", "answers": {}}
    by_street = town.post("xijie2", f"/tasks/{check['id']}/complete", body, seen=check["revision"])
    assert by_street.status_code == 403
    unseen = {each["name"] for each in town.get("jumin1", f"/my/cases/{case}").json["data"]}
    town.complete("shenhe1", check, "结案")

    mine = town.get("jumin1", f"/my/cases/{case}").json
    assert {"name": "result", "label": "处置结果", "value": "已清运"} in mine["data"]
    assert "result" not in unseen  # nobody had checked it yet
    listed = town.get("jumin1", f"/my/cases/{case}/attachments").json["items"]
    assert [row["uploaderName"] for row in listed if row["id"] == after["id"]] == ["工作人员"]
    assert town.get("jumin1", f"/my/attachments/{after['id']}").status_code == 200
    assert town.get("jumin3", f"/my/attachments/{after['id']}").status_code == 404
    assert town.get("jumin3", f"/my/cases/{case}").status_code == 404
    assert refused(town.post("jumin1", f"/my/cases/{case}/rate", {"answers": {"solved": "已解决"}})) == {
        "satisfied": "required",
        "efficiency": "required",
    }
    assert town.post("jumin3", f"/my/cases/{case}/rate", {"answers": RATING}).status_code == 404
    assert town.post("jumin1", f"/my/cases/{case}/rate", {"answers": RATING}).json["status"] == "已评价"
    day = town.now().astimezone(BEIJING).date().isoformat()
    asked = f"/reports/snap_report?from={day}&to={day}&period=received"
    told = {
        name: (each["numerator"], each["denominator"])
        for name, each in town.get("duban1", asked).json["total"].items()
    }
    for name in ("accepted_rate", "on_time_rate", "first_pass_rate", "rated_rate", "solved_rate"):
        assert told[name] == (1, 1), name
    again = town.post("jumin1", f"/my/cases/{case}/rate", {"answers": RATING})
    assert again.json["type"] == "/problems/already-rated"


def test_why_a_snap_was_not_taken_is_read_by_who_sent_it(town: World) -> None:
    case = snap(town).json["id"]
    review = task_of(town, "paiqian1", case)
    assert review is not None

    answers = {"decline_why": "问题不存在", "decline_note": "现场已查看"}
    town.complete("paiqian1", review, "不受理", answers, "现场已查看")

    mine = town.get("jumin1", f"/my/cases/{case}").json
    told = {each["name"]: each["value"] for each in mine["data"]}
    assert (mine["status"], told["decline_why"], told["decline_note"]) == (
        "不受理",
        "问题不存在",
        "现场已查看",
    )
