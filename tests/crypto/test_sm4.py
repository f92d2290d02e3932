"""SM4 against the vectors of its standards, two back ends against each other, and values bound to their place."""

import random

import gmssl.func
import gmssl.sm2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crypto import selftest, sm4
from app.crypto.sm4 import GMSSL, OPENSSL, DataKey, Place, Unreadable, open_, seal

KEY = DataKey(7, bytes.fromhex("0123456789abcdeffedcba9876543210"))
PLACE = Place("case_secrets", "sealed", "row-1")
BOTH = pytest.mark.parametrize("by", [OPENSSL, GMSSL], ids=lambda by: by.name)


@BOTH
def test_the_vector_of_the_standard(by: sm4.Sm4Provider) -> None:
    key, block, cipher = selftest.SM4

    sealed = by.cbc(key, bytes(16), block)

    assert sealed[:16].hex() == cipher
    assert by.cbc_back(key, bytes(16), sealed) == block


def test_gcm_gives_the_vector_of_rfc_8998() -> None:
    iv, bound, plain, sealed = selftest.SM4_GCM

    made = OPENSSL.gcm(KEY.secret, iv, plain, bound)

    assert made.hex() == sealed
    assert OPENSSL.gcm_back(KEY.secret, iv, made, bound) == plain


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.binary(max_size=80))
def test_both_back_ends_make_the_same_bytes(key: bytes, iv: bytes, message: bytes) -> None:
    fast, slow = OPENSSL.cbc(key, iv, message), GMSSL.cbc(key, iv, message)

    assert fast == slow
    assert OPENSSL.cbc_back(key, iv, slow) == GMSSL.cbc_back(key, iv, fast) == message


@BOTH
@pytest.mark.parametrize("text", ["", "张三", "13800138000", "幸福社区3号楼502室" * 40])
def test_what_was_sealed_opens_at_its_place_with_its_key(by: sm4.Sm4Provider, text: str) -> None:
    sealed = seal(KEY, PLACE, text.encode(), by)

    assert open_(KEY, PLACE, sealed).decode() == text
    assert (sealed[0], sm4.key_number(sealed)) == (by.seals, 7)
    assert text.encode() not in sealed or not text


@BOTH
def test_a_value_moved_to_another_row_column_table_or_key_does_not_open(by: sm4.Sm4Provider) -> None:
    sealed = seal(KEY, PLACE, b"13800138000", by)
    renumbered = sealed[:1] + (8).to_bytes(4, "big") + sealed[5:]
    elsewhere = [
        (KEY, Place("case_secrets", "sealed", "row-2"), sealed),
        (KEY, Place("case_secrets", "blind", "row-1"), sealed),
        (KEY, Place("tasks", "sealed", "row-1"), sealed),
        (DataKey(7, bytes(16)), PLACE, sealed),
        (DataKey(8, KEY.secret), PLACE, sealed),
        (DataKey(8, KEY.secret), PLACE, renumbered),
    ]

    for key, place, value in elsewhere:
        with pytest.raises(Unreadable):
            open_(key, place, value)


@BOTH
def test_no_changed_bit_and_no_cut_goes_unseen(by: sm4.Sm4Provider) -> None:
    sealed = seal(KEY, PLACE, b"310199199001011234", by)
    spoilt = [sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))]

    for each in (*spoilt, *(sealed[:n] for n in range(len(sealed))), b"", b"13800138000"):
        with pytest.raises(Unreadable):
            open_(KEY, PLACE, each)


@BOTH
def test_the_same_value_is_never_sealed_alike_twice(by: sm4.Sm4Provider) -> None:
    made = {seal(KEY, PLACE, b"13800138000", by) for _ in range(20)}

    assert len(made) == 20


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that reaches Python's predictable random numbers, gmssl's or anybody's."""
    reached: list[str] = []
    for name in ("choice", "random", "getrandbits", "randint", "randrange", "choices", "sample", "randbytes"):
        monkeypatch.setattr(random, name, lambda *_, n=name, **__: reached.append(n) or 0)
    for module in (gmssl.func, gmssl.sm2):
        for name in ("choice", "random_hex"):
            target = module if hasattr(module, name) else module.func
            monkeypatch.setattr(target, name, lambda *_, n=name, **__: reached.append(n) or "0" * 64)
    return reached


@BOTH
def test_no_seal_reaches_the_predictable_random_numbers_of_gmssl(
    by: sm4.Sm4Provider, watched: list[str]
) -> None:
    open_(KEY, PLACE, seal(KEY, PLACE, b"13800138000", by))
    list(selftest._wrong())

    assert watched == []
    gmssl.func.random_hex(4)
    assert watched == ["random_hex"]


def test_keys_do_not_show_in_their_text() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)
