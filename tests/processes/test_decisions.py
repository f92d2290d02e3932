"""Decision tables in a bundle: wrong cells, wrong names, and what clocks and rule tasks ask of them."""

from pathlib import Path

import pytest

from app.processes.check import check_folder
from tests.engine.decisions.tables import file, table
from tests.processes.conftest import Change
from tests.processes.test_scenarios import walked

LEVELS = [['"突发"', '"PT2H"'], ['"紧急"', '"PT24H"'], ['"一般"', '"P7D"'], ['"疑难"', '"P15D"']]


@pytest.fixture
def timed(copied: Change) -> Change:
    """The work order whose citizens' clock asks decisions/limits.dmn."""
    write(copied(), LEVELS)
    copied("sla.yaml", "limit: P7D", "limit: table(limits)")
    return copied


def write(folder: Path, rows: list[list[str]], name: str = "limits.dmn", **about: object) -> None:
    (folder / "decisions").mkdir(exist_ok=True)
    columns = about.pop("columns", (["level"], ["limit"]))
    written = table(*columns, rows, **{"identifier": "limits", "name": "办理时限", **about})  # type: ignore[misc, arg-type]
    (folder / "decisions" / name).write_bytes(file(written))


def told(folder: Path) -> list[str]:
    return [f"{each.rule} {each.told}" for each in check_folder(folder).findings]


def test_a_limit_from_a_table_passes(timed: Change):
    assert told(timed()) == []


def test_a_table_is_found_by_its_file_whatever_the_editor_called_it(timed: Change):
    write(timed(), LEVELS, identifier="Decision_1x2y")
    folder = timed("sla.yaml", "tiers:", "limits: decisions/limits.dmn\ntiers:")

    assert told(folder) == []


