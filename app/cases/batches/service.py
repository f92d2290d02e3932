"""One verb on many tasks: each for itself, with an answer of its own, or all or none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from app.cases.advance import Moved, advance
from app.cases.commands import Claim, Complete, Copy, TaskCommand, Transfer, Unclaim, Urge
from app.cases.commands.stack import Escalate
from app.core import once
from app.core.db import reading
from app.core.errors import Conflict, FieldError, Problem
from app.core.once import IdempotencyInFlight, IdempotencyKeyReused, Once, Stored
from app.identity.actor import Actor

MOST = 500

Asked = Mapping[str, Any]
Item = Mapping[str, Any]

VERBS: Mapping[str, Callable[[Asked, Item], TaskCommand]] = {
    "claim": lambda asked, item: Claim(item["task"], item["revision"]),
    "unclaim": lambda asked, item: Unclaim(item["task"], asked["reason"], item["revision"]),
    "complete": lambda asked, item: Complete(
        item["task"],
        asked["outcome"],
        asked["answers"],
        asked["opinion"],
        item["revision"],
        tuple(asked["confirm"]),
    ),
    "transfer": lambda asked, item: Transfer(item["task"], asked["to"], asked["reason"], item["revision"]),
    "escalate": lambda asked, item: Escalate(item["task"], asked["reason"], item["revision"]),
    "urge": lambda asked, item: Urge(item["task"], asked["reason"]),
    "cc": lambda asked, item: Copy(item["task"], tuple(asked["people"]), asked["reason"]),
}
"""What can be done with many tasks at once, and how it is asked of one."""
NEEDS: Mapping[str, Sequence[str]] = {
    "unclaim": ("reason",),
    "complete": ("outcome",),
    "transfer": ("to", "reason"),
    "escalate": ("reason",),
    "urge": ("reason",),
    "cc": ("people",),
}
"""What must be said beside the tasks."""


class BatchRefused(Conflict):
    """有一件不能这样办，全部没有办。"""


def each(actor: Actor, asked: Asked, request: Once) -> list[dict[str, Any]]:
    """Every task for itself, in the order asked: what came of it.

    Nothing for a request that was answered before: its answer is kept. Raises IdempotencyKeyReused.
    """
    with reading() as session:
        if not request.dry and once.look_up(session, request) is not None:
            return []
    return [_one(actor, asked, item, _part(request, i)) for i, item in enumerate(asked["items"])]


def together(actor: Actor, asked: Asked, request: Once) -> Moved | Stored:
    """All or none, in one transaction. Raises BatchRefused, which names the task that stood in the way."""
    make = VERBS[asked["verb"]]
    try:
        return advance([make(asked, item) for item in asked["items"]], actor, request)
    except Problem as problem:
        task = getattr(getattr(problem, "about", None), "task_id", None)
        places = [i for i, item in enumerate(asked["items"]) if item["task"] == task]
        where = [FieldError(f"/items/{i}", problem.slug, problem.detail or problem.title) for i in places]
        said = problem.detail or problem.title
        raise BatchRefused(said, errors=where, failed=refusal(task, problem)) from problem


def refusal(task: str | None, problem: Problem) -> dict[str, Any]:
    """Why one of them was not done."""
    return {
        "task": task,
        "status": problem.status,
        "revision": None,
        "problem": {
            "type": f"/problems/{problem.slug}",
            "title": problem.title,
            "detail": problem.detail,
            "errors": [
                {"pointer": error.pointer, "code": error.code, "message": error.message}
                for error in problem.errors
            ],
        },
    }


def done(task: str, revision: int) -> dict[str, Any]:
    """One of them was done."""
    return {"task": task, "status": 200, "revision": revision, "problem": None}


def _one(actor: Actor, asked: Asked, item: Item, request: Once) -> dict[str, Any]:
    try:
        moved = advance(VERBS[asked["verb"]](asked, item), actor, request)
    except (IdempotencyInFlight, IdempotencyKeyReused):
        raise  # the same request is at work
    except Problem as problem:  # the others are not to suffer from it
        return refusal(item["task"], problem)
    if isinstance(moved, Stored):
        told: dict[str, Any] = orjson.loads(moved.body)
        return told
    assert moved.task is not None
    return done(moved.task["id"], moved.task["revision"])


def _part(request: Once, i: int) -> Once:
    """The identity of one item of a request: a retry goes on where the first one stopped."""

    def render(moved: Moved) -> Stored:
        assert moved.task is not None
        told = orjson.dumps(done(moved.task["id"], moved.task["revision"]))
        return Stored(200, {"Content-Type": "application/json"}, told)

    return replace(request, route=f"{request.route}#{i}", render=render)
