"""A message comes in: it is kept once, reaches exactly whom it is meant for, or lies until somebody waits."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.cases.advance import advance
from app.cases.commands import Deliver
from app.cases.models import cases, incidents, waits
from app.core import db
from app.crypto.sealed import open_
from app.exchange import delivering, parking
from app.exchange import inbound as door
from app.exchange.delivering import AlreadyDelivered
from app.exchange.models import inbound
from app.identity.actor import SYSTEM
from tests.exchange.conftest import MESSAGES, TALKS, Configure, talks
from tests.world import Row, World, build, numbered, statements

ids = iter(range(1, 1_000_000))


def waiting(world: World, number: str = "BJ-1", by: str = "paiqian1") -> Row:
    """A case that waits for the city's word."""
    case = filed(world, number, by)
    handle(world, case)
    return case


def filed(world: World, number: str, by: str = "paiqian1") -> Row:
    return world.file(by, process=TALKS, external_no=number).case


def handle(world: World, case: Row) -> None:
    (task,) = world.inbox_of(case)
    world.complete("paiqian1", task)


def callback(world: World, number: str = "BJ-1", by: str = "city", **about: Any) -> TestResponse:
    body = {
        "name": "city.callback",
        "correlationKey": number,
        "messageId": f"m-{next(ids)}",
        "data": {"solved": True, "caller": {"name": "市民甲"}},
    }
    return world.post(by, "/messages", {**body, **about}, headers={"Idempotency-Key": ""})


def dispatch(world: World, number: str = "BJ-9", **about: Any) -> TestResponse:
    data = {
        "title": "路灯不亮",
        "content": "乙社区3号楼前路灯不亮。",
        "level": "一般",
        "receivedAt": "2026-03-02T09:00:00+08:00",
        "location": {"communityCode": "d1-s1-c2"},
    }
    return callback(world, number, name="city.dispatch", data={**data, **about.pop("data", {})}, **about)


def carry(world: World, **step: float) -> None:
    """The postman's rounds, after some time."""
    if step:
        world.wait(**step)
    parking.find_missed()
    parking.deliver_due()
    parking.expire()


# — delivered —


def test_a_message_reaches_the_case_that_waits_for_it_and_its_values_become_data(world: World) -> None:
    case = waiting(world)

    answer = callback(world)

    assert answer.status_code == 200
    told = answer.get_json()
    assert told["state"] == "delivered"
    assert told["cases"] == [{"id": case["id"], "number": case["number"]}]
    after = world.case(case["id"])
    assert (after["data"]["solved"], after["data"]["caller"]) == (True, "市民甲")
    assert world.rows(waits) == []
    assert [task["step"] for task in world.inbox_of(case)] == ["archive"]
    texts = [
        each["text"]
        for row in world.get("paiqian1", f"/cases/{case['id']}/timeline").get_json()["items"]
        for each in row["events"]
    ]
    assert "收到消息“city.callback”" in texts


def test_the_same_message_again_gets_the_same_bytes_and_does_nothing(world: World) -> None:
    waiting(world)
    body = {"messageId": "m-once"}

    first = callback(world, **body)
    before = world.rows(cases)[0]
    again = [callback(world, **body) for _ in range(3)]

    assert {each.data for each in again} == {first.data}
    assert {each.status_code for each in again} == {200}
    assert world.rows(cases)[0] == before
    assert len(world.rows(inbound)) == 1


def test_another_content_under_the_same_id_is_refused(world: World) -> None:
    waiting(world)
    callback(world, messageId="m-once")

    other = callback(world, messageId="m-once", data={"solved": False})

    assert (other.status_code, other.get_json()["type"]) == (409, "/problems/message-id-reused")


def test_what_messages_yaml_does_not_name_is_kept_and_not_shown_to_the_case(world: World) -> None:
    case = waiting(world)

    callback(
        world, data={"solved": False, "mood": "生气", "caller": {"name": "市民乙", "phone": "10000000000"}}
    )

    assert world.case(case["id"])["data"]["solved"] is False
    assert "mood" not in world.case(case["id"])["data"]
    (row,) = world.rows(inbound)
    assert "生气".encode() not in row["body"].data
    with db.reading() as session:
        assert "生气" in open_(session, delivering.place("city", row["message_id"]), row["body"]).decode()
    assert "生气" not in callback(world, messageId="m-x").get_data(as_text=True)


