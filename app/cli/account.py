"""`huying account …`: tokens of service accounts, for the systems that send us messages."""

from collections.abc import Mapping
from typing import Any

import click
from sqlalchemy import delete

from app.audit import streams
from app.audit.streams import Entry
from app.cli import reach
from app.core import clock, db
from app.core.db import Session
from app.identity import login as signing
from app.identity import org
from app.identity.actor import SYSTEM
from app.identity.models import tokens
from app.identity.org import Person

LONGEST_DAYS = 366


@click.group()
def account() -> None:
    """服务账号的令牌：签发、收回。"""


@account.command()
@click.argument("login")
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, LONGEST_DAYS), help="有效几天，最多一年。"
)
def token(login: str, days: int) -> None:
    """给服务账号 LOGIN 签发一个令牌，只显示这一次。

    旧令牌照常有效，对方换好以后可以全部收回再签发一次。
    """
    reach.database()
    with db.transaction() as session:
        person = _service(session, login)
        made, until = signing.token_for(session, person.id, days * 24)
        _told(session, "token.issued", person, {"days": days})
    click.echo(made)
    click.echo(f"{login} 的令牌，有效到 {until:%Y-%m-%d}；请交给对方保管，这里不再显示。", err=True)


@account.command()
@click.argument("login")
def revoke(login: str) -> None:
    """收回服务账号 LOGIN 的全部令牌，立即生效。"""
    reach.database()
    with db.transaction() as session:
        person = _service(session, login)
        gone = session.execute(delete(tokens).where(tokens.c.person_id == person.id)).rowcount
        _told(session, "token.revoked", person, {"tokens": gone})
    click.echo(f"{login} 的 {gone} 个令牌已收回。")


def _service(session: Session, login: str) -> Person:
    person = org.person_by_login(session, login)
    if person is None or person.kind != "service":
        raise click.ClickException(f"没有服务账号 {login}。")
    return person


def _told(session: Session, kind: str, person: Person, data: Mapping[str, Any]) -> None:
    streams.append(session, Entry(streams.ADMIN, kind, SYSTEM.id, person.id, data, clock.now(session)))
