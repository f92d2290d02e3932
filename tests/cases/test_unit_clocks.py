"""per: unit — each unit that gets an order in hand has a time of its own, explained with its name."""

import re
from datetime import timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import firing
from app.clocks.models import clocks
from app.clocks.proof import verify_ledger
from app.core import db
from tests import world as worlds
from tests.world import WORK_ORDER, Row, World

UNIT = "  unit: {label: 单位用时, start: unit.assigned, stop: %s, limit: PT8H, per: unit}\n"
LATE = "  - {key: slow, clock: unit, at: 100%, label: 单位超时, colour: red}\n"


def order(stop: str = "task.done(handle)") -> BundleFiles:
    """The shipped work order with a clock for each unit."""
    files = dict(worlds.shipped(WORK_ORDER).files)
    sla = files["sla.yaml"].decode()
    shipped = re.search(r"  unit: +\{[^}]*\}\n", sla)
    assert shipped is not None
    sla = sla.replace(shipped[0], UNIT % stop).replace("tiers:\n", "tiers:\n" + LATE, 1)
    return BundleFiles(WORK_ORDER, {**files, "sla.yaml": sla.encode()})


@pytest.fixture
def world(database: db.Database) -> World:
    return built(database, order())


def built(database: db.Database, files: BundleFiles) -> World:
    house = worlds.build(database, files)
    with db.transaction() as session:
        worlds.categorise(session)
    return house


def signed(world: World, unit: str = "d1-cgw", by: str = "cgw1") -> Row:
    """An order that a unit has signed: the task to handle it."""
    task = world.file(answers={"content": "路灯坏了", "level": "一般"}).opened[0]
    task = world.complete("paiqian1", task, "受理").opened[0]
    return signed_by(world, task, unit, by)


def signed_by(world: World, task: Row, unit: str, by: str) -> Row:
    task = world.complete("paiqian1", task, "派遣", {"main_unit": unit, "category": "120201"}).opened[0]
    return world.complete(by, task, "签收").opened[0]


def of_units(world: World, case_id: str) -> list[Row]:
    return sorted(world.rows(clocks, case_id=case_id, name="unit"), key=lambda clock: clock["instance"])


def test_a_unit_has_its_own_time_from_signing_to_its_report(world: World) -> None:
    handle = signed(world)
    (running,) = of_units(world, handle["case_id"])

    world.wait(hours=1)
    answers = {"contacted": True, "solved": True, "result": "已更换灯泡。"}
    world.complete("cgw1", handle, "报结", answers)
    (stopped,) = of_units(world, handle["case_id"])

    assert (running["instance"], running["state"]) == ("@1", "running")
    assert running["due_at"] == running["started_at"] + timedelta(hours=8)
    assert stopped["state"] == "stopped"


def test_another_unit_has_a_time_of_its_own_and_so_has_the_same_one_again(world: World) -> None:
    handle = signed(world)
    world.wait(hours=3)
    dispatch = back(world, handle)
    again = signed_by(world, dispatch, "d1-zjw", "zjw1")
    world.wait(hours=1)
    third = signed_by(world, back(world, again, "zjw1"), "d1-cgw", "cgw1")

    found = of_units(world, third["case_id"])

    assert [(clock["instance"], clock["state"]) for clock in found] == [
        ("@1", "stopped"),
        ("@2", "stopped"),
        ("@3", "running"),
    ]
    assert all(clock["due_at"] == clock["started_at"] + timedelta(hours=8) for clock in found)
    told = world.get("paiqian1", f"/cases/{third['case_id']}/clocks").json["items"]
    mine = [each for each in told if each["name"] == "unit"]
    assert [each["unit"] for each in mine] == ["d1-cgw", "d1-zjw", "d1-cgw"]
    assert "“住建委”签收、成为承办单位时起算" in mine[1]["lines"][0]["text"]
    assert [sum(line["adds"] for line in each["lines"]) for each in mine] == [8 * 3600] * 3
    with db.reading() as session:
        assert verify_ledger(session, third["case_id"]).faults == ()


def test_a_unit_that_is_late_sets_the_light_until_it_is_let_go(world: World) -> None:
    handle = signed(world)
    world.wait(hours=9)
    firing.fire_due()
    late = world.case(handle["case_id"])["light"]

    dispatch = back(world, handle)

    assert late == "red"
    assert world.case(dispatch["case_id"])["light"] is None


def test_what_is_stopped_by_letting_go_runs_until_then(database: db.Database) -> None:
    world = built(database, order("unit.released"))
    handle = signed(world)
    answers = {"contacted": True, "solved": True, "result": "已更换灯泡。"}
    world.complete("cgw1", handle, "报结", answers)

    (clock,) = of_units(world, handle["case_id"])

    assert clock["state"] == "running"


def back(world: World, handle: Row, by: str = "cgw1") -> Row:
    """退回 to the dispatcher, by whoever reviews: the unit is let go."""
    moved = world.complete(
        by, handle, "报结", {"contacted": True, "solved": True, "result": "已更换灯泡。"}
    ).opened[0]
    answer = world.post(
        "shenhe1",
        f"/tasks/{moved['id']}/return",
        {"step": "dispatch", "reason": "派错了单位"},
        seen=moved["revision"],
    )
    assert answer.status_code == 200, answer.json
    (task,) = world.inbox_of(world.case(handle["case_id"]))
    return task
