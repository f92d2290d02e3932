"""What a case sends is a row first; it reaches its partner once, in order, or is visibly dead."""

import orjson
import pytest

from app.cases.models import incidents
from app.core import clock, db
from app.crypto.sealed import Place, open_
from app.exchange import outbox as box
from app.exchange.client import Answer, Unreachable
from app.exchange.endpoints import configured
from app.exchange.models import endpoint_health, outbox
from app.exchange.sending import send_next
from tests.exchange.conftest import TALKS, Configure
from tests.exchange.partner import Partner, drips, is_endless, is_slow, resets, says
from tests.world import Row, World


def reported(world: World, number: str = "BJ-1") -> Row:
    """A case that has told the city twice and waits for its word."""
    filed = world.file(process=TALKS, external_no=number)
    world.complete("paiqian1", filed.opened[0])
    return filed.case


def rows_of(world: World) -> list[Row]:
    """The outbox, opened, in the order of the cases' numbers and of each case's messages."""
    with db.reading() as session:
        opened = [
            {**row, "body": orjson.loads(open_(session, Place("outbox", "body", row["id"]), row["body"]))}
            for row in world.rows(outbox)
        ]
    return sorted(opened, key=lambda row: (row["body"]["externalNo"], row["seq"]))


def send(name: str = "city12345", **how: object) -> bool:
    return send_next(configured()[name], "worker", **how)  # type: ignore[arg-type]


def test_what_a_case_sends_becomes_rows_in_order_and_in_its_own_words(world: World) -> None:
    case = reported(world)

    rows = rows_of(world)

    assert [(row["seq"], row["message"], row["endpoint"]) for row in rows] == [
        (1, "city.reply", "city12345"),
        (2, "city.more", "city12345"),
    ]
    assert rows[0]["body"] == {"externalNo": "BJ-1", "result": None}
    assert {row["case_id"] for row in rows} == {case["id"]}
    assert {row["state"] for row in rows} == {"held"}, "no system is configured"


def test_rows_wait_until_their_system_is_configured_and_again_when_it_is_switched_off(
    world: World, city: Partner, configure: Configure
) -> None:
    reported(world)

    configure(city12345=city.url)
    with db.transaction() as session:
        box.follow_configuration(session)
    assert {row["state"] for row in rows_of(world)} == {"pending"}

    configure(city12345={"url": city.url, "on": False})
    with db.transaction() as session:
        box.follow_configuration(session)
        assert box.standing(session) == "held"
    assert {row["state"] for row in rows_of(world)} == {"held"}


def test_a_message_reaches_the_partner_in_its_own_language_with_an_id_of_its_own(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345=city.url)
    reported(world)

    assert [send(), send(), send()] == [True, True, False]

    first, second = rows_of(world)
    assert (first["state"], second["state"]) == ("sent", "sent")
    assert city.ids == [first["id"], second["id"]]
    assert {key: value for key, value in city.received[0].items() if key != "sendTime"} == {
        "messageId": first["id"],
        "seq": 1,
        "type": "close",
        "gdzt": "3",
        "data": {"gdbh": "BJ-1", "reply": None},
    }
    assert city.headers[0]["Idempotency-Key"] == first["id"]
    assert city.headers[0]["Host"] == f"127.0.0.1:{city.port}"


def test_a_later_message_of_a_case_waits_for_the_earlier_one_and_other_cases_do_not(
    world: World, city: Partner, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "WAITS", (600, 600))
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    configure(city12345=city.url)
    reported(world, "BJ-1")
    city.behave = says(200, '{"code": "0001", "message": "编号不存在"}'.encode())
    assert send()
    city.behave = says(200)

    reported(world, "BJ-2")
    while send():
        pass

    rows = rows_of(world)
    states = [(row["body"]["externalNo"], row["seq"], row["state"]) for row in rows]
    assert states[1] == ("BJ-1", 2, "pending")
    assert states[2:] == [("BJ-2", 1, "sent"), ("BJ-2", 2, "sent")]
    assert rows[0]["last_error"] == "对方没有收下：0001 编号不存在"


