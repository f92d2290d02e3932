"""A unit that moves under another one takes along what is under way there, in one transaction, with audit."""

import pytest
from sqlalchemy import select

from app.audit.streams import ADMIN, audit_stream
from app.audit.verify import verify, verify_streams
from app.cases import moves
from app.cases.models import cases, task_queue, tasks
from app.categories import importing
from app.categories.category_file import read_categories
from app.core import db
from app.identity import org
from app.identity.actor import SYSTEM
from app.identity.models import appointments, units
from tests import world as worlds
from tests.world import BPMN, Row, World

CODE = "d1-s1-c3"
OLD, NEW = "d1/d1-s1/d1-s1-c3", "d1/d1-s2/d1-s1-c3"
FILE = (BPMN / "_org.yaml").read_text("utf-8")
LINE = "code: d1-s1-c3, name: 丙社区, kind: community,  tier: community,  parent: "
MOVED = FILE.replace(LINE + "d1-s1", LINE + "d1-s2")
DEPARTMENT = "code: d1-cgw,   name: 城管委, kind: department, tier: department, parent: "
DEPARTMENT_MOVED = FILE.replace(DEPARTMENT + "d1}", DEPARTMENT + "d1-zjw}")
WAS, IS = "d1/d1-cgw", "d1/d1-zjw/d1-cgw"


def load(text: str) -> None:
    with db.transaction() as session:
        org.load_org(session, text.encode(), with_passwords=False)


def path(world: World, code: str = CODE) -> str:
    return str(world.rows(units, code=code)[0]["path"])


@pytest.fixture
def dispatched(world: World) -> Row:
    """A task in the pool of 城管委."""
    return world.dispatched("d1-cgw")


def test_a_unit_without_cases_moves_with_everybody_appointed_there(world: World) -> None:
    world.appoint("jia1", "handler", CODE)
    load(FILE.replace("login: jia1", "login: jia2"))  # jia1 is not in the file any more, and stays as he is
    assert MOVED != FILE

    load(MOVED.replace("login: jia1", "login: jia2"))

    assert path(world) == NEW
    unit_id = world.rows(units, code=CODE)[0]["id"]
    with db.reading() as session:
        query = select(appointments.c.unit_path).where(appointments.c.unit_id == unit_id)
        assert session.execute(query).scalars().all() == [NEW]


def test_cases_placed_there_are_of_the_new_street_from_then_on(world: World) -> None:
    under_way, closed = world.file(place_unit=CODE).case, world.file(place_unit=CODE).case
    world.change(cases, closed["id"], state="closed")
    before = world.get("xijie1", f"/cases/{under_way['id']}").status_code

    load(MOVED)

    assert [world.case(case["id"])["org_path"] for case in (under_way, closed)] == [NEW, NEW]
    assert (before, world.get("xijie1", f"/cases/{under_way['id']}").status_code) == (404, 200)


def test_tasks_lie_in_the_pool_of_the_unit_where_it_is_now(world: World, dispatched: Row) -> None:
    load(DEPARTMENT_MOVED)

    row = world.row(tasks, dispatched["id"])
    assert (row["pools"], row["revision"]) == ([f"handler@{IS}"], dispatched["revision"] + 1)
    assert [lies["holder"] for lies in world.rows(task_queue, task_id=row["id"])] == [f"pool:handler@{IS}"]
    assert [task["id"] for task in world.inbox("cgw1")] == [row["id"]]
    world.claim("cgw1", row)
    assert world.complete("cgw1", world.row(tasks, row["id"]), "签收").opened[0]["pools"] == [f"handler@{IS}"]


def test_who_had_a_step_is_still_found_there(world: World, dispatched: Row) -> None:
    world.complete("cgw1", dispatched, "签收")

    load(DEPARTMENT_MOVED)

    done = world.row(tasks, dispatched["id"])
    assert (done["state"], done["pools"]) == ("done", [f"handler@{IS}"])
    assert world.get("cgw2", f"/cases/{done['case_id']}").status_code == 200, "let in by its unit's pool"


