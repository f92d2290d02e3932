"""Short messages, WeChat and mail: gateways in the file of endpoints, which get a login and no number."""

import pytest

from app.cases.urging import service as urging
from app.core import db
from app.exchange import endpoints, gateways, health
from app.notices import carrying, channels, folding
from app.notices.models import notice_deliveries
from tests import world as worlds
from tests.exchange.conftest import Configure
from tests.exchange.partner import Partner, says
from tests.world import World

PHONE = "13800001234"


@pytest.fixture
def world(database: db.Database, city: Partner, configure: Configure) -> World:
    """cgw1 wants short messages and mail; the gateway of mail is somebody else's."""
    made = worlds.build(database)
    configure(
        sms={"url": city.url, "adapter": "sms"},
        mail={"url": city.url, "adapter": "mail", "on": False},
        city12345=city.url,
    )
    body = {"channels": ["sms"], "digest": True, "quiet": False, "classes": {}}
    assert made.put("cgw1", "/notice-settings", body, seen=0).status_code == 200
    return made


def urged(world: World) -> None:
    task = world.dispatched()
    urging.urge(world.actor("duban1"), task["id"], f"请联系 {PHONE}")
    folding.fold_due()


def carry() -> int:
    return carrying.carry("sms", channels.available()["sms"], "here")


def states(world: World) -> list[tuple[str, int, str | None]]:
    return [(row["state"], row["attempts"], row["last_error"]) for row in world.rows(notice_deliveries)]


def test_a_gateway_is_a_channel_and_no_receiver_of_messages(world: World) -> None:
    assert sorted(gateways.offered()) == ["sms"]
    assert endpoints.sendable() == ("city12345",)
    offered = world.get("cgw1", "/notice-settings").json["available"]
    assert {"channel": "sms", "label": "短信"} in offered
    refused = world.put(
        "cgw1", "/notice-settings", {"channels": ["mail"], "digest": True, "quiet": True}, seen=1
    )
    assert refused.json["errors"][0]["code"] == "channel-unknown"


def test_the_gateway_gets_login_class_and_number_and_nothing_that_anybody_typed(
    world: World, city: Partner
) -> None:
    city.behave = says(200, b"{}")
    urged(world)

    carry()

    (body,) = city.received
    (message,) = body["messages"]
    assert sorted(message) == ["at", "id", "text", "to", "urgent"]
    assert (message["to"], message["urgent"]) == ("cgw1", True)
    assert message["text"].startswith("您有新的催办（")
    assert PHONE not in str(body)
    assert city.headers[0]["Idempotency-Key"] == message["id"]
    assert states(world) == [("sent", 1, None)]


def test_a_gateway_that_fails_holds_up_nobody_and_gets_the_same_message_later(
    world: World, city: Partner
) -> None:
    city.behave = says(503, b"", Retry_After="30")
    urged(world)
    carry()
    waiting = states(world)
    early = carry()
    world.wait(seconds=31)
    city.behave = says(200, b"{}")

    carry()

    assert waiting == [("pending", 0, "对方系统回答 503，现在不能办理。")]
    assert early == 0
    first, second = (body["messages"][0]["id"] for body in city.received)
    assert first == second
    assert states(world) == [("sent", 1, None)]


def test_single_numbers_may_be_refused_while_the_rest_is_taken(world: World, city: Partner) -> None:
    urged(world)
    urged(world)
    (first, second) = (row["id"] for row in world.rows(notice_deliveries))
    refused = b'{"refused": [{"id": "%s", "reason": "no\\nnumber"}, {"id": "x"}, 7]}' % first.encode()
    city.behave = says(200, refused)

    carry()

    found = {row["id"]: (row["state"], row["last_error"]) for row in world.rows(notice_deliveries)}
    assert found == {first: ("pending", "对方没有收下：no number"), second: ("sent", None)}


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"refused": 3}', b"\xff", b"null"])
def test_whatever_else_a_gateway_says_with_its_yes_is_a_yes(
    world: World, city: Partner, answer: bytes
) -> None:
    city.behave = says(202, answer)
    urged(world)

    carry()

    assert states(world) == [("sent", 1, None)]


def test_after_six_failures_in_a_row_nobody_knocks_for_a_while(world: World, city: Partner) -> None:
    city.behave = says(500)
    for _ in range(health.MOST_FAILURES + 1):
        urged(world)
        carry()
        world.wait(seconds=1)
    knocked = len(city.received)

    urged(world)
    carry()

    assert len(city.received) == knocked
    assert "对方多次没有应答，过一会儿再试。" in {why for _, _, why in states(world)}
