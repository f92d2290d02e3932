"""定期启动: the calendar files a case once for each period, whatever became of the worker."""

from datetime import UTC, datetime

import pytest

from app.cases.models import cases, incidents
from app.core import db
from app.schedules import service, starting
from app.schedules.models import schedules
from tests import world as worlds
from tests.world import Row, World

NAME = "typical_cases-monthly"


@pytest.fixture
def town(world: World) -> World:
    """It is the second of March; the schedule is known and due on the first of April."""
    world.publish(worlds.shipped("typical_cases"))
    now = world.now()
    world.wait(seconds=(datetime(now.year + 1, 3, 2, 1, tzinfo=UTC) - now).total_seconds())
    starting.look()
    return world


def filed(world: World) -> list[Row]:
    return world.rows(cases, process_key="typical_cases")


def test_the_calendar_files_a_case_when_its_day_comes_and_once_a_month_then(town: World) -> None:
    before = service.run_due(), filed(town)
    town.wait(days=30)
    service.run_due()
    service.run_due()
    town.wait(days=1)
    service.run_due()

    year = town.now().year
    (case,) = filed(town)
    assert before[1] == []
    assert (case["title"], case["data"]["period"]) == (f"随手拍典型案例（{year}-03）", f"{year}-03")
    assert (case["source"], case["external_no"]) == ("schedule", f"{NAME}@{year}-04-01")
    assert (case["place_unit"], case["reporter_id"]) == ("d1", None)
    told = town.get("paiqian1", f"/cases/{case['id']}/timeline").json["items"]
    assert told[0]["actor"] == "系统"
    assert [row["case_id"] for row in town.inbox("paiqian1")] == [case["id"]]


def test_months_that_were_missed_become_one_case_and_a_run_that_was_cut_off_files_no_second(
    town: World,
) -> None:
    town.wait(days=100)  # three firsts of a month
    service.run_due()
    after = town.rows(schedules, name=NAME)[0]["next_at"]

    with db.transaction() as session:  # a worker that filed and died before it could say so
        session.execute(schedules.update().where(schedules.c.name == NAME).values(next_at=town.now()))
    service.run_due()
    asked = town.post("liucheng1", f"/schedules/{NAME}/run", {})
    service.run_due()

    assert (len(filed(town)), asked.status_code) == (1, 202)
    assert after == town.rows(schedules, name=NAME)[0]["next_at"] > town.now()


def test_a_schedule_that_no_version_asks_for_any_more_is_not_run_and_a_wrong_one_says_so(
    town: World,
) -> None:
    files = worlds.shipped("typical_cases")
    lost = {**files.files, "process.yaml": files.files["process.yaml"].replace(b"unit: d1", b"unit: gone")}
    town.publish(type(files)("typical_cases", lost))
    starting.look()
    town.wait(days=30)

    for _ in range(service.FAILURES):
        service.run_due()
        town.wait(minutes=6)

    assert filed(town) == []
    assert [row["kind"] for row in town.rows(incidents)] == ["schedule-failed"]
    listed = {row["name"]: row for row in town.get("liucheng1", "/schedules").json["items"]}
    assert (listed[NAME]["lastError"], listed[NAME]["every"]) == ("UnitNotSelectable", "P1M")
    lines = [line for line in lost["process.yaml"].splitlines() if b"monthly" not in line]
    none = {**lost, "process.yaml": b"\n".join(lines).replace(b"schedules:", b"")}
    town.publish(type(files)("typical_cases", none))
    assert NAME not in {row["name"] for row in town.get("liucheng1", "/schedules").json["items"]}
