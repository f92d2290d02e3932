"""A filed case tells the one that filed it of its course: each status, in order, once, then its end."""

from typing import Any

import pytest

from app.audit.verify import verify
from app.bundles.files import BundleFiles
from app.cases.models import cases, waits
from app.cases.models import tasks as task_rows
from app.core import db
from app.exchange import delivering, parking
from app.exchange.models import inbound
from app.processes.callees import among_published
from app.processes.check import check_files
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.exchange.speaking import callback
from tests.world import Row, World, bundle_of, by_role

FILING = {"filing": "title: 登记\nfields:\n  - {name: content, required: true}\n"}
MESSAGES = """
problem.went_on: {direction: in, from: "process:problem", at: status, key: problem_no, data: {stage: $.status}}
problem.over: {direction: in, from: "process:problem", key: problem_no, mirror: true, data: {result: $.data.result, became: $.state}}
"""


def problem() -> BundleFiles:
    """look → solve → end."""
    drawing = Drawing("problem").start(attributes='camunda:formKey="filing"')
    drawing.task("look", by_role(), status="待看").task(
        "solve", f'{by_role()} camunda:formKey="done"', status="待解决"
    )
    drawing.end(status="解决了").line("start", "look", "solve", "end")
    data = "result: {type: text, label: 结果}, secret: {type: text, secret: true, label: 电话}"
    forms = {**FILING, "done": "title: 办理\nfields:\n  - {name: result}\n"}
    return bundle_of(
        "problem", drawing, data=data, forms=forms, more="public: {待看: 收到了, 待解决: 办理中}\n"
    )


def letter(messages: str = MESSAGES) -> BundleFiles:
    """file → wait: each new status is kept and waited on; the end leads on to read."""
    drawing = Drawing("letter").declare("message", "problem.went_on", "problem.over")
    drawing.start(attributes='camunda:formKey="filing"')
    inputs = {"process": "problem", "data": "content"}
    drawing.service("file", "cases.file", inputs, {"number": "problem_no"})
    drawing.node("eventBasedGateway", "wait")
    drawing.catch("went_on", "message", "problem.went_on").catch("over", "message", "problem.over")
    drawing.task("read", by_role()).end()
    drawing.line("start", "file", "wait", "over", "read", "end").line("wait", "went_on", "wait")
    data = "problem_no: {type: text, label: 问题编号}, stage: {type: text, label: 进展}, "
    data += "result: {type: text, label: 结果}, became: {type: choice, of: [已办结, 已终止], label: 怎样结束}"
    return bundle_of("letter", drawing, data=data, forms=FILING, starts="[api, resident]", messages=messages)


@pytest.fixture
def fed(database: db.Database) -> World:
    return worlds.build(database, problem(), letter())


def written(world: World) -> tuple[Row, Row]:
    """A letter of a resident, and the problem that it became."""
    moved = world.file("jumin1", "letter", title="积水", place_unit=None, answers={"content": "门前积水。"})
    (filed,) = world.rows(cases, process_key="problem")
    return moved.case, filed


def work(world: World, filed: Row, **answers: Any) -> None:
    (task,) = world.inbox_of(filed)
    world.complete("paiqian1", world.row(task_rows, task["id"]), "完成", answers)


def act(world: World, case: Row, verb: str) -> None:
    seen = world.case(case["id"])["revision"]
    answer = world.post("duban1", f"/cases/{case['id']}/{verb}", {"reason": "等一等"}, seen=seen)
    assert answer.status_code == 200, answer.json


def told(world: World, case: Row) -> list[str]:
    items = world.get("paiqian1", f"/cases/{case['id']}/timeline?limit=200").json["items"]
    return [event["text"] for line in items for event in line["events"] if "试验流程" in event["text"]]


