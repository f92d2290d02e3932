"""A field that is only shown: what the case holds comes with the form, and nothing is taken from an answer."""

from typing import Any

import pytest

from app.bundles.form_schema import json_schema
from app.bundles.forms import AnswersRefused, Form
from app.bundles.lookups import FixedLookups
from tests.bundles.conftest import FORM, PROCESS, Compile

SHOWN = """
title: 一张表
fields:
  - {name: title, readonly: true}
  - {name: short, readonly: true}
  - {name: place, readonly: true}
  - {name: level, readonly: true}
  - {name: why, required: true, showIf: level == "突发"}
"""
HELD = {"title": "路灯不亮", "short": "三号楼前", "place": {"lng": 116.4, "lat": 39.9}, "level": "突发"}


@pytest.fixture
def form(compile_with: Compile) -> Form:
    bundle, findings = compile_with(form=SHOWN)
    assert bundle is not None, findings
    return bundle.forms["form"]


@pytest.mark.parametrize("back", [{}, HELD, {"short": "三号楼前"}])
def test_what_is_shown_may_come_back_as_it_is_and_is_no_answer(
    form: Form, world: FixedLookups, back: dict[str, Any]
):
    assert form.check({"why": "漏电", **back}, HELD, world) == {"why": "漏电"}


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("short", "另一处", HELD),
        ("short", None, HELD),
        ("short", "三号楼前", {**HELD, "short": None}),
        ("place", {"lng": 116.4, "lat": 40}, HELD),
        ("level", "一般", HELD),
        ("title", "别的", HELD),
    ],
)
def test_what_is_shown_cannot_be_changed(
    form: Form, world: FixedLookups, name: str, value: Any, held: dict[str, Any]
):
    with pytest.raises(AnswersRefused) as refused:
        form.check({"why": "漏电", name: value}, held, world)

    assert [(each.pointer, each.code) for each in refused.value.errors] == [
        (f"/answers/{name}", "field-readonly")
    ]


def test_an_empty_answer_where_nothing_is_held_is_nothing(form: Form, world: FixedLookups):
    assert form.check({"why": "漏电", "short": ""}, {**HELD, "short": None}, world) == {"why": "漏电"}


def test_conditions_see_what_the_case_holds(form: Form, world: FixedLookups):
    with pytest.raises(AnswersRefused) as refused:
        form.check({"why": "漏电"}, {**HELD, "level": "一般"}, world)

    assert refused.value.errors[0].code == "field-not-applicable"


def test_clients_are_told_that_it_is_only_shown(form: Form):
    properties = json_schema(form)["properties"]

    assert [name for name, each in properties.items() if each.get("readOnly")] == list(HELD)
    assert json_schema(form)["required"] == []


@pytest.mark.parametrize(
    ("field", "rule", "says"),
    [
        ("{name: short, readonly: true, required: true}", "value-invalid", "不写 required"),
        ("{name: short, readonly: true, requiredIf: level is None}", "value-invalid", "不写 requiredIf"),
        ("{name: short, readonly: true, choices: [甲, 乙]}", "value-invalid", "不写 choices"),
        ("{name: own, readonly: true, type: text, label: 自己的}", "value-invalid", "不写 type"),
        ("{name: each_one, readonly: true}", "value-invalid", "per: item"),
        ("{name: title}", "name-reserved", "readonly: true"),
    ],
)
def test_what_makes_no_sense_beside_it_is_a_finding(compile_with: Compile, field: str, rule: str, says: str):
    process = PROCESS.replace("data:\n", "data:\n  each_one: {type: text, label: 各自的, per: item}\n")

    _, findings = compile_with(process=process, form=FORM.replace("{name: short}", field))

    assert [each.rule for each in findings if each.level == "error"] == [rule]
    assert says in findings[0].zh
