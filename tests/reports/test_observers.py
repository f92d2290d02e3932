"""观察员: sees counts level by level, finds by section, type, state, period and words, keeps own marks."""

from typing import Any

import pytest

from app.core import db
from tests import world as worlds
from tests.categories.conftest import SMALL, load
from tests.reports.conftest import TREES
from tests.reports.test_measures import House, measured

EYE = "guancha1"


@pytest.fixture
def house(database: db.Database) -> House:
    world = worlds.build(database, measured(), worlds.shipped("side_assist"))
    load(SMALL)
    return House(world.database)


def found(house: House, **given: Any) -> list[str]:
    """The numbers of the cases that an observer's search finds."""
    answer = house.post(EYE, "/cases/search", {"filter": given})
    assert answer.status_code == 200, answer.json
    return sorted(each["title"] for each in answer.json["items"])


@pytest.mark.requirement("BS-083", "BS-282")
def test_an_observer_counts_level_by_level_and_a_count_opens_its_cases(house: House) -> None:
    for place in ("d1-s1-c1", "d1-s1-c2", "d1-s1-c2", "d1-s2-c1"):
        house.file(place_unit=place)
    house.order(place_unit="d1-s1-c2")

    def level(tier: str, **more: str) -> dict[str, tuple[int, float]]:
        answer = house.measured(who=EYE, by="place", unitTier=tier, period="received", **more).json
        numbers = {each["by"]["place"]["key"]: each["numbers"]["all"] for each in answer["groups"]}
        return {key: (each["numerator"], each["share"]) for key, each in numbers.items()}

    assert level("district") == {"d1": (5, 100.0)}
    assert level("street") == {"d1-s1": (4, 80.0), "d1-s2": (1, 20.0)}
    assert level("community", within="d1-s1") == {"d1-s1-c1": (1, 25.0), "d1-s1-c2": (3, 75.0)}
    assert level("community", within="d1-s1", where="status:待签收") == {"d1-s1-c2": (1, 100.0)}
    states = house.measured(who=EYE, by="status", within="d1-s1", period="received").json["groups"]
    told = {each["by"]["status"]["key"]: each["numbers"]["all"]["numerator"] for each in states}
    assert told == {"待派遣": 3, "待签收": 1}
    for status, count in told.items():
        which = {"where": f"status:{status}", "within": "d1-s1", "period": "received"}
        assert len(house.measured("/cases", who=EYE, measure="all", **which).json["items"]) == count
    assert house.measured(who=EYE, within="d9").status_code == 422
    assert house.measured(who=EYE, where="status").status_code == 422


@pytest.mark.requirement("BS-254", "BS-255", "BS-256", "BS-257")
def test_an_observer_finds_across_the_levels_by_section_type_state_period_and_words(house: House) -> None:
    house.file(title="幸福里路灯不亮", place_unit="d1-s1-c2")
    house.wait(days=3)
    house.file(title="幸福里井盖丢失", place_unit="d1-s2-c1")
    house.order(category=TREES, title="小区大树倾斜")
    day = house.now().date().isoformat()

    assert found(house, process="work_order_12345") == ["小区大树倾斜", "幸福里井盖丢失", "幸福里路灯不亮"]
    assert found(house, process="side_assist") == []
    assert found(house, status="待签收") == ["小区大树倾斜"]
    assert found(house, words="幸福里") == ["幸福里井盖丢失", "幸福里路灯不亮"]
    assert found(house, words="幸福里", receivedAt={"$gte": day}) == ["幸福里井盖丢失"]
    assert found(house, words="幸福里", place="d1-s1", status="待派遣") == ["幸福里路灯不亮"]
    inverted = {"receivedAt": {"$gte": day, "$lt": "2020-01-01"}}
    assert house.post(EYE, "/cases/search", {"filter": inverted}).status_code == 422


@pytest.mark.requirement("BS-262", "BS-263")
def test_an_observer_follows_and_keeps_a_case_for_himself_alone(house: House) -> None:
    case = house.file().case["id"]
    before = house.case(case)["revision"]

    assert house.post(EYE, f"/cases/{case}/follow", {}).status_code == 200
    assert house.post(EYE, f"/cases/{case}/favourite", {}).status_code == 200

    def listed(view: str, who: str = EYE) -> list[str]:
        return [each["case"] for each in house.get(who, f"/tasks?view={view}").json["items"]]

    assert (listed("followed"), listed("favourite")) == ([case], [case])
    assert listed("followed", "duban1") == []
    assert house.case(case)["revision"] == before
    assert house.delete(EYE, f"/cases/{case}/favourite").status_code == 200
    assert (listed("followed"), listed("favourite")) == ([case], [])
