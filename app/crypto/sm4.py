"""SM4, the national block cipher (GB/T 32907): two back ends, and the bytes of a sealed value.

    0x01 | key number (4) | iv (12) | ciphertext | tag (16)       SM4-GCM
    0x02 | key number (4) | iv (16) | ciphertext | mac (32)       SM4-CBC, then HMAC-SM3 over all before it

Both bind the value to its place: a value moved to another row, column or table does not open.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.core.config import settings
from app.crypto.sm3 import hmac_sm3

GCM = 0x01
CBC = 0x02
BLOCK = 16
_TAG = 16
_IV = {GCM: 12, CBC: 16}
_END = {GCM: 16, CBC: 32}


class Unreadable(Exception):
    """密文打不开：内容、位置被改动过，或密钥不对。"""


@dataclass(frozen=True)
class DataKey:
    """128 bits with the number by which sealed values name them."""

    number: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Place:
    """Where a sealed value lies. Table and column are names of ours, the row is its primary key as text."""

    table: str
    column: str
    row: str

    def bound(self, key_number: int) -> bytes:
        """What the seal covers beside the value: table|column|row id|key number."""
        return f"{self.table}|{self.column}|{self.row}|{key_number:08x}".encode()


class Sm4Provider(Protocol):
    """A back end. A cryptographic device would be a third one."""

    name: str
    seals: int
    """The format in which this back end seals new values."""

    def cbc(self, key: bytes, iv: bytes, plain: bytes) -> bytes: ...
    def cbc_back(self, key: bytes, iv: bytes, sealed: bytes) -> bytes: ...


class OpenSsl:
    """OpenSSL by way of `cryptography`: the fast one, and the only one with GCM."""

    name = "openssl"
    seals = GCM

    def gcm(self, key: bytes, iv: bytes, plain: bytes, bound: bytes) -> bytes:
        sealing: Any = Cipher(algorithms.SM4(key), modes.GCM(iv)).encryptor()
        sealing.authenticate_additional_data(bound)
        return bytes(sealing.update(plain) + sealing.finalize() + sealing.tag)

    def gcm_back(self, key: bytes, iv: bytes, sealed: bytes, bound: bytes) -> bytes:
        """Raises InvalidTag."""
        opening: Any = Cipher(algorithms.SM4(key), modes.GCM(iv, sealed[-_TAG:])).decryptor()
        opening.authenticate_additional_data(bound)
        return bytes(opening.update(sealed[:-_TAG]) + opening.finalize())

    def cbc(self, key: bytes, iv: bytes, plain: bytes) -> bytes:
        fill = BLOCK - len(plain) % BLOCK
        sealing = Cipher(algorithms.SM4(key), modes.CBC(iv)).encryptor()
        return sealing.update(plain + bytes([fill]) * fill) + sealing.finalize()

    def cbc_back(self, key: bytes, iv: bytes, sealed: bytes) -> bytes:
        opening = Cipher(algorithms.SM4(key), modes.CBC(iv)).decryptor()
        padded = opening.update(sealed) + opening.finalize()
        return padded[: -padded[-1]]


class GmSsl:
    """The pure-Python package gmssl: the same algorithm, many times slower, without GCM.

    Only its block cipher is used. Its random numbers come from `random.choice`; ours from `secrets`.
    """

    name = "gmssl"
    seals = CBC

    def cbc(self, key: bytes, iv: bytes, plain: bytes) -> bytes:
        return bytes(_gmssl(key, encrypting=True).crypt_cbc(iv, plain))

    def cbc_back(self, key: bytes, iv: bytes, sealed: bytes) -> bytes:
        return bytes(_gmssl(key, encrypting=False).crypt_cbc(iv, sealed))


def _gmssl(key: bytes, *, encrypting: bool) -> Any:
    from gmssl import sm4  # imported when asked for: most sites never seal with it

    cipher = sm4.CryptSM4()
    cipher.set_key(key, sm4.SM4_ENCRYPT if encrypting else sm4.SM4_DECRYPT)
    return cipher


OPENSSL = OpenSsl()
GMSSL = GmSsl()
PROVIDERS: dict[str, Sm4Provider] = {"openssl": OPENSSL, "gmssl": GMSSL}


def provider() -> Sm4Provider:
    """The back end that HUYING_SM4 names."""
    return PROVIDERS[settings().sm4]


def seal(key: DataKey, place: Place, plain: bytes, by: Sm4Provider | None = None) -> bytes:
    """The value sealed for this place, with a random iv."""
    by = by or provider()
    head = bytes([by.seals]) + key.number.to_bytes(4, "big")
    iv = secrets.token_bytes(_IV[by.seals])
    bound = place.bound(key.number)
    if by.seals == GCM:
        return head + iv + OPENSSL.gcm(key.secret, iv, plain, bound)
    sealing, checking = _two_keys(key.secret)
    body = head + iv + by.cbc(sealing, iv, plain)
    return body + _mac(checking, bound, body)


def open_(key: DataKey, place: Place, sealed: bytes, by: Sm4Provider | None = None) -> bytes:
    """The value again. Raises Unreadable when it, its place or its key is not the one of the sealing."""
    if key_number(sealed) != key.number:
        raise Unreadable
    form, start = sealed[0], 5 + _IV[sealed[0]]
    iv, bound = sealed[5:start], place.bound(key.number)
    if form == GCM:
        try:
            return OPENSSL.gcm_back(key.secret, iv, sealed[start:], bound)
        except InvalidTag:
            raise Unreadable from None
    body, mac = sealed[: -_END[CBC]], sealed[-_END[CBC] :]
    sealing, checking = _two_keys(key.secret)
    if not hmac.compare_digest(mac, _mac(checking, bound, body)):
        raise Unreadable
    return (by or provider()).cbc_back(sealing, iv, body[start:])


def key_number(sealed: bytes) -> int:
    """Which key a value was sealed with. Raises Unreadable for bytes that no seal made."""
    form = sealed[0] if sealed else 0
    if form not in _IV or len(sealed) < 5 + _IV[form] + _END[form]:
        raise Unreadable
    return int.from_bytes(sealed[1:5], "big")


def _mac(key: bytes, bound: bytes, body: bytes) -> bytes:
    return hmac_sm3(key, len(bound).to_bytes(4, "big") + bound + body)


def _two_keys(secret: bytes) -> tuple[bytes, bytes]:
    """One key to encrypt and another to authenticate: never the same for both."""
    return hmac_sm3(secret, b"huying-sm4-cbc")[:BLOCK], hmac_sm3(secret, b"huying-hmac-sm3")
