"""Categories over HTTP: everybody may look, one permission imports, and the answers have the promised shapes."""

from typing import Any

import pytest

from app.categories import schemas
from app.core import db
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.categories.conftest import SMALL, load
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    made = worlds.build(database)
    load(SMALL)
    return made


def listed(world: World, query: str = "") -> list[Any]:
    answer = world.get("city", f"/categories/city_12345?{query}")
    assert answer.status_code == 200, answer.json
    assert misfits(schemas.CategoryPage(), answer.json) == []
    return [item["code"] for item in answer.json["items"]]


def test_a_table_is_listed_by_level_parent_words_and_day(world: World) -> None:
    load(SMALL.replace("井盖缺损", "井盖损坏"))

    assert listed(world) == ["01", "0101", "010101", "010102", "0102", "10"]
    assert listed(world, "level=1") == ["01", "10"]
    assert listed(world, "parent=0101") == ["010101", "010102"]
    assert listed(world, "q=路灯") == listed(world, "q=照明") == ["010101"]
    assert listed(world, "q=010") == ["0101", "010101", "010102", "0102"]
    assert listed(world, "q=%25") == []
    assert listed(world, "at=2025-12-01T00:00:00%2B08:00") == []
    assert listed(world, "q=井盖缺损") == []
    assert listed(world, "q=井盖缺损&at=2026-01-02T00:00:00%2B08:00") == ["010102"]


def test_pages_follow_each_other_and_belong_to_their_question(world: World) -> None:
    first = world.get("city", "/categories/city_12345?limit=4").json
    after = first["page"]["next"]
    rest = world.get("city", f"/categories/city_12345?limit=4&after={after}").json

    assert [each["code"] for each in first["items"] + rest["items"]] == listed(world)
    assert rest["page"]["next"] is None
    assert world.get("city", f"/categories/city_12345?level=1&after={after}").status_code == 422


def test_tables_are_named_and_an_unknown_one_is_not_there(world: World) -> None:
    tables = world.get("cgw1", "/categories")

    assert misfits(schemas.CategoryTables(), tables.json) == []
    assert [each["key"] for each in tables.json["items"]] == ["city_12345"]
    assert world.get("cgw1", "/categories/other").status_code == 404


def test_an_administrator_looks_first_and_then_imports(world: World) -> None:
    text = SMALL.replace("教育", "教学")

    dry = world.post("liucheng1", "/categories/city_12345/import", {"yaml": text, "dryRun": True})
    done = world.post("liucheng1", "/categories/city_12345/import", {"yaml": text}, key="k")
    again = world.post("liucheng1", "/categories/city_12345/import", {"yaml": text}, key="k")

    assert misfits(schemas.ImportOut(), done.json) == []
    assert dry.json["renamed"] == done.json["renamed"] == [{"code": "10", "name": "教学", "was": "教育"}]
    assert (dry.json["dryRun"], done.json["dryRun"]) == (True, False)
    assert again.data == done.data
    assert listed(world, "q=教学") == ["10"]


def test_who_may_not_import_is_told_which_permission_is_missing(world: World) -> None:
    answer = world.post("paiqian1", "/categories/city_12345/import", {"yaml": SMALL})

    assert (answer.status_code, answer.json["permission"]) == (403, "category:import")
    assert "导入诉求分类" in answer.json["detail"]


def test_a_wrong_file_or_another_table_is_refused_in_plain_words(world: World) -> None:
    wrong = world.post("liucheng1", "/categories/city_12345/import", {"yaml": "table: x"})
    other = world.post("liucheng1", "/categories/another/import", {"yaml": SMALL})

    assert (wrong.status_code, wrong.json["type"]) == (422, "/problems/categories-refused")
    assert any("第 1 行" in error["message"] for error in wrong.json["errors"])
    assert (other.status_code, other.json["type"]) == (422, "/problems/table-mismatch")
