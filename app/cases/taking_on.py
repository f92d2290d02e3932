"""接单: which unit took a case on, told by who finished a step of several."""

from typing import Any

from sqlalchemy import bindparam, select

from app.cases import assign
from app.cases.handlers import Context, handler
from app.cases.models import tasks
from app.cases.motion import Motion
from app.engine.errors import HandlerFailed
from app.identity import org

_LAST_DONE = (
    select(tasks.c.pools)
    .where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.step.in_(bindparam("steps", expanding=True)),
        tasks.c.state == "done",
        tasks.c.part.is_(None),
    )
    .order_by(tasks.c.closed_at.desc(), tasks.c.id.desc())
    .limit(1)
)


@handler(
    "cases.takenBy",
    "由哪个单位接单：steps 里的环节（几个用逗号分开）最后办完的那一件待办所在的单位",
    needs=("steps",),
    gives=("unit",),
)
def taken_by(context: Context) -> dict[str, Any]:
    """The unit in whose pool the task lay. Raises HandlerFailed where no such task was done by a unit."""
    motion = context.motion
    steps = [step.strip() for step in str(context.params["steps"]).split(",")]
    paths = [assign.unit_path(name) for name in _pools(motion, steps)]
    unit = org.unit_at(motion.session, paths[0]) if paths and paths[0] else None
    if unit is None:
        raise HandlerFailed(f"（“{'、'.join(steps)}”还没有哪个单位办过）")
    return {"unit": unit.code}


def _pools(motion: Motion, steps: list[str]) -> list[str]:
    """Of the task that this very act finished, else of the one finished last."""
    for task in motion.tasks.values():
        if task["step"] in steps and task["state"] == "done" and task["closed_at"] == motion.now:
            return list(task["pools"])
    found = motion.session.scalar(_LAST_DONE, {"case": motion.case["id"], "steps": steps})
    return list(found or ())
