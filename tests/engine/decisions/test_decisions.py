"""Decision tables decide as DMN says: cells, absent values, dates, results, and an index that changes nothing."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.decisions import (
    DecisionFailed,
    DecisionsUnreadable,
    NoRuleMatches,
    NoSuchDecision,
    NotUnique,
    compile_decisions,
    map_result,
)
from app.engine.decisions.errors import ResultDoesNotFit
from app.engine.decisions.values import converted
from app.engine.errors import EngineError, ExpressionFailed, NoMatch
from tests.engine.decisions.tables import decisions, file, head, single, table

# A cell, a value it accepts, one it does not. Where the standard speaks: DMN 1.3 §10.3.1.2, grammar rules 7-17
# (unary tests, intervals, end points), §10.3.2.7 (ranges), §9.2 (S-FEEL); `-` and several tests by commas §8.2.8.
TRUTH: Sequence[tuple[str, list[Any], list[Any]]] = [
    ("-", ["a", 5, None, True, "", [1]], []),
    ("", ["a", None], []),
    ('"a"', ["a"], ["b", "A", "", None]),
    ("'a'", ["a"], ["b"]),
    ('"a","b"', ["a", "b"], ["c", "ab", None]),
    ('"a" , "b" ,"c"', ["a", "b", "c"], ["d"]),
    ('"物业","供暖"', ["物业", "供暖"], ["路灯", None]),
    ('not("a","b")', ["c", ""], ["a", "b", None]),
    ('not("物业")', ["供暖"], ["物业", None]),
    ('not( "a" )', ["b"], ["a"]),
    ('"say \\"hi\\""', ['say "hi"'], ["say hi"]),
    ('"a,b"', ["a,b"], ["a", "b"]),
    ('"a?b"', ["a?b"], ["a"]),
    ('"not(a)"', ["not(a)"], ["a"]),
    ('"\\u7269业"', ["物业"], ["物"]),
    ('""', [""], ["a", None]),
    ("5", [5, 5.0], [4, 5.1, None]),
    ("-5", [-5], [5]),
    ("0.1", [0.1], [0.2]),
    (".5", [0.5], [5]),
    ("1,2,3", [1, 2, 3], [4, None]),
    ("1.5,2.5", [1.5, 2.5], [2]),
    ("< 5", [4, -1, 4.999], [5, 6, None]),
    ("<5", [4], [5]),
    ("<= 5", [5, 4], [5.001, None]),
    ("> 5", [5.001, 6], [5, None]),
    (">= 5", [5, 6], [4.999, None]),
    ("> -5", [-4, 0], [-5, -6]),
    ("< 1, > 5", [0, 6], [1, 3, 5, None]),
    ("[1..5]", [1, 3, 5], [0.999, 5.001, None]),
    ("(1..5]", [1.001, 5], [1, 5.001]),
    ("[1..5)", [1, 4.999], [5, 0]),
    ("(1..5)", [2, 4], [1, 5]),
    ("]1..5]", [2, 5], [1]),
    ("[1..5[", [1, 4], [5]),
    ("]1..5[", [2], [1, 5]),
    ("[ 1 .. 5 ]", [1, 5], [6]),
    ("[-5..-1]", [-3], [0]),
    ("[0.1..0.3]", [0.1, 0.3, 0.2], [0.30001]),
    ("[1..2],[4..5]", [1, 4.5], [3, 0]),
    ("]1..2[,]4..5[", [1.5, 4.5], [2, 3]),
    ("not([1..5])", [0, 6], [1, 5, None]),
    ("not((1..5])", [1, 6], [2, 5]),
    ("not(< 5)", [5, 6], [4, None]),
    ("not(1,2)", [3], [1, 2, None]),
    ('["b".."d"]', ["b", "c", "d", "bz"], ["a", "e", None]),
    ("null", [None], ["a", 5, 0, "", False]),
    ("not(null)", ["a", 0, False, ""], [None]),
    ('"a",null', ["a", None], ["b"]),
    ('not("a",null)', ["b"], ["a", None]),
    ("true", [True], [False, None]),
    ("false", [False], [True, None]),
    ("not(true)", [False], [True, None]),
    ("true,false", [True, False], [None]),
    ('date("2026-10-01")', ["2026-10-01", date(2026, 10, 1)], ["2026-10-02", None]),
    ('@"2026-10-01"', ["2026-10-01"], ["2026-10-02"]),
    ('< date("2026-10-01")', ["2026-09-30"], ["2026-10-01", None]),
    ('>= date("2026-10-01")', ["2026-10-01", "2027-01-01"], ["2026-09-30"]),
    ('[date("2026-10-01")..date("2026-10-07")]', ["2026-10-01", "2026-10-07"], ["2026-09-30", "2026-10-08", None]),
    ('(date("2026-10-01")..date("2026-10-07"))', ["2026-10-02"], ["2026-10-01", "2026-10-07"]),
    ('not(date("2026-10-01"))', ["2026-10-02"], ["2026-10-01", None]),
    ('not([date("2026-10-01")..date("2026-10-07")])', ["2026-10-08"], ["2026-10-03"]),
    ('>= date and time("2026-10-01T09:00:00+08:00")', ["2026-10-01T01:00:00+00:00"], ["2026-10-01T00:59:59+00:00"]),
    ("? > 5", [6], [5, None]),
    ("? is None", [], [5, None]),
    ("? is None, null", [None], [5]),
    ('contains(?, "漏水")', ["水管漏水"], ["路灯", None]),
    ('startswith(?, "A"), "B"', ["A1", "B"], ["C", None]),
    ('? in ["a", "b"]', ["a"], ["c", None]),
    ('? not in ["a", "b"]', ["c"], ["a", None]),
    ("? % 2 == 0", [4], [3]),
    ("3 < ?", [4], [3]),
    ("(? > 3 or ? < 1)", [4, 0], [2]),
    ('not(contains(?, "x"))', ["a"], ["ax", None]),
    ('? has(?, "甲")', [["甲", "乙"]], [["乙"], [], None]),
    ("? limit == 3", ["a"], [None]),
    ("? ? > limit", [4], [3]),
    ("? - limit > 0", [4], [3]),
    ("?", [True], [False, None]),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "accepted", "refused"), TRUTH, ids=[row[0] or "(empty)" for row in TRUTH])
def test_decisions_unary_tests(cell: str, accepted: list[Any], refused: list[Any]) -> None:
    assert [value for value in accepted if not single(cell, value, limit=3)] == []
    assert [value for value in refused if single(cell, value, limit=3)] == []


def test_the_table_of_truth_has_sixty_cells() -> None:
    assert len(TRUTH) >= 60
    assert len({cell for cell, _, _ in TRUTH}) == len(TRUTH)
    assert sum(len(accepted) + len(refused) for _, accepted, refused in TRUTH) > 200


# The standard's own examples, verbatim but for the blanks and for dates, which it prints in italics: DMN 1.3 §10.3.2
# (semantics of comparison, examples of `in`), and the cells of the tables of its worked example, clause 11.
OF_THE_STANDARD: Sequence[tuple[str, str, Any, bool]] = [
    ("§10.3.2", "<=5", 5, True),
    ("§10.3.2", "(5..10]", 5, False),
    ("§10.3.2", "[5..10]", 5, True),
    ("§10.3.2", "4, 5, 6", 5, True),
    ("§10.3.2", "<5, >5", 5, False),
    ("§10.3.2", '(date("2012-12-25")..date("2013-02-14"))', "2012-12-31", True),
    ("§11 Pre-bureau risk category", "< 100", 100, False),
    ("§11 Pre-bureau risk category", "[100..120)", 100, True),
    ("§11 Pre-bureau risk category", "[100..120)", 120, False),
    ("§11 Pre-bureau risk category", "[120..130]", 130, True),
    ("§11 Pre-bureau risk category", "> 130", 130, False),
    ("§11 Bureau call type", '"HIGH", "MEDIUM"', "MEDIUM", True),
    ("§11 Bureau call type", '"VERY LOW", "DECLINE"', "LOW", False),
    ("§11 Application risk score", "[18..21]", 21, True),
    ("§11 Application risk score", "[22..25]", 21, False),
    ("§11 Application risk score", ">= 50", 50, True),
    ("§11 Eligibility", "< 18", 18, False),
    ("§11 Eligibility", "false", False, True),
    ("§11 Eligibility", "-", None, True),
    ("§10.3.1.2 rule 15, negated", "not(4, 5, 6)", 5, False),
    ("§10.3.1.2 rule 15, negated", "not((5..10])", 5, True),
]


@pytest.mark.parametrize(("where", "cell", "value", "holds"), OF_THE_STANDARD)
def test_the_examples_of_the_standard_come_out_as_it_says(
    where: str, cell: str, value: Any, holds: bool
) -> None:
    assert bool(single(cell, value)) is holds, where


def test_where_we_differ_from_the_standard() -> None:
    """Each on purpose: docs/decisions/0024."""
    assert not single('not("a")', None)  # FEEL: not(null = "a") is true
    with pytest.raises(DecisionFailed):  # FEEL: null, so the rule does not match
        single("5", "5", "number")
    with pytest.raises(NotUnique):  # the standard leaves it open
        decisions(table(["x"], ["y"], [["-", "1"], ["5", "1"]])).decide("t", {"x": 5}, {})
    with pytest.raises(NoRuleMatches):  # the standard: null
        decisions(table(["x"], ["y"], [["1", "1"]])).decide("t", {"x": 5}, {})
    for feel in ('some x in ? satisfies x = "a"', "? between 1 and 5", 'instance of "number"', "{a: 1}.a"):
        with pytest.raises(DecisionsUnreadable):
            decisions(table(["x"], ["y"], [[feel, "1"]]))
    for cell in ('duration("PT2H")', 'time("10:00:00")', '[duration("P1D")..duration("P2D")]'):
        with pytest.raises(DecisionsUnreadable):
            decisions(table(["x"], ["y"], [[cell, "1"]]))
    assert single('["B".."a"]', "Z")  # by code point, whatever a dictionary says


LIMITS = table(
    [head("level", "string"), head("days", "integer")],
    [head("limit", "string")],
    [['"紧急"', "-", '"PT2H"'], ['"一般"', "<= 5", '"PT24H"'], ['"一般"', "> 5", '"P7D"']],
    identifier="limits",
    name="办理时限",
)


def test_the_rule_that_decided_is_named_by_id_and_number() -> None:
    answer = decisions(LIMITS).decide("limits", {"level": "一般", "days": 6}, {})

    assert answer.rows == ({"limit": "P7D"},)
    assert [(hit.decision, hit.rule, hit.number) for hit in answer.trace] == [("limits", "limits_r3", 3)]


def test_decisions_two_matching_rules_are_an_error() -> None:
    asked = decisions(table(["x"], ["y"], [["< 5", "1"], ["> 3", "2"]], name="级别"))

    with pytest.raises(NotUnique) as told:
        asked.decide("t", {"x": 4}, {})

    assert (
        told.value.message
        == "决策表只允许一条规则成立，却有几条同时成立。（决策表“级别”(t)的规则 1(t_r1)、规则 2(t_r2)）"
    )
    assert told.value.element == "t"
    assert asked.decide("t", {"x": 5}, {}).rows == ({"y": 2},)


def test_decisions_nothing_matches() -> None:
    asked = decisions(LIMITS)

    with pytest.raises(NoRuleMatches) as told:
        asked.decide("limits", {"level": "疑难", "days": 1}, {})

    assert isinstance(told.value, NoMatch)
    assert told.value.message == "决策表没有一条规则成立。（决策表“办理时限”(limits)）"
    silent = asked.decide("limits", {"level": "疑难", "days": 1}, {}, no_match="null")
    assert (silent.rows, silent.rules) == ((), ())
    assert map_result(silent, "singleEntry") is None
    assert map_result(silent, "collectEntries") == []


def test_a_default_output_stands_in_where_no_rule_matches() -> None:
    # DMN 1.3 §8.2.12: default output values.
    asked = decisions(table(["x"], ["y", "z"], [["1", "2", "3"]], defaults={"y": "9"}))

    answer = asked.decide("t", {"x": 5}, {})

    assert (answer.rows, answer.rules) == (({"y": 9, "z": None},), ())


def test_decisions_lists_replace() -> None:
    asked = decisions(table(["x"], ["units"], [["1", '["城管委", main]'], ["2", "[]"]]))
    first = asked.decide("t", {"x": 1, "main": "住建委", "units": ["旧"]}, {}).rows[0]

    first["units"].append("改")

    assert asked.decide("t", {"x": 1, "main": "住建委", "units": ["旧"]}, {}).rows == (
        {"units": ["城管委", "住建委"]},
    )
    assert asked.decide("t", {"x": 2, "units": ["旧"]}, {}).rows == ({"units": []},)


def test_decisions_dates_and_nulls() -> None:
    rows = [
        ['[date("2026-10-01")..date("2026-10-07")]', '"国庆"'],
        ['> date("2026-10-07"), < date("2026-10-01")', '"平日"'],
        ["null", '"未定"'],
    ]
    asked = decisions(table([head("day", "date")], ["season"], rows))

    def season(day: Any) -> Any:
        return map_result(asked.decide("t", {"day": day}, {}), "singleEntry")

    assert season("2026-10-07") == "国庆"
    assert season("2026-10-08") == "平日"
    assert season(None) == "未定"
    # An instant counts on its day in Beijing, not in UTC.
    assert season("2026-10-07T15:59:59+00:00") == "国庆"
    assert season("2026-10-07T16:00:00+00:00") == "平日"
    assert map_result(asked.decide("t", {}, {}), "singleEntry") == "未定"


def test_numbers_are_decimals_and_leave_as_json() -> None:
    asked = decisions(table([head("x", "number")], ["y"], [["0.3", "0.1"], ["> 0.3", "2.0"]]))

    assert asked.decide("t", {"x": 0.3}, {}).rows == ({"y": 0.1},)
    whole = asked.decide("t", {"x": 0.30001}, {}).rows[0]["y"]
    assert (whole, type(whole)) == (2, int)


def test_a_value_of_another_kind_is_an_error_that_does_not_show_it() -> None:
    asked = decisions(table([head("x", "number")], ["y"], [["5", "1"], ["-", "2"]], "FIRST"))

    with pytest.raises(DecisionFailed) as told:
        asked.decide("t", {"x": "13800000000"}, {})

    assert isinstance(told.value, ExpressionFailed)
    assert told.value.message == "决策表计算出错。（决策表“表”(t)输入“x”：应为数字，得到 文本）"
    with pytest.raises(DecisionFailed):
        asked.decide("t", {"x": True}, {})


def test_expressions_in_cells_use_data_and_functions() -> None:
    rows = [["? > base", "x * 2", 'due("sign")'], ["<= 1", "", '"早"']]
    asked = decisions(table(["x + 0"], [head("y", "number"), "z"], rows))

    answer = asked.decide("t", {"x": 5, "base": 3}, {"due": lambda clock: f"{clock}到期"})

    assert answer.rows == ({"y": 10, "z": "sign到期"},)
    assert asked.decide("t", {"x": 1, "base": 3}, {}).rows == ({"y": None, "z": "早"},)


def test_an_expression_that_gives_another_kind_is_an_error() -> None:
    asked = decisions(table(["x"], [head("y", "number")], [["1", "name"]]))

    with pytest.raises(DecisionFailed) as told:
        asked.decide("t", {"x": 1, "name": "张三"}, {})

    assert told.value.message == "决策表计算出错。（决策表“表”(t)规则 1 的输出“y”：应为数字，得到 文本）"


def test_a_failing_question_says_where_without_the_value() -> None:
    asked = decisions(table(["x"], ["y"], [["? > 3", "1"]]))

    with pytest.raises(DecisionFailed) as told:
        asked.decide("t", {"x": "秘密"}, {})

    assert told.value.message == (
        "决策表计算出错。（决策表“表”(t)规则 1 的输入“x”：表达式“? > 3”计算出错：“>”不能用于文本和整数）"
    )


def test_required_decisions_are_asked_first_and_once() -> None:
    asked = []

    def today() -> str:
        asked.append("today")
        return "2026-12-01"

    season = table(
        ["today()"],
        ["season"],
        [['? >= "2026-11-15"', '"供暖季"'], ['? < "2026-11-15"', '"平时"']],
        identifier="season_of",
    )
    weight = table(
        ["season"],
        ["weight"],
        [['"供暖季"', "2"], ['"平时"', "1"]],
        identifier="weight_of",
        requires=["season_of"],
    )
    limit = table(
        ["season", "weight_of", "x"], ["limit"], [['"供暖季"', ">= 2", '"供暖"', '"PT4H"'], ["-", "-", 'not("供暖")', '"P1D"']],
        identifier="limit_of", requires=["weight_of", "season_of"],
    )  # fmt: skip

    answer = decisions(season, weight, limit).decide("limit_of", {"x": "供暖"}, {"today": today})

    assert answer.rows == ({"limit": "PT4H"},)
    assert [hit.rule for hit in answer.trace] == ["season_of_r1", "weight_of_r1", "limit_of_r1"]
    assert asked == ["today"]


def test_a_required_decision_with_several_rows_gives_a_list() -> None:
    who = table(["x"], ["units"], [["> 1", '"甲"'], ["> 2", '"乙"']], "COLLECT", identifier="who")
    top = table(
        ["x"], ["y"], [['? has(units, "乙")', "1"], ['? not has(units, "乙")', "0"]], requires=["who"]
    )

    assert decisions(who, top).decide("t", {"x": 3}, {}).rows == ({"y": 1},)
    assert decisions(who, top).decide("t", {"x": 2}, {}).rows == ({"y": 0},)


def test_an_unknown_decision_is_said() -> None:
    with pytest.raises(NoSuchDecision) as told:
        decisions(LIMITS).decide("limit", {}, {})

    assert told.value.message == "没有找到这张决策表。（limit）"


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20191111/MODEL/",
    ],
)
def test_the_three_namespaces_are_read(namespace: str) -> None:
    asked = compile_decisions({"t.dmn": file(LIMITS, namespace=namespace)})

    assert asked.decide("limits", {"level": "紧急", "days": None}, {}).rows == ({"limit": "PT2H"},)


def test_what_dmn_js_saves_is_read() -> None:
    data = """<?xml version="1.0" encoding="UTF-8"?>
