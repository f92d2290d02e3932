"""Running cases go over to a newer policy: looked at first, case by case, with a report that adds up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.audit.verify import verify
from app.bundles.files import BundleFiles
from app.cases import firing
from app.cli.sla import _swapped, foretold
from app.clocks import policies
from app.clocks.models import clock_ledger, clocks, timers
from app.clocks.proof import verify_ledger
from app.core import db
from app.notices.models import notices
from app.policies import swapping
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

DAY = timedelta(days=1)
OLD = """
clocks:
  resolve: {label: 办结时限, start: case.received, stop: case.closed, limit: P7D, pauseOn: [hold],
            extendable: {max: 1, by: P3D}}
  total: {label: 群众时限, start: case.received, stop: case.closed, limit: P15D}
  first: {label: 首办时限, start: case.received, stop: task.done(work), limit: P1D}
tiers:
  - {key: soon, clock: resolve, at: 80%, label: 快到期, colour: yellow}
  - {key: day, clock: total, age: PT12H, label: 半天没有办结, colour: yellow}
"""
NEW = """
clocks:
  resolve: {label: 办结时限, start: case.received, stop: case.closed, limit: P9D, pauseOn: [hold],
            extendable: {max: 1, by: P3D}}
  total: {label: 群众时限, start: case.received, stop: case.closed, limit: P1D}
tiers:
  - {key: half, clock: total, at: 90%, label: 快过了, colour: yellow, tell: [filer]}
  - {key: late, clock: total, at: 100%, label: 过了, colour: red, tell: [filer]}
