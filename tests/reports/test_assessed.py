"""What 12345 is assessed by: excluded and held orders out of the denominators, each rate with its requests."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.core import db
from app.core.clock import BEIJING
from app.reports import pauses_api, schemas
from tests import world as worlds
from tests.cases.asking import ask, brought, decide, district, open_task
from tests.cases.secret_process import PHONE
from tests.cases.test_hold_requests import in_days
from tests.cases.test_shapes import misfits
from tests.world import WORK_ORDER, Row, World

KINDS = ("exclusion", "hold", "extension", "supervise")
OTHER_PHONE = "10087654321"

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, worlds.shipped(WORK_ORDER), *KINDS)


def dispatched(world: World, phone: str = OTHER_PHONE, category: str = "120201") -> Row:
    """The open task 签收 of an order."""
    answers = {"content": "路灯不亮", "level": "一般", "caller_phone": phone}
    task = world.file(answers=answers).opened[0]
    task = world.complete("paiqian1", task, "受理").opened[0]
    given = {"main_unit": "d1-cgw", "category": category}
    return world.complete("paiqian1", task, "派遣", given).opened[0]


def handled(world: World, **about: str) -> Row:
    """The open task 办理."""
    return world.complete("cgw1", dispatched(world, **about), "签收").opened[0]


def figures(world: World, **asked: Any) -> Any:
    today = world.now().astimezone(BEIJING).date()
    days = {"from": str(today - timedelta(days=60)), "to": str(today)}
    return world.get("duban1", f"/reports/{WORK_ORDER}?{urlencode({**days, **asked})}").json


def told(answer: Any, *names: str) -> list[tuple[Any, Any]]:
    return [(answer["total"][each]["numerator"], answer["total"][each]["denominator"]) for each in names]


def test_excluded_and_held_orders_are_out_of_what_is_assessed_and_in_their_own_rates(world: World) -> None:
    first, second, third, plain = (handled(world) for _ in range(4))
    evidence = {"evidence": [brought(world, "cgw1")]}
    out = ask(world, "cgw1", first, "exclusion", exclusion_category="12", **evidence).json
    decide(world, "shenhe1", out["id"], opinion="符合规定。")
    put_off = {"hold_category": "11", "hold_plan": "四月施工。", "hold_until": in_days(world, 30)}
    held = ask(world, "cgw1", second, "hold", **put_off, evidence=[brought(world, "cgw1")]).json
    decide(world, "shenhe1", held["id"], opinion="情况属实。")
    ask(world, "cgw1", third, "hold", **put_off, evidence=[brought(world, "cgw1")])
    longer = ask(world, "cgw1", third, "extension").json
    decide(world, "shenhe1", longer["id"])
    ask(world, "cgw1", plain, "extension")

    answer, counted = figures(world), figures(world, held="counted")
    world.wait(hours=3)
    today = world.now().astimezone(BEIJING).date()
    days = f"from={today - timedelta(days=60)}&to={today}"
    stood = world.get("duban1", f"/reports/pauses?by=approver&{days}").json
    (group,) = stood["groups"]
    stretches = world.get("duban1", f"/reports/pauses/cases?approver={group['by']['key']}&{days}").json

    assert misfits(schemas.FiguresOut(), answer) == []
    assert (answer["excluded"], answer["held"], answer["heldCounted"]) == (1, 1, False)
    assert misfits(pauses_api.PausedOut(), stood) == misfits(pauses_api.StretchPage(), stretches) == []
    assert (group["by"]["name"], group["cases"], group["pauses"], group["going"]) == ("审核员甲", 1, 1, 1)
    assert 3 <= group["hours"] == stood["total"]["hours"] < 4
    (stretch,) = stretches["items"]
    assert (stretch["id"], stretch["unit"]["key"], stretch["until"]) == (second["case_id"], "d1-cgw", None)
    for elsewhere in ("within=d1-s2", "process=side_hold"):
        assert world.get("duban1", f"/reports/pauses?{days}&{elsewhere}").json["groups"] == [], elsewhere
    assert world.get("duban1", f"/reports/pauses/cases?{days}&kind=other").json["items"] == []
    assert world.get("zjw1", f"/reports/pauses?{days}").json["groups"] == []
    assert told(answer, "closed_rate", "return_rate") == [(0, 2), (0, 2)]
    assert told(counted, "closed_rate", "return_rate") == [(0, 3), (0, 3)]
    rates = ("exclusion_rate", "hold_rate", "extension_rate")
    assert told(answer, *rates) == told(counted, *rates) == [(1, 4), (1, 4), (1, 4)]
    waiting = ("exclusion_pending", "hold_pending", "extension_pending")
    assert [number for number, _ in told(answer, *waiting)] == [0, 1, 1]
    today = str(world.now().astimezone(BEIJING).date())
    asked = {"from": today, "to": today, "measure": "exclusion_rate"}
    behind = world.get("duban1", f"/reports/{WORK_ORDER}/cases?{urlencode(asked)}").json
    assert [each["id"] for each in behind["items"]] == [first["case_id"]]


def test_wrong_returns_late_feedback_and_repeated_complaints_are_measured(world: World) -> None:
    handled(world, phone=PHONE)
    world.wait(days=5)
    returned = dispatched(world, phone=PHONE)
    handled(world, phone=PHONE, category="120101")
    world.wait(days=40)
    supervised = handled(world, phone=PHONE)
    body = {"reason": "非职责", "opinion": "不归我们管。"}
    refused = world.post("cgw1", f"/tasks/{returned['id']}/reject-order", body, seen=returned["revision"])
    decide(world, "shenhe1", returned["case_id"], "驳回", opinion="属你单位职责。")
    demand = {"request_reason": "三天内修复并回访。", "supervise_within": "3天"}
    asked = ask(world, "duban1", supervised, "supervise", **demand).json
    late = ask(world, "duban1", open_task(world, returned["case_id"]), "supervise", **demand).json
    world.complete("cgw1", open_task(world, asked["id"]), "反馈", {"supervise_answer": "已修复。"})
    world.wait(days=4)

    answer = figures(world)

    assert (refused.status_code, "id" in late) == (200, True)
    assert told(answer, "repeat_rate", "wrong_return_rate", "supervised_on_time_rate") == [
        (1, 4),
        (1, 1),
        (1, 2),
    ], "the same matter within thirty days; each feedback that was demanded counts once"
