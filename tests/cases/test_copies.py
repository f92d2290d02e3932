"""抄送 and 已阅: people who have nothing to do with a case know of it, see it, and say that they have read it."""

import pytest

from app.cases.copies import service as copies
from app.cases.errors import CaseClosed, NothingToRead, PersonNotSelectable, VerbForbidden
from app.cases.models import cases
from app.cases.models import copies as copy_rows
from app.core import db
from app.core.errors import NotFound
from app.identity.errors import PermissionMissing
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def test_who_is_sent_a_copy_sees_the_case_in_his_list_and_reads_it(world: World) -> None:
    task = world.dispatched()
    assert world.inbox("zjw1", "cc") == []

    copies.copy(world.actor("cgw1"), task["id"], ["zjw1", "lingdao1"], "请知悉，电话 13800001234")

    assert [row["case_id"] for row in world.inbox("zjw1", "cc")] == [task["case_id"]]
    assert world.get("zjw1", "/tasks/counts").json["cc"] == {"count": 1, "totalExact": True}
    copies.read(world.actor("zjw1"), task["id"])
    copies.read(world.actor("zjw1"), task["id"])
    told = world.get("zjw1", f"/cases/{task['case_id']}/copies").json["items"]
    assert {(row["name"], row["by"], row["readAt"] is not None) for row in told} == {
        ("住建委值班员", "城管委值班员", True),
        ("区领导甲", "城管委值班员", False),
    }
    assert all("13800001234" not in row["text"] for row in told)
    lines = [
        event["text"]
        for row in world.get("zjw1", f"/cases/{task['case_id']}/timeline").json["items"]
        for event in row["events"]
    ]
    assert "抄送住建委值班员、区领导甲：请知悉，电话 138****1234" in lines
    assert lines[-1] == "已阅"
    assert lines.count("已阅") == 1  # read twice, told once


def test_a_second_copy_is_unread_again(world: World) -> None:
    task = world.dispatched()
    copies.copy(world.actor("cgw1"), task["id"], ["zjw1"])
    copies.read(world.actor("zjw1"), task["id"])

    copies.copy(world.actor("cgw1"), task["id"], ["zjw1"], "有新情况")

    (row,) = world.rows(copy_rows)
    assert (row["text"], row["read_at"]) == ("有新情况", None)


@pytest.mark.parametrize("to", ["nobody", "shenji1"])
def test_nobody_who_cannot_read_cases_is_sent_a_copy(world: World, to: str) -> None:
    task = world.dispatched()

    with pytest.raises(PersonNotSelectable):
        copies.copy(world.actor("cgw1"), task["id"], ["zjw1", to])

    assert world.rows(copy_rows) == []


def test_only_who_was_sent_a_copy_has_something_to_read(world: World) -> None:
    task = world.dispatched()

    with pytest.raises(NothingToRead):
        copies.read(world.actor("paiqian1"), task["id"])
    with pytest.raises(NotFound):
        copies.read(world.actor("zjw1"), task["id"])
    with pytest.raises(PermissionMissing):
        copies.copy(world.actor("guancha1"), task["id"], ["zjw1"])


def test_a_case_that_is_over_is_read_but_not_copied_any_more(world: World) -> None:
    task = world.dispatched()
    copies.copy(world.actor("cgw1"), task["id"], ["zjw1"])
    world.change(cases, task["case_id"], state="closed")

    copies.read(world.actor("zjw1"), task["id"])
    with pytest.raises(CaseClosed):
        copies.copy(world.actor("cgw1"), task["id"], ["zjw2"])


def test_it_is_asked_over_http_once(world: World) -> None:
    task = world.dispatched()
    path, body = f"/tasks/{task['id']}/cc", {"people": ["zjw1"], "text": "请知悉"}

    first = world.post("cgw1", path, body, key="one")
    again = world.post("cgw1", path, body, key="one")

    assert (first.status_code, first.data) == (200, again.data)
    assert world.post("zjw1", f"/tasks/{task['id']}/read", {}).status_code == 200
    assert world.post("zjw1", path, {"people": []}).status_code == 422


def test_a_process_says_where_nobody_is_sent_copies(database: db.Database) -> None:
    drawing = Drawing("calm").start().task("work", by_role()).end().line("start", "work", "end")
    world = worlds.build(database, worlds.bundle_of("calm", drawing, more="verbs: {work: {forbid: [cc]}}\n"))
    task = world.file(process="calm").opened[0]

    with pytest.raises(VerbForbidden, match="抄送"):
        copies.copy(world.actor("paiqian1"), task["id"], ["lingdao1"])


def test_many_cases_are_copied_at_once(world: World) -> None:
    mine, other = world.dispatched(), world.dispatched("d1-zjw")
    items = [{"task": mine["id"]}, {"task": other["id"]}]

    asked = {"verb": "cc", "people": ["lingdao1"], "items": items}
    answer = world.post("cgw1", "/tasks/bulk", asked)
    nobody = world.post("cgw1", "/tasks/bulk", {"verb": "cc", "items": items})

    assert [each["status"] for each in answer.json["results"]] == [200, 404]
    assert [row["case_id"] for row in world.inbox("lingdao1", "cc")] == [mine["case_id"]]
    assert (nobody.status_code, nobody.json["errors"][0]["pointer"]) == (422, "/people")
