"""文明实践活动 over HTTP: what residents find, who may publish and change it, who rates, what managers see."""

from datetime import timedelta
from typing import Any

import pytest

from app.core import db
from app.core.clock import BEIJING
from tests import world as worlds
from tests.world import Row, World

SEVEN = ["理论宣讲", "文化服务", "科技与科普", "健身体育", "医疗卫生", "志愿服务", "法律法规"]


@pytest.fixture
def town(database: db.Database) -> World:
    with db.transaction() as session:
        worlds.categorise(session)
    return worlds.build(database, *(worlds.shipped(key) for key in ("civic_activity", "civic_practice")))


DEMAND = {"order_kind": "需求点单", "content": "讲座。", "category": "08"}


def choices_of(form: Row, field: str) -> Row:
    """What a client is told to ask for the choices of a field."""
    asks = form["properties"][field]
    found: Row = next(each for each in asks.get("anyOf", [asks]) if "x-choices" in each)["x-choices"]
    return dict(found["publications"])


def task_of(town: World, by: str, case: Row) -> Row:
    (task,) = [row for row in town.inbox(by) if row["case_id"] == case["id"]]
    return task


def do(
    town: World, by: str, case: Row, outcome: str, answers: Any = None, opinion: str | None = None
) -> None:
    town.complete(by, task_of(town, by, case), outcome, answers, opinion)


def planned(town: World, title: str = "书法班", category: str = "02", **answers: Any) -> Row:
    """An activity of 甲社区's station that waits for its review."""
    body = {"process": "civic_activity", "title": title, "answers": {"category": category}}
    answer = town.post("jiazhan1", "/cases", body)
    assert answer.status_code == 201, answer.json
    day = town.now() + timedelta(days=10)
    about = {
        "introduction": "零基础。",
        "mode": "线下",
        "held_place": "甲社区活动室",
        "held_from": day.isoformat(timespec="seconds"),
        "signup_until": (day - timedelta(days=2)).isoformat(timespec="seconds"),
        "contact": "甲社区文明实践站",
        "seats": 1,
    }
    case: Row = answer.json["case"]
    do(town, "jiazhan1", case, "提交审核", {**about, **answers})
    return case


def shown(town: World, **more: Any) -> Row:
    case = planned(town, **more)
    do(town, "dongsuo1", case, "通过")
    return case


def listed(town: World, query: str = "", by: str = "jumin1") -> list[str]:
    answer = town.get(by, f"/publications?section=文明实践活动{query}")
    assert answer.status_code == 200, answer.json
    return [each["title"] for each in answer.json["items"]]


def test_an_activity_ends_after_it_began_and_takes_nobody_after_its_end(town: World):
    given = {"process": "civic_activity", "title": "书法班", "answers": {"category": "02"}}
    task = town.post("jiazhan1", "/cases", given).json["tasks"][0]
    at = [(town.now() + timedelta(days=day)).isoformat(timespec="seconds") for day in range(5)]

    def wrong(**dates: str) -> list[str]:
        about = {"introduction": "零基础。", "mode": "线下", "held_place": "活动室", "contact": "站"}
        body = {"outcome": "提交审核", "answers": {**about, **dates}}
        answer = town.post("jiazhan1", f"/tasks/{task['id']}/complete?dryRun=true", body, seen=1)
        return [each["pointer"].rpartition("/")[2] for each in answer.json.get("errors", ())]

    assert wrong(held_from=at[3], held_until=at[2], signup_until=at[1]) == ["held_until"]
    assert wrong(held_from=at[2], signup_until=at[3]) == ["signup_until"]
    assert wrong(held_from=at[2], held_until=at[3], signup_until=at[4]) == ["signup_until"]
    assert wrong(held_from=at[1], held_until=at[3], signup_until=at[2]) == []


def publication(town: World, case: Row) -> str:
    (only,) = town.get("jumin1", f"/publications?case={case['id']}").json["items"]
    return f"/publications/{only['id']}"


