"""问题跟踪 over HTTP: who may record, see, answer and rate what; how lists and averages read."""

from typing import Any

import pytest
import yaml

from app.cases import flags
from app.core import db
from tests import world as worlds
from tests.processes.test_scenarios import walked
from tests.world import BPMN, World

KEY = "problem_tracking"
EAST, JIA, YI, DING = "d1-s1", "d1-s1-c1", "d1-s1-c2", "d1-s2-c1"


class Town(World):
    """The district with what happens to problems all day."""

    def record(self, by: str, place: str = JIA, label: str | None = "21", **about: Any) -> Any:
        """`POST /cases`: what the community app, staff and patrols use."""
        answers = {"content": "现场照片见附件。", **about.pop("answers", {})}
        if label is not None:
            answers["label"] = label
        given = {"process": KEY, "title": "路灯不亮", "placeUnit": place, "answers": answers, **about}
        return self.post(by, "/cases", given)

    def recorded(self, by: str, place: str = JIA, label: str | None = "21", **about: Any) -> Any:
        answer = self.record(by, place, label, **about)
        assert answer.status_code == 201, answer.json
        return answer.json["case"]

    def do(self, by: str, case: Any, outcome: str, **answers: Any) -> Any:
        """Whoever it is completes the one open task of the case."""
        (task,) = self.inbox_of(case)
        opinion = "见上。" if outcome in ("上报网格", "无需处置", "继续处置") else None
        body = {"outcome": outcome, "answers": answers, "opinion": opinion}
        return self.post(by, f"/tasks/{task['id']}/complete", body, seen=task["revision"])

    def solved(self, case: Any, by: str = "jia1") -> None:
        answered = self.do(by, case, "回应", reply="收到。")
        done = self.do(by, case, "已解决", way="线下", measure="修好了。", result="已修好。")
        assert (answered.status_code, done.status_code) == (200, 200)

    def rated(self, by: str, case: Any, stars: int, **more: Any) -> Any:
        return self.post(by, f"/my/cases/{case['id']}/rate", {"answers": {"stars": stars, **more}})

    def found(self, by: str, **filter: Any) -> list[Any]:
        """`POST /cases/search` among problems."""
        answer = self.post(by, "/cases/search", {"filter": {"process": KEY, **filter}})
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    def titles(self, by: str, **filter: Any) -> set[str]:
        return {each["title"] for each in self.found(by, **filter)}

    def average(self, by: str, asked: str) -> Any:
        now = self.now().date().isoformat()
        answer = self.get(by, f"/reports/{KEY}?from=2026-01-01&to={now}&period=received&{asked}")
        assert answer.status_code == 200, answer.json
        return answer.json


@pytest.fixture
def town(database: db.Database) -> Town:
    worlds.build(database, worlds.shipped(KEY))
    with db.transaction() as session:
        worlds.categorise(session)
    return Town(database)


def fact(case: Any, name: str) -> Any:
    return next((each["value"] for each in case["facts"] if each["name"] == name), None)


@pytest.mark.requirement("BS-035", "BS-046", "BS-047", "BS-051", "BS-053", "BS-059", "BS-060")
@pytest.mark.requirement("BS-062", "BS-064", "BS-070", "BS-071", "BS-073", "BS-075")
def test_each_source_and_label_is_found_by_whose_area_it_is_and_patrols_are_who_they_are(town: Town) -> None:
    town.post(
        "jumin1",
        "/my/cases",
        {
            "process": KEY,
            "title": "居民",
            "answers": {"content": "灯坏", "channel": "身边事标签", "label": "21"},
        },
    )
    town.recorded("shequtong", label=None, title="回复", answers={"channel": "@居委回复"})
    town.recorded("shequtong", label=None, title="群聊", answers={"channel": "@居委群聊"})
    town.recorded("jia1", label="11", title="居委", answers={"channel": "身边事标签"})
    town.recorded("xuncha-s1", label="33", title="街镇", answers={"channel": "@居委回复"})
    town.recorded("xuncha-d1", label="41", title="区")
    town.recorded("xuncha-d1", DING, label="53", title="西街")

    refused = [
        town.record("xuncha-s1", DING),
        town.record("xuncha-s1", EAST),
        town.record("xuncha-s1", label=None),
        town.record("xuncha-s1", label="99"),
        town.record("xuncha-s1", answers={"channel": "区巡查"}),
        town.record("guancha1"),
    ]

    assert [answer.status_code for answer in refused] == [422, 422, 422, 422, 422, 403]
    sources = {
        "身边事标签": "居民",
        "@居委回复": "回复",
        "@居委群聊": "群聊",
        "居/村委巡查": "居委",
        "街镇巡查": "街镇",
    }
    for channel, title in sources.items():
        for by in ("jia1", "xuncha-s1", "xuncha-d1"):
            assert town.titles(by, facts={"channel": channel}) == {title}, (by, channel)
    assert town.titles("xuncha-s1", facts={"channel": "区巡查"}) == {"区"}
    assert town.titles("xuncha-d1", facts={"channel": "区巡查"}) == {"区", "西街"}
    labels = {"1": {"居委"}, "2": {"居民"}, "3": {"街镇"}, "4": {"区"}, "5": set()}
    for code, titles in labels.items():
        assert town.titles("jia1", facts={"label": {"$below": code}}) == titles
    assert town.titles("xuncha-d1", facts={"label": {"$below": "5"}}) == {"西街"}
    assert {each["title"]: fact(each, "channel") for each in town.found("jia1")}["街镇"] == "街镇巡查"


