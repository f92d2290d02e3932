"""`huying notices`: is the file right that says who is told of what."""

import sys
from pathlib import Path

import click

from app.core.config import settings


@click.group()
def notices() -> None:
    """通知。"""


@notices.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def check(file: Path | None) -> None:
    """检查通知规则文件（不写就是 bpmn/_notices.yaml），有错时逐行说明，退出码 1。"""
    from app.notices.rules import FILE, read_rules

    path = file or settings().bpmn_dir / FILE
    rules, findings = read_rules(path.name, path.read_bytes())
    for each in findings:
        click.echo(f"{path.name}: {each.zh}", err=True)
    if rules is None:
        sys.exit(1)
    lines = sum(len(each) for each in rules.events.values())
    click.echo(f"{path.name} 没有问题：{len(rules.kinds)} 类通知，{lines} 条规则。")
