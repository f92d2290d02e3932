"""A unit that moves under another one: whole while nothing names its path, refused in words once something does."""

import pytest
from sqlalchemy import select

from app.cases import under_units
from app.core import db
from app.identity import org
from app.identity.models import appointments, units
from app.identity.org import UnitInUse
from tests.world import BPMN, World

CODE = "d1-s1-c3"
OLD, NEW = "d1/d1-s1/d1-s1-c3", "d1/d1-s2/d1-s1-c3"
FILE = (BPMN / "_org.yaml").read_text("utf-8")
LINE = "code: d1-s1-c3, name: 丙社区, kind: community,  tier: community,  parent: "
MOVED = FILE.replace(LINE + "d1-s1}", LINE + "d1-s2}")


def load(text: str) -> None:
    with db.transaction() as session:
        org.load_org(session, text.encode(), with_passwords=False)


def path(world: World) -> str:
    return str(world.rows(units, code=CODE)[0]["path"])


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


def test_a_unit_with_a_case_placed_there_does_not_move_and_nothing_changes(world: World) -> None:
    case = world.file(place_unit=CODE).case

    with pytest.raises(UnitInUse) as refused:
        load(MOVED)

    assert str(refused.value.detail) == f"“丙社区”（{OLD}）不能改到 {NEW}：这里有 1 件办件。"
    assert path(world) == OLD
    assert world.case(case["id"])["org_path"] == OLD


def test_a_unit_that_had_a_task_in_its_pool_does_not_move(world: World) -> None:
    world.dispatched("d1-cgw")

    with db.reading() as session:
        assert under_units.in_the_way(session, "d1/d1-cgw") == "这里有 1 件办件"
        assert under_units.in_the_way(session, "d1/d1-zjw") is None


def test_a_unit_that_something_is_shared_with_does_not_move(world: World) -> None:
    world.appoint("paiqian1", "process_admin", "d1")
    body = {"kind": "cases", "name": "近期", "filter": {}, "sort": [], "share": [{"unit": CODE}]}
    assert world.post("paiqian1", "/filters", body).status_code == 201

    with pytest.raises(UnitInUse, match="共享的筛选"):
        load(MOVED)


def test_loading_the_same_file_again_moves_nothing(world: World) -> None:
    world.file(place_unit=CODE)

    load(FILE)

    assert path(world) == OLD
