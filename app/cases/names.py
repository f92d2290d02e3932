"""In whose name somebody acts on a task: the own one, or that of somebody whom he represents (代理)."""

from collections.abc import Mapping
from typing import Any

from app.identity.actor import Actor, Standing
from app.identity.permissions import TASK_COMPLETE

Row = Mapping[str, Any]


def standing(actor: Actor, task: Row, process: str) -> Standing | None:
    """By which substitution; None where it is one's own task, or nobody's whom one represents.

    A task on somebody's desk, or done by him, is his. One in a pool is one's own where one stands in it.
    """
    able = [each for each in actor.stands_for if each.covers(process) and each.actor.holds(TASK_COMPLETE)]
    if not able:
        return None
    holder = task["assignee_id"] or task["done_by"]
    for each in able:
        if holder == each.actor.id:
            return each
    if holder == actor.id or stands_in(actor, task):
        return None
    return next((each for each in able if stands_in(each.actor, task)), None)


def stands_in(actor: Actor, task: Row) -> bool:
    """Whether somebody finds the task in one of his pools, or it is meant for him by name."""
    mine = actor.pools | {f"person:{actor.id}"}
    return any(pool in mine for pool in task["pools"])
