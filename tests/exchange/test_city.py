"""The played city: what it does follows from its seed and its journal, and it speaks to the district as partners do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug.test import Client

from app.cases.models import cases
from app.core import clock
from app.demo.city import City, Journal, Letter, Pace, verdict
from app.demo.partner_door import city_door
from app.exchange import parking
from app.exchange.client import Answer
from app.exchange.endpoints import Endpoint, configured
from app.exchange.models import inbound, outbox
from app.exchange.sending import send_next
from tests.exchange.conftest import Configure
from tests.world import World

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
PACE = Pace(every=60, back=20, urge=300, most_open=3)


class District:
    """Takes everything and remembers it, unless the test says otherwise."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answer: tuple[int, dict[str, Any]] = (200, {})

    def send(self, letter: Letter) -> tuple[int, dict[str, Any]]:
        self.letters.append(letter)
        return self.answer

    def names(self) -> list[str]:
        return [letter["name"] for letter in self.letters]


@pytest.fixture
def district() -> District:
    return District()


def city(district: Any, tmp_path: Path, pace: Pace = PACE) -> City:
    return City("seed-1", pace, Journal(tmp_path / "city.jsonl"), district.send, NOW)


def at(seconds: float) -> float:
    return NOW.timestamp() + seconds


def reply(number: str, name: str = "r-1") -> Letter:
    return {"messageId": name, "seq": 1, "type": "close", "data": {"gdbh": number, "reply": "已处理"}}


def test_it_dispatches_at_its_pace_and_stops_when_nobody_answers(district: District, tmp_path: Path) -> None:
    one = city(district, tmp_path)

    for second in range(0, 300, 10):
        one.look(at(second))

    dispatched = [letter["correlationKey"] for letter in district.letters]
    assert district.names() == ["city.dispatch"] * 3, "three are open: no more are sent"
    assert len(set(dispatched)) == 3
    assert set(district.letters[0]["data"]) >= {"gdbh", "bt", "question", "phone", "community", "jjcd"}


def test_the_same_seed_dispatches_the_same_orders(tmp_path: Path) -> None:
    first, second = District(), District()
    (tmp_path / "b").mkdir()

    city(first, tmp_path).look(at(0))
    city(second, tmp_path / "b").look(at(0))

    assert first.letters == second.letters


def test_started_again_it_goes_on_where_it_was(district: District, tmp_path: Path) -> None:
    before = city(district, tmp_path)
    before.look(at(0))
    number = district.letters[0]["correlationKey"]
    before.take(reply(number), at(5))
    with (tmp_path / "city.jsonl").open("ab") as file:
        file.write(b'{"kind": "receiv')  # killed in the middle of a line

    after = city(district, tmp_path)
    after.look(at(30))
    after.look(at(31))
    again = city(district, tmp_path)
    again.look(at(61))

    assert district.names() == ["city.dispatch", "city.callback", "city.dispatch"]
    assert district.letters[1]["messageId"] == "r-1-callback"
    assert district.letters[2]["correlationKey"] != number


def test_what_the_district_declined_is_neither_urged_nor_called_back(
    district: District, tmp_path: Path
) -> None:
    one = city(district, tmp_path)
    one.look(at(0))
    number = district.letters[0]["correlationKey"]

    said = one.take({"messageId": "r-9", "seq": 1, "type": "reject", "data": {"gdbh": number}}, at(5))
    one.look(at(50_000))

    assert said["code"] == "0000"
    assert {letter["correlationKey"] for letter in district.letters[1:]}.isdisjoint({number})


def test_what_nobody_answered_is_sent_again_with_the_same_id(district: District, tmp_path: Path) -> None:
    one = city(district, tmp_path)
    for answer in (
        (0, {}),
        (503, {"type": "/problems/overloaded"}),
        (409, {"type": "/problems/message-in-flight"}),
    ):
        district.answer = answer
        one.look(at(0))
    district.answer = (202, {"state": "received"})
    one.look(at(1))
    one.look(at(2))

    assert len(district.letters) == 4
    assert len({orjson.dumps(letter) for letter in district.letters}) == 1


def test_what_the_district_refuses_for_good_is_written_down_and_left(
    district: District, tmp_path: Path
) -> None:
    one = city(district, tmp_path)
    district.answer = (422, {"type": "/problems/message-wrong", "detail": "填写内容有误"})

    one.look(at(0))
    one.look(at(1))
    district.answer = (200, {})
    one.look(at(60))

    assert district.letters[0]["messageId"] != district.letters[1]["messageId"]
    kinds = [entry["kind"] for entry in Journal(tmp_path / "city.jsonl").entries()]
    assert kinds == ["begun", "refused", "skipped", "dispatched"]


