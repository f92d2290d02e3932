"""Hit policies, judged by the standard's own tables: DMN 1.3 §8.2.11 (hit policy) and §8.2.7 (outputs)."""

from typing import Any

import pytest

from app.engine.decisions import NoRuleMatches, NotUnique, OutputsDiffer, map_result
from tests.engine.decisions.tables import decisions, head, table

RISK = [head("age", "number"), head("history", "string", '"good","bad"')]


# §8.2.11, unique hit: "Applicant Risk Rating".
@pytest.mark.parametrize(
    ("age", "history", "rating"),
    [(61, "good", "Medium"), (61, "bad", "High"), (60, "bad", "Medium"), (25, "good", "Medium"), (24, "good", "Low"), (24, "bad", "Medium")],
)  # fmt: skip
def test_unique_takes_the_one_rule(age: int, history: str, rating: str) -> None:
    rows = [
        ["> 60", '"good"', '"Medium"'],
        ["> 60", '"bad"', '"High"'],
        ["[25..60]", "-", '"Medium"'],
        ["< 25", '"good"', '"Low"'],
        ["< 25", '"bad"', '"Medium"'],
    ]
    asked = decisions(table(RISK, ["rating"], rows, "UNIQUE"))

    assert map_result(asked.decide("t", {"age": age, "history": history}, {}), "singleEntry") == rating


# §8.2.11, any hit: "Person Loan Compliance".
COMPLIANCE = [
    ['"A"', "< 10000", "< 50000", '"Compliant"'],
    ['not("A")', "-", "-", '"Not Compliant"'],
    ["-", ">= 10000", "-", '"Not Compliant"'],
    ["-", "-", ">= 50000", '"Not Compliant"'],
]


@pytest.mark.parametrize(
    ("rating", "card", "loan", "said", "rules"),
    [
        ("A", 9_999, 49_999, "Compliant", [1]),
        ("B", 9_999, 49_999, "Not Compliant", [2]),
        ("B", 10_000, 50_000, "Not Compliant", [2, 3, 4]),
        ("A", 10_000, 0, "Not Compliant", [3]),
    ],
)
def test_any_takes_rules_that_agree(rating: str, card: int, loan: int, said: str, rules: list[int]) -> None:
    asked = decisions(table(["rating", "card", "loan"], ["compliance"], COMPLIANCE, "ANY"))

    answer = asked.decide("t", {"rating": rating, "card": card, "loan": loan}, {})

    assert answer.rows == ({"compliance": said},)
    assert [hit.number for hit in answer.rules] == rules


def test_any_refuses_rules_that_disagree() -> None:
    asked = decisions(table(["x"], ["y"], [["< 5", "1"], ["< 4", "1"], ["< 3", "2"]], "ANY"))

    with pytest.raises(OutputsDiffer) as told:
        asked.decide("t", {"x": 1}, {})

    assert (
        told.value.message
        == "决策表同时成立的规则给出了不同的结果。（决策表“表”(t)的规则 1(t_r1)、规则 3(t_r3)）"
    )
    assert asked.decide("t", {"x": 3}, {}).rows == ({"y": 1},)


# §8.2.11, priority hit: "Applicant Risk Rating" again, output values "High","Medium","Low".
@pytest.mark.parametrize(
    ("age", "history", "rating", "rule"),
    [(61, "bad", "High", 2), (30, "bad", "Medium", 3), (61, "good", "Medium", 1), (20, "good", "Low", 4), (20, "bad", "Medium", 3)],
)  # fmt: skip
def test_priority_takes_the_most_important_output(age: int, history: str, rating: str, rule: int) -> None:
    rows = [
        [">= 25", '"good"', '"Medium"'],
        ["> 60", '"bad"', '"High"'],
        ["-", '"bad"', '"Medium"'],
        ["< 25", '"good"', '"Low"'],
    ]
    asked = decisions(table(RISK, [head("rating", "string", '"High","Medium","Low"')], rows, "PRIORITY"))

    answer = asked.decide("t", {"age": age, "history": history}, {})

    assert answer.rows == ({"rating": rating},)
    assert [hit.number for hit in answer.rules] == [rule]


# §8.2.11, first hit: "Special Discount".
@pytest.mark.parametrize(
    ("order", "place", "customer", "discount"),
    [("Web", "US", "Wholesaler", 10), ("Phone", "US", "Wholesaler", 0), ("Web", "Non-US", "Retailer", 0), ("Web", "US", "Retailer", 5)],
)  # fmt: skip
def test_first_takes_the_first_rule(order: str, place: str, customer: str, discount: int) -> None:
    rows = [
        ['"Web"', '"US"', '"Wholesaler"', "10"],
        ['"Phone"', "-", "-", "0"],
        ["-", '"Non-US"', "-", "0"],
        ["-", "-", '"Retailer"', "5"],
    ]
    asked = decisions(
        table(["kind", "place", "customer"], [head("discount", "number", "0,5,10")], rows, "FIRST")
    )

    answer = asked.decide("t", {"kind": order, "place": place, "customer": customer}, {})

    assert map_result(answer, "singleEntry") == discount


