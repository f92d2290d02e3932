"""24小时未回应、1-3个月、3-6个月、超过6个月未解决: each case in one class, found by it, cleared by an answer."""

from datetime import datetime, timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import firing
from app.core import db
from app.core.clock import BEIJING
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

SLA = """
clocks:
  respond: {label: 回应时限, start: case.received, stop: task.done(answer), limit: PT24H}
  resolve: {label: 解决时限, start: case.received, stop: case.closed, limit: P6M}
tiers:
  - {key: h24, clock: respond, age: PT24H, label: 24小时未回应, colour: yellow, class: respond}
  - {key: m1, clock: resolve, age: P1M, label: 1-3个月未解决, colour: orange, class: resolve}
  - {key: m3, clock: resolve, age: P3M, label: 3-6个月未解决, colour: orange, class: resolve}
  - {key: m6, clock: resolve, age: P6M, label: 超过6个月未解决, colour: red, class: resolve}
"""
MARKS = ("respond.h24", "resolve.m1", "resolve.m3", "resolve.m6")


def bundle() -> BundleFiles:
    drawing = Drawing("tracked").start().task("answer", by_role()).task("solve", by_role()).end()
    drawing.line("start", "answer", "solve", "end")
    return worlds.bundle_of("tracked", drawing, sla=SLA)


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, bundle())


def marks(world: World, case: Row) -> list[str]:
    """The tiers under which a case is found."""
    return [mark for mark in MARKS if case["id"] in {row["id"] for row in world.cases("paiqian1", tier=mark)}]


def received(world: World, months: int = 0, **more: float) -> Row:
    """A problem recorded so long ago."""
    now = world.now().astimezone(BEIJING)
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    at = now.replace(year=year, month=month + 1, day=min(now.day, 28)) - timedelta(**more)
    case = world.file(process="tracked", received_at=at).case
    firing.fire_due()
    return case


@pytest.mark.requirement("BS-042")
def test_without_an_answer_for_24_hours_and_a_minute_it_is_found_and_not_a_minute_before(
    world: World,
) -> None:
    case = received(world, hours=23, minutes=59)
    before = marks(world, case)
    world.wait(minutes=2)
    firing.fire_due()
    after = marks(world, case)
    (task,) = world.inbox_of(case)

    world.complete("paiqian1", task)

    assert (before, after) == ([], ["respond.h24"])
    assert marks(world, case) == [], "an answer clears it"


@pytest.mark.requirement("BS-043", "BS-044", "BS-045")
def test_each_case_is_in_one_class_of_months_and_a_solved_one_in_none(world: World) -> None:
    ages = {2: ["resolve.m1"], 4: ["resolve.m3"], 8: ["resolve.m6"]}
    cases = {months: received(world, months) for months in ages}
    for case in cases.values():
        (task,) = world.inbox_of(case)
        world.complete("paiqian1", task)

    found = {months: marks(world, case) for months, case in cases.items()}
    (task,) = world.inbox_of(cases[8])
    world.complete("paiqian1", task)

    assert found == ages
    assert marks(world, cases[8]) == []


@pytest.mark.requirement("BS-043", "BS-044", "BS-045")
def test_the_borders_are_calendar_months_and_belong_to_the_class_before(world: World) -> None:
    case = world.file(process="tracked").case
    (task,) = world.inbox_of(case)
    world.complete("paiqian1", task)
    seen = []
    for key in ("m1", "m3", "m6"):
        due: datetime = world.timer(case["id"], key)["due_at"]
        for after in (-60, 1):
            world.wait(seconds=(due - world.now()).total_seconds() + after)
            firing.fire_due()
            seen.append(marks(world, case))

    assert seen == [[], ["resolve.m1"], ["resolve.m1"], ["resolve.m3"], ["resolve.m3"], ["resolve.m6"]]


@pytest.mark.requirement("BS-054")
def test_with_a_moved_clock_a_problem_passes_through_every_mark(world: World) -> None:
    case = world.file(process="tracked").case
    seen = []
    for days in (0, 2, 40, 80, 120):
        world.wait(days=days)
        firing.fire_due()
        seen.append(marks(world, case))

    assert seen == [
        [],
        ["respond.h24"],
        ["respond.h24", "resolve.m1"],
        ["respond.h24", "resolve.m3"],
        ["respond.h24", "resolve.m6"],
    ]
    for _ in range(2):
        (task,) = world.inbox_of(case)
        world.complete("paiqian1", task)
    assert marks(world, case) == []


def test_a_tier_that_no_clock_could_have_is_refused_in_words(world: World) -> None:
    answer = world.post("paiqian1", "/cases/search", {"filter": {"tier": "超过6个月未解决"}})

    assert answer.status_code == 422
    assert "应为 时钟.档" in answer.get_data(as_text=True)
