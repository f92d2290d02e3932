"""关注 and 收藏: set and taken back, each list right at once; following keeps the view, a bookmark gives none."""

from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select, update

from app.audit.streams import audit_stream
from app.cases import inbox, moves
from app.cases.marks.api import MarksOut
from app.cases.models import cases, task_queue
from app.cases.models import tasks as task_rows
from app.core import db
from app.core.clock import BEIJING
from app.identity.models import case_access
from tests.cases.test_shapes import misfits
from tests.world import Row, World

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def delete(world: World, who: str, path: str) -> Row:
    headers = {"Authorization": f"Bearer {world.token(who)}", "Idempotency-Key": f"d-{path}-{who}"}
    answer = world.app.test_client().delete(f"/api/v1{path}", headers=headers)
    assert answer.status_code == 200, answer.json
    return answer.json  # type: ignore[no-any-return]


def listed(world: World, who: str, view: str) -> list[str]:
    rows = world.get(who, f"/tasks?view={view}").json["items"]
    found = [row["case"] for row in rows]
    assert world.get(who, "/tasks/counts").json[view]["count"] == len(found)
    return found


def test_what_somebody_follows_or_keeps_is_in_a_list_until_it_is_taken_back(world: World) -> None:
    first, second = world.file().case["id"], world.file().case["id"]

    for verb, view in (("follow", "followed"), ("favourite", "favourite")):
        answer = world.post("guancha1", f"/cases/{first}/{verb}", {})
        assert answer.status_code == 200
        assert misfits(MarksOut(), answer.json) == []
        assert answer.json[view] is True
        world.post("guancha1", f"/cases/{second}/{verb}", {})
        world.post("guancha1", f"/cases/{second}/{verb}", {})  # twice is once
        assert listed(world, "guancha1", view) == [second, first]
        assert listed(world, "paiqian1", view) == []
        assert world.get("guancha1", f"/cases/{first}").json[view] is True
        assert delete(world, "guancha1", f"/cases/{first}/{verb}")[view] is False
        assert listed(world, "guancha1", view) == [second]
        assert world.get("guancha1", f"/cases/{first}").json[view] is False


def test_following_keeps_the_view_when_a_case_moves_away_and_a_bookmark_does_not(world: World) -> None:
    case_id = world.file().case["id"]
    world.post("dongjie1", f"/cases/{case_id}/follow", {})
    world.post("guancha1", f"/cases/{case_id}/favourite", {})
    world.post("dongjie1", f"/cases/{case_id}/favourite", {})

    world.change(cases, case_id, org_path="d1/d1-s2/d1-s2-c1", place_unit="d1-s2-c1")

    assert listed(world, "dongjie1", "followed") == listed(world, "dongjie1", "favourite") == [case_id]
    delete(world, "dongjie1", f"/cases/{case_id}/follow")
    assert listed(world, "dongjie1", "followed") == listed(world, "dongjie1", "favourite") == []
    assert world.get("dongjie1", f"/cases/{case_id}").status_code == 404
    assert listed(world, "guancha1", "favourite") == [case_id]
    with db.reading() as session:
        kinds = session.execute(select(audit_stream.c.kind).order_by(audit_stream.c.seq)).scalars().all()
    assert [kind for kind in kinds if kind.startswith("case.")] == ["case.followed", "case.unfollowed"]


def test_nobody_marks_what_he_does_not_see(world: World) -> None:
    case_id = world.file().case["id"]

    for verb in ("follow", "favourite"):
        assert world.post("ding1", f"/cases/{case_id}/{verb}", {}).status_code == 404
    assert [row for row in world.rows(case_access) if row["reason"] == "followed"] == []


def close(world: World) -> str:
    """A work order brought to its end by cgw1."""
    task = world.dispatched()
    for by, outcome, answers in (
        ("cgw1", "签收", {}),
        ("cgw1", "报结", HANDLED),
        ("shenhe1", "通过", {}),
        ("paiqian1", "归档", {}),
    ):
        moved = world.complete(by, task, outcome, answers)
        task = moved.opened[0] if moved.opened else task
    return str(task["case_id"])


