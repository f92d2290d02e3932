"""先看看: every verb can be tried; what it would do is told, and nothing of it is kept."""

from typing import Any

import pytest

from app.audit.chain import case_chain
from app.cases.models import cases, copies, favourites, number_series, task_queue, urges
from app.cases.models import tasks as task_rows
from app.cases.phrases.models import phrases
from app.clocks.models import clock_ledger, clocks, timers
from app.core.once import idempotency
from tests.world import World

KEPT = (cases, task_rows, task_queue, case_chain, clocks, clock_ledger, timers, urges, copies, favourites)


def everything(world: World) -> dict[str, list[Any]]:
    return {table.name: sorted(map(repr, world.rows(table))) for table in (*KEPT, phrases, idempotency)}


def test_a_completion_that_is_tried_tells_lines_steps_and_clocks_and_keeps_nothing(world: World) -> None:
    order = world.file().opened[0]
    before = everything(world)

    tried = world.post(
        "paiqian1",
        f"/tasks/{order['id']}/complete?dryRun=true",
        {"outcome": "派遣", "answers": {"main_unit": "d1-cgw"}},
        seen=order["revision"],
    )

    assert tried.status_code == 200
    (would,) = tried.json["would"]
    assert tried.json["dryRun"] is True
    assert would["case"] == order["case_id"]
    assert [each["name"] for each in would["closes"]] == ["派遣"]
    assert [each["name"] for each in would["opens"]] == ["签收"]
    assert would["status"] == "待签收"
    assert would["says"][0].startswith("签收“派遣”")
    assert [each["name"] for each in would["clocks"] if each["state"] == "running"] == ["sign"]
    assert everything(world) == before
    world.complete("paiqian1", order, "派遣", {"main_unit": "d1-cgw"})


def test_what_would_be_refused_is_refused_when_it_is_tried(world: World) -> None:
    task = world.dispatched()
    before = everything(world)

    stale = world.post("cgw1", f"/tasks/{task['id']}/claim?dryRun=true", {}, seen=99)
    wrong = world.post("paiqian1", f"/tasks/{task['id']}/urge?dryRun=true", {"text": " "})
    other = world.post("cgw1", f"/tasks/{task['id']}/claim?dryRun=yes", {}, seen=task["revision"])

    assert [stale.status_code, wrong.status_code, other.status_code] == [412, 422, 422]
    assert everything(world) == before


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/tasks/{task}/urge", {"text": "请尽快"}, "催办：请尽快，优先级 60"),
        ("/tasks/{task}/cc", {"people": ["lingdao1"], "text": "请知悉"}, "抄送区领导甲：请知悉"),
        ("/cases/{case}/notes", {"text": "来电人补充"}, "备注：（您填写的内容）"),
    ],
)
def test_verbs_beside_a_case_say_the_line_that_the_timeline_would_get(
    world: World, path: str, body: dict[str, Any], says: str
) -> None:
    task = world.dispatched()
    before = everything(world)

    tried = world.post("paiqian1", path.format(task=task["id"], case=task["case_id"]) + "?dryRun=true", body)

    assert tried.json["would"][0]["says"] == [says]
    assert everything(world) == before


def test_marks_and_kept_phrases_answer_as_they_would_and_keep_nothing(world: World) -> None:
    task = world.dispatched()
    before = everything(world)

    kept = world.post("paiqian1", f"/cases/{task['case_id']}/favourite?dryRun=true", {})
    phrase = world.post("paiqian1", "/phrases?dryRun=true", {"text": "已联系来电人。"})

    assert kept.json["favourite"] is True
    assert phrase.status_code == 201
    assert everything(world) == before


def test_a_batch_that_is_tried_says_which_would_be_refused(world: World) -> None:
    mine, gone = world.dispatched(), world.dispatched()
    world.claim("cgw2", gone)
    before = everything(world)

    tried = world.post(
        "cgw1",
        "/tasks/bulk?dryRun=true",
        {
            "verb": "claim",
            "items": [
                {"task": mine["id"], "revision": mine["revision"]},
                {"task": gone["id"], "revision": gone["revision"] + 1},
            ],
        },
    )

    assert [each["status"] for each in tried.json["results"]] == [200, 409]
    assert everything(world) == before


def test_a_trial_under_a_key_that_was_used_says_what_would_happen_now(world: World) -> None:
    task = world.dispatched()
    body = {"verb": "claim", "items": [{"task": task["id"], "revision": task["revision"]}]}
    world.post("cgw1", "/tasks/bulk", body, key="one")

    tried = world.post("cgw2", "/tasks/bulk?dryRun=true", body, key="one")
    own = world.post("cgw1", "/tasks/bulk?dryRun=true", body, key="one")

    assert [each["status"] for each in tried.json["results"]] == [409]
    assert [each["task"] for each in own.json["results"]] == [task["id"]]


def test_filing_and_splitting_are_tried_without_a_case_a_number_or_a_gap(world: World) -> None:
    case = world.file().case
    before = {**everything(world), "series": world.rows(number_series)}
    body = {
        "process": "work_order_12345",
        "title": "井盖缺损",
        "answers": {"content": "井盖", "level": "一般"},
    }
    parts = {"parts": [{"title": "井盖"}, {"title": "路灯"}], "reason": "两件事"}

    tried = world.post("paiqian1", "/cases?dryRun=true", body)
    wrong = world.post("paiqian1", "/cases?dryRun=true", {**body, "answers": {"level": "没有的"}})
    split = world.post("paiqian1", f"/cases/{case['id']}/split?dryRun=true", parts, seen=case["revision"])

    (would,) = tried.json["would"]
    assert (would["case"], would["prompts"]) == (None, [])
    assert [each["name"] for each in would["opens"]] == ["派遣"]
    assert [(each["name"], bool(each["dueAt"])) for each in would["clocks"]] == [("total", True)]
    assert would["says"][0] == f"收到并登记，编号 {would['number']}"
    assert (wrong.status_code, wrong.json["type"]) == (422, "/problems/answers-wrong")
    mine, *born = split.json["would"]
    assert (mine["case"], [each["case"] for each in born]) == (case["id"], [None, None])
    assert all(each["opens"] for each in born)
    assert {**everything(world), "series": world.rows(number_series)} == before
    filed = world.post("paiqian1", "/cases", body)
    assert filed.json["case"]["number"] == would["number"]
