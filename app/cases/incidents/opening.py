"""What opens an 异常: whatever stops is visible, one line a cause, and what was typed is kept."""

import hashlib
import traceback
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app.cases.commands import Command, Complete
from app.cases.models import cases, incidents, tasks
from app.cases.secrets.taking import seal_draft
from app.clocks.models import timers
from app.core import clock, events
from app.core.db import Session, transaction
from app.core.events import Event
from app.core.ids import new_id
from app.engine.errors import EngineError
from app.engine.picture import Wait
from app.identity import org
from app.identity.actor import Actor

Row = dict[str, Any]

_CASE = select(cases.c.id, cases.c.process_key, cases.c.org_path).where(cases.c.id == bindparam("case"))
_CASE_OF_TASK = (
    select(cases.c.id, cases.c.process_key, cases.c.org_path)
    .join(tasks, tasks.c.case_id == cases.c.id)
    .where(tasks.c.id == bindparam("task"))
)


def _tier(timer: Any) -> Any:
    return select(timers.c.tier).where(timers.c.id == timer).scalar_subquery()


_SAME = select(incidents).where(  # two timers that fail at the same place are two things to be tried again
    incidents.c.case_id.is_not_distinct_from(bindparam("case")),
    incidents.c.process_key == bindparam("process"),
    incidents.c.kind == bindparam("kind"),
    incidents.c.stack_hash == bindparam("stack"),
    incidents.c.state == "open",
    _tier(incidents.c.timer_id).is_not_distinct_from(_tier(bindparam("timer"))),
)


class PoolEmpty(Exception):
    """A step opened and nobody holds its role where it belongs."""

    def __init__(self, task: Row) -> None:
        super().__init__(task["step"])
        self.element = task["step"]
        where = "、".join(task["pools"]) or "无处可派"
        self.message = (
            f"“{task['name']}”的待办池没有人，已转到上级单位（{where}）。请任命人员，再把事情转交。"
        )


class NoWayForward(Exception):
    """A case rests where no task is open and no timer runs."""

    def __init__(self, awaited: tuple[Wait, ...]) -> None:
        names = [wait.name or wait.element for wait in awaited]
        super().__init__(*names)
        self.element = awaited[0].element if len(awaited) == 1 else None
        self.message = f"办件停在“{'、'.join(names)}”，没有待办，也没有定时，不会自己往下走。请检查流程图。"


@dataclass(frozen=True)
class Where:
    """What stopped: a case (or a filing that never became one), and the task or timer that was at work."""

    process_key: str
    org_path: str
    case_id: str | None = None
    task_id: str | None = None
    timer_id: str | None = None


def keep_draft_and_open(command: Command, actor: Actor, error: Exception) -> str:
    """Keeps what the person typed as the task's draft and opens an incident; returns its number."""
    task_id: str | None = getattr(command, "task_id", None)
    with transaction() as session:
        if task_id is not None:
            case = session.execute(_CASE_OF_TASK, {"task": task_id}).one()
        else:
            case = session.execute(_CASE, {"case": getattr(command, "case_id", None)}).one()
        if isinstance(command, Complete):
            draft = {
                "outcome": command.outcome,
                "answers": dict(command.answers),
                "opinion": command.opinion,
                "by": actor.id,
            }
            sealed = seal_draft(session, case.id, command.task_id, draft)
            session.execute(update(tasks).where(tasks.c.id == command.task_id).values(draft=sealed))
        where = Where(case.process_key, case.org_path, case.id, task_id=task_id)
        return open_incident(session, "process-stopped", where, error, actor)


def open_for_filing(process_key: str, org_path: str, actor: Actor, error: Exception) -> str:
    """An incident of a filing that failed: there is no case, the filer's unit says who may see it."""
    with transaction() as session:
        return open_incident(session, "filing-stopped", Where(process_key, org_path), error, actor)


def open_incident(
    session: Session, kind: str, where: Where, error: Exception, actor: Actor, times: int = 1
) -> str:
    """One line per case, kind and stack, with a count; its text never holds what a person typed."""
    now = clock.now(session)
    stack = stack_hash(error)
    same = (
        session.execute(
            _SAME,
            {
                "case": where.case_id,
                "process": where.process_key,
                "kind": kind,
                "stack": stack,
                "timer": where.timer_id,
            },
        )
        .mappings()
        .first()
    )
    if same is not None:
        session.execute(
            update(incidents)
            .where(incidents.c.id == same["id"])
            .values(count=same["count"] + times, last_at=now, revision=same["revision"] + 1)
        )
        return str(same["number"])
    key = new_id()
    number = "YC" + key.replace("-", "")[-10:].upper()
    session.execute(
        insert(incidents),
        {
            "id": key,
            "number": number,
            "case_id": where.case_id,
            "process_key": where.process_key,
            "org_path": org.bare(where.org_path),
            "kind": kind,
            "element": getattr(error, "element", None),
            "error": type(error).__name__,
            "stack_hash": stack,
            "explanation": explain(error),
            "task_id": where.task_id,
            "timer_id": where.timer_id,
            "count": times,
            "first_at": now,
            "last_at": now,
            "state": "open",
            "revision": 1,
        },
    )
    told = Event("incident.opened", where.case_id or "", now, actor.id, {"number": number, "kind": kind})
    events.publish(session, [told])
    return number


def explain(error: Exception) -> str:
    """The Chinese sentence of an engine error; of any other only its class."""
    if isinstance(error, EngineError | NoWayForward | PoolEmpty):
        return error.message
    words = type(error).__doc__
    if words and type(error).__module__.startswith("app."):
        return " ".join(words.split())
    return f"程序出错（{type(error).__name__}），请联系运维人员查看日志。"


def stack_hash(error: Exception) -> str:
    """The same for the same element and place in the code, whatever the values were."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.name}" for frame in frames]
    what = f"{type(error).__name__}:{getattr(error, 'element', None)}"
    return hashlib.sha256("|".join([what, *places]).encode()).hexdigest()