def test_a_closed_case_may_be_kept_but_no_more_followed(world: World) -> None:
    case_id = close(world)

    followed = world.post("guancha1", f"/cases/{case_id}/follow", {})

    assert (followed.status_code, followed.json["type"]) == (409, "/problems/case-closed")
    assert world.post("guancha1", f"/cases/{case_id}/favourite", {}).status_code == 200
    assert listed(world, "guancha1", "favourite") == [case_id]


# — the other lists —


def test_what_i_filed_handled_and_brought_to_an_end_has_lists_of_its_own(world: World) -> None:
    running = world.complete("cgw1", world.dispatched(), "签收").case["id"]
    closed = close(world)

    assert listed(world, "paiqian1", "started") == [closed, running]
    assert listed(world, "paiqian1", "running") == listed(world, "cgw1", "running") == [running]
    assert listed(world, "paiqian1", "closed") == listed(world, "cgw1", "closed") == [closed]
    assert listed(world, "shenhe1", "closed") == [closed]
    assert listed(world, "cgw1", "started") == []
    assert listed(world, "cgw1", "all") == listed(world, "duban1", "all") == [closed, running]
    assert listed(world, "ding1", "all") == []
    (row,) = world.get("cgw1", "/tasks?view=closed").json["items"]
    assert (row["step"], row["caseState"]) == ("handle", "closed")  # what I did last in it
    rows = world.get("duban1", "/tasks?view=all").json["items"]
    assert [row["step"] for row in rows] == ["archive", "handle"]  # the open one, else the newest


def test_a_case_that_rests_in_another_is_running_again_once_it_is_let_go(world: World) -> None:
    goes = world.complete("cgw1", world.dispatched(), "签收").case
    stays = world.complete("cgw1", world.dispatched(), "签收").case
    centre = world.actor("paiqian1")

    moves.merge(centre, goes["id"], stays["id"], "同一盏路灯", goes["revision"])
    assert listed(world, "cgw1", "running") == [stays["id"]]
    assert listed(world, "cgw1", "closed") == [goes["id"]]
    moves.unmerge(centre, goes["id"], "并错了")

    assert listed(world, "cgw1", "running") == [stays["id"], goes["id"]]
    assert listed(world, "cgw1", "closed") == []


def test_what_is_due_today_and_what_is_late_are_told_apart_at_midnight_in_beijing(world: World) -> None:
    late, today, tomorrow, later = (world.dispatched() for _ in range(4))
    now = world.now()
    midnight = datetime.combine(now.astimezone(BEIJING).date() + timedelta(days=1), time(), BEIJING)
    for task, due in (
        (late, now - timedelta(seconds=1)),
        (today, midnight - timedelta(milliseconds=1)),
        (tomorrow, midnight),
        (later, now + timedelta(days=3)),
    ):
        world.change(task_rows, task["id"], due_at=due)
        with db.transaction() as session:
            mine = task_queue.c.task_id == task["id"]
            session.execute(update(task_queue).where(mine).values(due_at=due))

    assert listed(world, "cgw1", "overdue") == [late["case_id"]]
    assert listed(world, "cgw1", "dueToday") == [today["case_id"]]
    assert listed(world, "ding1", "overdue") == []


def test_a_claim_and_a_signature_move_a_task_out_of_what_is_due(world: World) -> None:
    task = world.dispatched()  # to be signed within two hours
    world.wait(hours=3)
    assert listed(world, "cgw1", "overdue") == listed(world, "cgw2", "overdue") == [task["case_id"]]

    world.claim("cgw1", task)

    assert listed(world, "cgw1", "overdue") == listed(world, "cgw2", "overdue") == []
    assert (
        world.rows(task_queue, task_id=task["id"])[0]["due_at"] == world.row(task_rows, task["id"])["due_at"]
    )


@pytest.mark.parametrize("view", ["nearby", "TODO"])
def test_a_list_that_there_is_not_is_refused_naming_those_there_are(world: World, view: str) -> None:
    answer = world.get("cgw1", f"/tasks?view={view}")

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "?view")
    assert all(name in answer.json["errors"][0]["message"] for name in inbox.VIEWS)
