"""异常: whatever stops is visible, and a retry repeats nothing of what a person did."""

import hashlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.commands import Command, Complete
from app.cases.errors import IncidentResolved
from app.cases.models import cases, incidents, tasks
from app.cases.secrets.taking import seal_draft
from app.cases.verbs import guard
from app.clocks.models import timers
from app.core import clock, events
from app.core.db import Session, reading, transaction
from app.core.events import Event
from app.core.http.fields import out
from app.core.ids import new_id
from app.engine.errors import EngineError
from app.identity.actor import Actor
from app.identity.permissions import INCIDENT_READ, INCIDENT_RETRY
from app.identity.scopes import case_scope, hidden, require

Row = dict[str, Any]

_CASE = select(cases.c.id, cases.c.process_key, cases.c.org_path).where(cases.c.id == bindparam("case"))
_CASE_OF_TASK = (
    select(cases.c.id, cases.c.process_key, cases.c.org_path)
    .join(tasks, tasks.c.case_id == cases.c.id)
    .where(tasks.c.id == bindparam("task"))
)
_SAME = select(incidents).where(
    incidents.c.case_id.is_not_distinct_from(bindparam("case")),
    incidents.c.process_key == bindparam("process"),
    incidents.c.kind == bindparam("kind"),
    incidents.c.stack_hash == bindparam("stack"),
    incidents.c.state == "open",
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


_OF_TIMER = select(timers.c.tier).where(timers.c.id == bindparam("timer")).scalar_subquery()
_REARM = (  # every timer of that element: several may have failed alike and share one incident
    update(timers)
    .where(timers.c.case_id == bindparam("case"), timers.c.tier == _OF_TIMER, timers.c.state == "incident")
    .values(state="armed", attempts=0, deaths=0, begun=False, lease_by=None, lease_until=None)
)


class NoWayForward(Exception):
    """A case rests where no task is open and no timer runs."""

    def __init__(self, awaited: tuple[str, ...]) -> None:
        super().__init__(*awaited)
        self.message = f"办件停在“{'、'.join(awaited)}”，没有待办，也没有定时，不会自己往下走。请检查流程图。"


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


def open_incident(session: Session, kind: str, where: Where, error: Exception, actor: Actor) -> str:
    """One line per case, kind and stack, with a count; its text never holds what a person typed."""
    now = clock.now(session)
    stack = stack_hash(error)
    same = (
        session.execute(
            _SAME, {"case": where.case_id, "process": where.process_key, "kind": kind, "stack": stack}
        )
        .mappings()
        .first()
    )
    if same is not None:
        session.execute(
            update(incidents)
            .where(incidents.c.id == same["id"])
            .values(count=same["count"] + 1, last_at=now, revision=same["revision"] + 1)
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
            "org_path": where.org_path,
            "kind": kind,
            "element": getattr(error, "element", None),
            "error": type(error).__name__,
            "stack_hash": stack,
            "explanation": explain(error),
            "task_id": where.task_id,
            "timer_id": where.timer_id,
            "count": 1,
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


def page(actor: Actor, state: str, limit: int, after: str | None) -> list[Row]:
    """Incidents of cases in the actor's scope, newest first; `after` is the last id of the page before."""
    require(actor, INCIDENT_READ)
    with reading() as session:
        statement = (
            select(incidents, cases.c.number.label("case_number"), cases.c.title.label("case_title"))
            .outerjoin(cases, cases.c.id == incidents.c.case_id)
            .where(
                incidents.c.state == state,
                case_scope(actor, INCIDENT_READ, incidents.c.org_path, incidents.c.case_id),
            )
            .order_by(incidents.c.id.desc())
            .limit(limit + 1)
        )
        if after is not None:
            statement = statement.where(incidents.c.id < after)
        return [dict(row) for row in session.execute(statement).mappings()]


def retry(session: Session, actor: Actor, incident_id: str, reason: str) -> Row:
    """Lets the case try again: a failed timer is due at once; a person finds the form with the draft.

    Other rooms hear `incident.retried` and let go on what stopped there.
    """
    reason = guard.noted(reason, "重试的原因")
    incident = _visible(session, actor, incident_id)
    require(actor, INCIDENT_RETRY, incident["org_path"], incident_id)
    now = clock.now(session)
    resolved = {
        "state": "resolved",
        "resolved_by": actor.id,
        "resolved_at": now,
        "note": reason,
        "revision": incident["revision"] + 1,
    }
    still_open = (incidents.c.id == incident_id) & (incidents.c.state == "open")
    if not session.execute(update(incidents).where(still_open).values(resolved)).rowcount:
        raise IncidentResolved
    if incident["timer_id"] is not None:
        session.execute(_REARM, {"case": incident["case_id"], "timer": incident["timer_id"]})
    told = {"number": incident["number"]}
    kept = {**told, "kind": incident["kind"], "case": incident["case_id"]}
    streams.append(session, Entry(streams.ADMIN, "incident.retried", actor.id, incident_id, kept, now))
    about = {**told, "kind": incident["kind"], "element": incident["element"], "at": incident["org_path"]}
    case_id = incident["case_id"] or ""
    retried = Event("incident.retried", case_id, now, actor.id, about)
    events.publish(session, [retried, Event("incident.resolved", case_id, now, actor.id, told)])
    return {**incident, **resolved}


_OPEN_ALIKE = select(incidents.c.id, incidents.c.number, incidents.c.revision).where(
    incidents.c.kind.in_(bindparam("kinds", expanding=True)),
    incidents.c.case_id.is_not_distinct_from(bindparam("case")),
    incidents.c.element == bindparam("element"),
    incidents.c.state == "open",
)


def put_right(
    session: Session, actor: Actor, kinds: Sequence[str], case_id: str | None, element: str, reason: str
) -> None:
    """Resolves what somebody put right at another door, so that no incident tells of what is over."""
    now = clock.now(session)
    which = {"kinds": list(kinds), "case": case_id, "element": element}
    for row in session.execute(_OPEN_ALIKE, which).all():
        session.execute(
            update(incidents)
            .where(incidents.c.id == row.id)
            .values(
                state="resolved",
                resolved_by=actor.id,
                resolved_at=now,
                note=reason,
                revision=row.revision + 1,
            )
        )
        told = Event("incident.resolved", case_id or "", now, actor.id, {"number": row.number})
        events.publish(session, [told])


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    """An incident as it leaves the house."""
    return {
        "id": row["id"],
        "number": row["number"],
        "kind": row["kind"],
        "case": row["case_id"],
        "caseNumber": row["case_number"],
        "process": row["process_key"],
        "element": row["element"],
        "explanation": row["explanation"],
        "task": row["task_id"],
        "count": row["count"],
        "firstAt": out(row["first_at"]),
        "lastAt": out(row["last_at"]),
        "state": row["state"],
        "note": row["note"],
        "revision": row["revision"],
    }


def _visible(session: Session, actor: Actor, incident_id: str) -> Row:
    require(actor, INCIDENT_READ, subject=incident_id)
    row: Mapping[Any, Any] | None = (
        session.execute(
            select(incidents, cases.c.number.label("case_number"), cases.c.title.label("case_title"))
            .outerjoin(cases, cases.c.id == incidents.c.case_id)
            .where(
                incidents.c.id == incident_id,
                case_scope(actor, INCIDENT_READ, incidents.c.org_path, incidents.c.case_id),
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise hidden(actor, incident_id)
    return dict(row)
