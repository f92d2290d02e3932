"""The chain of a case: each row's hash covers the one before, so a changed or missing row shows."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from app.core.db import Id, Instant, metadata
from app.crypto.sm3 import sm3

FORMAT = 1
GENESIS = b"\x00" * 32
"""What stands before the first row of a chain."""

_DOMAIN = b"huying-audit-1"
_NOT_HASHED = ("prev", "hash")

case_chain = Table(
    "case_chain",
    metadata,
    Column("case_id", Id),
    Column("seq", Integer),
    Column("at", Instant, nullable=False),
    Column("actor_id", String(60), nullable=False),
    Column("command", String(60), nullable=False),
    Column("events", Text, nullable=False),
    Column("ledger_hash", String(64), nullable=False),
    Column("prev", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("case_id", "seq", name="pk_case_chain"),
)


def link(prev: bytes, row: Mapping[str, Any]) -> bytes:
    """The hash of a row in its chain: SM3("huying-audit-1" ‖ prev ‖ canonical(row)), 32 bytes."""
    return sm3(_DOMAIN, prev, canonical(row))


def canonical(row: Mapping[str, Any]) -> bytes:
    """A row as bytes that mean the same everywhere: sorted keys, UTF-8, NFC, integers, UTC milliseconds.

    `prev` and `hash` do not belong to it. Raises TypeError for a float: its digits differ by machine.
    """
    content = {str(name): _plain(value) for name, value in row.items() if name not in _NOT_HASHED}
    return orjson.dumps({**content, "format": FORMAT}, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, datetime):
        return milliseconds(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {unicodedata.normalize("NFC", str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 in UTC, cut off; databases may keep more digits than we hash."""
    step = moment.astimezone(UTC) - _EPOCH
    return step.days * 86_400_000 + step.seconds * 1000 + step.microseconds // 1000


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