@pytest.mark.requirement("BS-033", "BS-034", "BS-052", "BS-063", "BS-074")
def test_one_post_is_one_problem_whoever_records_it_and_its_author_sees_it(town: Town) -> None:
    first = town.recorded(
        "xuncha-s1",
        externalNo="TZ-7",
        reporter="jumin1",
        title="@居委 群里说路灯不亮",
        answers={"section": "交流群"},
    )

    again = [town.record(by, externalNo="TZ-7") for by in ("xuncha-s1", "xuncha-d1", "jia1", "shequtong")]
    other = town.record("shequtong", externalNo="TZ-8", label=None, answers={"channel": "@居委回复"})

    assert [answer.status_code for answer in again] == [409] * 4
    assert {answer.json["link"] for answer in again} == {f"/api/v1/cases/{first['id']}"}
    assert other.status_code == 201
    elsewhere = town.record("xuncha-s2", DING, externalNo="TZ-7").json
    assert (elsewhere["type"], "link" in elsewhere) == ("/problems/already-filed", False)
    assert first["number"] not in str(elsewhere), "what is out of sight is not named"
    (mine,) = town.get("jumin1", "/my/cases").json["items"]
    assert (mine["title"], mine["status"]) == ("@居委 群里说路灯不亮", "未回应")


@pytest.mark.requirement("BS-042", "BS-043", "BS-044", "BS-045", "BS-054", "BS-058", "BS-065")
@pytest.mark.requirement("BS-069", "BS-076")
def test_marks_of_what_is_overdue_are_shown_and_found_in_every_tier_and_go_with_the_answer(
    town: Town,
) -> None:
    def marks() -> dict[str, list[str]]:
        flags.fire()
        return {each["title"]: [tier["label"] for tier in each["tiers"]] for each in town.found("jia1")}

    slow = town.recorded("shequtong", title="慢")
    town.recorded("shequtong", title="没有回应")
    town.do("jia1", slow, "回应", reply="收到。")
    town.recorded("shequtong", YI, title="别处")
    seen = [marks()]
    for days in (1.01, 31, 62, 93):
        town.wait(days=days)
        seen.append(marks())

    assert [each["慢"] for each in seen] == [
        [],
        [],
        ["1-3个月未解决"],
        ["3-6个月未解决"],
        ["超过6个月未解决"],
    ]
    assert seen[1]["没有回应"] == ["24小时未回应"]
    assert seen[4]["没有回应"] == ["24小时未回应", "超过6个月未解决"]
    for by, more in (("jia1", set()), ("xuncha-s1", {"别处"}), ("xuncha-d1", {"别处"})):
        assert town.titles(by, tier="respond.h24") == {"没有回应"} | more
        assert town.titles(by, tier="resolve.m6") == {"慢", "没有回应"} | more
        assert town.titles(by, tier="resolve.m1") == town.titles(by, tier="resolve.m3") == set()
    assert town.titles("xuncha-d1", tier="resolve.m6", place=YI) == {"别处"}
    town.do("jia1", slow, "已解决", way="线下", measure="修好了。", result="已修好。")
    assert "慢" not in town.titles("jia1", tier="resolve.m6")


