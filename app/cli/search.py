"""`huying search rebuild`: writes the words of all cases anew, in small transactions, beside the work."""

import click

from app.cli import reach
from app.core import db

BATCH = 500


@click.group()
def search() -> None:
    """办件的全文检索。"""


@search.command()
def rebuild() -> None:
    """重建全部办件的检索词；升级之后运行一次，可以随时重复，不影响办件。"""
    from app.cases.search import index

    reach.database()
    done, after = 0, ""
    while True:
        with db.transaction() as session:
            count, after = index.rebuild(session, after, BATCH)
        if not count:
            break
        done += count
    click.echo(f"已重建 {done} 件办件的检索词。")
