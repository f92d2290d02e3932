"""`huying timers`: whether timers fire, and the confirmation after a clock that jumped."""

from datetime import datetime

import click

from app.cli import reach
from app.core import db
from app.core.clock import BEIJING


@click.group()
def timers() -> None:
    """定时：查看，时钟跳变后恢复。"""


@timers.command()
def status() -> None:
    """定时是否在走，数据库的时钟是几点。"""
    from app.cases import guarding
    from app.core import clock

    reach.database()
    with db.reading() as session:
        since, raw = guarding.paused_since(session), clock.raw_now(session)
    click.echo(f"数据库的时钟：{raw.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}（北京时间）。")
    if since is None:
        click.echo("定时在走。")
    else:
        paused = datetime.fromisoformat(since).astimezone(BEIJING)
        click.echo(
            f"时钟跳变，定时自 {paused:%Y-%m-%d %H:%M:%S} 起暂停；核对时钟后运行 huying timers resume。"
        )


@timers.command()
@click.option("--as-of", required=True, help="现在的北京时间，例如 2026-03-02T09:00，与数据库的时钟核对。")
@click.option("--reason", required=True, help="时钟为什么跳变、怎样核对的，记入审计。")
def resume(as_of: str, reason: str) -> None:
    """确认时钟无误，定时恢复；到期的马上触发，旧的在先。"""
    from app import wire
    from app.cases import guarding
    from app.identity.actor import SYSTEM

    reach.database()
    wire()
    try:
        given = datetime.fromisoformat(as_of)
    except ValueError:
        raise click.BadParameter("请写成 2026-03-02T09:00。", param_hint="--as-of") from None
    guarding.resume(SYSTEM, given if given.tzinfo else given.replace(tzinfo=BEIJING), reason)
    click.echo("定时已恢复。")
