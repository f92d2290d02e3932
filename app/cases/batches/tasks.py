"""What can be done with many tasks at once, and how it is asked of one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.cases.advance import Moved, advance
from app.cases.batches.service import Asked, Item, Over
from app.cases.commands import Claim, Complete, Copy, TaskCommand, Transfer, Unclaim, Urge
from app.cases.commands.stack import Escalate
from app.identity.actor import Actor

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
NEEDS: Mapping[str, Sequence[str]] = {
    "unclaim": ("reason",),
    "complete": ("outcome",),
    "transfer": ("to", "reason"),
    "escalate": ("reason",),
    "urge": ("reason",),
    "cc": ("people",),
}
"""What must be said beside the tasks."""


def over(actor: Actor, asked: Asked) -> Over:
    """A batch of tasks; together they are one act, whose answer tells of all of them."""
    make = VERBS[asked["verb"]]
    return Over(
        "task",
        {"revision": None},
        one=lambda item, request: advance(make(asked, item), actor, request),
        all=lambda items, request: advance([make(asked, item) for item in items], actor, request),
        done=lambda moved: told(_task(moved)),
    )


def told(task: Mapping[str, Any]) -> dict[str, Any]:
    """One of them was done."""
    return {"task": task["id"], "status": 200, "revision": task["revision"], "problem": None}


def _task(moved: Moved) -> Mapping[str, Any]:
    assert moved.task is not None
    return moved.task
