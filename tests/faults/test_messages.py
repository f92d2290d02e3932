"""kill -9 of postmen and web processes, Valkey away, a thousand repeated messages: nothing lost, nothing twice."""

import http.client
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from app.bundles import store
from app.cases import filing, tasks
from app.cases.advance import Moved
from app.cases.commands import NewCase
from app.cases.models import cases, waits
from app.core import clock, db
from app.exchange.models import inbound, outbox
from app.identity import login, org
from app.identity.actor import Actor
from bench.installation import Installation, installed, tokens
from tests.exchange.conftest import TALKS, talks
from tests.exchange.partner import Partner, is_slow, partner
from tests.faults.conftest import LEASE
from tests.faults.invariants import broken
from tests.faults.load import Journal
from tests.faults.test_web_killed import kill_a_child, kill_the_server
from tests.faults.test_worker_killed import process_of, until

pytestmark = pytest.mark.launcher

PATIENCE = 60.0
FILE = """city12345:
  adapter: city12345
  url: {url}
  allow: ["127.0.0.1/32:{port}"]
"""


@pytest.fixture(scope="module")
def door() -> Iterator[Partner]:
    with partner() as made:
        yield made


@pytest.fixture(scope="module")
def talking(
    door: Partner, data_like: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation whose city is the test's own door, with the process that talks."""
    file = tmp_path_factory.mktemp("faults") / "connectors.yaml"
    file.write_text(FILE.format(url=door.url, port=door.port))
    settings = {
        "HUYING_PROFILE": "test",
        "HUYING_LEASE_SECONDS": str(LEASE),
        "HUYING_TICK_SECONDS": "0.2",
        "HUYING_CONNECTORS": str(file),
    }
    with installed(settings=settings, like=data_like) as house:
        with house.here():
            files = talks()
            with db.transaction() as session:
                store.keep(session, files, "试验流程", clock.now(session), "tests")
        yield house


@pytest.fixture
def house(talking: Installation) -> Iterator[Installation]:
    with talking.here():
        yield talking


def dispatcher() -> Actor:
    with db.reading() as session:
        person = org.person_by_login(session, "paiqian1")
        assert person is not None
        return login.actor_by_id(session, person.id)


_numbers = iter(range(1, 1_000_000))


def filed(me: Actor) -> Moved:
    number = f"FT-{next(_numbers)}"
    moved = filing.file_case(me, NewCase(TALKS, "路灯不亮", external_no=number, place_unit="d1-s1-c2"))
    assert isinstance(moved, Moved)
    return moved


def handled(me: Actor, moved: Moved) -> str:
    """The case tells the city twice and waits for its word; its external number."""
    task = moved.opened[0]
    tasks.complete(me, task["id"], "完成", {}, None, task["revision"])
    return str(moved.case["external_no"])


def unsent() -> int:
    with db.reading() as session:
        return int(session.scalar(select(func.count()).select_from(outbox).where(outbox.c.state != "sent")))


def whole() -> list[str]:
    with db.reading() as session:
        return broken(session, Journal(), late=timedelta(minutes=1))


@pytest.mark.promise("P11")
@pytest.mark.promise("P1")
def test_postmen_killed_in_the_middle_lose_nothing_and_keep_the_order(
    house: Installation, door: Partner
) -> None:
    me = dispatcher()
    door.received.clear()
    door.behave = is_slow(0.05)
    numbers = [handled(me, filed(me)) for _ in range(40)]

    for _ in range(4):
        before = len(door.received)
        assert until(lambda before=before: len(door.received) > before + 5 or unsent() == 0, seconds=20)  # type: ignore[misc]
        os.kill(process_of(house, "postman"), signal.SIGKILL)
        time.sleep(0.3)

    assert until(lambda: unsent() == 0, seconds=PATIENCE), f"{unsent()} were never sent"
    first: dict[str, dict[str, Any]] = {}
    for letter in list(door.received):
        first.setdefault(letter["messageId"], letter)
    with db.reading() as session:
        ids = set(session.execute(select(outbox.c.id)).scalars())
    assert set(first) == ids, "each reached the partner, and nothing else did"
    assert len(door.received) - len(first) <= 4, "only what a killed postman held was sent a second time"
    for number in numbers:
        assert [letter["seq"] for letter in first.values() if letter["data"]["gdbh"] == number] == [1, 2]
    assert whole() == []


@pytest.mark.promise("P7")
def test_messages_come_and_go_while_valkey_is_away(house: Installation, door: Partner) -> None:
    me = dispatcher()
    door.behave = is_slow(0)
    house.kill("valkey", signal.SIGKILL)
    try:
        moved = filed(me)
        client = Client(house)
        early = client.send("early", str(moved.case["external_no"]))
        client.close()
        number = handled(me, moved)

        assert early[0] == 202
        assert until(lambda: unsent() == 0, seconds=PATIENCE)
        assert until(lambda: left_waiting([number]) == 0, seconds=PATIENCE), (
            "the parked message was never brought"
        )
    finally:
        house.start("valkey")


@pytest.mark.promise("P2")
def test_a_thousand_repeated_messages_move_each_case_once_though_web_processes_are_killed(
    house: Installation,
) -> None:
    me = dispatcher()
    numbers = [handled(me, filed(me)) for _ in range(100)]
    work = numbers * 10
    random.Random(7).shuffle(work)
    answers: list[tuple[str, int, bytes]] = []
    trouble: list[BaseException] = []

    def send(share: list[str]) -> None:
        client = Client(house)
        try:
            for number in share:
                answers.append((number, *client.send(f"same-{number}", number)))
        except BaseException as error:  # told to the test, which runs in another thread
            trouble.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=send, args=(work[k::8],)) for k in range(8)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for at, kill in ((150, kill_a_child), (400, kill_the_server), (650, kill_a_child)):
        assert until(lambda at=at: len(answers) > at or bool(trouble), seconds=PATIENCE)  # type: ignore[misc]
        kill(house)
    for thread in threads:
        thread.join(PATIENCE)
    took = time.monotonic() - began

    assert trouble == []
    assert len(answers) == 1000
    assert until(lambda: left_waiting(numbers) == 0, seconds=PATIENCE), (
        f"{left_waiting(numbers)} were never moved"
    )
    told = {
        number: {(status, body) for name, status, body in answers if name == number} for number in numbers
    }
    assert {len(each) for each in told.values()} == {1}, "the same message, the same answer"
    received = received_by(numbers)
    assert received == Counter(dict.fromkeys(numbers, 1)), "one message moved one wait once"
    assert whole() == []
    print(f"1,000 messages, 100 distinct, 3 kills: {took:.1f} s, {1000 / took:.0f}/s")


