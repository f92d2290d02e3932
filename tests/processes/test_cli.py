"""`huying process …` as an administrator types it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.process import process
from app.core import config, db
from tests.processes.conftest import SHIPPED, Change


def called(*words: str | Path) -> Result:
    return CliRunner().invoke(process, [str(word) for word in words])


def test_check_of_everything_shipped_passes():
    result = called("check", "--all", "--strict")

    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [f"{key}：通过。" for key in SHIPPED]


def test_a_folder_that_holds_process_folders_stands_for_all_of_them(copied: Change):
    result = called("check", copied().parent)

    assert result.output.splitlines() == ["work_order_12345：通过。"]


def test_check_prints_every_finding_with_its_file(copied: Change):
    result = called("check", copied("forms/handle.yaml", "solved", "sovled"))

    assert result.exit_code == 1
    assert "错误  forms/handle.yaml 第 4 行：“sovled”没有在 process.yaml 的 data 里声明" in result.output
    assert "[name-undeclared]" in result.output


def test_a_finding_about_the_diagram_tells_the_line_of_the_element(copied: Change):
    folder = copied("process.bpmn", 'formKey="handle"', 'formKey="handel"')
    lines = (folder / "process.bpmn").read_text("utf-8").splitlines()
    line = 1 + next(i for i, each in enumerate(lines) if 'id="handle"' in each)

    result = called("check", folder)

    assert f"错误  process.bpmn 第 {line} 行：任务“办理”(handle) 使用了表单 handel" in result.output


@pytest.mark.usefixtures("sqlite")
def test_publish_tells_the_line_too(copied: Change):
    result = called("publish", copied("process.bpmn", 'formKey="handle"', 'formKey="handel"'))

    assert re.search(r"process\.bpmn 第 \d+ 行：任务“办理”", result.output)


@pytest.mark.parametrize(
    "file", ["process.yaml", "process.bpmn", "forms/handle.yaml", "scenarios/on_time.yaml"]
)
def test_a_file_of_a_process_stands_for_its_folder(copied: Change, file: str):
    result = called("check", copied() / file)

    assert result.output == "work_order_12345：通过。\n"


def test_check_of_an_unknown_folder_names_the_known_ones():
    result = called("check", "work_ordr")

    assert result.exit_code == 1
    named = "、".join(key for key in SHIPPED if not key.startswith("_"))
    assert f"没有文件夹 work_ordr；bpmn/ 下有 {named}。" in result.output


@pytest.mark.usefixtures("district")
def test_publish_tells_what_changed_and_list_shows_it():
    first, again, listed = called("publish"), called("publish"), called("list")

    assert "流程“12345工单”(work_order_12345)：已发布，第 1 版" in first.output
    assert "没有变化" in again.output
    assert "* work_order_12345 第 1 版" in listed.output


@pytest.mark.usefixtures("district")
def test_publish_of_a_bad_folder_says_why(copied: Change):
    result = called("publish", copied("sla.yaml", "limit: P7D", "limit: P7X"))

    assert result.exit_code == 1
    assert "work_order_12345：没有发布。" in result.output
    assert "sla.yaml 第 4 行：" in result.output


def test_walk_tells_the_story_in_a_database_of_its_own(copied: Change):
    settings = config.settings()

    result = called("walk", copied(), "--scenario", "nobody_signs", "--coverage")

    assert result.exit_code == 0, result.output
    assert "✓ 两小时无人签收，自动退回派遣（nobody_signs）" in result.output
    assert "03-02 11:00  到时：无人签收" in result.output
    assert "03-02 11:00  “签收”由系统收回" in result.output
    assert "没有走到：" in result.output
    assert config.settings() == settings
    assert not db._databases


def test_walk_fails_when_a_scenario_does(copied: Change):
    result = called(
        "walk", copied("scenarios/on_time.yaml", "status: 待派遣", "status: 待签收"), "--scenario", "on_time"
    )

    assert result.exit_code == 1
    assert "✗ 按时办结（on_time）" in result.output
    assert "0/1 个场景走通" in result.output


def test_walk_of_everything_tells_a_figure_a_process_and_fails_for_what_nobody_reached(copied: Change):
    folder = copied("scenarios/on_time.yaml", "status: 待派遣", "status: 待签收")
    for each in (folder / "scenarios").iterdir():
        if each.name != "on_time.yaml":
            each.unlink()
    config.use(replace(config.settings(), bpmn_dir=folder.parent))

    result = called("walk", "--coverage")

    assert result.exit_code == 1, result.output
    first, *rest = result.output.splitlines()
    assert re.fullmatch(
        r"work_order_12345：0/1 个场景走通；流程图元素、档走到 1/\d+，\d+%（.*档 0/\d+.*）。", first
    )
    assert rest[0].startswith("    ✗ ")
    assert "没有走到：" in rest[-1]


def test_walk_as_json_fails_too(copied: Change):
    folder = copied("scenarios/on_time.yaml", "status: 待派遣", "status: 待签收")

    result = called("walk", folder, "--scenario", "on_time", "--json")

    assert result.exit_code == 1
    (told,) = json.loads(result.output)["scenarios"]
    assert (told["name"], bool(told["failed"])) == ("on_time", True)


def test_walk_of_an_unknown_scenario_names_the_known_ones():
    result = called("walk", "_template", "--scenario", "nothing")

    assert result.exit_code == 1
    assert "没有这个场景；scenarios/ 里有 accepted、refused。" in result.output
