"""Work outside for each of a list: every item's own, by its own worker."""

from app.cases.external.models import external_tasks
from app.core import db
from app.processes import check
from tests import world as worlds
from tests.cases.external.conftest import OUTSIDE, fetch, said
from tests.engine.drawing import Drawing, marker
from tests.world import by_role

DATA = "units: {type: list, of: unit, label: 单位}"
FORMS = {"filing": "title: 登记\nfields:\n  - {name: units}\n"}


def each() -> worlds.BundleFiles:
    inner = Drawing("inner").start("s2").service("print", "", {"unit": "${unit}"}, {}, OUTSIDE).end("e2")
    inner.line("s2", "print", "e2")
    drawing = Drawing("each").start(attributes='camunda:formKey="filing"')
    drawing.inside("all", inner, marker("units", item="unit")).task("archive", by_role()).end()
    drawing.line("start", "all", "archive", "end")
    return worlds.bundle_of("each", drawing, data=DATA, forms=FORMS)


def test_each_item_has_work_of_its_own_and_the_last_one_lets_the_case_go_on(database: db.Database) -> None:
    assert not [f.zh for f in check.check_files(each()).findings if f.level == "error"]
    world = worlds.build(database, each())
    case = world.file("dongjie1", "each", answers={"units": ["d1-cgw", "d1-zjw"]}).case

    first, second = fetch(world)
    said(world, first, "complete", variables={})
    between = world.inbox_of(case)
    said(world, second, "complete", variables={})

    assert [task["variables"]["unit"]["value"] for task in (first, second)] == ["d1-cgw", "d1-zjw"]
    assert between == []
    assert [task["step"] for task in world.inbox_of(case)] == ["archive"]
    assert {row["state"] for row in world.rows(external_tasks)} == {"done"}