<!-- 由建模器保存 -->
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/"
    xmlns:dc="http://www.omg.org/spec/DMN/20180521/DC/" xmlns:modeler="http://camunda.org/schema/modeler/1.0"
    xmlns:biodi="http://bpmn.io/schema/dmn/biodi/2.0" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
    id="Definitions_1" name="DRD" namespace="http://camunda.org/schema/1.0/dmn" exporter="Camunda Modeler">
  <inputData id="in" name="级别"/>
  <decision id="limits" name="办理时限" camunda:historyTimeToLive="P30D">
    <informationRequirement id="r1"><requiredInput href="#in"/></informationRequirement>
    <decisionTable id="DecisionTable_1" biodi:annotationsWidth="400">
      <input id="Input_1" label="级别" biodi:width="192" camunda:inputVariable="level">
        <inputExpression id="InputExpression_1" typeRef="string"><text>level</text></inputExpression>
        <inputValues id="UnaryTests_0"><text>"紧急","一般"</text></inputValues>
      </input>
      <output id="Output_1" label="时限" name="limit" typeRef="string"/>
      <annotation name="说明"/>
      <rule id="DecisionRule_1">
        <description>从接单算起</description>
        <inputEntry id="UnaryTests_1"><text>"紧急"<!-- 突发并入 --></text></inputEntry>
        <outputEntry id="LiteralExpression_1"><text><![CDATA["PT2H"]]></text></outputEntry>
        <annotationEntry><text>见办法第三条</text></annotationEntry>
      </rule>
      <rule id="DecisionRule_2">
        <inputEntry id="UnaryTests_2"><text></text></inputEntry>
        <outputEntry id="LiteralExpression_2"><text/></outputEntry>
      </rule>
    </decisionTable>
  </decision>
  <dmndi:DMNDI><dmndi:DMNDiagram><dmndi:DMNShape dmnElementRef="limits"><dc:Bounds height="80" width="180" x="160" y="100"/></dmndi:DMNShape></dmndi:DMNDiagram></dmndi:DMNDI>
