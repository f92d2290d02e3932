"""Polls of residents: a diagram opens and closes them; one person, one vote, in time, and the counts are data."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import update

from app.core import db
from app.identity.memberships import memberships
from app.polls.models import poll_voters, polls
from tests.polls.conftest import ELSEWHERE, ONE, THREE, TWO, WORKER, Poll, asking

ELEVATOR = "是否加装电梯"
PLAN = "选哪个方案：方案一、方案二、方案三（最多2项）"


@pytest.mark.requirement("XC-065", "HD-032")
def test_a_resident_votes_once_and_the_counts_become_data_of_the_case(database: db.Database) -> None:
    poll = Poll(database)
    assert poll.seen()["eligible"] == 2

    first, second = poll.vote(ONE, [1]), poll.vote(ONE, [2], number=7)

    assert (first.status_code, first.json) == (201, {"poll": poll.id, "voted": True})
    assert (second.status_code, second.json["type"]) == (409, "/problems/already-voted")
    assert (poll.seen()["voted"], poll.seen(ONE)["mine"]["voted"], poll.seen(TWO)["mine"]["voted"]) == (
        1,
        True,
        False,
    )
    assert poll.vote(TWO, [2]).status_code == 201
    data = poll.close()
    assert {name: data[name] for name in ("eligible", "voted", "agreed", "against", "abstained")} == {
        "eligible": 2,
        "voted": 2,
        "agreed": 1,
        "against": 1,
        "abstained": 0,
    }
    assert (data["result"], data["counts"]) == ("rejected", ["是否加装电梯：赞成 1，反对 1，弃权 0，未通过"])
    assert [task["step"] for task in poll.world.inbox(WORKER)] == ["publish"]


@pytest.mark.requirement("XC-065")
def test_who_is_no_member_does_not_even_see_it(poll: Poll) -> None:
    for who in (THREE, ELSEWHERE):
        assert poll.vote(who, [1]).status_code == 404
        assert poll.world.get(who, f"/polls/{poll.id}").status_code == 404
        assert poll.world.get(who, "/polls").json["items"] == []
    assert [each["id"] for each in poll.world.get(TWO, "/polls").json["items"]] == [poll.id]
    assert poll.world.post("jia1", f"/polls/{poll.id}/ballots", {}).status_code == 403
    assert poll.world.get("ding1", f"/polls/{poll.id}").status_code == 404
    assert poll.world.get("cgw1", f"/polls/{poll.id}").status_code == 403


@pytest.mark.requirement("XC-065")
def test_one_second_after_the_end_it_is_too_late_even_before_the_diagram_closes_it(poll: Poll) -> None:
    poll.world.wait(days=3, seconds=-30)
    assert poll.vote(ONE, [1]).status_code == 201
    poll.world.wait(seconds=31)

    late = poll.vote(TWO, [1])

    assert (late.status_code, late.json["type"]) == (409, "/problems/poll-closed")
    assert (poll.seen()["state"], poll.seen()["over"]) == ("open", True)


def test_who_joins_after_the_poll_opened_does_not_vote_and_who_leaves_still_does(poll: Poll) -> None:
    world = poll.world
    with db.transaction() as session:
        session.execute(
            update(memberships)
            .where(memberships.c.person_id == world.actor(ONE).id)
            .values(state="ended", valid_to=world.now())
        )

    assert poll.vote(ONE, [1]).status_code == 201

    later = Poll(world.database, world=world)
    assert (later.seen()["eligible"], later.vote(ONE, [1]).status_code) == (1, 404)


@pytest.mark.requirement("XC-067")
def test_several_matters_each_with_its_own_options_and_count(database: db.Database) -> None:
    poll = Poll(database, ELEVATOR, PLAN)

    assert poll.vote(ONE, [1], [1, 3]).status_code == 201
    assert poll.vote(TWO, [], [3]).status_code == 201
    poll.close()

    assert poll.votes(ONE) == [
        {"赞成": 1, "反对": 0, "弃权": 1},
        {"方案一": 1, "方案二": 0, "方案三": 2, "弃权": 0},
    ]
    assert [matter["winner"] for matter in poll.seen()["matters"]] == [None, "方案三"]


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (([3], [1]), "choice-unknown"),
        (([1, 2], [1]), "too-many-choices"),
        (([1], [1, 1]), "choice-unknown"),
        (([1], [1], [1]), "matter-unknown"),
    ],
)
def test_a_wrong_ballot_is_refused_whole(database: db.Database, choices: Any, told: str) -> None:
    poll = Poll(database, ELEVATOR, PLAN)

    refused = poll.vote(ONE, *choices)

    assert (refused.status_code, [each["code"] for each in refused.json["errors"]]) == (422, [told])
    assert poll.seen()["voted"] == 0
    assert poll.vote(ONE, [1], [1]).status_code == 201


def test_without_abstention_every_matter_is_answered(database: db.Database) -> None:
    poll = Poll(database, ELEVATOR, abstain="no")

    refused = poll.vote(ONE, [])

    assert [each["code"] for each in refused.json["errors"]] == ["choice-missing"]
    assert [option["text"] for option in poll.seen()["matters"][0]["options"]] == ["赞成", "反对"]


@pytest.mark.parametrize(
    ("quorum", "passes", "said", "result"),
    [
        ("2", "over 1/2 of voted", [(ONE, [1])], "no-quorum"),
        ("1/2", "over 1/2 of voted", [(ONE, [1])], "passed"),
        ("60%", "over 1/2 of voted", [(ONE, [1])], "no-quorum"),
        ("", "over 1/2 of eligible", [(ONE, [1])], "rejected"),
        ("", "least 1/2 of eligible", [(ONE, [1]), (TWO, [])], "passed"),
        ("", "over 1/2 of voted", [(ONE, [1]), (TWO, [])], "rejected"),
        ("", "most", [(ONE, [1]), (TWO, [])], "passed"),
        ("", "most", [(ONE, [1]), (TWO, [2])], "rejected"),
        ("", "most", [], "rejected"),
    ],
)
def test_what_passes_depends_on_quorum_and_rule(
    database: db.Database, quorum: str, passes: str, said: list[tuple[str, list[int]]], result: str
) -> None:
    poll = Poll(database, quorum=quorum, **{"pass": passes}) if quorum else Poll(database, **{"pass": passes})
    for who, chosen in said:
        assert poll.vote(who, chosen).status_code == 201

    assert poll.close()["result"] == result


@pytest.mark.requirement("TKX-114")
def test_counts_are_shown_only_after_the_end_unless_the_diagram_says_so(database: db.Database) -> None:
    poll = Poll(database)
    poll.vote(ONE, [1])
    hidden = poll.votes(ONE)
    live = Poll(database, world=build_live(poll))
    live.vote(ONE, [1])

    shown = live.votes(ONE)
    poll.close()

    assert hidden == [{"赞成": None, "反对": None, "弃权": None}]
    assert shown == [{"赞成": 1, "反对": 0, "弃权": 0}]
    assert poll.votes(ONE) == [{"赞成": 1, "反对": 0, "弃权": 0}]


def build_live(poll: Poll) -> Any:
    poll.world.publish(asking(live="yes"))
    return poll.world


@pytest.mark.parametrize(
    ("matters", "ends", "inputs"),
    [
        (["只有一个选项：甲"], 3, {}),
        (["树怎么办：留、移", "树怎么办：砍、留"], 3, {}),
        ([ELEVATOR], -1, {}),
        ([ELEVATOR], 3, {"quorum": "大多数"}),
        ([ELEVATOR], 3, {"pass": "all of them"}),
        ([ELEVATOR], 3, {"scope": "no-such-unit"}),
        ([ELEVATOR], 3, {"scope": "d1-s1-c3"}),
    ],
)
def test_a_poll_that_cannot_be_is_told_to_who_sets_it_up(
    database: db.Database, matters: list[str], ends: int, inputs: dict[str, str]
) -> None:
    poll = Poll(database, "不行：甲", **inputs)  # refused: one option is no choice
    assert (poll.answer.status_code, poll.answer.json["type"]) == (422, "/problems/poll-refused")

    answer = poll.set_up(matters, poll.world.now() + timedelta(days=ends))

    assert (answer.status_code, answer.json["type"]) == (422, "/problems/poll-refused")
    assert poll.world.rows(polls) == []


def test_all_members_below_a_wider_unit_vote_where_the_diagram_says_so(database: db.Database) -> None:
    poll = Poll(database, scope="d1-s1")

    assert poll.seen()["eligible"] == 3
    assert [poll.vote(who, [1]).status_code for who in (ONE, TWO, THREE)] == [201, 201, 201]


def test_a_poll_ends_with_its_case(database: db.Database) -> None:
    poll = Poll(database)
    seen = poll.world.case(poll.case)["revision"]

    ended = poll.world.post("duban1", f"/cases/{poll.case}/terminate", {"reason": "撤销议题"}, seen=seen)

    assert ended.status_code == 200, ended.json
    late = poll.vote(ONE, [1])
    assert (late.status_code, poll.seen()["state"]) == (409, "cancelled")
    assert poll.world.get(ONE, "/polls?state=open").json["items"] == []
    assert [each["id"] for each in poll.world.get(ONE, "/polls?state=cancelled").json["items"]] == [poll.id]


def test_who_opened_a_poll_does_not_take_that_back(poll: Poll) -> None:
    answer = poll.world.post(WORKER, f"/tasks/{poll.task['id']}/withdraw", {"reason": "写错了"})

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/cannot-withdraw")
    assert poll.vote(ONE, [1]).status_code == 201


def test_a_poll_done_again_is_a_new_one_and_the_open_one_is_void(database: db.Database) -> None:
    poll = Poll(database)
    poll.vote(ONE, [1])
    poll.close()
    task = poll.world.inbox(WORKER)[0]
    answer = poll.world.post(
        WORKER, f"/tasks/{task['id']}/return", {"step": "set", "reason": "选项写错"}, seen=task["revision"]
    )
    assert answer.status_code == 200, answer.json
    poll.task = poll.world.inbox(WORKER)[0]

    poll.set_up(["换一个题目"], poll.world.now() + timedelta(days=3))

    again = poll.world.get(ONE, "/polls?state=open").json["items"]
    assert [(each["attempt"], each["voted"]) for each in again] == [(2, 0)]


def test_a_repeated_request_gets_the_same_answer_and_one_vote(poll: Poll) -> None:
    first = poll.vote(ONE, [1], key="k-1")
    again = poll.vote(ONE, [1], key="k-1")

    assert (first.status_code, again.status_code, first.data) == (201, 201, again.data)
    assert len(poll.world.rows(poll_voters)) == 1


def test_a_code_is_used_once_and_must_be_long(database: db.Database) -> None:
    poll = Poll(database)
    poll.vote(ONE, [1], number=1)

    taken = poll.vote(TWO, [1], number=1)
    short = poll.world.post(
        TWO, f"/polls/{poll.id}/ballots", {"choices": [{"matter": 1, "options": [1]}], "code": "123456"}
    )

    assert (taken.status_code, taken.json["type"]) == (409, "/problems/receipt-taken")
    assert short.status_code == 422


# — on paper, and 回避 —


def proof(poll: Poll) -> str:
    """An attachment of the case."""
    sent = {
        "Authorization": f"Bearer {poll.world.token(WORKER)}",
        "Idempotency-Key": "proof",
    }
    answer = poll.world.app.test_client().post(
        f"/api/v1/cases/{poll.case}/attachments",
        data={"file": (BytesIO("纸质票，居民乙".encode()), "纸质票.txt")},
        headers=sent,
        content_type="multipart/form-data",
    )
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def on_paper(poll: Poll, people: list[str], *chosen: list[int], of: str | None = None) -> Any:
    ballots = [{"choices": [{"matter": 1, "options": options}]} for options in chosen]
    body = {"people": people, "ballots": ballots, "proof": of or proof(poll)}
    return poll.world.post(WORKER, f"/polls/{poll.id}/paper-ballots", body)


@pytest.mark.usefixtures("_files")
def test_a_paper_ballot_counts_once_with_its_proof(database: db.Database) -> None:
    poll = Poll(database)

    answer = on_paper(poll, [TWO], [2])

    assert (answer.status_code, answer.json["entered"]) == (201, 1)
    assert poll.vote(TWO, [1]).json["type"] == "/problems/already-voted"
    lines = poll.world.get(WORKER, f"/polls/{poll.id}/voters").json["items"]
    told = {line["login"]: (line["channel"], line["proof"] is not None) for line in lines}
    assert told == {ONE: (None, False), TWO: ("offline", True)}
    assert poll.close()["against"] == 1


@pytest.mark.usefixtures("_files")
def test_who_voted_online_is_not_entered_on_paper_and_nobody_else_is_then(database: db.Database) -> None:
    poll = Poll(database)
    poll.vote(ONE, [1])

    answer = on_paper(poll, [TWO, ONE], [1], [2])

    assert (answer.status_code, [each["pointer"] for each in answer.json["errors"]]) == (409, ["/people/1"])
    assert poll.seen()["voted"] == 1


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize(
    ("people", "of", "told"),
    [
        ([THREE], None, "not-on-the-roll"),
        ([TWO, TWO], None, "not-on-the-roll"),
        ([TWO], "no-such-file", "attachment-unknown"),
    ],
)
def test_paper_without_proof_or_voter_is_refused(
    database: db.Database, people: list[str], of: str | None, told: str
) -> None:
    poll = Poll(database)

    answer = on_paper(poll, people, *([1] for _ in people), of=of)

    assert (answer.status_code, [each["code"] for each in answer.json["errors"]]) == (422, [told])


def test_only_who_may_enters_paper_and_sees_the_roll(poll: Poll) -> None:
    body = {"people": [TWO], "ballots": [{"choices": []}], "proof": "x"}

    assert poll.world.post("guancha1", f"/polls/{poll.id}/paper-ballots", body).status_code == 403
    assert poll.world.get("guancha1", f"/polls/{poll.id}/voters").status_code == 403
    assert poll.world.get("guancha1", f"/polls/{poll.id}").status_code == 200
    assert poll.world.get(ONE, f"/polls/{poll.id}/voters").status_code == 403


def test_who_recuses_himself_is_not_counted_among_those_who_may_vote(database: db.Database) -> None:
    poll = Poll(database, **{"pass": "over 1/2 of eligible"})

    left = poll.world.post(ONE, f"/polls/{poll.id}/recusals", {"reason": "是电梯公司的人"})

    assert left.status_code == 201
    assert (poll.seen()["eligible"], poll.seen(ONE)["mine"]["recused"]) == (1, True)
    assert poll.vote(ONE, [1]).json["type"] == "/problems/not-eligible"
    assert poll.vote(TWO, [1]).status_code == 201
    assert poll.close()["result"] == "passed"


def test_staff_may_say_who_is_to_leave_the_roll_before_he_votes(poll: Poll) -> None:
    path = f"/polls/{poll.id}/recusals"
    poll.vote(ONE, [1])

    voted = poll.world.post(WORKER, path, {"person": ONE, "reason": "利害关系"})
    other = poll.world.post(WORKER, path, {"person": TWO, "reason": "利害关系"})
    stranger = poll.world.post(WORKER, path, {"person": THREE, "reason": "利害关系"})
    resident = poll.world.post(ONE, path, {"person": TWO, "reason": "不让他投"})

    assert [each.status_code for each in (voted, other, stranger, resident)] == [409, 201, 422, 403]
    assert poll.seen()["eligible"] == 1


def test_the_timeline_says_how_it_opened_and_closed(database: db.Database) -> None:
    poll = Poll(database)
    poll.vote(ONE, [1])
    poll.close()

    items = poll.world.get(WORKER, f"/cases/{poll.case}/timeline").json["items"]
    told = [event["text"] for row in items for event in row["events"] if event["name"].startswith("poll")]

    assert told[0].startswith("开始居民投票“路灯不亮”（实名），应投 2 人，到 ")
    assert told[1] == "居民投票结束，通过，应投 2 人，参加 1 人。是否加装电梯：赞成 1，反对 0，弃权 0，通过"
