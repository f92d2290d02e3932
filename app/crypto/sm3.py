"""SM3, the national hash (GB/T 32905), by OpenSSL: through hashlib where it can, else cryptography."""

import hashlib
import hmac as _hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

_IN_HASHLIB = "sm3" in hashlib.algorithms_available  # a distribution may build OpenSSL without it


def sm3(*parts: bytes) -> bytes:
    """The 32-byte SM3 of the parts laid end to end.

    The parts are not delimited: who hashes several values of free length must mark their ends.
    """
    if _IN_HASHLIB:
        digest = hashlib.new("sm3")
        for part in parts:
            digest.update(part)
        return digest.digest()
    return _with_cryptography(parts)


def sm3_hex(*parts: bytes) -> str:
    """The same as 64 lower-case hexadecimal digits."""
    return sm3(*parts).hex()


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """HMAC with SM3 (GB/T 15852.2), 32 bytes."""
    if _IN_HASHLIB:
        return _hmac.digest(key, message, "sm3")
    mac = HMAC(key, hashes.SM3())
    mac.update(message)
    return mac.finalize()


def _with_cryptography(parts: tuple[bytes, ...]) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()
