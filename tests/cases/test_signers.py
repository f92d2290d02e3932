"""加签 前, 并 and 后, 减签: who else must sign before a step goes on, on an ordinary step and inside a 会签."""

import pytest

from app.cases import firing, tasks
from app.cases.errors import (
    OpinionRequired,
    OutcomeUnknown,
    PersonNotSelectable,
    TaskHandedOn,
    TaskNotClaimed,
    VerbForbidden,
)
from app.cases.handing import service as handing
from app.cases.models import task_queue
from app.cases.models import tasks as task_rows
from app.core import db
from tests import world as worlds
from tests.cases.test_handing_on import desk, filed, fresh, one_step, sound
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

ME, ONE, OTHER = "dongjie1", "shenhe1", "shenhe2"
RESULT = {"result": "已修好"}
SLA = """
clocks:
  work: {label: 办理时限, start: task.opened(work), stop: task.done(work), limit: P1D}
tiers:
  - {key: due, clock: work, at: 100%, label: 办理超时, colour: red}
"""


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, one_step(sla=SLA))


@pytest.fixture
def task(world: World) -> Row:
    """A step that ME has in hand."""
    found = filed(world)
    world.claim(ME, found)
    return fresh(world, found)


def ask(world: World, task: Row, where: str, *people: str) -> list[Row]:
    """Asks for signatures; the rows of those who were asked."""
    known = {row["id"] for row in world.rows(task_rows)}
    handing.add_signers(world.actor(ME), task["id"], people, where, "请把关", fresh(world, task)["revision"])
    return [row for row in world.rows(task_rows) if row["id"] not in known]


def sign(world: World, who: str, row: Row, outcome: str = "同意", opinion: str | None = None) -> list[str]:
    """Signs; the steps that opened."""
    moved = world.complete(who, fresh(world, row), outcome, {}, opinion)
    return [each["step"] for each in moved.opened]


def steps(world: World) -> list[str]:
    return sorted({row["step"] for row in world.rows(task_rows) if row["state"] in ("open", "claimed")})


def test_who_signs_before_comes_first_and_then_the_step_is_mine_again(world: World, task: Row) -> None:
    one, other = ask(world, task, "before", ONE, OTHER)
    assert (desk(world, ME), desk(world, ONE), desk(world, OTHER)) == ([], [one["id"]], [other["id"]])
    with pytest.raises(TaskHandedOn):
        world.complete(ME, fresh(world, task), "完成", RESULT)
    sound(world)

    sign(world, ONE, one)
    assert desk(world, ME) == []
    sign(world, OTHER, other, "不同意", "依据不足")

    assert desk(world, ME) == [task["id"]]
    assert [row["step"] for row in world.complete(ME, fresh(world, task), "完成", RESULT).opened] == ["after"]
    sound(world)


def test_the_step_goes_on_when_both_i_and_who_signs_beside_are_done(world: World, task: Row) -> None:
    (one,) = ask(world, task, "beside", ONE)
    assert (desk(world, ME), desk(world, ONE)) == ([task["id"]], [one["id"]])

    assert world.complete(ME, fresh(world, task), "完成", RESULT).opened == []
    assert steps(world) == ["work"]
    sound(world)

    assert sign(world, ONE, one) == ["after"]
    sound(world)


def test_who_signs_beside_may_be_first(world: World, task: Row) -> None:
    (one,) = ask(world, task, "beside", ONE)

    assert sign(world, ONE, one) == []
    assert [row["step"] for row in world.complete(ME, fresh(world, task), "完成", RESULT).opened] == ["after"]
    sound(world)


def test_who_signs_after_is_asked_once_i_am_done(world: World, task: Row) -> None:
    (one,) = ask(world, task, "after", ONE)
    assert (desk(world, ONE), desk(world, ONE, "assignedDown")) == ([], [])

    world.complete(ME, fresh(world, task), "完成", RESULT)
    assert desk(world, ONE) == [one["id"]]
    assert world.case(task["case_id"])["data"]["result"] == "已修好"
    sound(world)

    assert sign(world, ONE, one) == ["after"]
    sound(world)


