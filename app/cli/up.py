"""`huying up`: the whole product on one machine, started in order, watched, and stopped without a trace."""

import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import click

from app.cli.local import LocalRefused, Stopped, folder, greeting
from app.cli.local.accounts import service_account
from app.cli.local.children import Child, Children
from app.cli.local.played import CALLED, Played
from app.cli.local.serving import Wish, answers, prepare, start_servers, start_web, start_worker, variables
from app.cli.local.shown import Shown
from app.cli.local.tie import die_with_parent
from app.core import clock
from app.core.config import SettingRefused

RESTARTS_A_MINUTE = 5
MORE_WORKERS_THAN_THIS_NEED_A_REAL_SERVER = 4


@dataclass
class Stop:
    """How often we were asked to stop: once drains, twice hurries."""

    asked: int = 0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址；对外服务请在前面放反向代理。")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="监听端口。")
@click.option("--data", default=None, help="数据目录（默认见 HUYING_DATA）。")
@click.option("--fresh", is_flag=True, help="先清空数据目录里的全部数据，再从头开始。")
@click.option(
    "--workers", default=None, type=click.IntRange(1, 64), help="网页进程数（默认等于处理器核数）。"
)
@click.option("--demo/--no-demo", default=None, help="是否装入示范数据（默认：只装入自带的数据库）。")
@click.option(
    "--stub/--no-stub", default=None, help="是否启动模拟的市级平台、网格中心（默认：有示范数据时启动）。"
)
@click.option(
    "--stub-every", default=60.0, show_default=True, type=click.FloatRange(0.1), help="模拟平台几秒派一件。"
)
@click.option("--tied", is_flag=True, hidden=True, help="由 make 启动：make 消失时一起结束。")
def up(
    host: str,
    port: int,
    data: str | None,
    fresh: bool,
    workers: int | None,
    demo: bool | None,
    stub: bool | None,
    stub_every: float,
    tied: bool,
) -> None:
    """在本机启动全部服务：数据库、消息、网页、后台。Ctrl-C 停止，数据留在数据目录。"""
    if tied:
        die_with_parent(os.getppid())
    environ = os.environ
    wish = Wish(
        host=host,
        port=port,
        data=folder.chosen(data or environ.get("HUYING_DATA")),
        fresh=fresh,
        workers=workers or min(os.cpu_count() or 1, MORE_WORKERS_THAN_THIS_NEED_A_REAL_SERVER),
        demo=demo,
        stub=stub,
        stub_every=stub_every,
        database_url=environ.get("DATABASE_URL") or None,
        redis_url=environ.get("REDIS_URL") or None,
    )
    try:
        with stopping() as stop:
            run(wish, stop)
    except Stopped:
        click.echo("已停止。")
    except (LocalRefused, SettingRefused) as refused:
        click.echo(f"呼应没有启动：{refused}", err=True)
        sys.exit(1)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Counts the requests to stop: Ctrl-C, SIGTERM, a closed terminal."""
    stop = Stop()

    def asked(number: int, frame: object) -> None:
        stop.asked += 1

    kept = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def run(wish: Wish, stop: Stop) -> None:
    """Starts everything in order, says so, and watches until somebody asks to stop."""
    refuse_what_cannot_work(wish)
    account = service_account() if wish.local else None

    def asked() -> bool:
        return stop.asked > 0

    with (
        folder.opened(wish.data, account, asked) as place,
        folder.sockets_of(wish.data, account) if wish.local else nullcontext() as sockets,
        Children(keep=[place.lock], stopping=asked) as children,
    ):
        refuse_taken_port(wish)
        if wish.fresh:
            click.echo(f"正在清空数据目录 {place.path} ……")
            place.empty()
            (place.path / "logs").mkdir(mode=0o700)
        services: dict[str, Callable[[], Child]] = {}
        played = Played(place, wish.stub_every) if wish.with_stub else None
        environ = variables(wish, place, played)
        if sockets:
            environ |= start_servers(wish, place, children, services, sockets)
        place.tell({name: environ[name] for name in TOLD if name in environ})
        notes = prepare(wish, place, children, environ)
        services["worker"] = lambda: start_worker(place, children, environ)
        services["web"] = lambda: start_web(wish, place, children, environ)
        services["worker"]()
        web = services["web"]()
        children.wait_until(lambda: answers(wish), watching=web, seconds=60)
        if played is not None:
            for name in CALLED:
                services[name] = partial(played.start, name, children, environ, wish.address)
                services[name]()
        click.echo(
            greeting.text(
                wish.address,
                wish.data,
                trial=wish.trial,
                demo=wish.with_demo,
                played={name: played.address(name) for name in CALLED} if played else {},
                notes=notes,
            )
        )
        try:
            watch(children, services, asked, Shown(place.path / "logs" / "worker.log"))
        finally:
            click.echo("正在停止……（再按一次 Ctrl-C 立即结束）")
            asked_before = stop.asked
            children.stop("web", "worker", *CALLED, hurry=lambda: stop.asked > max(asked_before, 1))
    raise Stopped


TOLD = (
    "DATABASE_URL",
    "REDIS_URL",
    "HUYING_PROFILE",
    "HUYING_SECRET",
    "HUYING_KEYS",
    "HUYING_SM4",
    "HUYING_CONNECTORS",
    "HUYING_FILES",
)


def refuse_what_cannot_work(wish: Wish) -> None:
    """The refusals that need nothing started yet."""
    profile = os.environ.get("HUYING_PROFILE")
    if wish.fresh and not wish.local:
        raise LocalRefused("--fresh 只清空自带的数据库；DATABASE_URL 指向的数据库请自行处理。")
    if wish.local and profile == "production":
        raise LocalRefused("正式环境（HUYING_PROFILE=production）须用 DATABASE_URL 指定 PostgreSQL。")
    if profile == "production" and wish.with_demo:
        raise LocalRefused("正式环境不装示范账号；请去掉 --demo。")
    if wish.stub and (profile == "production" or not wish.with_demo):
        raise LocalRefused("模拟的对接系统只用于示范数据；请去掉 --stub。")


def refuse_taken_port(wish: Wish) -> None:
    """Asked once the data folder is ours: the last run's web process may still be finishing its requests."""
    family = socket.AF_INET6 if ":" in wish.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection's rest is no server
        try:
            probe.bind((wish.host, wish.port))
        except OSError as error:
            if isinstance(error, PermissionError) or wish.port < 1024:
                why = f"没有权限使用端口 {wish.port}"
            elif error.errno == 98:
                why = f"端口 {wish.port} 已被占用"
            else:
                why = f"不能监听 {wish.host}:{wish.port}（{error.strerror or error}）"
            raise LocalRefused(f"{why}；请换一个：make run PORT={wish.port + 1}") from None


def watch(
    children: Children,
    services: dict[str, Callable[[], Child]],
    asked: Callable[[], bool],
    shown: Shown,
) -> None:
    """Starts again what ended by itself, unless it does so all the time; shows what people are told."""
    restarts: deque[float] = deque(maxlen=RESTARTS_A_MINUTE)
    while not asked():
        shown.look()
        child = children.ended()
        if child is not None:
            now = clock.monotonic()
            if len(restarts) == RESTARTS_A_MINUTE and now - restarts[0] < 60:
                if child.name in CALLED:  # the house can do without a played partner
                    click.echo(f"{CALLED[child.name]}反复退出，不再启动：\n{child.last_words()}", err=True)
                    children.forget(child)
                    continue
                raise LocalRefused(f"{child.name} 反复退出，日志末尾：\n{child.last_words()}")
            restarts.append(now)
            click.echo(f"{child.name} 意外退出，正在重新启动……", err=True)
            children.forget(child)
            services[child.name]()
        clock.sleep(0.2)
