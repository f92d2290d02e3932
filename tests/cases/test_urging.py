"""催办 by people: earlier in every list, told with its words, and not too often."""

import pytest

from app.cases.errors import CaseClosed, ReasonRequired, UrgedEnough, VerbForbidden
from app.cases.models import cases, urges
from app.cases.urging import service as urging
from app.core import db
from app.identity.errors import PermissionMissing
from tests import world as worlds
from tests.cases.asking import district, filed, order
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def test_an_urged_case_comes_before_its_equals_and_says_who_pressed(world: World) -> None:
    first, second = world.dispatched(), world.dispatched()
    assert [row["id"] for row in world.inbox("cgw1")] == [first["id"], second["id"]]

    urging.urge(world.actor("duban1"), second["id"], "群众再次来电 13800001234")

    assert [row["id"] for row in world.inbox("cgw1")] == [second["id"], first["id"]]
    assert world.case(second["case_id"])["priority"] == 60
    told = world.get("duban1", f"/cases/{second['case_id']}/timeline").json["items"][-1]
    assert told["actor"] == "督办员甲"
    assert told["events"][0]["text"] == "催办：群众再次来电 138****1234，优先级 60"


def test_one_person_waits_an_hour_and_all_together_have_five_a_day(world: World) -> None:
    task = world.dispatched()
    for who in ("duban1", "paiqian1", "lingdao1", "paiqian2"):
        urging.urge(world.actor(who), task["id"], "请尽快")
    with pytest.raises(UrgedEnough) as mine:
        urging.urge(world.actor("duban1"), task["id"], "请尽快")
    assert 3500 < int(mine.value.headers["Retry-After"]) <= 3601

    world.wait(hours=1, seconds=2)
    urging.urge(world.actor("duban1"), task["id"], "请尽快")
    world.wait(hours=1, seconds=2)
    with pytest.raises(UrgedEnough):
        urging.urge(world.actor("paiqian1"), task["id"], "请尽快")

    assert len(world.rows(urges)) == 5
    assert world.case(task["case_id"])["priority"] == 90  # it does not rise for ever
    world.wait(days=1)
    urging.urge(world.actor("paiqian1"), task["id"], "请尽快")


def test_a_process_says_how_often_one_may_press_at_a_step(database: db.Database) -> None:
    said = "verbs: {work: {urge: {every: PT30M, perDay: 2}}}\n"
    world = district(database, order(said))
    task, me = filed(world), world.actor("duban1")

    urging.urge(me, task["id"], "请尽快")
    with pytest.raises(UrgedEnough) as soon:
        urging.urge(me, task["id"], "请尽快")
    world.wait(minutes=30, seconds=1)
    urging.urge(me, task["id"], "请尽快")
    with pytest.raises(UrgedEnough) as enough:
        urging.urge(world.actor("lingdao1"), task["id"], "请尽快")

    assert 1700 < int(soon.value.headers["Retry-After"]) <= 1801
    assert int(enough.value.headers["Retry-After"]) > 80_000


def test_who_filed_it_may_press_and_others_need_the_right(world: World) -> None:
    mine = world.file(by="jia1", place_unit="d1-s1-c1").opened[0]

    urging.urge(world.actor("jia1"), mine["id"], "请尽快")
    with pytest.raises(PermissionMissing):
        urging.urge(world.actor("guancha1"), mine["id"], "请尽快")
    with pytest.raises(ReasonRequired):
        urging.urge(world.actor("duban1"), mine["id"], "  ")

    assert len(world.rows(urges)) == 1


def test_a_case_that_is_over_is_not_pressed_for(world: World) -> None:
    task = world.dispatched()
    world.change(cases, task["case_id"], state="closed")

    with pytest.raises(CaseClosed):
        urging.urge(world.actor("duban1"), task["id"], "请尽快")


def test_the_process_says_where_nobody_presses(database: db.Database) -> None:
    drawing = Drawing("calm").start().task("work", by_role()).end().line("start", "work", "end")
    world = worlds.build(
        database, worlds.bundle_of("calm", drawing, more="verbs: {work: {forbid: [urge]}}\n")
    )
    task = world.file(process="calm").opened[0]

    with pytest.raises(VerbForbidden, match="催办"):
        urging.urge(world.actor("duban1"), task["id"], "请尽快")


def test_it_is_asked_over_http_once(world: World) -> None:
    task = world.dispatched()
    path, body = f"/tasks/{task['id']}/urge", {"text": "请尽快"}

    first = world.post("duban1", path, body, key="one")
    again = world.post("duban1", path, body, key="one")
    more = world.post("duban1", path, body)

    assert (first.status_code, first.data) == (200, again.data)
    assert (more.status_code, more.json["type"]) == (429, "/problems/urged-enough")
    assert len(world.rows(urges)) == 1
