"""`huying categories load`: brings tables of categories to what their files say, and tells what changed."""

from pathlib import Path

import click

from app.categories.importing import Report
from app.cli import reach
from app.core import db
from app.core.clock import BEIJING
from app.core.config import settings

MOST_NAMED = 6
WORDS = {"added": "新增", "ended": "停用", "renamed": "改名", "moved": "移动", "reworded": "改常用词"}


@click.group()
def categories() -> None:
    """诉求分类表。"""


@categories.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="只说会有什么变化，不保存。")
def load(files: tuple[Path, ...], dry_run: bool) -> None:
    """导入分类表文件，说明变化；从不删除，只按日期停用。不写 FILES 就导入 bpmn/_categories 下的全部。"""
    from app.categories.category_file import FOLDER, read_categories
    from app.categories.importing import import_file
    from app.identity.actor import SYSTEM

    reach.database()
    chosen = files or tuple(sorted((settings().bpmn_dir / FOLDER).glob("*.yaml")))
    read = [read_categories(file.name, file.read_bytes()) for file in chosen]  # all good, or none
    with db.transaction() as session:
        reports = [import_file(session, SYSTEM, file, dry_run=dry_run) for file in read]
    for report in reports:
        for line in told(report):
            click.echo(line)
    if dry_run:
        click.echo("以上是预演，没有保存。")


def told(report: Report) -> list[str]:
    """What changed, one line a kind, for a person."""
    head = f"分类表“{report.name}”({report.table})"
    if report.nothing:
        return [f"{head}：没有变化，{report.unchanged} 项。"]
    lines = [f"{head}：{report.since.astimezone(BEIJING):%Y-%m-%d %H:%M} 起"]
    for kind, word in WORDS.items():
        changed = getattr(report, kind)
        if changed:
            named = "、".join(
                f"{c.code} {c.name}" + (f"（原为 {c.was}）" if c.was else "") for c in changed[:MOST_NAMED]
            )
            more = " ……" if len(changed) > MOST_NAMED else ""
            lines.append(f"  {word} {len(changed)} 项：{named}{more}")
    lines.append(f"  不变 {report.unchanged} 项")
    return lines