def test_who_does_not_agree_sends_the_finished_step_back_and_signs_anew(world: World, task: Row) -> None:
    (one,) = ask(world, task, "after", ONE)
    world.complete(ME, fresh(world, task), "完成", RESULT)

    assert sign(world, ONE, one, "不同意", "照片不清") == []
    (again,) = world.inbox(ME)
    assert (again["step"], again["id"] != task["id"]) == ("work", True)
    assert world.row(task_rows, task["id"])["answers"] == RESULT  # what was said stays said
    sound(world)
    world.wait(days=2)  # and the time that the step has runs on from where it began
    firing.tick("w")
    assert world.case(task["case_id"])["light"] == "red"
    assert world.complete(ME, world.row(task_rows, again["id"]), "完成", {"result": "已补照片"}).opened == []
    (second,) = world.inbox(ONE)
    assert sign(world, ONE, world.row(task_rows, second["id"])) == ["after"]

    assert world.case(task["case_id"])["data"]["result"] == "已补照片"
    assert [row["outcome"] for row in world.rows(task_rows, part="after")] == ["不同意", "同意"]
    sound(world)


def test_a_signature_has_two_words_and_no_form(world: World, task: Row) -> None:
    (one,) = ask(world, task, "beside", ONE)

    form = tasks.form_of(world.actor(ONE), one["id"])

    assert form["outcomes"] == [
        {"name": "同意", "opinionRequired": False},
        {"name": "不同意", "opinionRequired": True},
    ]
    assert form["schema"]["properties"] == {}
    with pytest.raises(OutcomeUnknown):
        sign(world, ONE, one, "完成")
    with pytest.raises(OpinionRequired):
        sign(world, ONE, one, "不同意")
    with pytest.raises(VerbForbidden):
        handing.resolve(world.actor(ONE), one["id"], "x", one["revision"])


def test_whose_signature_is_not_needed_any_more_is_let_go_and_the_step_goes_on(
    world: World, task: Row
) -> None:
    one, other = ask(world, task, "after", ONE, OTHER)
    world.complete(ME, fresh(world, task), "完成", RESULT)
    sign(world, ONE, one)

    handing.remove_signer(world.actor(ME), task["id"], OTHER, "出差")

    assert steps(world) == ["after"]
    assert world.row(task_rows, other["id"])["state"] == "cancelled"
    assert world.inbox(OTHER) == []
    sound(world)


def test_the_step_is_mine_again_when_nobody_is_to_sign_before_me_any_more(world: World, task: Row) -> None:
    ask(world, task, "before", ONE)

    handing.remove_signer(world.actor(ME), task["id"], ONE, "不必了")

    assert desk(world, ME) == [task["id"]]
    sound(world)


def test_only_who_asked_takes_a_signature_away_and_only_while_it_is_awaited(world: World, task: Row) -> None:
    one, _ = ask(world, task, "beside", ONE, OTHER)
    sign(world, ONE, one)

    with pytest.raises(PersonNotSelectable):  # it is signed
        handing.remove_signer(world.actor(ME), task["id"], ONE, "不必了")
    (row,) = world.inbox(OTHER)
    with pytest.raises(VerbForbidden):
        handing.remove_signer(world.actor(OTHER), row["id"], OTHER, "不想签")


@pytest.mark.parametrize("who", [ME, "nobody", "guancha1", "city"])
def test_nobody_signs_who_cannot(world: World, task: Row, who: str) -> None:
    with pytest.raises(PersonNotSelectable):
        ask(world, task, "before", who)


def test_nobody_is_asked_twice(world: World, task: Row) -> None:
    ask(world, task, "beside", ONE)

    with pytest.raises(PersonNotSelectable):
        ask(world, task, "after", ONE)


def test_only_who_holds_a_step_asks_for_signatures(world: World) -> None:
    open_one = filed(world)

    with pytest.raises(TaskNotClaimed):
        handing.add_signers(world.actor(ME), open_one["id"], [ONE], "before", "请把关", 1)


def test_it_is_asked_over_http(world: World, task: Row) -> None:
    body = {"people": [ONE], "where": "after", "reason": "请把关"}

    added = world.post(ME, f"/tasks/{task['id']}/signers", body, seen=task["revision"])
    gone = world.delete(ME, f"/tasks/{task['id']}/signers?person={ONE}&reason=出差")

    assert (added.status_code, gone.status_code) == (200, 200)
    told = world.get(ME, f"/cases/{task['case_id']}/timeline").json["items"]
    said = [event["text"] for row in told for event in row["events"]]
    assert said[-2:] == ["请审核员甲在后加签“work”，原因：请把关", "减签审核员甲（“work”），原因：出差"]


# — inside a 会签 —

ITEM = 'camunda:candidateGroups="item"'


def together(vote: str = "all", sequential: bool = False) -> worlds.BundleFiles:
    """Units that `pick` names sign together, then `after`."""
    drawing = Drawing("together").start().task("pick", by_role() + ' camunda:formKey="pick"', outcomes="完成")
    drawing.signing(
        "sign", item="unit", sequential=sequential, attributes=ITEM, outcomes="同意,不同意", vote=vote
    )
    drawing.task("after", by_role()).end().line("start", "pick", "sign", "after", "end")
    return worlds.bundle_of(
        "together",
        drawing,
        data="units: {type: list, of: unit, label: 单位}",
        forms={"pick": "title: 选定\nfields:\n  - {name: units, required: true}\n"},
    )


