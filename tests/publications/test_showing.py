"""What residents see of a case: only what its process shows, to whom it says, as the case is now."""

import pytest

from app.bundles.bundle import compile_bundle
from app.cases.models import cases
from app.cases.resting import service as resting
from app.core import db
from tests.files import upload
from tests.publications.conftest import (
    ELSEWHERE,
    ONE,
    OTHER_WORKER,
    RULE,
    THREE,
    WATCHER,
    WORKER,
    Activity,
    showing,
)
from tests.world import statements


def test_residents_read_what_is_shown_as_the_case_is_now_and_nothing_else(activity: Activity) -> None:
    activity.go(
        "清点", content="请老人吃面，改在周六。", phone="13800138000", venue={"lng": 103.03, "lat": 40.41}
    )

    seen = activity.seen()

    assert {each["label"]: each["text"] for each in seen["fields"]} == {
        "诉求内容": "请老人吃面，改在周六。",
        "类别": "敬老",
        "所在单位": "甲社区",
    }
    assert (seen["title"], seen["section"], seen["state"]) == ("重阳敬老", "文明实践活动", "open")
    assert (seen["category"], seen["point"]) == ("敬老", {"lng": 103.03, "lat": 40.41})
    assert not any(phone in str(seen) for phone in ("13800138000", "138****8000"))


@pytest.mark.usefixtures("files")
def test_a_picture_of_a_shown_field_is_opened_and_no_other_file_of_the_case(activity: Activity) -> None:
    world = activity.world
    photo, plan = (upload(world, WORKER, activity.case, task=activity.task["id"]).json["id"] for _ in "ab")
    activity.go("清点", photos=[photo], plan=[plan])

    shown = {each["name"]: each["value"] for each in activity.seen()["fields"]}

    assert [each["id"] for each in shown["photos"]] == [photo]
    assert "plan" not in shown
    assert world.get(ONE, f"/publications/{activity.id}/files/{photo}").data.startswith(b"\xff\xd8")
    assert world.get(ONE, f"/publications/{activity.id}/files/{plan}").status_code == 404
    assert world.get(THREE, f"/publications/{activity.id}/files/{photo}").status_code == 404


def test_members_see_what_is_for_members_and_staff_what_is_in_their_scope(activity: Activity) -> None:
    for who in (THREE, ELSEWHERE, OTHER_WORKER):
        assert activity.listed(who) == []
        assert activity.world.get(who, f"/publications/{activity.id}").status_code == 404
    assert activity.post(THREE, "like").status_code == 404

    assert [each["id"] for each in activity.listed(ONE)] == [activity.id]
    assert activity.listed(WATCHER)[0]["mine"] is None
    assert activity.world.get("cgw1", f"/publications/{activity.id}").status_code == 403
    for act, body in (("seats", {"seats": 9, "reason": "x"}), ("check-ins", {"person": ONE})):
        assert activity.post(WATCHER, act, body).status_code == 403
        assert activity.post(OTHER_WORKER, act, body).status_code == 404
        assert activity.post(ONE, act, body).status_code == 403
    assert activity.post(WORKER, "like").status_code == 403


def test_what_a_district_shows_its_members_is_seen_in_every_community(database: db.Database) -> None:
    whole = Activity(database)
    case = whole.world.case(whole.case)
    whole.world.change(cases, whole.case, org_path=case["org_path"].removesuffix("/d1-s1/d1-s1-c1"))

    assert [whole.listed(who)[0]["id"] for who in (ONE, THREE, ELSEWHERE)] == [whole.id] * 3


