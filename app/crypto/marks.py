"""Marks: keyed hashes that tell the same content again, and from which nobody can guess what was sent."""

import hmac

from app.core.db import Session
from app.crypto import data_keys
from app.crypto.sm3 import hmac_sm3
from app.crypto.sm4 import DataKey, Unreadable


def mark(session: Session, purpose: str, fingerprint: str) -> str:
    """The key's number and a keyed hash: a plain one of a short request could be tried out."""
    return _mark(data_keys.system(session, purpose), fingerprint)


def same(session: Session, mark: str, fingerprint: str) -> bool:
    """Whether a mark was made of this fingerprint, whichever key made it."""
    try:
        key = data_keys.by_number(session, int(mark.partition(".")[0], 16))
    except (ValueError, Unreadable):
        return False
    return hmac.compare_digest(mark, _mark(key, fingerprint))


def _mark(key: DataKey, fingerprint: str) -> str:
    return f"{key.number:x}.{hmac_sm3(key.secret, b'fingerprint' + fingerprint.encode())[:24].hex()}"
