"""How tests speak: a case that waits for the city, messages of the city, the postman's rounds."""

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from app.cases.advance import advance
from app.cases.commands import Deliver
from app.exchange import parking
from tests.exchange.conftest import TALKS
from tests.world import Row, World

ids = iter(range(1, 1_000_000))


def waiting(world: World, number: str = "BJ-1", by: str = "paiqian1") -> Row:
    """A case that waits for the city's word."""
    case = filed(world, number, by)
    handle(world, case)
    return case


def filed(world: World, number: str, by: str = "paiqian1") -> Row:
    return world.file(by, process=TALKS, external_no=number).case


def handle(world: World, case: Row) -> None:
    (task,) = world.inbox_of(case)
    world.complete("paiqian1", task)


def callback(world: World, number: str = "BJ-1", by: str = "city", **about: Any) -> TestResponse:
    body = {
        "name": "city.callback",
        "correlationKey": number,
        "messageId": f"m-{next(ids)}",
        "data": {"solved": True, "caller": {"name": "市民甲"}},
    }
    return world.post(by, "/messages", {**body, **about}, headers={"Idempotency-Key": ""})


def dispatch(world: World, number: str = "BJ-9", **about: Any) -> TestResponse:
    data = {
        "title": "路灯不亮",
        "content": "乙社区3号楼前路灯不亮。",
        "level": "一般",
        "receivedAt": "2026-03-02T09:00:00+08:00",
        "location": {"communityCode": "d1-s1-c2"},
    }
    return callback(world, number, name="city.dispatch", data={**data, **about.pop("data", {})}, **about)


def carry(world: World, **step: float) -> None:
    """The postman's rounds, after some time."""
    if step:
        world.wait(**step)
    parking.find_missed()
    parking.deliver_due()
    parking.expire()


def failing_for(case_id: str) -> Callable[..., Any]:
    def failing(command: Deliver, actor: Any) -> Any:
        if command.case_id == case_id:
            raise RuntimeError("broken")
        return advance(command, actor)

    return failing
