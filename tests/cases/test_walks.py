"""Chance walks over HTTP through a process that calls, repeats, and repeats what it calls: after every act the rows
say what the engine says, and whichever way it went the case ends with every item's answer."""

import random

import pytest

from app.cases.commands.beside import Prioritise
from app.cases.env import awake
from app.cases.models import case_items
from app.cases.models import tasks as task_rows
from app.cases.tree import Tree
from app.core import db
from app.core.db import transaction
from tests import world as worlds
from tests.engine.drawing import Drawing, marker
from tests.world import Row, World, by_role

ITEM = 'camunda:candidateGroups="item"'
UNITS = ["d1-cgw", "d1-zjw", "d1-s1"]
HANDLERS = {"d1-cgw": "cgw1", "d1-zjw": "zjw1", "d1-s1": "dongjie1"}
FORM = "title: 填写\nfields:\n  - {{name: {name}, required: true}}\n"


def checking() -> worlds.BundleFiles:
    """visit, perhaps again; then write."""
    drawing = (
        Drawing("checking").start("s").task("visit", ITEM, outcomes="已查, 再查").either("way", default="on")
    )
    drawing.task("write", f'{ITEM} camunda:formKey="found"').end("over").line("s", "visit", "way")
    drawing.flow("way", "visit", 'outcome("visit") == "再查"').flow("way", "write", name="on").line(
        "write", "over"
    )
    data = "found: {type: text, label: 核查情况, per: item}"
    forms = {"found": FORM.format(name="found")}
    return worlds.bundle_of("checking", drawing, data=data, forms=forms, starts="[call]")


def measuring() -> worlds.BundleFiles:
    """Two branches side by side."""
    drawing = Drawing("measuring").start("s").both("split").both("join").end("over")
    drawing.task("air", by_role()).task("noise", by_role()).line("s", "split", "air", "join", "over")
    drawing.line("split", "noise", "join")
    return worlds.bundle_of("measuring", drawing, starts="[call]")


def whole() -> worlds.BundleFiles:
    """take → measure (called) → check (called for each unit) → answer (for each unit, in turn) → close."""
    inner = Drawing().start("s").task("draft", ITEM, outcomes="好, 再写").either("way", default="on")
    inner.task("sign", f'{ITEM} camunda:formKey="reply"').end("e").line("s", "draft", "way")
    inner.flow("way", "draft", 'outcome("draft") == "再写"').flow("way", "sign", name="on").line("sign", "e")
    drawing = Drawing("drawn").start(attributes='camunda:formKey="filing"').task("take", by_role())
    drawing.node("callActivity", "measure", 'calledElement="measuring"')
    drawing.node("callActivity", "check", 'calledElement="checking"', marker("units", item="unit"))
    drawing.inside("answer", inner, marker("units", sequential=True, item="unit")).task(
        "close", by_role()
    ).end()
    drawing.line("start", "take", "measure", "check", "answer", "close", "end")
    data = (
        "units: {type: list, of: unit, label: 单位}, found: {type: text, label: 核查情况, per: item}, "
        "reply: {type: text, label: 答复, per: item}"
    )
    forms = {
        "filing": "title: 登记\nfields:\n  - {name: units, required: true}\n",
        "reply": FORM.format(name="reply"),
    }
    return worlds.bundle_of("drawn", drawing, data=data, forms=forms)


def rows(world: World, case_id: str) -> dict[str, tuple[str, str | None]]:
    """Open tasks: ref → step and item."""
    found = [row for row in world.rows(task_rows, case_id=case_id) if row["state"] in ("open", "claimed")]
    return {row["ref"]: (row["step"], row["item"]) for row in found}


def drawn(world: World, case_id: str) -> dict[str, tuple[str, str | None]]:
    """The same as the engine has it, woken from its bytes."""
    with transaction() as session:
        look = Prioritise(case_id, 50, "", None)
        motion = Tree.locked(session, world.actor("paiqian1"), [look]).of(look)
        picture = awake(motion).settle().placed
        return {task.ref: (task.step, task.item) for task in picture.tasks}  # type: ignore[misc]


def act(world: World, chance: random.Random, task: Row) -> None:
    """One act of whoever may: mostly a completion, now and then back to an earlier step."""
    by = HANDLERS[task["item"]] if task["item"] else "paiqian1"
    path, step = f"/tasks/{task['id']}", task["step"].rpartition("/")[2]
    if chance.random() < 0.15:
        targets = world.get(by, f"{path}/return-targets").json["items"]
        if targets:
            body = {"step": chance.choice(targets)["step"], "reason": "再看看"}
            answer = world.post(by, f"{path}/return", body, seen=task["revision"])
            assert answer.status_code in (200, 409), answer.json
            return
    ways = {"visit": ["已查", "已查", "再查"], "draft": ["好", "好", "再写"]}.get(step, ["完成"])
    field = {"write": "found", "sign": "reply"}.get(step)
    body = {"outcome": chance.choice(ways), "answers": {field: f"{task['item']} 的"} if field else {}}
    answer = world.post(by, f"{path}/complete", body, seen=task["revision"])
    assert answer.status_code == 200, answer.json


@pytest.mark.parametrize("seed", range(4))
def test_whichever_way_a_case_goes_its_rows_follow_the_engine(database: db.Database, seed: int) -> None:
    chance = random.Random(seed)
    world = worlds.build(database, checking(), measuring(), whole())
    case = world.file(process="drawn", answers={"units": UNITS}).case

    for _ in range(120):
        if world.case(case["id"])["state"] == "closed":
            break
        act(world, chance, chance.choice(world.inbox_of(case)))
        if world.case(case["id"])["state"] == "active":
            assert rows(world, case["id"]) == drawn(world, case["id"])

    assert world.case(case["id"])["state"] == "closed"
    for name in ("found", "reply"):
        kept = world.rows(case_items, case_id=case["id"], name=name)
        last = max(row["round"] for row in kept)
        assert [row["value"] for row in kept if row["round"] == last] == [f"{unit} 的" for unit in UNITS]
    refs = [row["ref"] for row in world.rows(task_rows, case_id=case["id"])]
    assert len(set(refs)) == len(refs)
