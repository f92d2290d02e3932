"""A message comes in: it reaches exactly whom it is meant for, or starts what it starts, or is refused plainly."""

import pytest

from app.cases.models import cases, waits
from app.core import db
from app.crypto.sealed import open_
from app.exchange import delivering
from app.exchange.models import inbound
from tests.exchange.conftest import Configure
from tests.exchange.speaking import callback, dispatch, filed, waiting
from tests.world import Row, World

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
