"""Data keys: one row each, wrapped by a key of the keyring; unwrapped ones live five minutes at most."""

import secrets
import threading
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    select,
)

from app.core import clock, db, dialects
from app.core.db import Instant, Session, metadata
from app.crypto import keyring, sm4
from app.crypto.sm4 import DataKey, Place, Unreadable

UNWRAPPED_SECONDS = 300.0
LONGEST_REQUEST = 10.0
"""Seconds that a key must still be good for when a request begins."""

SYSTEM = "system"
"""The subject of keys that belong to no case and no person."""
ANSWERS = "answers"
"""Purpose: bodies kept for repeated requests."""
INBOUND = "inbound"
"""Purpose: raw bodies that others sent."""
OUTBOX = "outbox"
"""Purpose: bodies of messages that leave."""
INDEX = "index"
"""Purpose: blind indexes."""
FIELDS = "fields"
"""Purpose: secret fields; its subject is a case (`case:<id>`)."""

PURPOSES = {
    ANSWERS: "重复请求的回答",
    INBOUND: "收到的原文",
    OUTBOX: "要发出的消息",
    INDEX: "盲索引",
    FIELDS: "办件的加密内容",
}
STATES = {"active": "使用中", "retired": "只用于打开旧的", "destroyed": "已销毁"}

data_keys = Table(
    "data_keys",
    metadata,
    # A number, for it stands in every sealed value; 32 bits of it are used.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("subject", String(60), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("kek_id", String(20), nullable=False),
    Column("wrapped", LargeBinary),  # none once destroyed
    Column("state", String(10), nullable=False),  # active | retired | destroyed
    Column("made_at", Instant, nullable=False),
    UniqueConstraint("subject", "purpose", "generation", name="uq_data_keys_subject"),
    sqlite_autoincrement=True,  # a number is never given twice
)

WRAPPED = (
    data_keys.c.id,
    data_keys.c.subject,
    data_keys.c.purpose,
    data_keys.c.generation,
    data_keys.c.kek_id,
    data_keys.c.wrapped,
)
"""What `unwrap` needs of a row; others join it to what they read."""

_ACTIVE = (
    select(*WRAPPED)
    .where(
        data_keys.c.subject == bindparam("subject"),
        data_keys.c.purpose == bindparam("purpose"),
        data_keys.c.state == "active",
    )
    .order_by(data_keys.c.generation.desc())
    .limit(1)
)
KEKS = (
    select(data_keys.c.kek_id, func.count().label("keys"))
    .where(data_keys.c.state != "destroyed")
    .group_by(data_keys.c.kek_id)
)
"""Which KEKs the database needs, and for how many keys."""
KINDS = (
    select(data_keys.c.purpose, data_keys.c.state, func.count().label("keys"))
    .group_by(data_keys.c.purpose, data_keys.c.state)
    .order_by(data_keys.c.purpose, data_keys.c.state)
)
_BY_NUMBER = select(*WRAPPED).where(data_keys.c.id == bindparam("number"))


class KeyDestroyed(Unreadable):
    """加密这项内容的密钥已按申请销毁，内容不可恢复。"""


