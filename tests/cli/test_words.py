"""Whoever types a command wrongly, or asks what there is, is answered in Chinese."""

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner

from app.cli import main
from app.cli.demo import told


def english(text: str) -> list[str]:
    """Runs of two English words: a name or an option alone is none."""
    return re.findall(r"\b[A-Za-z]{2,} [a-z]{2,}\b", text)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--help"], "用法: huying [选项] 命令 [参数]…"),
        (["demo", "--help"], "用法: huying demo [选项] 命令 [参数]…"),
        (["process", "walk", "--help"], "--coverage"),
        (["up", "--help"], "默认：127.0.0.1"),
        (["nonsense"], "没有命令 nonsense。"),
        (["demo", "nonsense"], "没有命令 nonsense。"),
        (["demo", "pas"], "是不是想写 'pass'？"),
        (["demo", "pass"], "缺少参数 'DURATION'"),
        (["demo", "time", "now"], "多写了参数：now"),
        (["up", "--prot", "1"], "没有选项 --prot。"),
        (["up", "--port"], "选项 --port 后面要写值。"),
        (["up", "--port", "eighty"], "'--port' 不对：eighty 不是数字。"),
        (["up", "--port", "70000"], "'--port' 不对：70000 不在范围 1<=x<=65535 之内。"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)
def test_help_and_wrong_usage_speak_chinese(words: list[str], expected: str) -> None:
    answer = CliRunner().invoke(main, words, prog_name="huying")

    assert expected in answer.output
    assert [found for found in english(answer.output) if not found.startswith("huying ")] == []


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(days=1, hours=6), "1 天 6 小时"),
        (timedelta(minutes=90), "1 小时 30 分钟"),
        (timedelta(seconds=7), "7 秒"),
        (timedelta(0), "0 秒"),
    ],
)
def test_lengths_of_time_are_said_as_people_say_them(span: timedelta, expected: str) -> None:
    assert told(span) == expected
