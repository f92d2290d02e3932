"""The linter of decision tables: one bad table per rule, word for word; what it proves is true; it never raises."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.check.finding import Finding
from app.engine.decisions import DecisionsUnreadable, check_decisions, compile_decisions
from app.engine.decisions.values import converted
from app.engine.source import Names
from tests.engine.decisions.bad_tables import BAD
from tests.engine.decisions.tables import Head, decisions, file, head, table

NAMES = Names(
    data={
        **{"level": "choice", "days": "int", "amount": "decimal", "day": "date", "seen": "datetime"},
        **{"urgent": "bool", "units": "list", "status": "text"},
    }
)
CHOICES = {"level": ["突发", "紧急", "一般"]}
SAID = yaml.load((Path(__file__).parent / "bad_tables.yaml").read_text(), Loader=yaml.CSafeLoader)


def findings(data: bytes) -> list[Finding]:
    return check_decisions("decisions/t.dmn", data, NAMES, CHOICES)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_told_in_plain_chinese(name: str) -> None:
    rule, data = BAD[name]

    found = findings(data)

    assert {each.rule for each in found} == {rule}
    assert [each.zh for each in found] == SAID[name]
    assert {each.level for each in found} == {"warning" if rule == "dmn-gap" else "error"}
    for each in found:
        assert each.file == "decisions/t.dmn"
        assert each.en[:1].isupper()
        assert each.en.endswith((".", "?"))


def test_every_rule_has_a_bad_table() -> None:
    rules = {rule for rule, _ in BAD.values()}

    assert rules >= {
        "dmn-overlap", "dmn-gap", "dmn-cell-syntax", "dmn-type", "dmn-unknown-input", "dmn-rule-unreachable",
        "dmn-malformed", "dmn-requirement", "dmn-too-large", "bpmn-duplicate-id", "bpmn-expression-forbidden",
        "bpmn-unknown-name", "bpmn-doctype-forbidden", "bpmn-too-large", "xml-malformed", "charset",
    }  # fmt: skip
    assert set(SAID) == set(BAD)


# These load: they are judged by their rows, or by names and types that only the bundle knows.
LOADS = {
    name
    for name, (rule, _) in BAD.items()
    if rule in ("dmn-overlap", "dmn-gap", "dmn-rule-unreachable", "dmn-unknown-input", "bpmn-unknown-name")
} | {
    *("list-with-values", "list-as-string", "another-type", "not-a-choice", "output-bare-word"),
    *("text-in-numbers", "number-in-texts", "text-in-dates", "date-in-instants"),
}


@pytest.mark.parametrize("name", sorted(BAD.keys() - LOADS))
def test_what_is_wrong_in_itself_cannot_be_loaded(name: str) -> None:
    _, data = BAD[name]

    with pytest.raises(DecisionsUnreadable) as told:
        compile_decisions({"t.dmn": data})

    assert told.value.message.startswith("决策表无法装载。（t.dmn：")


GOOD = table(
    ["level", "days", head("day", "date"), head("units", "Any")],
    [head("limit", "string"), head("weight", "number")],
    [
        ['"突发"', "-", "-", '? has(?, "甲")', '"PT2H"', "1.5"],
        ['"紧急"', "<= 5", "-", "-", '"PT24H"', "days * 2"],
        ['"紧急"', "> 5", 'not(date("2026-10-01"))', "-", '"P7D"', ""],
    ],
    "FIRST",
)


def test_a_good_table_has_no_errors() -> None:
    assert [each.zh for each in findings(file(GOOD))] == [
        '决策表“表”(t) 有的情况没有规则：“level”为 "一般"；“level”为 "紧急"、“days”大于 5、“day”为 date("2026-10-01")。'
        "请补上规则，或在表头写明允许的值。"
    ]
    complete = GOOD.replace(
        "</decisionTable>",
        '<rule id="rest">'
        + "<inputEntry><text>-</text></inputEntry>" * 4
        + '<outputEntry><text>"P1M"</text></outputEntry><outputEntry><text>0</text></outputEntry></rule></decisionTable>',
    )
    assert findings(file(complete)) == []


def test_checking_runs_nothing() -> None:
    written = table(["now()"], ["y"], [["? > boom", "due(boom)"]])

    assert [each.rule for each in findings(file(written))] == ["bpmn-unknown-name", "bpmn-unknown-name"]


def test_a_hundred_findings_are_enough() -> None:
    found = findings(file(table(["level"], ["y"], [["紧急", "1"]] * 150)))

    assert len(found) == 101
    assert found[-1].zh == "另有 50 处问题没有列出。请先改好以上各处。"


def test_a_cell_without_an_id_is_named_by_its_rule() -> None:
    data = file(table(["level"], ["y"], [["紧急", "1"]])).replace(b' id="t_c1_1"', b"")

    assert [each.element for each in findings(data)] == ["t_r1"]


def test_a_rule_without_an_id_gets_one_by_its_number() -> None:
    asked = compile_decisions(
        {"t.dmn": file(table(["level"], ["y"], [["-", "1"]])).replace(b' id="t_r1"', b"")}
    )

    assert asked.decide("t", {}, {}).rules[0].rule == "t.1"


# The proofs against brute force: every combination of a few values decides whether a finding is true.
NUMBERS = [-1, 0, 1, 2, 3, 4, 5, 6]
numbers = st.sampled_from(["-", "1", "2,4", "< 3", ">= 2", "[1..3]", "(1..4)", "not(2)", "not([2..3])", "> 4", "null", "not(null)"])  # fmt: skip
levels = st.sampled_from(
    ["-", '"突发"', '"紧急"', '"突发","一般"', 'not("突发")', "null", 'not("突发","紧急","一般")']
)
flags = st.sampled_from(["-", "true", "false", "not(true)", "null"])
INPUTS: Sequence[Head] = [
    head("days", "integer"),
    "level",
    head("urgent", "boolean"),
    head("days", "integer"),
]


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(numbers, levels, flags, numbers), min_size=1, max_size=7),
    policy=st.sampled_from(["UNIQUE", "FIRST"]),
)
def test_what_the_linter_proves_is_true(rows: list[tuple[str, ...]], policy: str) -> None:
    cells = [[*row, str(number)] for number, row in enumerate(rows)]
    found = findings(file(table(INPUTS, ["y"], cells, policy)))
    compiled = decisions(table(INPUTS, ["y"], cells, "RULE ORDER")).tables["t"]
    matched = {}
    for values in itertools.product([None, *NUMBERS], [None, *CHOICES["level"]], [None, True, False]):
        values = (*values, values[0])  # two columns may ask the same
        given_ = [
            converted(column.kind, value) for column, value in zip(compiled.columns, values, strict=True)
        ]
        matched[values] = [
            number
            for number, row in enumerate(compiled.rows)
            if all(test.matches(value, lambda asked: False) for test, value in zip(row, given_, strict=True))
        ]
    told: dict[str, set[str | None]] = {rule: {each.element for each in found if each.rule == rule} for rule in ("dmn-overlap", "dmn-gap", "dmn-rule-unreachable")}  # fmt: skip

    overlapping = {f"t_r{number + 1}" for hits in matched.values() for number in hits[1:]}
    never = {
        f"t_r{number + 1}"
        for number in range(len(rows))
        if not any(number in hits for hits in matched.values())
    }
    never_first = {
        f"t_r{number + 1}"
        for number in range(len(rows))
        if not any(hits[:1] == [number] for hits in matched.values())
    }
    gaps = any(not hits for values, hits in matched.items() if None not in values)
    assert told["dmn-overlap"] == (overlapping if policy == "UNIQUE" else set())
    assert told["dmn-rule-unreachable"] == (never_first if policy == "FIRST" else never)
    assert bool(told["dmn-gap"]) == gaps


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_file_makes_it_raise(data: Any) -> None:
    whole = file(GOOD)
    at = data.draw(st.integers(0, len(whole)))
    until = data.draw(st.integers(at, min(len(whole), at + 40)))
    put = data.draw(st.one_of(st.binary(max_size=20), st.text(max_size=20).map(str.encode)))

    for each in findings(whole[:at] + put + whole[until:]):
        assert each.rule != "dmn-check-failed", each


pieces = st.lists(
    st.sampled_from(
        ["not(", ")", "(", "[", "]", "..", ",", "?", '"', "'", "-", "1", "5", "a", "<", ">=", "=", "null", "true", "date(", '"2026-10-01"', "@", "\\", " ", "（", "物业", "in", "and", "\n", "㐀", "{", "}", "$"]
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(parts=pieces, result=pieces)
def test_no_cell_makes_it_raise(parts: list[str], result: list[str]) -> None:
    written = table(
        ["level", "days"], ["y"], [["".join(parts), "-", "".join(result)], ["-", "".join(parts), "1"]]
    )

    assert [each for each in findings(file(written)) if each.rule == "dmn-check-failed"] == []


def seconds(data: bytes) -> float:
    begun = process_time()
    findings(data)
    return process_time() - begun


def test_a_big_table_is_checked_in_bounded_time() -> None:
    plain = [
        [f'"{level}"', f"[{days}..{days + 3}]", "-", "1"]
        for level in CHOICES["level"]
        for days in range(0, 660, 4)
    ]
    nasty = [[f"> {number}", f"< {number * 7 % 2_000}", f"not({number})", "1"] for number in range(2_000)]
    asked = [[f"? > {number} and ? < amount + {number}", "-", "-", "1"] for number in range(2_000)]

    assert seconds(file(table(["level", "days", "urgent"], ["y"], plain))) < 2  # 0.1 on a quiet machine
    assert seconds(file(table(["days", "amount", "days"], ["y"], nasty, "FIRST"))) < 5
    assert seconds(file(table(["days", "amount", "days"], ["y"], asked, "FIRST"))) < 5


def test_inputs_computed_from_the_same_data_are_not_taken_for_independent() -> None:
    rows = [["< 5", "-", "1"], [">= 5", "> 2", "2"], [">= 5", "<= 2", "3"]]
    apart = [["< 5", "-", "1"], ["-", "> 9", "2"]]

    assert findings(file(table(["days", "days + 1"], ["y"], rows))) == []
    assert findings(file(table(["days", "days + 1"], ["y"], apart))) == []
    assert {each.rule for each in findings(file(table(["days", "amount"], ["y"], apart)))} == {
        "dmn-overlap",
        "dmn-gap",
    }


def test_at_most_thirty_overlaps_are_listed() -> None:
    found = findings(file(table(["days"], ["y"], [["-", "1"]] * 100)))

    assert len(found) == 30
