"""The played grid centre, and a problem that is escalated to it over the connector and comes back."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from app.cases.models import cases
from app.core import clock, db
from app.demo.city import Journal, Letter
from app.demo.grid import Grid, course
from app.demo.partner_door import grid_door
from app.exchange.client import Answer
from app.exchange.endpoints import Endpoint, configured
from app.exchange.models import inbound, outbox
from app.exchange.sending import send_next
from tests.exchange.conftest import Configure
from tests.world import World, build, categorise, shipped

ENDPOINT = {"adapter": "grid", "url": "http://127.0.0.1:9/reports", "account": "grid", "stub": True}
NUMBERS = [f"WT-{n}" for n in range(400)]


@pytest.fixture
def town(database: db.Database) -> World:
    house = build(database, shipped("problem_tracking"))
    with db.transaction() as session:
        categorise(session)
    return house


def nobody(letter: Letter) -> tuple[int, dict[str, Any]]:
    return 0, {}


def report(number: str, name: str = "m-1") -> Letter:
    return {"messageId": name, "seq": 1, "type": "report", "data": {"wtbh": number, "wtbt": "人行道塌陷"}}


def to_grid(grid: Grid) -> Any:
    def post(endpoint: Endpoint, body: bytes, headers: Any, **_: Any) -> Answer:
        answer = Client(grid_door(grid)).post("/reports", data=body, headers=dict(headers))
        return Answer(answer.status_code, answer.get_data())

    return post


def escalated(town: World) -> str:
    """A problem of the community app's, answered and reported to the grid; its number."""
    moved = town.file(
        "shequtong",
        "problem_tracking",
        title="人行道塌陷",
        place_unit="d1-s1-c1",
        external_no="TZ-1",
        answers={"channel": "身边事标签", "label": "21", "content": "北门人行道塌陷。"},
    )
    moved = town.complete("jia1", moved.opened[0], "回应", {"reply": "已去看过。"})
    way = {"way": "线下", "measure": "已设围挡。", "place": {"lng": 103.01, "lat": 40.41}}
    town.complete("jia1", moved.opened[0], "上报网格", way, "居委修不了。")
    return str(moved.case["number"])


def test_most_reports_are_closed_some_refused_and_what_comes_again_is_dealt_with() -> None:
    first = [course("s", number, 0) for number in NUMBERS]

    ends = [steps[-1].said["stage"] for steps in first]
    again = {course("s", number, 1)[-1].message for number in NUMBERS}

    assert 270 < ends.count("结案") < 330
    assert ends.count("不予立案") > 20
    assert ends.count("退回") > 20
    assert again == {"grid.result"}
    assert {step.said["stage"] for steps in first for step in steps} >= {
        "受理",
        "立案",
        "派遣",
        "处置",
        "督办",
        "核查",
    }
    assert first == [course("s", number, 0) for number in NUMBERS]


def test_started_again_the_grid_goes_on_where_it_was_with_the_same_ids(tmp_path: Path) -> None:
    sent: list[Letter] = []

    def takes(letter: Letter) -> tuple[int, dict[str, Any]]:
        sent.append(letter)
        return 200, {}

    journal = Journal(tmp_path / "grid.jsonl")
    before = Grid("s", 10, journal, takes)
    assert [before.take(report("WT-1"), 0.0)["code"] for _ in range(3)] == ["0000"] * 3
    before.look(5)
    before.look(11)
    silent = Grid("s", 10, journal, nobody)
    silent.look(25)

    after = Grid("s", 10, journal, takes)
    after.look(25)

    assert [letter["messageId"] for letter in sent] == ["m-1-1", "m-1-2"]
    assert len(after.reports) == 1


