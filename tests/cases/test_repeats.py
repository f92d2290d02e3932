"""A sub-process done once for each unit of a list, at work in a case: pools, answers, timers, going back."""

from collections.abc import Iterable
from typing import Any

import pytest

from app.cases import firing
from app.cases.errors import FourEyes
from app.cases.models import case_items
from app.cases.models import incidents as incident_rows
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import db
from app.processes import check
from tests import world as worlds
from tests.engine.drawing import Drawing, marker
from tests.world import Row, World, by_role

ITEM = 'camunda:candidateGroups="item"'
FORMS = {
    "filing": "title: 登记\nfields:\n  - {name: units, max: 200}\n",
    "reply": "title: 回复\nfields:\n  - {name: reply, required: true}\n",
}
DATA = "units: {type: list, of: unit, max: 200, label: 单位}, reply: {type: text, label: 回复, per: item}"
UNITS = ["d1-cgw", "d1-zjw"]


def for_each(inner: Drawing | None = None, **many: Any) -> Drawing:
    """For each unit: sign, or send the paper back to be signed again, then handle; then one close."""
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.inside("part", inner or signing(), marker(**{"item": "unit", **many}))
    return drawing.task("close", by_role(), status="待归档").end().line("start", "part", "close", "end")


def signing() -> Drawing:
    inner = Drawing().start("s").task("sign", ITEM, outcomes="签收, 再看", status="待签收")
    inner.either("way", default="on").task("handle", f'{ITEM} camunda:formKey="reply"').end("e")
    inner.line("s", "sign", "way").flow("way", "sign", 'outcome("sign") == "再看"')
    return inner.flow("way", "handle", name="on").line("handle", "e")


def build(database: db.Database, drawing: Drawing) -> World:
    return worlds.build(database, worlds.bundle_of("drawn", drawing, data=DATA, forms=FORMS))


def filed(world: World, units: Iterable[str] = UNITS) -> Row:
    return world.file(process="drawn", answers={"units": list(units)}).case


def open_tasks(world: World) -> list[tuple[str, str | None]]:
    rows = [row for row in world.rows(task_rows) if row["state"] in ("open", "claimed")]
    return sorted((row["step"], row["item"]) for row in rows)


def task(world: World, step: str, item: str | None) -> Row:
    found = [
        row for row in world.rows(task_rows, step=step, item=item) if row["state"] in ("open", "claimed")
    ]
    (row,) = found
    return row


def test_every_item_goes_its_own_way_and_the_case_goes_on_when_all_have(database: db.Database) -> None:
    world = build(database, for_each())
    case = filed(world)
    assert open_tasks(world) == [("sign", "d1-cgw"), ("sign", "d1-zjw")]
    assert task(world, "sign", "d1-zjw")["pools"] == ["handler@d1/d1-zjw"]

    world.complete("zjw1", task(world, "sign", "d1-zjw"), "签收")
    assert open_tasks(world) == [("handle", "d1-zjw"), ("sign", "d1-cgw")]
    world.complete("zjw1", task(world, "handle", "d1-zjw"), answers={"reply": "乙"})
    assert open_tasks(world) == [("sign", "d1-cgw")]
    world.complete("cgw1", task(world, "sign", "d1-cgw"), "签收")
    world.complete("cgw1", task(world, "handle", "d1-cgw"), answers={"reply": "甲"})

    assert open_tasks(world) == [("close", None)]
    assert {row["item"]: row["value"] for row in world.rows(case_items)} == {"d1-cgw": "甲", "d1-zjw": "乙"}
    assert world.case(case["id"])["status"] == "待归档"
    world.complete("paiqian1", task(world, "close", None))
    assert world.case(case["id"])["state"] == "closed"


@pytest.mark.parametrize("sequential", [False, True])
def test_what_each_item_answered_is_one_list_however_often_it_went_round(
    database: db.Database, sequential: bool
) -> None:
    drawing = for_each(sequential=sequential).task("thin", by_role()).either("g", default="rest")
    drawing.parts = [part for part in drawing.parts if 'targetRef="end"' not in part]
    drawing.line("close", "g").flow("g", "thin", "count(reply) < 2").flow("g", "end", name="rest")
    drawing.line("thin", "end")
    world = build(database, drawing)
    case = filed(world)

    for unit, by in (("d1-cgw", "cgw1"), ("d1-zjw", "zjw1")):
        for again in range(2 if unit == "d1-cgw" else 1):
            world.complete(by, task(world, "sign", unit), "签收" if again or by == "zjw1" else "再看")
        world.complete(by, task(world, "handle", unit), answers={"reply": by})
    world.complete("paiqian1", task(world, "close", None))

    assert world.case(case["id"])["state"] == "closed"
    assert [row["value"] for row in world.rows(case_items)] == ["cgw1", "zjw1"]


