"""Columns of sealed values: what goes in was sealed for its place, what comes out opens there only."""

from dataclasses import dataclass

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from app.core.db import Session
from app.crypto import data_keys, sm4
from app.crypto.sm4 import DataKey, Place

__all__ = ["BlindIndex", "Place", "Sealed", "SealedBytes", "open_", "seal", "seal_with"]


@dataclass(frozen=True)
class Sealed:
    """A sealed value. Its text never shows more than its length."""

    data: bytes

    def __repr__(self) -> str:
        return f"<sealed, {len(self.data)} bytes>"


def seal(session: Session, purpose: str, place: Place, value: bytes) -> Sealed:
    """Sealed with the system key of a purpose (data_keys.ANSWERS, INBOUND)."""
    return seal_with(data_keys.system(session, purpose), place, value)


def seal_with(key: DataKey, place: Place, value: bytes) -> Sealed:
    return Sealed(sm4.seal(key, place, value))


def open_(session: Session, place: Place, sealed: Sealed) -> bytes:
    """The value again, whichever key it was sealed with. Raises Unreadable, KeyDestroyed."""
    key = data_keys.by_number(session, sm4.key_number(sealed.data))
    return sm4.open_(key, place, sealed.data)


class SealedBytes(TypeDecorator[Sealed]):
    """Takes `Sealed` and nothing else: a plain value in such a column is a mistake of ours, not a leak."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError("a sealed column takes sealed values only")
        return value.data

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))


class BlindIndex(TypeDecorator[bytes]):
    """Sixteen bytes of a keyed hash: equal values are equal, and nothing else can be asked."""

    impl = LargeBinary(16)
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is not None and (not isinstance(value, bytes) or len(value) != 16):
            raise TypeError("a blind index has sixteen bytes")
        return value

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(value)
