"""A message nobody waits for lies until somebody does, or until its time is over; several who wait share it by rule."""

import pytest

from app.cases.models import cases, incidents, waits
from app.core import db
from app.exchange import delivering, parking
from app.exchange.models import inbound
from tests.cases.test_moving_units import DEPARTMENT_MOVED, load
from tests.exchange.conftest import MESSAGES, TALKS, talks
from tests.exchange.speaking import callback, carry, dispatch, failing_for, filed, handle, waiting
from tests.world import World, build

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


@pytest.mark.parametrize("state", ["suspended", "merged"])
def test_a_message_for_a_case_that_rests_lies_until_the_case_goes_on(world: World, state: str) -> None:
    case = waiting(world)
    world.change(cases, case["id"], state=state)

    answer = callback(world)
    carry(world, minutes=2)
    resting = world.case(case["id"])
    world.change(cases, case["id"], state="active")
    carry(world)

    assert (answer.status_code, answer.get_json()["state"]) == (202, "parked")
    assert "solved" not in resting["data"]
    assert world.case(case["id"])["data"]["solved"] is True


def test_what_a_unit_sent_is_seen_from_its_new_place_once_it_moves(world: World) -> None:
    callback(world)
    (row,) = world.rows(inbound)
    world.change(inbound, row["id"], org_path="d1/d1-cgw")

    load(DEPARTMENT_MOVED)

    assert [row["org_path"] for row in world.rows(inbound)] == ["d1/d1-zjw/d1-cgw"]


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
    answer = world.post("duban1", f"/messages/{row['id']}/retry", {"reason": "来电 13800138000 已核对"})
    carry(world)
    again = world.post("duban1", f"/messages/{row['id']}/retry", {"reason": "再来一次"})

    assert nobody.status_code == 403
    assert (answer.status_code, answer.get_json()["state"]) == (200, "received")
    assert world.case(case["id"])["data"]["solved"] is True
    assert again.get_json()["type"] == "/problems/message-settled"
    assert [(i["state"], i["note"]) for i in world.rows(incidents)] == [
        ("resolved", "来电 138****8000 已核对")
    ]


def test_whoever_retries_the_incident_of_expired_messages_has_them_brought_again(world: World) -> None:
    for number in ("BJ-1", "BJ-2"):
        callback(world, number, ttl="PT1H")
    carry(world, hours=2)
    (incident,) = world.rows(incidents)
    assert incident["count"] == 2
    case = waiting(world, "BJ-2")

    world.post("duban1", f"/incidents/{incident['id']}/retry", {"reason": "编号已核对"})
    carry(world)

    assert world.case(case["id"])["data"]["solved"] is True
    assert sorted(row["state"] for row in world.rows(inbound)) == ["delivered", "parked"]


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
