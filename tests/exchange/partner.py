"""A partner's door on this machine: it does what the test says, and remembers what it was sent."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

ACCEPTED = b'{"code": "0000"}'


@dataclass
class Partner:
    """`behave` decides what the next requests meet: one of the functions below."""

    port: int = 0
    behave: Callable[["Door"], None] = field(default=lambda door: door.answer(200, ACCEPTED))
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/orders"

    @property
    def ids(self) -> list[str]:
        return [each["messageId"] for each in self.received]


class Door(BaseHTTPRequestHandler):
    """One request."""

    partner: Partner
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.partner.received.append(orjson.loads(body))
        self.partner.headers.append(dict(self.headers))
        self.partner.behave(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def says(status: int, body: bytes = ACCEPTED, **headers: str) -> Callable[[Door], None]:
    return lambda door: door.answer(status, body, **headers)


def resets(door: Door) -> None:
    door.connection.shutdown(socket.SHUT_RDWR)
    door.close_connection = True


def is_slow(seconds: float) -> Callable[[Door], None]:
    def behave(door: Door) -> None:
        time.sleep(seconds)
        try:
            door.answer(200, ACCEPTED)
        except OSError:
            pass  # the caller has gone

    return behave


def drips(door: Door) -> None:
    """One byte of a header after the other, for as long as somebody listens."""
    try:
        door.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while True:
            door.wfile.write(b"x")
            door.wfile.flush()
            time.sleep(0.05)
    except OSError:
        door.close_connection = True


def is_endless(door: Door) -> None:
    """Ten megabytes."""
    try:
        door.answer(200, b"x" * (10 << 20))
    except OSError:
        door.close_connection = True


@contextmanager
def partner() -> Iterator[Partner]:
    """A door that is open meanwhile."""
    made = Partner()
    handler = type("OneDoor", (Door,), {"partner": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
