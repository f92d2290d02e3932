"""首接负责: the unit that signs first owns the order; back at the dispatch nobody does, whatever way it came."""

import pytest

from app.cases import firing, moves, tasks, timeline
from app.cases.models import tasks as task_rows
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

FORMS = {
    "dispatch": "title: 派遣\nfields:\n"
    "  - {name: main_unit, required: true, choices: 'units(not=returned_units)'}\n"
    "  - {name: assist_units, choices: 'units(not=main_unit, not=returned_units)'}\n",
    "sign": "title: 签收\nfields:\n  - {name: handle_unit}\n"
    '  - {name: return_reason, showIf: outcome == "退单", requiredIf: outcome == "退单"}\n',
}
DATA = (
    "main_unit: {type: unit, label: 主办单位}, handle_unit: {type: unit, label: 下级单位}, "
    "assist_units: {type: list, of: unit, label: 协办单位}, "
    "return_reason: {type: choice, of: [非职责], label: 退单原因}"
)
MORE = "releases: {dispatch: [handle_unit]}\nverbs: {sign: {rejectOrder: {max: 2, then: judge}}}\n"
SLA = "clocks:\n  hand: {start: task.opened(handle), stop: task.done(handle), limit: PT2H}\n"


def orders() -> Drawing:
    """dispatch → sign → (退单 → judge → dispatch) or handle (overdue: dispatch) → review."""
    drawing = Drawing("orders").start().either("m").end()
    drawing.task("dispatch", by_role() + ' camunda:formKey="dispatch"')
    drawing.task(
        "sign", 'camunda:candidateGroups="unit(main_unit)" camunda:formKey="sign"', outcomes="签收, 退单"
    )
    drawing.either("g", default="signed").task("judge", by_role("reviewer"), outcomes="准予")
    drawing.service("granted", "orders.returnGranted")
    drawing.task("handle", 'camunda:candidateGroups="unit(handle_unit), unit(main_unit)"', clock="hand")
    drawing.timer("overdue", "handle", 'due("hand")', "timeDate").task("review", by_role("reviewer"))
    drawing.line("start", "m", "dispatch", "sign", "g").flow("g", "handle", name="signed")
    drawing.flow("g", "judge", 'outcome("sign") == "退单"').line("judge", "granted", "m")
    return drawing.line("overdue", "m").line("handle", "review", "end")


@pytest.fixture
def world(database: db.Database) -> World:
    files = worlds.bundle_of("orders", orders(), data=DATA, forms=FORMS, more=MORE, sla=SLA)
    return worlds.build(database, files)


def open_task(world: World, step: str) -> Row:
    found = [row for row in world.rows(task_rows, step=step) if row["state"] in ("open", "claimed")]
    assert len(found) == 1, [(row["step"], row["state"]) for row in world.rows(task_rows)]
    return found[0]


def handed_down(world: World) -> Row:
    """An order that 城管委 signed and handed to 甲街道: its task 办理."""
    world.file(process="orders")
    world.complete("paiqian1", open_task(world, "dispatch"), answers={"main_unit": "d1-cgw"})
    world.complete("cgw1", open_task(world, "sign"), "签收", {"handle_unit": "d1-s1"})
    task = open_task(world, "handle")
    case = world.case(task["case_id"])
    assert (case["owner_unit"], case["data"]["handle_unit"]) == ("d1-cgw", "d1-s1")
    return task


def assert_free(world: World, task: Row) -> None:
    """Nobody owns the order, and dispatched to another unit it is that unit's alone."""
    case = world.case(task["case_id"])
    assert (case["owner_unit"], case["data"]["handle_unit"]) == (None, None)
    world.complete("paiqian1", open_task(world, "dispatch"), answers={"main_unit": "d1-zjw"})
    world.complete("zjw1", open_task(world, "sign"), "签收")
    assert world.case(task["case_id"])["owner_unit"] == "d1-zjw"
    assert open_task(world, "handle")["pools"] == ["handler@d1/d1-zjw"]


def test_a_return_to_the_dispatch_lets_the_unit_go(world: World) -> None:
    task = handed_down(world)

    moves.give_back(world.actor("cgw1"), task["id"], "dispatch", "不属本单位", task["revision"])

    assert_free(world, task)
    texts = [
        event["text"]
        for step in timeline.of(world.actor("paiqian1"), task["case_id"])
        for event in step["events"]
    ]
    assert "城管委不再主办" in texts


def test_a_timer_that_leads_to_the_dispatch_lets_the_unit_go(world: World) -> None:
    task = handed_down(world)

    world.wait(hours=3)
    firing.fire_due()
    firing.fire_due()

    assert_free(world, task)


@pytest.mark.requirement("SJS-020")
def test_a_granted_return_lets_the_unit_go_and_it_may_not_assist_either(world: World) -> None:
    world.file(process="orders")
    world.complete("paiqian1", open_task(world, "dispatch"), answers={"main_unit": "d1-cgw"})
    sign = open_task(world, "sign")
    world.complete("cgw1", sign, "退单", {"return_reason": "非职责"})
    world.complete("shenhe1", open_task(world, "judge"), "准予")
    dispatch = open_task(world, "dispatch")

    refused = world.post(
        "paiqian1",
        f"/tasks/{dispatch['id']}/complete",
        {"outcome": "完成", "answers": {"main_unit": "d1-zjw", "assist_units": ["d1-s1", "d1-cgw"]}},
        seen=dispatch["revision"],
    )

    assert world.case(sign["case_id"])["owner_unit"] is None
    assert refused.status_code == 422
    (error,) = refused.get_json()["errors"]
    assert (error["pointer"], error["code"]) == ("/answers/assist_units", "unit-not-selectable")
    assert "已退过本单" in error["message"]


def test_a_withdrawal_of_the_dispatch_lets_go_who_signed_and_gave_it_back(world: World) -> None:
    world.file(process="orders")
    dispatch = open_task(world, "dispatch")
    world.complete("paiqian1", dispatch, answers={"main_unit": "d1-cgw"})
    sign = world.claim("cgw1", open_task(world, "sign")).task
    assert sign is not None
    tasks.unclaim(world.actor("cgw1"), sign["id"], "请派给别的单位", sign["revision"])
    assert world.case(sign["case_id"])["owner_unit"] == "d1-cgw"
    world.wait(seconds=1)

    moves.withdraw(world.actor("paiqian1"), dispatch["id"], "派错了")

    assert world.case(sign["case_id"])["owner_unit"] is None


def test_a_reason_is_asked_for_with_the_outcome_that_needs_it(world: World) -> None:
    world.file(process="orders")
    world.complete("paiqian1", open_task(world, "dispatch"), answers={"main_unit": "d1-cgw"})
    sign = open_task(world, "sign")

    def answer(outcome: str, **answers: str) -> list[tuple[str, str]]:
        body = {"outcome": outcome, "answers": answers}
        said = world.post("cgw1", f"/tasks/{sign['id']}/complete", body, seen=sign["revision"])
        return [(each["pointer"], each["code"]) for each in said.get_json().get("errors", [])]

    schema = world.get("cgw1", f"/tasks/{sign['id']}/form").get_json()["schema"]

    assert schema["properties"]["return_reason"]["x-requiredIf"] == 'outcome == "退单"'
    assert answer("退单") == [("/answers/return_reason", "required")]
    assert answer("签收", return_reason="非职责") == [("/answers/return_reason", "field-not-applicable")]
    assert answer("退单", return_reason="非职责") == []
