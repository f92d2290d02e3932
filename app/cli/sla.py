"""`huying sla …`: a changed policy tried on past cases before it is published."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import reach
from app.cli.folders import folders_named

if TYPE_CHECKING:
    from app.policies.service import Tested

MOST_CASES = 100_000
MOST_NAMED = 20
WORDS = {"met": "按时", "late": "超期", "running": "在走", "none": "没有"}
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def sla() -> None:
    """时限规则。"""


@sla.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--from", "first", type=DAY, required=True, help="收到的第一天，例如 2026-01-01。")
@click.option("--to", "last", type=DAY, required=True, help="收到的最后一天，含当天。")
def backtest(folder: Path, first: datetime, last: datetime) -> None:
    """把改过的流程文件夹里的时限规则放到以前的办件上试算，什么都不保存。

    说明与现在的规则相比改了什么，每个时钟各件自己的规则下、要试的规则下各有多少按时、超期，哪些办件变了，
    哪些没有能重算、为什么。
    """
    from app import wire
    from app.bundles.files import read_folder
    from app.policies.backtest import Which
    from app.policies.service import try_on

    (chosen,) = folders_named((folder,))
    reach.database()
    wire()
    files, before = read_folder(chosen)
    which = Which(files.key, first.date(), last.date())
    for line in told(try_on(files, before, which, MOST_CASES)):
        click.echo(line)


def told(tested: "Tested") -> Iterator[str]:
    """A backtest for a person."""
    found = tested.found
    yield "与现在的规则相比："
    yield from (f"  {each}" for each in tested.changes or ["没有变化"])
    yield f"期间收到 {found.cases} 件（另有 {found.excluded} 件已剔除），{len(found.unreplayed)} 件没能重算。"
    for name in found.names:
        was, now = (_rate(*found.rate(name, new=new)) for new in (False, True))
        yield f"“{found.labels[name]}”按时率：{was} → {now}"
        for (before, after), several in found.of(name).items():
            if before != after:
                numbers = list(dict.fromkeys(each.case["number"] for each in several))
                yield f"  {WORDS[before]} → {WORDS[after]}：{len(several)} 个，{_named(numbers)}"
    for left in found.unreplayed:
        yield f"没有重算：{left.case['number']}，{left.why}"


def _rate(met: int, of: int) -> str:
    return f"{met}/{of}（{100 * met / of:.2f}%）" if of else "0/0"


def _named(numbers: list[str]) -> str:
    more = f" 等 {len(numbers)} 件" if len(numbers) > MOST_NAMED else ""
    return "、".join(numbers[:MOST_NAMED]) + more
