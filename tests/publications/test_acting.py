"""What residents do with what they are shown: each once, seats never oversold, and staff keep order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import insert

from app.audit.streams import audit_stream
from app.core import db
from app.core.clock import BEIJING
from app.core.ids import new_id
from app.identity import login
from app.identity.models import people
from app.publications import acting
from app.publications.errors import SeatsTaken
from app.publications.models import publications, signups
from tests.publications.conftest import ONE, TWO, WORKER, Activity

GOOD = {"stars": {"活动内容": 5, "活动安排": 4}}


@pytest.mark.requirement("XC-028")
def test_a_like_counts_once_and_is_taken_back(activity: Activity) -> None:
    for who in (ONE, ONE, TWO):
        assert activity.post(who, "like").json == {"publication": activity.id, "liked": True}
    assert (activity.seen()["likes"], activity.seen()["mine"]["liked"]) == (2, True)

    activity.world.delete(ONE, f"/publications/{activity.id}/like")

    assert (activity.seen()["likes"], activity.seen()["mine"]["liked"]) == (1, False)


def test_a_comment_is_hidden_for_a_reason_and_shown_again(activity: Activity) -> None:
    said = activity.post(ONE, "comments", {"text": "我的电话 13800138000"}, key="once").json
    assert activity.post(ONE, "comments", {"text": "我的电话 13800138000"}, key="once").json == said

    hidden = activity.post(WORKER, f"comments/{said['id']}/hide", {"reason": "有个人信息"})

    path = f"/publications/{activity.id}/comments"
    assert hidden.json["state"] == "hidden"
    assert activity.world.get(TWO, path).json["items"] == []
    (staff,) = activity.world.get(WORKER, path).json["items"]
    assert (staff["text"], staff["reason"]) == ("我的电话 138****8000", "有个人信息")
    assert (activity.seen()["comments"], len(activity.world.get(ONE, path).json["items"])) == (0, 1)
    told = [row["kind"] for row in activity.world.rows(audit_stream, stream="publications")]
    assert told == ["comment.hidden"]
    activity.post(WORKER, f"comments/{said['id']}/show")
    assert [each["by"] for each in activity.world.get(TWO, path).json["items"]] == ["居民甲"]


def test_a_reviewed_comment_is_seen_by_others_once_staff_have_looked(database: db.Database) -> None:
    activity = Activity(database, comments="reviewed")
    said = activity.post(ONE, "comments", {"text": "很好"}).json
    path = f"/publications/{activity.id}/comments"
    assert (said["state"], activity.world.get(TWO, path).json["items"]) == ("pending", [])

    activity.post(WORKER, f"comments/{said['id']}/show")

    assert [each["text"] for each in activity.world.get(TWO, path).json["items"]] == ["很好"]


@pytest.mark.requirement("XC-053")
def test_who_took_part_rates_each_aspect_once(database: db.Database) -> None:
    activity = Activity(database, rated_by="attendees")
    assert activity.post(ONE, "ratings", GOOD).status_code == 403
    activity.post(ONE, "sign-up")
    assert activity.post(ONE, "ratings", GOOD).json["title"] == "参加了的人才能评。"
    assert activity.post(WORKER, "check-ins", {"person": ONE}).status_code == 200
    assert activity.post(WORKER, "check-ins", {"person": TWO}).status_code == 409
    partly = activity.post(ONE, "ratings", {"stars": {"活动内容": 5, "天气": 1}})
    assert [each["pointer"] for each in partly.json["errors"]] == ["/stars/活动安排", "/stars/天气"]

    rated = activity.post(ONE, "ratings", {**GOOD, "text": "面很好吃"})

    assert rated.status_code == 201
    assert activity.post(ONE, "ratings", GOOD).json["type"] == "/problems/already-starred"
    ratings = activity.seen(TWO)["ratings"]
    assert (ratings["mean"], ratings["people"]) == (4.5, 1)
    assert [(each["aspect"], each["mean"]) for each in ratings["aspects"]] == [
        ("活动内容", 5.0),
        ("活动安排", 4.0),
    ]


@pytest.mark.requirement("XC-002", "XC-004", "XC-005", "XC-006")
def test_seats_are_taken_with_companions_until_it_is_full_and_freed_again(activity: Activity) -> None:
    first = activity.post(ONE, "sign-up", {"companions": 1})
    assert (first.status_code, first.json["people"], first.json["left"]) == (201, 2, 1)
    assert activity.post(ONE, "sign-up").json["type"] == "/problems/already-signed-up"

    refused = activity.post(TWO, "sign-up", {"companions": 1})

    assert (refused.json["type"], refused.json["detail"]) == (
        "/problems/seats-taken",
        "只剩 1 个名额，报不下 2 人。",
    )
    assert activity.post(TWO, "sign-up").json["left"] == 0
    assert (activity.seen()["signUp"]["said"], activity.seen()["mine"]["signedUp"]) == ("报满", 2)
    activity.world.delete(ONE, f"/publications/{activity.id}/sign-up")
    assert (activity.seen()["signUp"]["left"], activity.seen()["mine"]["signedUp"]) == (2, None)
    listed = activity.world.get(WORKER, f"/publications/{activity.id}/sign-ups").json["items"]
    assert [(each["person"], each["people"]) for each in listed] == [(TWO, 1)]


def test_after_the_last_day_nobody_signs_up_or_leaves(database: db.Database) -> None:
    activity = Activity(database)
    soon = (activity.world.now() + timedelta(hours=1)).astimezone(BEIJING).isoformat(timespec="seconds")
    activity.go("清点", closes=soon)
    assert activity.post(ONE, "sign-up").status_code == 201
    activity.world.wait(hours=2)

    late = activity.post(TWO, "sign-up")

    assert (late.json["type"], activity.seen()["signUp"]["said"]) == ("/problems/sign-up-over", "报名已截止")
    assert activity.world.delete(ONE, f"/publications/{activity.id}/sign-up").status_code == 409


def test_staff_change_the_seats_in_the_case_and_never_below_who_signed_up(activity: Activity) -> None:
    activity.post(ONE, "sign-up", {"companions": 2})
    few = activity.post(WORKER, "seats", {"seats": 2, "reason": "场地小"})
    assert (few.status_code, few.json["detail"]) == (409, "已有 3 人报名，名额不能少于 3。")

    more = activity.post(WORKER, "seats", {"seats": 5, "reason": "换了场地"})

    assert more.json == {"publication": activity.id, "case": activity.case, "seats": 5}
    assert (activity.data()["seats"], activity.seen()["signUp"]["left"]) == (5, 2)
    told = activity.world.get(WORKER, f"/cases/{activity.case}/timeline").json["items"]
    assert told[-1]["events"][0]["text"] == "更正：名额由 3 改为 5，原因：换了场地"
    body = {"outcome": "清点", "answers": {"seats": 1}}
    form = activity.world.post(WORKER, f"/tasks/{activity.task['id']}/complete", body, seen=1)
    assert (form.status_code, activity.data()["seats"]) == (409, 5)


def test_twenty_at_once_for_three_seats_get_exactly_three(database: db.Database) -> None:
    activity = Activity(database, audience="everyone")
    with db.transaction() as session:
        rows = [
            {"id": new_id(), "login": f"ren{i}", "name": f"居民{i}", "kind": "resident", "state": "active"}
            for i in range(20)
        ]
        session.execute(insert(people), [{**row, "password_hash": "x"} for row in rows])
        actors = [login.actor_by_id(session, row["id"]) for row in rows]
    barrier = Barrier(20)

    def one(place: int) -> bool:
        barrier.wait()
        try:
            acting.sign_up(actors[place], activity.id)
        except SeatsTaken:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        got = list(pool.map(one, range(20)))

    assert sum(got) == 3
    assert len(activity.world.rows(signups, publication_id=activity.id)) == 3
    assert activity.world.row(publications, activity.id)["taken"] == 3


def test_a_talk_is_asked_for_and_answered_once(activity: Activity) -> None:
    soon = (activity.world.now() + timedelta(days=1)).isoformat()
    past = activity.post(ONE, "bookings", {"wantedAt": "2020-01-01T00:00:00+08:00", "text": "谈谈"})
    assert past.status_code == 422
    asked = [activity.post(ONE, "bookings", {"wantedAt": soon, "text": f"第 {i} 件"}) for i in range(4)]
    assert [each.status_code for each in asked] == [201, 201, 201, 409]
    first, second, third = (each.json["id"] for each in asked[:3])

    bare = activity.post(WORKER, f"bookings/{first}/answer", {"accepted": False})
    told = activity.post(WORKER, f"bookings/{first}/answer", {"accepted": True, "text": "请到社区。"})

    assert (bare.status_code, told.json["state"]) == (422, "confirmed")
    heard = [each["text"] for each in activity.world.get(ONE, "/notices").json["items"]]
    assert heard == ["您在“重阳敬老”的预约已约定：请到社区。"]
    again = activity.post(WORKER, f"bookings/{first}/answer", {"accepted": True})
    assert again.json["type"] == "/problems/booking-answered"
    activity.world.delete(ONE, f"/publications/{activity.id}/bookings/{second}")
    mine = activity.world.get(ONE, f"/publications/{activity.id}/bookings").json["items"]
    states = {each["id"]: (each["state"], each["answer"]) for each in mine}
    assert states == {first: ("confirmed", "请到社区。"), second: ("cancelled", None), third: ("asked", None)}
    assert activity.world.get(TWO, f"/publications/{activity.id}/bookings").json["items"] == []


def test_the_diagram_counts_what_residents_did(activity: Activity) -> None:
    activity.post(ONE, "like")
    activity.post(ONE, "comments", {"text": "来了"})
    activity.post(ONE, "sign-up", {"companions": 1})
    activity.post(WORKER, "check-ins", {"person": ONE})
    activity.post(ONE, "ratings", GOOD)

    activity.go("清点")

    data = activity.data()
    names = ("likes", "comments", "signedUp", "checkedIn", "raters", "stars")
    assert [data[name] for name in names] == [1, 1, 2, 2, 1, 4.5]
    assert data["aspects"] == ["活动内容：5.0（1 人）", "活动安排：4.0（1 人）"]
