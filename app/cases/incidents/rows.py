"""Incidents as rows, with the names that people read: the queries of the room."""

from typing import Any

from sqlalchemy import bindparam, select

from app.cases.models import cases, incident_log, incidents
from app.core.db import Session
from app.identity.models import people

Row = dict[str, Any]

ROWS = select(
    incidents, cases.c.number.label("case_number"), cases.c.version_id, people.c.name.label("assignee_name")
).select_from(
    incidents.outerjoin(cases, cases.c.id == incidents.c.case_id).outerjoin(
        people, people.c.id == incidents.c.assignee_id
    )
)
_ONE = ROWS.where(incidents.c.id == bindparam("which"))
_ACTOR, _TO = people.alias("actor"), people.alias("receiver")
_HISTORY = (
    select(incident_log, _ACTOR.c.name.label("actor_name"), _TO.c.name.label("to_name"))
    .outerjoin(_ACTOR, _ACTOR.c.id == incident_log.c.actor_id)
    .outerjoin(_TO, _TO.c.id == incident_log.c.to_id)
    .where(incident_log.c.incident_id == bindparam("which"))
    .order_by(incident_log.c.id)
)


def by_id(session: Session, incident_id: str) -> Row:
    """One that is known to be there; nobody's scope is asked."""
    return dict(session.execute(_ONE, {"which": incident_id}).mappings().one())


def history(session: Session, incident_id: str) -> list[Row]:
    """What people did with it, from the first act to the last."""
    return [dict(row) for row in session.execute(_HISTORY, {"which": incident_id}).mappings()]