def test_a_wrong_field_is_named_as_it_was_sent_and_nothing_is_kept(world: World) -> None:
    waiting(world)

    wrong = callback(world, messageId="m-1", data={"solved": "是", "caller": {"name": 7}})
    right = callback(world, messageId="m-1")

    assert wrong.status_code == 422
    assert [(each["pointer"], each["code"]) for each in wrong.get_json()["errors"]] == [
        ("/data/solved", "not-a-boolean"),
        ("/data/caller/name", "not-text"),
    ]
    assert right.status_code == 200, "whoever was refused may use the id again"


@pytest.mark.parametrize(
    ("about", "status", "kind"),
    [
        ({"name": "city.calback"}, 404, "message-unknown"),
        ({"name": "city.reply"}, 404, "message-unknown"),
        ({"name": "City Callback"}, 422, "fields-refused"),
        ({"messageId": "m 1"}, 422, "fields-refused"),
        ({"messageId": ""}, 422, "fields-refused"),
        ({"correlationKey": ""}, 422, "fields-refused"),
        ({"ttl": "P31D"}, 422, "message-wrong"),
        ({"ttl": "P3WD"}, 422, "message-wrong"),
        ({"ttl": "soon"}, 422, "message-wrong"),
        ({"data": []}, 422, "fields-refused"),
        ({"status": "done"}, 422, "fields-refused"),
    ],
)
def test_a_message_that_cannot_be_is_refused_in_plain_words(
    world: World, about: Row, status: int, kind: str
) -> None:
    answer = callback(world, **about)

    assert (answer.status_code, answer.get_json()["type"]) == (status, f"/problems/{kind}")
    assert world.rows(inbound) == []


def test_an_unknown_message_is_told_which_ones_there_are(world: World) -> None:
    answer = callback(world, name="city.calback").get_json()

    assert answer["known"] == ["city.callback", "city.dispatch"]
    assert "是不是 city.callback" in answer["detail"]


def test_only_who_may_send_messages_sends_them(world: World) -> None:
    waiting(world)

    refused = callback(world, by="paiqian1")

    assert (refused.status_code, refused.get_json()["permission"]) == (403, "message:send")


def test_another_partner_s_case_with_the_same_number_is_out_of_reach(world: World) -> None:
    with db.transaction() as session:
        session.connection.exec_driver_sql("update people set kind = 'service' where login = 'dongjie1'")
    other = filed(world, "BJ-1", by="dongjie1")
    (task,) = world.inbox_of(other)
    world.complete("paiqian1", task)

    answer = callback(world)

    assert answer.status_code == 202
    assert [wait["case_id"] for wait in world.rows(waits)] == [other["id"]]


# — started —


def test_a_dispatch_files_a_case_with_what_it_brings(world: World) -> None:
    answer = dispatch(world, "BJ-7")

    assert answer.status_code == 200
    (case,) = world.rows(cases)
    assert answer.get_json()["cases"] == [{"id": case["id"], "number": case["number"]}]
    assert (case["source"], case["external_no"], case["title"], case["place_unit"]) == (
        "city",
        "BJ-7",
        "路灯不亮",
        "d1-s1-c2",
    )
    assert case["received_at"].isoformat() == "2026-03-02T01:00:00+00:00"
    assert case["data"] == {"content": "乙社区3号楼前路灯不亮。", "level": "一般"}
    assert [task["step"] for task in world.inbox_of(case)] == ["handle"]


def test_a_second_dispatch_of_the_same_number_is_told_where_the_first_one_is(world: World) -> None:
    first = dispatch(world, "BJ-7", messageId="d-1").get_json()["cases"][0]

    again = dispatch(world, "BJ-7", messageId="d-1")
    second = dispatch(world, "BJ-7", messageId="d-2")

    assert again.status_code == 200
    assert (second.status_code, second.get_json()["type"]) == (409, "/problems/already-filed")
    assert second.get_json()["link"] == f"/api/v1/cases/{first['id']}"
    assert len(world.rows(cases)) == 1
    assert len(world.rows(inbound)) == 1, "what was refused is not kept"


