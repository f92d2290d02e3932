"""What happens to a case is told to whom bpmn/_notices.yaml names, in the transaction in which it happened."""

from typing import Any

import pytest
from sqlalchemy import insert

from app.cases import moves
from app.cases.copies import service as copies
from app.cases.handing import service as handing
from app.cases.models import cases
from app.cases.resting import service as resting
from app.cases.urging import service as urging
from app.core import events
from app.notices.models import notice_choices, notices
from tests.cases.test_budget import MOST_WITH_LISTENERS, completion
from tests.notices.reading import told
from tests.world import Row, World, numbered


def wish(world: World, login: str, kind: str, wanted: bool = True) -> None:
    from app.core import db

    with db.transaction() as session:
        row = {"person_id": world.actor(login).id, "kind": kind, "wanted": wanted}
        session.execute(insert(notice_choices), row)


def revision(world: World, task: Row) -> int:
    return int(world.case(task["case_id"])["revision"])


def test_who_urges_tells_the_pool_that_has_the_task_or_whoever_signed_for_it(world: World) -> None:
    waiting, taken = world.dispatched(), world.dispatched()
    world.claim("cgw2", taken)

    urging.urge(world.actor("duban1"), waiting["id"], "群众再次来电 13800001234")
    urging.urge(world.actor("duban1"), taken["id"], "请尽快")

    assert told(world, kind="urged") == [
        ("城管委值班员", "urged", "催办：群众再次来电 138****1234"),
        ("城管委承办员", "urged", "催办：群众再次来电 138****1234"),
        ("城管委承办员", "urged", "催办：请尽快"),
    ]
    (row,) = world.rows(notices, case_id=taken["case_id"], kind="urged")
    assert (row["urgent"], row["tell_at"], row["read_at"]) == (True, row["at"], None)
    assert row["by_id"] == world.actor("duban1").id


def test_whoever_gets_a_task_on_the_desk_is_told_and_who_gave_it_hears_the_answer(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)

    moves.transfer(world.actor("cgw1"), task["id"], "cgw2", "在外出勤", 2)
    assert told(world) == [("城管委承办员", "desk", "转办给您“签收”，原因：在外出勤")]
    handing.delegate(world.actor("cgw2"), task["id"], "cgw1", "请代为核对", 3)
    (helping,) = [row for row in world.inbox("cgw1") if row["case_id"] == task["case_id"]]
    handing.resolve(world.actor("cgw1"), helping["id"], "已核对", helping["revision"])

    assert told(world, person_id=world.actor("cgw1").id) == [
        ("城管委值班员", "desk", "委派给您“签收”，原因：请代为核对")
    ]
    assert told(world, kind="answered") == [("城管委承办员", "answered", "“签收”已交回，意见：已核对")]


def test_copies_and_the_end_of_a_case_are_told_to_who_was_meant_and_who_filed(world: World) -> None:
    task = world.dispatched()

    copies.copy(world.actor("cgw1"), task["id"], ["zjw1", "lingdao1"], "请知悉")
    resting.terminate(world.actor("duban1"), task["case_id"], "重复登记", revision(world, task))

    assert told(world, kind="copied") == [
        ("住建委值班员", "copied", "抄送给您：请知悉"),
        ("区领导甲", "copied", "抄送给您：请知悉"),
    ]
    assert told(world, kind="mine") == [("派遣员甲", "mine", "已终止，原因：重复登记")]


def test_who_switched_a_class_off_is_not_told_unless_it_must_be_heard(world: World) -> None:
    task = world.dispatched()
    for kind in ("copied", "urged"):
        wish(world, "cgw1", kind, wanted=False)

    copies.copy(world.actor("paiqian1"), task["id"], ["cgw1"], "请知悉")
    urging.urge(world.actor("duban1"), task["id"], "请尽快")

    assert [(who, kind) for who, kind, _ in told(world) if who == "城管委值班员"] == [
        ("城管委值班员", "urged")
    ]


def test_nobody_is_told_of_what_he_did_himself(world: World) -> None:
    task = world.dispatched()

    copies.copy(world.actor("paiqian1"), task["id"], ["paiqian1", "duban1"], "留底")

    assert told(world, kind="copied") == [("督办员甲", "copied", "抄送给您：留底")]


def test_an_account_that_was_disabled_is_told_nothing(world: World) -> None:
    from app.identity.models import people

    task = world.dispatched()
    world.change(people, world.actor("cgw2").id, state="disabled")

    urging.urge(world.actor("duban1"), task["id"], "请尽快")

    assert [who for who, _, _ in told(world)] == ["城管委值班员"]


def test_a_step_that_fails_tells_nobody(world: World) -> None:
    task = world.dispatched()

    def broken(session: Any, heard: Any) -> None:
        raise RuntimeError("a listener broke")

    events.listen(broken)
    try:
        with pytest.raises(RuntimeError, match="a listener broke"):
            urging.urge(world.actor("duban1"), task["id"], "请尽快")
    finally:
        events.forget(broken)

    assert told(world) == []
    assert world.case(task["case_id"])["priority"] == 50
    assert len(world.rows(cases)) == 1


def test_a_completion_that_ends_a_case_and_tells_of_it_stays_within_twenty_three(world: World) -> None:
    def handled() -> Row:
        task = world.complete("cgw1", world.dispatched(), "签收").opened[0]
        done = {"contacted": True, "solved": True, "result": "已修好"}
        reviewed = world.complete("cgw1", task, "报结", done).opened[0]
        return world.complete("shenhe1", reviewed, "通过").opened[0]

    world.complete("paiqian2", handled(), "归档")  # the catalog is warm
    task = handled()

    sent = completion(world, "paiqian2", task, "归档")

    assert told(world, case_id=task["case_id"]) == [("派遣员甲", "mine", "已办结")]
    assert sum("INSERT INTO notices" in line for line in sent) == 1, numbered(sent)
    assert len(sent) <= MOST_WITH_LISTENERS, numbered(sent)
