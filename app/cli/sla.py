"""`huying sla …`: a changed policy tried on past cases; running cases that go over to a newer one."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import reach
from app.cli.folders import folders_named

if TYPE_CHECKING:
    from app.policies.service import Tested
    from app.policies.swapping import Trial

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


@sla.command()
@click.argument("key")
@click.option("--to", "number", type=int, required=True, help="换用第几版时限规则。")
@click.option("--reason", default="", help="原因，记入每一件的办理过程；只看看时不用写。")
@click.option("--dry-run", is_flag=True, help="只看看：各件的到期怎么变，哪些换不了，什么都不保存。")
def swap(key: str, number: int, reason: str, dry_run: bool) -> None:
    """让在办的件换用新的一版时限规则，逐件地换；中途停下没有关系，再运行一次接着换。

    停了的时钟不动；暂停、延期、退回以前用掉的时间都照旧。先用 --dry-run 看看。
    """
    from app import wire
    from app.policies import swapping

    reach.database()
    wire()
    if dry_run:
        for line in foretold(swapping.look(key, number, None)):
            click.echo(line)
        return
    if not reason.strip():
        raise click.UsageError("请用 --reason 写明原因。")
    for line in _swapped(key, number, reason.strip()):
        click.echo(line)


def _swapped(key: str, number: int, reason: str) -> Iterator[str]:
    """Begins a swap, or goes on with the one that runs, until nothing is left that could go over now."""
    from app.core import db
    from app.identity.actor import SYSTEM
    from app.policies import swapping, swaps

    with db.transaction() as session:
        found = swapping.running(session, key)
        if found and found[0]["number"] != number:
            raise swapping.SwapRunning
        begun = found[0] if found else swapping.begin(session, SYSTEM, key, number, reason, None)
    swapping.pass_over(begun)
    with db.reading() as session:
        busy = bool(swapping.running(session, key))
        counted = swaps.counted(session, begun["id"], None)
        left = [row for row in swaps.of(session, begun["id"], None, MOST_CASES) if row["why"]]
    yield f"换了 {counted['moved']} 件，{counted['left']} 件换不了。"
    yield from (f"  {row['number']}：{row['why']}" for row in left)
    if busy:
        yield "还有办件正有人在办，由后台接着换。"


def foretold(tried: "Trial") -> Iterator[str]:
    """A trial of a swap for a person."""
    from app.clocks.explain import when

    def said(text: str | None) -> str:
        return when(datetime.fromisoformat(text)) if text else "无"

    left = [line for line in tried.lines if line.why]
    yield f"{tried.total} 件还按旧规则在办，{len(left)} 件换不了。"
    for line in tried.lines:
        yield f"{line.case['number']}（原第 {line.was or '—'} 版）：{line.why or ''}"
        for clock in line.clocks:
            stands = "（正在暂停）" if clock["state"] == "paused" else ""
            told = f"  “{clock['label']}”{stands}：{said(clock['wasDue'])} → {said(clock['due'])}"
            told += f"，已经过了：{'、'.join(clock['passed'])}" if clock["passed"] else ""
            yield told + (f"，马上到时：{'、'.join(clock['fires'])}" if clock["fires"] else "")