class _Remembered:
    """The system keys of one database, unwrapped, by number and by purpose; forgotten in time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear(None)

    def clear(self, owner: object) -> None:
        self.owner = owner
        self.until: dict[int, float] = {}
        self.keys: dict[int, DataKey] = {}
        self.active: dict[str, DataKey] = {}

    def by_purpose(self, purpose: str, seconds: float = 0.0) -> DataKey | None:
        """The active key, if it may still be used for so long."""
        with self.lock:
            self._age(seconds)
            return self.active.get(purpose)

    def by_number(self, number: int) -> DataKey | None:
        with self.lock:
            self._age(0.0)
            return self.keys.get(number)

    def add(self, purpose: str, key: DataKey) -> None:
        with self.lock:
            self._age(0.0)
            self.until[key.number] = clock.monotonic() + UNWRAPPED_SECONDS
            self.keys[key.number] = self.active[purpose] = key

    def _age(self, seconds: float) -> None:
        owner, now = db.current(), clock.monotonic()
        if owner is not self.owner:
            self.clear(owner)
        for number in [number for number, until in self.until.items() if until <= now + seconds]:
            key = self.keys.pop(number)
            del self.until[number]
            self.active = {purpose: other for purpose, other in self.active.items() if other is not key}


_remembered = _Remembered()


def forget() -> None:
    """Forgets every unwrapped key of this process."""
    _remembered.clear(None)


def system(session: Session, purpose: str) -> DataKey:
    """The active system key of a purpose, made when there is none. No statement while it is remembered."""
    known = _remembered.by_purpose(purpose)
    if known is not None:
        return known
    found = active(session, SYSTEM, purpose)
    if found is not None:
        _remembered.add(purpose, found)
        return found
    made = make(session, SYSTEM, purpose)
    session.after_commit(lambda: _remembered.add(purpose, made))  # it may still be rolled back
    return made


def warm(*purposes: str) -> None:
    """Before a transaction begins: its system keys are at hand and cost no statement there."""
    for purpose in purposes:
        if _remembered.by_purpose(purpose, LONGEST_REQUEST) is None:
            with db.reading() as session:
                key = active(session, SYSTEM, purpose)
            if key is not None:
                _remembered.add(purpose, key)
            else:
                with db.transaction() as session:
                    system(session, purpose)


def of(session: Session, subject: str, purpose: str = FIELDS) -> DataKey:
    """The active key of a subject, made when there is none. One statement, two for a new one."""
    return active(session, subject, purpose) or make(session, subject, purpose)


def active(session: Session, subject: str, purpose: str) -> DataKey | None:
    row = session.execute(_ACTIVE, {"subject": subject, "purpose": purpose}).one_or_none()
    return unwrap(row) if row is not None else None


def make(session: Session, subject: str, purpose: str, generation: int = 1) -> DataKey:
    """A new key; of two that are made at once, both get the one that was first."""
    kek_id, kek = keyring.current().wrapping()
    secret = secrets.token_bytes(16)
    row = {
        "subject": subject,
        "purpose": purpose,
        "generation": generation,
        "kek_id": kek_id,
        "wrapped": sm4.seal(kek, _place(subject, purpose, generation), secret),
        "state": "active",
        "made_at": clock.wall(),
    }
    number = session.scalar(_insert(session.dialect), row)
    if number is not None:
        return DataKey(number, secret)
    first = active(session, subject, purpose)
    assert first is not None, f"a key of {subject} was retired while another was made"
    return first


@cache
def _insert(dialect: str) -> Any:
    return dialects.insert_ignore(dialect, data_keys).returning(data_keys.c.id)


def by_number(session: Session, number: int) -> DataKey:
    """The key that a sealed value names. Raises KeyDestroyed, Unreadable, KekMissing."""
    known = _remembered.by_number(number)
    if known is not None:
        return known
    row = session.execute(_BY_NUMBER, {"number": number}).one_or_none()
    if row is None:
        raise Unreadable
    return unwrap(row)


def unwrap(row: Any) -> DataKey:
    """The key of a row that holds the columns WRAPPED. Raises KeyDestroyed, Unreadable, KekMissing."""
    known = _remembered.by_number(row.id)
    if known is not None:
        return known
    if row.wrapped is None:
        raise KeyDestroyed
    kek = keyring.current().key(row.kek_id)
    return DataKey(
        row.id, sm4.open_(kek, _place(row.subject, row.purpose, row.generation), bytes(row.wrapped))
    )


def wrapped_by(row: Any, kek: DataKey) -> bytes:
    """The key of a row, wrapped by another KEK."""
    return sm4.seal(kek, _place(row.subject, row.purpose, row.generation), unwrap(row).secret)


def _place(subject: str, purpose: str, generation: int) -> Place:
    return Place("data_keys", "wrapped", f"{subject}/{purpose}/{generation}")
