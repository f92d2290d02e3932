"""The small process of the tests that asks residents and lets units sign: checked, walked, every element reached."""

from pathlib import Path

import pytest

from app.processes.check import check_folder
from tests.processes.conftest import beside_org, district
from tests.processes.test_scenarios import walked

assert district


@pytest.mark.usefixtures("district")
def test_every_way_through_a_deliberation_is_walked(tmp_path: Path) -> None:
    folder = beside_org(tmp_path, "deliberation")

    told = [each.told for each in check_folder(folder).findings]
    found, coverage = walked(folder)

    assert told == []
    assert [each.failed for each in found] == [None, None, None], [each.lines[-3:] for each in found]
    assert coverage.missed_named == ()
