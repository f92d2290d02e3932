"""Who sees what: another street finds nothing, one's own without the right is told which, pools are exact units."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy import update

from app.audit.streams import audit_stream
from app.cases import inbox, tasks, timeline, viewing
from app.cases.models import tasks as task_rows
from app.core import clock, db
from app.core.errors import Forbidden, NotFound
from app.identity.models import appointments, case_access, units
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World

OTHERS = ("xijie1", "ding1", "ding2", "zjw1", "jia1")
"""Another street, its community's people, a department nobody dispatched to, the community next door."""


def security(world: World, kind: str) -> list[Row]:
    return [row for row in world.rows(audit_stream, stream="auth") if row["kind"] == kind]


def stripped(body: bytes) -> Row:
    """A problem without what differs from request to request."""
    told: Row = orjson.loads(body)
    assert told.pop("requestId")
    return told


@pytest.mark.parametrize("who", OTHERS)
def test_another_unit_finds_nothing_and_reads_the_words_of_nothing(world: World, who: str) -> None:
    task = world.dispatched()
    case_id = task["case_id"]
    for path, nothing in (
        (f"/cases/{case_id}", "/cases/no-such-case"),
        (f"/cases/{case_id}/timeline", "/cases/no-such-case/timeline"),
        (f"/tasks/{task['id']}", "/tasks/no-such-task"),
        (f"/tasks/{task['id']}/form", "/tasks/no-such-task/form"),
    ):
        hidden, absent = world.get(who, path), world.get(who, nothing)
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert stripped(hidden.data) == stripped(absent.data)

    subjects = {row["subject"] for row in security(world, "out-of-scope")}
    assert {case_id, task["id"]} <= subjects
    assert {row["actor_id"] for row in security(world, "out-of-scope")} == {world.actor(who).id}


@pytest.mark.parametrize("verb", ["claim", "unclaim", "complete"])
def test_acting_on_another_streets_task_is_acting_on_nothing(world: World, verb: str) -> None:
    task = world.dispatched()
    body = {"claim": {}, "unclaim": {"reason": "x"}, "complete": {"outcome": "签收"}}[verb]

    hidden = world.post("ding1", f"/tasks/{task['id']}/{verb}", body, key="k", seen=1)
    absent = world.post("ding1", f"/tasks/no-such-task/{verb}", body, key="k2", seen=1)

    assert (hidden.status_code, stripped(hidden.data)) == (404, stripped(absent.data))
    assert world.row(task_rows, task["id"])["state"] == "open"
    assert [row["subject"] for row in security(world, "out-of-scope")] == [task["id"], "no-such-task"]


def test_lists_hold_only_what_one_may_see(world: World) -> None:
    mine = world.file(by="ding1", place_unit="d1-s2-c1").case["id"]
    other = world.file().case["id"]

    def listed(who: str) -> set[str]:
        return {row["id"] for row in world.cases(who)}

    assert listed("ding1") == listed("xijie1") == {mine}
    assert listed("dongjie1") == {other}
    assert listed("paiqian1") == listed("duban1") == {mine, other}
    assert listed("zjw1") == set()


@pytest.mark.parametrize("who", ["paiqian1", "cgw1", "dongjie1"])
def test_a_case_one_may_see_for_several_reasons_is_listed_once_newest_first(world: World, who: str) -> None:
    """paiqian1 by the district, its pool and having handled them; cgw1 by the pool and by hand; the street by place."""
    filed = [world.complete("cgw1", world.dispatched(), "签收").case["id"] for _ in range(5)]
    seen: list[str] = []

    def active(after: str | None) -> list[Row]:
        return world.cases(who, 2, after, process=worlds.WORK_ORDER, state="active")

    while len(page := active(seen[-1] if seen else None)) > 2:
        seen += [case["id"] for case in page[:2]]
    seen += [case["id"] for case in page]

    assert seen == filed[::-1]
    assert world.cases(who, 2, state="closed") == []


def test_in_scope_without_the_right_is_forbidden_and_the_right_is_named(world: World) -> None:
    task = world.dispatched()

    for who in ("duban1", "guancha1"):  # sees the whole district, may complete nothing
        answer = world.post(who, f"/tasks/{task['id']}/claim", {})
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/forbidden-action")
        assert "办理待办" in answer.json["detail"]
        assert answer.json["permission"] == "task:complete"
    row = security(world, "forbidden")[0]
    assert (row["subject"], orjson.loads(row["data"])) == (task["id"], {"permission": "task:complete"})