"""


def bundle(sla: str) -> BundleFiles:
    """办理: 挂账 pauses until 销账, 延期 extends at once; a reminder waits for the due time of 办结."""
    drawing = Drawing("held").start()
    drawing.task("work", by_role(), outcomes="挂账, 延期, 办结", clock="resolve")
    drawing.either("which", default="over").service("pause", "clocks.pause", {"reason": "${title}"})
    drawing.task("held", by_role(), clock="resolve").service("go", "clocks.resume", {"reason": "条件具备"})
    drawing.service("longer", "clocks.extend", {"clock": "resolve", "reason": "材料多"}).end()
    drawing.line("start", "work", "which").flow("which", "end", name="over")
    drawing.flow("which", "pause", 'outcome("work") == "挂账"').line("pause", "held", "go", "work")
    drawing.flow("which", "longer", 'outcome("work") == "延期"').line("longer", "work")
    drawing.timer("late", "held", 'due("resolve")', "timeDate", interrupting=False).task("told", by_role())
    drawing.line("late", "told", "end")
    return worlds.bundle_of("held", drawing, sla=sla)


def published(house: World, sla: str) -> None:
    house.publish(bundle(sla))
    with db.transaction() as session:
        policies.follow(session, "held")


def clock(house: World, case: Row, name: str) -> Row:
    (found,) = house.rows(clocks, case_id=case["id"], name=name)
    return found


def test_running_cases_go_over_to_a_newer_policy_and_a_paused_clock_keeps_its_pause(
    database: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = worlds.build(database)
    published(house, OLD)
    held, longer, fresh = (house.file(process="held", title=each) for each in ("等批复", "材料多", "刚到"))
    house.wait(hours=6)
    house.complete("paiqian1", held.opened[0], "挂账")
    house.complete("paiqian1", longer.opened[0], "延期")
    house.wait(hours=30)
    firing.fire_due()
    published(house, NEW)
    stopped, began = clock(house, held.case, "first"), held.case["received_at"]
    path = "/processes/held/policies/2/swap"

    # looked at: nothing is written, and who may not is told so
    tried = house.get("liucheng1", path).json
    assert (tried["total"], tried["movable"], tried["left"]) == (3, 2, 1)
    lines = {line["case"]: line for line in tried["items"]}
    assert lines[fresh.case["id"]]["why"] == "“首办时限”还在走，新规则里没有这个时钟。"
    moved = {each["clock"]: each for each in lines[longer.case["id"]]["clocks"]}
    was, due = (datetime.fromisoformat(moved["resolve"][end]) for end in ("wasDue", "due"))
    assert due - was == 2 * DAY
    assert moved["total"]["passed"] == ["快过了", "过了"]
    paused = {each["clock"]: each for each in lines[held.case["id"]]["clocks"]}["resolve"]
    assert (paused["state"], paused["wasDue"], paused["due"]) == ("paused", None, None)
    assert any("已经过了：快过了、过了" in line for line in foretold(swapping.look("held", 2, None)))
    assert clock(house, longer.case, "resolve")["policy_version"] is None
    refused = house.post("paiqian1", path, {"reason": "想换"})
    assert refused.status_code == 403
    assert "换用时限规则" in refused.json["detail"]
    assert house.get("liucheng1", "/processes/held/policies/1/swap").status_code == 422
    assert house.get("liucheng1", "/processes/held/policies/7/swap").status_code == 404

    # asked for, killed after the first case, gone on with by two at once
    begun = house.post("liucheng1", path, {"reason": "执行新的时限"})
    again = house.post("liucheng1", path, {"reason": "执行新的时限"})
    assert (begun.status_code, again.status_code) == (202, 409)
    real, calls = swapping.move, []

    def killed(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*given)

    monkeypatch.setattr(swapping, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        swapping.go_on()
    monkeypatch.setattr(swapping, "move", real)
    (halfway,) = house.get("liucheng1", "/processes/held/policy-swaps").json["items"]
    assert (halfway["state"], halfway["moved"] + halfway["left"]) == ("running", 1)
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: swapping.go_on(), range(2)))
    swapping.go_on()  # whoever was busy then

    # the report, and one line of the ledger for each clock that runs
    (done,) = house.get("liucheng1", "/processes/held/policy-swaps").json["items"]
    assert (done["state"], done["moved"], done["left"]) == ("done", 2, 1)
    report = house.get("liucheng1", f"/processes/held/policy-swaps/{done['id']}/cases").json["items"]
    assert {line["case"]: (line["was"], bool(line["why"])) for line in report} == {
        held.case["id"]: (1, False),
        longer.case["id"]: (1, False),
        fresh.case["id"]: (1, True),
    }
    written = [line for line in house.rows(clock_ledger) if line["entry"] == "policy_changed"]
    assert len(written) == len({line["clock_id"] for line in written}) == 4
    assert house.case(fresh.case["id"])["policy_version"] is None
    assert clock(house, held.case, "first") == stopped
    assert clock(house, longer.case, "resolve")["due_at"] == longer.case["received_at"] + 12 * DAY
    assert [timer["state"] for timer in house.rows(timers, case_id=held.case["id"], kind="token")][
        -1
    ] == "held"
    assert {t["state"] for t in house.rows(timers, case_id=longer.case["id"], tier="soon")} == {"cancelled"}

    # tiers that lie behind are booked without a notice each, with one for the case
    firing.fire_due()
    passed = [each for each in house.rows(notices) if each["kind"] == "passed"]
    assert len(passed) == 2
    assert passed[0]["text"].startswith("换用时限规则时已有时限过了")
    assert house.case(longer.case["id"])["light"] == "red"

    # the paused one runs on with what it had left, and its lines say how
    house.wait(hours=6)
    (task,) = house.inbox_of(held.case)
    house.complete("paiqian1", task, "完成")
    stood = began + 9 * DAY + timedelta(hours=36)
    assert abs(clock(house, held.case, "resolve")["due_at"] - stood) < timedelta(minutes=5)
    told = {
        each["name"]: each for each in house.get("paiqian1", f"/cases/{held.case['id']}/clocks").json["items"]
    }
    resolve = told["resolve"]
    start, added = resolve["lines"][0]["at"], sum(line["adds"] for line in resolve["lines"])
    due, start = (datetime.fromisoformat(at) for at in (resolve["dueAt"], start))
    assert abs(due - start - timedelta(seconds=added)) < timedelta(seconds=2)  # told in whole seconds
    (over,) = [line["text"] for line in resolve["lines"] if line["what"] == "换规则"]
    assert "由时限规则第 1 版换用第 2 版：时限由7 天改为9 天，从起点重新算，正在暂停" in over
    assert (resolve["policy"], told["first"]["policy"]) == (2, 1)
    timeline = house.get("paiqian1", f"/cases/{held.case['id']}/timeline").json["items"]
    says = [event["text"] for step in timeline for event in step["events"]]
    assert "换用时限规则第 2 版（原第 1 版），流程管理员甲发起，原因：执行新的时限" in says
    with db.transaction() as session:
        assert verify_ledger(session).faults == ()
        assert verify(session).faults == ()

    # the one that could not goes over once what stood in the way is done; nobody else is moved twice
    house.complete("paiqian1", fresh.opened[0], "延期")
    assert next(_swapped("held", 2, "补换")) == "换了 1 件，0 件换不了。"
    assert clock(house, fresh.case, "resolve")["policy_version"] is not None
