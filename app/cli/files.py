"""`huying files verify`: reads every attachment and compares it with the SM3 that its row keeps."""

import sys

import click
from sqlalchemy import select

from app.cases.attachments import shelf
from app.cases.attachments.errors import AttachmentDamaged
from app.cases.attachments.models import attachments
from app.cases.models import cases
from app.cli import reach
from app.core.config import settings
from app.core.db import reading


@click.group()
def files() -> None:
    """核对附件的内容。"""


@files.command("verify")
def verify_files() -> None:
    """逐个核对附件的 SM3；有损坏或丢失时列出办件编号，退出码为 1。恢复备份之后请运行一次。"""
    reach.database()
    if settings().files is None:
        raise click.ClickException("没有设 HUYING_FILES，不知道附件存放在哪里。")
    query = (
        select(attachments, cases.c.number)
        .join(cases, cases.c.id == attachments.c.case_id)
        .where(attachments.c.state == "kept")
        .order_by(attachments.c.id)
    )
    count, wrong = 0, []
    with reading(snapshot=True) as session:
        for row in session.execute(query.execution_options(yield_per=1000)).mappings():
            count += 1
            try:
                shelf.opened(row["stored"], row["size"], row["sm3"]).close()
            except AttachmentDamaged:
                wrong.append(f"  办件 {row['number']} 的附件 {row['id']}")
    click.echo(f"附件 {count} 个：{f'{len(wrong)} 个损坏或丢失。' if wrong else '完好。'}")
    for line in wrong:
        click.echo(line)
    if wrong:
        sys.exit(1)
