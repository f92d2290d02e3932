"""A category of the work order is chosen from the dated table of the installation, and stays as chosen."""

import pytest

from app.bundles.files import BundleFiles
from app.bundles.forms import AnswersRefused
from app.cases.models import case_facts
from tests.categories.conftest import SMALL, load
from tests.world import WORK_ORDER, World, folder

DECLARED = "\ndata:\n  category: {type: category, table: city_12345, label: 分类}\n"


@pytest.fixture
def sorting(world: World) -> World:
    """The work order with a category at its filing, and a small table."""
    load(SMALL)
    files = dict(folder(WORK_ORDER).files)
    lines = files["process.yaml"].decode().split("\ndata:", 1)
    text = lines[0] + DECLARED + lines[1].split("\n", 1)[1]
    files["process.yaml"] = text.replace("facts: [", "facts: [category, ", 1).encode()
    files["forms/filing.yaml"] += b"  - {name: category, choices: categories(leaf=true)}\n"
    world.publish(BundleFiles(WORK_ORDER, files))
    return world


def answers(category: str) -> dict[str, str]:
    return {"content": "路灯坏了", "level": "一般", "category": category}


def test_a_case_keeps_code_and_name_as_they_were_chosen(sorting: World):
    case = sorting.file(answers=answers("010101")).case
    load(SMALL.replace("路灯不亮", "路灯故障").replace("from: 2026-01-01\n", ""))

    data = sorting.case(case["id"])["data"]

    assert (data["category"], data["category_name"]) == ("010101", "城市管理 / 公用设施 / 路灯不亮")
    (fact,) = sorting.rows(case_facts, case_id=case["id"], name="category")
    assert fact["as_text"] == "010101"


@pytest.mark.parametrize("code", ["0101", "999999"])
def test_a_category_that_may_not_be_chosen_is_refused(sorting: World, code: str):
    with pytest.raises(AnswersRefused) as refused:
        sorting.file(answers=answers(code))

    assert [error.code for error in refused.value.errors] == ["category-not-selectable"]


def test_a_category_that_was_ended_is_chosen_no_more(sorting: World):
    ended = SMALL.replace('          - {code: "010101", name: 路灯不亮, keywords: [路灯, 照明]}\n', "")
    load(ended.replace("from: 2026-01-01\n", ""))

    with pytest.raises(AnswersRefused):
        sorting.file(answers=answers("010101"))
