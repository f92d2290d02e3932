"""`huying audit verify`: walks the audit chains and names the first wrong row of each."""

import sys

import click
from sqlalchemy import select

from app.audit.verify import Verified, verify, verify_streams
from app.cases.models import cases
from app.cases.secrets.proof import verify_secrets
from app.cli import reach
from app.clocks.proof import verify_ledger
from app.core.db import reading


@click.group()
def audit() -> None:
    """核对审计链。"""


@audit.command("verify")
@click.option("--case", "number", help="只核对这一件（办件编号）。")
def verify_chains(number: str | None) -> None:
    """核对办件链、时钟账目、加密内容和安全日志链；发现被改动、缺失或截断的记录时退出码为 1。"""
    reach.database()
    query = select(cases.c.id, cases.c.number, cases.c.audit_seq, cases.c.audit_head)
    if number is not None:
        query = query.where(cases.c.number == number)
    with reading(snapshot=True) as session:
        rows = session.execute(query).all()
        if number is not None and not rows:
            raise click.ClickException(f"没有编号为 {number} 的办件。")
        heads = {row.id: (row.audit_seq, bytes(row.audit_head)) for row in rows}
        found = verify(session, rows[0].id if number is not None else None, heads)
        names = {row.id: f"办件 {row.number}" for row in rows}
        wrong = _tell(f"办件 {len(rows)} 件", found, names)
        wrong += _tell("时钟账目", verify_ledger(session, rows[0].id if number is not None else None), names)
        wrong += _tell("加密内容", verify_secrets(session, rows[0].id if number is not None else None), names)
        if number is None:
            wrong += _tell("安全日志", verify_streams(session), {})
    if wrong:
        sys.exit(1)


def _tell(what: str, found: Verified, names: dict[str, str]) -> int:
    click.echo(f"{what}，审计记录 {found.rows} 条：{'有误' if found.faults else '完好'}。")
    for fault in found.faults:
        click.echo(f"  {names.get(fault.chain, fault.chain)} 第 {fault.seq} 条：{fault.reason}")
    return len(found.faults)
