"""转办 and 退单: who may take over, how often, and what a unit may not do twice."""

import pytest

from app.cases import moves, tasks
from app.cases.errors import PersonNotSelectable, TaskNotClaimed, TaskTaken, TransferredEnough
from app.cases.models import rejections, task_queue
from app.clocks.models import clocks
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

SIGNED = 'camunda:candidateGroups="unit(main_unit)" camunda:formKey="sign"'
FORMS = {
    "filing": "title: 登记\nfields:\n  - {name: main_unit, required: true, choices: units(not=returned_units)}\n",
    "sign": "title: 签收\nfields:\n  - {name: return_reason}\n",
}
DATA = "main_unit: {type: unit, label: 主办}, return_reason: {type: choice, of: [非职责], label: 原因}"
VERBS = "verbs: {sign: {rejectOrder: {max: 1, then: rule}, transfer: {max: 1}}}\n"


def orders() -> Drawing:
    """sign → (退单 → judge → granted: dispatch again / refused: sign again; ruling due: rule) or end."""
    drawing = Drawing("orders").start(attributes='camunda:formKey="filing"').end()
    drawing.task("sign", SIGNED, outcomes="签收, 退单!").either("back", default="signed")
    drawing.either("due", default="to_judge").task("judge", by_role("reviewer"), outcomes="准予, 驳回")
    drawing.task("rule", by_role("reviewer")).either("said", default="no").either("meet")
    drawing.task("dispatch", by_role() + ' camunda:formKey="filing"')
    drawing.service("granted", "orders.returnGranted", inputs={"clear": "return_reason"})
    drawing.service("refused", "orders.returnRefused")
    drawing.line("start", "meet", "sign", "back").flow("back", "end", name="signed")
    drawing.flow("back", "due", when='outcome("sign") == "退单"').flow("due", "judge", name="to_judge")
    drawing.flow("due", "rule", when="to_arbitrate == True").line("rule", "end").line("judge", "said")
    drawing.flow("said", "refused", name="no").flow("said", "granted", when='outcome("judge") == "准予"')
    drawing.line("granted", "dispatch", "meet").line("refused", "meet")
    return drawing


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, worlds.bundle_of("orders", orders(), data=DATA, forms=FORMS, more=VERBS))


def filed(world: World, unit: str = "d1-cgw") -> Row:
    return world.file(process="orders", answers={"main_unit": unit}).opened[0]


def test_a_task_goes_to_a_peer_with_its_clocks_and_only_so_often(world: World) -> None:
    task = world.claim("cgw1", filed(world)).task
    assert task is not None
    before = world.rows(clocks)

    moved = moves.transfer(world.actor("cgw1"), task["id"], "cgw2", "下午外出", task["revision"])

    assert moved.task["assignee_id"] == world.actor("cgw2").id
    assert world.rows(clocks) == before
    assert [row["holder"] for row in world.rows(task_queue)] == [f"person:{world.actor('cgw2').id}"]
    with pytest.raises(TransferredEnough, match="已经转办 1 次"):
        moves.transfer(world.actor("cgw2"), task["id"], "cgw1", "还给您", moved.task["revision"])
    with pytest.raises(TaskTaken):
        world.complete("cgw1", moved.task, "签收")


def test_only_who_holds_a_task_gives_it_away_and_only_within_its_pool(world: World) -> None:
    task = filed(world)

    with pytest.raises(TaskNotClaimed):
        moves.transfer(world.actor("cgw1"), task["id"], "cgw2", "请办", task["revision"])
    held = world.claim("cgw1", task).task
    assert held is not None
    for stranger in ("zjw1", "cgw1", "nobody"):
        with pytest.raises(PersonNotSelectable):
            moves.transfer(world.actor("cgw1"), task["id"], stranger, "请办", held["revision"])


def test_a_refused_unit_is_prompted_and_blocked_over_http(world: World) -> None:
    task = filed(world)
    body = {"reason": "非职责", "opinion": "不属本单位职责。"}
    asked = world.post("cgw1", f"/tasks/{task['id']}/reject-order", body, seen=1)
    judge = asked.get_json()["next"][0]

    again = world.post(
        "shenhe1", f"/tasks/{judge['id']}/complete", {"outcome": "驳回"}, seen=judge["revision"]
    ).get_json()["next"][0]
    form = world.get("cgw1", f"/tasks/{again['id']}/form").get_json()
    blocked = world.post("cgw1", f"/tasks/{again['id']}/reject-order", body, seen=again["revision"])

    assert asked.status_code == 200, asked.get_json()
    assert [(p["code"], p["blocks"]) for p in form["prompts"]] == [("return-not-repeatable", True)]
    assert blocked.status_code == 409
    assert blocked.get_json()["type"] == "/problems/return-not-repeatable"
    assert [row["state"] for row in world.rows(rejections)] == ["refused"]


def test_a_granted_unit_cannot_be_chosen_again_and_the_next_request_is_ruled_on(world: World) -> None:
    task = filed(world)
    judge = world.complete("cgw1", task, "退单", {"return_reason": "非职责"}, "不属本单位。").opened[0]
    dispatch = world.complete("shenhe1", judge, "准予").opened[0]

    refused = world.post(
        "paiqian1",
        f"/tasks/{dispatch['id']}/complete",
        {"outcome": "完成", "answers": {"main_unit": "d1-cgw"}},
        seen=dispatch["revision"],
    )
    sign = world.complete("paiqian1", dispatch, answers={"main_unit": "d1-zjw"}).opened[0]
    told = world.get("zjw1", f"/tasks/{sign['id']}/form").get_json()["prompts"]
    moved = tasks.complete(
        world.actor("zjw1"),
        sign["id"],
        "退单",
        {},
        "也不属我们。",
        sign["revision"],
        confirm=["return-to-ruling"],
    )

    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["code"] == "unit-not-selectable"
    assert [(p["code"], p["blocks"]) for p in told] == [("return-to-ruling", False)]
    assert [row["step"] for row in moved.opened] == ["rule"]
    assert "return_reason" not in {k: v for k, v in moved.case["data"].items() if v is not None}
