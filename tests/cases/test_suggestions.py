"""Suggestions: shown with the form, changing nothing; what a person then chose is kept, told and counted."""

from typing import Any

import pytest

from app.cases.models import cases
from app.cases.schemas import FormOut
from app.cases.suggestions.models import suggestions
from app.cases.suggestions.schemas import SuggestionCounts
from app.core import db
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.categories.conftest import SMALL, load
from tests.engine.drawing import Drawing
from tests.world import Row, World, bundle_of, by_role, statements

SORTING = "sorting"
LAMPS = "城市管理 / 公用设施 / 路灯不亮"


def sorting(key: str = SORTING, more: str = "suggest: classify") -> worlds.BundleFiles:
    """A process whose one step asks for a category, with a suggestion."""
    drawing = Drawing(key).start().task("sort", f'{by_role()} camunda:formKey="sort"', outcomes="完成").end()
    form = f"title: 分类\nfields:\n  - {{name: kind, {more}}}\n  - {{name: content}}\n"
    data = "kind: {type: category, table: city_12345, label: 诉求分类}"
    return bundle_of(key, drawing.line("start", "sort", "end"), data=data, forms={"sort": form})


@pytest.fixture
def world(database: db.Database) -> World:
    world = worlds.build(database, sorting())
    load(SMALL)
    return world


def task_of(world: World, title: str = "小区路灯全部不亮，没有照明", **about: Any) -> Row:
    return world.file(process=SORTING, title=title, **about).opened[0]


def offered(world: World, task: Row) -> list[Row]:
    answer = world.get("paiqian1", f"/tasks/{task['id']}/form")
    assert misfits(FormOut(), answer.json) == []
    return answer.json["suggestions"]  # type: ignore[no-any-return]


def counts(world: World, who: str = "paiqian1", query: str = "") -> list[tuple[str, int, int]]:
    answer = world.get(who, f"/suggestions/counts{query}")
    assert misfits(SuggestionCounts(), answer.json) == []
    return [(each["field"], each["taken"], each["changed"]) for each in answer.json["items"]]


def test_a_form_shows_what_is_suggested_and_why_and_the_case_stays_as_it_is(world: World) -> None:
    task = task_of(world)

    found = offered(world, task)

    assert found == [
        {
            "field": "kind",
            "adviser": "classify",
            "value": "010101",
            "label": LAMPS,
            "why": ["路灯", "照明"],
        }
    ]
    form = world.get("paiqian1", f"/tasks/{task['id']}/form").json
    assert form["schema"]["properties"]["kind"]["x-suggest"] == "classify"
    assert form["values"] == {}
    assert world.case(task["case_id"])["data"] == {}
    assert world.rows(suggestions) == []


@pytest.mark.requirement("SJS-004")
def test_another_class_than_the_suggested_one_is_kept_with_the_suggestion_and_the_change_is_told(
    world: World,
) -> None:
    task = task_of(world)
    world.complete("paiqian1", task, answers={"kind": "010102"})

    (kept,) = world.rows(suggestions)
    told = world.get("paiqian1", f"/cases/{task['case_id']}/timeline").json["items"]
    texts = [event["text"] for step in told for event in step["events"]]
    assert world.case(task["case_id"])["data"]["kind"] == "010102"
    assert (kept["value"], kept["chosen"], kept["taken"]) == ("010101", "010102", False)
    assert (kept["task_id"], kept["step"], kept["adviser"]) == (task["id"], "sort", "classify")
    assert kept["by_id"] == world.actor("paiqian1").id
    assert f"办理“sort”，结论：完成；推荐的诉求分类“{LAMPS}”改为“城市管理 / 公用设施 / 井盖缺损”" in texts
    assert counts(world) == [("kind", 0, 1)]


def test_a_suggestion_that_is_taken_is_counted_as_taken(world: World) -> None:
    for kind in ("010101", "010101", "010102", None):
        world.complete("paiqian1", task_of(world), answers={"kind": kind})

    assert [row["chosen"] for row in world.rows(suggestions)] == ["010101", "010101", "010102", None]
    assert counts(world) == counts(world, query=f"?process={SORTING}") == [("kind", 2, 2)]
    assert counts(world, query="?process=another") == []


def test_nothing_is_judged_when_nothing_was_suggested_or_nothing_answered(world: World) -> None:
    world.complete("paiqian1", task_of(world), answers={"content": "只写内容"})
    silent = task_of(world, title="没有说什么")
    assert offered(world, silent) == []
    world.complete("paiqian1", silent, answers={"kind": "010102"})

    assert world.rows(suggestions) == []
    assert counts(world) == []


def test_what_is_suggested_follows_the_text_as_it_was_before_the_answers(world: World) -> None:
    world.complete("paiqian1", task_of(world), answers={"kind": "010101", "content": "换一种说法"})

    assert [row["taken"] for row in world.rows(suggestions)] == [True]


def test_the_same_completion_again_is_judged_once(world: World) -> None:
    task = task_of(world)
    for _ in range(2):
        world.complete("paiqian1", task, answers={"kind": "010101"})

    assert counts(world) == [("kind", 1, 0)]


def test_a_category_that_the_field_does_not_take_is_not_suggested(world: World) -> None:
    world.publish(sorting("narrow", "suggest: classify, choices: 'categories(under=\"10\")'"))

    task = world.file(process="narrow", title="路灯不亮").opened[0]

    assert offered(world, task) == []


def test_only_cases_in_one_s_scope_are_counted(world: World) -> None:
    east, west = task_of(world), task_of(world, place_unit="d1-s2-c1")
    for task in (east, west):
        world.complete("paiqian1", task, answers={"kind": "010101"})

    assert counts(world) == [("kind", 2, 0)]
    assert counts(world, "ding2") == [("kind", 1, 0)]
    assert world.get("shenji1", "/suggestions/counts").status_code == 403


def test_a_task_that_is_done_is_advised_no_more(world: World) -> None:
    task = task_of(world)
    world.complete("paiqian1", task, answers={"kind": "010101"})

    assert offered(world, task) == []
    assert world.rows(cases)[0]["state"] == "closed"


def test_a_form_without_suggestions_costs_nothing(world: World) -> None:
    task = task_of(world)

    with statements(world.database) as sent:
        world.complete("paiqian1", task, answers={"content": "只写内容"})

    assert [each for each in sent if "suggestions" in each or "keywords" in each] == []
