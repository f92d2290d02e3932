"""`huying demo walk` tells one case so that somebody who knows no process can follow it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from app.demo.telling import length, width
from tests.processes.conftest import beside_org
from tests.world import WORK_ORDER


@pytest.fixture
def order(tmp_path: Path) -> str:
    """The folder of the small work order."""
    return str(beside_org(tmp_path, WORK_ORDER))


def walked(*words: str) -> list[str]:
    done = CliRunner().invoke(main, ["demo", "walk", *words])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def timeless(line: str) -> str:
    """Without minutes: an act takes some milliseconds, and a minute may end meanwhile."""
    return re.sub(r"\d\d:\d\d|\d+ 分钟", "", line)


def test_a_scenario_is_told_with_who_when_what_and_the_clocks(order: str) -> None:
    told = walked(order, "--scenario", "returned_once")

    text = "\n".join(told)
    assert told[0] == "场景：退单一次后重新派遣，总时限不重新起算"
    assert re.fullmatch(r"12345工单 12345-20260302-0000\d  楼道堆物", told[2])
    assert "2026-03-02 星期一" in told
    assert "09:00  派遣员甲      收到并登记，编号 12345-20260302-00001" in text
    assert "“群众时限”开始计时，到期 2026-03-09 09:00" in text
    assert "进入“签收”，等 城管委承办人" in text
    assert "填写：退单原因 非职责；建议单位 住建委" in text
    assert "结论：退单，意见：楼道属于住建部门职责。" in text
    assert "已归档，共用 1 小时，办了 7 步" in text


def test_what_is_late_says_how_late(order: str) -> None:
    text = "\n".join(walked(order, "--scenario", "overdue"))

    assert "时钟          到档：已超期" in text
    assert re.search(r"“群众时限”走了 \d+ 天.*，超期 ", text)


def test_a_generated_order_is_dealt_with_and_told_the_same_every_time() -> None:
    first = walked("work_order_12345", "--order", "3")

    again = walked("work_order_12345", "--order", "3")
    assert [timeless(line) for line in first] == [timeless(line) for line in again]
    assert "来源编号 SY20260206-0000003" in first[2]
    assert any("市级平台" in line for line in first)
    assert first[-2].startswith("“") or "办了" in "".join(first[-3:])


def test_names_stand_in_a_column_though_letters_have_two_widths() -> None:
    steps = [
        line for line in walked("work_order_12345", "--scenario", "on_time") if re.match(r"  \d\d:\d\d", line)
    ]

    columns = {width(line[: re.match(r"  \d\d:\d\d  \S+ +", line).end()]) for line in steps}  # type: ignore[union-attr]
    assert len(columns) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "没有文件夹 nothing"),
        (["work_order_12345", "--scenario", "keines"], "没有这个场景；scenarios/ 里有"),
        (["_template", "--order", "1"], "生成的工单只能登记到 work_order_12345"),
    ],
)
def test_what_cannot_be_told_is_said_plainly(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["demo", "walk", *words])

    assert done.exit_code == 1
    assert said in done.output


def test_lengths_are_said_in_two_words_at_most() -> None:
    assert length(timedelta(days=2, minutes=50)) == "2 天 50 分钟"
    assert length(timedelta(days=1, hours=6, minutes=20)) == "1 天 6 小时"
    assert length(timedelta(seconds=20)) == "不到一分钟"
