"""Clients that remember what they sent and what was acknowledged, and ask again with the same key when unsure."""

import http.client
import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.order import FILING, STEPS

PATIENCE = 40.0
"""Seconds in which a request must be answered, whatever was killed meanwhile."""

_numbers = itertools.count(1)


@dataclass
class Sent:
    """One operation: sent at least once, acknowledged when `status` is set."""

    operation: str
    subject: str
    who: str
    key: str
    status: int | None = None
    body: bytes = b""
    tries: int = 0
    refused: list[int] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Journal:
    """Everything the clients of a run sent."""

    sent: list[Sent] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, operation: str, subject: str, who: str) -> Sent:
        with self._lock:
            one = Sent(operation, subject, who, f"fault-{next(_numbers)}")
            self.sent.append(one)
        return one

    def acknowledged(self, operation: str) -> list[Sent]:
        return [one for one in self.sent if one.operation == operation and one.status in (200, 201)]

    def spanning(self, moment: float) -> int:
        """Operations under way at that moment of this machine's monotonic clock."""
        return sum(one.began < moment <= one.ended for one in self.sent)

    @property
    def again(self) -> int:
        """Tries beyond the first: what the faults cost the clients."""
        return sum(one.tries - 1 for one in self.sent)


class Client:
    """One person's connection, opened anew after every break."""

    def __init__(self, address: tuple[str, int], tokens: Mapping[str, str], journal: Journal) -> None:
        self.address, self.tokens, self.journal = address, tokens, journal
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def post(self, sent: Sent, path: str, body: Any, if_match: int | None = None) -> Sent:
        """Sends until somebody answers for good: a broken connection, 503 and "in flight" are not answers."""
        headers = {
            "Authorization": f"Bearer {self.tokens[sent.who]}",
            "Content-Type": "application/json",
            "Idempotency-Key": sent.key,
        }
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        sent.began = time.monotonic()
        until = sent.began + PATIENCE
        while True:
            sent.tries += 1
            try:
                status, answer = self._once(path, orjson.dumps(body), headers)
            except (OSError, http.client.HTTPException):
                self.close()
                status, answer = 0, b""
            if status and not _ask_again(status, answer):
                sent.status, sent.body, sent.ended = status, answer, time.monotonic()
                return sent
            if status:
                sent.refused.append(status)
            if time.monotonic() > until:
                raise TimeoutError(f"{sent.operation} {sent.subject}: no answer, last {status} {answer!r}")
            time.sleep(0.05)

    def _once(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self.address, timeout=10)
        self._connection.request("POST", path, body, dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def file(self) -> dict[str, Any]:
        """A new case; returns its first task."""
        title = f"路灯不亮 {next(_numbers)}"
        sent = self.post(
            self.journal.note("file", title, "paiqian1"), "/api/v1/cases", {**FILING, "title": title}
        )
        assert sent.status == 201, sent.body
        return sent.json["tasks"][0]  # type: ignore[no-any-return]

    def complete(self, task: Mapping[str, Any]) -> dict[str, Any] | None:
        """Does a task as its step wants it; returns the next one."""
        who, body = STEPS[task["step"]]
        sent = self.journal.note("complete", task["id"], who)
        path = f"/api/v1/tasks/{task['id']}/complete"
        self.post(sent, path, body, if_match=1)
        assert sent.status == 200, sent.body
        return next(iter(sent.json["next"]), None)

    def whole_case(self) -> None:
        task: dict[str, Any] | None = self.file()
        while task is not None:
            task = self.complete(task)

    def dispatched(self) -> str:
        """A case that waits for somebody to sign; returns its id."""
        task: dict[str, Any] | None = self.file()
        while task is not None and task["step"] != "sign":
            task = self.complete(task)
        assert task is not None
        return str(task["case"])


class Crowd:
    """Clients at work, each in its own thread, until all have done their cases."""

    def __init__(self, address: tuple[str, int], tokens: Mapping[str, str], clients: int, cases: int) -> None:
        self.journal = Journal()
        self._threads = [
            threading.Thread(target=self._work, args=(Client(address, tokens, self.journal), cases))
            for _ in range(clients)
        ]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(PATIENCE + 20)
            assert not thread.is_alive(), "a client hangs"

    def wait_for(self, completions: int) -> None:
        """Returns when that many completions were acknowledged, or when the crowd is done."""
        until = time.monotonic() + PATIENCE
        while len(self.journal.acknowledged("complete")) < completions and time.monotonic() < until:
            if not any(thread.is_alive() for thread in self._threads):
                return
            time.sleep(0.01)

    def _work(self, client: Client, cases: int) -> None:
        try:
            for _ in range(cases):
                client.whole_case()
        except BaseException as error:  # told to the test, which runs in another thread
            self.journal.broken.append(error)
        finally:
            client.close()


def _ask_again(status: int, answer: bytes) -> bool:
    """Whether the answer means: not now. Anything else is for good."""
    if status == 503:
        return True
    kind = orjson.loads(answer)["type"] if status == 409 else ""
    return kind.endswith(("idempotency-in-flight", "case-busy"))
