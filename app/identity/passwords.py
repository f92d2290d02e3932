"""Passwords: argon2id, cheap enough for nine o'clock, and never more than two hashes at a time."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import Unavailable

# The usual 64 MiB and three passes cost 122 ms: 8,000 people at nine o'clock would wait eight minutes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_AT_ONCE = 2
_PATIENCE = 1.0
_places = BoundedSemaphore(_AT_ONCE)


def hashed(password: str) -> str:
    """The argon2id hash to store. Raises Unavailable (503) when two are at work and none ends soon."""
    with _a_place():
        return _HASHER.hash(_plain(password))


def matches(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one; takes as long for nobody (`stored` is None) as for somebody."""
    with _a_place():
        try:
            _HASHER.verify(stored or _nobody(), _plain(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


@contextmanager
def _a_place() -> Iterator[None]:
    if not _places.acquire(timeout=_PATIENCE):
        raise Unavailable("登录的人较多，请稍后再试。", headers={"Retry-After": "2"})
    try:
        yield
    finally:
        _places.release()


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")


def _plain(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()
