"""Who finds a task by `item` and `superior(step)`, on real rows of the organisation."""

from app.bundles.files import BundleFiles
from app.cases.models import incidents
from app.cases.models import tasks as task_rows
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, numbered, statements

UNIT = "place: {type: unit, label: 单位}, units: {type: list, of: unit, label: 单位}, who: {type: list, of: person, label: 人员}"
UNITS = ["d1-cgw", "d1-zjw", "d1-s1", "d1-s1-c1", "d1-s1-c2", "d1-s1-c3", "d1-s2", "d1-s2-c1"]
FORMS = {"filing": "title: 登记\nfields: [{name: place}, {name: units}, {name: who}]\n"}


def rule(text: str) -> str:
    return f'camunda:candidateGroups="{text}"'


def start() -> Drawing:
    return Drawing("asked").start("start", 'camunda:formKey="filing"').end()


def published(database: db.Database, drawing: Drawing) -> worlds.World:
    files: BundleFiles = worlds.bundle_of("asked", drawing, data=UNIT, forms=FORMS)
    return worlds.build(database, files)


def above(database: db.Database, step: str, by: str, place: str) -> list[str]:
    """The pools of a step whose rule is superior(step), after somebody did that step."""
    drawing = start().task("a", rule(step)).task("b", rule("superior(a)")).line("start", "a", "b", "end")
    world = published(database, drawing)
    first = world.file(process="asked", place_unit=place).opened[0]
    return list(world.complete(by, first).opened[0]["pools"])


def test_the_superior_of_a_street_dispatcher_is_the_districts(database: db.Database) -> None:
    assert above(database, "role(dispatcher)@street", "dongjie1", "d1-s1-c1") == ["dispatcher@d1"]


def test_who_has_nobody_above_leaves_it_to_the_nearest_handlers(database: db.Database) -> None:
    drawing = start().task("a", rule("role(dispatcher)@district")).task("b", rule("superior(a)"))
    world = published(database, drawing.line("start", "a", "b", "end"))
    first = world.file(process="asked").opened[0]

    opened: Row = world.complete("paiqian1", first).opened[0]

    (pool,) = opened["pools"]
    assert pool.startswith("handler@")
    assert [row["kind"] for row in world.rows(incidents)] == ["pool-empty"]


def test_each_unit_of_several_finds_its_own_task(database: db.Database) -> None:
    drawing = start().signing("a", "units", attributes=rule("item")).line("start", "a", "end")
    world = published(database, drawing)

    opened = world.file(process="asked", answers={"units": ["d1-cgw", "d1-zjw"]}).opened

    assert [row["pools"] for row in opened] == [["handler@d1/d1-cgw"], ["handler@d1/d1-zjw"]]
    assert [row["id"] for row in world.inbox("zjw1")] == [opened[1]["id"]]


def test_each_person_of_several_finds_the_task_on_the_desk(database: db.Database) -> None:
    drawing = start().signing("a", "who", attributes=rule("item")).line("start", "a", "end")
    world = published(database, drawing)

    opened = world.file(process="asked", answers={"who": ["cgw2", "shenhe1"]}).opened

    assert [row["id"] for row in world.inbox("cgw2")] == [opened[0]["id"]]
    assert [row["id"] for row in world.inbox("shenhe1")] == [opened[1]["id"]]
    assert world.inbox("cgw1") == []


def test_many_different_units_cost_what_one_costs(database: db.Database) -> None:
    drawing = start().task("first", rule("role(dispatcher)@district"))
    drawing.signing("a", "units", attributes=rule("item")).line("start", "first", "a", "end")
    world = published(database, drawing)
    cost: dict[int, list[str]] = {}

    for units in (["d1-cgw"], ["d1-zjw"], ["d1-cgw", "d1-zjw", "d1-s1"], UNITS):
        task = world.file(process="asked", answers={"units": units}).opened[0]
        with statements(database) as cost[len(units)]:
            opened = world.complete("paiqian1", task).opened
        assert len(opened) == len(units)

    with_incident = 4  # those without staff: who is above them, and one incident for them all
    assert len(cost[3]) == len(cost[1]), numbered(cost[3])
    assert len(cost[len(UNITS)]) == len(cost[1]) + with_incident, numbered(cost[len(UNITS)])
    (told,) = world.rows(incidents)
    assert (told["kind"], told["count"]) == ("pool-empty", 3)


def test_a_retry_finds_the_pools_of_all_tasks_of_the_step_anew(database: db.Database) -> None:
    drawing = start().signing("a", "units", attributes=rule("item")).line("start", "a", "end")
    world = published(database, drawing)
    world.file(process="asked", answers={"units": ["d1-s1-c1", "d1-s1-c2", "d1-s1-c3"]})
    (told,) = world.rows(incidents)
    world.appoint("cgw2", "handler", "d1-s1-c2")  # 甲社区 has somebody, 丙社区 nobody

    done = world.post(
        "liucheng1", f"/incidents/{told['id']}/retry", {"reason": "已任命"}, seen=told["revision"]
    )

    assert done.status_code == 200, done.json
    pools = [row["pools"] for row in world.rows(task_rows)]
    assert pools[:2] == [["handler@d1/d1-s1/d1-s1-c1"], ["handler@d1/d1-s1/d1-s1-c2"]]
    states = [(row["state"], row["count"]) for row in world.rows(incidents)]
    assert sorted(states) == [("open", 1), ("resolved", 2)]
