"""SM3 against the vectors of its standard, through both libraries."""

import pytest

from app.crypto import sm3 as module
from app.crypto.sm3 import sm3, sm3_hex

# GB/T 32905, appendix A.
VECTORS = [
    (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
]


@pytest.mark.parametrize(("message", "digest"), VECTORS)
def test_the_vectors_of_the_standard(message: bytes, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sm3_hex(message) == digest

    monkeypatch.setattr(module, "_IN_HASHLIB", False)

    assert sm3_hex(message) == digest


def test_parts_are_laid_end_to_end() -> None:
    assert sm3(b"a", b"", b"bc") == sm3(b"abc")
