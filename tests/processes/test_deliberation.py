"""五步议事 as it is shipped, over HTTP: who may do what at which step, one vote a resident, what each reads."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases import firing
from app.core import db
from app.core.clock import BEIJING
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

    def __init__(self, house: World, by: str = ONE) -> None:
        self.house = house
        answer = house.post(by, "/my/cases", PROPOSAL)
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

    def wait(self, **time: float) -> None:
        self.house.wait(**time)
        firing.fire_due()

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
    return worlds.build(database, worlds.shipped("deliberation"))


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
    first.accept(key_issue=True)
    second.accept()

    def marked() -> list[str]:
        return [row["id"] for row in house.cases(WORKER, facts={"key_issue": True})]

    assert marked() == [first.id]
    first.open("线上讨论", key_issue=False)
    second.open("线上讨论", key_issue=True)
    assert marked() == [second.id]


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


@pytest.mark.requirement("XC-064")
def test_a_discussion_has_nothing_to_vote_on_and_a_vote_needs_its_matters(house: World) -> None:
    issue = Issue(house)
    issue.accept()
    ends = (house.now() + timedelta(days=2)).astimezone(BEIJING).isoformat()
    missing = issue.act("发布", {"notice": "请表决。", "mode": "线上投票", "ends": ends})
    odd = issue.act("发布", {"notice": "请议。", "mode": "线上讨论", "ends": ends, "matters": MATTERS})

    issue.open("线上讨论")

    assert [each["code"] for each in missing.json["errors"]] == ["required"]
    assert [each["code"] for each in odd.json["errors"]] == ["field-not-applicable"]
    assert (issue.status, issue.polls(ONE)) == ("讨论中", [])


@pytest.mark.requirement("XC-070", "XC-072", "XC-073", "XC-075")
def test_a_result_is_publicised_followed_up_again_and_again_and_rated_by_the_proposer(house: World) -> None:
    issue = Issue(house)
    issue.accept()
    issue.open("线上讨论")
    issue.wait(days=2, seconds=1)
    issue.done("形成结论", {"conclusion": "同意加装。", "minutes": "议了两天。", "output": "落实"})
    assert issue.status == "待公示"
    issue.done("公示", {"publicity_text": "公示。", "objection_channel": "居委会"})
    assert issue.status == "成果公示中"
    issue.wait(days=7, seconds=1)

    for progress, note in ((20, "已定施工单位。"), (60, "井道完工。"), (100, "验收通过。")):
        outcome = "落实完成" if progress == 100 else "追加跟进"
        answers = {"progress": progress, "follow_note": note}
        assert house.post(ONE, f"/my/tasks/{issue.task['id']}/complete", {}, seen=1).status_code in (404, 422)
        issue.done(outcome, answers)
    issue.done("请居民评价", {"final_note": "已投入使用。"})

    lines = [line.partition("，")[2] for line in house.case(issue.id)["data"]["follow_ups"]]
    assert lines == ["20%：已定施工单位。", "60%：井道完工。", "100%：验收通过。"]
    read = {each["name"]: each["value"] for each in issue.mine()["data"]}
    assert (read["conclusion"], len(read["follow_ups"])) == ("同意加装。", 3)
    rating = {"answers": {"liked": False, "evaluation": "太慢。"}}
    assert house.post(TWO, f"/my/cases/{issue.id}/rate", rating).status_code == 404
    assert house.post(ONE, f"/my/cases/{issue.id}/rate", rating).status_code == 200
    assert house.case(issue.id)["data"]["evaluation"] == "太慢。"
    assert [row["id"] for row in house.cases(WORKER, facts={"liked": False})] == [issue.id]
