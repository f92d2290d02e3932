"""备注, 领导批示 and priority: what is said beside a case, and how it then lies in every list."""

import orjson
import pytest
from sqlalchemy import update

from app.audit import verify
from app.audit.chain import case_chain
from app.cases import viewing
from app.cases.models import case_notes, task_queue
from app.cases.notes import service as notes
from app.cases.notes.schemas import NoteOut, NotePage
from app.cases.schemas import CaseOut
from app.core import db
from tests.cases.test_shapes import misfits
from tests.world import Row, World, numbered, once, statements

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def say(world: World, by: str, case_id: str, text: str, **about: str) -> Row:
    answer = world.post(by, f"/cases/{case_id}/notes", {"text": text, **about})
    assert answer.status_code == 201, answer.json
    told: Row = answer.json
    return told


def lying(world: World, by: str) -> list[str]:
    return [row["case_id"] for row in world.inbox(by)]


def timeline(world: World, case_id: str) -> list[str]:
    items = world.get("paiqian1", f"/cases/{case_id}/timeline").json["items"]
    return [event["text"] for item in items for event in item["events"]]


def test_a_note_is_kept_shown_to_who_sees_the_case_and_told_in_its_timeline(world: World) -> None:
    task = world.dispatched()
    case_id = task["case_id"]

    first = say(world, "cgw1", case_id, "  来电人补充：\n路灯在3号楼北侧。 ")
    second = say(world, "paiqian1", case_id, "已告知来电人。")

    page = world.get("guancha1", f"/cases/{case_id}/notes").json
    assert [note["text"] for note in page["items"]] == ["来电人补充：\n路灯在3号楼北侧。", "已告知来电人。"]
    assert [note["authorName"] for note in page["items"]] == ["城管委值班员", "派遣员甲"]
    assert (first["kind"], first["id"]) == ("note", page["items"][0]["id"])
    assert misfits(NoteOut(), second) == []
    assert misfits(NotePage(), page) == []
    assert timeline(world, case_id)[-2:] == ["备注：来电人补充：\n路灯在3号楼北侧。", "备注：已告知来电人。"]


def test_notes_come_in_pages_of_their_own_case(world: World) -> None:
    case_id, other = world.file().case["id"], world.file().case["id"]
    for number in range(5):
        say(world, "paiqian1", case_id, f"第 {number} 条")
    say(world, "paiqian1", other, "别的")

    seen, after = [], ""
    while True:
        page = world.get("paiqian1", f"/cases/{case_id}/notes?limit=2{after}").json
        seen += [note["text"] for note in page["items"]]
        if page["page"]["next"] is None:
            break
        after = f"&after={page['page']['next']}"

    assert seen == [f"第 {number} 条" for number in range(5)]
    foreign = world.get("paiqian1", f"/cases/{other}/notes?limit=2{after}")
    assert foreign.json["type"] == "/problems/cursor-invalid"


def test_a_note_leaves_tasks_and_engine_alone_and_a_repeated_request_adds_none(world: World) -> None:
    task = world.dispatched()
    before = world.case(task["case_id"])

    answers = [
        world.post("cgw1", f"/cases/{task['case_id']}/notes", {"text": "一次"}, key="same") for _ in range(2)
    ]

    after = world.case(task["case_id"])
    assert answers[0].data == answers[1].data
    assert len(world.rows(case_notes)) == 1
    assert after["revision"] == before["revision"] + 1
    assert after["engine"] == before["engine"]
    world.complete("cgw1", task, "签收")  # the revision of the task is the one that was seen


def test_nothing_is_said_beside_a_closed_case(world: World) -> None:
    task = world.complete("cgw1", world.dispatched(), "签收").opened[0]
    task = world.complete("cgw1", task, "报结", HANDLED).opened[0]
    task = world.complete("shenhe1", task, "通过").opened[0]
    world.complete("paiqian1", task, "归档")

    for body in ({"text": "晚了"}, {"text": "晚了", "kind": "instruction"}):
        by = "lingdao1" if "kind" in body else "paiqian1"
        answer = world.post(by, f"/cases/{task['case_id']}/notes", body)
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/case-closed")
        assert answer.json["link"] == f"/api/v1/cases/{task['case_id']}"
    assert world.rows(case_notes) == []


def test_the_chain_holds_a_seal_of_a_note_and_verifies_once_its_words_are_forgotten(world: World) -> None:
    case_id = world.file().case["id"]
    note = say(world, "paiqian1", case_id, "来电人姓甲，住3号楼。")

    with db.transaction() as session:
        session.execute(update(case_notes).where(case_notes.c.id == note["id"]).values(text="", salt=b""))

    assert "3号楼" not in "".join(row["events"] for row in world.rows(case_chain, case_id=case_id))
    assert timeline(world, case_id)[-1] == "备注：（内容已删除）"
    head = world.case(case_id)
    with db.reading() as session:
        found = verify.verify(session, case_id, {case_id: (head["audit_seq"], head["audit_head"])})
    assert found.faults == ()


