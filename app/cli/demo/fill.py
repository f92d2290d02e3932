"""`huying demo fill`: the demo's house after sixty days of work, played through the real services."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click
from sqlalchemy import func, select

from app.cli import reach
from app.cli.demo import demo
from app.core import clock, db


@demo.command()
@click.option("--count", default=300, show_default=True, type=click.IntRange(1, 20_000), help="多少件。")
@click.option("--days", default=60, show_default=True, type=click.IntRange(1, 366), help="过去多少天里的。")
@click.option("--seed", default="huying", show_default=True, help="种子：同一个种子得到同样的办件。")
@click.option("--states/--no-states", default=True, help="每个流程的每种状态也演一件（demo states）。")
def fill(count: int, days: int, seed: str, states: bool) -> None:
    """登记过去六十天的工单，由示范账号办到现在：各种状态的都有。其间示范时钟在过去，办完回到现在。

    中断了再运行一次，接着办；装过一次就不再装。
    """
    from app import wire
    from app.cli.demo.states import told as states_told
    from app.cli.import_ import service
    from app.demo import fill as play
    from app.demo import states as all_states

    reach.database()
    wire()
    by = service("city")
    began = clock.monotonic()
    if states:
        for line in states_told(all_states.show(), clock.monotonic() - began):
            click.echo(line)
    began = clock.monotonic()
    with _going(days) as told:
        filled = play.fill(by, seed, count, days, told)
    spent = clock.monotonic() - began
    click.echo(f"登记 {filled.filed} 件，办了 {filled.acts} 步，用了 {spent:.0f} 秒。")
    for status, number in sorted(_by_status(by.login).items()):
        click.echo(f"  {status} {number} 件")
    for why, times in filled.left.most_common(10):
        click.echo(f"没有办成 {times} 次：{why}")


def _by_status(source: str) -> Counter[str]:
    from app.cases.models import cases

    with db.reading() as session:
        query = select(cases.c.status, func.count()).where(cases.c.source == source).group_by(cases.c.status)
        rows = [tuple(row) for row in session.execute(query)]
    return Counter({status or "（没有状态）": number for status, number in rows})


@contextmanager
def _going(days: int) -> Iterator[Callable[[datetime], None]]:
    """A bar of days on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda at: None
        return
    with db.reading() as session:
        end = clock.now(session)
    with click.progressbar(length=days * 24, label="办理", file=sys.stderr) as bar:

        def told(at: datetime) -> None:
            hours = days * 24 - int((end - at) / timedelta(hours=1))
            if hours > bar.pos:
                bar.update(hours - bar.pos)

        yield told
