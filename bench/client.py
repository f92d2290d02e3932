"""Clients in a closed loop, one thread for all: what a script yields is sent, what returns is timed."""

import select
import socket
import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Script = Generator["Request", "Answer", None]


@dataclass(frozen=True)
class Request:
    """One call; with a `key` it is a write. `timed=False`: needed on the way, not part of the measurement."""

    method: str
    path: str
    token: str
    body: Any = None
    key: str | None = None
    if_match: int | None = None
    timed: bool = True

    def raw(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if self.key is not None:
            lines.append(f"Idempotency-Key: {self.key}")
        if self.if_match is not None:
            lines.append(f'If-Match: "{self.if_match}"')
        body = b""
        if self.body is not None:
            body = orjson.dumps(self.body)
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Taken:
    """What a drive found: seconds of each timed answer, how long it took in all, and what was not 2xx."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    refused: list[Answer] = field(default_factory=list)


class _Client:
    def __init__(self, address: tuple[str, int], script: Script) -> None:
        self.script = script
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.request: Request | None = None
        self.sent = 0.0

    def send(self, request: Request) -> None:
        self.request = request
        self.received = b""
        self.sent = time.perf_counter()
        self.socket.sendall(request.raw())

    def receive(self) -> Answer | None:
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.received += part
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        lines = self.received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        whole = end + 4 + int(headers["content-length"])
        if len(self.received) < whole:
            return None
        return Answer(int(lines[0].split()[1]), headers, self.received[end + 4 : whole])


def drive(address: tuple[str, int], scripts: Iterable[Script], seconds: float = 600.0) -> Taken:
    """Runs each script on a connection of its own until it ends or the time is over."""
    taken = Taken()
    began = time.perf_counter()
    until = began + seconds
    poll = select.epoll()
    clients: dict[int, _Client] = {}
    try:
        for script in scripts:
            first = next(script, None)
            if first is not None:
                client = _Client(address, script)
                clients[client.socket.fileno()] = client
                poll.register(client.socket, select.EPOLLIN)
                client.send(first)
        while clients:
            for number, _ in poll.poll(30) or _silent():
                client = clients[number]
                answer = client.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                assert client.request is not None
                if answer.status >= 300:
                    taken.refused.append(answer)
                elif client.request.timed:
                    taken.latencies.append(now - client.sent)
                try:
                    following = client.script.send(answer)
                except StopIteration:
                    following = None
                if following is None or now > until:
                    poll.unregister(client.socket)
                    client.socket.close()
                    del clients[number]
                else:
                    client.send(following)
    finally:
        for client in clients.values():
            client.socket.close()
        poll.close()
    taken.seconds = time.perf_counter() - began
    return taken


def _silent() -> list[tuple[int, int]]:
    raise TimeoutError("no answer for 30 seconds")