def test_a_right_held_nowhere_is_named_before_anything_is_looked_up(world: World) -> None:
    """The same words for what exists and what does not: nothing is given away."""
    task = world.dispatched()

    for path, permission in (
        (f"/tasks/{task['id']}", "task:read"),
        ("/tasks/no-such-task", "task:read"),
        ("/tasks?view=todo", "task:read"),
        ("/tasks/counts", "task:read"),
        ("/incidents", "incident:read"),
    ):
        answer = world.get("city", path)
        assert (answer.status_code, answer.json.get("permission")) == (403, permission), path
    assert world.get("city", f"/cases/{task['case_id']}").status_code == 200


def test_a_member_of_the_same_district_but_not_of_the_pool_cannot_act(world: World) -> None:
    task = world.dispatched()

    for who in ("shenhe1", "paiqian1"):  # may complete tasks in the whole district, this one is not theirs
        with pytest.raises(Forbidden) as caught:
            world.claim(who, task)
        assert "签收" in str(caught.value.detail)


def test_a_pool_is_a_role_in_exactly_one_unit(database: db.Database) -> None:
    drawing = Drawing("pools").start().end()
    for place, tier in (("a", "district"), ("b", "street")):
        drawing.task(place, worlds.by_role("dispatcher", tier), outcomes="完成")
    world = worlds.build(database, worlds.bundle_of("pools", drawing.line("start", "a", "b", "end")))

    task = world.file(process="pools").opened[0]
    assert task["pools"] == ["dispatcher@d1"]
    with pytest.raises((NotFound, Forbidden)):
        world.claim("dongjie1", task)  # the same role, one unit below
    below = world.complete("paiqian1", task).opened[0]
    assert below["pools"] == ["dispatcher@d1/d1-s1"]
    with pytest.raises(Forbidden):
        world.claim("paiqian2", below)  # the same role, one unit above: sees it, but it is not theirs

    assert [row["id"] for row in world.inbox("dongjie1")] == [below["id"]]
    assert world.inbox("paiqian1") == []
    world.complete("dongjie1", below)


def test_the_unit_that_got_the_order_may_read_it_and_a_third_one_may_not(world: World) -> None:
    task = world.dispatched()
    case_id = task["case_id"]

    for who in ("cgw1", "cgw2"):
        assert viewing.look(world.actor(who), case_id)["id"] == case_id
        assert tasks.form_of(world.actor(who), task["id"])["task"] == task["id"]
    with pytest.raises(NotFound):
        viewing.look(world.actor("zjw1"), case_id)
    holders = {row["holder"] for row in world.rows(case_access, case_id=case_id, reason="pool")}
    assert holders == {"unit:d1", "unit:d1/d1-cgw"}


def test_whoever_handled_a_case_keeps_reading_it(world: World) -> None:
    task = world.dispatched()
    answers = {"return_reason": "非职责"}
    back = world.complete("cgw1", task, "退单", answers, "不归我们").opened[0]
    sign = world.complete("paiqian1", back, "派遣", {"main_unit": "d1-zjw"}).opened[0]
    with db.transaction() as session:  # the person moves to a unit that never had the case
        street = session.execute(units.select().where(units.c.code == "d1-s2")).one()
        session.execute(
            update(appointments)
            .where(appointments.c.person_id == world.actor("cgw1").id)
            .values(unit_id=street.id, unit_path=street.path)
        )
    world._actors.clear()

    actor = world.actor("cgw1")

    assert viewing.look(actor, sign["case_id"])["status"] == "待签收"
    assert timeline.of(actor, sign["case_id"]) != []
    assert [row["id"] for row in inbox.page(actor, "done", 10, None)] == [task["id"]]
    with pytest.raises(Forbidden):
        world.claim("cgw1", sign)  # reads, and no more
    assert tasks.form_of(world.actor("cgw2"), sign["id"])  # their unit had the order once


def test_whoever_lost_the_appointment_finds_nothing_in_the_pool(world: World) -> None:
    task = world.dispatched()
    with db.transaction() as session:
        session.execute(
            update(appointments)
            .where(appointments.c.person_id == world.actor("cgw2").id)
            .values(valid_to=clock.wall() - timedelta(hours=1))  # appointments go by the machine's time
        )
    world._actors.clear()

    assert world.inbox("cgw1")[0]["id"] == task["id"]
    with pytest.raises((NotFound, Forbidden)):
        world.claim("cgw2", task)
