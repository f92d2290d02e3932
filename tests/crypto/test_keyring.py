"""The keyring file: made once, replaced whole, and silent about what stands in it."""

from pathlib import Path

import orjson
import pytest

from app.crypto import keyring
from app.crypto.keyring import KekMissing, KeysRefused


def test_a_new_keyring_is_for_its_owner_to_read_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "below" / "keyring"
    made = keyring.make(file)
    before = file.read_bytes()

    with pytest.raises(KeysRefused, match="已经有了，没有改动"):
        keyring.make(file)

    assert file.stat().st_mode & 0o7777 == 0o400
    assert file.read_bytes() == before
    assert keyring.read(file) == made


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"",
        lambda text: text[:-20],
        lambda text: text.replace(b'"format":1', b'"format":2'),
        lambda text: text.replace(text[-10:-6], b"0000"),
        lambda text: orjson.dumps({**orjson.loads(text), "active": "another"}),
    ],
)
def test_a_spoilt_keyring_is_refused_without_a_word_of_what_it_holds(spoil: object, tmp_path: Path) -> None:
    file = tmp_path / "keyring"
    keyring.make(file)
    secret = orjson.loads(file.read_bytes())["keks"][0]["key"]
    spoilt = spoil(file.read_bytes())  # type: ignore[operator]
    file.chmod(0o600)
    file.write_bytes(spoilt)

    with pytest.raises(KeysRefused, match="内容有误或被改动过") as refused:
        keyring.read(file)

    assert secret not in str(refused.value)


def test_a_kek_that_is_not_there_is_named(tmp_path: Path) -> None:
    ring = keyring.make(tmp_path / "keyring")

    with pytest.raises(KekMissing, match="没有主密钥 0123456789ab"):
        ring.key("0123456789ab")
    assert ring.key(ring.active).secret not in repr(ring).encode()
