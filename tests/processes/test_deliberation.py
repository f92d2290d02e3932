"""五步议事 as it is shipped, over HTTP: who may do what at which step, one vote a resident, what each reads."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.cases import firing
from app.core import db
from app.core.clock import BEIJING
from app.notices.models import notices
from tests import world as worlds
from tests.world import Row, World

ONE, TWO, OUTSIDE = "jumin1", "jumin2", "jumin4"
"""ONE proposes; ONE and TWO belong to 甲社区, OUTSIDE to another street."""
WORKER, OTHER_WORKER, OBSERVER = "jia1", "ding1", "guancha1"
PROPOSAL = {
    "process": "deliberation",
    "title": "三号楼加装电梯",
    "placeUnit": "d1-s1-c1",
    "answers": {
        "content": "老人多，上下楼难。",
        "issue_type": "公共设施",
        "scope_kind": "社区",
        "signing": "匿名",
    },
}
MATTERS = ["三号楼加装电梯", "费用怎么分摊：按楼层、按户、按面积（最多2项）"]
CODES = {ONE: "code-of-a-voter-00000001", TWO: "code-of-a-voter-00000002"}


class Issue:
    """One 微提案 of ONE, moved over HTTP by who may."""

    def __init__(self, house: World, by: str = ONE, place: str = "d1-s1-c1") -> None:
        self.house = house
        answer = house.post(by, "/my/cases", {**PROPOSAL, "placeUnit": place})
        assert answer.status_code == 201, answer.json
        self.id = answer.json["id"]

    @property
    def task(self) -> Row:
        (task,) = self.house.inbox_of({"id": self.id})
        return task

    @property
    def status(self) -> str:
        return str(self.house.case(self.id)["status"])

    def act(
        self, outcome: str, answers: Row, opinion: str | None = None, by: str = WORKER, step: str = ""
    ) -> Any:
        """The answer of completing the step that is open."""
        task, body = self.task, {"outcome": outcome, "answers": answers, "opinion": opinion}
        assert step in ("", task["step"])
        path = "/my/tasks" if by.startswith("jumin") else "/tasks"
        return self.house.post(by, f"{path}/{task['id']}/complete", body, seen=task["revision"])

    def done(self, outcome: str, answers: Row, opinion: str | None = None, by: str = WORKER) -> None:
        answer = self.act(outcome, answers, opinion, by)
        assert answer.status_code == 200, answer.json

    def accept(self, **more: Any) -> None:
        self.done("采纳", {"issue_type": "公共设施", **more})

    def open(self, mode: str, **more: Any) -> None:
        ends = (self.house.now() + timedelta(days=2)).astimezone(BEIJING).isoformat()
        self.done("发布", {"notice": "请大家议。", "mode": mode, "ends": ends, **more})
        firing.fire_due()  # a worker opens the poll

    def wait(self, **time: float) -> None:
        self.house.wait(**time)
        firing.fire_due()

    def publicise(self, **more: Any) -> None:
        """Its time is up; the conclusion is written and shown."""
        self.wait(days=2, seconds=1)
        answers = {"conclusion": "同意加装。", "minutes": "议了两天。", "to_do": True, **more}
        self.done("形成结论", answers)
        assert "同意加装" not in str(self.mine()), "a result is read from its publicity on"
        self.done("公示", {"publicity_text": "公示。", "objection_channel": "居委会"})

    def shown(self, name: str, who: str = TWO) -> Any:
        """What residents see of it under this name."""
        found = self.house.get(who, f"/publications?case={self.id}").json["items"]
        (one,) = [each for each in found if each["name"] == name]
        return one

    def mine(self, who: str = ONE) -> Any:
        return self.house.get(who, f"/my/cases/{self.id}").json

    def vote(self, who: str, *choices: list[int]) -> Any:
        (poll,) = self.polls(WORKER)
        chosen = [{"matter": place, "options": each} for place, each in enumerate(choices, 1)]
        return self.house.post(who, f"/polls/{poll['id']}/ballots", {"choices": chosen, "code": CODES[who]})

    def polls(self, who: str) -> Any:
        return self.house.get(who, f"/polls?case={self.id}").json["items"]


@pytest.fixture
def house(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped("covenant"), worlds.shipped("deliberation"))


@pytest.mark.requirement("XC-059", "XC-060")
def test_a_proposal_lies_with_the_workers_of_its_community_at_once_and_with_no_others(house: World) -> None:
    house.appoint(OTHER_WORKER, "handler", "d1-s2-c1")

    issue = Issue(house)

    assert (issue.mine()["number"][:3], issue.status) == ("YS-", "待审核")
    assert [row["case_id"] for row in house.inbox(WORKER)] == [issue.id]
    assert house.inbox(OTHER_WORKER) == []
    for path in (f"/cases/{issue.id}", f"/tasks/{issue.task['id']}"):
        assert house.get(OTHER_WORKER, path).status_code == 404
    for stranger in (TWO, OUTSIDE):
        assert house.get(stranger, f"/my/cases/{issue.id}").status_code == 404


@pytest.mark.requirement("XC-061", "XC-062")
def test_a_refused_proposer_reads_the_reason_and_residents_and_observers_do_no_step_of_the_staff(
    house: World,
) -> None:
    refused, issue = Issue(house), Issue(house)
    refused.done("不采纳", {"issue_type": "其他", "review_reply": "围墙归市政管理。"}, "内部意见")
    body = {"outcome": "采纳", "answers": {"issue_type": "公共设施"}}

    told = refused.mine()

    assert (told["status"], told["state"]) == ("未采纳", "closed")
    assert {"name": "review_reply", "label": "答复提案人", "value": "围墙归市政管理。"} in told["data"]
    assert "内部意见" not in str(told)
    task = issue.task
    assert house.post(ONE, f"/tasks/{task['id']}/complete", body, seen=1).status_code == 403
    assert house.post(ONE, f"/my/tasks/{task['id']}/complete", body, seen=1).status_code == 404
    assert house.get(OBSERVER, f"/cases/{issue.id}").status_code == 200
    for write in (f"/tasks/{task['id']}/complete", f"/tasks/{task['id']}/claim"):
        sent = body if write.endswith("complete") else {}
        assert house.post(OBSERVER, write, sent, seen=1).status_code == 403
    assert house.post(OBSERVER, f"/cases/{issue.id}/notes", {"text": "写"}).status_code == 403
    issue.accept()
    issue.open("线上讨论")
    assert issue.status == "讨论中"


@pytest.mark.requirement("XC-063")
def test_key_issues_are_marked_found_by_the_mark_and_unmarked(house: World) -> None:
    first, second = Issue(house), Issue(house)
    second.accept(key_issue=True)

    def marked() -> set[str]:
        return {row["id"] for row in house.cases(WORKER, facts={"key_issue": True})}

    def mark(who: str, *, on: bool, name: str = "key_issue") -> Any:
        return house.post(who, f"/cases/{first.id}/marks", {"name": name, "on": on})

    assert marked() == {second.id}
    for who, answer in ((ONE, 403), (OBSERVER, 403), (OTHER_WORKER, 404), (WORKER, 200), (WORKER, 200)):
        assert mark(who, on=True).status_code == answer
    assert marked() == {first.id, second.id}
    assert mark(WORKER, on=True, name="to_do").json["type"] == "/problems/mark-unknown"
    assert mark(WORKER, on=False).status_code == 200
    assert marked() == {second.id}
    told = house.get(OBSERVER, f"/cases/{first.id}/timeline?limit=200").json["items"]
    said = [each["text"] for line in told for each in line["events"] if each["name"] == "case.marked"]
    assert said == ["加上标记“重点议题”", "去掉标记“重点议题”"]


@pytest.mark.requirement("XC-058", "XC-065", "XC-067", "BS-272")
def test_the_matters_of_an_issue_are_voted_once_by_each_member_counted_and_can_be_counted_again(
    house: World,
) -> None:
    issue = Issue(house)
    early = issue.act("形成结论", {"issue_type": "公共设施", "review_reply": "议。"}, "还没有议")
    assert early.json["type"] == "/problems/outcome-unknown"  # a step that is not current
    issue.accept()
    issue.open("投票加讨论", matters=MATTERS, secret_ballot=True, quorum="1/2")

    first, again = issue.vote(ONE, [1], [1, 2]), issue.vote(ONE, [2], [3])

    (poll,) = issue.polls(TWO)
    assert (first.status_code, again.json["type"]) == (201, "/problems/already-voted")
    assert (poll["secret"], poll["eligible"], poll["voted"], len(poll["matters"])) == (True, 2, 1, 2)
    assert house.get(OUTSIDE, f"/polls/{poll['id']}").status_code == 404
    assert house.post(OUTSIDE, f"/polls/{poll['id']}/ballots", {"choices": []}).status_code in (404, 422)
    assert house.post(OBSERVER, f"/polls/{poll['id']}/ballots", {}).status_code == 403
    assert issue.vote(TWO, [1], [2]).status_code == 201
    issue.wait(days=2, seconds=1)
    data = house.case(issue.id)["data"]
    assert (issue.status, data["result"], data["voted"], data["agreed"]) == ("待形成结论", "passed", 2, 2)
    assert data["counts"][1].startswith("费用怎么分摊：按楼层 1，按户 2，按面积 0")
    assert house.get(ONE, f"/polls/{poll['id']}/recount").json["agrees"] is True
    checked = house.post(ONE, f"/polls/{poll['id']}/receipts/check", {"code": CODES[ONE]}).json["items"]
    assert [each["matter"] for each in checked] == [1, 2]


@pytest.mark.requirement("XC-064", "XC-066")
def test_a_vote_takes_no_words_a_discussion_takes_no_votes_and_both_take_both_until_the_end(
    house: World,
) -> None:
    said = {}
    for mode in ("线上投票", "线上讨论", "投票加讨论"):
        issue = Issue(house)
        issue.accept()
        issue.open(mode, **({} if mode == "线上讨论" else {"matters": MATTERS}))
        talk = issue.shown("issue")["id"]
        words = house.post(TWO, f"/publications/{talk}/comments", {"text": "一楼要不要出钱？"})
        said[mode] = (words.status_code, len(issue.polls(TWO)))

    path = f"/publications/{talk}/comments"
    assert house.post(WORKER, path, {"text": "一楼不出。"}).status_code == 201
    assert house.post(OTHER_WORKER, path, {"text": "我也说。"}).status_code == 404
    issue.wait(days=2, seconds=1)

    assert said == {"线上投票": (409, 1), "线上讨论": (201, 0), "投票加讨论": (201, 1)}
    assert house.get(OUTSIDE, f"/publications/{talk}/comments").status_code == 404
    assert house.post(OBSERVER, f"/publications/{talk}/comments", {"text": "看"}).status_code == 403
    late = house.post(TWO, f"/publications/{talk}/comments", {"text": "晚了一秒。"})
    assert late.json["type"] == "/problems/publication-closed"
    kept = house.get(TWO, f"/publications/{talk}/comments").json["items"]
    assert [(each["text"], each["staff"]) for each in kept] == [
        ("一楼不出。", True),
        ("一楼要不要出钱？", False),
    ]


@pytest.mark.requirement("XC-068", "XC-069", "XC-071")
def test_a_resident_lists_what_concerns_him_online_and_offline_by_the_state_it_is_in(house: World) -> None:
    voting, meeting, waiting = Issue(house), Issue(house), Issue(house)
    for each in (voting, meeting):
        each.accept()
    voting.open("线上投票", matters=MATTERS)
    soon = (house.now() + timedelta(days=1)).astimezone(BEIJING).isoformat()
    meeting.open("线下会议", meeting_at=soon, meeting_place="居委会")

    def listed(who: str, **asked: str) -> dict[str, Row]:
        found = house.get(who, f"/publications?{urlencode(asked)}").json["items"]
        return {each["case"]: {field["name"]: field["value"] for field in each["fields"]} for each in found}

    everything = listed(TWO, section="百姓议题")
    assert {case: shown["mode"] for case, shown in everything.items()} == {
        voting.id: "线上投票",
        meeting.id: "线下会议",
    }
    assert listed(TWO, status="投票中").keys() == {voting.id}
    assert listed(TWO, status="讨论中").keys() == {meeting.id}
    assert listed(OUTSIDE) == {}
    assert waiting.id in [row["id"] for row in house.get(ONE, "/my/cases").json["items"]]
    assert "signature" not in everything[voting.id], "she proposed it without a name"
    assert "居民甲" not in str(everything)
    assert listed(TWO, section="成果公示") == {}
    meeting.publicise()
    (shown,) = listed(TWO, section="成果公示", status="成果公示中").values()
    assert (shown["conclusion"], shown["publicity_text"]) == ("同意加装。", "公示。")


def test_a_discussion_has_nothing_to_vote_on_and_a_vote_needs_its_matters(house: World) -> None:
    issue = Issue(house)
    issue.accept()
    ends = (house.now() + timedelta(days=2)).astimezone(BEIJING).isoformat()
    missing = issue.act("发布", {"notice": "请表决。", "mode": "线上投票", "ends": ends})
    odd = issue.act("发布", {"notice": "请议。", "mode": "线上讨论", "ends": ends, "matters": MATTERS})
    one = {"mode": "线上投票", "matters": ["选哪个方案：只有一个"]}
    wrong = issue.act("发布", {"notice": "请表决。", "ends": ends, **one})

    issue.open("线上讨论")

    assert [each["code"] for each in missing.json["errors"]] == ["required"]
    assert [each["code"] for each in odd.json["errors"]] == ["field-not-applicable"]
    assert (wrong.status_code, wrong.json["type"]) == (422, "/problems/poll-refused")
    assert (issue.status, issue.polls(ONE)) == ("讨论中", [])


@pytest.mark.requirement("XC-070", "XC-072", "XC-073", "XC-074", "XC-075")
def test_a_result_is_publicised_followed_up_again_and_again_and_rated_by_the_proposer(house: World) -> None:
    issue = Issue(house)
    issue.accept()
    issue.open("线上讨论")
    issue.publicise()
    assert issue.status == "成果公示中"
    told = [row["text"] for row in house.rows(notices, person_id=house.actor(ONE).id)]
    assert [text.partition("”")[2][:3] for text in told] == ["已采纳", "的协商"]
    result = issue.shown("result")["id"]
    for _ in range(2):
        assert house.post(TWO, f"/publications/{result}/like", {}).status_code == 200
    assert house.post(TWO, f"/publications/{result}/comments", {"text": "赞成。"}).status_code == 201
    assert (issue.shown("result")["likes"], issue.shown("result")["comments"]) == (1, 1)
    issue.wait(days=7, seconds=1)

    for progress, note in ((20, "已定施工单位。"), (60, "井道完工。"), (100, "验收通过。")):
        outcome = "落实完成" if progress == 100 else "追加跟进"
        answers = {"progress": progress, "follow_note": note}
        assert house.post(ONE, f"/my/tasks/{issue.task['id']}/complete", {}, seen=1).status_code in (404, 422)
        issue.done(outcome, answers)
    issue.done("请居民评价", {"final_note": "已投入使用。"})
    seen = {field["name"]: field["value"] for field in issue.shown("work")["fields"]}
    assert (len(seen["follow_ups"]), seen["final_note"]) == (3, "已投入使用。")

    lines = [line.partition("，")[2] for line in house.case(issue.id)["data"]["follow_ups"]]
    assert lines == ["20%：已定施工单位。", "60%：井道完工。", "100%：验收通过。"]
    read = {each["name"]: each["value"] for each in issue.mine()["data"]}
    assert (read["conclusion"], len(read["follow_ups"])) == ("同意加装。", 3)
    rating = {"answers": {"liked": False, "evaluation": "太慢。"}}
    assert house.post(TWO, f"/my/cases/{issue.id}/rate", rating).status_code == 404
    assert house.post(ONE, f"/my/cases/{issue.id}/rate", rating).status_code == 200
    assert house.case(issue.id)["data"]["evaluation"] == "太慢。"
    assert [row["id"] for row in house.cases(WORKER, facts={"liked": False})] == [issue.id]


@pytest.mark.requirement("XC-070", "XC-071")
def test_members_object_while_a_result_is_publicised_once_each_and_its_worker_is_told(house: World) -> None:
    issue = Issue(house)
    issue.accept()
    issue.open("线上讨论")
    issue.publicise()
    path = f"/publications/{issue.shown('result')['id']}"

    def objects(who: str, text: str, to: str = path) -> str:
        answer = house.post(who, f"{to}/objections", {"text": text})
        return str(answer.json.get("state") or answer.json["type"].rpartition("/")[2])

    given = [
        objects(TWO, "占了消防通道，电话 10000000002。"),
        objects(TWO, "再说一遍。"),
        objects(OUTSIDE, "我也说。"),
        objects(TWO, "议题也有异议。", f"/publications/{issue.shown('issue')['id']}"),
    ]
    read = {who: house.get(who, f"{path}/comments").json["items"] for who in (TWO, ONE, WORKER)}
    hidden = house.post(WORKER, f"{path}/comments/{read[WORKER][0]['id']}/hide", {"reason": "不想看"})
    told = [row["text"] for row in house.rows(notices, kind="objection")]
    issue.done("异议不成立", {"objection": "占了消防通道。", "objection_reply": "没有占。"}, "已核实")
    after_reply = objects(ONE, "我还有异议。")
    issue.wait(days=8)

    assert given == ["objected", "already-objected", "not-found", "not-offered"]
    assert [len(read[who]) for who in (TWO, ONE, WORKER)] == [1, 0, 1]
    (said,) = read[WORKER]
    assert (said["by"], said["state"]) == ("居民乙", "objected")
    assert "10000000002" not in said["text"]
    assert hidden.status_code == 404
    assert len(told) == 1
    assert told[0].startswith("“三号楼加装电梯”公示期内居民乙提出异议：占了消防通道")
    assert (after_reply, objects(ONE, "晚了。")) == ("objected", "objections-over")


@pytest.mark.requirement("BS-272", "BS-273")
def test_the_way_from_an_issue_to_its_covenant_is_read_at_both_ends(house: World) -> None:
    issue = Issue(house)
    issue.accept()
    issue.open("线上投票", matters=MATTERS[:1])
    issue.vote(TWO, [1])
    issue.publicise(to_do=False, output="公约")

    issue.wait(days=7, seconds=1)

    (link,) = house.get(OBSERVER, f"/cases/{issue.id}/links").json["items"]
    covenant = house.case(link["case"]["id"])
    number = house.case(issue.id)["number"]
    assert (covenant["process_key"], covenant["status"]) == ("covenant", "待发布")
    assert (covenant["data"]["kind"], covenant["data"]["issue"]) == ("公约", number)
    assert house.case(issue.id)["data"]["covenant"] == covenant["number"]
    told = house.get(OBSERVER, f"/cases/{issue.id}/timeline?limit=200").json["items"]
    steps = [each["step"] for line in told for each in line["events"] if each["name"] == "task.done"]
    assert steps == ["review", "set_up", "conclude", "publish"]
    assert all(line["at"] for line in told)
    assert house.get(OTHER_WORKER, f"/cases/{covenant['id']}").status_code == 404


@pytest.mark.requirement("XC-076", "XC-077", "XC-078", "XC-079")
def test_the_five_steps_are_counted_and_each_number_leads_to_its_issues(house: World) -> None:
    waiting, refused, voted = Issue(house), Issue(house), Issue(house)
    elsewhere = Issue(house, OUTSIDE, "d1-s2-c1")
    house.appoint(OTHER_WORKER, "handler", "d1-s2-c1")
    refused.done("不采纳", {"issue_type": "其他", "review_reply": "归市政管理。"}, "不归社区")
    house.wait(hours=5)
    voted.accept(key_issue=True)
    voted.open("线上投票", matters=MATTERS[:1])
    voted.vote(ONE, [1])
    voted.publicise()
    result = voted.shown("result")["id"]
    for who in (ONE, TWO):
        assert house.post(who, f"/publications/{result}/like", {}).status_code in (200, 201)
    assert house.post(TWO, f"/publications/{result}/comments", {"text": "赞成。"}).status_code == 201
    elsewhere.done("采纳", {"issue_type": "公共设施"}, by=OTHER_WORKER)
    ends = (house.now() + timedelta(days=1)).astimezone(BEIJING).isoformat()
    asked = {"notice": "请大家议。", "mode": "线上讨论", "ends": ends}
    elsewhere.done("发布", asked, by=OTHER_WORKER)
    elsewhere.wait(days=1, seconds=1)
    elsewhere.done("议而未决", {"conclusion": "分歧大。"}, "分歧大", by=OTHER_WORKER)
    today = house.now().astimezone(BEIJING).date()
    days = {"from": str(today - timedelta(days=9)), "to": str(today), "period": "received"}

    def counted(who: str, **more: str) -> dict[str, tuple[Any, Any]]:
        answer = house.get(who, f"/reports/deliberation?{urlencode({**days, **more})}")
        assert answer.status_code == 200, answer.json
        return {key: (each["numerator"], each["denominator"]) for key, each in answer.json["total"].items()}

    total = counted(WORKER)

    assert (total["proposed"], total["in_propose"], total["in_publicity"]) == (
        (3, None),
        (1, None),
        (1, None),
    )
    assert (total["accepted_rate"], total["taking_part"]) == ((1, 2), (1, 2))
    assert (total["publicised"], total["publicised_rate"]) == ((1, None), (1, 1))
    assert round(total["propose_hours"][0], 1) == 5
    assert (total["evaluated"], total["likes"], total["comments"]) == ((0, None), (2, None), (1, None))
    assert abs(total["discuss_hours"][0] - 48) < 0.1
    both = counted(OBSERVER)
    assert (both["proposed"], both["publicised_rate"]) == ((4, None), (1, 2)), "of all communities"
    places = house.get(OBSERVER, f"/reports/deliberation?{urlencode({**days, 'by': 'place'})}").json["groups"]
    told = {
        each["by"]["place"]["key"]: [
            each["numbers"][name]["numerator"] for name in ("proposed", "publicised", "likes", "comments")
        ]
        for each in places
    }
    assert told == {"d1-s1-c1": [3, 1, 2, 1], "d1-s2-c1": [1, 0, 0, 0]}
    past = {name: str(today - timedelta(days=30)) for name in ("from", "to")}
    assert counted(WORKER, **past)["proposed"] == (0, None), "of another period"
    behind = urlencode({**days, "measure": "in_propose", "part": "numerator"})
    listed = house.get(OBSERVER, f"/reports/deliberation/cases?{behind}").json["items"]
    assert [each["id"] for each in listed] == [waiting.id]
    assert house.get(ONE, f"/reports/deliberation?{urlencode(days)}").status_code == 403