@pytest.mark.requirement("SJS-023")
def test_an_instructed_case_lies_before_all_others_then_urgency_and_due_time_decide(world: World) -> None:
    ordinary, urgent, instructed = (world.file().case["id"] for _ in range(3))
    later = world.file().case["id"]
    world.post("paiqian1", f"/cases/{urgent}/priority", {"priority": 90, "reason": "学校门口"}, seen=1)

    say(world, "lingdao1", instructed, "请今天办结。", kind="instruction")

    assert lying(world, "paiqian1") == [instructed, urgent, ordinary, later]
    assert world.get("paiqian1", f"/cases/{instructed}").json["instructed"] is True
    assert timeline(world, instructed)[-1] == "领导批示：请今天办结。"
    task = world.inbox("paiqian1")[0]
    moved = world.complete("paiqian1", task, "派遣", {"main_unit": "d1-cgw"})
    other = world.complete("paiqian1", world.inbox("paiqian1")[0], "派遣", {"main_unit": "d1-cgw"})
    assert lying(world, "cgw1") == [moved.case["id"], other.case["id"]]  # and so wherever it goes


def test_an_instruction_reaches_a_task_that_lies_on_somebodys_desk(world: World) -> None:
    mine = world.dispatched()
    other = world.dispatched()
    for task in (mine, other):
        world.claim("cgw1", task)

    say(world, "lingdao1", other["case_id"], "先办这件。", kind="instruction")

    assert lying(world, "cgw1") == [other["case_id"], mine["case_id"]]
    places = world.rows(task_queue, task_id=other["id"])
    assert [place["holder"] for place in places] == [f"person:{world.actor('cgw1').id}"]


@pytest.mark.requirement("SJS-024")
def test_priority_is_adjusted_with_a_reason_and_the_case_moves_in_every_list(world: World) -> None:
    first, second = world.dispatched(), world.dispatched()
    case_id = second["case_id"]
    seen = world.case(case_id)["revision"]
    assert lying(world, "cgw1") == [first["case_id"], case_id]

    answer = world.post(
        "duban1", f"/cases/{case_id}/priority", {"priority": 80, "reason": "临近学校"}, seen=seen
    )

    assert answer.status_code == 200, answer.json
    assert (answer.json["priority"], answer.headers["ETag"]) == (80, f'"{seen + 1}"')
    assert misfits(CaseOut(), answer.json) == []
    assert lying(world, "cgw1") == [case_id, first["case_id"]]
    assert timeline(world, case_id)[-1] == "优先级由 50 调为 80，原因：临近学校"
    row = world.rows(case_chain, case_id=case_id)[-1]
    assert (row["command"], row["actor_id"]) == ("Prioritise", world.actor("duban1").id)
    assert orjson.loads(row["events"])[0]["was"] == 50


@pytest.mark.requirement("SJS-024")
def test_the_handling_unit_cannot_make_its_own_order_urgent(world: World) -> None:
    task = world.dispatched()

    answer = world.post(
        "cgw1", f"/cases/{task['case_id']}/priority", {"priority": 99, "reason": "先办"}, seen=2
    )

    assert (answer.status_code, answer.json["permission"]) == (403, "case:prioritise")
    assert "调整优先级" in answer.json["detail"]
    assert world.case(task["case_id"])["priority"] == 50


def test_a_stale_page_adjusts_nothing_and_the_same_priority_again_is_no_step(world: World) -> None:
    case_id = world.file().case["id"]
    path = f"/cases/{case_id}/priority"

    stale = world.post("paiqian1", path, {"priority": 10, "reason": "x"}, seen=9)
    missing = world.post("paiqian1", path, {"priority": 10, "reason": "x"})
    same = world.post("paiqian1", path, {"priority": 50, "reason": "x"})
    blank = world.post("paiqian1", path, {"priority": 10, "reason": "  "}, seen=1)

    assert [each.status_code for each in (stale, missing, same, blank)] == [412, 428, 200, 422]
    assert stale.headers["ETag"] == missing.headers["ETag"] == '"1"'
    assert world.case(case_id)["revision"] == 1


def test_a_permission_held_in_another_place_does_not_count_here(world: World) -> None:
    """A dispatcher of the east street sees only that street; the worker of one community only that one."""
    east = world.file(place_unit="d1-s1-c2").case["id"]
    west = world.file(place_unit="d1-s2-c1").case["id"]

    say(world, "dongjie1", east, "街道已知悉。")
    hidden = world.post("dongjie1", f"/cases/{west}/notes", {"text": "x"})

    assert hidden.status_code == 404
    assert viewing.look(world.actor("ding1"), west)["id"] == west


def test_a_note_takes_few_statements_and_wakes_no_engine(world: World) -> None:
    task, actor = world.dispatched(), world.actor("cgw1")
    notes.add(actor, task["case_id"], "先说一句", "note")

    with statements(world.database) as sent:
        notes.add(actor, task["case_id"], "一句", "note", once(actor, "k"))

    assert len(sent) <= 10, numbered(sent)
