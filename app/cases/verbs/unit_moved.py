"""A unit that a case names by its path has moved: its tasks lie in the same pools, at their new place."""

from sqlalchemy import bindparam, select

from app.cases.commands.beside import UnitMoved
from app.cases.models import tasks
from app.cases.motion import Motion
from app.cases.sync import lay_out, take_away

_ALL = select(tasks).where(tasks.c.case_id == bindparam("case")).order_by(tasks.c.id)


def unit_moved(motion: Motion, command: UnitMoved) -> None:
    """Done tasks follow too: lanes ask them who had a step, and where."""
    for row in motion.session.execute(_ALL, {"case": motion.case["id"]}).mappings():
        motion.tasks.setdefault(row["id"], dict(row))
    for task in motion.tasks.values():
        pools = [_moved(pool, command) for pool in task["pools"]]
        if pools == task["pools"]:
            continue
        open_ = task["state"] in ("open", "claimed")
        motion.change_task(task, pools=pools, revision=task["revision"] + open_)
        if open_:
            take_away(motion, task)
            lay_out(motion, task)
    motion.tell("case.unit_moved", called=command.called, was=command.old, to=command.new)


def _moved(pool: str, command: UnitMoved) -> str:
    role, at, path = pool.partition("@")
    under = at and (path == command.old or path.startswith(f"{command.old}/"))
    return f"{role}@{command.new}{path.removeprefix(command.old)}" if under else pool
