"""草稿: kept for who works on the task, half-filled as it is, until the step is done."""

import pytest

from app.audit.chain import case_chain
from app.cases.models import tasks as task_rows
from app.cases.schemas import DraftOut
from tests.cases.test_shapes import misfits
from tests.world import Row, World

HALF = {"outcome": "报结", "answers": {"result": "已联系，138", "solved": None}, "opinion": None}


@pytest.fixture
def task(world: World) -> Row:
    """办理, claimed by nobody yet."""
    return world.complete("cgw1", world.dispatched(), "签收").opened[0]


def draft_of(world: World, by: str, task: Row) -> Row | None:
    found: Row | None = world.get(by, f"/tasks/{task['id']}/form").json["draft"]
    return found


def put(world: World, by: str, task: Row, **draft: object) -> Row:
    answer = world.put(by, f"/tasks/{task['id']}/draft", {**HALF, **draft})
    return {"status": answer.status_code, **answer.json}


def test_a_half_filled_form_is_kept_and_comes_back_with_the_form(world: World, task: Row) -> None:
    before = world.case(task["case_id"])

    told = put(world, "cgw1", task)

    assert told.pop("status") == 200
    assert misfits(DraftOut(), told) == []
    assert draft_of(world, "cgw1", task) == {**HALF, "by": world.actor("cgw1").id}
    after = world.case(task["case_id"])
    assert (after["revision"], after["audit_seq"], after["engine"]) == (
        before["revision"],
        before["audit_seq"],
        before["engine"],
    )
    assert "已联系" not in "".join(row["events"] for row in world.rows(case_chain))


def test_a_draft_changes_no_revision_so_the_open_page_stays_fresh_and_completion_clears_it(
    world: World, task: Row
) -> None:
    put(world, "cgw1", task)
    put(world, "cgw1", task, outcome=None)

    world.complete("cgw1", task, "报结", {"contacted": True, "solved": True, "result": "好"})

    assert world.row(task_rows, task["id"])["draft"] is None
    assert draft_of(world, "cgw1", task) is None


def test_a_claim_keeps_the_draft(world: World, task: Row) -> None:
    put(world, "cgw1", task)

    world.claim("cgw1", task)

    assert draft_of(world, "cgw1", task) is not None


def test_all_empty_clears_the_draft(world: World, task: Row) -> None:
    put(world, "cgw1", task)

    told = put(world, "cgw1", task, outcome=None, answers={}, opinion="")

    assert told["status"] == 200
    assert draft_of(world, "cgw1", task) is None


def test_nobody_drafts_in_somebody_elses_task(world: World, task: Row) -> None:
    world.claim("cgw1", task)

    others = {by: put(world, by, task) for by in ("paiqian1", "shenhe1", "duban1", "cgw2", "zjw1")}

    assert {by: (told["status"], told["type"]) for by, told in others.items()} == {
        "paiqian1": (403, "/problems/forbidden-action"),
        "shenhe1": (403, "/problems/forbidden-action"),
        "duban1": (403, "/problems/forbidden-action"),
        "cgw2": (409, "/problems/task-taken"),
        "zjw1": (404, "/problems/not-found"),
    }
    assert world.row(task_rows, task["id"])["draft"] is None


def test_a_done_task_takes_no_draft(world: World, task: Row) -> None:
    world.complete("cgw1", task, "报结", {"contacted": True, "solved": True, "result": "好"})

    told = put(world, "cgw1", task)

    assert (told["status"], told["type"]) == (409, "/problems/task-done")


def test_only_names_of_the_form_are_kept(world: World, task: Row) -> None:
    told = put(world, "cgw1", task, answers={"result": "x", "reslt": "y", "main_unit": "d1-zjw"})

    assert (told["status"], told["type"]) == (422, "/problems/answers-wrong")
    assert [error["pointer"] for error in told["errors"]] == ["/answers/reslt", "/answers/main_unit"]
    assert "result" in told["errors"][0]["message"]
    assert draft_of(world, "cgw1", task) is None


def test_a_draft_is_at_most_64_kb(world: World, task: Row) -> None:
    fits = put(world, "cgw1", task, answers={"result": "长" * 21_000})
    told = put(world, "cgw1", task, answers={"result": "长" * 22_000})

    assert fits["status"] == 200
    assert (told["status"], told["type"]) == (413, "/problems/too-large")
    assert "64 KB" in told["detail"]


def test_others_who_see_the_task_read_covered_numbers_and_the_database_none(world: World, task: Row) -> None:
    put(world, "cgw1", task, answers={"result": "来电人 13812345678"})

    seen = draft_of(world, "guancha1", task)

    assert seen is not None
    assert "13812345678" not in str(seen)
    own = draft_of(world, "cgw1", task)
    assert own is not None
    assert own["answers"]["result"] == "来电人 13812345678"
    assert b"13812345678" not in bytes(world.row(task_rows, task["id"])["draft"].data)


def test_a_repeated_request_is_answered_alike(world: World, task: Row) -> None:
    path = f"/tasks/{task['id']}/draft"

    first = world.put("cgw1", path, HALF, key="same")
    again = world.put("cgw1", path, HALF, key="same")
    other = world.put("cgw1", path, {**HALF, "outcome": None}, key="same")

    assert first.data == again.data
    assert other.json["type"] == "/problems/idempotency-key-reused"
