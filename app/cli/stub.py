"""`huying stub …`: other systems, played on this machine, for demonstrations and tests."""

import signal
from collections.abc import Callable
from pathlib import Path

import click

from app.cli import reach
from app.core.config import settings

CITY, GRID = "city", "grid"
"""The accounts that the played partners speak under."""
TOKEN_HOURS = 12


@click.group()
def stub() -> None:
    """示范用的模拟系统；正式环境一律拒绝。"""
    if settings().profile == "production":
        raise click.ClickException("正式环境（HUYING_PROFILE=production）不连接模拟系统。")


@stub.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="我方的网址。")
@click.option(
    "--port", default=8001, show_default=True, type=click.IntRange(1, 65535), help="监听端口（本机）。"
)
@click.option("--journal", type=click.Path(path_type=Path), required=True, help="流水文件，重启后接着演。")
@click.option("--seed", default="huying-city-1", show_default=True, help="种子：同一种子派出同样的工单。")
@click.option("--every", default=60.0, show_default=True, type=click.FloatRange(0.05), help="几秒派一件。")
@click.option(
    "--back", default=20.0, show_default=True, type=click.FloatRange(0), help="收到回复几秒后回访。"
)
@click.option(
    "--urge", default=300.0, show_default=True, type=click.FloatRange(0.1), help="几秒没有回复就催办。"
)
@click.option("--first", default=5.0, show_default=True, type=click.FloatRange(0), help="几秒后派第一件。")
def city(
    url: str, port: int, journal: Path, seed: str, every: float, back: float, urge: float, first: float
) -> None:
    """扮演市级 12345 平台：派单、催办、收回复、回访。按账号 city 发来消息，收件地址是 /orders。"""
    from app.demo.city import Pace
    from app.demo.partner_door import District, serve

    reach.database()
    pace = Pace(every=every, back=back, urge=urge)
    serve(port, District(url, lambda: token(CITY)), seed, pace, journal, until_asked(), first)


@stub.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="我方的网址。")
@click.option(
    "--port", default=8002, show_default=True, type=click.IntRange(1, 65535), help="监听端口（本机）。"
)
@click.option("--journal", type=click.Path(path_type=Path), required=True, help="流水文件，重启后接着演。")
@click.option("--seed", default="huying-grid-1", show_default=True, help="种子：同一种子同样处置。")
@click.option("--step", default=20.0, show_default=True, type=click.FloatRange(0.05), help="几秒走一步。")
def grid(url: str, port: int, journal: Path, seed: str, step: float) -> None:
    """扮演区网格中心：受理、立案、派遣、处置、核查、结案，也不予立案、退回。收件地址是 /reports。"""
    from app.demo.partner_door import District, serve_grid

    reach.database()
    serve_grid(port, District(url, lambda: token(GRID)), seed, step, journal, until_asked())


def until_asked() -> Callable[[], bool]:
    """Whether somebody asked us to stop."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: asked.append(number))
    return lambda: bool(asked)


def token(login_name: str) -> str:
    """A token of an account, from the database beside us: a played partner needs no ceremony."""
    from app.core import db
    from app.identity import login, org

    with db.transaction() as session:
        account = org.person_by_login(session, login_name)
        if account is None:
            raise click.ClickException(f"没有账号 {login_name}；请先装入示范数据（huying demo load）。")
        return login.token_for(session, account.id, TOKEN_HOURS)[0]
