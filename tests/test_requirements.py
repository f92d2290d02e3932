"""The marks of the tests and the customer's requirements speak of the same rows."""

from collections import Counter
from pathlib import Path

from tests.requirements import Mark, Requirement, catalogue, marks, report


def test_no_requirement_is_in_the_catalogue_twice() -> None:
    ids = Counter(row.id for row in catalogue())

    assert sum(ids.values()) == 962
    assert [each for each, times in ids.items() if times > 1] == []


def test_every_mark_names_a_requirement_that_exists() -> None:
    known = {row.id for row in catalogue()}

    unknown = [f"{mark.file}:{mark.line} {mark.id}" for mark in marks() if mark.id not in known]

    assert unknown == []


def test_a_mark_is_found_wherever_it_is_written(tmp_path: Path) -> None:
    source = (
        "import pytest\n\n"
        '@pytest.mark.requirement("A-1", "A-2")\n'
        "def test_one() -> None: ...\n\n"
        "@pytest.mark.requirement(CHOSEN)\n"
        "class TestMore:\n"
        '    @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.requirement("A-3"))])\n'
        "    def test_two(self, n): ...\n"
    )
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_some.py").write_text(source)

    found = [(mark.id, mark.test) for mark in marks(folder)]

    assert found == [("A-1", "test_one"), ("A-2", "test_one"), (None, "TestMore"), ("A-3", "test_two")]


def test_the_report_counts_by_system_and_names_the_test() -> None:
    rows = [
        Requirement("A-1", "甲系统", "1", "能签收"),
        Requirement("A-2", "甲系统", "2", "能退单"),
        Requirement("B-1", "乙系统", "1", "能催办"),
    ]
    found = [Mark("A-1", "tests/test_some.py", 3, "test_one")]

    lines = list(report(rows, found))

    assert lines == [
        "甲系统：已证明 1，尚未证明 1，共 2",
        "  ✓ A-1 能签收",
        "      tests/test_some.py::test_one",
        "  · A-2 能退单",
        "乙系统：已证明 0，尚未证明 1，共 1",
        "  · B-1 能催办",
        "全部：已证明 1，尚未证明 2，共 3",
    ]
