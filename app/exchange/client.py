"""The only way out: one POST to one approved address, bounded in time and size, never redirected."""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from app.core import clock
from app.exchange.addresses import AddressRefused, Resolve, address_of, resolve
from app.exchange.endpoints import Endpoint, loopback

CONNECT = 3.0
TOTAL = 15.0
"""Seconds for a whole try: a partner that drips its answer must not hold a lease beyond its end."""
MOST = 1 << 20
"""Bytes of an answer that are read."""
_PART = 64 << 10


class Unreachable(Exception):
    """对方系统没有应答。"""

    def __init__(self, zh: str) -> None:
        super().__init__(zh)
        self.zh = zh


class Blocked(Exception):
    """目标地址不在许可范围内，没有发送。"""

    def __init__(self, zh: str) -> None:
        super().__init__(zh)
        self.zh = zh


@dataclass(frozen=True)
class Answer:
    """What came back; `retry_after` in seconds when the partner asked for a pause."""

    status: int
    body: bytes
    retry_after: int | None = None


def post(
    endpoint: Endpoint,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = TOTAL,
    resolving: Resolve = resolve,
) -> Answer:
    """Sends once. Raises Blocked before anything is sent, Unreachable when no whole answer came in time."""
    try:
        address = address_of(endpoint.target, endpoint.allowed, loopback=loopback(), resolving=resolving)
    except AddressRefused as refused:
        raise Blocked(refused.zh) from None
    except OSError:
        raise Unreachable(f"找不到主机 {endpoint.target.host}。") from None
    connection = _connection(endpoint, address)
    held: list[Any] = []
    end = clock.monotonic() + seconds
    # Each read has its own time limit, so a drip of single bytes would go on for ever without this.
    watchdog = threading.Timer(seconds, _cut, [connection, held])
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.connect()
        held.append(connection.sock)  # the connection lets go of it once the answer says "close"
        connection.timeout = seconds
        connection.request(
            "POST",
            endpoint.target.path,
            body=body,
            headers={"Host": endpoint.target.host_header, "Content-Type": "application/json", **headers},
            preload_content=False,
            decode_content=False,
        )
        response = connection.getresponse()
        answer = Answer(response.status, _read(response), _retry_after(response.headers.get("Retry-After")))
        if clock.monotonic() >= end:  # what was cut may look whole: headers that ended early, an empty body
            raise TimeoutError
        return answer
    except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
        # The last two are what a TLS socket raises that was cut under a read.
        raise Unreachable(_why(error, late=clock.monotonic() >= end)) from None
    finally:
        watchdog.cancel()
        connection.close()


def _connection(endpoint: Endpoint, address: str) -> HTTPConnection:
    where = endpoint.target
    if where.scheme == "http":
        return HTTPConnection(address, where.port, timeout=CONNECT)
    # The certificate must be the name's, though we connect to the address we checked.
    return HTTPSConnection(
        address,
        where.port,
        timeout=CONNECT,
        server_hostname=where.host,
        assert_hostname=where.host,
        cert_reqs="CERT_REQUIRED",
    )


def _cut(connection: HTTPConnection, held: list[Any]) -> None:
    for open_socket in (*held, connection.sock):
        if open_socket is not None:
            try:
                open_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it ended by itself


def _read(response: Any) -> bytes:
    parts: list[bytes] = []
    got = 0
    while part := response.read(_PART):
        got += len(part)
        if got > MOST:
            raise Unreachable(f"对方的应答超过 {MOST >> 20} MB，没有读完。")
        parts.append(part)
    return b"".join(parts)


def _retry_after(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None


def _why(error: Exception, *, late: bool) -> str:
    if late or isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError):
        return "对方没有在规定时间内应答。"
    if isinstance(error, urllib3.exceptions.NewConnectionError | ConnectionRefusedError):
        return "连不上对方系统。"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "对方的证书不可信。"
    return "与对方的连接中断了。"
