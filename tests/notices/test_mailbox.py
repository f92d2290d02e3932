"""The mailbox over HTTP: everybody's own, newest first, with what is unread and what each wants to hear."""

from datetime import timedelta
from typing import Any

import pytest

from app import notices as door
from app.cases.urging import service as urging
from app.core import db
from app.notices import Notice
from app.notices.models import notices
from tests.world import World


def tell(world: World, *people: str, **about: Any) -> None:
    usual = {"kind": "other", "text": "一条通知", "key": "k", "at": world.now(), "quiet": False}
    with db.transaction() as session:
        door.tell(session, [world.actor(name).id for name in people], Notice(**{**usual, **about}))


def test_a_notice_says_what_about_which_case_by_whom_and_is_read_once(world: World) -> None:
    task = world.dispatched()
    urging.urge(world.actor("duban1"), task["id"], "请尽快")

    (item,) = world.get("cgw1", "/notices").json["items"]
    assert (item["class"], item["classLabel"], item["text"]) == ("urged", "催办", "催办：请尽快")
    assert (item["by"], item["urgent"], item["readAt"]) == ("督办员甲", True, None)
    case = world.case(task["case_id"])
    assert (item["case"], item["caseNumber"], item["caseTitle"]) == (case["id"], case["number"], "路灯不亮")
    assert world.get("cgw1", "/notices/counts").json == {
        "unread": {"count": 1, "totalExact": True},
        "urgent": 1,
        "classes": [{"class": "urged", "label": "催办", "count": 1}],
    }
    first = world.post("cgw1", f"/notices/{item['id']}/read", {})
    again = world.post("cgw1", f"/notices/{item['id']}/read", {})
    assert (
        first.json
        == again.json
        == {
            "unread": {"count": 0, "totalExact": True},
            "urgent": 0,
            "classes": [],
        }
    )
    assert world.get("cgw2", "/notices/counts").json["unread"]["count"] == 1


def test_anothers_notice_is_not_found(world: World) -> None:
    tell(world, "cgw1")
    (row,) = world.rows(notices)

    answer = world.post("cgw2", f"/notices/{row['id']}/read", {})

    assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found")
    assert world.row(notices, row["id"])["read_at"] is None


def test_who_sees_the_case_no_more_reads_the_notice_without_number_and_title(world: World) -> None:
    task = world.dispatched()
    tell(world, "ding1", case_id=task["case_id"])

    (item,) = world.get("ding1", "/notices").json["items"]

    assert (item["text"], item["case"], item["caseNumber"], item["caseTitle"]) == (
        "一条通知",
        None,
        None,
        None,
    )


