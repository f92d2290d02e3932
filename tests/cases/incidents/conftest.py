"""Cases that stop, each in its own way, on both databases."""

import pytest

from app.cases import firing, handlers
from app.cases.models import incidents
from app.clocks.models import timers
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

JOB = 'camunda:asyncBefore="true"'


@pytest.fixture
def called() -> list[object]:
    """What the tests' own handler was called with; it fails for `broken`."""
    seen: list[object] = []

    def ticket(context: handlers.Context) -> dict[str, object]:
        if context.params["what"] == "broken":
            raise ValueError("it broke")
        seen.append(context.params["what"])
        return {"ticket": len(seen)}

    handlers.handler("tests.ticket", "取一个号", needs=("what",), gives=("ticket",))(ticket)
    return seen


@pytest.fixture
def job(database: db.Database, called: list[object]) -> World:
    """first → a job that fails and gives `number` → after."""
    drawing = Drawing("drawn").start().task("first", by_role()).task("after", by_role()).end()
    drawing.service("call", "tests.ticket", {"what": "broken"}, {"ticket": "number_given"}, JOB)
    drawing.line("start", "first", "call", "after", "end")
    data = "number_given: {type: int, label: 取到的号}"
    return worlds.build(database, worlds.bundle_of("drawn", drawing, data=data))


@pytest.fixture
def late(database: db.Database) -> World:
    """A step with a timer of an hour that leads to a gateway which cannot compare what was typed."""
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"').task("ask", by_role())
    drawing.timer("hour", "ask", "PT1H").either("big", default="no").task("check", by_role()).end()
    drawing.line("start", "ask", "end").line("hour", "big").line("check", "end")
    drawing.flow("big", "check", when="amount > 3").flow("big", "check", name="no")
    forms = {"filing": "title: 登记\nfields:\n  - {name: amount}\n"}
    data = "amount: {type: text, label: 数量}"
    return worlds.build(database, worlds.bundle_of("drawn", drawing, data=data, forms=forms))


def exhausted(world: World) -> Row:
    """Fires until nothing is tried any more; the incident that says so."""
    for _ in range(len(firing.WAITS)):
        world.wait(seconds=firing.WAITS[-1] + 1)
        firing.fire_due()
    assert world.rows(timers, kind="token", state="armed") == []
    (incident,) = world.rows(incidents, state="open")
    return incident


def stopped_job(world: World) -> Row:
    """A case whose job has failed for the last time."""
    world.complete("paiqian1", world.file(process="drawn").opened[0])
    return exhausted(world)


def stopped_timer(world: World) -> Row:
    """A case whose timer has failed for the last time; its step is open."""
    world.file(process="drawn", answers={"amount": "很多"})
    world.wait(hours=1)
    return exhausted(world)
