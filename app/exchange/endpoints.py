"""Endpoints: the other systems we speak with, read once from the file that HUYING_CONNECTORS names.

An administrator writes the file; nothing that comes in over the wire can add an address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.keys import Flag, Found, Key, Many, Named, Record, Text
from app.bundles.yaml_file import YamlRefused, read_yaml
from app.core.config import SettingRefused, settings
from app.exchange import connectors
from app.exchange.addresses import AddressRefused, Approved, Target, approved, target
from app.exchange.connectors import Connector, fieldmap
from app.exchange.connectors.enveloped import Enveloped
from app.exchange.connectors.fieldmap import FieldMap

SCHEME = "connector:"
"""How messages.yaml names a receiver: `to: connector:city12345`."""

_NAME = r"[a-z][a-z0-9_]{0,39}"
_ENDPOINT = Record(
    {
        "adapter": Key(Text(_NAME, "对接器的名字"), "用哪个对接器翻译报文", required=True),
        "map": Key(
            Text(says="文件", longest=500), "对方的字段名：另写的一张 map.yaml；不写就用对接器自带的那张"
        ),
        "url": Key(Text(says="网址", longest=500), "对方收报文的网址", required=True),
        "allow": Key(
            Many(Text(says="网段:端口"), least=1, most=20),
            "网址允许解析到的网段和端口，例如 10.1.2.0/24:8080",
            required=True,
        ),
        "account": Key(Text(says="账号"), "对方用哪个服务账号发来消息；它的报文按对接器翻译"),
        "on": Key(Flag(), "false：暂停发送，要发的消息先存着"),
        "stub": Key(Flag(), "true：对方是示范用的模拟系统，正式环境拒绝"),
    }
)
_FILE = Named(_ENDPOINT, _NAME, "小写字母开头的英文名")


@dataclass(frozen=True)
class Endpoint:
    """One system: where its door is, where that door may lie, whose messages are its own."""

    name: str
    adapter: str
    target: Target
    allowed: tuple[Approved, ...]
    account: str | None = None
    on: bool = True
    stub: bool = False
    names: FieldMap | None = None
    """What the partner calls things, where the connector's own map does not hold."""

    @property
    def connector(self) -> Connector | None:
        """How it is spoken to; None for one that carries notices."""
        return Enveloped(self.names) if self.names is not None else connectors.ALL.get(self.adapter)

    @property
    def of_cases(self) -> bool:
        """Whether cases send to it; else it carries notices to people."""
        return self.adapter not in connectors.CHANNELS


NONE: Mapping[str, Endpoint] = MappingProxyType({})


def configured() -> Mapping[str, Endpoint]:
    """All endpoints by name. Raises SettingRefused with every fault and its line."""
    file = settings().connectors
    return _read(file, settings().profile) if file is not None else NONE


def sendable() -> tuple[str, ...]:
    """The names of those that cases send to now."""
    return tuple(endpoint.name for endpoint in configured().values() if endpoint.on and endpoint.of_cases)


def of_account(login: str) -> Endpoint | None:
    """The endpoint whose messages come under this account."""
    return next((each for each in configured().values() if each.account == login), None)


def loopback() -> bool:
    """Whether this machine itself may be an endpoint: where nothing is real."""
    profile = settings().profile
    return profile in ("demo", "test") or (profile == "trial" and settings().trial)


def forget() -> None:
    """Reads the file again at the next question (tests)."""
    _read.cache_clear()


@cache
def _read(file: Path, profile: str) -> Mapping[str, Endpoint]:
    name = f"HUYING_CONNECTORS（{file}）"
    try:
        found = Found(read_yaml(file.name, file.read_bytes()))
    except OSError as error:
        raise SettingRefused(f"{name} 读不出来：{error.strerror}。") from None
    except YamlRefused as refused:
        where = f"第 {refused.line} 行：" if refused.line else ""
        raise SettingRefused(f"{name} {where}{refused.zh}") from None
    made: dict[str, Endpoint] = {}
    if keys.check(_FILE, found.doc.value or {}, found):
        for key, about in (found.doc.value or {}).items():
            endpoint = _endpoint(key, about, profile, found)
            if endpoint is not None:
                made[key] = endpoint
        _accounts_once(made, found)
    if found.failed:
        raise SettingRefused(f"{name} " + " ".join(each.zh for each in found.findings[:10]))
    return MappingProxyType(made)


def _endpoint(key: str, about: Mapping[str, Any], profile: str, found: Found) -> Endpoint | None:
    at = (key,)
    known = (*connectors.ALL, *connectors.CHANNELS)
    if about["adapter"] not in known:
        near = keys.nearest(about["adapter"], known)
        zh = f"没有这个对接器；可用的有{near}。"
        found.error("value-invalid", (*at, "adapter"), zh, "Unknown adapter.")
    stub = about.get("stub", False)
    if stub and profile == "production":
        found.error(
            "value-invalid", (*at, "stub"), f"正式环境不能连接模拟系统（{key}）。", "No stub in production."
        )
    names = _names(about, at, found) if "map" in about else None
    where = _read_as(target, about["url"], (*at, "url"), found)
    places = [
        _read_as(approved, text, (*at, "allow", number), found) for number, text in enumerate(about["allow"])
    ]
    if where is None or None in places:
        return None
    allowed = tuple(place for place in places if place is not None)
    return Endpoint(
        key, about["adapter"], where, allowed, about.get("account"), about.get("on", True), stub, names
    )


def _names(about: Mapping[str, Any], at: tuple[str | int, ...], found: Found) -> FieldMap | None:
    """The map of this installation: a new version of a partner is another file, not another program."""
    if not isinstance(connectors.ALL.get(about["adapter"]), Enveloped):
        zh = f"对接器 {about['adapter']} 没有字段名可换，请删去 map。"
        found.error("value-invalid", (*at, "map"), zh, "This adapter has no map.")
        return None
    try:
        return fieldmap.load(Path(about["map"]))
    except (OSError, ValueError, YamlRefused) as wrong:
        zh = f"读不出 {about['map']}：{wrong.zh if isinstance(wrong, YamlRefused) else wrong}"
        found.error("value-invalid", (*at, "map"), zh, "The map cannot be read.")
        return None


def _read_as(reader: Any, text: str, path: tuple[str | int, ...], found: Found) -> Any:
    try:
        return reader(text)
    except AddressRefused as refused:
        found.error("value-invalid", path, refused.zh, "Refused.")
        return None


def _accounts_once(made: Mapping[str, Endpoint], found: Found) -> None:
    seen: dict[str, str] = {}
    for key, endpoint in made.items():
        if endpoint.account is None:
            continue
        if endpoint.account in seen:
            zh = f"账号 {endpoint.account} 已属于 {seen[endpoint.account]}，一个账号只能属于一个系统。"
            found.error("value-invalid", (key, "account"), zh, "One account, one system.")
        seen[endpoint.account] = key
