"""Tables and cells judged by results that nobody here wrote: the public conformance cases of DMN (dmn-tck/tck).

Each is named by its case there. Inputs, cells and expected outcomes are taken as facts and written down anew; what
FEEL writes as `value in test` is a cell and a value here, a list of ranges is tests with commas between them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from app.engine.decisions import DecisionFailed, DecisionsUnreadable, NoRuleMatches, map_result
from tests.engine.decisions.tables import Head, decisions, head, single, table

# — 0072-feel-in: unary tests —

COMPARED: Sequence[tuple[str, str, str]] = [  # the number, the test, which of three neighbours satisfy it
    ("003", "<= {}", "110"),
    ("004", "< {}", "100"),
    ("005", ">= {}", "011"),
    ("006", "> {}", "001"),
]
"""Below, at and above the value: `003` at below and at it, `003_a` above …"""
RANGES: Sequence[tuple[str, str, str]] = [  # five values, the range lies from the second to the fourth
    ("007", "({}..{})", "00100"),
    ("008", "({}..{}]", "00110"),
    ("009", "[{}..{})", "01100"),
    ("010", "[{}..{}]", "01110"),
]
"""`_a` to `_e` of each."""
KINDS: dict[str, tuple[list[Any], list[Any]]] = {
    "number": ([9, 10, 11], [1, 2, 3, 4, 5]),
    "string": (["a", "b", "c"], ["a", "b", "c", "d", "e"]),
    "date": (
        ["2018-12-09", "2018-12-10", "2018-12-11"],
        [f"2018-12-0{day}" for day in range(1, 6)],
    ),
}


def written(kind: str, value: Any) -> str:
    if kind == "number":
        return str(value)
    return f'"{value}"' if kind == "string" else f'date("{value}")'


def every_test_of_0072() -> Iterator[tuple[str, str, Any, bool]]:
    for kind, (three, five) in KINDS.items():
        for number, form, holds in COMPARED:
            cell = form.format(written(kind, three[1]))
            yield from ((f"{kind}_{number}", cell, v, h == "1") for v, h in zip(three, holds, strict=True))
        for number, form, holds in RANGES:
            cell = form.format(written(kind, five[1]), written(kind, five[3]))
            yield from (
                (f"{kind}_{number}_{letter}", cell, v, h == "1")
                for letter, v, h in zip("abcde", five, holds, strict=True)
            )
    days = [f'date("2018-12-{day}")' for day in ("08", "09", "10")]
    spans = '[date("2018-12-05")..date("2018-12-07")], [date("2018-12-10")..date("2018-12-12")]'
    yield from (
        ("number_001", "2,3,1", 1, True),
        ("number_001_a", "2,3,4", 1, False),
        ("number_002", "[2..4], [1..3]", 1, True),
        ("number_002_a", "[2..4], [1..3]", 5, False),
        ("number_003", "<= 10", 1, True),
        ("number_004", "< 10", 1, True),
        ("number_011", "1", 1, True),
        ("number_014", "1, < 5, >=10", 10, True),
        ("number_014_a", "1, 5, 9", 10, False),
        ("string_001", '"b","c","a"', "a", True),
        ("string_001_a", '"b","c","d"', "a", False),
        ("string_002", '["f".."h"], ["a".."c"]', "b", True),
        ("string_011", '"a"', "a", True),
        ("string_014", '"c", < "c", >="d"', "d", True),
        ("string_014_a", '"c", >="e"', "d", False),
        ("boolean_001", "true, false", True, True),
        ("boolean_011", "true", True, True),
        ("boolean_014", "false, true", True, True),
        ("date_001", ",".join(days), "2018-12-08", True),
        ("date_001_a", ",".join(days), "2018-12-11", False),
        ("date_002", spans, "2018-12-11", True),
        ("date_002_a", spans, "2018-12-04", False),
        ("date_003", '<= date("2018-12-05")', "2018-12-04", True),
        ("date_004", '< date("2018-12-10")', "2018-12-01", True),
        ("date_011", 'date("2018-12-05")', "2018-12-05", True),
        ("date_014", 'date("2018-12-04"), >=date("2018-12-05")', "2018-12-05", True),
        ("date_014_a", 'date("2018-12-04"), >=date("2018-12-06")', "2018-12-05", False),
    )


CELLS = list(every_test_of_0072())


@pytest.mark.parametrize(("case", "cell", "value", "holds"), CELLS, ids=[f"{c[0]}-{c[2]}" for c in CELLS])
def test_a_unary_test_comes_out_as_the_public_case_says(
    case: str, cell: str, value: Any, holds: bool
) -> None:
    assert single(cell, value) is holds, f"0072-feel-in {case}"


def test_there_are_sixty_public_cells_and_more() -> None:
    assert len({(case, cell, value) for case, cell, value, _ in CELLS}) == len(CELLS) > 100
    assert len({cell for _, cell, _, _ in CELLS}) >= 45


@pytest.mark.parametrize(
    ("case", "cell", "says"),
    [
        ("number_015", "=1", "相等请只写值"),
        ("number_016", "!=1", "not("),
        ("boolean_001_a", "false, 2, 3", "这一列是"),
        ("time_003", '<= time("10:30:05")', "没有钟点和时长"),
    ],
)
def test_what_later_editions_and_other_kinds_write_is_refused_in_words(
    case: str, cell: str, says: str
) -> None:
    """`=` and `!=` before a value came with DMN 1.5; kinds do not mix, and there are no times of day (0024)."""
    kind = "boolean" if case.startswith("boolean") else ""
    with pytest.raises(DecisionsUnreadable) as refused:
        decisions(table([head("x", kind)], ["y"], [[cell, "1"]]))

    assert says in str(refused.value), f"0072-feel-in {case}"


# — hit policies —

APPLICANT: list[Head] = [
    head("age", "number"),
    head("risk", "string", '"High","Low","Medium"'),
    head("affordable", "boolean"),
]
STATUS = head("status", "string", '"Approved","Declined"')
RATE = head("rate", "string", '"Best","Standard"')
YES = ["true", '"Approved"']
LINES: dict[str, tuple[str, list[Head], list[Head], list[list[str]]]] = {
    "0004-simpletable-U": (
        "UNIQUE",
        APPLICANT,
        [STATUS],
        [
            [">=18", '"Medium","Low"', *YES],
            ["<18", '"Medium","Low"', "true", '"Declined"'],
            ["-", '"High"', "true", '"Declined"'],
            ["-", "-", "false", '"Declined"'],
        ],
    ),
    "0005-simpletable-A": (
        "ANY",
        APPLICANT,
        [STATUS],
        [
            [">=18", '"Medium","Low"', *YES],
            ["<18", "-", "-", '"Declined"'],
            ["-", '"High"', "-", '"Declined"'],
            ["-", "-", "false", '"Declined"'],
        ],
    ),
    "0007-simpletable-P2": (
        "PRIORITY",
        APPLICANT,
        [STATUS],
        [[">=18", '"Medium","Low"', *YES], ["-", "-", "-", '"Declined"']],
    ),
    "0108-first-hitpolicy": (
        "FIRST",
        APPLICANT,
        [STATUS, RATE],
        [
            [">=18", '"Medium"', *YES, '"Best"'],
            [">=12", '"Medium"', *YES, '"Standard"'],
            ["<12", '"Low"', "true", '"Declined"', '"Standard"'],
        ],
    ),
    "0110-outputOrder-hitpolicy": (
        "OUTPUT ORDER",
        APPLICANT,
        [STATUS, head("rate", "string", '"Basic","Standard"')],
        [
            [">=18", '"Medium","Low"', *YES, '"Basic"'],
            ["<18", "-", "-", '"Declined"', '"Standard"'],
            ["-", '"High"', "-", '"Approved"', '"Standard"'],
        ],
    ),
    "0112-ruleOrder-hitpolicy-singleinoutcol": (
        "RULE ORDER",
        [head("age", "number")],
        [RATE],
        [[">=18", '"Best"'], [">=12", '"Standard"'], ["<12", '"Standard"']],
    ),
    "0113-outputOrder-hitpolicy-singleinoutcol": (
        "OUTPUT ORDER",
        [head("age", "number")],
        [STATUS],
        [[">=18", '"Approved"'], ["<18", '"Declined"'], [">=0", '"Approved"']],
    ),
    "0117-multi-any-hitpolicy": (
        "ANY",
        APPLICANT,
        [STATUS, RATE],
        [
            [">=18", '"Low"', *YES, '"Best"'],
            [">=18", '"Medium"', *YES, '"Standard"'],
            ["<18", '"Medium","Low"', "true", '"Declined"', '"Standard"'],
            ["-", '"High"', "true", '"Declined"', '"Standard"'],
            ["-", "-", "false", '"Declined"', '"Standard"'],
            [">=19", '"Low"', *YES, '"Best"'],
        ],
    ),
}
LINES["0006-simpletable-P1"] = ("PRIORITY", *LINES["0005-simpletable-A"][1:])
LINES["0109-ruleOrder-hitpolicy"] = ("RULE ORDER", *LINES["0108-first-hitpolicy"][1:])
LINES["0118-multi-priority-hitpolicy"] = ("PRIORITY", *LINES["0110-outputOrder-hitpolicy"][1:])
LINES["0119-multi-collect-hitpolicy"] = ("COLLECT", *LINES["0110-outputOrder-hitpolicy"][1:])

SIMPLE = [
    ("001", (18, "Medium", True), [("Approved",)]),
    ("002", (17, "Medium", True), [("Declined",)]),
    ("003", (18, "High", True), [("Declined",)]),
]
BEST, STANDARD, DECLINED = ("Approved", "Best"), ("Approved", "Standard"), ("Declined", "Standard")
BASIC = ("Approved", "Basic")
RESULTS: dict[str, list[tuple[str, tuple[Any, ...], list[tuple[str, ...]]]]] = {
    "0004-simpletable-U": SIMPLE,
    "0005-simpletable-A": SIMPLE,
    "0006-simpletable-P1": SIMPLE,
    "0007-simpletable-P2": SIMPLE,
    "0108-first-hitpolicy": [
        ("001", (19, "Medium", True), [BEST]),
        ("002", (13, "Medium", True), [STANDARD]),
        ("003", (10, "Low", True), [DECLINED]),
    ],
    "0109-ruleOrder-hitpolicy": [
        ("001", (19, "Medium", True), [BEST, STANDARD]),
        ("002", (13, "Medium", True), [STANDARD]),
        ("003", (10, "Low", True), [DECLINED]),
    ],
    "0110-outputOrder-hitpolicy": [
        ("001", (17, "High", True), [STANDARD, DECLINED]),
        ("002", (19, "Low", True), [BASIC]),
        ("003", (10, "Low", True), [DECLINED]),
    ],
    "0112-ruleOrder-hitpolicy-singleinoutcol": [
        ("001", (19,), [("Best",), ("Standard",)]),
        ("002", (13,), [("Standard",)]),
        ("003", (10,), [("Standard",)]),
    ],
    "0113-outputOrder-hitpolicy-singleinoutcol": [
        ("001", (17,), [("Approved",), ("Declined",)]),
        ("002", (19,), [("Approved",), ("Approved",)]),
        ("003", (10,), [("Approved",), ("Declined",)]),
    ],
    "0117-multi-any-hitpolicy": [
        ("001", (19, "Low", True), [BEST]),
        ("002", (17, "High", True), [DECLINED]),
        ("003", (19, "Medium", True), [STANDARD]),
    ],
    "0118-multi-priority-hitpolicy": [
        ("001", (17, "High", True), [STANDARD]),
        ("002", (19, "Low", True), [BASIC]),
        ("003", (10, "Low", True), [DECLINED]),
    ],
    "0119-multi-collect-hitpolicy": [
        ("001", (17, "High", True), [DECLINED, STANDARD]),
        ("002", (19, "Low", True), [BASIC]),
        ("003", (10, "Low", True), [DECLINED]),
    ],
}
HITS = [(name, number, given, rows) for name, cases in RESULTS.items() for number, given, rows in cases]


@pytest.mark.parametrize(("name", "number", "given", "rows"), HITS, ids=[f"{h[0]}-{h[1]}" for h in HITS])
def test_a_hit_policy_gives_what_the_public_case_says(
    name: str, number: str, given: tuple[Any, ...], rows: list[tuple[str, ...]]
) -> None:
    policy, inputs, outputs, lines = LINES[name]
    names = ["age", "risk", "affordable"]

    answer = decisions(table(inputs, outputs, lines, policy)).decide(
        "t", dict(zip(names, given, strict=False)), {}
    )

    assert [tuple(row.values()) for row in answer.rows] == rows


YEARS = [">1", ">2", ">3"]
COLLECTED = [
    ("0114-min-collect-hitpolicy", "MIN", [*YEARS, ">4"], ["98.83", "150.21", "205.43", "64.32"], {5: 64.32, 3: 98.83, 4: 98.83}),
    ("0115-sum-collect-hitpolicy", "SUM", [*YEARS, ">5"], ["100", "200", "300", "500"], {6: 1100, 3: 300, 2: 100}),
    ("0116-count-collect-hitpolicy", "COUNT", [*YEARS, ">5"], ["100", "200", "300", "500"], {6: 4, 2: 1, 3: 2}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "aggregation", "cells", "outputs", "expected"), COLLECTED)
def test_an_aggregation_gives_what_the_public_case_says(
    name: str, aggregation: str, cells: list[str], outputs: list[str], expected: dict[int, float]
) -> None:
    lines = [list(line) for line in zip(cells, outputs, strict=True)]
    asked = decisions(
        table([head("years", "number")], [head("paid", "number")], lines, "COLLECT", aggregation)
    )

    found = {years: map_result(asked.decide("t", {"years": years}, {}), "singleEntry") for years in expected}

    assert found == expected, name


# 0020-vacation-days: three tables that collect the largest, with a default of 0; their sum is the case's result.
EXTRA = {
    "one": [["<18,>=60", "-", "5"], ["-", ">=30", "5"]],
    "two": [["-", ">=30", "3"], [">=60", "-", "3"]],
    "three": [["-", "[15..30)", "2"], [">=45", "-", "2"]],
}


@pytest.mark.parametrize(
    ("number", "age", "service", "days"),
    [("001", 16, 1, 27), ("002", 25, 5, 22), ("003", 25, 20, 24), ("004", 44, 30, 30), ("005", 50, 20, 24), ("006", 50, 30, 30), ("007", 60, 20, 30)],
)  # fmt: skip
def test_defaults_and_the_largest_give_the_vacation_days_of_the_public_case(
    number: str, age: int, service: int, days: int
) -> None:
    inputs = [head("age", "number"), head("service", "number")]
    output = [head("extra", "number")]
    tables = (
        table(inputs, output, lines, "COLLECT", "MAX", identifier=name, defaults={"extra": "0"})
        for name, lines in EXTRA.items()
    )
    asked = decisions(*tables)
    given = {"age": age, "service": service}

    one, two, three = (map_result(asked.decide(name, given, {}), "singleEntry") for name in EXTRA)

    assert 22 + max(one, three) + two == days, number


# — 1157-unarytests-decisiontable: allowed values of columns —


@pytest.mark.parametrize(
    ("number", "allowed", "value", "cell"),
    [("001", "123,456", 123, "123"), ("002", "[1..1000]", 123, "123"), ("003", "-", 123, "123"), ("007", "", 123, "123")],
)  # fmt: skip
def test_a_value_that_is_allowed_decides(number: str, allowed: str, value: int, cell: str) -> None:
    asked = decisions(table([head("x", "number", allowed)], ["y"], [[cell, '"success"']]))

    assert asked.decide("t", {"x": value}, {}).rows == ({"y": "success"},), number


def test_a_false_value_meets_false_and_not_true() -> None:
    """1157 008_a."""
    asked = decisions(table([head("x", "boolean")], ["y"], [["true", '"fail"'], ["false", '"success"']]))

    assert asked.decide("t", {"x": False}, {}).rows == ({"y": "success"},)


def test_what_is_not_allowed_never_turns_into_nothing() -> None:
    """1157 005 and 010 (of DMN 1.5) make null of it; a form that was filled in wrongly must not look as if it were
    left empty."""
    asked = decisions(table([head("x", "number", "1,2")], ["y"], [["null", "1"]]))

    with pytest.raises((NoRuleMatches, DecisionFailed)):
        asked.decide("t", {"x": 123}, {})