@pytest.mark.parametrize(
    ("behave", "status", "error"),
    [
        (says(500, b""), 500, "对方系统回答 500，现在不能办理。"),
        (says(302, b"", Location="http://169.254.169.254/"), 302, "对方要求转到别的地址（302），没有跟过去。"),
        (says(404, b""), 404, "对方没有收下：回答 404。"),
        (says(200, b"<html>"), 200, "对方没有收下：应答不是约定的格式（缺少 code）"),
        (resets, None, "与对方的连接中断了。"),
        (is_slow(5), None, "对方没有在规定时间内应答。"),
        (drips, None, "对方没有在规定时间内应答。"),
        (is_endless, None, "对方的应答超过 1 MB，没有读完。"),
    ],
)  # fmt: skip
def test_a_failed_try_is_kept_with_its_reason_and_made_again(
    world: World,
    city: Partner,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    behave: object,
    status: int | None,
    error: str,
) -> None:
    monkeypatch.setattr("app.exchange.client.TOTAL", 0.5)
    configure(city12345=city.url)
    reported(world)

    city.behave = behave  # type: ignore[assignment]
    assert send()
    row = rows_of(world)[0]
    city.behave = says(200)
    world.wait(seconds=2)
    assert send()

    assert (row["state"], row["attempts"], row["answer_status"]) == ("pending", 1, status)
    assert row["last_error"] == error
    again = rows_of(world)[0]
    assert (again["state"], again["attempts"], again["last_error"]) == ("sent", 2, None)
    assert city.ids == [row["id"], row["id"]], "the same id at every try"


@pytest.mark.requirement("SJS-085")
def test_after_the_last_try_a_message_is_dead_an_incident_says_so_and_the_case_s_later_ones_wait(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345=city.url)
    case = reported(world)
    city.behave = says(200, b'{"code": "0001", "message": "no"}')

    for pause in (0, *box.WAITS):
        world.wait(seconds=pause)
        assert send()
    assert not send()

    dead, later = rows_of(world)
    assert (dead["state"], dead["attempts"], later["state"]) == ("dead", box.TRIES, "pending")
    listed = world.get("duban1", "/deliveries?state=dead").get_json()["items"]
    assert [(each["message"], each["lastError"]) for each in listed] == [
        ("city.reply", "对方没有收下：0001 no")
    ]
    incident = world.rows(incidents)[0]
    assert (incident["kind"], incident["case_id"], incident["element"]) == (
        "delivery-dead",
        case["id"],
        "city.reply",
    )

    city.behave = says(200)
    answer = world.post("duban1", f"/deliveries/{dead['id']}/redeliver", {"reason": "市级平台已恢复"})
    while send():
        pass
    assert answer.status_code == 200
    assert [row["state"] for row in rows_of(world)] == ["sent", "sent"]
    assert world.get("duban1", "/deliveries?state=dead").get_json()["items"] == []
    assert [each["state"] for each in world.rows(incidents)] == ["resolved"]


def test_whoever_retries_the_incident_of_a_dead_message_has_it_sent_again(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345={"url": city.url, "allow": ["10.0.0.0/8:80"]})
    reported(world)
    assert send()
    (incident,) = world.rows(incidents)

    configure(city12345=city.url)
    answer = world.post("duban1", f"/incidents/{incident['id']}/retry", {"reason": "网段已补上"})
    while send():
        pass

    assert answer.status_code == 200
    assert [row["state"] for row in rows_of(world)] == ["sent", "sent"]


def test_whoever_skips_the_incident_of_a_dead_message_closes_it_and_the_next_one_goes(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345={"url": city.url, "allow": ["10.0.0.0/8:80"]})
    reported(world)
    assert send()
    (incident,) = world.rows(incidents)

    refused = world.post("duban1", f"/incidents/{incident['id']}/resolve", {"reason": "不管它"})
    configure(city12345=city.url)
    answer = world.post("duban1", f"/incidents/{incident['id']}/skip", {"reason": "已电话告知"})
    while send():
        pass

    assert (refused.status_code, "不再发送的，请跳过" in refused.get_json()["detail"]) == (409, True)
    assert (answer.status_code, answer.get_json()["state"]) == (200, "resolved")
    assert [row["state"] for row in rows_of(world)] == ["closed", "sent"]


def test_a_closed_message_is_sent_no_more_and_the_next_one_goes(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345=city.url)
    reported(world)
    first = rows_of(world)[0]

    answer = world.post("duban1", f"/deliveries/{first['id']}/close", {"reason": "已电话告知"})
    again = world.post("duban1", f"/deliveries/{first['id']}/redeliver", {"reason": "还是发吧"})
    while send():
        pass

    assert answer.get_json()["state"] == "closed"
    assert again.status_code == 409
    assert again.get_json()["type"] == "/problems/delivery-settled"
    assert [each["seq"] for each in city.received] == [2]


def test_an_address_that_is_not_approved_is_never_connected_to_and_nobody_retries(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345={"url": city.url, "allow": ["10.0.0.0/8:80"]})
    reported(world)

    assert send()

    row = rows_of(world)[0]
    assert row["state"] == "dead"
    assert "不在许可的网段内" in row["last_error"]
    assert [each["kind"] for each in world.rows(incidents)] == ["delivery-blocked"]
    assert city.received == []


