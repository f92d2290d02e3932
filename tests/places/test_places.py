"""The map of places over HTTP, and the lines of _org.yaml that put a unit on it."""

from typing import Any

import pytest
from sqlalchemy import update

from app.cases.models import incidents
from app.categories import importing
from app.core import db
from app.core.config import settings
from app.identity.models import units
from app.identity.org_file import OrgRefused, read_org
from tests import world as worlds
from tests.world import World

STATIONS = ["甲社区文明实践站", "乙社区文明实践站", "丁社区文明实践站"]


@pytest.fixture
def town(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped("resident_request"))


def found(town: World, query: str, by: str = "jumin1") -> list[str]:
    answer = town.get(by, f"/places{query}")
    assert answer.status_code == 200, answer.json
    return [each["name"] for each in answer.json["items"]]


@pytest.mark.requirement("XC-056")
def test_residents_find_all_places_on_the_map_and_open_one(town: World) -> None:
    every = town.get("jumin1", "/places").json["items"]
    one = town.get("jumin1", "/places/d1-wm-s1")

    assert [each["kind"] for each in every].count("practice_station") == 3
    assert {"practice_centre", "practice_institute", "practice_base"} < {each["kind"] for each in every}
    assert all(set(each["point"]) == {"lng", "lat"} for each in every)
    assert (one.json["name"], one.json["phone"]) == ("东街道文明实践所", "0000-0000002")
    assert one.json["point"] == {"lng": 103.035, "lat": 40.42}
    assert town.get("jumin1", "/places/d1-s1").status_code == 404  # no place: a street has no point


@pytest.mark.requirement("XC-057")
def test_places_are_found_by_words_kind_box_and_nearness(town: World) -> None:
    assert found(town, "?q=甲社区") == ["甲社区文明实践站"]
    assert found(town, "?q=科技馆") == ["科普实践基地"]  # by its address
    assert found(town, "?q=没有这个站") == []
    assert sorted(found(town, "?kind=practice_station", by="guancha1")) == sorted(STATIONS)
    assert found(town, "?bbox=103.032,40.41,103.036,40.422") == ["东街道文明实践所"]
    near = town.get("jumin1", "/places?near=103.0201,40.41&kind=practice_station&limit=2").json
    assert [each["name"] for each in near["items"]] == STATIONS[:2]
    assert near["items"][0]["metres"] < 20 < near["items"][1]["metres"]
    assert (near["page"]["next"], town.get("jumin1", "/places?bbox=1,2,3").status_code) == (None, 422)


def test_places_come_in_pages(town: World) -> None:
    first = town.get("jumin1", "/places?kind=practice_station&limit=2").json

    rest = town.get("jumin1", f"/places?kind=practice_station&limit=2&after={first['page']['next']}").json

    assert [each["name"] for each in (*first["items"], *rest["items"])] == STATIONS
    assert rest["page"]["next"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("point: [200, 40]", "point（位置）应写成经纬度"),
        ("phone: 打前台", "phone（电话）只写数字"),
        ("adress: 一号", "是不是“address”？"),
    ],
)
def test_a_wrong_place_in_the_file_is_told_with_its_line(line: Any, said: str) -> None:
    file = f"name: 区\nroles: {{}}\nunits:\n  - {{code: d1, name: 区, tier: district, {line}}}\n"

    with pytest.raises(OrgRefused) as refused:
        read_org(file.encode())

    assert refused.value.findings[0][0] == 4
    assert said in refused.value.findings[0][1]


def test_a_case_that_no_unit_of_the_kind_serves_stops_with_what_is_missing(town: World) -> None:
    town.publish(worlds.shipped("civic_practice"))
    with db.transaction() as session:
        importing.load_folder(session, settings().bpmn_dir)
        session.execute(update(units).where(units.c.kind == "practice_centre").values(kind="closed"))
    answers = {"order_kind": "需求点单", "content": "想学书法", "category": "02"}

    stopped = town.post(
        "jumin1", "/my/cases", {"process": "civic_practice", "title": "书法", "answers": answers}
    )

    assert stopped.json["type"] == "/problems/process-stopped"
    (incident,) = town.rows(incidents)
    assert "没有“practice_centre”这一类的单位" in incident["error"] + str(incident["explanation"])
