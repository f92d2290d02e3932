"""The sidecar: every secret value a case was ever given, sealed; found again by blind index."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    or_,
    select,
)

from app.core.db import Id, Session, metadata
from app.crypto import blind, data_keys
from app.crypto.data_keys import INDEX, WRAPPED
from app.crypto.sealed import BlindIndex, Place, SealedBytes

# One row a value. Rows are added, never changed: the newest of a name is what it holds now.
case_secrets = Table(
    "case_secrets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("name", String(60), nullable=False),  # a declared name, or where a text stood: title, opinion …
    Column("origin", Id),  # the task or note it came with; none for a filing or a message
    Column("seq", Integer, nullable=False),  # the row of the case's chain that it was told in
    Column("key_id", BigInteger, ForeignKey("data_keys.id"), nullable=False),
    Column("sealed", SealedBytes),  # JSON; none where a name was emptied
    Column("blind", BlindIndex),  # of the whole value: only of numbers that people are found by
    Column("coarse", BlindIndex),  # of its last four digits
    Index("ix_case_secrets_case", "case_id", "seq", "id"),
    Index("ix_case_secrets_blind", "name", "blind"),
    Index("ix_case_secrets_coarse", "name", "coarse"),
)

OF_CASE = (
    select(
        case_secrets.c.id.label("row_id"),
        case_secrets.c.name,
        case_secrets.c.origin,
        case_secrets.c.sealed,
        *WRAPPED,
    )
    .join(data_keys.data_keys, data_keys.data_keys.c.id == case_secrets.c.key_id)
    .where(case_secrets.c.case_id == bindparam("case"))
    .order_by(case_secrets.c.seq, case_secrets.c.id)
)
"""Everything sealed of a case with what its keys need, oldest first."""


def place(row_id: str) -> Place:
    return Place("case_secrets", "sealed", row_id)


def cases_with(session: Session, name: str, value: str) -> Select[Any]:
    """The ids of cases that were ever given this number under a secret name; four digits find by the last
    four. Not scoped: whoever asks joins it to what an actor may see.
    """
    key = data_keys.active(session, data_keys.SYSTEM, INDEX)
    found = select(case_secrets.c.case_id).where(case_secrets.c.name == name)
    if key is None:  # no number was ever sealed
        return found.where(case_secrets.c.case_id.is_(None))
    either = case_secrets.c.blind == blind.exact(key, name, value)
    if len(blind.normal(value)) == blind.LAST:
        either = or_(either, case_secrets.c.coarse == blind.coarse(key, name, value))
    return found.where(either)
