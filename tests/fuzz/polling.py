"""Right requests for votes and polls: chance fills no ballot box."""

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from tests.cases.test_votes import CGW, ZJW, voting
from tests.files import upload
from tests.fuzz.district import District
from tests.polls.conftest import ONE, TWO, WORKER, Poll, asking, code


def signed(district: District) -> dict[str, Any]:
    """An open task of a 会签."""
    world = district.world
    world.publish(voting(vote="all"))
    picked = world.file(process="voting").opened[0]
    return world.complete("paiqian1", picked, "完成", {"units": [CGW, ZJW]}).opened[0]


def see_votes(district: District) -> TestResponse:
    return district.world.get("paiqian1", f"/tasks/{signed(district)['id']}/votes")


def recuse(district: District) -> TestResponse:
    task = signed(district)
    return district.world.post("cgw1", f"/tasks/{task['id']}/recuse", {"reason": "利害关系"}, seen=1)


def opened(district: District) -> Poll:
    """A secret poll that is under way."""
    district.world.publish(asking(secret="yes"))
    return Poll(district.world.database, world=district.world)


def closed(district: District) -> Poll:
    """One that was counted; time stays where it is for everybody else."""
    poll = opened(district)
    poll.vote(ONE, [1])
    poll.close()
    return poll


def vote(district: District) -> TestResponse:
    answer: TestResponse = opened(district).vote(ONE, [1])
    return answer


def hand_in_paper(district: District) -> TestResponse:
    poll = opened(district)
    proof = upload(district.world, WORKER, poll.case).json["id"]
    body = {"people": [TWO], "ballots": [{"choices": []}], "proof": proof}
    return district.world.post(WORKER, f"/polls/{poll.id}/paper-ballots", body)


def leave_the_roll(district: District) -> TestResponse:
    return district.world.post(ONE, f"/polls/{opened(district).id}/recusals", {"reason": "利害关系"})


def check(district: District) -> TestResponse:
    poll = opened(district)
    return district.world.post(ONE, f"/polls/{poll.id}/receipts/check", {"code": code(1)})


def read(path: str) -> Callable[[District], TestResponse]:
    """What is shown of a poll that was counted."""
    return lambda district: district.world.get(WORKER, f"/polls/{closed(district).id}{path}")


RIGHT: dict[str, Callable[[District], TestResponse]] = {
    "GET /api/v1/tasks/{task_id}/votes": see_votes,
    "POST /api/v1/tasks/{task_id}/recuse": recuse,
    "GET /api/v1/polls/{poll_id}": read(""),
    "GET /api/v1/polls/{poll_id}/receipts": read("/receipts"),
    "GET /api/v1/polls/{poll_id}/recount": read("/recount"),
    "GET /api/v1/polls/{poll_id}/voters": read("/voters"),
    "POST /api/v1/polls/{poll_id}/ballots": vote,
    "POST /api/v1/polls/{poll_id}/paper-ballots": hand_in_paper,
    "POST /api/v1/polls/{poll_id}/recusals": leave_the_roll,
    "POST /api/v1/polls/{poll_id}/receipts/check": check,
}
