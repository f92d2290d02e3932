"""`huying import work-orders FILE`: brings the orders of a file in, and says why which lines stayed out."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import reach
from app.core import db

if TYPE_CHECKING:
    from app.identity.actor import Actor
    from app.imports.files import Line
    from app.imports.work_orders import Report

MOST_TOLD = 20


@click.group("import")
def import_() -> None:
    """从文件导入。"""


@import_.command("work-orders")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "login", default="city", show_default=True, help="以哪个来单接口的名义登记。")
@click.option("--process", default="work_order_12345", show_default=True, help="登记到哪个流程。")
@click.option("--partial", is_flag=True, help="有不合格的行时，其余的照样登记。")
@click.option("--dry-run", is_flag=True, help="只检查，不登记。")
def work_orders(file: Path, login: str, process: str, partial: bool, dry_run: bool) -> None:
    """导入工单文件：每行一件的 JSON，或第一行是列名的 CSV（UTF-8 或 GBK，最多 20 MB）。

    按工单编号认是否登记过：中断了再运行一次，不会丢，也不会重复。有不合格的行就一件也不登记，
    除非写 --partial；不合格的行列在 FILE 旁边的 .refused.csv 里。
    """
    from app import wire
    from app.imports import files, work_orders

    opened = files.open_file(file)
    for note in opened.notes:
        click.echo(note)
    lines = list(files.lines(opened))
    reach.database()
    wire()
    actor = service(login)
    if not partial or dry_run:
        with _going(lines, "检查") as going:
            report = work_orders.check(actor, process, going)
        if dry_run or report.refused:
            _tell(report, file, _verdict(report, dry_run))
            return
    with _going(lines, "登记") as going:
        report = work_orders.bring(actor, process, going)
    _tell(
        report,
        file,
        f"登记 {report.filed} 件，以前登记过 {report.already} 件，不合格 {report.bad_lines} 行。",
    )


def service(login: str) -> "Actor":
    """The service account whose source the orders get. Raises click.ClickException."""
    from app.identity import login as accounts
    from app.identity import org

    with db.reading() as session:
        person = org.person_by_login(session, login)
        actor = accounts.actor_by_id(session, person.id) if person is not None else None
    if actor is None or actor.kind != "service":
        raise click.ClickException(f"没有叫“{login}”的来单接口账号（机构文件里 kind: service 的）。")
    return actor


def _verdict(report: "Report", dry_run: bool) -> str:
    if not report.refused:
        return f"全部合格：可登记 {report.good} 件，以前登记过 {report.already} 件。这是预演，没有登记。"
    found = f"不合格 {report.bad_lines} 行，合格 {report.good} 件，以前登记过 {report.already} 件"
    if dry_run:
        return f"{found}。这是预演，没有登记。"
    return f"{found}。一件也没有登记：请改好再来，或加上 --partial 先登记合格的。"


def _tell(report: "Report", file: Path, verdict: str) -> None:
    from app.imports.work_orders import rows

    beside = file.with_name(f"{file.stem}.refused.csv")
    for each in report.refused[:MOST_TOLD]:
        place = f"{each.field}：" if each.field else ""
        click.echo(f"第 {each.line} 行（{each.external_no or '没有编号'}）{place}{each.reason}")
    if report.refused:
        with beside.open("w", encoding="utf-8-sig", newline="") as out:
            csv.writer(out).writerows(rows(report))
        more = len(report.refused) - MOST_TOLD
        click.echo(f"{f'还有 {more} 条；' if more > 0 else ''}全部原因见 {beside}")
    else:
        beside.unlink(missing_ok=True)  # of an earlier run; it no longer holds
    if report.left_out:
        click.echo(f"这些列流程里没有地方放，没有导入：{'、'.join(_headers(report.left_out))}。")
    if report.stopped:
        click.echo(report.stopped, err=True)
    click.echo(verdict)
    if report.refused or report.stopped:
        sys.exit(1)


def _headers(names: set[str]) -> list[str]:
    from app.exchange.work_orders import HEADERS

    return [HEADERS.get(name, name)[:40] for name in sorted(names)][:30]


@contextmanager
def _going(lines: "list[Line]", word: str) -> Iterator["Iterator[Line] | list[Line]"]:
    """The lines, with a bar on a terminal and nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lines
        return
    with click.progressbar(lines, label=word, file=sys.stderr, show_pos=True) as bar:
        yield iter(bar)
