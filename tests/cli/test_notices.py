"""`huying notices check` and what `huying up` shows of the console channel."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.local.shown import MOST, Shown
from app.cli.notices import notices


def test_the_shipped_file_is_right_and_a_wrong_one_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "n.yaml"
    wrong.write_text("classes: {a: {label: 甲}}\nevents:\n  - {on: case.urged}\n", encoding="utf-8")

    good = CliRunner().invoke(notices, ["check"])
    bad = CliRunner().invoke(notices, ["check", str(wrong)])

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "没有问题" in good.output
    assert "n.yaml: 第 3 行：缺少“tell”" in bad.output


def line(number: int, logger: str = "huying.notices.console") -> str:
    return f'{{"logger": "{logger}", "text": "通知 cgw1：第 {number} 条"}}\n'


def test_up_shows_each_line_of_the_console_once_and_follows_a_new_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "worker.log"
    log.write_text(line(0), encoding="utf-8")
    shown = Shown(log)
    with log.open("a", encoding="utf-8") as more:
        more.write(line(1) + line(2, "huying.worker") + line(3)[:20])
    shown.look()
    with log.open("a", encoding="utf-8") as more:
        more.write(line(3)[20:])
    shown.look()
    shown.look()
    log.write_text(line(4), encoding="utf-8")
    shown.look()

    assert capsys.readouterr().out.split() == [
        "通知",
        "cgw1：第",
        "1",
        "条",
        "通知",
        "cgw1：第",
        "3",
        "条",
        "通知",
        "cgw1：第",
        "4",
        "条",
    ]


def test_a_flood_is_cut_and_says_where_the_rest_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "worker.log"
    log.touch()
    shown = Shown(log)
    log.write_text("".join(line(n) for n in range(MOST + 5)), encoding="utf-8")

    shown.look()

    out = capsys.readouterr().out.splitlines()
    assert len(out) == MOST + 1
    assert out[-1] == f"……还有 5 条通知，见 {log}"
