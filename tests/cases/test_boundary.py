"""A position must lie in the district whose case it is, where the organisation says where that is."""

from typing import Any

import pytest

from app.core import db
from app.core.area import contains
from app.identity import org
from app.identity.models import units
from app.identity.org import OrgRefused, read_org
from tests.world import BPMN, World

FILE = (BPMN / "_org.yaml").read_text("utf-8")
BORDER = next(line for line in FILE.splitlines() if line.strip().startswith("boundary:"))
INSIDE, OUTSIDE = {"lng": 103.03, "lat": 40.42}, {"lng": 116.4, "lat": 39.9}


def filed(world: World, place: Any) -> Any:
    answers = {"content": "路灯不亮", "level": "一般", "place": place}
    return world.post(
        "paiqian1", "/cases", {"process": "work_order_12345", "title": "路灯不亮", "answers": answers}
    )


def load(border: str) -> None:
    with db.transaction() as session:
        org.load_org(session, FILE.replace(BORDER, border).encode(), with_passwords=False)


def test_a_position_outside_the_district_is_refused_and_one_inside_is_kept(world: World) -> None:
    outside, inside = filed(world, OUTSIDE), filed(world, INSIDE)

    assert (outside.status_code, outside.json["errors"]) == (
        422,
        [{"pointer": "/answers/place", "code": "point-outside", "message": "“位置”不在本区范围内，请核对。"}],
    )
    assert inside.status_code == 201, inside.json


def test_without_a_border_any_position_of_the_country_is_taken(world: World) -> None:
    load("")

    assert world.rows(units, code="d1")[0]["boundary"] is None
    assert filed(world, OUTSIDE).status_code == 201


def test_two_corners_are_a_rectangle(world: World) -> None:
    load("    boundary: [[116.3, 39.8], [116.5, 40.0]]")

    assert filed(world, OUTSIDE).status_code == 201
    assert filed(world, INSIDE).status_code == 422


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("    boundary: [[116.3, 39.8]]", "至少两个角"),
        ("    boundary: [[116.3, 39.8], [here, 40]]", "至少两个角"),
        ("    boundary: [[39.8, 116.3], [40.0, 116.5]]", "经度 73–136"),
        ("    boundary: 116.3", "至少两个角"),
    ],
)
def test_a_border_that_is_none_is_told_with_its_line(wrong: str, says: str) -> None:
    with pytest.raises(OrgRefused) as refused:
        read_org(FILE.replace(BORDER, wrong).encode())

    (line, text) = refused.value.findings[0]
    assert says in text
    assert line == FILE.splitlines().index(BORDER) + 1


def test_the_lowest_unit_around_a_position_is_where_it_lies(world: World) -> None:
    with db.reading() as session:
        found = [
            org.unit_around(session, point) for point in ((103.02, 40.42), (103.05, 40.41), (116.4, 39.9))
        ]

    assert [unit and unit.name for unit in found] == ["乙社区", "丁社区", None]


@pytest.mark.parametrize(
    ("point", "lies"),
    [((1, 1), True), ((3, 1), False), ((1, 3), False), ((-1, 1), False), ((1.9, 1.9), True)],
)
def test_a_square_holds_what_lies_in_it(point: tuple[float, float], lies: bool) -> None:
    assert contains(((0, 0), (2, 0), (2, 2), (0, 2)), point) is lies
