"""Attachments that a process asks for: in a form, before a step ends (结案附件), in a message that goes out."""

from collections.abc import Sequence

import orjson
import pytest

from app.audit.chain import case_chain
from app.cases.models import tasks as task_rows
from app.cases.schemas import FormOut
from app.core import db, events
from app.core.db import Session
from app.core.events import Event
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.engine.drawing import Drawing
from tests.files import picture, upload
from tests.world import Row, World, by_role

DATA = "photos: {type: files, label: 现场照片, max: 2, kinds: [image], each: 10KB}, report: {type: files, label: 报告}"
FORM = """
title: 办理
fields:
  - {name: photos, required: true}
  - {name: report, kinds: [pdf]}
"""
RULES = """attachments:
  handle: {min: 1, kinds: [image, pdf], of: [handle]}
  review: {min: 2, outcomes: [通过], ifMissing: confirm}
"""
MESSAGES = """
city.reply: {direction: out, to: connector:city, body: {orderNo: number, files: attachments(handle)}}
"""


@pytest.fixture
def world(database: db.Database) -> World:
    """办理 with photos in its form and one photo to be brought; a review that would see two; then a reply."""
    drawing = Drawing("closing").start().end()
    drawing.task("handle", f'{by_role()} camunda:formKey="handle"', outcomes="报结")
    drawing.task("review", by_role(), outcomes="通过, 驳回")
    drawing.declare("message", "city.reply").throw("reply", "message", "city.reply")
    drawing.line("start", "handle", "review", "reply", "end")
    closing = worlds.bundle_of(
        "closing", drawing, data=DATA, forms={"handle": FORM}, messages=MESSAGES, more=RULES
    )
    return worlds.build(database, closing, worlds.folder(worlds.WORK_ORDER))


@pytest.fixture
def task(world: World, shelf: object) -> Row:
    return world.file(process="closing").opened[0]


def bring(world: World, task: Row, what: str = "jpeg", name: str = "现场.jpg") -> str:
    answer = upload(world, "paiqian1", task["case_id"], what, name, task=task["id"])
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def complete(world: World, task: Row, outcome: str, answers: Row | None = None, **body: object) -> Row:
    sent = {"outcome": outcome, "answers": answers or {}, **body}
    answer = world.post("paiqian1", f"/tasks/{task['id']}/complete", sent, seen=task["revision"])
    return {"status": answer.status_code, **answer.json}


def refused(told: Row) -> tuple[int, str, list[tuple[str, str]]]:
    return told["status"], told["type"], [(each["pointer"], each["code"]) for each in told["errors"]]


def test_an_answer_names_files_of_its_case_and_the_case_keeps_their_ids(world: World, task: Row) -> None:
    photo, report = bring(world, task), bring(world, task, "pdf", "报告.pdf")

    told = complete(world, task, "报结", {"photos": [photo], "report": [report]})

    assert told["status"] == 200, told
    assert world.case(task["case_id"])["data"] == {"photos": [photo], "report": [report]}
    assert world.row(task_rows, task["id"])["answers"] == {"photos": [photo], "report": [report]}


def test_a_form_says_what_files_it_takes(world: World, task: Row) -> None:
    form = world.get("paiqian1", f"/tasks/{task['id']}/form").json

    assert misfits(FormOut(), form) == []
    photos = form["schema"]["properties"]["photos"]
    assert (photos["type"], photos["maxItems"], photos["items"]["x-type"]) == ("array", 2, "file")


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        (["other"], "attachment-unknown", "不是这件办件的"),
        (["withdrawn"], "attachment-unknown", "不是这件办件的"),
        (["nothing"], "attachment-unknown", "不是这件办件的"),
        (["pdf"], "attachment-kind", "只收图片"),
        (["large"], "attachment-too-large", "每个最大 10 KB"),
        (["jpeg", "png", "webp"], "too-many", "最多 2 个附件"),
        (["../etc"], "not-an-attachment", "先上传附件"),
        ("jpeg", "not-a-list", "列表"),
        ([], "required", "请填写“现场照片”"),
    ],
)
def test_an_answer_with_a_wrong_file_is_refused_at_its_field(
    world: World, task: Row, files: object, code: str, says: str
) -> None:
    elsewhere = world.file(process="closing").opened[0]
    withdrawn = bring(world, task)
    world.delete("paiqian1", f"/attachments/{withdrawn}")
    known = {
        "other": bring(world, elsewhere),
        "withdrawn": withdrawn,
        "nothing": worlds.new_id(),
        "pdf": bring(world, task, "pdf", "a.pdf"),
        "jpeg": bring(world, task),
        "png": bring(world, task, "png", "a.png"),
        "webp": bring(world, task, "webp", "a.webp"),
    }
    large = upload(
        world, "paiqian1", task["case_id"], picture("PNG", (3000, 9000), "1"), "b.png", task=task["id"]
    )
    known["large"] = large.json["id"]
    assert large.json["size"] > 10 * 1024 or code != "attachment-too-large"
    named = [known.get(each, each) for each in files] if isinstance(files, list) else files

    told = complete(world, task, "报结", {"photos": named})

    assert refused(told) == (422, "/problems/answers-wrong", [("/answers/photos", code)]), told
    assert says in told["errors"][0]["message"]


