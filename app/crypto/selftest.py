"""Before a process serves: both back ends give the standards' own results, and each other's."""

import secrets
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm

from app.core import db
from app.core.config import SettingRefused
from app.crypto import data_keys, keyring
from app.crypto.sm3 import hmac_sm3, sm3
from app.crypto.sm4 import GMSSL, OPENSSL, DataKey, Place, Unreadable, open_, seal

_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")

SM3 = (
    (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
)
"""GB/T 32905, appendix A."""

HMAC = (
    bytes(range(1, 33)),
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2,
    "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
)
"""GB/T 15852.2, appendix B: key, message, HMAC-SM3."""

SM4 = (_KEY, _KEY, "681edf34d206965e86b3e94f536e4246")
"""GB/T 32907, appendix A: key, block, ciphertext."""

SM4_GCM = (
    bytes.fromhex("00001234567800000000abcd"),
    bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    bytes.fromhex("aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8),
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec",
)
"""RFC 8998, appendix A.1, under the same key: iv, associated data, plaintext, ciphertext and tag."""


class SelfTestFailed(SettingRefused):
    """密码算法自检没有通过。"""


def begin() -> None:
    """Refuses to serve with algorithms that err, or without the keys that the data were sealed with.

    Raises SelfTestFailed, KeysRefused: one plain line for whoever starts the process.
    """
    refuse_wrong_algorithms()
    keyring.current()
    refuse_unknown_keks()


def refuse_wrong_algorithms() -> None:
    wrong = list(_wrong())
    if wrong:
        raise SelfTestFailed(
            f"密码算法自检没有通过：{'、'.join(wrong)} 的结果与国家标准不符，程序没有启动，数据没有改动。"
            "请重新安装 cryptography、gmssl 两个软件包。"
        )


def refuse_unknown_keks() -> None:
    """A keyring of another installation would show only when somebody needs what he cannot read."""
    try:
        with db.reading() as session:
            needed = {row.kek_id for row in session.execute(data_keys.KEKS)}
    except Exception:  # not there yet, or its tables are not: whoever serves says so
        return
    ring = keyring.current()
    for kek_id in sorted(needed):
        ring.key(kek_id)


def _wrong() -> Iterator[str]:
    """The names of what gives a wrong result, in the order of the test."""
    from gmssl import sm3 as slow

    if any(sm3(message).hex() != digest for message, digest in SM3):
        yield "SM3（openssl）"
    if any(slow.sm3_hash(list(message)) != digest for message, digest in SM3):
        yield "SM3（gmssl）"
    if hmac_sm3(HMAC[0], HMAC[1]).hex() != HMAC[2]:
        yield "HMAC-SM3"
    key, block, cipher = SM4
    for each in (OPENSSL, GMSSL):
        try:
            right = each.cbc(key, bytes(16), block)[:16].hex() == cipher
            right = right and each.cbc_back(key, bytes(16), each.cbc(key, bytes(16), block)) == block
        except UnsupportedAlgorithm:
            right = False
        if not right:
            yield f"SM4（{each.name}）"
    iv, bound, plain, sealed = SM4_GCM
    if OPENSSL.gcm(_KEY, iv, plain, bound).hex() != sealed:
        yield "SM4-GCM（openssl）"
    if not _agree():
        yield "SM4（openssl 与 gmssl 互不相认）"


def _agree() -> bool:
    """What one back end seals the other opens, with the same bytes between."""
    key, iv, message = secrets.token_bytes(16), secrets.token_bytes(16), secrets.token_bytes(45)
    if OPENSSL.cbc(key, iv, message) != GMSSL.cbc(key, iv, message):
        return False
    place, data_key = Place("selftest", "value", "1"), DataKey(1, key)
    try:
        return open_(data_key, place, seal(data_key, place, message, GMSSL), OPENSSL) == message
    except Unreadable:
        return False
