"""What a diagram may now hold, at work in a case: rows follow sub-processes, signals, conditions and choices."""

import pytest

from app.cases import firing
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import db
from app.processes import check
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def build(database: db.Database, drawing: Drawing) -> World:
    files = worlds.bundle_of(
        "drawn",
        drawing,
        data="amount: {type: int, label: 数量}",
        forms={"filing": "title: 登记\nfields:\n  - {name: amount}\n"},
    )
    return worlds.build(database, files)


def drawn() -> Drawing:
    return Drawing("drawn").start(attributes='camunda:formKey="filing"')


def open_steps(world: World) -> list[str]:
    found = [task["step"] for task in world.rows(task_rows) if task["state"] in ("open", "claimed")]
    return sorted(found)


def finish(world: World, step: str) -> None:
    (task,) = [t for t in world.rows(task_rows, step=step) if t["state"] in ("open", "claimed")]
    world.complete("paiqian1", task)


def test_a_timer_on_a_sub_process_ends_what_is_open_inside(database: db.Database) -> None:
    inner = Drawing("inner").start("s2").task("visit", by_role()).task("write", by_role()).end("e2")
    inner.line("s2", "visit", "write", "e2")
    drawing = drawn().inside("joint", inner).timer("late", "joint", "P1D").task("hurry", by_role()).end()
    drawing.line("start", "joint", "end").line("late", "hurry", "end")
    world = build(database, drawing)
    case = world.file(process="drawn").case
    finish(world, "visit")
    assert open_steps(world) == ["write"]

    world.wait(days=1, seconds=1)
    firing.fire_due()

    assert open_steps(world) == ["hurry"]
    assert world.timer(case["id"], "late")["state"] == "fired"
    finish(world, "hurry")
    assert world.case(case["id"])["state"] == "closed"


def test_an_error_end_leads_out_of_its_sub_process(database: db.Database) -> None:
    inner = Drawing("inner").start("s2").task("visit", by_role(), outcomes="已办, 进不去")
    inner.declare("error", "no_entry").either("way", default="ok").end("e2").over(
        "stuck", "error", "no_entry"
    )
    inner.line("s2", "visit", "way").flow("way", "e2", name="ok")
    inner.flow("way", "stuck", when='outcome("visit") == "进不去"')
    drawing = drawn().inside("joint", inner).edge("failed", "joint", "error", "no_entry")
    drawing.task("ask", by_role()).end().line("start", "joint", "end").line("failed", "ask", "end")
    world = build(database, drawing)
    world.file(process="drawn")

    (task,) = world.rows(task_rows, step="visit")
    world.complete("paiqian1", task, "进不去")

    assert open_steps(world) == ["ask"]


def test_an_inclusive_join_waits_for_the_branches_that_were_chosen(database: db.Database) -> None:
    drawing = drawn().task("a", by_role()).task("b", by_role()).task("after", by_role()).end()
    drawing.node("inclusiveGateway", "fork", 'default="to_a"').node("inclusiveGateway", "join")
    drawing.line("start", "fork").flow("fork", "a", name="to_a").flow("fork", "a", when="amount > 1")
    drawing.flow("fork", "b", when="amount > 2").line("a", "join").line("b", "join", "after", "end")
    world = build(database, drawing)
    world.file(process="drawn", answers={"amount": 3})
    assert open_steps(world) == ["a", "b"]

    finish(world, "a")
    assert open_steps(world) == ["b"]
    finish(world, "b")

    assert open_steps(world) == ["after"]


def test_a_signal_of_one_branch_wakes_the_other(database: db.Database) -> None:
    drawing = drawn().declare("signal", "ready").both("split").both("join").end()
    drawing.task("prepare", by_role()).throw("say", "signal", "ready")
    drawing.catch("hear", "signal", "ready").task("go", by_role())
    drawing.line("start", "split", "prepare", "say", "join").line("split", "hear", "go", "join", "end")
    world = build(database, drawing)
    world.file(process="drawn")
    assert open_steps(world) == ["prepare"]

    finish(world, "prepare")

    assert open_steps(world) == ["go"]


def test_a_timer_in_the_line_holds_the_case_until_its_time(database: db.Database) -> None:
    drawing = drawn().catch("rest", "timer", "P2D").task("look", by_role()).end()
    drawing.line("start", "rest", "look", "end")
    world = build(database, drawing)
    case = world.file(process="drawn").case
    assert open_steps(world) == []
    assert world.timer(case["id"], "rest")["state"] == "armed"

    world.wait(days=2, seconds=1)
    firing.fire_due()

    assert open_steps(world) == ["look"]


def test_terminate_ends_every_branch_and_every_timer(database: db.Database) -> None:
    drawing = drawn().both("split").task("a", by_role()).timer("late", "a", "P1D").task("b", by_role())
    drawing.over("stop", "terminate").end("end_a").end("end_late")
    drawing.line("start", "split", "a", "end_a").line("late", "end_late").line("split", "b", "stop")
    world = build(database, drawing)
    case = world.file(process="drawn").case

    finish(world, "b")

    assert world.case(case["id"])["state"] == "closed"
    assert open_steps(world) == []
    assert {timer["state"] for timer in world.rows(timers)} == {"cancelled"}


def test_a_case_that_nobody_and_nothing_can_move_is_an_incident(database: db.Database) -> None:
    drawing = drawn().catch("enough", "conditional", "amount > 10").task("go", by_role()).end()
    drawing.line("start", "enough", "go", "end")
    world = build(database, drawing)

    world.file(process="drawn", answers={"amount": 1})

    (incident,) = world.rows(incident_rows)
    assert incident["kind"] == "no-way-forward"
    assert "enough" in incident["explanation"]


@pytest.mark.parametrize("name", ["assignee", "candidateUsers"])
def test_a_person_named_in_the_diagram_is_refused(name: str) -> None:
    named = f'{by_role()} camunda:{name}="cgw1"'
    drawing = drawn().task("a", by_role()).task("b", named).end()
    files = worlds.bundle_of(
        "drawn",
        drawing.line("start", "a", "b", "end"),
        data="amount: {type: int, label: 数量}",
        forms={"filing": "title: 登记\nfields:\n  - {name: amount}\n"},
    )

    rules = [(f.rule, f.element) for f in check.check_files(files).findings if f.level == "error"]

    assert rules == [("key-not-yet", "b")]


def test_a_case_that_waits_for_an_event_says_so(database: db.Database) -> None:
    week = "<timerEventDefinition><timeDuration>P7D</timeDuration></timerEventDefinition>"
    called = '<messageEventDefinition messageRef="called"/>'
    drawing = Drawing("drawn").start().declare("message", "called").task("reply", by_role(), status="待答复")
    drawing.node("eventBasedGateway", "race").node("intermediateCatchEvent", "quiet", "", week)
    drawing.node("intermediateCatchEvent", "callback", "", called, status="待回访")
    drawing.task("file_it", by_role(), status="待归档").either("m").end()
    drawing.line("start", "reply", "race", "quiet", "m", "file_it", "end").line("race", "callback", "m")
    inbound = "called: {direction: in, key: number}\n"
    world = worlds.build(database, worlds.bundle_of("drawn", drawing, messages=inbound))
    case = world.file(process="drawn").case
    assert case["status"] == "待答复"

    finish(world, "reply")

    assert world.case(case["id"])["status"] == "待回访"
    world.wait(days=7, seconds=1)
    firing.fire_due()
    assert world.case(case["id"])["status"] == "待归档"