def test_what_an_answer_names_cannot_be_withdrawn_any_more(world: World, task: Row) -> None:
    photo = upload(world, "paiqian1", task["case_id"]).json["id"]  # to the case, not to the task
    bring(world, task)
    complete(world, task, "报结", {"photos": [photo]})

    answer = world.delete("paiqian1", f"/attachments/{photo}")

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/attachment-fixed")


@pytest.mark.requirement("SJS-021")
def test_a_step_that_demands_an_attachment_shows_it_and_cannot_end_without(world: World, task: Row) -> None:
    elsewhere = upload(world, "paiqian1", task["case_id"]).json["id"]  # the rule counts those of 办理 alone
    form = world.get("paiqian1", f"/tasks/{task['id']}/form").json
    text = "办理“handle”之前，“handle”环节应有至少 1 个附件（图片、PDF），现在有 0 个。"
    (prompt,) = form["prompts"]
    assert (prompt["code"], prompt["text"]) == ("attachment-missing", text)
    assert (prompt["blocks"], prompt["asks"], prompt["outcomes"]) == (True, True, [])

    told = complete(world, task, "报结", {"photos": [elsewhere]}, confirm=["attachment-missing"])

    assert refused(told) == (422, "/problems/attachment-missing", [("/confirm", "attachment-missing")])
    assert (told["detail"], told["prompts"]) == (text, form["prompts"])
    assert world.row(task_rows, task["id"])["state"] == "open"
    photo = bring(world, task)
    assert world.get("paiqian1", f"/tasks/{task['id']}/form").json["prompts"] == []
    assert complete(world, task, "报结", {"photos": [photo]})["status"] == 200


@pytest.mark.requirement("SJS-021")
def test_an_order_without_its_attachments_is_closed_only_by_who_confirms_it(world: World, task: Row) -> None:
    photo = bring(world, task)
    review = complete(world, task, "报结", {"photos": [photo]})["next"][0]
    (prompt,) = world.get("paiqian1", f"/tasks/{review['id']}/form").json["prompts"]
    assert (prompt["code"], prompt["blocks"], prompt["outcomes"]) == ("attachment-missing", False, ["通过"])
    assert "应有至少 2 个附件，现在有 1 个" in prompt["text"]

    told = complete(world, review, "通过")
    closed = complete(world, review, "通过", confirm=["attachment-missing"])

    assert refused(told) == (422, "/problems/attachment-missing", [("/confirm", "attachment-missing")])
    assert (closed["status"], closed["case"]["state"]) == (200, "closed")
    row = next(
        row for row in world.rows(case_chain, case_id=task["case_id"])[::-1] if row["command"] == "Complete"
    )
    done = next(event for event in orjson.loads(row["events"]) if event["name"] == "task.done")
    assert done["confirmed"] == ["attachment-missing"]
    items = world.get("paiqian1", f"/cases/{task['case_id']}/timeline").json["items"]
    said = [event["text"] for item in items for event in item["events"]]
    assert "办理“review”，结论：通过（已确认：缺少要求的附件）" in said


def test_another_outcome_asks_for_nothing_and_a_confirmation_nobody_asked_for_leaves_no_trace(
    world: World, task: Row
) -> None:
    photo = bring(world, task)
    review = complete(world, task, "报结", {"photos": [photo]}, confirm=["attachment-missing", "whatever"])[
        "next"
    ][0]

    told = complete(world, review, "驳回")

    assert told["status"] == 200
    assert "confirmed" not in "".join(
        row["events"] for row in world.rows(case_chain, case_id=task["case_id"])
    )


def test_a_done_task_prompts_nobody(world: World, task: Row) -> None:
    photo = bring(world, task)
    complete(world, task, "报结", {"photos": [photo]})

    assert world.get("paiqian1", f"/tasks/{task['id']}/form").json["prompts"] == []


def test_a_message_that_goes_out_names_the_attachments_of_its_step(world: World, task: Row) -> None:
    sent: list[Event] = []

    def hear(session: Session, told: Sequence[Event]) -> None:
        sent.extend(event for event in told if event.name == "message.sent")

    photo = bring(world, task)
    upload(world, "paiqian1", task["case_id"])  # not of this step
    review = complete(world, task, "报结", {"photos": [photo]})["next"][0]
    events.listen(hear)
    try:
        complete(world, review, "通过", confirm=["attachment-missing"])
    finally:
        events.forget(hear)

    (file,) = sent[0].payload["files"]
    shown = world.get("paiqian1", f"/cases/{task['case_id']}/attachments").json["items"][0]
    assert file == {
        "name": "现场.jpg",
        "mime": "image/jpeg",
        "size": shown["size"],
        "sm3": shown["sm3"],
        "url": f"/api/v1/attachments/{photo}",
    }
    assert "现场.jpg" not in "".join(row["events"] for row in world.rows(case_chain, case_id=task["case_id"]))
