"""Accounts of residents: registering oneself, being entered by a worker, reading what is kept of oneself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from app.audit import streams
from app.audit.streams import Entry
from app.bundles.data_fields import DataField
from app.bundles.values import Wrong, reader
from app.core import clock, personal
from app.core.config import settings
from app.core.db import Session
from app.core.errors import Conflict, FieldError, Forbidden, TooMany, Unprocessable
from app.core.ids import new_id
from app.crypto.sm3 import sm3_hex
from app.identity import login, org, passwords, residents
from app.identity.actor import Actor
from app.identity.models import people, sign_in_failures
from app.identity.residents import RESIDENT, RealName

LEAST_PASSWORD = 10
MOST_FROM_ONE_ADDRESS = 5
"""Registrations that one address may try within a quarter of an hour."""
WINDOW = timedelta(minutes=15)

_NAME = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af·A-Za-z .]{2,40}")
_READERS = {
    "phone": reader(DataField("phone", "text", "手机号", format="phone")),
    "id_number": reader(DataField("id_number", "text", "证件号", format="idcard")),
}


class LoginTaken(Conflict):
    """这个账号名已经有人用了，请换一个。"""


class AlreadyRegistered(Conflict):
    """这个证件号已经注册过，请用原来的账号登录；忘记账号请到社区办理。"""


class RegistrationClosed(Forbidden):
    """现在不能自己注册，请到社区办理。"""

    slug_of_class = "registration-closed"


class RegisteredEnough(TooMany):
    """注册得太频繁，请过一会儿再试。"""

    slug_of_class = "registered-enough"


class PersonRefused(Unprocessable):
    """填写的个人信息有误，请按提示修改。"""


@dataclass(frozen=True)
class Registered:
    """A new account."""

    id: str
    login: str
    name: str


def count_attempt(session: Session, address: str) -> None:
    """One more registration from this address. Raises RegistrationClosed, RegisteredEnough.

    Production has no proof of a phone yet: there accounts are entered by workers, who see the person.
    """
    if settings().profile == "production":
        raise RegistrationClosed
    now = clock.wall()
    pair = sm3_hex(b"register\n", address.encode())
    tried = select(func.count()).where(
        sign_in_failures.c.pair == pair, sign_in_failures.c.failed_at > now - WINDOW
    )
    if (session.scalar(tried) or 0) >= MOST_FROM_ONE_ADDRESS:
        raise RegisteredEnough(headers={"Retry-After": str(int(WINDOW.total_seconds()))})
    session.execute(insert(sign_in_failures), {"id": new_id(), "pair": pair, "failed_at": now})


def new_account(
    session: Session, given: Mapping[str, Any], by: str | None, password_hash: str | None, now: datetime
) -> Registered:
    """An account with its sealed person. `by` is the worker who enters it; without one the person himself.

    Raises PersonRefused, LoginTaken, AlreadyRegistered.
    """
    real = checked(given, now)
    if org.person_by_login(session, given["login"]) is not None:
        raise LoginTaken(errors=[FieldError("/login", "login-taken", "这个账号名已经有人用了。")])
    if residents.with_id_number(session, real.id_number) is not None:
        raise AlreadyRegistered
    shown = personal.covered(given.get("name") or "") or real.covered["name"]
    account = Registered(new_id(), given["login"], shown)
    row = {"id": account.id, "login": account.login, "name": shown, "kind": RESIDENT, "state": "active"}
    try:
        session.execute(insert(people), {**row, "password_hash": password_hash})
        residents.keep(session, account.id, real, by or account.id, now)
    except IntegrityError as error:  # the same person, or the same name, a moment ago
        taken = "login" in str(error.orig)
        raise (LoginTaken if taken else AlreadyRegistered) from error
    kind = "resident.registered" if by is None else "resident.entered"
    streams.append(session, Entry(streams.ADMIN, kind, by or account.id, account.id, {}, now))
    return account


def checked(given: Mapping[str, Any], now: datetime) -> RealName:
    """Who somebody says he is, in normal form. Raises PersonRefused with a line for each wrong field."""
    errors: list[FieldError] = []
    found: dict[str, str] = {}
    for name, read in _READERS.items():
        try:
            found[name] = str(read(given[name], now))
        except Wrong as wrong:
            errors.append(FieldError(f"/{_CAMEL.get(name, name)}", wrong.code, wrong.zh))
    real = str(given["real_name"]).strip()
    if not _NAME.fullmatch(real):
        errors.append(FieldError("/realName", "name-invalid", "请填写证件上的姓名。"))
    if errors:
        raise PersonRefused(errors=errors)
    return RealName(real, found["phone"], found["id_number"])


_CAMEL = {"id_number": "idNumber"}


def password_hash(password: str) -> str:
    """The hash of a new password, made before a transaction begins. Raises PersonRefused."""
    if len(password) < LEAST_PASSWORD:
        zh = f"密码至少 {LEAST_PASSWORD} 个字符。"
        raise PersonRefused(errors=[FieldError("/password", "password-short", zh)])
    return passwords.hashed(password)


def profile(session: Session, actor: Actor) -> dict[str, Any]:
    """All that the house knows of oneself."""
    real = residents.real_name(session, actor.id)
    return {
        "login": actor.login,
        "name": actor.name,
        "realName": real.name if real else None,
        "phone": real.phone if real else None,
        "idNumber": real.id_number if real else None,
    }


def signed_in(session: Session, account: Registered) -> tuple[str, datetime]:
    """A token for who has just registered."""
    return login.token_for(session, account.id)
