"""An account that ends: refused while tasks lie on its desk, or they go back to their pools, with an audit row."""

import pytest

from app.audit.chain import case_chain
from app.audit.streams import ADMIN, audit_stream
from app.audit.verify import verify
from app.cases.accounts import service
from app.cases.advance import advance
from app.cases.commands import HandBack
from app.cases.models import task_queue, tasks
from app.clocks.models import clocks
from app.core import db
from app.identity.models import people, tokens
from tests import world as worlds
from tests.world import Row, World

BY = "liucheng1"
WHY = {"reason": "调离"}


def state_of(world: World, login: str) -> str:
    return str(world.rows(people, login=login)[0]["state"])


def desk(world: World, login: str) -> list[Row]:
    return world.rows(task_queue, holder=f"person:{world.actor(login).id}")


@pytest.fixture
def held(world: World) -> Row:
    """A task that cgw1 has claimed."""
    task = world.claim("cgw1", world.dispatched()).task
    assert task is not None
    return task


def test_a_person_with_open_tasks_is_not_disabled_and_the_tasks_are_named(world: World, held: Row) -> None:
    answer = world.post(BY, "/people/cgw1/disable", WHY)

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/user-has-open-tasks")
    number = world.case(held["case_id"])["number"]
    assert answer.json["tasks"] == [{"task": held["id"], "name": "签收", "case": number}]
    assert answer.json["count"] == 1
    assert state_of(world, "cgw1") == "active"
    assert world.row(tasks, held["id"]) == held