def test_a_dispatch_with_wrong_content_files_nothing(world: World) -> None:
    answers = [
        dispatch(world, data={"level": "很急"}),
        dispatch(world, data={"title": " "}),
        dispatch(world, data={"location": {"communityCode": "d9"}}),
        dispatch(world, data={"receivedAt": "2199-01-01T00:00:00+08:00"}),
    ]

    told = [(each.status_code, [error["pointer"] for error in each.get_json()["errors"]]) for each in answers]
    assert told == [
        (422, ["/data/level"]),
        (422, ["/data/title"]),
        (422, ["/data/location/communityCode"]),
        (422, ["/receivedAt"]),
    ]
    assert world.rows(cases) == []
    assert world.rows(inbound) == []


def test_a_message_in_the_partner_s_own_words_is_translated_by_its_connector(
    world: World, configure: Configure
) -> None:
    configure(city12345={"url": "http://127.0.0.1:9/", "account": "city"})
    theirs = {
        "bt": "路灯不亮",
        "question": "不亮",
        "jjcd": "2",
        "startTime": "2026-03-02 09:00:00",
        "community": "d1-s1-c1",
    }

    started = callback(world, "BJ-8", name="city.dispatch", data=theirs)
    wrong = callback(world, "BJ-6", name="city.dispatch", data={**theirs, "jjcd": "9"})
    (task,) = world.inbox_of(world.rows(cases)[0])
    world.complete("paiqian1", task)
    moved = callback(world, "BJ-8", data={"jjqk": "1", "name": "市民丙"})

    case = world.rows(cases)[0]
    assert (started.status_code, moved.status_code) == (200, 200)
    assert (case["place_unit"], case["data"]["level"]) == ("d1-s1-c1", "紧急")
    assert (case["data"]["solved"], case["data"]["caller"]) == (True, "市民丙")
    assert [each["pointer"] for each in wrong.get_json()["errors"]] == ["/data/jjcd"]


# — parked —


def test_a_message_nobody_waits_for_is_parked_and_delivered_when_somebody_does(world: World) -> None:
    case = filed(world, "BJ-1")

    early = callback(world, messageId="m-early")
    carry(world, seconds=2)
    handle(world, case)
    carry(world)

    assert early.status_code == 202
    assert early.get_json()["state"] == "parked"
    assert world.case(case["id"])["data"]["solved"] is True
    row = world.rows(inbound)[0]
    assert (row["state"], row["case_id"]) == ("delivered", case["id"])
    again = callback(world, messageId="m-early")
    assert (again.status_code, again.data) == (202, early.data), "the first answer, whatever happened since"
    receipt = world.get("city", f"/receipts/{early.get_json()['receiptId']}").get_json()
    assert (receipt["state"], receipt["caseNumber"]) == ("delivered", case["number"])


def test_the_pair_that_missed_each_other_finds_each_other(world: World) -> None:
    case = waiting(world)
    with db.transaction() as session:  # as if the wait had been opened while the message was being parked
        kept = session.execute(waits.select()).mappings().one()
        session.execute(waits.delete())
    assert callback(world).status_code == 202
    carry(world, seconds=2)
    with db.transaction() as session:
        session.execute(waits.insert(), dict(kept))

    assert world.rows(inbound)[0]["next_at"] is None
    carry(world)

    assert world.case(case["id"])["data"]["solved"] is True


def test_what_nobody_came_for_in_its_time_is_expired_and_an_incident_says_so(world: World) -> None:
    assert callback(world, ttl="PT1H").status_code == 202
    carry(world, minutes=59)
    assert world.rows(incidents) == []

    carry(world, minutes=2)
    waiting(world)
    carry(world)

    row = world.rows(inbound)[0]
    assert (row["state"], row["next_at"]) == ("expired", None)
    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["element"], incident["process_key"]) == (
        "message-expired",
        "city.callback",
        TALKS,
    )
    assert "没有等到" in incident["explanation"]
    shown = world.get("duban1", "/messages?state=expired").get_json()["items"]
    assert [(each["correlationKey"], each["state"]) for each in shown] == [("BJ-1", "expired")]


def test_a_person_may_try_an_expired_message_again(world: World) -> None:
    callback(world, ttl="PT1H")
    carry(world, hours=2)
    case = waiting(world)
    row = world.rows(inbound)[0]

    nobody = world.post("cgw1", f"/messages/{row['id']}/retry", {"reason": "试试"})
    answer = world.post("duban1", f"/messages/{row['id']}/retry", {"reason": "编号已核对"})
    carry(world)
    again = world.post("duban1", f"/messages/{row['id']}/retry", {"reason": "再来一次"})

    assert nobody.status_code == 403
    assert (answer.status_code, answer.get_json()["state"]) == (200, "received")
    assert world.case(case["id"])["data"]["solved"] is True
    assert again.get_json()["type"] == "/problems/message-settled"


