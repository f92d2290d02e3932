"""`huying demo states`: every process in every state, played from the scenarios of the bundles."""

from typing import TYPE_CHECKING

import click

from app.cli import reach
from app.cli.demo import demo
from app.core import clock

if TYPE_CHECKING:
    from app.demo.states import Shown


@demo.command()
@click.argument("processes", nargs=-1)
def states(processes: tuple[str, ...]) -> None:
    """把每个流程演到每一种状态，留在示范数据里：PROCESSES 是流程的键，不写就是全部自带的。

    演的是各流程自己的场景，标题以“（演示）”开头，时间都是最近的；已经有的状态不再演，中断了再运行就接着演。
    """
    from app import wire
    from app.demo import states as play

    reach.database()
    wire()
    began = clock.monotonic()
    for line in told(play.show(processes), clock.monotonic() - began):
        click.echo(line)


def told(shown: "Shown", seconds: float) -> list[str]:
    """What there is of each process, and what could not be shown."""
    lines = [f"{len(shown.seen)} 个流程，共有办件 {shown.cases} 件，用了 {seconds:.0f} 秒。"]
    lines += [f"  {key}：{count} 种情形" for key, count in sorted(shown.seen.items())]
    return lines + [f"没有演到：{key} 的 {'、'.join(each)}" for key, each in sorted(shown.missed.items())]
