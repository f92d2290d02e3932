"""书面催办: the unit that handles has to answer, or the supervisor asks; and the review of returns that processes share."""

from typing import Any

import pytest

from app.cases.models import rejections, urges
from app.cases.requests.models import case_requests
from app.core import db
from tests import world as worlds
from tests.cases.asking import ask, district, filed, open_task, texts
from tests.engine.drawing import Drawing
from tests.world import World, by_role

TEXT = "群众第二次来电，请说明进展。"


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, None, "urge", "supervise")


def test_the_unit_answers_and_the_case_tells_both_lines(world: World) -> None:
    task = filed(world)

    asked = ask(world, "duban1", task, "urge", request_reason=TEXT)
    answer = open_task(world, asked.json["id"])
    world.complete("cgw1", answer, "已回应", opinion="已约供电公司明早检修。")

    assert (asked.status_code, asked.json["stateName"]) == (201, "待回应")
    assert answer["pools"] == ["handler@d1/d1-cgw"]
    assert world.case(task["case_id"])["priority"] == 60
    told = texts(world, task["case_id"])
    assert f"书面催办城管委，{asked.json['number']}：{TEXT}" in told
    assert "书面催办结束，意见：已约供电公司明早检修。" in told
    assert world.row(case_requests, asked.json["id"])["state"] == "ended"
    assert world.case(task["case_id"])["state"] == "active"


def test_it_counts_as_an_urging_and_one_waits_at_a_time(world: World) -> None:
    task = filed(world)
    first = ask(world, "duban1", task, "urge", request_reason=TEXT)

    second = ask(world, "lingdao1", task, "urge", request_reason=TEXT)
    spoken = world.post("duban1", f"/tasks/{task['id']}/urge", {"text": "请尽快"})
    by_handler = ask(world, "cgw1", task, "urge", request_reason=TEXT)

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json["type"] == "/problems/request-pending"
    assert (spoken.status_code, by_handler.status_code) == (429, 403)
    assert len(world.rows(urges)) == 1


def test_an_unanswered_one_goes_with_its_case(world: World) -> None:
    task = filed(world)
    asked = ask(world, "duban1", task, "urge", request_reason=TEXT).json

    moved = world.complete("cgw1", task, "作罢")
    for opened in moved.opened:
        world.complete("shenhe1", opened)

    assert world.case(task["case_id"])["state"] == "closed"
    assert world.case(asked["id"])["state"] == "cancelled"


SIGN = 'title: 签收\nfields:\n  - {name: return_reason, requiredIf: outcome == "退单"}\n'
SHARED: dict[str, Any] = {
    "data": "return_reason: {type: choice, of: [非职责], label: 退单原因}, main_unit: {type: unit, label: 主办单位}, return_ruled: {type: choice, of: [准予, 驳回], label: 审核结果}",
    "forms": {"take": "title: 派遣\nfields:\n  - {name: main_unit, required: true}\n", "sign": SIGN},
    "more": "verbs: {sign: {rejectOrder: {}}}\n",
}


def sharing(database: db.Database) -> World:
    """派遣 → 签收, whose 退单 goes through the shared review: granted → 派遣, refused → 签收 again."""
    drawing = Drawing("shared").start()
    drawing.task("take", 'camunda:formKey="take" ' + by_role(), status="待派遣")
    drawing.task(
        "sign",
        'camunda:formKey="sign" camunda:candidateGroups="unit(main_unit)"',
        status="待签收",
        outcomes="签收, 退单!",
    )
    drawing.node("exclusiveGateway", "gw", 'default="done"')
    drawing.node("callActivity", "back", 'calledElement="side_return_review"')
    drawing.node("exclusiveGateway", "ruled", 'default="again"').end()
    drawing.line("start", "take", "sign", "gw").flow("gw", "end", name="done")
    drawing.flow("gw", "back", 'outcome("sign") == "退单"').line("back", "ruled")
    drawing.flow("ruled", "take", 'return_ruled == "准予"').flow("ruled", "sign", name="again")
    return worlds.build(
        database, worlds.shipped("side_return_review"), worlds.bundle_of("shared", drawing, **SHARED)
    )


@pytest.mark.parametrize(
    ("ruled", "state", "status"), [("准予", "granted", "待派遣"), ("驳回", "refused", "待签收")]
)
def test_a_shared_review_rules_on_a_return_inside_the_case_itself(
    database: db.Database, ruled: str, state: str, status: str
) -> None:
    world = sharing(database)
    taken = world.complete(
        "paiqian1", world.file(process="shared").opened[0], "完成", {"main_unit": "d1-cgw"}
    )
    body = {"reason": "非职责", "opinion": "属住建委职责。"}
    (sign,) = taken.opened
    rejected = world.post("cgw1", f"/tasks/{sign['id']}/reject-order", body, seen=sign["revision"])
    assert rejected.status_code == 200, rejected.json

    review = open_task(world, sign["case_id"])
    world.complete("shenhe1", review, "已审核", {"return_ruled": ruled, "return_ruling": "见三定方案。"})

    assert review["step"] == "back/review"
    assert [row["state"] for row in world.rows(rejections)] == [state]
    assert world.case(sign["case_id"])["status"] == status
    assert open_task(world, sign["case_id"])["step"] == {"granted": "take", "refused": "sign"}[state]