@pytest.mark.requirement("XC-040", "XC-041")
def test_what_a_station_plans_is_listed_once_its_institute_approves_and_a_refusal_comes_back(town: World):
    case = planned(town)
    before, stolen = listed(town), [town.inbox(by) for by in ("xisuo1", "zhongxin1")]

    do(town, "dongsuo1", case, "不通过", opinion="请写自带用具")

    assert (before, stolen, listed(town)) == ([], [[], []], [])
    assert [row["step"] for row in town.inbox("jiazhan1")] == ["draft"]
    course = str(town.get("jiazhan1", f"/cases/{case['id']}/timeline").json)
    assert "请写自带用具" in course
    again = {name: value for name, value in town.case(case["id"])["data"].items() if name in DRAFT}
    do(town, "jiazhan1", case, "提交审核", again)
    do(town, "dongsuo1", case, "通过")
    assert listed(town) == ["书法班"]
    resident = town.post("jumin1", "/my/cases", {"process": "civic_activity", "title": "x", "answers": {}})
    assert resident.status_code == 404


DRAFT = ("introduction", "mode", "held_place", "held_from", "signup_until", "contact", "seats")


@pytest.mark.requirement("XC-036", "XC-038", "XC-039", "XC-043", "HD-059")
def test_activities_have_a_category_and_a_mode_by_which_residents_find_them(town: World):
    nameless = {"process": "civic_activity", "title": "没有类别", "answers": {}}
    refused = town.post("jiazhan1", "/cases", nameless)
    with pytest.raises(Exception, match="填写内容有误"):
        planned(town, title="没有地点", held_place=None)
    shown(town)
    shown(town, title="普法直播", category="08", mode="线上", held_place=None, link="线上课堂")

    kinds = town.get("jumin1", "/categories/civic").json["items"]

    assert refused.status_code == 422
    assert set(SEVEN) <= {each["name"] for each in kinds}
    assert listed(town, "&category=02") == ["书法班"]
    assert listed(town, "&category=08") == ["普法直播"]
    assert listed(town, "&category=06") == []
    assert listed(town, "&words=线上") == ["普法直播"]
    assert listed(town, "&words=线下") == ["书法班"]


@pytest.mark.requirement("XC-042")
def test_seats_are_changed_while_people_sign_up_and_never_below_who_has(town: World):
    path = publication(town, shown(town))

    first, full = (town.post(by, f"{path}/sign-up", {"companions": 0}) for by in ("jumin1", "jumin4"))
    by_resident = town.post("jumin1", f"{path}/seats", {"seats": 9, "reason": "x"})
    by_observer = town.post("guancha1", f"{path}/seats", {"seats": 9, "reason": "x"})
    by_other = town.post("dingzhan1", f"{path}/seats", {"seats": 9, "reason": "x"})
    more = town.post("jiazhan1", f"{path}/seats", {"seats": 2, "reason": "换了教室"})
    second = town.post("jumin4", f"{path}/sign-up", {"companions": 0})
    fewer = town.post("jiazhan1", f"{path}/seats", {"seats": 1, "reason": "换回来"})

    answers = [each.status_code for each in (first, full, by_resident, by_observer, by_other)]
    assert answers == [201, 409, 403, 403, 404]
    assert [each.status_code for each in (more, second, fewer)] == [200, 201, 409]