def test_a_merged_case_follows_too(world: World, dispatched: Row) -> None:
    into = world.file().case
    seen = world.case(dispatched["case_id"])["revision"]
    moves.merge(world.actor("paiqian1"), dispatched["case_id"], into["id"], "同一盏", seen)

    load(DEPARTMENT_MOVED)
    moves.unmerge(world.actor("paiqian1"), dispatched["case_id"], "并错了")

    assert [task["id"] for task in world.inbox("cgw1")] == [dispatched["id"]]


def test_what_lies_deeper_moves_with_the_unit_above_it(world: World) -> None:
    street = "code: d1-s1,    name: 东街道, kind: street,     tier: street,     parent: "
    assert street + "d1," in FILE
    case = world.file(place_unit=CODE).case

    load(FILE.replace(street + "d1,", street + "d1-zjw,"))

    assert path(world) == "d1/d1-zjw/d1-s1/d1-s1-c3"
    assert world.case(case["id"])["org_path"] == path(world)
    heard = [event for event in told(world, case["id"]) if "改属别的上级" in event]
    assert heard == ["“东街道”改属别的上级，这里的待办随之转移"]


def told(world: World, case_id: str) -> list[str]:
    items = world.get("paiqian1", f"/cases/{case_id}/timeline?limit=200").json["items"]
    return [event["text"] for line in items for event in line["events"]]


def test_it_is_told_in_the_chain_of_each_case_and_in_the_audit_stream(world: World, dispatched: Row) -> None:
    world.file(place_unit=CODE)

    load(DEPARTMENT_MOVED)

    assert "“城管委”改属别的上级，这里的待办随之转移" in told(world, dispatched["case_id"])
    (row,) = world.rows(audit_stream, stream=ADMIN, kind="unit.moved")
    assert f'"was":"{WAS}"' in row["data"]
    assert f'"to":"{IS}"' in row["data"]
    assert '"underWay":1' in row["data"]
    with db.reading() as session:
        assert (verify(session).faults, verify_streams(session).faults) == ((), ())


def test_what_is_shared_with_it_stays_shared(world: World) -> None:
    world.appoint("paiqian1", "process_admin", "d1")
    world.appoint("jia1", "observer", CODE)
    body = {"kind": "cases", "name": "近期", "filter": {}, "sort": [], "share": [{"unit": CODE}]}
    assert world.post("paiqian1", "/filters", body).status_code == 201

    load(MOVED.replace("login: jia1", "login: jia2"))  # jia1 stays as he is

    assert [each["name"] for each in world.get("jia1", "/filters").json["items"]] == ["近期"]


def test_loading_the_same_file_again_moves_nothing(world: World) -> None:
    case = world.file(place_unit=CODE).case

    load(FILE)

    assert path(world) == OLD
    assert world.case(case["id"])["revision"] == case["revision"]
    assert world.rows(audit_stream, stream=ADMIN, kind="unit.moved") == []


def test_a_sealed_case_moves_too_and_stays_sealed(database: db.Database) -> None:
    world = worlds.build(database, worlds.shipped("problem_tracking"), worlds.shipped("face_to_face"))
    world.appoint("jia1", "worker", CODE)
    with db.transaction() as session:
        table = (BPMN / "_categories" / "community_labels.yaml").read_bytes()
        importing.import_file(session, SYSTEM, read_categories("community_labels.yaml", table))
    answers = {"kind": "走访", "label": "54", "content": "楼道堆物。"}
    case = world.file("jia1", "face_to_face", title="走访", place_unit=CODE, answers=answers).case

    load(MOVED)

    assert world.case(case["id"])["org_path"] == f"~{NEW}"
    assert world.get("xijie1", f"/cases/{case['id']}").status_code == 404
    assert world.get("jia1", f"/cases/{case['id']}").status_code == 200
