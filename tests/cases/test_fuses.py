"""What only shows while a case runs (trust rows 7 and 8): the fuse stops it, the case stays, an incident says why."""

import pytest

from app.audit.chain import case_chain
from app.cases import tasks
from app.cases.errors import ProcessStopped
from app.cases.models import cases, incidents
from app.cases.models import tasks as task_rows
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def asked(key: str) -> Drawing:
    """A case that begins with one step whose form decides what comes then."""
    return Drawing(key).start().task("ask", by_role() + ' camunda:formKey="ask"', outcomes="完成").end()


def spinning() -> worlds.BundleFiles:
    """A loop of gateways, published before the check refused it: it turns for as long as `again` holds."""
    drawing = asked("spinning").either("merge").either("gate", default="on")
    drawing.line("start", "ask", "merge", "gate").flow("gate", "merge", "again == True", name="back")
    return worlds.bundle_of(
        "spinning",
        drawing.flow("gate", "end", name="on"),
        data="again: {type: bool, label: 再来}",
        forms={"ask": "title: 填写\nfields:\n  - {name: again}\n"},
    )


def crowded() -> worlds.BundleFiles:
    """A step done by as many people as the form says."""
    drawing = asked("crowded").signing("sign", count="people", attributes=by_role(), outcomes="同意")
    return worlds.bundle_of(
        "crowded",
        drawing.line("start", "ask", "sign", "end"),
        data="people: {type: int, label: 人数}",
        forms={"ask": "title: 填写\nfields:\n  - {name: people}\n"},
    )


@pytest.mark.parametrize(
    ("files", "bad", "says", "good", "then"),
    [
        (spinning(), {"again": True}, "自动步骤超过 500 步", {"again": False}, []),
        (crowded(), {"people": 201}, "多人办理超过 200 人", {"people": 200}, ["sign"] * 200),
    ],
    ids=["row 7, a loop without a wait", "row 8, 201 people"],
)
def test_a_blown_fuse_is_an_incident_and_the_case_stays_as_it_was(
    database: db.Database, files: worlds.BundleFiles, bad: dict, says: str, good: dict, then: list[str]
) -> None:
    world = worlds.build(database, files)
    task = world.file(process=files.key).opened[0]
    before = kept(world, task["case_id"])

    with pytest.raises(ProcessStopped):
        tasks.complete(world.actor("paiqian1"), task["id"], "完成", bad, None, 1)

    (incident,) = world.rows(incidents)
    assert (incident["case_id"], incident["state"]) == (task["case_id"], "open")
    assert says in str(incident)
    assert kept(world, task["case_id"]) == before
    assert tasks.form_of(world.actor("paiqian1"), task["id"])["draft"]["answers"] == bad

    moved = world.complete("paiqian1", task, "完成", good)

    assert [row["step"] for row in moved.opened] == then


def kept(world: World, case_id: str) -> list:
    """The case, its chain and its tasks, but for the draft that keeps what was typed."""
    rows = [{**row, "draft": None} for row in world.rows(task_rows, case_id=case_id)]
    return [world.rows(cases, id=case_id), world.rows(case_chain, case_id=case_id), rows]