@pytest.mark.requirement("XC-053", "XC-054", "TKX-122")
def test_who_was_there_rates_two_aspects_once_and_managers_see_the_mean_of_each(town: World):
    case = shown(town, seats=20)
    path = publication(town, case)
    for by in ("jumin1", "jumin3", "jumin4"):
        town.post(by, f"{path}/sign-up", {"companions": 0})
    for by in ("jumin1", "jumin3"):
        assert town.post("jiazhan1", f"{path}/check-ins", {"person": by}).status_code == 200
    do(town, "jiazhan1", case, "停止报名")
    do(town, "jiazhan1", case, "已实施", {"attended": 2, "summary": "很好。"})

    def stars(by: str, content: int) -> int:
        given = {"stars": {"活动内容": content, "活动安排": 5}}
        return town.post(by, f"{path}/ratings", given).status_code

    given = [
        stars("jumin1", 4),
        stars("jumin3", 2),
        stars("jumin3", 5),
        stars("jumin4", 5),
        stars("jumin2", 5),
    ]

    assert given == [201, 201, 409, 403, 403]
    aspects = town.get("zhongxin1", path).json["ratings"]["aspects"]
    assert [(each["aspect"], each["mean"]) for each in aspects] == [("活动内容", 3.0), ("活动安排", 5.0)]
    today = town.now().astimezone(BEIJING).date()
    asked = f"/reports/civic_activity?from={today}&to={today}&period=received&by=unit"
    (station,) = town.get("zhongxin1", asked).json["groups"]
    told = (station["by"]["unit"]["name"], station["numbers"]["stars"]["value"])
    assert told == ("甲社区文明实践站", 4.0), "all aspects of a station's activities"


@pytest.mark.requirement("XC-052", "XC-055")
def test_the_centre_counts_orders_by_state_station_and_category_and_a_station_only_its_own(town: World):
    for by, target in (("jumin1", "d1-wm-s1-c1"), ("jumin3", "d1-wm-s1-c1"), ("jumin4", "d1-wm-s2-c1")):
        answers = {"order_kind": "需求点单", "content": "讲座。", "category": "08"}
        body = {"process": "civic_practice", "title": "讲座", "answers": answers}
        case = town.post(by, "/my/cases", body).json
        do(town, "zhongxin1", case, "派单", {"targets": [target]})
        if by != "jumin3":
            do(town, "jiazhan1" if target.endswith("s1-c1") else "dingzhan1", case, "接单")

    def report(by: str, group: str, ago: int = 0, more: str = "") -> Any:
        day = town.now().astimezone(BEIJING).date() - timedelta(days=ago)
        days = f"from={day}&to={day}&period=received"
        answer = town.get(by, f"/reports/civic_practice?{days}&by={group}{more}")
        return answer if answer.status_code != 200 else answer.json

    whole = report("zhongxin1", "unit")
    units = {group["by"]["unit"]["name"]: group["numbers"] for group in whole["groups"]}
    accepted = {
        name: (each["accept_rate"]["numerator"], each["orders"]["value"]) for name, each in units.items()
    }
    own = report("jiazhan1", "unit")
    by_state = report("zhongxin1", "status")["groups"]
    by_kind = report("zhongxin1", "category")["groups"]

    assert accepted == {
        "甲社区文明实践站": (1, 1),
        "丁社区文明实践站": (1, 1),
        "示范区文明实践中心": (0, 1),
    }
    assert whole["total"]["accept_rate"]["percent"] == pytest.approx(66.67, abs=0.1)
    assert {each["by"]["status"]["name"]: each["numbers"]["orders"]["value"] for each in by_state} == {
        "待接单": 1,
        "筹备中": 2,
    }
    assert [each["by"]["category"]["name"] for each in by_kind] == ["法律法规"]
    assert own["total"]["orders"]["value"] == 1
    assert report("zhongxin1", "unit", ago=1)["total"]["orders"]["value"] == 0, "of another day"
    one = report("zhongxin1", "", more="&where=unit:d1-wm-s2-c1")["total"]
    assert (one["orders"]["value"], one["accept_rate"]["numerator"]) == (1, 1), "of one station"
    assert report("jumin1", "unit").status_code == 403


@pytest.mark.requirement("XC-037")
def test_the_public_list_says_how_many_open_orders_each_offer_has(town: World):
    case = shown(town)
    shown(town, title="义诊", category="06")

    def orders() -> dict[str, int]:
        return {each["title"]: each["orders"] for each in town.get("jumin4", "/publications").json["items"]}

    before = orders()
    ordered = town.post("jumin1", "/my/cases", ordering(case["number"])).json
    during = orders()
    do(town, "zhongxin1", ordered, "拒绝", {"refusal": "已经满了。"})

    assert before == {"书法班": 0, "义诊": 0}
    assert during == {"书法班": 1, "义诊": 0}
    assert orders() == before
    assert town.get("jumin4", f"/my/cases/{ordered['id']}").status_code == 404  # how many, not whose