def test_lists_are_searched_by_section_category_words_state_and_place(database: db.Database) -> None:
    here = Activity(database, audience="everyone", answers={"venue": {"lng": 103.03, "lat": 40.41}})
    far = {"kind": "环保", "content": "捡拾河边的垃圾。", "venue": {"lng": 103.06, "lat": 40.43}}
    there = Activity(database, world=here.world, title="清洁家园", answers=far)
    full = Activity(database, world=here.world, title="无名额", answers={"seats": 0})

    def found(query: str) -> list[str]:
        return [each["title"] for each in here.listed(ELSEWHERE, query)]

    assert found("") == ["无名额", "清洁家园", "重阳敬老"]
    assert found("?category=环保") == found("?words=河边 垃圾") == found("?words=清洁") == ["清洁家园"]
    assert found("?section=文明实践活动&limit=1") == ["无名额"]
    assert found("?words=河边 面条") == found("?section=没有") == found("?state=closed") == []
    assert found("?near=103.031,40.411,500") == ["重阳敬老"]
    assert found("?bbox=103.05,40.4,103.2,41") == ["清洁家园"]
    refused = here.world.get(ONE, "/publications?near=103.03,x,3")
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "?near")
    page = here.world.get(ELSEWHERE, "/publications?limit=2").json["page"]
    assert found(f"?limit=2&after={page['next']}") == ["重阳敬老"]
    assert [each["signUp"]["said"] for each in full.listed(query="?words=无名额")] == ["报满"]
    there.post(ONE, "like")
    assert [each["title"] for each in here.listed(ONE, "?mine=liked")] == ["清洁家园"]


def test_what_is_closed_is_only_looked_at_and_what_is_hidden_is_gone_until_shown_again(
    activity: Activity,
) -> None:
    activity.post(ONE, "like")
    activity.go("结束报名")
    assert (activity.seen()["state"], activity.post(ONE, "like").status_code) == ("closed", 409)

    activity.go("下架")

    assert activity.world.get(ONE, f"/publications/{activity.id}").status_code == 404
    assert activity.seen(WORKER)["state"] == "hidden"
    told = activity.world.get(WORKER, f"/cases/{activity.case}/timeline").json["items"]
    texts = [event["text"] for step in told for event in step["events"]]
    assert "在“文明实践活动”给居民看" in texts
    assert "不再在“文明实践活动”给居民看，原因：活动取消" in texts


@pytest.mark.parametrize(("ended", "state", "liked"), [("closed", "closed", 409), ("hidden", None, 404)])
def test_a_case_that_ended_is_readable_unless_its_process_says_otherwise(
    database: db.Database, ended: str, state: str | None, liked: int
) -> None:
    activity = Activity(database, ended=ended)
    activity.go("公示")
    activity.go("办结")

    found = {each["name"]: each["state"] for each in activity.listed(ONE)}

    assert found.get("公示") == state
    assert (found["活动"], activity.post(ONE, "like").status_code) == ("closed", 409)


def test_a_terminated_case_is_shown_to_no_resident(activity: Activity) -> None:
    case = activity.world.case(activity.case)
    resting.terminate(activity.world.actor("duban1"), activity.case, "活动取消", case["revision"])

    assert activity.listed(ONE) == []


def test_the_process_may_show_no_secret_and_no_unknown_name() -> None:
    wrong = RULE.replace("[content, kind, place_unit, photos]", "[content, phone, nothing, content]")
    wrong = wrong.replace("    ended: ENDED", "    until: closes\n    ended: soon").replace(
        "RATED_BY", "signed"
    )
    wrong = wrong.replace("AUDIENCE", "all").replace("COMMENTS", "true")
    files = showing()
    text = files.files["process.yaml"].decode()
    files.files["process.yaml"] = (text[: text.index("publication:")] + wrong).encode()

    told = [each.rule for each in compile_bundle(files)[1]]

    assert told == ["value-invalid", "value-invalid"]
    files.files["process.yaml"] = (
        files.files["process.yaml"].replace(b": all\n", b": members\n").replace(b"soon", b"open")
    )
    assert [each.rule for each in compile_bundle(files)[1]] == [
        "published-secret",
        "name-undeclared",
        "value-twice",
        "key-missing",
    ]


def test_a_list_costs_as_many_statements_for_many_as_for_one(database: db.Database) -> None:
    one = Activity(database)
    one.listed(ONE)  # signs in
    with statements(database, reading=True) as few:
        one.listed(ONE)
    for title in ("二", "三", "四"):
        Activity(database, world=one.world, title=title)

    with statements(database, reading=True) as many:
        assert len(one.listed(ONE)) == 4

    assert len(many) == len(few) <= 14