@pytest.mark.parametrize(
    ("rows", "about", "rule", "says"),
    [
        ([["突发", '"PT2H"'], ["-", '"P7D"']], {}, "dmn-cell-syntax", "decisions/limits.dmn 第 "),
        ([['"突法"', '"PT2H"'], ["-", '"P7D"']], {}, "dmn-type", "是不是 \"突发\""),
        ([['"突发"', '"PT2H"']], {}, "dmn-gap", "没有"),
        ([["-", '"PT2H"'], ['"一般"', '"P7D"']], {}, "dmn-overlap", "规则"),
        ([["-", '"P5WD1D"']], {}, "duration-invalid", "P5WD（5 个工作日）"),
        ([["-", '"PT0WH"']], {}, "duration-invalid", "工作小时请写 1 到"),
        ([["-", '"七天"']], {}, "duration-invalid", "七天"),
        ([["-", "7"]], {}, "duration-invalid", "应为时长文字"),
        ([["-", '"P1D"']], {"columns": (["levle"], ["limit"])}, "dmn-unknown-input", "是不是 level"),
        ([["-", '"P1D"']], {"policy": "COLLECT"}, "limit-table-shape", "命中方式用 UNIQUE 或 FIRST"),
        ([["-", '"P1D"', "1"]], {"columns": (["level"], ["limit", "n"])}, "limit-table-shape", "只留一个输出"),
        ([["-", '"P1D"']], {"identifier": "limit"}, "limit-table-unknown", "是不是 limit"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_with_file_line_and_what_would_be_right(
    timed: Change, rows: list[list[str]], about: dict[str, object], rule: str, says: str
):
    write(timed(), rows, **about)

    found = told(timed())

    assert any(each.startswith(f"{rule} ") and says in each for each in found), found


def test_a_table_that_nothing_asks_is_a_warning(copied: Change):
    write(copied(), LEVELS)

    checked = check_folder(copied())

    assert [(each.level, each.rule, each.file) for each in checked.findings] == [
        ("warning", "decision-unused", "decisions/limits.dmn")
    ]


def test_two_files_may_not_define_one_decision(timed: Change):
    write(timed(), LEVELS, name="more.dmn")

    assert [each.split()[0] for each in told(timed())] == ["dmn-duplicate-id"]


def test_limits_name_a_file_that_exists(timed: Change):
    folder = timed("sla.yaml", "tiers:", "limits: decisions/limit.dmn\ntiers:")

    (found,) = told(folder)

    assert found.startswith("limit-table-unknown sla.yaml 第 ")
    assert "是不是 decisions/limits.dmn" in found


def test_a_change_of_a_table_is_a_new_version(timed: Change):
    before = check_folder(timed()).files.version
    write(timed(), [["-", '"P7D"']])

    assert check_folder(timed()).files.version != before


@pytest.fixture
def asking(copied: Change) -> Change:
    """The work order in which a table fills `suggested_unit` between filing and 派遣."""
    columns = (["level"], ["suggested_unit"])
    write(copied(), [["-", '"d1-cgw"']], name="unit.dmn", identifier="unit", columns=columns)
    copied("process.bpmn", 'targetRef="dispatch" />', 'targetRef="pick" />'
           '<bpmn:businessRuleTask id="pick" name="建议单位" camunda:decisionRef="unit">'
           '<bpmn:outgoing>picked</bpmn:outgoing></bpmn:businessRuleTask>'
           '<bpmn:sequenceFlow id="picked" sourceRef="pick" targetRef="dispatch" />')  # fmt: skip
    return copied


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ('decisionRef="unit"', 'decisionRef="units"', "bpmn-unknown-decision", "是不是 unit"),
        ('decisionRef="unit"', 'decisionRef="unit" camunda:resultVariable="number" camunda:mapDecisionResult="singleEntry"',
         "name-reserved", "写入“number”（办件编号），它由系统填写"),
        ('decisionRef="unit"', 'decisionRef="unit" camunda:resultVariable="nobody" camunda:mapDecisionResult="singleEntry"',
         "bpmn-unknown-name", "没有该数据"),
        ('decisionRef="unit"', 'decisionRef="unit" camunda:resultVariable="suggested_unit"', "decision-mapping", "一个值请写 mapDecisionResult singleEntry"),
    ],
)  # fmt: skip
def test_a_rule_task_asks_a_table_that_exists_and_fills_a_declared_name(
    asking: Change, old: str, new: str, rule: str, says: str
):
    found = told(asking("process.bpmn", old, new))

    assert any(each.startswith(f"{rule} ") and says in each for each in found), found


GAP = [['"突发"', '"PT2H"'], ['"一般"', '"P7D"']]


def test_a_gap_in_what_a_clock_asks_stops_publishing_unless_no_limit_is_meant(timed: Change):
    write(timed(), GAP)
    gaps = [each for each in check_folder(timed()).findings if each.rule == "dmn-gap"]
    timed("process.yaml", "data:", "noMatch: null\ndata:")

    meant = [each for each in check_folder(timed()).findings if each.rule == "dmn-gap"]

    assert [(each.level, each.file, bool(each.line)) for each in gaps] == [
        ("error", "decisions/limits.dmn", True)
    ]
    assert '“level”为 "疑难"' in gaps[0].zh
    assert "noMatch: null" in gaps[0].zh
    assert [each.level for each in meant] == ["warning"]


def test_a_gap_behind_a_table_that_a_clock_asks_stops_publishing_too(timed: Change):
    inner = table(["level"], ["grade"], GAP, identifier="inner")
    outer = table(["grade"], ["limit"], [["-", '"P7D"']], identifier="limits", requires=["inner"])
    (timed() / "decisions" / "limits.dmn").write_bytes(file(inner, outer))

    gaps = [each for each in check_folder(timed()).findings if each.rule == "dmn-gap"]

    assert [(each.level, each.element) for each in gaps] == [("error", "inner")]


@pytest.mark.usefixtures("district")
def test_a_scenario_walks_through_a_rule_task(asking: Change):
    copied = asking("scenarios/on_time.yaml", "data: {main_unit: 城管委}", "data: {suggested_unit: 城管委}")

    (story,), coverage = walked(copied, "on_time")

    assert story.failed is None
    assert "pick" in coverage.passed


def test_a_table_that_is_wrong_is_not_missing_too(asking: Change):
    (asking() / "decisions" / "unit.dmn").write_text("<x", "utf-8")

    found = told(asking())

    assert not any(each.startswith("bpmn-unknown-decision") for each in found)
    assert any(each.startswith("xml-malformed decisions/unit.dmn") for each in found), found
