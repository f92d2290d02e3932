"""Residents' accounts: a person of the kind `resident`; real name, phone and identity number are sealed.

`people.name` holds what everybody may read: a name the resident chose, else the covered real name.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, bindparam, insert, or_, select

from app.core import personal
from app.core.db import Id, Instant, Session, metadata
from app.crypto import blind, data_keys, sm4
from app.crypto.data_keys import INDEX
from app.crypto.sealed import BlindIndex, Place, Sealed, SealedBytes, open_, seal_with
from app.crypto.sm4 import DataKey

RESIDENT = "resident"
"""The kind of such an account in `people`."""
PHONE, ID_NUMBER = "resident.phone", "resident.id_number"
"""The columns of the blind indexes."""

residents = Table(
    "residents",
    metadata,
    Column("person_id", Id, ForeignKey("people.id", name="fk_residents_person"), primary_key=True),
    Column("key_id", BigInteger, ForeignKey("data_keys.id", name="fk_residents_key"), nullable=False),
    Column("sealed", SealedBytes),  # JSON: name, phone, id_number; none once the key is destroyed
    Column("phone", BlindIndex),
    Column("phone_last", BlindIndex),  # of the last four digits
    Column("id_number", BlindIndex),
    Column("registered_at", Instant, nullable=False),
    Column("registered_by", String(60), nullable=False),  # the person, or the worker who entered the account
    Index("ix_residents_phone", "phone"),
    Index("ix_residents_phone_last", "phone_last"),
    Index("uq_residents_id_number", "id_number", unique=True),  # one person, one account
)

_SEALED = select(residents.c.sealed).where(residents.c.person_id == bindparam("person"))


@dataclass(frozen=True)
class RealName:
    """Who somebody is. Its text shows nothing of it."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    id_number: str = field(repr=False)

    @property
    def covered(self) -> dict[str, str]:
        """As others may see it."""
        return {
            "name": personal.cover_name(self.name),
            "phone": personal.cover_phone(self.phone),
            "id_number": personal.cover_idcard(self.id_number),
        }


def keep(session: Session, person_id: str, real: RealName, by: str, now: datetime) -> None:
    """Seals who somebody is, beside a new account. Raises IntegrityError for a number that has one."""
    key, index = key_of(session, person_id), data_keys.system(session, INDEX)
    value = orjson.dumps({"name": real.name, "phone": real.phone, "id_number": real.id_number})
    row = {
        "person_id": person_id,
        "key_id": key.number,
        "sealed": seal_with(key, _place(person_id), value),
        "phone": blind.exact(index, PHONE, real.phone),
        "phone_last": blind.coarse(index, PHONE, real.phone),
        "id_number": blind.exact(index, ID_NUMBER, real.id_number),
        "registered_at": now,
        "registered_by": by,
    }
    session.execute(insert(residents), row)


def real_name(session: Session, person_id: str) -> RealName | None:
    """Who somebody is; None for an account without. Raises Unreadable, KeyDestroyed."""
    sealed: Sealed | None = session.scalar(_SEALED, {"person": person_id})
    if sealed is None:
        return None
    return RealName(**orjson.loads(open_(session, _place(person_id), sealed)))


def opened(key: DataKey, person_id: str, sealed: Sealed) -> RealName:
    """The same from a row at hand, with its key. Raises Unreadable."""
    return RealName(**orjson.loads(sm4.open_(key, _place(person_id), sealed.data)))


def with_id_number(session: Session, number: str) -> str | None:
    """The account that somebody with this identity number has."""
    index = data_keys.active(session, data_keys.SYSTEM, INDEX)
    if index is None:  # no number was ever sealed
        return None
    found = select(residents.c.person_id).where(
        residents.c.id_number == blind.exact(index, ID_NUMBER, number)
    )
    return session.scalar(found)  # type: ignore[no-any-return]


def with_phone(session: Session, phone: str) -> Any:
    """The condition that finds residents by their phone; four digits find by the last four."""
    index = data_keys.active(session, data_keys.SYSTEM, INDEX)
    if index is None:
        return residents.c.person_id.is_(None)
    found = residents.c.phone == blind.exact(index, PHONE, phone)
    if len(blind.normal(phone)) == blind.LAST:
        return or_(found, residents.c.phone_last == blind.coarse(index, PHONE, phone))
    return found


def key_of(session: Session, person_id: str) -> DataKey:
    """The data key of a person, made when there is none."""
    return data_keys.of(session, f"person:{person_id}")


def _place(person_id: str) -> Place:
    return Place("residents", "sealed", person_id)
