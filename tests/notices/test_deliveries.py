"""Who looks after channels sees what became of each notice, not what it says, and sends dead ones again."""

import pytest

from app.cases.urging import service as urging
from app.core import db
from app.notices import carrying, folding
from app.notices.channels import Undelivered
from app.notices.models import notice_deliveries
from tests import world as worlds
from tests.notices.test_carrying import PHONE, Phone, phone  # noqa: F401  # a fixture
from tests.world import World


@pytest.fixture
def world(database: db.Database, phone: Phone) -> World:  # noqa: F811
    """cgw1 wants short messages, and one of his is dead."""
    made = worlds.build(database)
    body = {"channels": ["sms"], "digest": True, "quiet": False, "classes": {}}
    assert made.put("cgw1", "/notice-settings", body, seen=0).status_code == 200
    urging.urge(made.actor("duban1"), made.dispatched()["id"], f"请联系 {PHONE}")
    folding.fold_due()
    phone.fails = [Undelivered("号码停机") for _ in range(6)]
    for _ in range(6):
        carrying.carry("sms", phone, "here")
        made.wait(hours=1)
    return made


def test_a_dead_one_is_listed_without_its_words_and_goes_again_with_the_same_id(
    world: World,
    phone: Phone,  # noqa: F811
) -> None:
    (item,) = world.get("liucheng1", "/notice-deliveries?state=dead").json["items"]
    assert (item["person"], item["channel"], item["classLabel"]) == ("城管委值班员", "sms", "催办")
    assert (item["attempts"], item["lastError"]) == (6, "号码停机")
    assert PHONE not in str(item)

    again = world.post("liucheng1", f"/notice-deliveries/{item['id']}/redeliver", {})
    carrying.carry("sms", phone, "here")
    twice = world.post("liucheng1", f"/notice-deliveries/{item['id']}/redeliver", {})

    assert (again.status_code, again.json["state"], again.json["attempts"]) == (200, "pending", 0)
    assert {message.id for message in phone.got} == {item["id"]}
    assert world.row(notice_deliveries, item["id"])["state"] == "sent"
    assert (twice.status_code, twice.json["type"]) == (409, "/problems/delivery-not-dead")


def test_only_who_may_and_only_of_the_own_units(world: World) -> None:
    (row,) = world.rows(notice_deliveries)
    world.appoint("zjw1", "supervisor", "d1-zjw")

    assert world.get("cgw1", "/notice-deliveries").status_code == 403
    assert world.post("cgw1", f"/notice-deliveries/{row['id']}/redeliver", {}).status_code == 403
    assert world.get("zjw1", "/notice-deliveries").json["items"] == []
    assert world.post("zjw1", f"/notice-deliveries/{row['id']}/redeliver", {}).status_code == 404
    assert world.row(notice_deliveries, row["id"])["state"] == "dead"
