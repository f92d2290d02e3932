"""What a decision costs: `python -m bench.decisions`. Fails on ratios, never on microseconds.

CPU time of one process, medians of nine. "loops" are turns of the calibration loop of bench.measure, so that
figures of two machines can be laid side by side. The small table has 10 rules, the big one 500 rules over 3
inputs (equality, equality, range); every call asks for another case.
"""

import sys
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

from app.engine.decisions import Decisions, check_decisions, compile_decisions
from app.engine.decisions.values import converted
from app.engine.source import Names
from bench.measure import Report, calibrated, seconds
from tests.engine.decisions.tables import file, head, table

INPUTS = [head("category", "string"), head("level", "string"), head("days", "integer")]
LEVELS = ("突发", "紧急", "一般", "疑难", "咨询")
NAMES = Names(data={"category": "category", "level": "choice", "days": "int"})


def rows_of(categories: int, stretches: int) -> list[list[str]]:
    """One rule per category, level and stretch of five days."""
    return [
        [f'"类{category}"', f'"{level}"', f"[{days}..{days + 4}]", f'"PT{days + 1}H"']
        for category in range(categories)
        for level in LEVELS
        for days in range(0, 5 * stretches, 5)
    ]


def cases_of(categories: int, stretches: int) -> list[Mapping[str, Any]]:
    """Cases that each meet one rule, spread over the table."""
    return [
        {
            "category": f"类{number * 7 % categories}",
            "level": LEVELS[number % 5],
            "days": number * 3 % (5 * stretches),
        }
        for number in range(97)
    ]


def asking(tables: Decisions, cases: list[Mapping[str, Any]]) -> Callable[[], object]:
    """One decision of the next case."""
    following = cycle(cases)
    return lambda: tables.decide("t", next(following), {})


def scanning(tables: Decisions, cases: list[Mapping[str, Any]]) -> Callable[[], object]:
    """The same by trying every rule."""
    compiled, following = tables.tables["t"], cycle(cases)

    def scan() -> list[int]:
        data = next(following)
        values = [converted(column.kind, data[column.label]) for column in compiled.columns]
        return [
            number
            for number, row in enumerate(compiled.rows)
            if all(test.matches(value, bool) for test, value in zip(row, values, strict=True))
        ]

    return scan


def measure(report: Report) -> None:
    """Prints the figures."""
    small_file, big_file = (file(table(INPUTS, ["limit"], rows_of(*size))) for size in ((2, 1), (10, 10)))
    small, big = compile_decisions({"t.dmn": small_file}), compile_decisions({"t.dmn": big_file})
    assert (len(small.tables["t"].rows), len(big.tables["t"].rows)) == (10, 500)

    scan = seconds(scanning(big, cases_of(10, 10)), 20)
    ten = report.cost("a table of 10 rules", asking(small, cases_of(2, 1)), 2_000, 2e-5, 1.4)
    many = report.cost("a table of 500 rules, 3 inputs", asking(big, cases_of(10, 10)), 2_000, 1e-4, 1.5)
    report.line("  against 10 rules", f"{many / ten:.2f} ×", "≤ 5 ×", many <= 5 * ten)
    report.line("  against trying every rule", f"{scan / many:.0f} ×", "≥ 5 ×", scan >= 5 * many)

    parse = report.cost("  compile it", lambda: compile_decisions({"t.dmn": big_file}), 3, 0.1, 2_700)
    check = report.cost("  check it", lambda: check_decisions("t.dmn", big_file, NAMES), 3, 0.2, 9_200)
    report.line("  checking against compiling", f"{check / parse:.1f} ×", "≤ 20 ×", check <= 20 * parse)


def main() -> int:
    """1 when a ratio does not hold."""
    report = Report()
    calibrated(report)
    measure(report)
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