</definitions>""".encode()

    asked = compile_decisions({"limits.dmn": data})

    assert asked.decide("limits", {"level": "一般"}, {}).rows == ({"limit": None},)
    with pytest.raises(NotUnique):
        asked.decide("limits", {"level": "紧急"}, {})


def test_a_type_of_the_files_own_is_followed() -> None:
    beside = '<itemDefinition name="tLevel"><typeRef>string</typeRef></itemDefinition><itemDefinition name="tUnits" isCollection="true"><typeRef>string</typeRef></itemDefinition>'
    written = table([head("level", "tLevel")], [head("units", "tUnits")], [['"紧急"', '["甲"]']])
    asked = compile_decisions({"t.dmn": file(written, beside=beside)})

    assert asked.decide("t", {"level": "紧急"}, {}).rows == ({"units": ["甲"]},)
    with pytest.raises(DecisionFailed):
        asked.decide("t", {"level": 5}, {})


def test_one_decision_in_two_files_is_refused() -> None:
    with pytest.raises(DecisionsUnreadable) as told:
        compile_decisions({"a.dmn": file(LIMITS), "b.dmn": file(LIMITS)})

    assert told.value.message == "决策表无法装载。（b.dmn：决策 limits 在另一个文件里已经有了）"


def test_a_bad_cell_is_refused_when_loading_as_well() -> None:
    with pytest.raises(DecisionsUnreadable) as told:
        decisions(table(["x"], ["y"], [["物业", "1"]]))

    assert "文字要加引号" in told.value.message


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ("resultList", [{"y": 1}, {"y": 2}]),
        ("collectEntries", [1, 2]),
    ],
)
def test_several_rows_are_mapped(mapping: str, expected: Any) -> None:
    answer = decisions(table(["x"], ["y"], [["-", "1"], ["-", "2"]], "RULE ORDER")).decide("t", {}, {})

    assert map_result(answer, mapping) == expected


def test_one_row_is_mapped() -> None:
    one = decisions(table(["x"], ["y"], [["-", "1"]])).decide("t", {}, {})
    two = decisions(table(["x"], ["y", "z"], [["-", "1", "2"]])).decide("t", {}, {})

    assert map_result(one, "singleEntry") == 1
    assert map_result(one, "singleResult") == {"y": 1}
    assert map_result(two, "singleResult") == {"y": 1, "z": 2}


@pytest.mark.parametrize(
    ("outputs", "rows", "mapping", "said"),
    [
        (["y"], [["-", "1"], ["-", "2"]], "singleEntry", "（singleEntry 只能有一行结果，得到 2 行）"),
        (["y"], [["-", "1"], ["-", "2"]], "singleResult", "（singleResult 只能有一行结果，得到 2 行）"),
        (["y", "z"], [["-", "1", "2"]], "singleEntry", "（singleEntry 只能有一个输出，得到 2 个）"),
        (["y", "z"], [["-", "1", "2"]], "collectEntries", "（collectEntries 只能有一个输出，得到 2 个）"),
        (["y"], [["-", "1"]], "first", "（不认识 first）"),
    ],
)
def test_a_result_that_does_not_fit_is_said(
    outputs: list[str], rows: list[list[str]], mapping: str, said: str
) -> None:
    answer = decisions(table(["x"], outputs, rows, "COLLECT")).decide("t", {}, {})

    with pytest.raises(ResultDoesNotFit) as told:
        map_result(answer, mapping)

    assert told.value.message == f"决策表的结果与业务规则任务要求的形式不符。{said}"


def test_every_error_is_the_engines_and_speaks_chinese() -> None:
    for error in (
        NotUnique,
        NoRuleMatches,
        DecisionFailed,
        DecisionsUnreadable,
        NoSuchDecision,
        ResultDoesNotFit,
    ):
        assert issubclass(error, EngineError)
        assert (error.__doc__ or "").strip().endswith("。")


numbers = st.sampled_from(["-", "1", "3", "2,4", "< 3", ">= 2", "[1..3]", "(1..4)", "]2..5]", "not(2)", "not([2..3],5)", "null", "not(null)", "1,null", "? > 2", "? is None"])  # fmt: skip
texts = st.sampled_from(["-", '"a"', '"b"', '"a","c"', 'not("a")', 'not("a","b")', "null", "not(null)", 'contains(?, "a")', '> "a"', '["a".."b"]'])  # fmt: skip
flags = st.sampled_from(["-", "true", "false", "not(true)", "true,false", "null", "not(null)"])
days = st.sampled_from(["-", 'date("2026-10-01")', '< date("2026-10-01")', '[date("2026-10-01")..date("2026-10-07")]', 'not(date("2026-10-03"))', "null"])  # fmt: skip
rows_of_cells = st.lists(st.tuples(numbers, texts, flags, days), min_size=1, max_size=40)
case = st.fixed_dictionaries(
    {
        "n": st.one_of(st.none(), st.integers(0, 6), st.sampled_from([1.5, 2.5, 4.999])),
        "s": st.sampled_from([None, "a", "b", "c", "ab", ""]),
        "f": st.sampled_from([None, True, False]),
        "d": st.sampled_from([None, "2026-09-30", "2026-10-01", "2026-10-03", "2026-10-07", "2026-10-09"]),
    }
)


@settings(max_examples=150, deadline=None)
@given(rows=rows_of_cells, cases=st.lists(case, min_size=1, max_size=8))
def test_decisions_index_agrees_with_the_plain_scan(
    rows: list[tuple[str, ...]], cases: list[dict[str, Any]]
) -> None:
    inputs = [head("n", "number"), head("s", "string"), head("f", "boolean"), head("d", "date")]
    asked = decisions(
        table(inputs, ["y"], [[*row, str(number)] for number, row in enumerate(rows)], "RULE ORDER")
    )
    compiled = asked.tables["t"]

    for data in cases:
        raw = [data[name] for name in "nsfd"]
        values = [converted(column.kind, value) for column, value in zip(compiled.columns, raw, strict=True)]
        scan = [
            number
            for number, row in enumerate(compiled.rows)
            if all(
                test.matches(value, lambda question, given=given: bool(question.evaluate({"㐀": given}, {})))
                for test, value, given in zip(row, values, raw, strict=True)
            )
        ]
        answer = asked.decide("t", data, {}, no_match="null")
        assert [row["y"] for row in answer.rows] == scan


def test_a_table_too_big_for_its_index_decides_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    written = table(["x", "z"], ["y"], [["1", "< 3", "1"], ["2", "-", "2"], ["-", "> 5", "3"]], "RULE ORDER")
    indexed = decisions(written)
    monkeypatch.setattr("app.engine.decisions.index.MOST_BITS", 0)
    scanned = decisions(written)

    assert scanned.tables["t"].index.lookups == ()
    for x in (None, 1, 2, 3):
        for z in (None, 1, 6):
            both = [each.decide("t", {"x": x, "z": z}, {}, "null") for each in (indexed, scanned)]
            assert both[0].rows == both[1].rows


def test_a_decimal_is_never_compared_as_a_float() -> None:
    assert converted("number", 0.1) == Decimal("0.1")
    assert single("0.1", 0.1)
    assert not single("0.1", 0.1 + 1e-12)
