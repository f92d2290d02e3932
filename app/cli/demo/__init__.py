"""The demo: its district and its processes, and a clock that can be moved to see what is due later."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from app.cli import db as migrations
from app.cli import reach
from app.cli.local.greeting import NOTE
from app.core import clock, db
from app.core.config import settings

if TYPE_CHECKING:
    from app.identity.org import OrgLoaded


@click.group()
def demo() -> None:
    """示范数据与拨动示范时钟；正式环境一律拒绝。"""
    if settings().profile == "production":
        raise click.ClickException("正式环境（HUYING_PROFILE=production）不装示范数据，也不拨时钟。")


@demo.command()
def load() -> None:
    """升级数据库结构，装入示范区的单位、人员、诉求分类与 bpmn 下的全部流程；可以重复运行。"""
    from app import wire
    from app.cases.advance import within_budget
    from app.cases.calendars import service
    from app.categories import importing
    from app.cli.calendar import told as calendar_told
    from app.cli.categories import told as told_of
    from app.cli.process import publish_each
    from app.clocks import seed
    from app.demo.mark import restore
    from app.demo.states import restore as states_restore
    from app.identity import org
    from app.identity.actor import SYSTEM

    file = settings().bpmn_dir / "_org.yaml"
    if not file.is_file():
        raise click.ClickException(f"没有示范区的机构文件 {file}；请检查 HUYING_BPMN。")
    migrations.upgrade(reach.database(create=True, migrated=False))
    wire()
    with db.transaction() as session:
        for year in seed.beginning(settings().bpmn_dir):
            for line in calendar_told(service.import_year(session, SYSTEM, year)):
                click.echo(line)
    try:
        # Where a unit moves, cases are locked: whoever works on one a moment longer is waited for.
        loaded = within_budget(lambda: _organised(file.read_bytes()))
        assert isinstance(loaded, org.OrgLoaded)
    except org.OrgRefused as refused:
        lines = [f"{file.name} 第 {line} 行：{message}" for line, message in refused.findings]
        raise click.ClickException("\n".join(lines)) from None
    counts = {"单位": loaded.units, "角色": loaded.roles, "人员": loaded.people, "居民": loaded.residents}
    click.echo("，".join(f"{what} {count} 个" for what, count in counts.items()) + "。")
    with db.transaction() as session:
        for report in importing.load_folder(session, settings().bpmn_dir):
            click.echo("\n".join(told_of(report)))
    notes = []
    for published in publish_each():
        for line in published.lines:
            click.echo(line)
        if published.refused:
            # One unfinished folder is no reason to keep the others from their users.
            notes.append(f"{published.folder} 没有发布：{published.refused[0]}")
    if loaded.residents and settings().keys is None:
        notes.append("没有设 HUYING_KEYS：示范居民的实名、电话、证件号没有装入；设好以后再运行一次。")
    with db.transaction() as session:
        if restore(session) | states_restore(session):
            notes.append("上次 demo fill 没有做完，示范时钟已拨回现在；再运行一次 demo fill 就接着做。")
    with db.reading() as session:
        if ahead := clock.offset(session):
            notes.append(
                f"示范时钟拨动过，比真实时间快 {told(ahead)}；清空数据重新开始（--fresh）才会回到真实时间。"
            )
    for note in notes:
        click.echo(NOTE + note)


def _organised(data: bytes) -> "OrgLoaded":
    from app.identity import org

    with db.transaction() as session:
        return org.load_org(session, data)


@demo.command("pass")
@click.argument("duration")
def pass_(duration: str) -> None:
    """把示范时钟往前拨 DURATION（如 PT3H、P2D），到期的时限由后台在一两秒内办理。"""
    from app.engine.durations import DurationRefused, add, parse_duration

    try:
        step = parse_duration(duration)
    except DurationRefused as refused:
        raise click.ClickException(str(refused)) from None
    if step.working_days:
        raise click.ClickException("拨动时钟请用自然时间，如 PT3H、P2D；工作日不能用来拨动时钟。")
    reach.database()
    with db.transaction() as session:
        before = clock.now(session)
        now = clock.pass_time(session, add(before, step, lambda day: True) - before)
    click.echo(f"示范时钟现在是 {now.astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}（北京时间）。")


@demo.command("time")
def time_() -> None:
    """显示示范时钟的现在，以及它比真实时间快多少。"""
    reach.database()
    with db.reading() as session:
        now, ahead = clock.now(session), clock.offset(session)
    fast = f"比真实时间快 {told(ahead)}" if ahead else "与真实时间相同"
    click.echo(f"{now.astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}（北京时间），{fast}。")


def told(span: timedelta) -> str:
    """`1 天 6 小时`: what is not zero, down to seconds."""
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "天"), (hours, "小时"), (minutes, "分钟"), (seconds, "秒"))
    return " ".join(f"{number} {word}" for number, word in parts if number) or "0 秒"


from app.cli.demo import fill, generate, states, walk  # noqa: E402, F401  (each adds its command to the group)
