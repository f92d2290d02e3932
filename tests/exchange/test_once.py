"""A message is kept once and moves its case once, whoever is killed, repeated or broken in between."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.cases.advance import advance
from app.cases.commands import Deliver
from app.cases.models import incidents, waits
from app.exchange import delivering, parking
from app.exchange import inbound as door
from app.exchange.delivering import AlreadyDelivered
from app.exchange.models import inbound
from app.identity.actor import SYSTEM
from tests.exchange.speaking import callback, carry, failing_for, filed, handle, waiting
from tests.world import World, numbered, statements

# — once, whatever happens —


def test_a_message_moves_its_case_once_though_its_sender_died_after_the_commit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(world)
    with monkeypatch.context() as patch:
        patch.setattr(door, "_answer", die)
        with pytest.raises(Killed):
            callback_in_process(world, "m-1")

    again = callback(world, messageId="m-1")
    carry(world, seconds=60)

    assert again.status_code == 200
    assert [row["state"] for row in world.rows(inbound)] == ["delivered"]
    assert world.rows(incidents) == []


def test_a_message_whose_sender_died_before_it_moved_anything_is_delivered_by_the_postman(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = waiting(world)
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "advance", die)
        with pytest.raises(Killed):
            callback_in_process(world, "m-1")
    assert world.rows(inbound)[0]["state"] == "received"

    carry(world)
    assert world.case(case["id"])["data"].get("solved") is None, "its lease runs"
    carry(world, seconds=51)

    assert world.case(case["id"])["data"]["solved"] is True
    assert callback(world, messageId="m-1").status_code == 200


def test_a_message_whose_sender_died_is_taken_over_when_it_comes_again_after_the_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(world)
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "advance", die)
        with pytest.raises(Killed):
            callback_in_process(world, "m-1")
    monkeypatch.setattr(door, "PATIENCE", 0.1)

    early = callback(world, messageId="m-1")
    world.wait(seconds=51)
    late = callback(world, messageId="m-1")

    assert (early.status_code, early.get_json()["type"]) == (409, "/problems/message-in-flight")
    assert early.headers["Retry-After"] == "1"
    assert late.status_code == 200


class Killed(BaseException):
    """kill -9, as far as a process can play it: nothing catches it, nothing after it runs."""


def die(*_: Any, **__: Any) -> None:
    raise Killed


def callback_in_process(world: World, message_id: str) -> None:
    """The same message as `callback` sends, without the web server's own care for exceptions."""
    raw = (
        b'{"name":"city.callback","correlationKey":"BJ-1","messageId":"'
        + message_id.encode()
        + b'","data":{"solved":true,"caller":{"name":"\xe5\xb8\x82\xe6\xb0\x91\xe7\x94\xb2"}}}'
    )
    message = door.Message(
        "city.callback", "BJ-1", message_id, {"solved": True, "caller": {"name": "市民甲"}}, raw
    )
    door.accept(world.actor("city"), message)


def test_whoever_comes_second_with_the_same_receipt_changes_nothing(world: World) -> None:
    case = waiting(world)
    callback(world)
    (row,) = world.rows(inbound)
    other = waiting(world, "BJ-2")
    (wait,) = world.rows(waits)

    with pytest.raises(AlreadyDelivered):
        advance(Deliver(other["id"], wait["ref"], {"solved": False}, row["id"]), SYSTEM)

    assert [each["case_id"] for each in world.rows(waits)] == [other["id"]]
    assert "solved" not in world.case(other["id"])["data"]
    assert world.case(case["id"])["data"]["solved"] is True


def test_a_message_for_a_process_that_fails_is_kept_tried_again_and_in_the_end_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = waiting(world)
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "advance", failing_for(case["id"]))
        answer = callback(world)
        for pause in (*delivering.WAITS, 0):
            carry(world, seconds=pause)

        row = world.rows(inbound)[0]
        assert (answer.status_code, answer.get_json()["state"]) == (202, "received")
        assert (row["state"], row["attempts"]) == ("refused", delivering.TRIES)
        assert [each["kind"] for each in world.rows(incidents)] == ["message-failed"]

    world.post("duban1", f"/messages/{row['id']}/retry", {"reason": "流程已改正"})
    carry(world)
    assert world.case(case["id"])["data"]["solved"] is True


def test_a_message_that_kills_the_postman_every_time_is_refused_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = filed(world, "BJ-1")
    callback(world)
    carry(world, seconds=2)
    handle(world, case)
    monkeypatch.setattr(delivering, "advance", die)

    for _ in range(delivering.TRIES):
        with pytest.raises(Killed):
            parking.deliver_due()
        world.wait(seconds=51)
    parking.deliver_due()

    row = world.rows(inbound)[0]
    assert (row["state"], row["last_error"]) == ("refused", "办理这条消息的进程几次中途退出，没有留下原因。")
    assert [each["kind"] for each in world.rows(incidents)] == ["message-failed"]


@pytest.mark.promise("P2")
def test_messages_repeated_in_parallel_have_one_effect_each(world: World) -> None:
    numbers = [f"BJ-{n}" for n in range(10)]
    found = [waiting(world, number) for number in numbers]
    world.token("city")
    answers: list[TestResponse] = []

    def send(n: int) -> None:
        number = numbers[n % 10]
        answers.append(callback(world, number, messageId=f"same-{number}"))

    threads = [threading.Thread(target=lambda k=k: [send(n) for n in range(k, 200, 4)]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {each.status_code for each in answers} <= {200, 409}
    assert {each.get_json()["type"] for each in answers if each.status_code == 409} <= {
        "/problems/message-in-flight"
    }
    assert len({each.data for each in answers if each.status_code == 200}) == 10
    assert [world.case(case["id"])["data"].get("solved") for case in found] == [True] * 10
    assert [row["state"] for row in world.rows(inbound)] == ["delivered"] * 10
    assert world.rows(waits) == []
    for case in found:
        names = [
            step
            for row in world.get("paiqian1", f"/cases/{case['id']}/timeline").get_json()["items"]
            for step in (event["name"] for event in row["events"])
        ]
        assert names.count("message.received") == 1


def test_who_may_not_read_messages_does_not(world: World) -> None:
    callback(world)
    row = world.rows(inbound)[0]

    listed = world.get("liucheng1", "/messages").get_json()["items"]
    refused = world.get("cgw1", "/messages")
    foreign = world.get("paiqian1", f"/receipts/{row['id']}")
    nobodys = world.get("city", "/receipts/x1")

    assert [each["id"] for each in listed] == [row["id"]]
    assert "data" not in listed[0]
    assert "body" not in listed[0]
    assert (refused.status_code, refused.get_json()["permission"]) == (403, "message:read")
    assert foreign.status_code == 403
    assert nobodys.status_code == 404


def test_a_parked_message_says_until_when_it_lies(world: World) -> None:
    told = callback(world, ttl="PT24H").get_json()

    row = world.rows(inbound)[0]
    assert row["expires_at"] - row["received_at"] == timedelta(hours=24)
    assert told["expiresAt"] is not None
    assert told["cases"] == []


def test_a_message_costs_the_same_however_many_lie_parked(world: World) -> None:
    waiting(world, "BJ-1")
    waiting(world, "BJ-2")
    callback(world, "warm", messageId="m-warm")
    with statements(world.database) as few:
        callback(world, "BJ-1")
    for number in range(50):
        callback(world, f"nobody-{number}")
    with statements(world.database) as many:
        callback(world, "BJ-2")

    assert len(few) == len(many) <= 24, numbered(many)
