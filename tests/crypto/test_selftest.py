"""A process does not serve with an algorithm that errs, or without the keys that the data need."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.core import config, db
from app.crypto import data_keys, keyring, selftest, sm4
from app.crypto.keyring import KekMissing, KeysRefused
from app.crypto.selftest import SelfTestFailed


def test_all_is_well(database: db.Database) -> None:
    selftest.begin()


@pytest.mark.parametrize(
    ("target", "name", "told"),
    [
        (sm4.GmSsl, "cbc", "SM4（gmssl）"),
        (sm4.OpenSsl, "cbc", "SM4（openssl）"),
        (sm4.OpenSsl, "gcm", "SM4-GCM（openssl）"),
        (selftest, "hmac_sm3", "HMAC-SM3"),
        (selftest, "sm3", "SM3（openssl）"),
    ],
)
def test_an_algorithm_that_errs_is_named(
    target: object, name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(target, name)

    def wrong(*given: object) -> bytes:
        made: bytes = right(*given)
        return bytes([made[0] ^ 1]) + made[1:]

    monkeypatch.setattr(target, name, wrong)

    with pytest.raises(SelfTestFailed, match="密码算法自检没有通过") as refused:
        selftest.refuse_wrong_algorithms()

    assert told in str(refused.value)


def test_a_keyring_of_another_installation_is_refused_by_name(database: db.Database, tmp_path: Path) -> None:
    with db.transaction() as session:
        data_keys.system(session, data_keys.ANSWERS)
    needed = keyring.current().active
    config.use(replace(config.settings(), keys=tmp_path / "other"))
    keyring.make(tmp_path / "other")

    with pytest.raises(KekMissing, match=f"没有主密钥 {needed}"):
        selftest.begin()


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o404, 0o644])
def test_a_keyring_that_others_may_read_or_change_is_refused_with_the_remedy(
    mode: int, tmp_path: Path, database: db.Database
) -> None:
    file = tmp_path / "keyring"
    keyring.make(file)
    file.chmod(mode)
    config.use(replace(config.settings(), keys=file))

    with pytest.raises(KeysRefused, match=f"必须是 0400：请运行 chmod 400 {file}"):
        selftest.begin()


def test_without_a_keyring_the_remedy_is_told(tmp_path: Path, database: db.Database) -> None:
    config.use(replace(config.settings(), keys=tmp_path / "none"))

    with pytest.raises(KeysRefused, match="huying keys init"):
        selftest.begin()
