"""When the server cannot take more: 503 at once, nothing begun, and the log says so once a minute."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from flask import Flask
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import create_app
from app.core import clock, config, db
from app.core.errors import Unavailable
from app.core.http import gate, waiting
from app.core.seldom import Seldom


class Slow:
    """A view that works until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = Event(), Event()
        self.times = 0

    def view(self) -> str:
        self.times += 1
        self.begun.set()
        assert self.go.wait(20)
        return "done"


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def house(sqlite: db.Database, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """One thread at work, one seat to wait."""
    before = config.settings()
    config.use(replace(before, web_threads=1, waiting=1))
    monkeypatch.setattr(waiting, "_refused", Seldom(logging.getLogger("huying.http"), "overloaded"))
    app = create_app()
    app.add_url_rule("/slow", view_func=gate.public(lambda: slow.view()), endpoint="slow")
    app.add_url_rule("/quick", view_func=gate.public(lambda: "done"), endpoint="quick")

    def no_connection() -> str:
        raise PoolTimeout("QueuePool limit of size 4 overflow 2 reached, connection timed out")

    app.add_url_rule("/pool", view_func=gate.public(no_connection), endpoint="pool")
    yield app
    config.use(before)


def status(app: Flask, path: str) -> int:
    return app.test_client().get(path).status_code


def test_beyond_the_waiting_room_a_request_is_refused_at_once_and_does_nothing(
    house: Flask, slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(2) as others, caplog.at_level(logging.WARNING):
        working = others.submit(status, house, "/slow")
        assert slow.begun.wait(10)
        sitting = others.submit(status, house, "/slow")
        room = house.extensions["huying_room"]
        while room.free_seats:
            clock.sleep(0.01)

        refused = [house.test_client().get("/slow") for _ in range(3)]
        health = status(house, "/healthz"), status(house, "/readyz")
        unknown = status(house, "/no-such-place")
        slow.go.set()

        assert (working.result(), sitting.result()) == (200, 200)
    for answer in refused:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert answer.get_json(force=True)["type"] == "/problems/overloaded"
        assert answer.get_json(force=True)["requestId"] == answer.headers["X-Request-Id"] != ""
    assert health == (200, 200)
    assert unknown == 404
    assert slow.times == 2
    assert status(house, "/quick") == 200, "every turn was given back"
    lines = [record for record in caplog.records if record.message == "overloaded"]
    assert [line.fields for line in lines] == [{"times": 1}]  # type: ignore[attr-defined]


def test_who_waits_too_long_is_told_to_come_later(
    house: Flask, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)
    with ThreadPoolExecutor(1) as others:
        working = others.submit(status, house, "/slow")
        assert slow.begun.wait(10)

        late = status(house, "/quick")
        slow.go.set()

        assert (late, working.result()) == (503, 200)
    assert status(house, "/quick") == 200


def test_a_pool_without_a_free_connection_is_overload_too(house: Flask) -> None:
    answer = house.test_client().get("/pool")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.get_json(force=True)["type"] == "/problems/overloaded"
    assert "QueuePool" not in answer.get_data(as_text=True)


def test_a_failing_view_gives_its_turn_back(house: Flask) -> None:
    assert [status(house, "/pool") for _ in range(5)] == [503] * 5


def test_without_seats_nobody_waits() -> None:
    room = waiting.Room(1, 0)
    room.enter()

    with pytest.raises(Unavailable):
        room.enter()


def test_a_warning_that_repeats_is_written_once_a_minute_with_its_count(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    seldom = Seldom(logging.getLogger("huying.http"), "again")

    for _ in range(5):
        seldom.note()
    now[0] += 61
    seldom.note(actorId="a")

    assert [record.fields for record in caplog.records] == [{"times": 1}, {"times": 5, "actorId": "a"}]  # type: ignore[attr-defined]