def left_waiting(numbers: list[str]) -> int:
    with db.reading() as session:
        return int(session.scalar(select(func.count()).select_from(waits).where(waits.c.key.in_(numbers))))


def received_by(numbers: list[str]) -> Counter[str]:
    """How often the chain of each case tells of a message."""
    from app.audit.chain import case_chain

    rows = (
        select(cases.c.external_no, case_chain.c.events)
        .join(case_chain, case_chain.c.case_id == cases.c.id)
        .where(cases.c.external_no.in_(numbers))
    )
    found: Counter[str] = Counter()
    with db.reading() as session:
        for row in session.execute(rows):
            found[row.external_no] += sum(e["name"] == "message.received" for e in orjson.loads(row.events))
        states = set(session.execute(select(inbound.c.state).where(inbound.c.key.in_(numbers))).scalars())
    assert states == {"delivered"}
    return found


class Client:
    """A partner that asks again with the same id until somebody answers for good."""

    def __init__(self, house: Installation) -> None:
        self.address = house.address
        self.token = tokens("city")["city"]
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, message_id: str, number: str) -> tuple[int, bytes]:
        body = {
            "name": "city.callback",
            "correlationKey": number,
            "messageId": message_id,
            "data": {"solved": True},
        }
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                status, answer = self._once(orjson.dumps(body))
            except (OSError, http.client.HTTPException):
                self.close()
            else:
                again = status == 503 or (status == 409 and b"message-in-flight" in answer)
                if not again:
                    return status, answer
            time.sleep(0.05)
        raise TimeoutError(message_id)

    def _once(self, raw: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self.address, timeout=10)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self._connection.request("POST", "/api/v1/messages", raw, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


def test_the_file_of_this_test_is_the_one_the_processes_read(house: Installation) -> None:
    assert Path(house.environ["HUYING_CONNECTORS"]).read_text().startswith("city12345:")
