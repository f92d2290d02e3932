"""Votes of staff over HTTP: every rule, after 加签, 减签, 退回, 撤回 and 回避, and who said what so far."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.cases import firing
from app.cases.models import tasks as task_rows
from app.core import db
from tests import world as worlds
from tests.cases.test_handing_on import sound
from tests.cases.test_signers import ITEM, steps
from tests.engine.drawing import Drawing
from tests.world import Row, by_role

CGW, ZJW, STREET = "d1-cgw", "d1-zjw", "d1-s1"
WHO = {CGW: "cgw1", ZJW: "zjw1", STREET: "dongjie1"}
YES, NO, MAYBE = "同意", "不同意", "弃权"
AFTER = {"passed": "passed", "rejected": "rejected", "undecided": "undecided"}


def voting(**said: Any) -> worlds.BundleFiles:
    """Units that `pick` names vote, then one step for each way the vote can end."""
    drawing = Drawing("voting").start().task("pick", by_role() + ' camunda:formKey="pick"', outcomes="完成")
    said.setdefault("outcomes", f"{YES},{MAYBE},{NO}!")
    drawing.signing("sign", item="unit", attributes=ITEM, **said).either("gate", default="else")
    drawing.line("start", "pick", "sign", "gate").end()
    for result in AFTER:
        drawing.task(result, by_role()).line(result, "end")
    for result in ("passed", "rejected"):
        drawing.flow("gate", result, f'outcome("sign") == "{result}"')
    drawing.flow("gate", "undecided", name="else")
    return worlds.bundle_of(
        "voting",
        drawing,
        data="units: {type: list, of: unit, label: 单位}",
        forms={"pick": "title: 选定\nfields:\n  - {name: units, required: true}\n"},
    )


class Vote:
    """A vote of these units, done over HTTP alone."""

    def __init__(
        self, database: db.Database, *items: str, files: worlds.BundleFiles | None = None, **said: Any
    ) -> None:
        self.world = worlds.build(database, files or voting(**said))
        filed = self.world.post_filing(process="voting", answers={}).json
        self.case = filed["case"]["id"]
        self.do("paiqian1", filed["tasks"][0], "complete", outcome="完成", answers={"units": list(items)})

    def do(self, who: str, task: Row, verb: str, status: int = 200, **body: Any) -> Any:
        seen = self.world.get(who, f"/tasks/{task['id']}").json["revision"]
        answer = self.world.post(who, f"/tasks/{task['id']}/{verb}", body, seen=seen)
        assert answer.status_code == status, answer.json
        sound(self.world)
        return answer.json

    def task(self, item: str) -> Row:
        rows = self.world.rows(task_rows, item=item, case_id=self.case)
        return next(row for row in reversed(rows) if row["state"] in ("open", "claimed"))

    def say(self, *votes: tuple[str, str]) -> list[str]:
        """Each votes in turn; the steps that are open then."""
        for item, outcome in votes:
            opinion = {"opinion": "依据不足"} if outcome == NO else {}
            self.do(WHO.get(item, item), self.task(item), "complete", outcome=outcome, **opinion)
        return steps(self.world)

    def seen(self, by: str = "paiqian1") -> Any:
        (task, *_) = self.world.rows(task_rows, step="sign", case_id=self.case)[-1:]
        answer = self.world.get(by, f"/tasks/{task['id']}/votes")
        assert answer.status_code == 200, answer.json
        return answer.json

    def timeline(self) -> list[str]:
        items = self.world.get("paiqian1", f"/cases/{self.case}/timeline").json["items"]
        return [event["text"] for row in items for event in row["events"]]


@pytest.mark.parametrize(
    ("said", "votes", "then"),
    [
        ({"vote": "all"}, [(CGW, YES), (ZJW, YES), (STREET, YES)], "passed"),
        ({"vote": "all"}, [(CGW, YES), (ZJW, MAYBE)], "rejected"),
        ({"vote": "any"}, [(ZJW, YES)], "passed"),
        ({"vote": "any"}, [(ZJW, NO)], "rejected"),
        ({"vote": "count:2"}, [(CGW, YES), (ZJW, NO), (STREET, YES)], "passed"),
        ({"vote": "count:2"}, [(CGW, NO), (ZJW, NO)], "rejected"),
        ({"vote": "ratio:2/3"}, [(CGW, YES), (STREET, YES)], "passed"),
        ({"vote": "ratio:60%,veto:1"}, [(CGW, YES), (ZJW, NO)], "rejected"),
        ({"vote": "veto:1"}, [(CGW, MAYBE), (ZJW, YES), (STREET, MAYBE)], "passed"),
        ({"vote": "count:1,quorum:3"}, [(CGW, YES), (ZJW, MAYBE), (STREET, NO)], "passed"),
        ({"vote": "all", "early": "no"}, [(CGW, NO), (ZJW, YES), (STREET, YES)], "rejected"),
        ({"vote": "count:2", "sequential": True}, [(CGW, YES), (ZJW, YES)], "passed"),
        ({"until": 'votes("同意") >= 2'}, [(CGW, YES), (STREET, YES)], "passed"),
    ],
)
def test_each_rule_decides_when_it_is_met_and_not_before(
    database: db.Database, said: Any, votes: list[tuple[str, str]], then: str
) -> None:
    vote = Vote(database, CGW, ZJW, STREET, **said)

    before = vote.say(*votes[:-1])
    result = vote.say(votes[-1])

    assert (before, result) == (["sign"], [then])
    assert (vote.seen()["over"], vote.seen()["result"]) == (True, then)
    assert vote.seen()["votes"] == {said: [v for _, v in votes].count(said) for _, said in votes}
    assert any(text.startswith("“sign”") and "名单 3 人" in text for text in vote.timeline())


def test_who_said_what_is_seen_while_the_others_still_think(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="ratio:60%,veto:1")
    vote.say((ZJW, YES))

    seen = vote.seen()

    assert (seen["over"], seen["result"], seen["total"], seen["done"]) == (False, None, 3, 1)
    assert seen["rules"] == ["“同意”达到名单的 60% 就通过", "1 人选“不同意”就否决"]
    assert [(each["item"], each["state"], each["by"], each["outcome"]) for each in seen["signers"]] == [
        (CGW, "open", None, None),
        (ZJW, "voted", "住建委值班员", YES),
        (STREET, "open", None, None),
    ]
    assert {each["called"] for each in seen["signers"]} == {"城管委", "住建委", "东街道"}
    assert vote.world.get("ding1", f"/tasks/{seen['task']}/votes").status_code == 404


def test_one_after_the_other_shows_whose_turn_comes_later(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="all", sequential=True)
    vote.say((CGW, YES))

    states = [(each["item"], each["state"]) for each in vote.seen()["signers"]]

    assert states == [(CGW, "voted"), (ZJW, "open"), (STREET, "later")]


def test_a_step_of_one_person_has_no_votes(database: db.Database) -> None:
    vote = Vote(database, CGW, vote="all")
    (pick,) = vote.world.rows(task_rows, step="pick")

    answer = vote.world.get("paiqian1", f"/tasks/{pick['id']}/votes")

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-several")


def test_an_added_signer_counts_in_the_share_and_a_dropped_one_no_more(database: db.Database) -> None:
    vote = Vote(database, CGW, STREET, vote="ratio:60%")
    vote.do(WHO[CGW], vote.task(CGW), "claim")
    add = {"people": [ZJW], "where": "beside", "reason": "涉及住建"}
    vote.do(WHO[CGW], vote.task(CGW), "signers", **add)
    vote.say((STREET, YES))
    assert (vote.seen()["total"], steps(vote.world)) == (3, ["sign"])  # one of three is too few

    path = f"/tasks/{vote.task(CGW)['id']}/signers?person={ZJW}&reason=不涉及"
    gone = vote.world.delete(WHO[CGW], path)
    assert gone.status_code == 200
    assert (vote.seen()["total"], steps(vote.world)) == (2, ["sign"])

    assert vote.say((CGW, YES)) == ["passed"]
    assert [each["state"] for each in vote.seen()["signers"]].count("gone") == 1


def test_after_a_return_everybody_votes_anew_and_old_votes_do_not_count(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, vote="count:2")
    vote.say((CGW, YES))
    plan = vote.do(WHO[ZJW], vote.task(ZJW), "return-plan", step="pick")
    assert [each["outcome"] for each in plan["votesDropped"]] == [YES]

    vote.do(WHO[ZJW], vote.task(ZJW), "return", step="pick", reason="名单不全")
    assert vote.seen()["result"] == "undecided"
    (pick,) = [row for row in vote.world.rows(task_rows, step="pick") if row["state"] == "open"]
    vote.do("paiqian1", pick, "complete", outcome="完成", answers={"units": [CGW, ZJW, STREET]})

    assert vote.seen()["done"] == 0
    assert vote.say((ZJW, YES)) == ["sign"]
    assert vote.say((STREET, YES)) == ["passed"]


def test_a_signer_takes_his_own_vote_back_while_the_step_is_open(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="count:2")
    mine = vote.task(CGW)
    vote.say((CGW, YES), (ZJW, NO))

    answer = vote.world.post(WHO[CGW], f"/tasks/{mine['id']}/withdraw", {"reason": "看错了材料"})

    assert answer.status_code == 200
    assert (vote.seen()["done"], steps(vote.world)) == (1, ["sign"])
    assert vote.say((CGW, NO)) == ["rejected"]


@pytest.mark.parametrize("sequential", [False, True])
def test_nobody_takes_back_the_vote_of_another(database: db.Database, sequential: bool) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="all", sequential=sequential)
    mine = vote.task(CGW)
    vote.say((CGW, YES))

    answer = vote.world.post(WHO[ZJW], f"/tasks/{mine['id']}/withdraw", {"reason": "替他撤"})

    assert answer.status_code == 403
    assert vote.seen()["done"] == 1


def test_in_turn_a_vote_is_taken_back_too(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, vote="all", sequential=True)
    mine = vote.task(CGW)
    vote.say((CGW, YES))

    answer = vote.world.post(WHO[CGW], f"/tasks/{mine['id']}/withdraw", {"reason": "看错了材料"})

    assert answer.status_code == 200, answer.json
    assert vote.say((CGW, YES), (ZJW, YES)) == ["passed"]


def test_who_was_added_may_send_it_back_and_then_nobody_is_left_behind(database: db.Database) -> None:
    vote = Vote(database, CGW, vote="all")
    vote.do(WHO[CGW], vote.task(CGW), "claim")
    add = {"people": [ZJW], "where": "after", "reason": "涉及住建"}
    vote.do(WHO[CGW], vote.task(CGW), "signers", **add)
    vote.say((CGW, YES))

    vote.do(WHO[ZJW], vote.task(ZJW), "return", step="pick", reason="应由街道办理")

    assert steps(vote.world) == ["pick"]
    assert [vote.world.inbox(WHO[each]) for each in (CGW, ZJW)] == [[], []]
    (pick,) = [row for row in vote.world.rows(task_rows, step="pick") if row["state"] == "open"]
    vote.do("paiqian1", pick, "complete", outcome="完成", answers={"units": [STREET]})
    assert vote.say((STREET, YES)) == ["passed"]


def test_of_two_at_once_one_decides_and_the_other_is_told_who_was_faster(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, vote="any")
    asked = [(WHO[each], vote.task(each)) for each in (CGW, ZJW)]
    for who, _ in asked:
        vote.world.token(who)

    def act(one: tuple[str, Row]) -> tuple[int, str]:
        path = f"/tasks/{one[1]['id']}/complete"
        answer = vote.world.post(one[0], path, {"outcome": YES}, seen=1)
        return answer.status_code, (answer.json or {}).get("type", "")

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(act, asked))

    assert told[0] == (200, "")
    assert told[1] in ((409, "/problems/task-done"), (409, "/problems/case-busy"))
    assert steps(vote.world) == ["passed"]
    assert sorted(each["state"] for each in vote.seen()["signers"]) == ["gone", "voted"]


def test_the_end_of_the_time_takes_the_votes_in_and_says_undecided(database: db.Database) -> None:
    drawing = Drawing("voting").start().task("pick", by_role() + ' camunda:formKey="pick"', outcomes="完成")
    drawing.signing("sign", item="unit", attributes=ITEM, outcomes=f"{YES},{NO}", vote="all")
    drawing.task("undecided", by_role()).end().timer("late", "sign", "P1D").line("late", "undecided", "end")
    drawing.line("start", "pick", "sign", "end")
    form = "title: 选定\nfields:\n  - {name: units, required: true}\n"
    data = "units: {type: list, of: unit, label: 单位}"
    files = worlds.bundle_of("voting", drawing, data=data, forms={"pick": form})
    vote = Vote(database, CGW, ZJW, files=files)
    vote.say((CGW, YES))

    vote.world.wait(days=1, seconds=1)
    firing.fire_due()

    seen = vote.seen()
    assert (steps(vote.world), seen["over"], seen["result"]) == (["undecided"], True, "undecided")
    assert [each["state"] for each in seen["signers"]] == ["voted", "gone"]


# — 回避 —


def recuse(vote: Vote, item: str, status: int = 200) -> Any:
    return vote.do(WHO[item], vote.task(item), "recuse", status, reason="与申请人有亲属关系")


def test_who_recuses_himself_counts_no_more(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="ratio:60%")

    recuse(vote, STREET)

    seen = vote.seen()
    assert (seen["total"], steps(vote.world)) == (2, ["sign"])
    (left,) = [each for each in seen["signers"] if each["state"] == "recused"]
    assert (left["item"], left["opinion"]) == (STREET, "与申请人有亲属关系")
    assert vote.world.inbox(WHO[STREET]) == []
    assert "回避“sign”，原因：与申请人有亲属关系" in vote.timeline()
    assert vote.say((CGW, YES), (ZJW, YES)) == ["passed"]


def test_who_leaves_last_lets_the_votes_of_the_others_decide(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, vote="all")
    vote.say((CGW, YES))

    recuse(vote, ZJW)

    assert steps(vote.world) == ["passed"]


def test_a_vote_that_loses_its_quorum_by_recusals_does_not_pass(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="count:1,quorum:3")
    vote.say((CGW, YES))

    recuse(vote, ZJW)

    assert steps(vote.world) == ["rejected"]


def test_somebody_must_be_left_to_vote(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, vote="all")
    recuse(vote, ZJW)

    refused = recuse(vote, CGW, 409)

    assert refused["type"] == "/problems/verb-forbidden"
    assert vote.say((CGW, YES)) == ["passed"]


def test_who_recused_himself_is_not_asked_again_and_cannot_vote(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="all")
    left = vote.task(ZJW)
    recuse(vote, ZJW)
    vote.do(WHO[CGW], vote.task(CGW), "claim")

    vote.do(WHO[ZJW], left, "complete", 409, outcome=YES)
    add = {"people": [ZJW], "where": "beside", "reason": "请签"}
    vote.do(WHO[CGW], vote.task(CGW), "signers", 422, **add)

    assert vote.seen()["total"] == 2


def test_who_voted_takes_it_back_before_he_leaves(database: db.Database) -> None:
    vote = Vote(database, CGW, ZJW, STREET, vote="all")
    mine = vote.task(CGW)
    vote.say((CGW, YES))

    vote.do(WHO[CGW], mine, "recuse", 409, reason="有利害关系")
    vote.world.post(WHO[CGW], f"/tasks/{mine['id']}/withdraw", {"reason": "应当回避"})
    recuse(vote, CGW)

    assert vote.seen()["total"] == 2


def test_nobody_leaves_a_step_of_one_person(database: db.Database) -> None:
    vote = Vote(database, CGW, vote="all")
    vote.say((CGW, YES))
    (after,) = vote.world.inbox_of({"id": vote.case})

    refused = vote.do("paiqian1", after, "recuse", 409, reason="有利害关系")

    assert refused["type"] == "/problems/verb-forbidden"


def test_a_process_may_forbid_to_leave(database: db.Database) -> None:
    files = voting(vote="all")
    said = files.files["process.yaml"] + b"verbs: {sign: {forbid: [recuse]}}\n"
    world = worlds.build(database, worlds.BundleFiles("voting", {**files.files, "process.yaml": said}))
    picked = world.file(process="voting").opened[0]
    task = world.complete("paiqian1", picked, "完成", {"units": [CGW, ZJW]}).opened[0]

    answer = world.post(WHO[CGW], f"/tasks/{task['id']}/recuse", {"reason": "有利害关系"}, seen=1)

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/verb-forbidden")
