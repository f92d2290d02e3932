"""What a person is told first: who may, who was faster, and only then whether the page is stale."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from app.bundles.forms import AnswersRefused
from app.cases import advance, tasks
from app.cases.errors import (
    OpinionRequired,
    OutcomeUnknown,
    ReasonRequired,
    TaskDone,
    TaskNotClaimed,
    TaskTaken,
)
from app.cases.models import tasks as task_rows
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Problem, Stale
from tests.world import Row, World

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}
STALE = 99


def refused(kind: type[Problem], act: Any, *args: Any, **kwargs: Any) -> Problem:
    with pytest.raises(kind) as caught:
        act(*args, **kwargs)
    assert type(caught.value) is kind or kind is Forbidden
    return caught.value


def test_authority_is_asked_before_everything_else(world: World) -> None:
    task = world.dispatched()
    world.complete("cgw1", task, "签收")  # done: still a stranger hears only that it is not theirs

    problem = refused(Forbidden, world.complete, "shenhe1", task, "签收", seen=STALE)

    assert problem.slug == "forbidden-action"
    assert "办理待办" in str(problem.detail)
    assert problem.extra["permission"] == "task:complete"


def test_done_is_answered_before_the_page_is_stale_with_who_and_when(world: World) -> None:
    task = world.dispatched()
    world.complete("cgw1", task, "签收")

    for seen in (None, STALE, 1):
        problem = refused(TaskDone, world.complete, "cgw2", {**task, "revision": seen}, "签收")
        assert problem.extra["who"] == "城管委值班员"
        assert "城管委值班员" in str(problem.detail)
        assert problem.extra["when"].endswith("+08:00")
        assert problem.extra["link"] == f"/api/v1/cases/{task['case_id']}"


def test_taken_is_answered_before_the_page_is_stale_with_who_and_when(world: World) -> None:
    task = world.dispatched()
    world.claim("cgw1", task)

    for act in (
        lambda: world.claim("cgw2", task),
        lambda: world.complete("cgw2", task, "签收", seen=STALE),
        lambda: tasks.unclaim(world.actor("cgw2"), task["id"], "我来办", None),
    ):
        problem = refused(TaskTaken, act)
        assert (problem.extra["who"], problem.slug) == ("城管委值班员", "task-taken")
        assert problem.extra["when"].endswith("+08:00")


def test_a_page_without_or_with_an_old_revision_is_told_the_current_one(world: World) -> None:
    task = world.dispatched()
    claimed = world.claim("cgw1", task).task
    assert claimed is not None
    assert claimed["revision"] == 2
    actor = world.actor("cgw1")

    missing = refused(IfMatchMissing, tasks.complete, actor, task["id"], "签收", {}, None, None)
    stale = refused(Stale, tasks.complete, actor, task["id"], "签收", {}, None, 1)

    assert (missing.status, stale.status) == (428, 412)
    assert missing.headers["ETag"] == stale.headers["ETag"] == '"2"'


def test_content_is_looked_at_last(world: World) -> None:
    task = world.dispatched()

    refused(Stale, world.complete, "cgw1", task, "没有的结论", {"nope": 1}, seen=STALE)
    refused(AnswersRefused, world.complete, "cgw1", task, "签收", {"nope": 1})
    unknown = refused(OutcomeUnknown, world.complete, "cgw1", task, "没有的结论")
    opinion = refused(OpinionRequired, world.complete, "cgw1", task, "退单", {"return_reason": "非职责"})
    refused(OpinionRequired, world.complete, "cgw1", task, "退单", {}, "  ")

    assert unknown.errors[0].pointer == "/outcome"
    assert opinion.errors[0].pointer == "/opinion"
    assert world.row(task_rows, task["id"])["state"] == "open"  # and nobody was made its holder on the way


def test_a_repeated_claim_and_a_claim_after_a_claim_say_the_same(world: World) -> None:
    task = world.dispatched()

    first, second = world.claim("cgw1", task), world.claim("cgw1", task)

    assert (second.task, second.case, second.opened) == (first.task, first.case, first.opened)
    assert world.case(task["case_id"])["revision"] == first.case["revision"]


def test_a_repeated_equal_completion_gets_the_same_answer_whatever_it_has_seen(world: World) -> None:
    task = world.dispatched()
    signed = world.complete("cgw1", task, "签收")
    handle = signed.opened[0]
    typed = {**HANDLED, "result": "  已修好 ", "unsolved_why": ""}  # kept trimmed, the empty one left out
    first = world.complete("cgw1", handle, "报结", typed)

    for answers in (typed, HANDLED, {**HANDLED, "result": "已修好　"}):
        again = tasks.complete(world.actor("cgw1"), handle["id"], "报结", answers, None, None)
        assert (again.task, again.case, again.opened) == (first.task, first.case, first.opened)
    assert len(first.opened) == 1
    assert world.case(task["case_id"])["revision"] == first.case["revision"]


@pytest.mark.parametrize(
    ("by", "outcome", "answers"),
    [
        ("cgw1", "报结", {**HANDLED, "result": "没有修好"}),
        ("cgw1", "报结", {**HANDLED, "nope": 1}),
        ("cgw1", "另一个结论", HANDLED),
        ("cgw2", "报结", HANDLED),
    ],
)
def test_a_second_completion_that_differs_is_too_late(
    world: World, by: str, outcome: str, answers: Row
) -> None:
    handle = world.complete("cgw1", world.dispatched(), "签收").opened[0]
    world.complete("cgw1", handle, "报结", HANDLED)

    refused(TaskDone, world.complete, by, handle, outcome, answers)


def test_whoever_completes_an_open_task_has_claimed_it_in_the_same_step(world: World) -> None:
    task = world.dispatched()

    moved = world.complete("cgw2", task, "签收")

    done = world.row(task_rows, task["id"])
    assert (done["assignee_id"], done["done_by"]) == (world.actor("cgw2").id,) * 2
    assert done["claimed_at"] == done["closed_at"]
    assert moved.case["revision"] == 3  # filed, dispatched, and this one step


def test_giving_back_wants_a_holder_a_fresh_page_and_a_reason_in_this_order(world: World) -> None:
    task, actor = world.dispatched(), world.actor("cgw1")

    refused(TaskNotClaimed, tasks.unclaim, actor, task["id"], "", None)
    world.claim("cgw1", task)
    refused(IfMatchMissing, tasks.unclaim, actor, task["id"], "", None)
    refused(Stale, tasks.unclaim, actor, task["id"], "", 1)
    refused(ReasonRequired, tasks.unclaim, actor, task["id"], "  ", 2)
    tasks.unclaim(actor, task["id"], "请假", 2)

    back = world.row(task_rows, task["id"])
    assert (back["state"], back["assignee_id"], back["claimed_at"]) == ("open", None, None)
    assert [row["id"] for row in world.inbox("cgw2")] == [task["id"]]
    world.complete("cgw2", back, "签收")


def test_a_task_that_does_not_exist_is_not_found(world: World) -> None:
    refused(NotFound, world.claim, "cgw1", {"id": "no-such-task"})


def race(*acts: Any) -> list[Any]:
    """Runs all at once; each result is what it returned or the problem it met."""
    barrier = Barrier(len(acts))

    def run(act: Any) -> Any:
        barrier.wait()
        try:
            return act()
        except Problem as problem:
            return problem

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_two_who_claim_at_once_one_wins_and_the_other_reads_who_and_when(world: World) -> None:
    for _ in range(3):
        task = world.dispatched()

        results = race(partial(world.claim, "cgw1", task), partial(world.claim, "cgw2", task))

        lost = [result for result in results if isinstance(result, Problem)]
        assert [type(one) for one in lost] == [TaskTaken]
        winner = world.row(task_rows, task["id"])["assignee_id"]
        name = {world.actor(who).id: world.actor(who).name for who in ("cgw1", "cgw2")}[winner]
        assert lost[0].extra["who"] == name
        assert lost[0].extra["when"].endswith("+08:00")


def test_of_two_who_complete_at_once_one_wins_and_the_other_reads_who_and_when(world: World) -> None:
    for _ in range(3):
        task = world.dispatched()

        results = race(
            partial(world.complete, "cgw1", task, "签收"), partial(world.complete, "cgw2", task, "签收")
        )

        lost = [result for result in results if isinstance(result, Problem)]
        assert [type(one) for one in lost] == [TaskDone]
        winner = world.row(task_rows, task["id"])["done_by"]
        assert (
            lost[0].extra["who"] == {world.actor(w).id: world.actor(w).name for w in ("cgw1", "cgw2")}[winner]
        )
        assert len(world.rows(task_rows, case_id=task["case_id"], step="handle")) == 1


def test_a_claim_may_name_the_revision_it_saw_and_a_stale_one_is_refused(world: World) -> None:
    task = world.dispatched()

    with pytest.raises(Stale):
        tasks.claim(world.actor("cgw1"), task["id"], seen=99)
    moved = tasks.claim(world.actor("cgw1"), task["id"], seen=task["revision"])

    assert isinstance(moved, advance.Moved)
    assert moved.task is not None
    assert moved.task["state"] == "claimed"
