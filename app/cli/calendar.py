"""`huying calendar`: the announced years out of the library, what is known of a year, a year from a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import reach
from app.core import db
from app.core.clock import BEIJING
from app.core.config import settings

if TYPE_CHECKING:
    from app.cases.calendars.service import Done

MOST_NAMED = 20


@click.group()
def calendar() -> None:
    """工作日历。"""


@calendar.command()
@click.option("--dry-run", is_flag=True, help="只说会有什么变化，不保存。")
def load(dry_run: bool) -> None:
    """装入国务院已公布的各年放假安排（holidays 程序库所载），以及 bpmn/_calendars 里各地的日历。"""
    from app.clocks import seed

    reach.database()
    for year in list(seed.beginning(settings().bpmn_dir)):  # all good, or none
        _import(year, dry_run)
    _end(dry_run)


@calendar.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--dry-run", is_flag=True, help="只说会有什么变化，不保存。")
def import_(files: tuple[Path, ...], dry_run: bool) -> None:
    """导入一年或几年的日历文件，重算到期时刻，逐件说明变化。"""
    from app.clocks.calendar_file import in_order, read_calendar

    reach.database()
    read = [read_calendar(file.name, file.read_bytes()) for file in files]  # all good, or none
    for year in in_order(read):
        _import(year, dry_run)
    _end(dry_run)


@calendar.command()
@click.argument("year", type=int)
@click.option("--region", help="哪个日历；不写就是本系统所用的。")
def show(year: int, region: str | None) -> None:
    """列出一年里放假、调休和工作时间。"""
    from app.clocks import calendar_rows
    from app.clocks.calendar_file import written
    from app.clocks.calendar_import import in_words

    reach.database()
    region = region or settings().calendar
    with db.reading() as session:
        found = calendar_rows.newest(session, calendar_rows.heads(session), region)
    known, count = found.years.get(year), found.workdays(year)
    if known is None:
        by = f" {found.follows.region} 的" if found.follows else "周一至周五"
        click.echo(f"日历 {region} 没有 {year} 年：暂按{by}，共 {count} 个工作日。")
    else:
        click.echo(
            f"日历 {region} {year} 年，第 {known.version} 版，{count} 个工作日。依据：{known.source}。"
        )
    if known is None and found.follows is None:
        return
    click.echo(f"  平常 {'、'.join(written(found.usual(year)))}")
    for day, each, whose in found.special(year):
        own = f"，{'、'.join(written(each.hours))}" if each.hours is not None else ""
        of = f"〔{whose}〕" if found.follows else ""
        click.echo(f"  {day} {in_words(each)}{own}{of}")


@calendar.command("list")
def list_() -> None:
    """列出有哪些日历：跟随谁、第几版、有哪些年份、哪些单位用它。"""
    from app.clocks import calendar_rows, calendars

    reach.database()
    with db.reading() as session:
        by, heads = calendars.by_place(session), calendar_rows.heads(session)
        found = [calendar_rows.newest(session, heads, region) for region in heads]
    for each in found:
        units = [path.rpartition("/")[2] for path, region in by.places if region == each.region]
        used = ["全系统"] * (each.region == by.house) + units
        follows = f"，跟随 {each.follows.region}" if each.follows else ""
        years = "、".join(str(year) for year in sorted(each.years))
        click.echo(
            f"{each.region} {each.name}{follows}，第 {each.version} 版：{years}；"
            f"{'用于 ' + '、'.join(used) if used else '没有单位用它'}"
        )


def _import(year: object, dry_run: bool) -> None:
    from app.cases.calendars import service
    from app.clocks.calendar_file import CalendarYear
    from app.identity.actor import SYSTEM

    assert isinstance(year, CalendarYear)
    with db.transaction() as session:
        done = service.import_year(session, SYSTEM, year, dry_run=dry_run)
    for line in told(done):
        click.echo(line)


def told(done: "Done") -> list[str]:
    """What an import changed, for a person."""
    from app.clocks.calendar_import import in_words

    made = done.made
    head = f"日历 {made.year.region} {made.year.year} 年"
    if made.nothing:
        return [f"{head}：没有变化。"]
    was = "原来没有公布" if made.was_provisional else f"{len(made.days)} 天有变化"
    lines = [f"{head}：第 {made.calendar.version} 版，{was}。"]
    if not made.was_provisional:
        lines += [
            f"  {each.day} 由{in_words(each.was)}改为{in_words(each.now)}" for each in made.days[:MOST_NAMED]
        ]
    if done.moved or done.waiting:
        lines.append(f"  {len(done.moved)} 个时钟的到期时刻有变化：")
    for each in done.moved[:MOST_NAMED]:
        was, due = (
            (at.astimezone(BEIJING).strftime("%m-%d %H:%M") if at else "无") for at in (each.was, each.due)
        )
        lines.append(f"    {each.number} {each.label}：{was} → {due}（{each.region}）")
    if len(done.moved) > MOST_NAMED:
        lines.append("    ……")
    if done.waiting:
        lines.append(f"  还有 {done.waiting} 件由后台接着重算。")
    return lines


def _end(dry_run: bool) -> None:
    if dry_run:
        click.echo("以上是预演，没有保存。")
