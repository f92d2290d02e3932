"""异常 as people meet them: a page, a retry that repeats nothing of what a person did, the shape shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.errors import IncidentResolved
from app.cases.models import cases, incidents
from app.cases.verbs import guard
from app.clocks.models import timers
from app.core import clock, events
from app.core.db import Session, reading
from app.core.events import Event
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.permissions import INCIDENT_READ, INCIDENT_RETRY
from app.identity.scopes import case_scope, hidden, require

Row = dict[str, Any]

_OF_TIMER = select(timers.c.tier).where(timers.c.id == bindparam("timer")).scalar_subquery()
_REARM = (  # every timer of that element: several may have failed alike and share one incident
    update(timers)
    .where(timers.c.case_id == bindparam("case"), timers.c.tier == _OF_TIMER, timers.c.state == "incident")
    .values(state="armed", attempts=0, deaths=0, begun=False, lease_by=None, lease_until=None)
)


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