def test_pages_follow_each_other_newest_first_and_a_cursor_is_of_one_view(world: World) -> None:
    begin = world.now() - timedelta(hours=1)
    for n in range(5):
        tell(world, "cgw1", key=str(n), text=f"第{n}条", at=begin + timedelta(minutes=n // 2))

    first = world.get("cgw1", "/notices?limit=2").json
    second = world.get("cgw1", f"/notices?limit=2&after={first['page']['next']}").json
    third = world.get("cgw1", f"/notices?limit=2&after={second['page']['next']}").json
    elsewhere = world.get("cgw1", f"/notices?class=other&after={first['page']['next']}")
    stolen = world.get("cgw2", f"/notices?limit=2&after={first['page']['next']}")

    texts = [item["text"] for page in (first, second, third) for item in page["items"]]
    assert texts == ["第4条", "第3条", "第2条", "第1条", "第0条"]
    assert third["page"]["next"] is None
    assert (elsewhere.status_code, stolen.status_code) == (422, 422)
    assert elsewhere.json["errors"][0]["code"] == "cursor-invalid"


def test_a_notice_lies_ready_and_is_nobodys_news_before_its_time(world: World) -> None:
    tell(world, "cgw1", at=world.now() + timedelta(hours=3))
    (row,) = world.rows(notices)

    before = world.get("cgw1", "/notices").json["items"]
    early = world.post("cgw1", f"/notices/{row['id']}/read", {}).status_code
    counted = world.get("cgw1", "/notices/counts").json["unread"]["count"]
    world.wait(hours=3, seconds=1)
    after = world.get("cgw1", "/notices").json["items"]

    assert (before, early, counted, len(after)) == ([], 404, 0, 1)


def test_all_of_a_class_or_all_until_an_instant_are_read_at_once(world: World) -> None:
    now = world.now()
    tell(world, "cgw1", key="a", kind="urged", at=now - timedelta(minutes=3))
    tell(world, "cgw1", key="b", at=now - timedelta(minutes=2))
    tell(world, "cgw1", key="c", at=now)

    urged = world.post("cgw1", "/notices/read", {"class": "urged"}).json
    until = (now - timedelta(minutes=1)).isoformat()
    some = world.post("cgw1", "/notices/read", {"until": until}).json
    rest = world.post("cgw1", "/notices/read", {}).json

    assert [each["unread"]["count"] for each in (urged, some, rest)] == [2, 1, 0]
    assert [item["readAt"] is None for item in world.get("cgw1", "/notices?unread=true").json["items"]] == []


def test_more_than_999_unread_are_counted_as_such(world: World) -> None:
    from sqlalchemy import insert

    from app.core.ids import new_id

    now, me = world.now(), world.actor("cgw1").id
    row = {"person_id": me, "kind": "other", "text": "通知", "by_id": me, "urgent": False, "state": "told"}
    rows = [{**row, "id": new_id(), "key": str(n), "at": now, "tell_at": now} for n in range(1005)]
    with db.transaction() as session:
        session.execute(insert(notices), rows)

    counted = world.get("cgw1", "/notices/counts").json

    assert counted["unread"] == {"count": 999, "totalExact": False}


def test_what_one_wants_is_kept_and_what_must_be_heard_cannot_be_switched_off(world: World) -> None:
    found = world.get("cgw1", "/notice-settings")
    assert found.headers["ETag"] == '"0"'
    assert (found.json["digest"], found.json["quiet"], found.json["channels"]) == (True, True, [])
    wanted = {each["class"]: each["wanted"] for each in found.json["classes"]}
    assert (wanted["pool"], wanted["urged"], "digest" in wanted) == (False, True, False)

    body = {"channels": ["console"], "digest": False, "quiet": False, "classes": {"pool": True}}
    kept = world.put("cgw1", "/notice-settings", body, seen=0)
    stale = world.put("cgw1", "/notice-settings", body, seen=0)
    missing = world.put("cgw1", "/notice-settings", body)

    assert (kept.status_code, kept.headers["ETag"]) == (200, '"1"')
    assert {each["class"]: each["wanted"] for each in kept.json["classes"]}["pool"] is True
    assert (stale.status_code, missing.status_code) == (412, 428)
    assert world.get("cgw2", "/notice-settings").json["revision"] == 0


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"channels": ["fax"]}, "/channels/0", "channel-unknown"),
        ({"classes": {"urged": False}}, "/classes/urged", "class-must"),
        ({"classes": {"urgd": True}}, "/classes/urgd", "class-unknown"),
        ({"classes": {"digest": False}}, "/classes/digest", "class-unknown"),
        ({"classes": {"pool": "yes"}}, "/classes/pool", "invalid"),
        ({"quiet": "no"}, "/quiet", "invalid"),
        ({"phone": "13800001234"}, "/phone", "unknown-field"),
    ],
)
def test_a_wrong_wish_is_refused_by_name(
    world: World, change: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"channels": [], "digest": True, "quiet": True, "classes": {}}

    answer = world.put("cgw1", "/notice-settings", {**body, **change}, seen=0)

    assert answer.status_code == 422
    assert (answer.json["errors"][0]["pointer"], answer.json["errors"][0]["code"]) == (pointer, code)
    assert world.get("cgw1", "/notice-settings").json["revision"] == 0


def test_who_does_not_want_to_rest_is_told_at_night(world: World) -> None:
    from datetime import datetime

    from app.core.clock import BEIJING

    night = datetime(2026, 3, 4, 0, 30, tzinfo=BEIJING)
    body = {"channels": [], "digest": True, "quiet": False, "classes": {}}
    world.put("cgw1", "/notice-settings", body, seen=0)

    tell(world, "cgw1", "cgw2", at=night, quiet=True)

    told = {row["person_id"]: row["tell_at"] == night for row in world.rows(notices)}
    assert told == {world.actor("cgw1").id: True, world.actor("cgw2").id: False}
