"""A clock per round: an order done anew has its time anew, and its lights; the citizen's clock runs on."""

from datetime import timedelta

import pytest

from app.cases import firing
from app.cases.models import tasks as task_rows
from app.clocks.models import clocks
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

SLA = """clocks:
  total: {label: 群众时限, start: case.received, stop: case.closed, limit: P30D}
  resolve: {label: 办结时限, start: case.dispatched, stop: case.replied, limit: P2D, per: round}
tiers:
  - {key: half, clock: resolve, at: 50%, label: 过半, colour: yellow}
  - {key: due, clock: resolve, at: 100%, label: 超期, colour: red}
"""


def rounds() -> Drawing:
    """dispatch → work → reply → visit → (again: a new round) or end."""
    drawing = Drawing("rounds").start().either("m").task("dispatch", by_role(), event="case.dispatched")
    drawing.task("work", by_role(), clock="resolve").task("reply", by_role(), event="case.replied")
    drawing.task("visit", by_role(), outcomes="满意, 不满意").either("g", default="content").end()
    drawing.service("redo", "orders.newRound").line("start", "m", "dispatch", "work", "reply", "visit", "g")
    drawing.flow("g", "end", name="content").flow("g", "redo", 'outcome("visit") == "不满意"')
    return drawing.line("redo", "m")


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, worlds.bundle_of("rounds", rounds(), sla=SLA))


def do(world: World, *steps: str, outcome: str = "完成") -> Row:
    """Completes these steps, one after the other; the case."""
    for step in steps:
        (task,) = [row for row in world.rows(task_rows, step=step) if row["state"] == "open"]
        case = world.complete("paiqian1", task, outcome).case
    return case


def of_rounds(world: World) -> list[tuple[str, str]]:
    return [(row["instance"], row["state"]) for row in world.rows(clocks, name="resolve")]


def test_another_round_has_a_clock_of_its_own(world: World) -> None:
    world.file(process="rounds")
    do(world, "dispatch", "work", "reply")
    assert of_rounds(world) == [("#0", "stopped")]
    world.wait(days=5)

    do(world, "visit", outcome="不满意")
    do(world, "dispatch")

    assert of_rounds(world) == [("#0", "stopped"), ("#1", "running")]
    (task,) = [row for row in world.rows(task_rows, step="work") if row["state"] == "open"]
    left = task["due_at"] - world.now()
    assert timedelta(days=2) - timedelta(minutes=1) < left <= timedelta(days=2)
    (total,) = world.rows(clocks, name="total")
    assert (total["state"], total["due_at"] - total["started_at"]) == ("running", timedelta(days=30))


def test_the_clocks_of_a_case_say_which_round_they_are_of(world: World) -> None:
    case = world.file(process="rounds").case
    do(world, "dispatch", "work", "reply")
    do(world, "visit", outcome="不满意")
    do(world, "dispatch")

    listed = world.get("paiqian1", f"/cases/{case['id']}").json["clocks"]

    told = [(clock["name"], clock["round"], clock["state"]) for clock in listed]
    assert told == [("total", None, "running"), ("resolve", 0, "stopped"), ("resolve", 1, "running")]


def test_the_lights_of_a_round_go_out_with_the_next(world: World) -> None:
    world.file(process="rounds")
    do(world, "dispatch")
    world.wait(days=3)
    firing.fire_due()
    assert do(world, "work")["light"] == "red"
    assert do(world, "reply")["light"] == "red"  # who was late in this round stays marked
    do(world, "visit", outcome="不满意")

    assert do(world, "dispatch")["light"] is None

    world.wait(days=1, minutes=1)
    firing.fire_due()
    assert do(world, "work")["light"] == "yellow"