def test_each_status_and_the_end_come_once_to_the_case_that_filed_and_its_reporter(fed: World) -> None:
    source, filed = written(fed)
    parking.deliver_due()
    work(fed, filed)
    work(fed, filed, result="已疏通")
    assert fed.case(source["id"])["data"]["stage"] == "待看", "nothing moves before the postman comes"

    parking.deliver_due()
    parking.deliver_due()

    now, number = fed.case(source["id"]), filed["number"]
    assert [now["data"][name] for name in ("stage", "result", "became")] == ["待解决", "已疏通", "已办结"]
    assert now["status"] == "解决了"
    assert told(fed, source) == [f"试验流程 {number}：{status}" for status in ("待看", "待解决", "解决了")]
    assert [task["step"] for task in fed.inbox_of(source)] == ["read"]
    assert {row["state"] for row in fed.rows(inbound)} == {"delivered"}
    mine = fed.get("jumin1", f"/my/cases/{source['id']}").json
    assert [(each["number"], each["state"]) for each in mine["filed"]] == [(number, "closed")]
    course = fed.get("jumin1", f"/my/cases/{source['id']}/timeline").json["items"]
    assert "试验流程：收到了" in [line["text"] for line in course]
    assert fed.get("jumin2", f"/my/cases/{source['id']}").status_code == 404
    with db.reading() as session:
        assert verify(session).faults == ()


def test_whoever_is_killed_between_the_two_cases_nothing_is_lost_and_nothing_told_twice(
    fed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, filed = written(fed)
    with monkeypatch.context() as patched:
        patched.setattr(delivering, "advance", killed)  # after the row was claimed
        with pytest.raises(KeyboardInterrupt):
            parking.deliver_due()
    with monkeypatch.context() as patched:
        patched.setattr(delivering, "_deliver", again(delivering._deliver))  # two carriers with one row
        fed.wait(seconds=61)
        parking.deliver_due()

    assert told(fed, source) == [f"试验流程 {filed['number']}：待看"]
    assert fed.rows(inbound)[0]["attempts"] == 2


def killed(*_: Any) -> None:
    raise KeyboardInterrupt


def again(deliver: Any) -> Any:
    def twice(row: Row, actor: Any) -> None:
        deliver(row, actor)
        with pytest.raises(delivering.AlreadyDelivered):
            deliver(row, actor)

    return twice


def test_what_a_case_at_rest_was_told_comes_when_it_goes_on_and_one_that_is_over_is_told_nothing(
    fed: World,
) -> None:
    source, filed = written(fed)
    parking.deliver_due()
    act(fed, source, "suspend")
    work(fed, filed)
    parking.deliver_due()
    fed.wait(days=31)
    parking.expire()
    assert fed.rows(inbound, state="parked")[0]["key"] == filed["number"]

    act(fed, source, "resume")
    parking.find_missed()
    parking.deliver_due()
    assert fed.case(source["id"])["data"]["stage"] == "待解决"
    before = len(fed.rows(inbound))
    act(fed, source, "terminate")
    work(fed, filed, result="已疏通")

    assert len(fed.rows(inbound)) == before
    assert fed.rows(waits) == []


def test_nobody_else_can_send_what_a_filed_case_tells(fed: World) -> None:
    _, filed = written(fed)

    answer = callback(fed, filed["number"], name="problem.over", data={"status": "解决了"})

    assert answer.status_code == 404, answer.json


@pytest.mark.parametrize(
    ("was", "instead", "says"),
    [
        ('"process:problem", at', '"process:problm", at', "没有环节登记它"),
        ("key: problem_no, data", "key: stage, data", "不是登记的那一件的编号；有 problem_no"),
        ("$.data.result", "$.data.reslt", "是不是 result"),
        ("$.data.result", "$.data.secret", "加密保存"),
        ("$.state", "$.stat", "“$.stat”没有；有 $.number"),
        ("at: status,", "starts: true,", "不用于本件登记的那一件告诉的"),
    ],
)
def test_what_nobody_files_or_tells_is_refused_when_the_process_is_checked(
    fed: World, was: str, instead: str, says: str
) -> None:
    assert was in MESSAGES
    wrong = letter(MESSAGES.replace(was, instead))

    found = check_files(wrong, callees=among_published()).findings

    assert says in "".join(each.zh for each in found if each.level == "error"), found
    expected = "message-key" if "starts" in instead else "filed-message"
    assert expected in {each.rule for each in found}
