"""Blind indexes: finding equal secret values without opening one.

Whoever holds the index key can try every phone number, and equal values show as equal: it hides no more.
"""

import re
import unicodedata

from app.crypto.sm3 import hmac_sm3
from app.crypto.sm4 import DataKey

SIZE = 16
LAST = 4


def exact(key: DataKey, column: str, value: str) -> bytes:
    """The index of a whole value, however it was typed."""
    return _index(key, b"exact", column, normal(value))


def coarse(key: DataKey, column: str, value: str) -> bytes | None:
    """The index of the last four digits; None for a value with fewer."""
    last = normal(value)[-LAST:]
    return _index(key, b"last", column, last) if len(last) == LAST else None


def normal(value: str) -> str:
    """A number as it is compared: half-width, upper case, without spaces, hyphens and +86."""
    text = unicodedata.normalize("NFKC", value).strip().upper()
    return re.sub(r"[\s\-()]", "", text).removeprefix("+86")


def _index(key: DataKey, kind: bytes, column: str, value: str) -> bytes:
    return hmac_sm3(key.secret, kind + b"\x00" + column.encode() + b"\x00" + value.encode())[:SIZE]