@pytest.mark.requirement("BS-082")
def test_a_problem_goes_to_the_grid_and_its_stages_and_result_come_back(
    town: World, configure: Configure, tmp_path: Path
) -> None:
    configure(grid=ENDPOINT)
    said: list[tuple[int, dict[str, Any]]] = []

    def to_us(letter: Letter) -> tuple[int, dict[str, Any]]:
        answer = town.post("grid", "/messages", letter)
        said.append((answer.status_code, answer.get_json()))
        return said[-1]

    number = escalated(town)
    seed = next(f"s-{n}" for n in range(99) if course(f"s-{n}", number, 0)[-1].message == "grid.result")
    grid = Grid(seed, 1.0, Journal(tmp_path / "grid.jsonl"), to_us)

    assert send_next(configured()["grid"], "worker", lambda *_, **__: Answer(503, b"")) is True
    (waiting,) = town.rows(outbox)
    town.wait(minutes=10)
    send_next(configured()["grid"], "worker", to_grid(grid))
    for _ in range(len(course(seed, number, 0))):
        grid.look(clock.wall().timestamp(), hurry=True)

    (case,) = town.rows(cases)
    course_told = [each["text"] for each in _timeline(town, case["id"])]
    assert waiting["state"] != "sent"
    assert [row["state"] for row in town.rows(outbox)] == ["sent"]
    assert [status for status, _ in said] == [200] * len(course(seed, number, 0))
    assert (case["status"], case["data"]["grid_stage"]) == ("待居委确认", "结案")
    assert case["data"]["grid_no"] == f"WG-{number}-1"
    assert case["data"]["grid_closed"]
    assert f"区网格中心：立案，立案号 WG-{number}-1" in course_told
    assert [text for text in course_told if text.startswith("里程碑")] == []
    assert f"区网格中心：结案：{case['data']['grid_result']}" in course_told


def _timeline(town: World, case_id: str) -> list[dict[str, Any]]:
    items = town.get("jia1", f"/cases/{case_id}/timeline?limit=200").get_json()["items"]
    return [event for item in items for event in item["events"]]


def test_nobody_but_the_grid_tells_what_the_grid_did(town: World, configure: Configure) -> None:
    configure(grid=ENDPOINT, city12345={"url": "http://127.0.0.1:9/orders", "account": "city"})
    number = escalated(town)
    letter = {
        "name": "grid.result",
        "correlationKey": number,
        "messageId": "x-1",
        "data": {"czjg": "好了", "result": "好了"},
    }

    forged = [town.post(by, "/messages", letter) for by in ("city", "shequtong")]
    told = town.post("grid", "/messages", letter)

    assert [answer.status_code for answer in forged] == [404, 404]
    assert [answer.get_json()["type"].rpartition("/")[2] for answer in forged] == ["message-unknown"] * 2
    assert told.status_code == 200
    assert [row["state"] for row in town.rows(inbound)] == ["delivered"]


@pytest.mark.requirement("BS-027")
def test_what_came_by_letter_says_so_in_front_of_its_title(town: World) -> None:
    town.publish(shipped("people_mailbox"))
    letter = {"content": "楼前积水。", "area": "2", "label": "26"}
    town.post("jumin1", "/my/cases", {"process": "people_mailbox", "title": "积水", "answers": letter})
    (problem,) = [case for case in town.rows(cases) if case["process_key"] == "problem_tracking"]
    (task,) = town.inbox_of(problem)

    moved = town.complete("jia1", task, "回应", {"reply": "去看了。"})
    town.complete("jia1", moved.opened[0], "上报网格", {"way": "线上", "measure": "已联系。"}, "管网问题。")

    assert problem["data"]["channel"] == "人民信箱"
    assert town.case(problem["id"])["data"]["grid_title"] == "【人民信箱】积水"
    assert escalated(town)
    assert [each["data"].get("grid_title") for each in town.rows(cases, external_no="TZ-1")] == ["人行道塌陷"]


@pytest.mark.requirement("BS-084")
def test_a_new_version_of_the_grid_is_another_map_not_another_program(
    town: World, configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "v2.yaml").write_text(
        "fields:\n  caseId: {is: number}\n  status: {is: stage, codes: {'20': 立案}}\n"
        "  fileNo: {is: gridNo}\nverbs:\n  grid.report: {type: R2}\n",
        "utf-8",
    )
    configure(grid={**ENDPOINT, "map": tmp_path / "v2.yaml"})
    number = escalated(town)
    sent: list[bytes] = []

    send_next(
        configured()["grid"],
        "w",
        lambda _, body, *__, **___: sent.append(body) or Answer(200, b'{"code": "0000"}'),
    )
    body = {"status": "20", "fileNo": "N-9"}
    told = town.post(
        "grid",
        "/messages",
        {"name": "grid.status", "correlationKey": number, "messageId": "v-1", "data": body},
    )

    assert f'"caseId":"{number}"'.encode() in sent[0]
    assert b'"type":"R2"' in sent[0]
    assert told.status_code == 200
    assert town.rows(cases)[0]["data"]["grid_no"] == "N-9"