# §8.2.11, multiple hits: "Student Financial Package Eligibility".
PACKAGES = '"20% Scholarship","30% Loan","20% Work-On-Campus","5% Work-On-Campus"'
STUDENT = [
    ["> 3.0", "-", "true", '"30% Loan"'],
    ["> 3.5", ">= 4", "true", '"20% Scholarship"'],
    ["> 3.0", ">= 2", "false", '"20% Work-On-Campus"'],
    ["<= 3.0", "-", "-", '"5% Work-On-Campus"'],
]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("OUTPUT ORDER", ["20% Scholarship", "30% Loan"]),
        ("RULE ORDER", ["30% Loan", "20% Scholarship"]),
        ("COLLECT", ["30% Loan", "20% Scholarship"]),
    ],
)
def test_several_hits_come_in_the_order_of_the_policy(policy: str, expected: list[str]) -> None:
    asked = decisions(
        table(["gpa", "activities", "honor"], [head("package", "string", PACKAGES)], STUDENT, policy)
    )

    answer = asked.decide("t", {"gpa": 3.6, "activities": 4, "honor": True}, {})

    assert map_result(answer, "collectEntries") == expected
    assert len(answer.rules) == 2


def test_priority_over_several_outputs_goes_from_the_first_column_to_the_last() -> None:
    # §8.2.11: "in case of compound outputs the order of the outputs is by the columns from left to right".
    outputs = [head("a", "string", '"x","y"'), head("b", "number", "3,1")]
    rows = [["-", '"y"', "3"], ["-", '"x"', "1"], ["> 5", '"x"', "3"]]
    best = decisions(table(["n"], outputs, rows, "PRIORITY"))
    ordered = decisions(table(["n"], outputs, rows, "OUTPUT ORDER"))

    assert best.decide("t", {"n": 1}, {}).rows == ({"a": "x", "b": 1},)
    assert best.decide("t", {"n": 6}, {}).rows == ({"a": "x", "b": 3},)
    assert [hit.number for hit in ordered.decide("t", {"n": 6}, {}).rules] == [3, 2, 1]


# §8.2.11, collect with an operator: + sum, < minimum, > maximum, # count.
@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [("SUM", 0.6), ("MIN", 0.1), ("MAX", 0.3), ("COUNT", 3)],
)
def test_collect_aggregates_in_decimals(aggregation: str, expected: Any) -> None:
    rows = [["< 9", "0.1"], ["< 8", "0.2"], ["< 7", "0.3"], ["> 8", "5"]]
    asked = decisions(table(["x"], [head("y", "number")], rows, "COLLECT", aggregation))

    answer = asked.decide("t", {"x": 1}, {})

    assert map_result(answer, "singleEntry") == expected
    assert [hit.number for hit in answer.rules] == [1, 2, 3]


def test_an_aggregation_leaves_out_what_is_not_given() -> None:
    rows = [["-", "5"], ["-", ""], ["> 1", "amount"]]
    asked = decisions(table(["x"], [head("y", "number")], rows, "COLLECT", "SUM"))

    assert asked.decide("t", {"x": 1}, {}).rows == ({"y": 5},)
    assert asked.decide("t", {"x": 2, "amount": 2.5}, {}).rows == ({"y": 7.5},)
    assert asked.decide("t", {"x": 2, "amount": None}, {}).rows == ({"y": 5},)


def test_the_earliest_of_several_days_is_a_minimum() -> None:
    rows = [["-", 'date("2026-10-02")'], ["-", "day"]]
    asked = decisions(table(["x"], [head("y", "date")], rows, "COLLECT", "MIN"))

    assert asked.decide("t", {"day": "2026-10-01"}, {}).rows == ({"y": "2026-10-01"},)
    assert asked.decide("t", {"day": "2026-10-03"}, {}).rows == ({"y": "2026-10-02"},)


@pytest.mark.parametrize("policy", ["UNIQUE", "FIRST", "ANY", "RULE ORDER", "COLLECT"])
def test_every_policy_says_when_nothing_matches(policy: str) -> None:
    asked = decisions(table(["x"], ["y"], [["1", "1"]], policy))

    with pytest.raises(NoRuleMatches):
        asked.decide("t", {"x": 2}, {})


def test_a_count_of_nothing_is_zero_where_no_match_is_allowed() -> None:
    asked = decisions(table(["x"], ["y"], [["1", "1"]], "COLLECT", "COUNT"))

    assert asked.decide("t", {"x": 2}, {}, no_match="null").rows == ({"y": 0},)


def test_unique_is_the_policy_of_a_table_that_names_none() -> None:
    with pytest.raises(NotUnique):
        decisions(table(["x"], ["y"], [["-", "1"], ["-", "2"]])).decide("t", {}, {})
