"""A category is chosen by code from a dated table; the case keeps the code and what it was called then."""

from typing import Any

import pytest

from app.bundles.bundle import Bundle
from app.bundles.form_schema import json_schema
from app.bundles.forms import AnswersRefused
from app.bundles.lookups import CategoryFact, FixedLookups
from tests.bundles.conftest import FORM, PROCESS
from tests.bundles.test_files_and_keys import only

LIGHT = CategoryFact("010101", "城市管理 / 公用设施 / 路灯不亮", True, ("01", "0101", "010101"))
WORKS = CategoryFact("0101", "城市管理 / 公用设施", False, ("01", "0101"))


@pytest.fixture
def sorting(compile_with: Any) -> Bundle:
    """The small process with a category that must be one without parts, below 01."""
    process = PROCESS.replace("  yes:", "  kind: {type: category, table: city, label: 诉求分类}\n  yes:")
    form = FORM.replace("- {name: yes}", "- {name: kind, choices: 'categories(leaf=true, under=\"01\")'}")
    bundle, findings = compile_with(process=process, form=form)
    assert bundle is not None, findings
    return bundle


@pytest.fixture
def city(world: FixedLookups) -> FixedLookups:
    return FixedLookups(world.now, all_categories={"city": (LIGHT, WORKS)})


def answers(kind: str | None) -> dict[str, Any]:
    return {"level": "一般", "kind": kind}


def test_a_chosen_category_is_kept_with_its_name(sorting: Bundle, city: FixedLookups):
    kept = sorting.forms["form"].check(answers("010101"), {}, city)

    assert kept == {"level": "一般", "kind": "010101", "kind_name": "城市管理 / 公用设施 / 路灯不亮"}
    assert sorting.process.data["kind_name"].label == "诉求分类（名称）"


def test_a_cleared_category_clears_its_name(sorting: Bundle, city: FixedLookups):
    kept = sorting.forms["form"].check(answers(None), {"kind": "0101", "kind_name": "旧名"}, city)

    assert kept == {"level": "一般", "kind": None, "kind_name": None}


@pytest.mark.parametrize(
    ("code", "says"),
    [("9999", "没有编码为“9999”的分类，或已停用"), ("0101", "下面还有细分，请选到最后一级")],
)
def test_what_may_not_be_chosen_now_is_refused(sorting: Bundle, city: FixedLookups, code: str, says: str):
    with pytest.raises(AnswersRefused) as refused:
        sorting.forms["form"].check(answers(code), {}, city)

    (error,) = refused.value.errors
    assert (error.pointer, error.code) == ("/answers/kind", "category-not-selectable")
    assert says in error.message


def test_clients_see_the_table_and_the_query(sorting: Bundle):
    schema = json_schema(sorting.forms["form"])["properties"]["kind"]["anyOf"][0]

    assert schema["x-table"] == "city"
    assert schema["x-choices"] == {"categories": {"leaf": True, "under": "01"}}


def test_the_name_of_a_category_is_asked_of_nobody(compile_with: Any):
    process = PROCESS.replace("  yes:", "  kind: {type: category, table: city, label: 诉求分类}\n  yes:")

    _, findings = compile_with(process=process, form=FORM.replace("- {name: yes}", "- {name: kind_name}"))

    assert "在选择分类“kind”时由系统填写" in only(findings).zh
