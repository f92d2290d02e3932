"""The residents of the demo, from the organisation's file: accounts with approved memberships."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert, select, update

from app.core import clock, ids
from app.core.config import settings
from app.core.db import Session
from app.identity import passwords, residents
from app.identity.actor import SYSTEM
from app.identity.memberships import APPROVED, memberships
from app.identity.models import people
from app.identity.org_file import ResidentLine
from app.identity.residents import RESIDENT, RealName


def load(
    session: Session, lines: Iterable[ResidentLine], unit_ids: Mapping[str, tuple[str, str]], whole: bool
) -> None:
    """Makes each an account and a member of its communities, once. Memberships that ended stay ended.

    `whole` also sets their passwords, and seals who they are where there is a keyring.
    """
    query = select(people.c.login, people.c.id, people.c.password_hash).where(people.c.kind == RESIDENT)
    known = {row.login: row for row in session.execute(query)}
    for line in lines:
        row = known.get(line.login)
        values: dict[str, Any] = {"name": line.name, "kind": RESIDENT}
        if whole and line.password is not None:
            old = row.password_hash if row is not None else None
            if old is None or not passwords.matches(line.password, old):
                values["password_hash"] = passwords.hashed(line.password)
        person_id = row.id if row is not None else ids.new_id()
        if row is None:
            account = {"id": person_id, "login": line.login, "state": "active", **values}
            session.execute(insert(people), account)
        else:
            session.execute(update(people).where(people.c.id == person_id).values(**values))
        _join(session, person_id, [unit_ids[code] for code in line.communities])
        sealing = whole and settings().keys is not None
        if sealing and line.real is not None and residents.real_name(session, person_id) is None:
            real = RealName(line.real["real_name"], line.real["phone"], line.real["id_number"])
            residents.keep(session, person_id, real, SYSTEM.id, clock.wall())


def _join(session: Session, person_id: str, communities: Iterable[tuple[str, str]]) -> None:
    """Members since ever: a demo clock may stand before the day on which the file was loaded."""
    m = memberships.c
    there = set(session.execute(select(m.unit_id).where(m.person_id == person_id)).scalars())
    rows = [
        {
            "id": ids.new_id(),
            "person_id": person_id,
            "unit_id": unit_id,
            "unit_path": path,
            "state": APPROVED,
            "applied_at": clock.wall(),
            "applied_by": SYSTEM.id,
            "decided_at": clock.wall(),
            "decided_by": SYSTEM.id,
            "revision": 1,
        }
        for unit_id, path in communities
        if unit_id not in there
    ]
    if rows:
        session.execute(insert(memberships), rows)