def ordering(offer: Any) -> Row:
    answers = {"order_kind": "清单点单", "offer": offer}
    return {"process": "civic_practice", "title": "想学书法", "answers": answers}


@pytest.mark.requirement("XC-043", "XC-044")
def test_an_order_is_chosen_from_what_can_still_be_had_and_both_tell_of_it(town: World):
    forms = town.get("jumin3", "/my/processes").json["items"]
    (form,) = [each["schema"] for each in forms if each["key"] == "civic_practice"]
    class_, full, over = shown(town), shown(town, title="报满的"), shown(town, title="取消的")
    assert town.post("jumin1", f"{publication(town, full)}/sign-up", {"companions": 0}).status_code == 201
    do(town, "jiazhan1", over, "停止报名")
    foreign = town.post("jumin4", "/my/cases", {**ordering(None), "answers": DEMAND}).json

    asked = "&".join(f"{name}={str(value).lower()}" for name, value in choices_of(form, "offer").items())
    offered = [town.get(by, f"/publications?{asked}").json["items"] for by in ("jumin3", "yi1")]
    refused = [
        town.post("jumin3", "/my/cases", ordering(number)).json["errors"][0]
        for number in (full["number"], over["number"], foreign["number"], "HD-1", None)
    ]
    ordered = town.post("jumin3", "/my/cases", ordering(offered[0][0]["number"])).json
    for_her = town.post("yi1", "/cases", {**ordering(class_["number"]), "reporter": "jumin3"})

    assert [[each["title"] for each in items] for items in offered] == [["书法班"], ["书法班"]]
    assert {each["pointer"] for each in refused} == {"/answers/offer"}
    assert [each["code"] for each in refused] == ["publication-not-selectable"] * 4 + ["required"]
    said = ("已经报满", "报名已经截止", "没有编号为", "没有编号为")
    assert all(why in each["message"] for why, each in zip(said, refused, strict=False))
    data = town.get("zhongxin1", f"/cases/{ordered['id']}").json["data"]
    names = ("offer_title", "wished_unit", "category")
    assert [data[name] for name in names] == ["书法班", "d1-wm-s1-c1", "02"]
    assert [row["step"] for row in town.inbox("jiazhan1") if row["case_id"] == ordered["id"]] == ["confirm"]
    assert for_her.status_code == 201
    links = [town.get("jiazhan1", f"/cases/{each['id']}/links").json["items"] for each in (ordered, class_)]
    numbers = [{each["case"]["number"] for each in some} for some in links]
    assert numbers == [{class_["number"]}, {ordered["number"], for_her.json["case"]["number"]}]
    for case, other in ((ordered, class_), (class_, ordered)):
        assert f"关联：与 {other['number']} 相关" in str(
            town.get("jiazhan1", f"/cases/{case['id']}/timeline").json
        )


@pytest.mark.requirement("HD-058")
def test_what_the_centre_publishes_is_there_at_once_for_every_client_and_gone_when_withdrawn(town: World):
    body = {"process": "civic_activity", "title": "法律讲堂", "answers": {"category": "08"}}
    case = town.post("zhongxin1", "/cases", body).json["case"]
    day = (town.now() + timedelta(days=3)).isoformat(timespec="seconds")
    about = {"introduction": "讲座。", "mode": "线上", "link": "线上课堂", "contact": "中心"}
    do(town, "zhongxin1", case, "提交审核", {**about, "held_from": day, "signup_until": day})

    published = listed(town, by="jumin4")
    do(town, "zhongxin1", case, "取消活动", opinion="讲师有事")

    assert (published, listed(town, by="jumin4")) == (["法律讲堂"], [])
