"""Where we may connect to: networks and ports approved for one endpoint, asked again at every connection.

Private ranges are normal here (city 12345 lives on the government extranet), so the rule is a list of what is
allowed. Link-local and metadata addresses are never allowed, loopback only where everything is a demo.
"""

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Iterable[str]]

PORTS = {"http": 80, "https": 443}
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_PATH = re.compile(r"[\x21-\x7e]*\Z")
_NEVER: tuple[Network, ...] = tuple(
    map(
        ip_network,
        # "this host", link-local (where clouds keep their metadata), a cloud's metadata beyond it, multicast
        (
            "0.0.0.0/8",
            "169.254.0.0/16",
            "100.100.100.200/32",
            "224.0.0.0/3",
            "::/128",
            "fe80::/10",
            "ff00::/8",
        ),
    )
)


class AddressRefused(Exception):
    """这个地址不允许连接。"""

    def __init__(self, zh: str) -> None:
        super().__init__(zh)
        self.zh = zh


@dataclass(frozen=True)
class Target:
    """A URL taken apart: `host` without brackets, `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.path}"


@dataclass(frozen=True)
class Approved:
    """One line of an endpoint's list: a network and a port."""

    network: Network
    port: int

    def __str__(self) -> str:
        return f"[{self.network}]:{self.port}" if self.network.version == 6 else f"{self.network}:{self.port}"


def target(url: str) -> Target:
    """A URL as it may be configured. Raises AddressRefused for every spelling that hides where it leads."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("网址写得不对。") from None
    if parts.scheme not in PORTS:
        raise AddressRefused("网址应以 http:// 或 https:// 开头。")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise AddressRefused("网址里不能写账号或口令。")
    if parts.fragment:
        raise AddressRefused("网址里不能有 #。")
    host = (parts.hostname or "").lower()
    _check_host(host, bracketed="[" in parts.netloc)
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    if not _PATH.match(path) or "\\" in url:
        raise AddressRefused("网址的路径里有不允许的字符。")
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def _check_host(host: str, *, bracketed: bool) -> None:
    if bracketed:
        try:
            IPv6Address(host)
        except ValueError:
            raise AddressRefused("方括号里应为 IPv6 地址。") from None
        return
    if not _NAME.match(host):
        raise AddressRefused("主机名只能由英文字母、数字、连字符和点组成。")
    if _NUMBER.match(host.rsplit(".", 1)[-1]):  # 2130706433, 0x7f.1, 127.1: all of them are 127.0.0.1
        try:
            IPv4Address(host)
        except ValueError:
            raise AddressRefused("IP 地址请写成四段十进制数，例如 10.1.2.3。") from None


def approved(text: str) -> Approved:
    """`10.1.2.0/24:8080` or `[fd00::/8]:443`. Raises AddressRefused."""
    network, _, port = text.rpartition(":")
    try:
        found = ip_network(network.removeprefix("[").removesuffix("]"), strict=True)
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        raise AddressRefused(f"“{text}”应写成 网段:端口，例如 10.1.2.0/24:8080。") from None
    if not 1 <= number <= 65535:
        raise AddressRefused(f"“{text}”没有写端口，例如 10.1.2.0/24:8080。")
    return Approved(found, number)


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, by this machine's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def address_of(
    where: Target, allowed: Sequence[Approved], *, loopback: bool, resolving: Resolve = resolve
) -> str:
    """The address to connect to, resolved once: the answer is what the caller must use, not the name.

    Raises AddressRefused unless every address of the name is allowed, OSError when it has none.
    """
    found = list(resolving(where.host, where.port))
    if not found:
        raise OSError("no address")
    for text in found:
        _check(_plain(text), where.port, allowed, loopback=loopback)
    return found[0]


def _plain(text: str) -> Address:
    """The address itself: `::ffff:127.0.0.1` is 127.0.0.1, and an interface's name is no part of it."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address


def _check(address: Address, port: int, allowed: Sequence[Approved], *, loopback: bool) -> None:
    if any(address.version == never.version and address in never for never in _NEVER):
        raise AddressRefused(f"不能连接 {address}：本机保留、链路本地或云平台元数据地址。")
    if address.is_loopback and not loopback:
        raise AddressRefused(f"不能连接本机地址 {address}，示范环境除外。")
    for each in allowed:
        if each.port == port and each.network.version == address.version and address in each.network:
            return
    raise AddressRefused(f"{address} 端口 {port} 不在许可的网段内。")
