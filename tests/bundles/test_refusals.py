"""What a form does not take as a whole, and categories within the one that was chosen before."""

from typing import Any

import pytest

from app.bundles.choices import CategoryQuery
from app.bundles.form_schema import json_schema
from app.bundles.forms import AnswersRefused, Form
from app.bundles.lookups import CategoryFact, FixedLookups
from tests.bundles.conftest import Compile

FORM = """
title: 一张表
fields:
  - {name: level}
  - {name: short}
refuse:
  - {when: level == "突发" and short is None, field: level, text: 突发的请写明在哪里。}
"""


@pytest.fixture
def form(compile_with: Compile) -> Form:
    bundle, findings = compile_with(form=FORM)
    assert bundle is not None, findings
    return bundle.forms["form"]


def test_a_form_refuses_what_its_rule_says_in_its_words_and_takes_the_rest(form: Form, world: FixedLookups):
    with pytest.raises(AnswersRefused) as refused:
        form.check({"level": "突发"}, {}, world)

    assert [(each.pointer, each.code, each.message) for each in refused.value.errors] == [
        ("/answers/level", "not-accepted", "突发的请写明在哪里。")
    ]
    assert form.check({"level": "突发"}, {"short": "三号楼前"}, world) == {"level": "突发"}
    assert json_schema(form)["x-refuse"][0]["field"] == "level"


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ("field: level", "field: place", "name-undeclared", "不是本表单填写的字段"),
        ("when: level", "when: levle", "unknown-name", "levle"),
        (", text: 突发的请写明在哪里。", "", "key-missing", "text"),
    ],
)
def test_a_rule_that_cannot_hold_is_told_when_the_form_is_checked(
    compile_with: Compile, old: str, new: str, rule: str, says: str
):
    _, findings = compile_with(form=FORM.replace(old, new, 1))

    assert [each.rule for each in findings] == [rule]
    assert says in findings[0].zh


@pytest.mark.parametrize(("held", "fits"), [("01", True), ("02", False), (None, True)])
def test_a_category_lies_within_the_one_that_was_chosen_before(held: Any, fits: bool):
    chosen = CategoryFact("0101", "小区内 / 卫生死角", True, ("01", "0101"))

    why = CategoryQuery(within="area").why_not(chosen, {"area": held})

    assert (why is None) is fits
