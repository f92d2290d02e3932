"""The answers people meet when they cannot go on, over HTTP: one status, one slug, and who was faster."""

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.bundles.models import process_heads
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World

WHY = {"reason": "派错了"}


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, worlds.folder(worlds.WORK_ORDER), worlds.shipped("side_assist"))


def refused(answer: TestResponse, status: int, slug: str) -> Row:
    """Asserts the one shape of a refusal; its body."""
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}"), answer.json
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: Row = answer.json
    return body


def held(world: World) -> Row:
    task = world.claim("cgw1", world.dispatched()).task
    assert task is not None
    return task


def act(world: World, by: str, task: Row, verb: str, body: Row) -> TestResponse:
    return world.post(by, f"/tasks/{task['id']}/{verb}", body, seen=task["revision"])


def test_a_second_filing_of_a_number_is_led_to_the_first(world: World) -> None:
    first = world.post_filing(externalNo="BJ-1")

    body = refused(world.post_filing(externalNo="BJ-1"), 409, "already-filed")

    assert body["link"] == f"/api/v1/cases/{first.json['case']['id']}"
    assert body["number"] == first.json["case"]["number"]


def test_a_retired_process_is_410_and_an_unknown_one_404(world: World) -> None:
    refused(world.post_filing(process="no_such_process"), 404, "process-unknown")
    with db.transaction() as session:
        session.execute(update(process_heads).values(retired_at=world.now()))

    refused(world.post_filing(), 410, "process-retired")


def test_taken_and_done_tell_who_and_when(world: World) -> None:
    task = held(world)

    taken = refused(act(world, "cgw2", task, "complete", {"outcome": "签收"}), 409, "task-taken")
    world.complete("cgw1", task, "签收")
    done = refused(act(world, "cgw2", task, "complete", {"outcome": "签收"}), 409, "task-done")

    for body in (taken, done):
        assert body["who"] == "城管委值班员"
        assert body["when"].endswith("+08:00")
        assert body["link"] == f"/api/v1/cases/{task['case_id']}"


def test_what_is_withdrawn_too_late_stays(world: World) -> None:
    filed = world.file().opened[0]
    signed = world.complete("paiqian1", filed, "派遣", {"main_unit": "d1-cgw"}).opened[0]
    world.claim("cgw1", signed)

    body = refused(world.post("paiqian1", f"/tasks/{filed['id']}/withdraw", WHY), 409, "cannot-withdraw")

    assert "签收" in body["detail"]


def test_a_return_to_a_step_that_was_never_done_is_refused_with_its_reason(world: World) -> None:
    task = held(world)

    body = refused(act(world, "cgw1", task, "return", {"step": "archive", **WHY}), 409, "return-not-possible")

    assert body["reasons"]
    plan = world.post("cgw1", f"/tasks/{task['id']}/return-plan", {"step": "archive"})
    refused(plan, 409, "return-not-possible")


def test_only_a_peer_takes_over_and_only_what_was_signed(world: World) -> None:
    task = world.dispatched()
    refused(act(world, "cgw1", task, "transfer", {"to": "cgw2", **WHY}), 409, "task-not-claimed")
    taken = world.claim("cgw1", task).task
    assert taken is not None

    body = refused(act(world, "cgw1", taken, "transfer", {"to": "zjw1", **WHY}), 422, "person-not-selectable")

    assert body["errors"][0]["pointer"] == "/to"


def test_a_task_changes_hands_so_often_and_no_more(world: World) -> None:
    task = held(world)
    for giver, taker in (("cgw1", "cgw2"), ("cgw2", "cgw1"), ("cgw1", "cgw2")):
        answer = act(world, giver, task, "transfer", {"to": taker, **WHY})
        assert answer.status_code == 200
        task = {**task, "revision": answer.json["task"]["revision"]}

    refused(act(world, "cgw2", task, "transfer", {"to": "cgw1", **WHY}), 409, "transferred-enough")


def test_a_unit_is_asked_for_help_once_at_a_time(world: World) -> None:
    task = held(world)
    body = {"units": ["d1-zjw"], "demand": "请确认产权。"}
    asked = act(world, "cgw1", task, "assist", body)
    assert asked.status_code == 200

    refused(act(world, "cgw1", task, "assist", body), 409, "request-pending")
    refused(act(world, "cgw1", task, "assist", {**body, "units": ["nobody"]}), 422, "unit-not-selectable")


def test_without_the_process_for_it_nobody_can_be_asked_for_help(database: db.Database) -> None:
    world = worlds.build(database)

    answer = act(world, "cgw1", held(world), "assist", {"units": ["d1-zjw"], "demand": "请确认产权。"})

    refused(answer, 409, "assist-unavailable")


def test_a_merged_case_leads_to_the_other_and_comes_back_once(world: World) -> None:
    one, other = world.file(), world.file()
    into = {"into": other.case["id"], "reason": "同一盏路灯"}
    path = f"/cases/{one.case['id']}"
    itself = world.post("paiqian1", f"{path}/merge", {**into, "into": one.case["id"]}, seen=1)
    refused(itself, 409, "cannot-merge")
    assert world.post("paiqian1", f"{path}/merge", into, seen=one.case["revision"]).status_code == 200

    body = refused(world.post("paiqian1", f"{path}/notes", {"text": "备注"}), 409, "case-merged")

    assert body["link"] == f"/api/v1/cases/{other.case['id']}"
    assert world.post("paiqian1", f"{path}/unmerge", WHY).status_code == 200
    refused(world.post("paiqian1", f"{path}/unmerge", WHY), 409, "not-merged")


def test_a_closed_case_takes_nothing_more(database: db.Database) -> None:
    drawing = Drawing("short").start().task("t", worlds.by_role(), outcomes="完成").end()
    world = worlds.build(database, worlds.bundle_of("short", drawing.line("start", "t", "end")))
    task = world.file(process="short").opened[0]
    world.complete("paiqian1", task)
    path = f"/cases/{task['case_id']}"

    body = refused(world.post("paiqian1", f"{path}/notes", {"text": "备注"}), 409, "case-closed")

    assert body["link"] == f"/api/v1{path}"
    raised = world.post("paiqian1", f"{path}/priority", {"priority": 80, "reason": "急"}, seen=1)
    refused(raised, 409, "case-closed")


def test_a_verb_that_the_process_forbids_and_four_eyes_are_told_so(database: db.Database) -> None:
    drawing = Drawing("checked").start().end()
    drawing.task("write", worlds.by_role(), outcomes="完成")
    drawing.task("check", worlds.by_role(), outcomes="完成", notSameAs="write")
    drawing.line("start", "write", "check", "end")
    files = worlds.bundle_of("checked", drawing, more="verbs: {write: {forbid: [transfer]}}\n")
    world = worlds.build(database, files)
    task = world.claim("paiqian1", world.file(process="checked").opened[0]).task
    assert task is not None

    refused(act(world, "paiqian1", task, "transfer", {"to": "paiqian2", **WHY}), 409, "verb-forbidden")
    check = world.complete("paiqian1", task).opened[0]
    refused(world.post("paiqian1", f"/tasks/{check['id']}/claim", {}), 409, "four-eyes")


def test_a_reason_is_words(world: World) -> None:
    task = held(world)

    body = refused(act(world, "cgw1", task, "unclaim", {"reason": "   "}), 422, "fields-refused")

    assert body["errors"][0]["pointer"] == "/reason"
