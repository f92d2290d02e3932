"""重新打开: an ended case goes on where its process says, for a while, so many times."""

import pytest

from app.cases.errors import CannotReopen
from app.cases.models import cases
from app.cases.resting import service as resting
from app.clocks.models import clocks
from app.core import db
from app.identity.errors import PermissionMissing
from tests import world as worlds
from tests.cases.test_handing_on import sound
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

RULE = "reopen: {to: work, within: P15D, max: 2}\n"
SLA = (
    "clocks:\n"
    "  total: {start: case.received, stop: case.closed, resume: [case.reopened], limit: P7D}\n"
    "  work: {start: task.opened(work), stop: task.done(work), limit: PT4H}\n"
)


def build(database: db.Database, more: str = RULE) -> World:
    drawing = Drawing("again").start().task("work", by_role(), outcomes="完成").task("check", by_role())
    drawing.end().line("start", "work", "check", "end")
    return worlds.build(database, worlds.bundle_of("again", drawing, sla=SLA, more=more))


def ended(world: World, by: str = "paiqian1") -> Row:
    """A case that was done to its end."""
    filed = world.file(by=by, process="again")
    check = world.complete("paiqian1", filed.opened[0]).opened[0]
    world.complete("paiqian1", check)
    return world.case(filed.case["id"])


def again(world: World, case: Row, by: str = "paiqian1") -> Row:
    resting.reopen(world.actor(by), case["id"], "路灯又灭了")
    return world.case(case["id"])


def test_an_ended_case_goes_on_at_its_step_and_ends_a_second_time(database: db.Database) -> None:
    world = build(database)
    case = ended(world)
    assert len(world.inbox("paiqian1", "closed")) == 1

    opened = again(world, case)

    assert (opened["state"], opened["closed_at"], opened["end_element"]) == ("active", None, None)
    assert [row["step"] for row in world.inbox("paiqian1")] == ["work"]
    assert (len(world.inbox("paiqian1", "running")), world.inbox("paiqian1", "closed")) == (1, [])
    sound(world)
    check = world.complete("paiqian1", world.inbox_of(opened)[0]).opened[0]
    world.complete("paiqian1", check)
    assert world.case(case["id"])["state"] == "closed"
    told = world.get("paiqian1", f"/cases/{case['id']}/timeline").json["items"]
    said = [event["text"] for row in told for event in row["events"]]
    assert "重新打开，回到“work”，原因：路灯又灭了" in said
    sound(world)


def test_the_clock_of_the_case_runs_on_from_its_first_start_where_the_policy_says_so(
    database: db.Database,
) -> None:
    world = build(database)
    case = ended(world)
    due = world.rows(clocks, name="total")[0]["due_at"]
    world.wait(days=2)

    again(world, case)

    (total,) = world.rows(clocks, name="total")
    assert (total["state"], total["due_at"]) == ("running", due)
    assert [row["state"] for row in world.rows(clocks, name="work")] == ["stopped", "running"]


def test_the_process_says_how_long_and_how_often(database: db.Database) -> None:
    world = build(database)
    case, late = ended(world), ended(world)
    for _ in range(2):
        opened = again(world, case)
        world.complete("paiqian1", world.complete("paiqian1", world.inbox_of(opened)[0]).opened[0])

    with pytest.raises(CannotReopen, match="2 次"):
        again(world, case)
    world.wait(days=15, seconds=5)
    with pytest.raises(CannotReopen, match="期限"):
        again(world, late)

    assert world.case(late["id"])["state"] == "closed"


def test_a_process_that_says_nothing_of_it_lets_nothing_be_reopened(database: db.Database) -> None:
    world = build(database, more="")

    with pytest.raises(CannotReopen, match="没有规定"):
        again(world, ended(world))


def test_only_an_ended_case_is_reopened_and_a_terminated_one_is_not(database: db.Database) -> None:
    world = build(database)
    active = world.file(process="again").case
    with pytest.raises(CannotReopen):
        again(world, active)
    resting.terminate(world.actor("duban1"), active["id"], "依规终止", active["revision"])

    with pytest.raises(CannotReopen):
        again(world, active)


def test_who_filed_it_may_and_others_need_the_right(database: db.Database) -> None:
    world = build(database)
    case = ended(world)

    with pytest.raises(PermissionMissing):
        again(world, case, by="paiqian2")
    assert again(world, case, by="duban1")["reopened"] == 1


def test_it_is_asked_over_http_once(database: db.Database) -> None:
    world = build(database)
    case = ended(world)
    path = f"/cases/{case['id']}/reopen"

    first = world.post("paiqian1", path, {"reason": "又灭了"}, key="one")
    replay = world.post("paiqian1", path, {"reason": "又灭了"}, key="one")
    more = world.post("paiqian1", path, {"reason": "又灭了"})

    assert (first.status_code, first.json["state"], first.data) == (200, "active", replay.data)
    assert (more.status_code, more.json["type"]) == (409, "/problems/cannot-reopen")
    assert world.rows(cases)[0]["reopened"] == 1
