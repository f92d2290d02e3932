"""Scenarios of a process that files cases of another one: the filed case is expected, named and gone on with."""

from pathlib import Path

import pytest

from app.bundles.files import BundleFiles, read_folder
from app.cli.staging import staged
from app.processes.callees import beside, in_order, needed_in
from app.processes.check import check_folder
from app.processes.walk import walk
from tests.cases.test_feeding import letter, problem
from tests.processes.test_calls import SLA, Make, side_by_side

__all__ = ["side_by_side"]

WALK = """\
name: 来信成为问题
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 派遣员甲, form: {title: 积水, content: 门前积水。, label: 公共, place_unit: 甲社区}}
  - complete: {step: read, as: 派遣员甲}
  - filed: {process: problem, called: 问题}
  - expect: {ended: true}
  - expect: {case: 问题, status: 待解决, tasks: [problem/solve], data: {kind: 公共}}
  - complete: {case: 问题, step: problem/solve, as: 派遣员甲}
  - expect: {case: 问题, ended: true, log: [problem/solve]}
"""


def laid_out(make: Make, scenario: str = WALK) -> Path:
    files = letter(sla=SLA)
    return make(
        problem(sla=SLA), BundleFiles("letter", {**files.files, "scenarios/a.yaml": scenario.encode()})
    )


def test_a_scenario_goes_on_in_the_case_that_was_filed(side_by_side: Make) -> None:
    folder = laid_out(side_by_side)
    assert check_folder(folder).good

    with staged(folder) as version:
        (walked,), coverage = walk(read_folder(folder)[0], version, None)

    assert walked.failed is None
    assert "系统登记“积水”" in " ".join(walked.lines)
    assert coverage.percent == 100


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("process: problem,", "process: problems,", "应当登记了流程 problems 的一件，实际没有"),
        ("[problem/solve], data", "[], data", "只应有待办 （没有）"),
    ],
)
def test_what_was_not_filed_is_told(side_by_side: Make, was: str, now: str, says: str) -> None:
    folder = laid_out(side_by_side, WALK.replace(was, now, 1))

    with staged(folder) as version:
        (walked,), _ = walk(read_folder(folder)[0], version, None)

    assert says in (walked.failed or "")


def test_a_case_is_named_before_steps_are_about_it(side_by_side: Make) -> None:
    folder = laid_out(side_by_side, WALK.replace("  - filed: {process: problem, called: 问题}\n", ""))

    (found, *_) = [each for each in check_folder(folder).findings if each.level == "error"]

    assert (found.rule, "前面没有登记过“问题”" in found.zh) == ("scenario-unknown-case", True)


def test_what_is_filed_is_published_first(side_by_side: Make) -> None:
    folder = laid_out(side_by_side)

    assert needed_in((folder / "process.bpmn").read_bytes()) == ["problem"]
    assert [each.name for each in beside(folder)] == ["problem"]
    assert [each.name for each in in_order([folder, folder.parent / "problem"])] == ["problem", "letter"]
