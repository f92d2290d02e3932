"""The keyring: a file outside the database with the keys that wrap all others (KEK).

JSON, mode 0400, owned by the account that runs the product:
    {"format": 1, "active": "<id>", "keks": [{"id": "<id>", "made": "2026-03-02", "key": "<32 hex digits>"}]}
An id is the beginning of the key's own SM3, so two keyrings never give one id to two keys.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import orjson

from app.core import clock
from app.core.config import SettingRefused, settings
from app.crypto.sm3 import sm3_hex
from app.crypto.sm4 import DataKey

FORMAT = 1
MODE = 0o400


class KeysRefused(SettingRefused):
    """密钥文件不能使用。"""


class KekMissing(KeysRefused):
    """密钥文件里没有包装这个数据密钥的主密钥。"""


@dataclass(frozen=True)
class Kek:
    """A key that wraps data keys; `made` is a day in Beijing."""

    id: str
    made: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Keyring:
    """What a keyring file holds. New data keys are wrapped by `active`; the others only open."""

    active: str
    keks: Mapping[str, Kek]

    def wrapping(self) -> tuple[str, DataKey]:
        """The KEK that wraps from now on, with its id. Its number is 0: no row of data_keys has that."""
        return self.active, self.key(self.active)

    def key(self, kek_id: str) -> DataKey:
        """Raises KekMissing."""
        if kek_id not in self.keks:
            raise KekMissing(
                f"密钥文件 {settings().keys} 里没有主密钥 {kek_id}，用它加密的内容打不开。"
                "请放回当初的密钥文件（huying keys list 列出数据库需要哪些主密钥）。"
            )
        return DataKey(0, self.keks[kek_id].secret)


def make(path: Path) -> Keyring:
    """A new keyring file with one key. Raises KeysRefused when there is a file already."""
    kek = new_kek()
    keyring = Keyring(kek.id, MappingProxyType({kek.id: kek}))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except FileExistsError:
        raise KeysRefused(f"密钥文件 {path} 已经有了，没有改动。") from None
    except OSError as error:
        raise KeysRefused(f"密钥文件 {path} 写不下来：{error.strerror}。") from None
    _write(out, keyring)
    _settle(path.parent)
    return keyring


def replace(path: Path, keyring: Keyring) -> None:
    """Writes the file anew, all of it or nothing."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), keyring)
        beside.replace(path)
        _settle(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise KeysRefused(f"密钥文件 {path} 写不下来：{error.strerror}。") from None


def new_kek() -> Kek:
    secret = secrets.token_bytes(16)
    return Kek(id_of(secret), f"{clock.wall().astimezone(clock.BEIJING):%Y-%m-%d}", secret)


def id_of(secret: bytes) -> str:
    return sm3_hex(b"huying-kek", secret)[:12]


def current() -> Keyring:
    """The keyring of this process; read again when its file was replaced. Raises KeysRefused."""
    path = chosen()
    try:
        state = path.stat()
    except OSError:
        raise KeysRefused(
            f"没有密钥文件 {path}。新装的系统请运行 huying keys init；已有数据的系统请放回原来的密钥文件。"
        ) from None
    stamp = (str(path), state.st_mtime_ns, state.st_ino, state.st_mode, state.st_uid)
    if _read.get("stamp") != stamp:
        _refuse_loose(path, state)
        _read.update(keyring=read(path), stamp=stamp)
    keyring: Keyring = _read["keyring"]  # type: ignore[assignment]
    return keyring


_read: dict[str, object] = {}


def chosen() -> Path:
    """Where the keyring lies. Raises KeysRefused when nobody said."""
    path = settings().keys
    if path is None:
        raise KeysRefused(
            "没有设 HUYING_KEYS。请写明密钥文件，例如 /etc/huying/keyring，新装的再运行 huying keys init。"
        )
    return path


def read(path: Path) -> Keyring:
    """Raises KeysRefused; what stands in the file is never part of the message."""
    try:
        given = orjson.loads(path.read_bytes())
        keks = [Kek(each["id"], each["made"], bytes.fromhex(each["key"])) for each in given["keks"]]
        right = given["format"] == FORMAT and given["active"] in {kek.id for kek in keks}
        right = right and all(len(kek.secret) == 16 and id_of(kek.secret) == kek.id for kek in keks)
    except OSError as error:
        raise KeysRefused(f"密钥文件 {path} 读不出来：{error.strerror}。") from None
    except Exception:  # whatever is wrong with it, it holds keys: nothing of it may be told
        right = False
    if not right:
        raise KeysRefused(f"密钥文件 {path} 内容有误或被改动过；请从备份恢复。")
    return Keyring(given["active"], MappingProxyType({kek.id: kek for kek in keks}))


def _refuse_loose(path: Path, state: os.stat_result) -> None:
    if state.st_mode & 0o7777 != MODE:
        raise KeysRefused(
            f"密钥文件 {path} 的权限是 {state.st_mode & 0o7777:04o}，必须是 0400：请运行 chmod 400 {path}。"
        )
    if state.st_uid != os.geteuid():
        raise KeysRefused(f"密钥文件 {path} 不属于运行呼应的账户；请用 chown 改正。")


def _write(out: int, keyring: Keyring) -> None:
    keks = [{"id": kek.id, "made": kek.made, "key": kek.secret.hex()} for kek in keyring.keks.values()]
    with os.fdopen(out, "wb") as file:
        file.write(orjson.dumps({"format": FORMAT, "active": keyring.active, "keks": keks}) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """The name survives a crash too, not only what stands in the file."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