def test_the_next_time_round_only_what_is_answered_then_counts(database: db.Database) -> None:
    drawing = for_each().task("few", by_role()).either("g", default="rest")
    drawing.parts = [part for part in drawing.parts if 'targetRef="end"' not in part]
    drawing.line("close", "g").flow("g", "part", "count(reply) > 1").flow("g", "few", name="rest")
    drawing.line("few", "end")
    world = build(database, drawing)
    filed(world)
    for unit, by in (("d1-cgw", "cgw1"), ("d1-zjw", "zjw1")):
        world.complete(by, task(world, "sign", unit), "签收")
        world.complete(by, task(world, "handle", unit), answers={"reply": "一"})
    world.complete("paiqian1", task(world, "close", None))

    for unit, by in (("d1-cgw", "cgw1"), ("d1-zjw", "zjw1")):
        world.complete(by, task(world, "sign", unit), "签收")
        world.complete(by, task(world, "handle", unit), answers={"reply": "二"})

    newest = max(row["round"] for row in world.rows(case_items))
    assert [row["value"] for row in world.rows(case_items, round=newest)] == ["二", "二"]


def test_one_after_the_other_opens_the_next_when_one_is_done(database: db.Database) -> None:
    world = build(database, for_each(sequential=True))
    filed(world)
    assert open_tasks(world) == [("sign", "d1-cgw")]

    world.complete("cgw1", task(world, "sign", "d1-cgw"), "签收")
    moved = world.complete("cgw1", task(world, "handle", "d1-cgw"), answers={"reply": "甲"})

    assert [row["item"] for row in moved.opened] == ["d1-zjw"]
    assert open_tasks(world) == [("sign", "d1-zjw")]


@pytest.mark.parametrize("sequential", [False, True])
def test_no_item_at_all_passes_at_once(database: db.Database, sequential: bool) -> None:
    world = build(database, for_each(sequential=sequential))

    filed(world, [])

    assert open_tasks(world) == [("close", None)]


def test_enough_items_end_the_rest(database: db.Database) -> None:
    world = build(database, for_each(until="done >= 1"))
    filed(world)

    world.complete("zjw1", task(world, "sign", "d1-zjw"), "签收")
    world.complete("zjw1", task(world, "handle", "d1-zjw"), answers={"reply": "乙"})

    assert open_tasks(world) == [("close", None)]
    assert [row["state"] for row in world.rows(task_rows, item="d1-cgw")] == ["cancelled"]


def test_two_hundred_items_are_served_and_one_more_is_an_incident(sqlite: db.Database) -> None:
    inner = Drawing().start("s").task("look", by_role()).end("e").line("s", "look", "e")
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"')
    drawing.inside("part", inner, marker(count="number_of")).task("close", by_role()).end()
    drawing.line("start", "part", "close", "end")
    forms = {"filing": "title: 登记\nfields:\n  - {name: number_of}\n"}
    data = "number_of: {type: int, label: 份数}"
    world = worlds.build(sqlite, worlds.bundle_of("drawn", drawing, data=data, forms=forms))

    case = world.file(process="drawn", answers={"number_of": 200}).case
    assert len(world.inbox_of(case)) == 200
    answer = world.post_filing(process="drawn", answers={"number_of": 201})

    assert answer.status_code == 409
    assert answer.json["type"].endswith("process-stopped")
    assert "200" in world.rows(incident_rows)[0]["explanation"]


def test_a_timer_inside_is_that_items_own(database: db.Database) -> None:
    inner = Drawing().start("s").task("sign", ITEM).timer("late", "sign", "P1D").task("hurry", ITEM)
    inner.end("e").line("s", "sign", "e").line("late", "hurry", "e")
    world = build(database, for_each(inner))
    case = filed(world)
    world.complete("cgw1", task(world, "sign", "d1-cgw"))
    armed = world.rows(timers, case_id=case["id"], state="armed")
    assert [timer["tier"] for timer in armed] == ["late"]

    world.wait(days=1, seconds=1)
    firing.fire_due()

    assert open_tasks(world) == [("hurry", "d1-zjw")]


