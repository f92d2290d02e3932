"""What is left of the trouble an incident tells of: what still stands there, and does anything move?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, false, or_, select, text

from app.cases.external.models import external_tasks
from app.cases.incidents.kinds import OF_EXTERNAL
from app.cases.models import cases, tasks, waits
from app.clocks.models import timers
from app.core.db import Session
from app.identity.models import appointments, people


@dataclass(frozen=True)
class Stopped:
    """What is tried no more, a timer, a job or work outside: its ref, and its element (a flag's tier)."""

    ref: str
    element: str
    flag: bool


@dataclass(frozen=True)
class Standing:
    """`case` and `task` are their states, None where the incident names none.

    `task` is open while any of its step is, `staffed` when somebody stands in the pools of each of those.
    `moves` says that a person, a timer, a message or a worker outside can move the case.
    """

    case: str | None
    task: str | None = None
    staffed: bool = False
    stopped: tuple[Stopped, ...] = ()
    moves: bool = True


_STATE = select(cases.c.state).where(cases.c.id == bindparam("case"))
_STEP = select(tasks.c.step).where(tasks.c.id == bindparam("task")).scalar_subquery()
_TASKS = (  # a step of several tells of all its tasks at once
    select(tasks.c.state, tasks.c.pools)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.step == _STEP)
    .order_by(case((tasks.c.id == bindparam("task"), 0), else_=1))
)
_TIER = select(timers.c.tier).where(timers.c.id == bindparam("timer")).scalar_subquery()
ALIKE = and_(  # several timers of one element may have failed alike and share one incident
    timers.c.case_id == bindparam("case"), timers.c.tier == _TIER, timers.c.state == "incident"
)
ALIKE_OUTSIDE = and_(
    external_tasks.c.case_id == bindparam("case"),
    external_tasks.c.element == bindparam("element_of"),
    external_tasks.c.state == "stopped",
)
_STOPPED_OUTSIDE = (
    select(external_tasks.c.ref, external_tasks.c.element).where(ALIKE_OUTSIDE).order_by(external_tasks.c.id)
)
_STOPPED = select(timers.c.key, timers.c.tier, timers.c.kind).where(ALIKE).order_by(timers.c.id)
_MOVES = select(
    or_(
        exists().where(tasks.c.case_id == bindparam("case"), tasks.c.state.in_(("open", "claimed"))),
        exists().where(
            timers.c.case_id == bindparam("case"),
            timers.c.kind == "token",
            timers.c.state.in_(("armed", "claimed")),
        ),
        exists().where(waits.c.case_id == bindparam("case")),
        exists().where(external_tasks.c.case_id == bindparam("case"), text("external_tasks.state = 'open'")),
    )
)


def look(session: Session, incident: Mapping[str, Any], now: datetime) -> Standing:
    """As it is now; certain while the case is locked."""
    which = {"case": incident["case_id"], "task": incident["task_id"], "timer": incident["timer_id"]}
    if incident["case_id"] is None:
        return Standing(None)
    alike = session.execute(_TASKS, which).all() if incident["task_id"] else []
    still = [task for task in alike if task.state == "open"]
    task = next(iter(still or alike), None)
    stopped: tuple[Stopped, ...] = ()
    if incident["timer_id"]:
        timed = session.execute(_STOPPED, which)
        stopped = tuple(Stopped(row.key, row.tier, row.kind == "flag") for row in timed)
    elif incident["kind"] == OF_EXTERNAL:
        outside = session.execute(_STOPPED_OUTSIDE, {**which, "element_of": incident["element"]})
        stopped = tuple(Stopped(row.ref, row.element, False) for row in outside)
    return Standing(
        session.scalar(_STATE, which),
        task.state if task is not None else None,
        bool(still) and all(_staffed(session, task.pools, now) for task in still),
        stopped,
        bool(session.scalar(_MOVES, which)),
    )


def _staffed(session: Session, pools: list[str], now: datetime) -> bool:
    found = select(people.c.id).where(people.c.state == "active", or_(false(), *map(_stands_in, pools)))
    return session.execute(found.limit(1), {"now": now}).first() is not None


def _stands_in(pool: str) -> ColumnElement[bool]:
    if pool.startswith("person:"):
        return people.c.id == pool.removeprefix("person:")
    role, _, path = pool.partition("@")
    return exists().where(
        appointments.c.person_id == people.c.id,
        appointments.c.role == role,
        appointments.c.unit_path == path,
        or_(appointments.c.valid_from.is_(None), appointments.c.valid_from <= bindparam("now")),
        or_(appointments.c.valid_to.is_(None), appointments.c.valid_to > bindparam("now")),
    )
