"""Filing: numbers, the place, the same external number twice, and who may file what."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from app.bundles.forms import AnswersRefused
from app.bundles.models import process_heads
from app.cases.errors import AlreadyFiled, ProcessRetired, ProcessUnknown, UnitNotSelectable
from app.cases.filing import DateInFuture
from app.cases.models import cases, number_series
from app.core import db
from app.core.clock import BEIJING
from app.core.errors import Forbidden
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def test_a_filed_case_has_its_number_place_clock_and_first_task(world: World) -> None:
    received = world.now() - timedelta(hours=5)

    moved = world.file(received_at=received, external_no="BJ-1", title="  路灯不亮 ")

    case = world.case(moved.case["id"])
    day = received.astimezone(BEIJING)
    assert case["number"] == f"12345-{day:%Y%m%d}-00001"
    assert (case["title"], case["source"], case["external_no"]) == ("路灯不亮", "staff", "BJ-1")
    assert (case["place_unit"], case["org_path"]) == ("d1-s1-c2", "d1/d1-s1/d1-s1-c2")
    assert (case["state"], case["status"], case["revision"]) == ("active", "待派遣", 1)
    assert case["received_at"] == received < case["opened_at"]
    assert [task["step"] for task in moved.opened] == ["dispatch"]
    assert moved.opened[0]["due_at"] == received + timedelta(days=7)  # the citizen's clock


def test_a_service_is_its_own_source_and_the_place_is_by_default_the_filers_unit(world: World) -> None:
    moved = world.file(by="city", place_unit=None)

    assert (moved.case["source"], moved.case["place_unit"]) == ("city", "d1")


def test_two_filings_of_one_external_number_at_once_make_one_case(world: World) -> None:
    barrier = Barrier(2)

    def file(_: int) -> Any:
        barrier.wait()
        try:
            return world.file(external_no="BJ-1")
        except AlreadyFiled as problem:
            return problem

    world.actor("paiqian1")
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(file, range(2)))

    (case,) = world.rows(cases)
    (late,) = [result for result in results if isinstance(result, AlreadyFiled)]
    assert late.extra["link"] == f"/api/v1/cases/{case['id']}"
    assert late.extra["number"] == case["number"]
    assert case["number"] in str(late.detail)


def test_an_external_number_is_known_by_its_source(world: World) -> None:
    first = world.file(external_no="BJ-1")

    world.file(by="city", external_no="BJ-1")  # another source
    world.file(external_no="BJ-2")
    with pytest.raises(AlreadyFiled) as caught:
        world.file(by="paiqian2", external_no="BJ-1")  # staff too
    with pytest.raises(AlreadyFiled) as unseen:
        world.file(by="jia1", external_no="BJ-1", place_unit="d1-s1-c1")  # and of another unit

    assert caught.value.extra["link"].endswith(first.case["id"])
    assert unseen.value.extra == {}
    assert len(world.rows(cases)) == 3


def test_filings_in_parallel_never_share_a_number_and_leave_no_gap(world: World) -> None:
    world.actor("paiqian1")

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(lambda _: world.file(), range(60)))

    numbers = sorted(int(one.case["number"][-5:]) for one in moved)
    assert numbers == list(range(1, 61))


def test_four_hundred_filings_are_numbered_without_a_gap(sqlite: db.Database) -> None:
    world = worlds.build(sqlite)

    numbers = [int(world.file().case["number"][-5:]) for _ in range(400)]

    assert numbers == list(range(1, 401))


def test_the_day_of_a_number_is_beijings(world: World) -> None:
    for received, day in (
        (datetime(2026, 3, 2, 15, 59, tzinfo=UTC), "20260302"),
        (datetime(2026, 3, 2, 16, 0, tzinfo=UTC), "20260303"),
    ):
        assert world.file(received_at=received).case["number"] == f"12345-{day}-00001"


def test_two_processes_that_number_alike_share_one_series(world: World) -> None:
    for key in ("copied_one", "copied_two"):
        drawing = Drawing(key).start().task("t", by_role(), outcomes="完成").end().line("start", "t", "end")
        world.publish(worlds.bundle_of(key, drawing))

    numbers = [world.file(process=key).case["number"] for key in ("copied_one", "copied_two", "copied_one")]

    assert [number[-5:] for number in numbers] == ["00001", "00002", "00003"]
    assert len(world.rows(number_series)) == 1


def test_what_cannot_be_filed_says_why_and_leaves_nothing(world: World) -> None:
    answers = {"content": "路灯坏了", "level": "一般"}
    for kind, about in (
        (ProcessUnknown, {"process": "no_such_process"}),
        (UnitNotSelectable, {"place_unit": "d1-nowhere"}),
        (AnswersRefused, {"answers": {"content": "路灯坏了"}}),
        (AnswersRefused, {"answers": {**answers, "main_unit": "d1-cgw"}}),
        (DateInFuture, {"received_at": world.now() + timedelta(minutes=1)}),
    ):
        with pytest.raises(kind):
            world.file(**about)
    assert world.rows(cases) == []


def test_one_files_only_in_ones_own_subtree(world: World) -> None:
    world.file(by="jia1", place_unit="d1-s1-c1")

    with pytest.raises(UnitNotSelectable):
        world.file(by="jia1", place_unit="d1-s2-c1")
    with pytest.raises(Forbidden) as caught:
        world.file(by="cgw1")

    assert caught.value.extra["permission"] == "case:create"
    assert "登记办件" in str(caught.value.detail)


def test_a_retired_process_is_gone_and_its_cases_go_on(world: World) -> None:
    task = world.dispatched()
    with db.transaction() as session:
        session.execute(update(process_heads).values(retired_at=world.now()))

    with pytest.raises(ProcessRetired) as caught:
        world.file()

    assert caught.value.status == 410
    world.complete("cgw1", task, "签收")


def test_a_process_started_by_some_roles_only_is_unknown_to_others(world: World) -> None:
    key = "for_workers"
    drawing = Drawing(key).start().task("t", by_role(), outcomes="完成").end().line("start", "t", "end")
    world.publish(worlds.bundle_of(key, drawing, starts="['person:worker']"))

    world.file(by="jia1", process=key, place_unit="d1-s1-c1")
    with pytest.raises(ProcessUnknown):
        world.file(process=key)


def test_a_case_keeps_the_version_it_started_with(world: World) -> None:
    key = "grows"
    old = Drawing(key).start().task("a", by_role(), outcomes="完成").end().line("start", "a", "end")
    new = Drawing(key).start().task("a", by_role(), outcomes="完成").task("b", by_role(), outcomes="完成")
    first = world.publish(worlds.bundle_of(key, old))
    task = world.file(process=key).opened[0]
    second = world.publish(worlds.bundle_of(key, new.end().line("start", "a", "b", "end")))

    world.complete("paiqian1", task)
    later = world.file(process=key)
    went_on = world.complete("paiqian1", later.opened[0])

    assert world.case(task["case_id"])["state"] == "closed"
    assert world.case(task["case_id"])["version_id"] == first.version
    assert (later.case["version_id"], [one["step"] for one in went_on.opened]) == (second.version, ["b"])
