"""Notices that a printing centre prints: it fetches each, prints it, and says under which number."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.cases.external.models import external_tasks
from app.core import db
from app.identity import topics
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

TOPIC = "notice.print"
PRINTER = "print-centre"
DATA = (
    "amount: {type: int, label: 份数}, printed_no: {type: text, max: 20, label: 文印编号}, "
    "sent_to: {type: list, of: unit, label: 送达单位}, caller: {type: text, secret: true, label: 来电人}"
)
FORMS = {"filing": "title: 登记\nfields:\n  - {name: amount}\n  - {name: caller}\n"}
INPUTS = {
    "template": "notice",
    "subject": "${title}",
    "copies": "${amount * 2}",
    "urgent": "${priority > 60}",
}
OUTPUTS = {"number": "printed_no", "units": "sent_to"}
OUTSIDE = f'camunda:type="external" camunda:topic="{TOPIC}"'


def printing(way_out: bool = False, key: str = "drawn") -> Drawing:
    """print (no_paper → buy; after a day → hurry) → archive; number P-0 finds no way, or with `way_out` buy."""
    drawing = Drawing(key).start(attributes='camunda:formKey="filing"').declare("error", "no_paper")
    drawing.service("print", "", INPUTS, OUTPUTS, OUTSIDE)
    drawing.edge("none_left", "print", "error", "no_paper").timer("late", "print", "P1D")
    drawing.task("buy", by_role()).task("hurry", by_role()).task("archive", by_role()).end()
    drawing.either("enough", default="other" if way_out else None).line("start", "print", "enough").flow(
        "enough", "archive", 'printed_no != "P-0"'
    )
    drawing.line("archive", "end").line("none_left", "buy", "archive").line("late", "hurry", "archive")
    return drawing.flow("enough", "buy", name="other") if way_out else drawing


@pytest.fixture
def world(database: db.Database) -> World:
    """The district with the process that prints."""
    return build(database)


def build(database: db.Database, drawing: Drawing | None = None) -> World:
    files = worlds.bundle_of("drawn", drawing or printing(), data=DATA, forms=FORMS)
    return worlds.build(database, files)


def filed(world: World, amount: int = 3, **about: Any) -> Row:
    """A case whose notice waits to be printed."""
    answers = {"amount": amount, "caller": "市民甲"}
    return world.file("dongjie1", "drawn", answers=answers, **about).case


def fetch(world: World, worker: str = "w1", by: str = PRINTER, most: int = 10, **about: Any) -> list[Row]:
    answer = fetching(world, worker, by, most, **about)
    assert answer.status_code == 200, answer.json
    tasks: list[Row] = answer.json  # type: ignore[assignment]
    return tasks


def fetching(
    world: World, worker: str = "w1", by: str = PRINTER, most: int = 10, lock: int = 60_000, **about: Any
) -> TestResponse:
    body = {"workerId": worker, "maxTasks": most, "topics": [{"topicName": TOPIC, "lockDuration": lock}]}
    return world.post(by, "/external-tasks/fetch-and-lock", {**body, **about})


def said(
    world: World, task: Row, act: str, worker: str = "w1", by: str = PRINTER, **body: Any
) -> TestResponse:
    return world.post(by, f"/external-tasks/{task['id']}/{act}", {"workerId": worker, **body})


PRINTED = {"number": {"value": "P-7", "type": "String"}, "units": {"value": '["d1-cgw"]', "type": "Json"}}


def complete(world: World, task: Row, worker: str = "w1", **variables: Any) -> TestResponse:
    return said(world, task, "complete", worker, variables={**PRINTED, **variables})


def row(world: World, task: Row) -> Row:
    return world.row(external_tasks, task["id"])


def grant(world: World, login: str, *names: str) -> None:
    """Another account that works on these topics."""
    with db.transaction() as session:
        topics.grant(session, world.actor(login).id, names)


def problem(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].removeprefix("/problems/")  # type: ignore[index]
