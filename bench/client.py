"""Clients, one thread for all: what a script yields is sent, at once or after a thought; answers timed."""

import heapq
import itertools
import select
import socket
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

Script = Generator["Request", "Answer", None]


@dataclass(frozen=True)
class Request:
    """One call; with a `key` it is a write. `timed=False`: needed on the way, not part of the measurement.

    `kind`: what it is counted as; `after`: seconds that somebody thinks before it is sent.
    """

    method: str
    path: str
    token: str
    body: Any = None
    key: str | None = None
    if_match: int | None = None
    timed: bool = True
    kind: str = ""
    after: float = 0.0

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
    """What a drive found: seconds of each timed answer, of all and by kind, how long it took in all, what was
    not 2xx, and by how many seconds each thought took longer than it should: that is the client's own doing.
    """

    latencies: list[float] = field(default_factory=list)
    kinds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    late: list[float] = field(default_factory=list)
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
    thinking: list[tuple[float, int, int, Request]] = []
    order = itertools.count()

    def go_on(number: int, request: Request | None, now: float) -> None:
        if request is None or now > until:
            client = clients.pop(number)
            poll.unregister(client.socket)
            client.socket.close()
        elif request.after:
            heapq.heappush(thinking, (now + request.after, next(order), number, request))
        else:
            clients[number].send(request)

    try:
        for script in scripts:
            first = next(script, None)
            if first is not None:
                client = _Client(address, script)
                clients[client.socket.fileno()] = client
                poll.register(client.socket, select.EPOLLIN)
                go_on(client.socket.fileno(), first, time.perf_counter())
        while clients:
            # Who thinks when the time is over goes home: due then at the latest, and not sent.
            wait = max(0.0, min(thinking[0][0], until) - time.perf_counter()) if thinking else 30.0
            for number, _ in poll.poll(wait) or ([] if thinking else _silent()):
                answer = clients[number].receive()
                if answer is not None:
                    now = time.perf_counter()
                    go_on(number, _told(clients[number], answer, now, taken), now)
            now = time.perf_counter()
            while thinking and (thinking[0][0] <= now or now > until):
                due, _, number, request = heapq.heappop(thinking)
                if now <= until:
                    taken.late.append(now - due)
                go_on(number, replace(request, after=0.0), now)
    finally:
        for client in clients.values():
            client.socket.close()
        poll.close()
    taken.seconds = time.perf_counter() - began
    return taken


def _told(client: _Client, answer: Answer, now: float, taken: Taken) -> Request | None:
    """Notes an answer and hands it to the script; what the script wants next."""
    assert client.request is not None
    if answer.status >= 300:
        taken.refused.append(answer)
    elif client.request.timed:
        taken.latencies.append(now - client.sent)
        taken.kinds[client.request.kind].append(now - client.sent)
    try:
        return client.script.send(answer)
    except StopIteration:
        return None


def _silent() -> list[tuple[int, int]]:
    raise TimeoutError("no answer for 30 seconds")