def test_a_door_that_stays_shut_is_knocked_at_once_a_minute_and_uses_up_nobodys_tries(
    world: World, configure: Configure
) -> None:
    configure(city12345="http://127.0.0.1:9/orders")
    for number in range(8):
        reported(world, f"BJ-{number}")

    def shut(*_: object, **__: object) -> Answer:
        raise Unreachable("连不上对方系统。")

    knocks = 0
    while send(post=shut):
        knocks += 1
    assert knocks == 6, "with the sixth failure in a row the door counts as shut"
    world.wait(seconds=45)
    assert not send(post=shut)
    world.wait(seconds=16)
    assert send(post=shut)
    assert not send(post=shut)

    assert world.rows(endpoint_health)[0]["failures"] == 7
    assert sum(row["attempts"] for row in rows_of(world)) == 6, "the knock at the shut door does not count"
    answers = iter([Answer(200, b'{"code": "0000"}')] * 16)
    world.wait(minutes=3)
    while send(post=lambda *_, **__: next(answers)):
        pass
    assert {row["state"] for row in rows_of(world)} == {"sent"}
    assert world.rows(endpoint_health)[0]["failures"] == 0


def test_a_partner_may_ask_to_be_left_alone_for_a_while(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345=city.url)
    reported(world)
    city.behave = says(503, b"", Retry_After="600")

    assert send()
    world.wait(seconds=580)
    assert not send()
    world.wait(seconds=21)
    city.behave = says(200)
    assert send()

    assert rows_of(world)[0]["attempts"] == 1


def test_what_a_killed_worker_held_is_sent_by_the_next_with_the_same_id(
    world: World, city: Partner, configure: Configure
) -> None:
    configure(city12345=city.url)
    reported(world)
    with db.transaction() as session:
        held = box.claim(session, "city12345", "killed")
    assert held is not None
    assert not send(), "its lease runs"

    world.wait(seconds=51)
    assert send()
    late = box.sent(held, 200)

    assert late is False, "whoever slept through his lease changes nothing"
    row = rows_of(world)[0]
    assert (row["state"], row["attempts"], city.ids) == ("sent", 2, [row["id"]])


def test_a_message_that_kills_whoever_sends_it_is_dead_in_the_end(world: World, configure: Configure) -> None:
    configure(city12345="http://127.0.0.1:9/orders")
    reported(world)

    for _ in range(box.TRIES):
        with db.transaction() as session:
            assert box.claim(session, "city12345", "killed") is not None
        world.wait(seconds=51)
    with db.transaction() as session:
        assert box.claim(session, "city12345", "killed") is None

    assert rows_of(world)[0]["state"] == "dead"
    assert [each["kind"] for each in world.rows(incidents)] == ["delivery-dead"]


def test_who_may_not_see_a_case_sees_nothing_of_its_messages(world: World, configure: Configure) -> None:
    configure(city12345="http://127.0.0.1:9/orders")
    reported(world)
    delivery = rows_of(world)[0]["id"]

    missing = world.get("cgw1", "/deliveries")
    hidden = world.post("cgw1", f"/deliveries/{delivery}/redeliver", {"reason": "试试"})
    shown = world.get("liucheng1", "/deliveries").get_json()["items"]

    assert (missing.status_code, missing.get_json()["permission"]) == (403, "delivery:read")
    assert hidden.status_code == 403
    assert [each["state"] for each in shown] == ["pending", "pending"]
    assert all("body" not in each for each in shown)


def test_the_list_of_systems_says_what_waits_for_each(
    world: World, city: Partner, configure: Configure
) -> None:
    reported(world)
    unknown = world.get("duban1", "/endpoints").get_json()["items"]
    ready = world.app.test_client().get("/readyz").get_json()["components"]

    configure(city12345=city.url, other={"url": city.url, "adapter": "plain", "on": False})
    known = world.get("duban1", "/endpoints").get_json()["items"]

    assert [(each["name"], each["state"], each["held"]) for each in unknown] == [
        ("city12345", "not-configured", 2)
    ]
    assert ready["outbox"] == "held"
    assert [(each["name"], each["state"], each["adapter"]) for each in known] == [
        ("city12345", "on", "city12345"),
        ("other", "off", "plain"),
    ]


def test_the_instant_of_a_row_is_the_one_of_its_case(world: World) -> None:
    case = reported(world)

    with db.reading() as session:
        now = clock.now(session)
    assert all(case["opened_at"] <= row["created_at"] <= now for row in rows_of(world))
