"""Forms: answers become clean values, or each wrong field gets its code and Chinese words."""

from dataclasses import replace
from typing import Any

import marshmallow
import pytest

from app.bundles.bundle import Bundle
from app.bundles.form_schema import json_schema
from app.bundles.forms import AnswersRefused
from app.bundles.lookups import FixedLookups, ShownFact, UnitFact
from app.bundles.shown_query import ShownQuery
from app.engine.check.finding import Finding
from app.engine.errors import ExpressionFailed
from tests.bundles.conftest import FORM, Compile

DATA: dict[str, Any] = {"returned_units": None}


def errors(
    bundle: Bundle, world: FixedLookups, answers: dict[str, Any], data: dict[str, Any] = DATA
) -> dict[str, str]:
    with pytest.raises(AnswersRefused) as caught:
        bundle.forms["form"].check({"level": "一般", **answers}, data, world)
    assert caught.value.status == 422
    return {error.pointer: error.code for error in caught.value.errors}


def clean(bundle: Bundle, world: FixedLookups, **answers: Any) -> dict[str, Any]:
    result = bundle.forms["form"].check({"level": "一般", **answers}, DATA, world)
    del result["level"]
    return result


def test_good_answers_come_back_clean(bundle: Bundle, world: FixedLookups):
    answers = {
        "unit": " cgw ", "helpers": ["zjw"], "phone": "１２３００００００００ ", "short": " 路灯 ", "amount": "12.50",
        "people": 3, "planned": "2026-03-02", "done_at": "2026-03-02T01:00:00Z", "yes": False, "who": "jia",
        "place": {"lng": 116.4, "lat": 39.9},
    }  # fmt: skip

    assert clean(bundle, world, **answers) == {
        "unit": "cgw", "helpers": ["zjw"], "phone": "12300000000", "short": "路灯", "amount": 12.5, "people": 3,
        "planned": "2026-03-02", "done_at": "2026-03-02T09:00:00+08:00", "yes": False, "who": "jia",
        "place": {"lng": 116.4, "lat": 39.9},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"level": None}, "required"),
        ({"level": "  "}, "required"),
        ({"level": "重大"}, "not-a-choice"),
        ({"level": ["一般"]}, "not-a-choice"),
        ({"unit": "nobody"}, "unit-not-selectable"),
        ({"unit": "old"}, "unit-not-selectable"),
        ({"unit": "d1"}, "unit-not-selectable"),
        ({"unit": {"code": "cgw"}}, "not-a-code"),
        ({"helpers": ["cgw", "zjw", "d1"]}, "too-many"),
        ({"helpers": ["cgw", "cgw"]}, "duplicate-item"),
        ({"helpers": ["cgw", "old"]}, "unit-not-selectable"),
        ({"helpers": "cgw"}, "not-a-list"),
        ({"phone": "12345678901234567890"}, "phone-invalid"),
        ({"phone": 12300000000}, "not-text"),
        ({"idcard": "110199199001011234"}, "idcard-invalid"),
        ({"idcard": "110199199002301230"}, "idcard-invalid"),
        ({"short": "字" * 21}, "too-long"),
        ({"short": "好\u202e坏"}, "text-invalid-character"),
        ({"short": "好\u200b"}, "text-invalid-character"),
        ({"long": "a\x00b"}, "text-invalid-character"),
        ({"long": "第一行\n第二\u202e行"}, "text-invalid-character"),
        ({"long": "第一行\u2066"}, "text-invalid-character"),
        ({"phone": "1230000\n0000"}, "line-break"),
        ({"amount": 100.01}, "too-big"),
        ({"amount": -1}, "too-small"),
        ({"amount": "1e400"}, "too-precise"),
        ({"amount": "NaN"}, "not-a-number"),
        ({"amount": True}, "not-a-number"),
        ({"people": 1.0}, "not-an-integer"),
        ({"people": "1"}, "not-an-integer"),
        ({"people": True}, "not-an-integer"),
        ({"people": 2**63}, "not-an-integer"),
        ({"planned": "2026-03-01"}, "date-in-past"),
        ({"planned": "2026-02-30"}, "not-a-date"),
        ({"seen_on": "2019-12-31"}, "date-too-early"),
        ({"seen_on": "2031-01-01"}, "date-too-late"),
        ({"done_at": "2026-03-02"}, "not-a-datetime"),
        ({"planned": "20260302"}, "not-a-date"),
        ({"done_at": "2026-03-02T11:00:00+08:00"}, "date-in-future"),
        ({"done_at": "2026-03-02T09:00:00"}, "datetime-without-offset"),
        ({"yes": "true"}, "not-a-boolean"),
        ({"yes": 1}, "not-a-boolean"),
        ({"place": {"lng": 0, "lat": 0}}, "point-outside"),
        ({"place": [116, 39]}, "not-a-point"),
        ({"who": "yi"}, "person-not-selectable"),
        ({"strange": 1}, "unknown-field"),
        ({"typename": {"typename": "UUID"}}, "unknown-field"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_code(
    bundle: Bundle, world: FixedLookups, answer: dict[str, Any], code: str
):
    (name,) = answer

    assert errors(bundle, world, answer) == {f"/answers/{name}": code}


def test_the_birthday_and_check_digit_of_an_id_number_count(bundle: Bundle, world: FixedLookups):
    body, weights = "11019919900101123", (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    last = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]

    assert clean(bundle, world, idcard=f" {body}{last.lower()}") == {"idcard": body + last}


def test_units_may_be_asked_for_by_several_tiers_and_below_the_one_chosen_before(
    compile_with: Compile, world: FixedLookups
):
    def units(query: str) -> tuple[Bundle | None, list[Finding]]:
        return compile_with(form=FORM.replace('units(kind="department", not=returned_units)', query))

    below, _ = units('units(tier="street,community", under=place_unit)')
    wrong, findings = units('units(tier="street,planet")')
    assert below is not None
    street = UnitFact("s1", "东街道", "street", "street", above=("d1",))
    community = UnitFact("c1", "甲社区", "community", "community", above=("d1", "s1"))
    known = replace(world, all_units=[street, community, UnitFact("d1", "示范区", "district", "district")])
    tried = {
        code: below.forms["form"].fields[2].choices.why_not(unit, {"place_unit": "s1"})
        for code, unit in known.units(("s1", "c1", "d1")).items()
    }

    assert tried["c1"] is None
    assert tried["s1"] == "东街道不是所选单位的下级，不能选。"
    assert tried["d1"] == "示范区不在可选的单位之内。"
    assert json_schema(below.forms["form"])["properties"]["unit"]["anyOf"][0]["x-choices"] == {
        "units": {"tier": "street,community", "under": "place_unit"}
    }
    assert wrong is None
    assert [each.rule for each in findings] == ["choices-invalid"]


def test_every_wrong_field_is_told_at_once_in_the_forms_order(bundle: Bundle, world: FixedLookups):
    assert list(errors(bundle, world, {"people": "x", "level": "重大", "oops": 1})) == [
        "/answers/oops", "/answers/level", "/answers/people",
    ]  # fmt: skip


def test_a_field_that_is_not_shown_is_neither_required_nor_accepted(bundle: Bundle, world: FixedLookups):
    assert errors(bundle, world, {"why": "着急"}) == {"/answers/why": "field-not-applicable"}
    assert clean(bundle, world) == {}
    assert errors(bundle, world, {"level": "突发"}) == {"/answers/why": "required"}


def test_conditions_read_what_is_answered_now_before_what_the_case_holds(bundle: Bundle, world: FixedLookups):
    form = bundle.forms["form"]

    assert form.check({"level": "一般"}, {"level": "突发"}, world) == {"level": "一般"}


def test_an_answer_left_empty_on_purpose_clears_the_stored_value(bundle: Bundle, world: FixedLookups):
    assert clean(bundle, world, short="", helpers=[], yes=None) == {
        "short": None,
        "helpers": None,
        "yes": None,
    }


def test_a_unit_that_returned_the_order_cannot_be_chosen_again(bundle: Bundle, world: FixedLookups):
    assert errors(bundle, world, {"unit": "cgw"}, {"returned_units": ["cgw"]}) == {
        "/answers/unit": "unit-not-selectable"
    }
    assert (
        bundle.forms["form"].check({"level": "一般", "unit": "zjw"}, {"returned_units": ["cgw"]}, world)[
            "unit"
        ]
        == "zjw"
    )


def test_a_condition_that_cannot_be_evaluated_is_the_process_at_fault(compile_with: Any, world: FixedLookups):
    form = "title: 表\nfields:\n  - {name: people}\n  - {name: why, showIf: people > level}\n"
    compiled, _ = compile_with(form=form)

    with pytest.raises(ExpressionFailed, match="“表”的“原因”"):
        compiled.forms["form"].check({"people": 1}, {"level": "一般"}, world)


def test_no_schema_is_built_while_answers_are_checked(bundle: Bundle, world: FixedLookups, monkeypatch: Any):
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a schema was built per request")

    monkeypatch.setattr(marshmallow.Schema, "__init__", refuse)

    assert clean(bundle, world, short="好") == {"short": "好"}


def test_units_are_not_asked_for_when_no_answer_names_one(bundle: Bundle, world: FixedLookups):
    class Silent(FixedLookups):
        def units(self, codes: Any) -> Any:
            raise AssertionError("asked without need")

    assert clean(bundle, Silent(world.now), short="好") == {"short": "好"}


def test_clients_get_a_json_schema(bundle: Bundle):
    schema = json_schema(bundle.forms["form"])

    assert schema["required"] == ["level"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["level"]["enum"] == ["突发", "一般"]
    assert schema["properties"]["why"]["x-showIf"] == 'level == "突发"'
    assert schema["properties"]["unit"]["anyOf"][0]["x-choices"] == {
        "units": {"kind": "department", "not": "returned_units"}
    }


def test_what_is_chosen_of_what_is_shown_is_open_has_room_and_is_of_the_right_process():
    rule = ShownQuery("civic_activity")
    given = [
        ShownFact("H-1", "civic_activity", "书法班"),
        ShownFact("H-2", "civic_activity", "书法班", closed=True),
        ShownFact("H-3", "civic_activity", "书法班", over=True),
        ShownFact("H-4", "civic_activity", "书法班", full=True),
        ShownFact("X-1", "covenant", "公约"),
    ]

    found = [rule.why_not(each.number, each) for each in given]

    assert found == [
        None,
        "“书法班”已经结束，不能再选，请选别的。",
        "“书法班”的报名已经截止，不能再选，请选别的。",
        "“书法班”已经报满，请选别的。",
        "“公约”（X-1）不在可选的清单里。",
    ]