def test_with_release_the_tasks_go_back_to_the_pool_and_the_account_ends_at_once(
    world: World, held: Row
) -> None:
    token = world.token("cgw1")

    answer = world.post(BY, "/people/cgw1/disable", {**WHY, "release": True})

    assert (answer.status_code, answer.json["state"]) == (200, "disabled")
    row = world.row(tasks, held["id"])
    assert (row["state"], row["assignee_id"], row["claimed_at"]) == ("open", None, None)
    assert row["pools"] == held["pools"]
    assert row["revision"] == held["revision"] + 1
    (sign,) = world.rows(clocks, case_id=held["case_id"], name="sign")
    assert (sign["state"], row["due_at"]) == ("running", sign["due_at"]), "nobody has signed it any more"
    assert desk(world, "cgw1") == []
    assert [task["id"] for task in world.inbox("cgw2")] == [held["id"]]
    assert world.rows(tokens, person_id=world.actor("cgw1").id) == []
    answer = world.app.test_client().get("/api/v1/tasks/counts", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_who_did_it_and_why_stands_in_the_chain_of_the_case_and_in_the_stream(
    world: World, held: Row
) -> None:
    world.post(BY, "/people/cgw1/disable", {**WHY, "release": True})

    last = world.rows(case_chain, case_id=held["case_id"])[-1]
    assert last["actor_id"] == world.actor(BY).id
    (kept,) = world.rows(audit_stream, stream=ADMIN, kind="account.disabled")
    assert (kept["actor_id"], kept["subject"]) == (world.actor(BY).id, world.actor("cgw1").id)
    assert "调离" in kept["data"]
    items = world.get("paiqian1", f"/cases/{held['case_id']}/timeline").json["items"]
    told = [event["text"] for item in items for event in item["events"]]
    assert "城管委值班员的账号停用，“签收”退回待办池，原因：调离" in told
    with db.reading() as session:
        assert verify(session).faults == ()


def test_what_was_meant_for_one_person_goes_to_whoever_stands_beside_him(database: db.Database) -> None:
    world = worlds.build(database, worlds.folder("_template"))
    accept = world.file(process="_template", answers={"content": "路灯坏了"}).opened[0]
    named = world.complete("paiqian2", accept, "受理", {"urgent": False}).opened[0]
    assert named["pools"] == [f"person:{world.actor('paiqian2').id}"]

    answer = world.post(BY, "/people/paiqian2/disable", {**WHY, "release": True})

    assert answer.status_code == 200
    assert world.row(tasks, named["id"])["pools"] == ["dispatcher@d1"]
    assert [task["id"] for task in world.inbox("paiqian1")] == [named["id"]]
    world.complete("paiqian1", world.row(tasks, named["id"]), "办结", {"result": "已修好"})
    assert world.case(named["case_id"])["state"] == "closed"


def test_many_tasks_of_several_cases_go_back_in_one_act(world: World) -> None:
    held = [world.claim("cgw1", world.dispatched()).task for _ in range(3)]

    answer = world.post(BY, "/people/cgw1/disable", {**WHY, "release": True})

    assert answer.status_code == 200
    assert {world.row(tasks, task["id"])["state"] for task in held if task} == {"open"}
    assert len(world.inbox("cgw2")) == 3


def test_what_fails_after_the_release_leaves_the_tasks_on_the_desk(
    world: World, held: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(service, "_told", failing)

    with pytest.raises(RuntimeError):
        service.disable(world.actor(BY), "cgw1", "调离", True)

    assert world.row(tasks, held["id"]) == held
    assert len(desk(world, "cgw1")) == 1
    assert state_of(world, "cgw1") == "active"


def test_a_repeated_request_releases_nothing_again(world: World, held: Row) -> None:
    body = {**WHY, "release": True}
    first = world.post(BY, "/people/cgw1/disable", body, key="leave")
    world.post(BY, "/people/cgw1/enable", {"reason": "返岗"})
    world.claim("cgw1", world.row(tasks, held["id"]))

    again = world.post(BY, "/people/cgw1/disable", body, key="leave")
    other = world.post(BY, "/people/cgw1/disable", {**body, "reason": "别的"}, key="leave")

    assert again.data == first.data
    assert other.json["type"] == "/problems/idempotency-key-reused"
    assert world.row(tasks, held["id"])["state"] == "claimed"
    assert state_of(world, "cgw1") == "active"


def test_only_who_governs_the_account_ends_it_and_nobody_his_own(world: World) -> None:
    world.appoint(BY, "account_admin", "d1-cgw")
    without = world.post("paiqian1", "/people/cgw1/disable", WHY)
    own = world.post(BY, f"/people/{BY}/disable", {**WHY, "release": True})
    unknown = world.post(BY, "/people/nobody/disable", WHY)

    assert (without.status_code, without.json["permission"]) == (403, "account:disable")
    assert (own.status_code, own.json["type"]) == (409, "/problems/own-account")
    assert unknown.status_code == 404
    assert world.post(BY, "/people/cgw1/disable", {"reason": "  "}).status_code == 422


def test_an_account_outside_is_not_there_and_one_that_is_partly_outside_is_not_ours(world: World) -> None:
    world.appoint("jia1", "account_admin", "d1-s1-c1")
    world.appoint("ding1", "handler", "d1-s1-c1")

    assert world.post("jia1", "/people/cgw1/disable", WHY).status_code == 404
    assert world.post("jia1", "/people/ding1/disable", WHY).status_code == 403
    assert state_of(world, "ding1") == "active"


def test_an_enabled_account_signs_in_again(world: World) -> None:
    world.post(BY, "/people/cgw1/disable", WHY)
    disabled = state_of(world, "cgw1")

    answer = world.post(BY, "/people/cgw1/enable", {"reason": "返岗"})

    assert (disabled, answer.json["state"], state_of(world, "cgw1")) == ("disabled", "active", "active")
    assert world.get("cgw1", "/tasks/counts").status_code == 200


def test_a_task_that_left_the_desk_meanwhile_stays_where_it_went(world: World, held: Row) -> None:
    back = world.post("cgw1", f"/tasks/{held['id']}/unclaim", {"reason": "请假"}, seen=held["revision"])
    taken = world.claim("cgw2", world.row(tasks, held["id"])).task
    assert back.status_code == 200
    assert taken is not None

    advance([HandBack(held["id"], world.actor("cgw1").id, "城管委值班员", "调离")], world.actor(BY))

    assert world.row(tasks, held["id"]) == taken


def test_a_residents_account_is_ended_where_he_is_a_member(database: db.Database) -> None:
    world = worlds.build(database, worlds.shipped("resident_request"))
    world.appoint("ding1", "account_admin", "d1-s2-c1")

    elsewhere = world.post("ding1", "/people/jumin1/disable", {"reason": "已迁出"})
    here = world.post("ding1", "/people/jumin4/disable", {"reason": "已迁出"})

    assert (elsewhere.status_code, here.status_code) == (404, 200)