def signing(database: db.Database, units: list[str], **how: object) -> World:
    """A world in which these units are to sign."""
    world = worlds.build(database, together(**how))  # type: ignore[arg-type]
    picked = world.file(process="together").opened[0]
    world.complete("paiqian1", picked, "完成", {"units": units})
    return world


def of_item(world: World, item: str) -> Row:
    (row,) = [row for row in world.rows(task_rows, item=item) if row["state"] in ("open", "claimed")]
    return row


def test_one_more_signs_in_a_vote_and_the_step_waits_for_him_too(database: db.Database) -> None:
    world = signing(database, ["d1-cgw"])
    task = of_item(world, "d1-cgw")
    world.claim("cgw1", task)

    moved = handing.add_signers(world.actor("cgw1"), task["id"], ["d1-zjw", ONE], "beside", "涉及两家", 2)

    assert {row["item"] for row in moved.opened} == {"d1-zjw", ONE}  # type: ignore[union-attr]
    sound(world)
    world.complete("cgw1", fresh(world, task), "同意")
    assert steps(world) == ["sign"]
    world.complete("zjw1", of_item(world, "d1-zjw"), "同意")
    assert desk(world, ONE) == [of_item(world, ONE)["id"]]
    moved = world.complete(ONE, of_item(world, ONE), "同意")
    assert [row["step"] for row in moved.opened] == ["after"]
    sound(world)


def test_who_was_added_to_a_vote_is_taken_out_again_by_who_added_him(database: db.Database) -> None:
    world = signing(database, ["d1-cgw", "d1-s1"])
    task = of_item(world, "d1-cgw")
    world.claim("cgw1", task)
    handing.add_signers(world.actor("cgw1"), task["id"], ["d1-zjw"], "beside", "涉及两家", 2)

    with pytest.raises(VerbForbidden):
        handing.remove_signer(world.actor("cgw1"), task["id"], "d1-s1", "不必了")
    handing.remove_signer(world.actor("cgw1"), task["id"], "d1-zjw", "不必了")

    assert world.rows(task_rows, item="d1-zjw")[0]["state"] == "cancelled"
    world.complete("cgw1", fresh(world, task), "同意")
    moved = world.complete("dongjie1", of_item(world, "d1-s1"), "同意")
    assert [row["step"] for row in moved.opened] == ["after"]
    sound(world)


def test_the_last_one_taken_out_of_a_vote_lets_it_go_on(database: db.Database) -> None:
    world = signing(database, ["d1-cgw"])
    task = of_item(world, "d1-cgw")
    world.claim("cgw1", task)
    handing.add_signers(world.actor("cgw1"), task["id"], ["d1-zjw"], "beside", "涉及两家", 2)
    world.complete("cgw1", fresh(world, task), "同意")

    handing.remove_signer(world.actor("cgw1"), task["id"], "d1-zjw", "不必了")

    assert steps(world) == ["after"]
    sound(world)


def test_one_after_the_other_the_added_one_comes_next(database: db.Database) -> None:
    world = signing(database, ["d1-cgw", "d1-s1"], sequential=True)
    task = of_item(world, "d1-cgw")
    world.claim("cgw1", task)

    handing.add_signers(world.actor("cgw1"), task["id"], ["d1-zjw"], "after", "请接着签", 2)

    for who, item in (("cgw1", "d1-cgw"), ("zjw1", "d1-zjw"), ("dongjie1", "d1-s1")):
        assert {row["item"] for row in world.rows(task_rows) if row["state"] in ("open", "claimed")} == {item}
        world.complete(who, of_item(world, item), "同意")
        sound(world)
    assert steps(world) == ["after"]


def test_who_signs_already_is_not_added_to_a_vote(database: db.Database) -> None:
    world = signing(database, ["d1-cgw", "d1-s1"])
    task = of_item(world, "d1-cgw")
    world.claim("cgw1", task)

    with pytest.raises(PersonNotSelectable):
        handing.add_signers(world.actor("cgw1"), task["id"], ["d1-s1"], "beside", "请签", 2)
    with pytest.raises(PersonNotSelectable):
        handing.add_signers(world.actor("cgw1"), task["id"], ["nobody"], "beside", "请签", 2)

    assert world.rows(task_queue, holder="pool:handler@d1/d1-s1") != []
