"""Business rule tasks: what a table says becomes case data, and the trace tells which rules said it."""

from typing import Any, Literal

import pytest

from app.engine.check import check
from app.engine.decisions.errors import NoRuleMatches, NoSuchDecision, NotUnique, ResultDoesNotFit
from app.engine.errors import VersionUnreadable
from app.engine.parser import parse
from app.engine.run import Run
from app.engine.source import Names, Source
from tests.engine.conftest import Bench, Case
from tests.engine.decisions.tables import file, head, table
from tests.engine.drawing import Drawing

LIMITS = table(
    ["level"],
    ["handle_limit", "days_left"],
    [['"突发"', '"PT2H"', "0"], ['"一般"', '"P5D"', "5"]],
    identifier="limits",
)
UNITS = table(
    ["level"], ["unit"], [["-", '"街道"'], ['"突发"', '"城管委"']], policy="RULE ORDER", identifier="units"
)
ONE = table(
    [head("level")],
    ["limit"],
    [['"突发"', '"PT2H"'], ['"突发"', '"PT3H"'], ['"一般"', '"P5D"']],
    identifier="one",
)
TABLES = file(LIMITS, UNITS, ONE)


def asking(decision: str = "limits", **said: str) -> Drawing:
    """Accept, then a table, then review."""
    attributes = " ".join(
        f'camunda:{name}="{value}"' for name, value in {"decisionRef": decision, **said}.items()
    )
    drawing = (
        Drawing().start().task("accept").node("businessRuleTask", "ask", attributes).task("review").end()
    )
    return drawing.line("start", "accept", "ask", "review", "end")


def source_of(drawing: Drawing, no_match: Literal["error", "null"] = "error") -> Source:
    return Source("a" * 64, "demo", drawing.bytes(), decisions={"decisions/t.dmn": TABLES}, no_match=no_match)


def case_of(drawing: Drawing, no_match: Literal["error", "null"] = "error", **data: Any) -> Case:
    names = dict.fromkeys(("handle_limit", "days_left", "result"))
    return Case(drawing, Bench(data={**names, **data}), parse(source_of(drawing, no_match)))


def test_every_output_goes_to_the_data_of_its_name():
    case = case_of(asking(), level="突发")

    case.do("accept")

    assert (case.env.data["handle_limit"], case.env.data["days_left"]) == ("PT2H", 0)
    assert case.steps == ["review"]


def test_the_rules_that_decided_are_in_the_trace():
    case = case_of(asking(), level="一般")

    case.do("accept")

    (passed,) = (each for each in case.trace if each.element == "ask")
    assert [(hit.decision, hit.rule, hit.number) for hit in passed.rules] == [("limits", "limits_r2", 2)]
    assert b"limits_r2" not in case.state


@pytest.mark.parametrize(
    ("decision", "mapping", "level", "result"),
    [
        ("one", "singleEntry", "一般", "P5D"),
        ("limits", "singleResult", "一般", {"handle_limit": "P5D", "days_left": 5}),
        ("units", "collectEntries", "突发", ["街道", "城管委"]),
        ("units", "resultList", "一般", [{"unit": "街道"}]),
        ("units", "", "一般", [{"unit": "街道"}]),
    ],
)
def test_a_result_goes_to_its_variable_as_the_diagram_says(
    decision: str, mapping: str, level: str, result: Any
):
    said = {"resultVariable": "result"} | ({"mapDecisionResult": mapping} if mapping else {})
    case = case_of(asking(decision, **said), level=level)

    case.do("accept")

    assert case.env.data["result"] == result


def test_a_list_replaces_a_list():
    case = case_of(
        asking("units", resultVariable="result", mapDecisionResult="collectEntries"),
        level="突发",
        result=["旧", "旧", "旧"],
    )

    case.do("accept")

    assert case.env.data["result"] == ["街道", "城管委"]


def test_no_rule_is_an_error_unless_the_process_says_null():
    case = case_of(asking(), level="疑难")
    before = case.state
    run = case.wake()
    run.complete(case.picture.task("accept").ref)
    with pytest.raises(NoRuleMatches) as refused:
        run.settle()
    assert refused.value.element == "ask"
    assert "limits" in refused.value.message
    assert Run.load(before, case.version, case.env).settle() == case.picture

    quiet = case_of(asking(), "null", level="疑难", handle_limit="old")
    quiet.do("accept")
    assert (quiet.env.data["handle_limit"], quiet.env.data["days_left"]) == (None, None)
    assert quiet.steps == ["review"]


def test_two_rules_where_one_is_allowed_stop_the_case():
    case = case_of(asking("one", resultVariable="result", mapDecisionResult="singleEntry"), level="突发")
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(NotUnique) as refused:
        run.settle()

    assert refused.value.element == "ask"


def test_a_result_of_another_form_stops_the_case():
    case = case_of(asking("units", resultVariable="result", mapDecisionResult="singleEntry"), level="突发")
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(ResultDoesNotFit):
        run.settle()


def test_a_table_that_is_not_there_stops_the_case_and_one_not_named_is_unreadable():
    case = case_of(asking("nowhere", resultVariable="result"), level="一般")
    run = case.wake()
    run.complete(case.picture.task("accept").ref)
    with pytest.raises(NoSuchDecision):
        run.settle()

    with pytest.raises(VersionUnreadable):
        parse(source_of(asking("")))


def test_the_linter_reads_the_outputs_of_the_table():
    known = Names(data={"level": "choice", "handle_limit": "text"}, decisions=frozenset({"limits"}))

    (found,) = [each for each in check(source_of(asking()), known) if each.level == "error"]

    assert (found.rule, found.element) == ("bpmn-unknown-name", "ask")
    assert found.zh == (
        "业务规则任务“ask”(ask) 把结果写入 days_left，没有该数据；process.yaml 的 data 中有 handle_limit、level。"
    )


def test_an_unreadable_table_is_told_elsewhere():
    broken = Source("a" * 64, "demo", asking().bytes(), decisions={"decisions/t.dmn": b"<x"})

    found = check(broken, Names(data={"level": "choice"}, decisions=frozenset({"limits"})))

    assert [each.rule for each in found if each.level == "error"] == []
