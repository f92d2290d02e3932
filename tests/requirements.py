"""Which requirement a test shows: reads the marks, and lists what is shown and what is not yet, by system.

`make coverage-of-requirements`, or `python -m tests.requirements --core 1 --summary`.
"""

import argparse
import ast
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent
CATALOGUE = TESTS.parent / "docs" / "requirements.csv"


@dataclass(frozen=True)
class Requirement:
    """A row of the catalogue: the customer's words; `core` is 1 for the core processes, 2 and 3 beyond."""

    id: str
    system: str
    core: str
    text: str


@dataclass(frozen=True)
class Mark:
    """`@pytest.mark.requirement("SJS-019")` on one test. `id` is None where it is not a plain text."""

    id: str | None
    file: str
    line: int
    test: str


def catalogue(file: Path = CATALOGUE) -> list[Requirement]:
    with file.open(encoding="utf-8", newline="") as rows:
        return [
            Requirement(row["id"], row["system"], row["core"], row["requirement_zh"])
            for row in csv.DictReader(rows)
        ]


def marks(folder: Path = TESTS) -> Iterator[Mark]:
    """Every mark below a folder, read from the source: nothing is imported and no server is started."""
    for file in sorted(folder.rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if "mark.requirement" in text:
            found = _marks_of(ast.parse(text), file.relative_to(folder.parent).as_posix(), "")
            yield from sorted(found, key=lambda mark: mark.line)


def _marks_of(node: ast.AST, file: str, test: str) -> Iterator[Mark]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        test = node.name
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.requirement"):
        for given in [*node.args, *(keyword.value for keyword in node.keywords)]:
            plain = isinstance(given, ast.Constant) and isinstance(given.value, str)
            yield Mark(given.value if plain else None, file, node.lineno, test)  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        yield from _marks_of(child, file, test)


def report(rows: list[Requirement], found: list[Mark], *, summary: bool = False) -> Iterator[str]:
    """Lines: per system its numbers, then its rows, `✓` with the tests that show them, `·` for not yet."""
    tests: dict[str, list[str]] = {}
    for mark in found:
        if mark.id is not None:
            tests.setdefault(mark.id, []).append(f"{mark.file}::{mark.test}")
    for system in dict.fromkeys(row.system for row in rows):
        of_system = [row for row in rows if row.system == system]
        shown = [row for row in of_system if row.id in tests]
        yield f"{system}：已证明 {len(shown)}，尚未证明 {len(of_system) - len(shown)}，共 {len(of_system)}"
        if summary:
            continue
        for row in shown:
            yield f"  ✓ {row.id} {row.text}"
            yield from (f"      {test}" for test in tests[row.id])
        yield from (f"  · {row.id} {row.text}" for row in of_system if row.id not in tests)
    done = sum(row.id in tests for row in rows)
    yield f"全部：已证明 {done}，尚未证明 {len(rows) - done}，共 {len(rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.requirements", description=__doc__)
    parser.add_argument("--core", choices=["1", "2", "3"], help="only the rows of this circle")
    parser.add_argument("--system", help="only systems whose name contains this")
    parser.add_argument("--summary", action="store_true", help="the numbers alone")
    asked = parser.parse_args()
    rows = [
        row
        for row in catalogue()
        if asked.core in (None, row.core) and (asked.system is None or asked.system in row.system)
    ]
    print("\n".join(report(rows, list(marks()), summary=asked.summary)))


if __name__ == "__main__":
    main()
