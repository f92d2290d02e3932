"""A small process whose unit may ask for things, and the shipped processes that decide them."""

from typing import Any

from app.bundles.files import BundleFiles
from app.cases.advance import Moved
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.files import bring
from tests.world import Row, World

SLA = """
clocks:
  resolve: {label: 办结时限, start: case.received, stop: case.closed, limit: P7D, pauseOn: [hold],
            extendable: {max: 1, by: P3D}}
"""


def order(more: str = "", sla: str = SLA, event: str = "", **files: str) -> BundleFiles:
    """办理 by the unit that was chosen, then 审核; named after the work order of 12345. `event` is what 办理
    says when it is done."""
    drawing = Drawing("order").start(attributes='camunda:formKey="filing"')
    said = {"event": event} if event else {}
    drawing.task(
        "work", 'camunda:candidateGroups="unit(main_unit)"', outcomes="办结, 作罢", clock="resolve", **said
    )
    drawing.task("review", worlds.by_role("reviewer")).end().line("start", "work", "review", "end")
    bundle = worlds.bundle_of(
        "order",
        drawing,
        data="main_unit: {type: unit, label: 主办单位}, level: {type: choice, of: [突发, 一般], label: 级别}",
        forms={"filing": "title: 登记\nfields:\n  - {name: main_unit, required: true}\n  - {name: level}\n"},
        sla=sla,
        more=more,
    )
    return BundleFiles("order", {**bundle.files, **{name: text.encode() for name, text in files.items()}})


def district(database: db.Database, files: BundleFiles | None = None, *asked: str) -> World:
    """The order, the side processes of these kinds, and the categories that their forms offer."""
    world = worlds.build(database, files or order(), *(worlds.shipped(f"side_{each}") for each in asked))
    with db.transaction() as session:
        worlds.categorise(session)
    return world


def brought(world: World, by: str, name: str = "证明.pdf") -> str:
    """The id of a file that somebody brought ahead of a request; the test needs a `shelf`."""
    answer = bring(world, by, "pdf", name)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def filed(world: World, unit: str = "d1-cgw", **answers: Any) -> Row:
    """The open task 办理 of a new order."""
    moved = world.file(process="order", answers={"main_unit": unit, **answers})
    return moved.opened[0]


def ask(world: World, by: str, task: Row, kind: str, **answers: Any) -> Any:
    """`POST /tasks/{id}/requests`."""
    body = {"kind": kind, "answers": {"request_reason": "灯杆要从外地调运。", **answers}}
    return world.post(by, f"/tasks/{task['id']}/requests", body)


def open_task(world: World, case_id: str) -> Row:
    """The only open task of a case, such as that of a request."""
    (task,) = world.inbox_of({"id": case_id})
    return task


def decide(world: World, by: str, case_id: str, outcome: str = "同意", opinion: str | None = None) -> Moved:
    """Completes the open step of a request."""
    return world.complete(by, open_task(world, case_id), outcome, opinion=opinion)


def texts(world: World, case_id: str, by: str = "paiqian1") -> list[str]:
    """What the timeline says."""
    steps = world.get(by, f"/cases/{case_id}/timeline?limit=200").get_json()["items"]
    return [event["text"] for step in steps for event in step["events"]]