def test_it_urges_what_is_not_answered_and_stops_where_urging_is_unknown(
    district: District, tmp_path: Path
) -> None:
    one = city(district, tmp_path, Pace(every=1e12, back=20, urge=300))
    one.look(at(0))
    for second in range(0, 2000, 50):
        one.look(at(second))
    urges = [letter for letter in district.letters if letter["name"] == "city.urge"]
    assert [letter["data"]["cbcs"] for letter in urges] == [1, 2]

    other = District()
    (tmp_path / "b").mkdir()
    deaf = city(other, tmp_path / "b", Pace(every=1e12, back=20, urge=300))
    deaf.look(at(0))
    other.answer = (404, {"type": "/problems/message-unknown"})
    for second in range(0, 2000, 50):
        deaf.look(at(second))
    assert other.names().count("city.urge") == 1


def test_a_reply_is_taken_once_and_called_back_about_once(district: District, tmp_path: Path) -> None:
    one = city(district, tmp_path, Pace(every=1e12, back=20, urge=300))
    one.look(at(0))
    number = district.letters[0]["correlationKey"]
    door = Client(city_door(one))

    answers = [door.post("/orders", json=reply(number)).get_json() for _ in range(3)]
    for later in (19, 21, 60):
        one.look(clock.wall().timestamp() + later)

    assert answers == [{"code": "0000", "data": {"gdbh": number}}] * 3
    assert district.names() == ["city.dispatch", "city.callback"]
    assert set(district.letters[1]["data"]) <= {"lxqk", "jjqk", "mydpj", "bmyyy"}


def test_the_door_can_be_told_to_misbehave(district: District, tmp_path: Path) -> None:
    door = Client(city_door(city(district, tmp_path)))
    door.post("/behave", json={"next": ["500", "refuse:编号不存在"]})

    answers = [door.post("/orders", json=reply("SL-1")) for _ in range(3)]
    nameless = door.post("/orders", json={"messageId": "x", "data": {}})
    wrong = [door.post("/orders", data=b"<xml/>"), door.post("/behave", data=b"["), door.get("/orders")]

    assert [each.status_code for each in answers] == [500, 200, 200]
    assert answers[1].get_json() == {"code": "0001", "message": "编号不存在"}
    assert answers[2].get_json()["code"] == "0000"
    assert nameless.get_json()["code"] == "0001"
    assert [each.status_code for each in wrong] == [400, 400, 404]
    assert "收到回复 1 条" in door.get("/").get_data(as_text=True)


def test_callers_mostly_are_reached_and_mostly_are_content() -> None:
    said = [verdict("seed-1", f"SL-{n}", 0) for n in range(1000)]

    assert 960 <= sum(each["contact"] for each in said) <= 1000
    assert 780 <= sum(each["solved"] for each in said) <= 920
    assert all(each["solved"] or each["reason"] for each in said if each["contact"])
    assert said == [verdict("seed-1", f"SL-{n}", 0) for n in range(1000)]


@pytest.mark.requirement("SJS-085")
def test_an_order_of_the_city_goes_all_the_way_round(
    world: World, configure: Configure, tmp_path: Path
) -> None:
    """派单 → 办理 → 办结回复, refused once and then taken → 回访 → the case goes on."""
    configure(city12345={"url": "http://127.0.0.1:9/orders", "account": "city", "stub": True})

    def to_us(letter: Letter) -> tuple[int, dict[str, Any]]:
        answer = world.post("city", "/messages", letter)
        return answer.status_code, answer.get_json()

    class Us:
        send = staticmethod(to_us)

    one = city(Us, tmp_path, Pace(every=1e12, back=20, urge=1e9))
    door = city_door(one)

    def to_city(endpoint: Endpoint, body: bytes, headers: Any, **_: Any) -> Answer:
        answer = Client(door).post("/orders", data=body, headers=dict(headers))
        return Answer(answer.status_code, answer.get_data())

    one.look(at(0))
    (case,) = world.rows(cases)
    assert (case["source"], case["external_no"]) == ("city", next(iter(one.orders)))
    (task,) = world.inbox_of(case)
    world.complete("paiqian1", task)

    door.next.extend(["refuse:系统忙", "500"])
    while any(row["state"] != "sent" for row in world.rows(outbox)):
        send_next(configured()["city12345"], "worker", to_city)
        world.wait(seconds=2)
    assert len(next(iter(one.orders.values())).replies) == 1
    one.look(clock.wall().timestamp() + 100)
    parking.deliver_due()

    assert world.case(case["id"])["data"]["solved"] is not None
    assert [row["state"] for row in world.rows(inbound)] == ["delivered"] * 2
    assert [task["step"] for task in world.inbox_of(case)] == ["archive"]