def test_a_parked_message_of_a_closed_account_is_refused_when_its_time_comes(world: World) -> None:
    case = filed(world, "BJ-1")
    callback(world)
    carry(world, seconds=2)
    with db.transaction() as session:
        session.connection.exec_driver_sql("update people set state = 'disabled' where login = 'city'")

    handle(world, case)
    carry(world)

    assert world.rows(inbound)[0]["state"] == "refused"
    assert [each["kind"] for each in world.rows(incidents)] == ["message-failed"]
    assert [wait["case_id"] for wait in world.rows(waits)] == [case["id"]]


def test_delivered_messages_are_forgotten_after_a_month_and_others_are_not(world: World) -> None:
    waiting(world)
    callback(world)
    callback(world, ttl="P30D")
    world.wait(days=31)
    parking.expire()

    gone = parking.forget_delivered()

    assert gone == 1
    assert [row["state"] for row in world.rows(inbound)] == ["expired"]


# — several —


def several(database: db.Database, rule: str) -> World:
    """Three cases of one unit whose word they all wait for."""
    text = MESSAGES.replace(
        "city.callback: {direction: in, key: externalNo, several: oldest",
        "city.callback: {direction: in, key: level" + rule,
    )
    world = build(database, talks(messages=text))
    for number in ("BJ-1", "BJ-2", "BJ-3"):
        assert dispatch(world, number).status_code == 200
        handle(world, world.rows(cases, external_no=number)[0])
        world.wait(seconds=1)
    return world


def solved(world: World) -> list[bool | None]:
    rows = sorted(world.rows(cases), key=lambda case: case["external_no"])
    return [row["data"].get("solved") for row in rows]


def test_the_one_that_has_waited_longest_gets_it(database: db.Database) -> None:
    world = several(database, ", several: oldest")

    answer = callback(world, "一般")

    assert len(answer.get_json()["cases"]) == 1
    assert solved(world) == [True, None, None]


def test_everybody_who_waits_gets_it_once(database: db.Database) -> None:
    world = several(database, ", several: all")

    answer = callback(world, "一般", messageId="m-all")
    again = callback(world, "一般", messageId="m-all")

    assert answer.status_code == 200
    assert len(answer.get_json()["cases"]) == 3
    assert again.data == answer.data
    assert solved(world) == [True, True, True]
    assert [
        row["part"] for row in sorted(world.rows(inbound, name="city.callback"), key=lambda row: row["part"])
    ] == [0, 1, 2]


def test_one_of_several_that_cannot_take_it_keeps_the_others_from_nothing(
    database: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = several(database, ", several: all")
    broken = world.rows(cases, external_no="BJ-2")[0]["id"]
    monkeypatch.setattr(delivering, "advance", failing_for(broken))

    answer = callback(world, "一般")
    monkeypatch.undo()
    states = solved(world)
    carry(world, seconds=2)

    assert (answer.status_code, answer.get_json()["state"]) == (202, "received")
    assert states == [True, None, True]
    assert solved(world) == [True, True, True]


def failing_for(case_id: str) -> Callable[..., Any]:
    def failing(command: Deliver, actor: Any) -> Any:
        if command.case_id == case_id:
            raise RuntimeError("broken")
        return advance(command, actor)

    return failing


def test_where_the_process_does_not_say_who_nobody_gets_it(database: db.Database) -> None:
    world = several(database, "")

    answer = callback(world, "一般")

    assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/several-waiting")
    assert solved(world) == [None, None, None]
    assert {row["name"] for row in world.rows(inbound)} == {"city.dispatch"}


def test_a_parked_message_that_several_want_is_refused_with_an_incident(database: db.Database) -> None:
    world = several(database, "")
    with db.transaction() as session:
        kept = [dict(row) for row in session.execute(waits.select()).mappings()]
        session.execute(waits.delete())
    callback(world, "一般")
    with db.transaction() as session:
        session.execute(waits.insert(), kept)

    carry(world, seconds=2)

    assert [row["state"] for row in world.rows(inbound, name="city.callback")] == ["refused"]
    assert [each["kind"] for each in world.rows(incidents)] == ["message-ambiguous"]


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
