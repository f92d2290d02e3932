"""The two policies of 12345: natural time by level as shipped, and 3 / 13 working days by type of appeal."""

from datetime import datetime, timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import firing
from app.cases.calendars import service
from app.cases.models import tasks
from app.clocks import seed
from app.clocks.models import clocks
from app.core import db
from app.core.clock import BEIJING
from app.core.config import REPOSITORY
from app.identity.actor import SYSTEM
from app.processes.check import check_files
from tests import world
from tests.world import World

OTHER = REPOSITORY / "examples" / "limits_in_working_days" / "limits.dmn"


def with_working_days() -> BundleFiles:
    """The shipped order with the other table in the place of its own."""
    files = dict(world.shipped(world.WORK_ORDER).files)
    return BundleFiles(world.WORK_ORDER, {**files, "decisions/limits.dmn": OTHER.read_bytes()})


def built(database: db.Database, files: BundleFiles) -> World:
    house = world.build(database, files)
    with db.transaction() as session:
        world.categorise(session)
        for year in seed.announced():
            service.import_year(session, SYSTEM, year)
    return house


def total(house: World, level: str, appeal: str, received: str) -> datetime:
    """When an order of a level and a type of appeal that was received then is due."""
    at = datetime.fromisoformat(received).replace(tzinfo=BEIJING)
    filed = house.file(
        title="路灯不亮",
        received_at=at,
        answers={"content": "三号楼前路灯不亮。", "level": level, "appeal": appeal},
    )
    (found,) = house.rows(clocks, case_id=filed.case["id"], name="total")
    return found["due_at"].astimezone(BEIJING)


def test_the_other_table_passes_the_check_as_the_shipped_one_does() -> None:
    told = [each for each in check_files(with_working_days()).findings if each.level == "error"]

    assert told == []


@pytest.mark.parametrize(
    ("level", "appeal", "natural", "working"),
    [
        # received on the Thursday before Spring Festival 2026; counted from the next day, Friday is the first
        ("突发", "投诉", "2026-02-12T17:00", "2026-02-12T17:00"),
        ("紧急", "求助", "2026-02-13T15:00", "2026-02-12T19:00"),
        ("一般", "咨询", "2026-02-19T15:00", "2026-02-24T15:00"),
        ("疑难", "举报", "2026-02-27T15:00", "2026-03-09T15:00"),
    ],
)
def test_an_order_is_due_by_its_level_or_by_what_it_asks_whichever_policy_is_in_force(
    database: db.Database, level: str, appeal: str, natural: str, working: str
) -> None:
    shipped = built(database, world.shipped(world.WORK_ORDER))
    first = total(shipped, level, appeal, "2026-02-12T15:00")

    shipped.publish(with_working_days())
    second = total(shipped, level, appeal, "2026-02-12T15:00")

    assert f"{first:%Y-%m-%dT%H:%M}" == natural
    assert f"{second:%Y-%m-%dT%H:%M}" == working


def test_ten_returns_leave_one_total_clock_whose_lines_add_up(database: db.Database) -> None:
    plain = dict(world.folder(world.WORK_ORDER).files)
    plain["sla.yaml"] = plain["sla.yaml"].replace(b"limit: P7D", b"limit: P13WD")
    house = built(database, BundleFiles(world.WORK_ORDER, plain))
    case = house.file().case
    for _ in range(10):
        (task,) = [row for row in house.rows(tasks, case_id=case["id"]) if row["state"] == "open"]
        house.complete("paiqian1", task, "派遣", {"main_unit": "d1-cgw"})
        house.wait(hours=2, seconds=1)
        assert firing.fire_due() >= 1

    told = house.get("paiqian1", f"/cases/{case['id']}/clocks").get_json()["items"]

    (one,) = [each for each in told if each["name"] == "total"]
    assert len([each for each in told if each["name"] == "sign"]) == 10
    assert (one["state"], [line["what"] for line in one["lines"]].count("扣除")) == ("running", 0)
    start, due = (datetime.fromisoformat(one[name]) for name in ("startedAt", "dueAt"))
    added = timedelta(seconds=sum(line["adds"] for line in one["lines"]))
    assert abs(start + added - due) <= timedelta(seconds=1)
    assert one["lines"][-1]["at"] == one["dueAt"]
