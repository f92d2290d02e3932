"""公益服务项目 with its bindings and milestones as shipped: who may what, and what the numbers say."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases.models import cases
from app.core import db
from tests import world as worlds
from tests.world import Row, World

BOUND = "站点服务项目"
ORG, OTHER, CENTRE, BUYER, WATCHER, RESIDENT = "zhulao1", "falv1", "shezu1", "goumai1", "guancha1", "jumin4"
KEYS = ("welfare_project", "welfare_binding", "welfare_milestone", "welfare_station")
CLERKS = {"d1-s1": "dongjie1", "d1-s2": "xijie2"}
WHOLE = {
    "service_kind": "助老",
    "service_item": "上门助餐",
    "content": "为独居老人送餐。",
    "target_group": "独居老人",
    "area": "d1-s1",
    "starts_on": "2026-04-01",
    "ends_on": "2026-06-30",
    "target": 100,
}
STATION = {
    "station_kind": "助老",
    "street": "d1-s1",
    "new_area": "甲社区",
    "new_services": "送餐",
    "new_address": "幸福路 5 号",
    "new_location": {"lng": 103.022, "lat": 40.408},
    "new_phone": "0000-0000011",
}
SERVED = {"service_type": "活动", "service_hours": 2.5, "service_people": 60, "effect": "老人都满意。"}
GOAL = {"goal": "送餐", "goal_target": 50, "goal_unit": "份", "planned_on": "2026-04-30", "weight": 40}


class Project:
    """A project of 示范助老公益社, everybody acting over HTTP."""

    def __init__(self, database: db.Database, title: str = "银龄助餐", world: World | None = None) -> None:
        self.world = world or worlds.build(database, *(worlds.shipped(key) for key in KEYS))
        body = {"process": "welfare_project", "title": title, "answers": {"service_kind": "助老"}}
        self.case: Row = self.world.post_filing(by=ORG, **body, placeUnit="d1-sz-a").json["case"]

    def task(self, who: str, step: str, process: str = "welfare_project") -> Row:
        found = self.world.inbox(who)
        return next(each for each in found if each["step"] == step and each["process_key"] == process)

    def do(
        self, who: str, step: str, outcome: str, process: str = KEYS[0], opinion: str = "", **answers: Any
    ) -> Any:
        task = self.task(who, step, process)
        body = {"outcome": outcome, "answers": answers} | ({"opinion": opinion} if opinion else {})
        return self.world.post(who, f"/tasks/{task['id']}/complete", body, seen=task["revision"])

    def approved(self) -> "Project":
        self.do(ORG, "draft", "提交审核", **WHOLE)
        self.do(CENTRE, "review", "通过")
        return self

    def station(self, by: str = ORG, place: str = "d1-sz-a", **about: Any) -> Row:
        """A station that is open."""
        answers = {**STATION, **about}
        filed = self.world.post_filing(
            by=by, process=KEYS[3], title="幸福路助老服务站", answers=answers, placeUnit=place
        )
        for who, step, outcome in (
            (by, "draft", "提交审核"),
            (CLERKS[answers["street"]], "verify", "属实"),
            (CENTRE, "review", "通过"),
        ):
            said = answers if step == "draft" else {}
            assert self.do(who, step, outcome, KEYS[3], **said).status_code == 200
        found: Row = filed.json["case"]
        return found

    def bound(self) -> "Project":
        self.approved()
        self.at = self.station()["number"]
        self.do(ORG, "shelf", "绑定站点", station=self.at, station_services="送餐")
        self.do(ORG, "draft", "提交审核", KEYS[1], station=self.at, new_services="送餐")
        self.do(CENTRE, "review", "通过", KEYS[1])
        return self

    def carried(self) -> "Project":
        self.bound()
        self.do(ORG, "shelf", "上架")
        self.do(ORG, "shown", "开始实施", began_on="2026-04-01")
        return self

    def shown(self, section: str = "公益服务项目") -> list[Row]:
        return self.world.get(RESIDENT, f"/publications?section={section}").json["items"]

    def other_case(self, key: str) -> Row:
        return self.world.rows(cases, process_key=key)[-1]


def figures(world: World, key: str, who: str, by: str = "") -> Any:
    """A report of these days."""
    today = world.now().date()
    asked = f"from={today - timedelta(days=9)}&to={today + timedelta(days=1)}&period=received&by={by}"
    found = world.get(who, f"/reports/{key}?{asked}")
    assert found.status_code == 200, found.json
    return found.json


@pytest.mark.requirement("BS-210", "BS-211", "BS-212", "BS-213", "BS-214", "BS-215")
def test_a_project_is_drawn_up_submitted_taken_back_and_decided_once(database: db.Database) -> None:
    project = Project(database)
    world, draft = project.world, project.task(ORG, "draft")
    bare = {"process": "welfare_project", "title": "x", "answers": {}, "placeUnit": "d1-sz-a"}
    assert world.post_filing(by=ORG, **bare).json["errors"][0]["pointer"] == "/answers/service_kind"
    assert (
        world.post(RESIDENT, "/my/cases", {"process": KEYS[0], "title": "x", "answers": WHOLE}).status_code
        == 404
    )
    assert project.do(ORG, "draft", "提交审核", service_kind="助老").status_code == 422
    assert project.do(ORG, "draft", "保存", **{**WHOLE, "target": 80}).status_code == 200
    draft = project.task(ORG, "draft")
    assert project.do(ORG, "draft", "提交审核", **WHOLE).status_code == 200
    assert [each["step"] for each in world.inbox(CENTRE)] == ["review"]
    taken = world.post(ORG, f"/tasks/{draft['id']}/withdraw", {"reason": "漏填"})
    assert (taken.status_code, world.inbox(CENTRE)) == (200, [])
    again = project.task(ORG, "draft")
    project.do(ORG, "draft", "提交审核", **WHOLE)
    review = project.task(CENTRE, "review")
    for who, status in ((ORG, 403), (OTHER, 404), (WATCHER, 404)):
        body = {"outcome": "通过", "answers": {}}
        assert world.post(who, f"/tasks/{review['id']}/complete", body, seen=1).status_code == status, who
    assert project.do(CENTRE, "review", "不通过").status_code == 422
    assert project.do(CENTRE, "review", "不通过", opinion="写清金额。").status_code == 200
    assert world.post(ORG, f"/tasks/{again['id']}/withdraw", {"reason": "x"}).status_code == 409
    project.approved()

    assert world.case(project.case["id"])["status"] == "待上架"
    late = world.post(CENTRE, f"/tasks/{review['id']}/complete", {"outcome": "通过", "answers": {}}, seen=1)
    assert late.status_code == 409
    told = [each["text"] for each in world.get(ORG, "/notices").json["items"]]
    assert any("审核通过" in text for text in told)


@pytest.mark.requirement("BS-216", "BS-218", "BS-219", "BS-220", "BS-222", "BS-224")
def test_only_what_a_centre_has_approved_is_on_the_shelf_and_bound_and_the_old_stays_until_a_change_is(
    database: db.Database,
) -> None:
    project = Project(database).approved()
    alone = project.do(ORG, "shelf", "上架")
    assert (alone.status_code, alone.json["type"]) == (409, "/problems/cases-lacking")
    theirs = project.station(OTHER, "d1-sz-b", station_kind="法律与调解")["number"]
    foreign = project.do(ORG, "shelf", "绑定站点", station=theirs, station_services="送餐")
    assert foreign.json["errors"][0]["code"] == "case-not-selectable"
    at = project.station()["number"]
    project.do(ORG, "shelf", "绑定站点", station=at, station_services="送餐")
    said = {"station": at, "new_services": "送餐"}
    assert project.do(ORG, "draft", "解除", KEYS[1], **said).status_code == 422
    project.do(ORG, "draft", "提交审核", KEYS[1], **said)
    assert (project.do(ORG, "shelf", "上架").status_code, project.shown(BOUND)) == (409, [])
    project.do(CENTRE, "review", "通过", KEYS[1])
    assert project.do(ORG, "shelf", "上架").status_code == 200

    (seen,) = project.shown()
    (station,) = project.world.get(RESIDENT, f"/publications?section={BOUND}&category={at}").json["items"]
    assert (seen["title"], station["title"]) == ("银龄助餐", "银龄助餐")
    project.do(ORG, "bound", "修改", KEYS[1], new_services="送餐、理发")
    assert [each["text"] for each in project.shown(BOUND)[0]["fields"] if each["name"] == "services"] == [
        "送餐"
    ]

    project.do(CENTRE, "review_change", "通过", KEYS[1])
    assert project.shown(BOUND)[0]["fields"][2]["text"] == "送餐、理发"
    project.do(ORG, "shown", "下架", opinion="换厨房")
    assert project.world.get(RESIDENT, f"/publications/{seen['id']}").status_code == 404
    assert project.world.post(RESIDENT, f"/publications/{seen['id']}/like", {}).status_code == 404
    project.do(ORG, "bound", "解除", KEYS[1], opinion="到期")
    assert project.shown(BOUND) == []
    history = project.other_case(KEYS[1])["data"]["history"]
    assert [line.rpartition("：")[2] for line in history] == ["送餐", "送餐、理发", "解除绑定"]


@pytest.mark.requirement("BS-221")
def test_a_binding_is_taken_back_only_before_it_was_reviewed(database: db.Database) -> None:
    project = Project(database).approved()
    said = {"station": project.station()["number"], "new_services": "送餐"}
    project.do(ORG, "shelf", "绑定站点", station=said["station"], station_services="送餐")
    draft = project.task(ORG, "draft", KEYS[1])
    project.do(ORG, "draft", "提交审核", KEYS[1], **said)

    taken = project.world.post(ORG, f"/tasks/{draft['id']}/withdraw", {"reason": "时间写错"})
    gone = [each["step"] for each in project.world.inbox(CENTRE)]
    again = project.task(ORG, "draft", KEYS[1])
    project.do(ORG, "draft", "提交审核", KEYS[1], **said)
    project.do(CENTRE, "review", "通过", KEYS[1])
    late = project.world.post(ORG, f"/tasks/{again['id']}/withdraw", {"reason": "又错"})

    assert (taken.status_code, gone, late.status_code) == (200, [], 409)
    assert project.other_case(KEYS[1])["status"] == "已绑定"


@pytest.mark.requirement("BS-225", "BS-226", "BS-227", "BS-228", "BS-229", "BS-230", "BS-231", "BS-232")
def test_milestones_need_no_review_keep_their_history_and_stand_once_reached(database: db.Database) -> None:
    project = Project(database).carried()
    assert project.do(ORG, "carry", "增加节点", goal="送餐").status_code == 422
    for goal in ("送餐", "理发"):
        assert project.do(ORG, "carry", "增加节点", **{**GOAL, "goal": goal}).status_code == 200
    assert [each["step"] for each in project.world.inbox(CENTRE)] == []
    kept = project.other_case(KEYS[2])

    def work(outcome: str, opinion: str = "", **answers: Any) -> int:
        return int(project.do(ORG, "work", outcome, KEYS[2], opinion, **answers).status_code)

    task = project.task(ORG, "work", KEYS[2])
    assert project.world.get(OTHER, f"/cases/{task['case_id']}").status_code == 404
    assert work("填报进度", new_actual=20, note="二十份") == 200
    changed = project.world.case(task["case_id"])
    first = {"outcome": "达成", "answers": {}}
    open_ = next(each for each in project.world.inbox(ORG) if each["case_id"] == task["case_id"])
    early = project.world.post(ORG, f"/tasks/{open_['id']}/complete", first, seen=open_["revision"])
    assert early.json["errors"][0]["code"] == "not-accepted"

    def on(outcome: str, opinion: str = "", **answers: Any) -> int:
        mine = next(each for each in project.world.inbox(ORG) if each["case_id"] == task["case_id"])
        body = {"outcome": outcome, "answers": answers} | ({"opinion": opinion} if opinion else {})
        path = f"/tasks/{mine['id']}/complete"
        return int(project.world.post(ORG, path, body, seen=mine["revision"]).status_code)

    assert (changed["data"]["actual"], on("填报进度", new_actual=50.01, note="太多")) == (20, 422)
    assert project.world.case(task["case_id"])["data"]["actual"] == 20
    assert on("填报进度", new_actual=30, note="写错") == 200
    assert on("撤销填报", "写错了") == 200
    assert on("修改节点", weight=60) == 200
    assert on("填报进度", new_actual=50, note="五十份") == 200
    reached = next(each for each in project.world.inbox(ORG) if each["case_id"] == task["case_id"])
    assert on("达成") == 200
    late = project.world.post(
        ORG, f"/tasks/{reached['id']}/complete", {**first, "outcome": "修改节点"}, seen=reached["revision"]
    )

    data = project.world.case(task["case_id"])["data"]
    assert (late.status_code, data["actual"], data["weight"]) == (409, 50, 60)
    lines = [line.partition("，")[2] for line in data["history"]]
    assert [line.partition("：")[2] for line in lines] == [
        "二十份",
        "写错",
        "撤销上一次填报，以此为准",
        "修改节点",
        "五十份",
    ]
    assert project.do(ORG, "work", "删除", KEYS[2], "重复").status_code == 200
    assert {project.world.case(each)["state"] for each in (kept["id"], task["case_id"])} == {"closed"}


@pytest.mark.requirement("BS-233", "BS-234")
def test_a_resident_rates_a_project_once_and_books_a_talk_at_its_station(database: db.Database) -> None:
    project = Project(database).carried()
    world, (seen,), (station,) = project.world, project.shown(), project.shown("服务站点")
    stars = {"stars": {"服务内容": 5, "服务态度": 4}, "text": "饭菜可口"}
    for wrong in (0, 6):
        body = {"stars": {"服务内容": wrong, "服务态度": 4}}
        assert world.post(RESIDENT, f"/publications/{seen['id']}/ratings", body).status_code == 422

    rated = [world.post(RESIDENT, f"/publications/{seen['id']}/ratings", stars).status_code for _ in "12"]

    assert rated == [201, 409]
    assert project.shown()[0]["ratings"]["mean"] == 4.5
    wanted = {"wantedAt": "2099-01-01T09:00:00+08:00", "text": "想谈谈助餐"}
    booked = world.post(RESIDENT, f"/publications/{station['id']}/bookings", wanted).json["id"]
    path = f"/publications/{station['id']}/bookings"
    assert world.post(OTHER, f"{path}/{booked}/answer", {"accepted": True}).status_code == 404
    assert world.post(WATCHER, f"{path}/{booked}/answer", {"accepted": True}).status_code == 403
    world.post(ORG, f"{path}/{booked}/answer", {"accepted": True, "text": "请到站点"})
    assert [(each["state"], each["answer"]) for each in world.get(RESIDENT, path).json["items"]] == [
        ("confirmed", "请到站点")
    ]
    assert world.get("jumin1", path).json["items"] == []


@pytest.mark.requirement("BS-217", "BS-235")
def test_a_station_lists_its_projects_and_a_project_its_stations(database: db.Database) -> None:
    project = Project(database)
    world = project.world
    filed = {"process": KEYS[3], "title": "x", "answers": STATION, "placeUnit": "d1-sz-a"}
    assert world.post_filing(by=CENTRE, **filed).status_code == 403
    project.bound()
    project.do(ORG, "shelf", "上架")
    station = world.rows(cases, process_key=KEYS[3])[0]
    binding = project.other_case(KEYS[1])

    def tied(case_id: str, who: str = ORG) -> set[tuple[str, str]]:
        items = world.get(who, f"/cases/{case_id}/links").json["items"]
        return {(each["case"]["process"], each["case"]["title"]) for each in items}

    def about(number: str) -> list[str]:
        """In one question what is shown of both."""
        items = world.get(RESIDENT, f"/publications?about={number}").json["items"]
        return [field["text"] for each in items for field in each["fields"][:2]]

    assert tied(station["id"]) == tied(project.case["id"]) == {(KEYS[1], "银龄助餐")}
    assert tied(binding["id"]) == {(KEYS[3], "幸福路助老服务站"), (KEYS[0], "银龄助餐")}
    assert about(station["number"]) == about(project.case["number"]) == ["幸福路助老服务站", "银龄助餐"]
    held = project.do(ORG, "open", "关闭", KEYS[3], "到期")
    assert (held.status_code, held.json["type"]) == (409, "/problems/cases-lacking")
    assert world.get(OTHER, f"/cases/{station['id']}").status_code == 404
    task = project.task(ORG, "open", KEYS[3])
    for who in (WATCHER, CENTRE, "dongjie1"):
        body = {"outcome": "关闭", "answers": {}, "opinion": "x"}
        assert world.post(who, f"/tasks/{task['id']}/complete", body, seen=1).status_code == 403, who


@pytest.mark.requirement("BS-235", "BS-245")
def test_figures_of_stations_sum_to_the_register_of_the_area(database: db.Database) -> None:
    project = Project(database).bound()
    world = project.world
    project.station(station_kind="助残", street="d1-s2")
    project.station(OTHER, "d1-sz-b", station_kind="法律与调解", street="d1-s2")
    world.appoint("xuncha-s1", "observer", "d1-s1")
    (shown,) = (each for each in project.shown("服务站点") if each["category"] == "助老")
    world.post(RESIDENT, f"/publications/{shown['id']}/ratings", {"stars": {"服务": 5, "环境": 4}})
    mine = project.task(ORG, "open", KEYS[3])["case_id"]
    assert project.do(ORG, "open", "登记到访", KEYS[3], visitors=30, visit_note="三月").status_code == 200
    draft = {"process": KEYS[3], "title": "还没有开放", "answers": STATION, "placeUnit": "d1-sz-a"}
    assert world.post_filing(by=ORG, **draft).status_code == 201

    def total(who: str) -> dict[str, Any]:
        return {key: each["value"] for key, each in figures(world, KEYS[3], who)["total"].items()}

    told = total(WATCHER)
    assert [told[key] for key in ("stations", "projects", "visits", "raters", "stars", "reads")] == [
        3,
        1,
        30,
        1,
        4.5,
        0,
    ]
    for by, groups in (
        ("unit", {"d1-s1": 1, "d1-s2": 2}),
        ("fact.street", {"d1-s1": 1, "d1-s2": 2}),
        ("fact.station_kind", {"助老": 1, "助残": 1, "法律与调解": 1}),
        ("place", {"d1-sz-a": 2, "d1-sz-b": 1}),
        ("month", {f"{world.now():%Y-%m}-01": 3}),
    ):
        found = figures(world, KEYS[3], WATCHER, by)["groups"]
        assert {each["by"][by]["key"]: each["numbers"]["stations"]["value"] for each in found} == groups, by
    assert [total(who)["stations"] for who in ("xuncha-s1", ORG, OTHER)] == [1, 2, 1]
    assert world.case(mine)["data"]["visits"] == 30
    assert world.get("xuncha-s1", f"/publications/{shown['id']}").json["title"] == "幸福路助老服务站"
    assert total(WATCHER)["reads"] == 1


@pytest.mark.requirement("BS-246")
def test_figures_of_projects_equal_what_residents_did(database: db.Database) -> None:
    project = Project(database).carried()
    Project(database, "第二个项目", project.world)
    world, (seen,) = project.world, project.shown()
    path = f"/publications/{seen['id']}"
    project.do(ORG, "carry", "登记服务", **SERVED)
    for who in (RESIDENT, RESIDENT, "jumin1", WATCHER, ORG):
        world.get(who, path)
    wanted = {"wantedAt": "2099-01-01T09:00:00+08:00", "text": "想谈谈"}
    first, second = (world.post(RESIDENT, f"{path}/bookings", wanted).json["id"] for _ in "12")
    world.delete(RESIDENT, f"{path}/bookings/{second}")
    world.post(RESIDENT, f"{path}/like", {})
    world.post(RESIDENT, f"{path}/comments", {"text": "好"})
    for who, given in ((RESIDENT, 5), ("jumin1", 2)):
        world.post(who, f"{path}/ratings", {"stars": {"服务内容": given, "服务态度": 4}})

    told = figures(world, KEYS[0], WATCHER, by="fact.service_kind")

    total = {name: each["value"] for name, each in told["total"].items()}
    shown = world.get(WATCHER, path).json
    assert [total[each] for each in ("projects", "people", "bookings", "likes")] == [1, 60, 1, 1], first
    assert (total["comments"], total["reads"]) == (shown["comments"], shown["reads"]) == (1, 3)
    assert (
        (total["raters"], total["stars"])
        == (shown["ratings"]["people"], shown["ratings"]["mean"])
        == (2, 3.75)
    )
    (group,) = told["groups"]
    assert group["numbers"]["reads"]["value"] == 3
    assert figures(world, KEYS[0], OTHER)["total"]["projects"]["value"] == 0


@pytest.mark.requirement(
    "BS-223",
    "BS-229",
    "BS-236",
    "BS-237",
    "BS-238",
    "BS-239",
    "BS-240",
    "BS-241",
    "BS-242",
    "BS-243",
    "BS-244",
)
def test_who_only_looks_sees_progress_and_numbers_of_the_area_and_changes_nothing(
    database: db.Database,
) -> None:
    project = Project(database).carried()
    world = project.world
    project.do(ORG, "carry", "增加节点", **GOAL)
    project.do(ORG, "work", "填报进度", KEYS[2], new_actual=30, note="三十份", held=True)
    for _ in "12":
        project.do(ORG, "carry", "登记服务", **SERVED)
    draft = Project(database, "第二个项目", world).case["id"]

    assert [world.get(who, f"/cases/{draft}").status_code for who in (ORG, BUYER, WATCHER)] == [200, 404, 404]
    for who in (BUYER, WATCHER, CENTRE):
        assert (
            world.get(who, f"/cases/{project.case['id']}")
            .json["data"]["log"][0]
            .endswith("活动：老人都满意。")
        )
        assert world.get(who, f"/cases/{project.other_case(KEYS[2])['id']}").json["data"]["actual"] == 30
    carry = project.task(ORG, "carry")
    for who in (BUYER, WATCHER):
        body = {"outcome": "完成", "answers": {}}
        assert world.post(who, f"/tasks/{carry['id']}/complete", body, seen=1).status_code == 403
    for key in KEYS[1:]:
        assert world.get(OTHER, f"/cases/{project.other_case(key)['id']}").status_code == 404
    project.do(ORG, "carry", "完成")
    project.do(CENTRE, "evaluate", "评估完成", grade="优秀", evaluation="完成目标。")

    def numbers(key: str, who: str = WATCHER) -> dict[str, Any]:
        return {name: each["value"] for name, each in figures(world, key, who)["total"].items()}

    def grouped(key: str, by: str, measure: str) -> dict[str, int]:
        groups = figures(world, key, WATCHER, by)["groups"]
        return {group["by"][by]["key"]: group["numbers"][measure]["value"] for group in groups}

    told = numbers(KEYS[0])
    assert [told[name] for name in ("projects", "services", "service_hours", "people", "activities")] == [
        1,
        2,
        5,
        120,
        2,
    ]
    assert (told["completed"], told["reach"], told["comments"]) == (1, 1, 0)
    assert [numbers(KEYS[2], who)["progress"] for who in (WATCHER, BUYER, CENTRE, ORG)] == [0.6] * 4
    assert numbers(KEYS[1])["bindings"] == 1
    kinds = grouped(KEYS[0], "fact.service_kind", "projects")
    stations = grouped(KEYS[1], "fact.station", "bindings")
    assert (kinds, stations) == ({"助老": 1}, {project.at: 1})
    (station,) = world.get(WATCHER, "/publications?section=服务站点").json["items"]
    shown = {each["name"]: each["text"] for each in station["fields"]}
    assert (station["title"], shown["services"], shown["place_unit"], shown["street"]) == (
        "幸福路助老服务站",
        "送餐",
        "示范助老公益社",
        "东街道",
    )
    assert numbers(KEYS[0], OTHER)["projects"] == 0
