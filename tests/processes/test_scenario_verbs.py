"""Scenarios may do whatever people do with a task: 转办, 退单, 退回, 撤回, 协办; refusals name their problem."""

from pathlib import Path

import pytest

from app.processes.check import check_folder
from tests.processes.conftest import BPMN, Change, published
from tests.processes.test_scenarios import walked

BEGUN = """
name: 办理人之间
at: 2026-03-02T09:00+08:00
steps:
  - start: {by: 派遣员甲, form: {title: 路灯不亮, content: 路灯不亮。, level: 一般}}
  - complete: {step: dispatch, as: 派遣员甲, outcome: 派遣, answers: {main_unit: 城管委}}
"""
SIGNED = """\
  - claim: {step: sign, as: 城管委值班员}
  - complete: {step: sign, as: 城管委值班员, outcome: 签收}
"""


def story(copied: Change, steps: str) -> tuple[str | None, list[str]]:
    """The failure, if any, and what was told after the second line."""
    folder: Path = copied()
    for each in (folder / "scenarios").iterdir():
        each.unlink()
    (folder / "scenarios" / "verbs.yaml").write_text(BEGUN + steps, "utf-8")
    assert [each.told for each in check_folder(folder).findings if each.level == "error"] == []
    ((found,), _) = walked(folder)
    return found.failed, [line[13:] for line in found.lines[2:]]


@pytest.mark.usefixtures("district")
def test_a_task_is_transferred_to_a_colleague_and_not_to_a_stranger(copied: Change):
    failed, told = story(
        copied,
        "  - claim: {step: sign, as: 城管委值班员}\n"
        "  - refused: {verb: transfer, step: sign, as: 城管委值班员, to: 住建委值班员, reason: 出差, problem: person-not-selectable}\n"
        "  - do: {verb: transfer, step: sign, as: 城管委值班员, to: 城管委承办员, reason: 出差}\n"
        "  - expect: {tasks: [sign@城管委承办员]}\n",
    )

    assert failed is None
    assert told[-1] == "城管委值班员 把“签收”转办给城管委承办员：出差"


@pytest.mark.usefixtures("district")
def test_an_order_is_refused_by_its_unit_with_a_suggestion(copied: Change):
    failed, told = story(
        copied,
        "  - do: {verb: rejectOrder, step: sign, as: 城管委值班员, reason: 非职责, suggest: 住建委, opinion: 属于住建。}\n"
        "  - expect: {status: 待派遣, tasks: [dispatch], data: {suggested_unit: 住建委}}\n",
    )

    assert failed is None
    assert told[-1] == "城管委值班员 退单：非职责，建议住建委"


@pytest.mark.usefixtures("district")
def test_work_is_given_back_to_an_earlier_step(copied: Change):
    failed, told = story(
        copied,
        SIGNED + "  - claim: {step: handle, as: 城管委值班员}\n"
        "  - do: {verb: return, step: handle, as: 城管委值班员, to: sign, reason: 先联系来电人}\n"
        "  - expect: {status: 待签收, tasks: [sign@城管委]}\n",
    )

    assert failed is None
    assert told[-1] == "城管委值班员 从“办理”退回到“签收”：先联系来电人"


@pytest.mark.usefixtures("district")
def test_who_acted_takes_it_back_until_somebody_went_on(copied: Change):
    failed, told = story(
        copied,
        "  - do: {verb: withdraw, step: dispatch, as: 派遣员甲, reason: 派错单位}\n"
        "  - expect: {status: 待派遣, tasks: [dispatch]}\n"
        "  - complete: {step: dispatch, as: 派遣员甲, outcome: 派遣, answers: {main_unit: 住建委}}\n"
        "  - claim: {step: sign, as: 住建委值班员}\n"
        "  - refused: {verb: withdraw, step: dispatch, as: 派遣员甲, reason: 又派错了, problem: cannot-withdraw}\n",
    )

    assert failed is None
    assert "派遣员甲 撤回“派遣”：派错单位" in told


@pytest.mark.usefixtures("district")
def test_time_passes_in_working_days_too(copied: Change):
    failed, told = story(copied, SIGNED + "  - pass: P1WD\n  - expect: {status: 办理中}\n")

    assert failed is None
    assert "…… 过了 1 个工作日" in told


@pytest.mark.usefixtures("district")
def test_another_unit_helps_in_a_case_of_its_own(copied: Change):
    published(BPMN / "side_assist")

    failed, told = story(
        copied,
        SIGNED
        + "  - do: {verb: assist, step: handle, as: 城管委值班员, units: [住建委], demand: 请确认产权, whistle: true}\n"
        "  - expect: {tasks: [handle@城管委, side_assist/assist@住建委]}\n"
        "  - complete: {step: side_assist/assist, as: 住建委值班员, outcome: 已办, answers: {assist_result: 属本单位。, assist_solved: 解决}}\n"
        "  - expect: {tasks: [handle@城管委], log: [dispatch, sign]}\n",
    )

    assert failed is None
    assert "城管委值班员 吹哨住建委协办：请确认产权" in told


@pytest.mark.usefixtures("district")
def test_files_are_brought_named_in_answers_and_their_absence_confirmed(copied: Change):
    copied(
        "process.yaml",
        "facts:",
        "attachments: {handle: {min: 1, kinds: [image]}, review: {min: 2, ifMissing: confirm}}\nfacts:",
    )
    copied("process.yaml", "data: ", "data: ")
    copied("process.yaml", "  place:  ", "  photos: {type: files, kinds: [image], label: 照片}\n  place:  ")
    copied("forms/handle.yaml", "fields:\n", "fields:\n  - {name: photos}\n")
    handled = "step: handle, as: 城管委值班员, outcome: 报结"
    answers = "contacted: true, solved: true, result: 已修好"

    failed, told = story(
        copied,
        SIGNED
        + f"  - refused: {{verb: complete, {handled}, answers: {{{answers}}}, problem: attachment-missing}}\n"
        "  - do: {verb: attach, step: handle, as: 城管委值班员, name: 修好.jpg}\n"
        f"  - refused: {{verb: complete, {handled}, answers: {{{answers}, photos: [没有.jpg]}}, problem: answers-wrong}}\n"
        f"  - complete: {{{handled}, answers: {{{answers}, photos: [修好.jpg]}}}}\n"
        "  - refused: {verb: complete, step: review, as: 审核员甲, outcome: 通过, problem: attachment-missing}\n"
        "  - complete: {step: review, as: 审核员甲, outcome: 通过, confirm: [attachment-missing]}\n"
        "  - expect: {status: 待归档}\n",
    )

    assert failed is None
    assert "城管委值班员 在“办理”上传附件“修好.jpg”" in told