def test_a_return_inside_moves_one_item_alone(database: db.Database) -> None:
    world = build(database, for_each())
    filed(world)
    for unit, by in (("d1-cgw", "cgw1"), ("d1-zjw", "zjw1")):
        world.complete(by, task(world, "sign", unit), "签收")
    mine = task(world, "handle", "d1-zjw")

    targets = world.get("zjw1", f"/tasks/{mine['id']}/return-targets").json
    answer = world.post("zjw1", f"/tasks/{mine['id']}/return", {"step": "sign", "reason": "不清楚"}, seen=1)

    assert "sign" in [target["step"] for target in targets["items"]]
    assert answer.status_code == 200, answer.json
    assert open_tasks(world) == [("handle", "d1-cgw"), ("sign", "d1-zjw")]


def test_who_acted_takes_back_his_own_item_and_no_other(database: db.Database) -> None:
    world = build(database, for_each())
    filed(world)
    world.complete("cgw1", task(world, "sign", "d1-cgw"), "签收")
    world.complete("zjw1", task(world, "sign", "d1-zjw"), "签收")
    world.claim("zjw1", task(world, "handle", "d1-zjw"))
    (mine,) = world.rows(task_rows, step="sign", item="d1-cgw")

    answer = world.post("cgw1", f"/tasks/{mine['id']}/withdraw", {"reason": "点错了"})

    assert answer.status_code == 200, answer.json
    assert open_tasks(world) == [("handle", "d1-zjw"), ("sign", "d1-cgw")]


def test_an_item_that_is_over_is_not_taken_back_through_another(database: db.Database) -> None:
    world = build(database, for_each())
    filed(world)
    world.complete("cgw1", task(world, "sign", "d1-cgw"), "签收")
    done = world.complete("cgw1", task(world, "handle", "d1-cgw"), answers={"reply": "甲"}).task
    assert done is not None

    answer = world.post("cgw1", f"/tasks/{done['id']}/withdraw", {"reason": "点错了"})

    assert answer.status_code == 409
    assert answer.json["type"].endswith("cannot-withdraw")
    assert "这一项已经走完" in answer.json["detail"]
    assert open_tasks(world) == [("sign", "d1-zjw")]


def test_who_did_a_step_is_asked_by_item(database: db.Database) -> None:
    inner = Drawing().start("s").task("write", ITEM).end("e")
    inner.task("look", by_role(), notSameAs="write")
    inner.task("mend", 'camunda:candidateGroups="handler(write)"').line("s", "write", "mend", "look", "e")
    world = build(database, for_each(inner))
    filed(world)

    world.complete("cgw1", task(world, "write", "d1-cgw"))
    world.complete("zjw1", task(world, "write", "d1-zjw"))
    pools = {unit: task(world, "mend", unit)["pools"] for unit in UNITS}
    world.complete("cgw1", task(world, "mend", "d1-cgw"))

    assert pools == {
        "d1-cgw": [f"person:{world.actor('cgw1').id}"],
        "d1-zjw": [f"person:{world.actor('zjw1').id}"],
    }
    looking = task(world, "look", "d1-cgw")
    world.appoint("cgw1", "dispatcher", "d1")
    world.appoint("zjw1", "dispatcher", "d1")
    with pytest.raises(FourEyes):
        world.complete("cgw1", looking)
    world.complete("zjw1", looking)


def test_a_name_of_the_whole_case_filled_by_each_item_is_refused() -> None:
    data = DATA.replace(", per: item", "")
    checked = check.check_files(worlds.bundle_of("drawn", for_each(), data=data, forms=FORMS))

    assert [(f.rule, f.element) for f in checked.findings if f.level == "error"] == [
        ("bpmn-parallel-write", "part")
    ]


def test_a_list_of_answers_has_one_layer() -> None:
    inner = Drawing().start("s").end("e")
    inner.signing("sign", "units", attributes=f'{ITEM} camunda:formKey="reply"').line("s", "sign", "e")
    checked = check.check_files(worlds.bundle_of("drawn", for_each(inner), data=DATA, forms=FORMS))

    (told,) = [f for f in checked.findings if f.level == "error"]
    assert (told.rule, told.element) == ("bpmn-parallel-write", "sign")
    assert "分不清属于哪一层的哪一项" in told.zh