@pytest.mark.requirement("BS-038", "BS-039", "BS-040", "BS-041", "BS-056", "BS-057", "BS-067")
@pytest.mark.requirement("BS-068", "BS-078", "BS-079", "BS-080", "BS-083", "BS-085")
def test_only_who_raised_a_problem_rates_it_and_averages_are_of_all_ratings(town: Town) -> None:
    mine = [
        town.recorded("shequtong", place, reporter="jumin2", answers={"channel": "身边事标签"})
        for place in (JIA, JIA, YI, YI)
    ]
    early = town.rated("jumin2", mine[0], 5)
    for case, by in zip(mine[:3], ("jia1", "jia1", "yi1"), strict=True):
        town.solved(case, by)

    refused = [
        town.rated("jumin1", mine[0], 5),
        town.do("jia1", mine[0], "评分", stars=5),
        *(town.rated("jumin2", mine[0], stars) for stars in (0, 6, 2.5)),  # type: ignore[arg-type]
    ]
    assert "修好了。" in str(town.get("jumin2", f"/my/cases/{mine[0]['id']}").json["data"]), "the measure"
    given = [town.rated("jumin2", case, stars) for case, stars in zip(mine, (5, 4, 1), strict=False)]
    twice = town.rated("jumin2", mine[0], 1, comment="改主意了")

    assert early.status_code == 409
    assert [answer.status_code for answer in refused] == [404, 403, 422, 422, 422]
    assert [answer.status_code for answer in given] == [200] * 3
    assert twice.status_code == 409
    own = town.average("jia1", "by=place")["total"]["stars"]
    assert (own["value"], own["numerator"], own["denominator"]) == (4.5, 9, 2)
    street = {
        each["by"]["place"]["key"]: each["numbers"]["stars"]["value"]
        for each in town.average("xuncha-s1", "by=place")["groups"]
    }
    assert street == {JIA: 4.5, YI: 1}
    district = town.average("xuncha-d1", "by=unit&unitTier=street")["groups"]
    (east,) = [each for each in district if each["by"]["unit"]["key"] == EAST]
    assert round(east["numbers"]["stars"]["value"], 2) == 3.33
    assert east["numbers"]["rated"]["denominator"] == 3
    empty = town.average("xuncha-s2", "by=place")["total"]["stars"]
    assert (empty["value"], empty["denominator"]) == (None, 0)
    states = town.average("xuncha-s1", "by=status")["groups"]
    assert {each["by"]["status"]["key"]: each["numbers"]["problems"]["value"] for each in states} == {
        "已解决": 3,
        "待回应": 1,
    }
    rated = town.get("xuncha-s1", f"/cases/{mine[2]['id']}").json
    assert rated["data"]["stars"] == 1
    listed = town.get("jumin2", f"/my/cases?process={KEY}&status=已解决&fact=channel:身边事标签").json[
        "items"
    ]
    assert sorted(fact(each, "stars") for each in listed) == [1, 4, 5]
    assert town.get("jumin2", f"/my/cases?process={KEY}&fact=grid_stage:结案").status_code == 422


@pytest.mark.requirement("BS-061", "BS-072", "BS-081")
def test_neither_residents_nor_other_communities_nor_observers_handle_what_is_a_committees(
    town: Town,
) -> None:
    town.appoint("xijie1", "observer", EAST)
    case = town.recorded("shequtong", reporter="jumin1")
    (task,) = town.inbox_of(case)
    path = f"/tasks/{task['id']}/complete"
    body = {"outcome": "回应", "answers": {"reply": "好"}}

    tried = {
        by: town.post(by, path, body, seen=1) for by in ("jumin1", "yi1", "guancha1", "xuncha-s1", "ding1")
    }
    written = [
        town.post(by, f"/cases/{case['id']}/notes", {"text": "看过"}) for by in ("guancha1", "xijie1", "yi1")
    ]

    assert {by: answer.status_code for by, answer in tried.items()} == {
        "jumin1": 403,
        "yi1": 404,
        "guancha1": 403,
        "xuncha-s1": 403,
        "ding1": 404,
    }
    assert [answer.status_code for answer in written] == [403, 403, 404]
    assert [
        town.get(by, f"/cases/{case['id']}").status_code for by in ("guancha1", "xijie1", "xuncha-s1")
    ] == [200] * 3
    assert [town.get(by, f"/cases/{case['id']}").status_code for by in ("yi1", "xuncha-s2", "jumin2")] == [
        404,
        404,
        403,
    ]
    assert town.do("jia1", case, "回应", reply="收到。").json["case"]["status"] == "处理中"


def test_a_problem_is_opened_again_by_who_raised_it_and_its_clock_runs_on(town: Town) -> None:
    case = town.recorded("shequtong", reporter="jumin1")
    town.solved(case)
    town.rated("jumin1", case, 2, comment="又坏了")
    reopen = f"/my/cases/{case['id']}/reopen"

    answers = [town.post("jia1", reopen, {"reason": "x"}), town.post("jumin1", reopen, {"reason": "又坏了"})]

    assert [answer.status_code for answer in answers] == [403, 200]
    (clock,) = [
        each for each in town.get("jia1", f"/cases/{case['id']}").json["clocks"] if each["name"] == "resolve"
    ]
    assert clock["state"] == "running"
    for _ in range(2):
        town.do("jia1", case, "已解决", way="线下", measure="修好了。", result="再修好。")
        town.rated("jumin1", case, 3)
        last = town.post("jumin1", reopen, {"reason": "还不行"})
    assert last.status_code == 409


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("BS-050", "BS-055", "BS-066", "BS-077", "BS-343")
def test_the_scenarios_show_the_first_look_and_who_is_told_once_of_each_class() -> None:
    stories = {name: walked(BPMN / KEY, name)[0][0] for name in ("first_look", "overdue", "solved")}

    assert {name: told.failed for name, told in stories.items()} == dict.fromkeys(stories)


@pytest.mark.requirement("BS-049")
def test_letters_posts_visits_and_patrols_share_one_table_of_five_labels() -> None:
    table = yaml.load(
        (BPMN / "_categories/community_labels.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
    )
    used = {
        key: {each["table"] for each in data.values() if each.get("type") == "category"}
        for key in (KEY, "people_mailbox")
        for data in [
            yaml.load((BPMN / key / "process.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)["data"]
        ]
    }

    names = [each["name"] for each in table["categories"]]
    assert names == ["经济发展", "建设管理", "社会发展", "平安建设", "社区建设"]
    assert used == {KEY: {"community_labels"}, "people_mailbox": {"community_labels"}}
