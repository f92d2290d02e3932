"""A scenario may file several cases; each step says which one it is about, and 合并 brings two together."""

from pathlib import Path

import pytest

from app.processes.check import check_folder
from tests.processes.conftest import Change
from tests.processes.test_scenario_verbs import BEGUN, story

SECOND = (
    "  - start: {by: 派遣员乙, called: 另一件, form: {title: 灯又不亮, content: 同一盏。, level: 一般}}\n"
)
MERGED = SECOND + "  - do: {verb: merge, as: 派遣员甲, case: 另一件, into: 本件, reason: 同一盏路灯}\n"


@pytest.mark.usefixtures("district")
def test_a_second_case_is_merged_into_the_first_and_rests(copied: Change):
    failed, told = story(
        copied,
        MERGED
        + "  - expect: {case: 另一件, merged: 本件, tasks: []}\n"
        + "  - expect: {merged: none, tasks: [sign@城管委]}\n"
        + "  - refused: {verb: complete, step: dispatch, as: 派遣员甲, case: 另一件, problem: case-merged}\n",
    )

    assert failed is None
    assert told[-1].startswith("〔另一件〕派遣员甲 想办理“派遣”，被拒绝：该办件已并入另一件")


@pytest.mark.usefixtures("district")
def test_a_merge_is_undone_and_both_go_on(copied: Change):
    failed, told = story(
        copied,
        MERGED
        + "  - do: {verb: unmerge, as: 派遣员甲, case: 另一件, reason: 不是同一盏}\n"
        + "  - expect: {case: 另一件, merged: none, tasks: [dispatch]}\n"
        + "  - expect: {tasks: [sign@城管委]}\n",
    )

    assert failed is None
    assert told[-1] == "〔另一件〕派遣员甲 撤销合并：不是同一盏"


@pytest.mark.usefixtures("district")
def test_what_fires_is_told_of_the_case_for_which_it_fired(copied: Change):
    failed, told = story(
        copied,
        SECOND
        + "  - complete: {step: dispatch, as: 派遣员甲, case: 另一件, outcome: 派遣, answers: {main_unit: 住建委}}\n"
        + "  - complete: {step: sign, as: 城管委值班员, outcome: 签收}\n"
        + "  - pass: PT3H\n"
        + "  - expect: {tasks: [handle@城管委]}\n",
    )

    assert failed is None
    assert [line for line in told if "收回" in line] == ["〔另一件〕“签收”由系统收回"]


@pytest.mark.usefixtures("district")
def test_an_expectation_of_a_merge_that_is_not_so_fails_and_says_what_is(copied: Change):
    failed, _ = story(copied, SECOND + "  - expect: {case: 另一件, merged: 本件}\n")

    assert failed is not None
    assert "应并入“本件”，实际并入 （没有并入）" in failed


@pytest.mark.parametrize(
    ("steps", "rule", "says"),
    [
        (SECOND.replace("called: 另一件, ", ""), "scenario-case-named-twice", "要写 called"),
        (SECOND.replace("另一件", "本件"), "scenario-case-named-twice", "已经有一件叫“本件”"),
        (SECOND * 2, "scenario-case-named-twice", "已经有一件叫“另一件”"),
        ("  - expect: {case: 别件, tasks: []}\n", "scenario-unknown-case", "没有登记过“别件”；有 本件"),
        (MERGED.replace("into: 本件", "into: 第三件"), "scenario-unknown-case", "没有登记过“第三件”"),
        (MERGED.replace("into: 本件, ", ""), "key-missing", "缺少“into”"),
        ("  - claim: {step: sign, as: 城管委值班员, called: 另一件}\n", "key-unknown", "called"),
    ],
)
def test_cases_that_are_not_told_apart_are_findings(copied: Change, steps: str, rule: str, says: str):
    folder: Path = copied()
    (folder / "scenarios" / "cases.yaml").write_text(BEGUN + steps, "utf-8")

    found = [each for each in check_folder(folder).findings if each.level == "error"]

    assert [each.rule for each in found] == [rule]
    assert says in found[0].told
