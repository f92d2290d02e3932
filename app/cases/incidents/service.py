"""异常 as people meet them: a list, its causes, one whole, and what they do about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update

from app.bundles import Bundle, store
from app.cases.advance import advance
from app.cases.commands.beside import TreatIncident
from app.cases.incidents import opening, rows, shown, treating
from app.cases.incidents.errors import IncidentStands
from app.cases.incidents.kinds import ACTS, RESOLVE
from app.cases.incidents.standing import look
from app.cases.incidents.ways import ways
from app.cases.models import incident_log, incidents
from app.core import clock, events, once
from app.core.db import Session, reading
from app.core.events import Event
from app.core.ids import new_id
from app.core.once import Once, Stored
from app.engine.errors import EngineError
from app.identity.actor import Actor
from app.identity.permissions import INCIDENT_READ, INCIDENT_RETRY
from app.identity.scopes import case_scope, hidden, require

Row = dict[str, Any]

MOST_CAUSES = 200

_CAUSE = (
    incidents.c.process_key,
    incidents.c.kind,
    incidents.c.element,
    incidents.c.error,
    incidents.c.stack_hash,
)


def page(actor: Actor, asked: Mapping[str, Any], limit: int, after: str | None) -> list[Row]:
    """Incidents in the actor's scope, newest first, at most `limit + 1`; `asked` as IncidentQuery says."""
    require(actor, INCIDENT_READ)
    statement = _meant(rows.ROWS, actor, asked).order_by(incidents.c.id.desc()).limit(limit + 1)
    if after is not None:
        statement = statement.where(incidents.c.id < after)
    with reading() as session:
        return [dict(row) for row in session.execute(statement).mappings()]


def causes(actor: Actor, asked: Mapping[str, Any]) -> list[Row]:
    """The same grouped by what caused them, the one that struck last first."""
    require(actor, INCIDENT_READ)
    statement = select(
        *_CAUSE,
        func.max(incidents.c.explanation).label("explanation"),
        func.count().label("lines"),
        func.sum(incidents.c.count).label("times"),
        func.count(incidents.c.case_id.distinct()).label("cases"),
        func.min(incidents.c.first_at).label("first_at"),
        func.max(incidents.c.last_at).label("last_at"),
    )
    statement = _meant(statement, actor, asked).group_by(*_CAUSE)
    newest = func.max(incidents.c.last_at).desc(), incidents.c.stack_hash
    with reading() as session:
        found = session.execute(statement.order_by(*newest).limit(MOST_CAUSES)).mappings()
        return [dict(row) for row in found]


def _meant(statement: Select[Any], actor: Actor, asked: Mapping[str, Any]) -> Select[Any]:
    who = {"me": actor.id, "none": None}.get(asked.get("assignee") or "", asked.get("assignee"))
    columns = {
        "state": incidents.c.state,
        "kind": incidents.c.kind,
        "process": incidents.c.process_key,
        "case": incidents.c.case_id,
        "cause": incidents.c.stack_hash,
    }
    for name, column in columns.items():
        if asked.get(name) is not None:
            statement = statement.where(column == asked[name])
    if asked.get("assignee") is not None:
        statement = statement.where(incidents.c.assignee_id.is_not_distinct_from(who))
    return statement.where(case_scope(actor, INCIDENT_READ, incidents.c.org_path, incidents.c.case_id))


def one(actor: Actor, incident_id: str) -> dict[str, Any]:
    """An incident whole: what it means, what may be done now, what was done. Raises NotFound."""
    with reading() as session:
        row = visible(session, actor, incident_id)
        bundle = _bundle(session, row)
        standing = look(session, row, clock.now(session))
        history = rows.history(session, incident_id)
    open_ = ways(row, standing, bundle) if row["state"] == "open" else {}
    return shown.whole(row, bundle, history, open_)


def visible(session: Session, actor: Actor, incident_id: str) -> Row:
    """Loading and being allowed are one act. Raises NotFound out of scope."""
    require(actor, INCIDENT_READ, subject=incident_id)
    seen = case_scope(actor, INCIDENT_READ, incidents.c.org_path, incidents.c.case_id)
    row = session.execute(rows.ROWS.where(incidents.c.id == incident_id, seen)).mappings().one_or_none()
    if row is None:
        raise hidden(actor, incident_id)
    return dict(row)


def _bundle(session: Session, row: Row) -> Bundle | None:
    """The case's version, without a case the one that new cases start with; None when it cannot be read."""
    which = row["version_id"] or store.latest(session, row["process_key"])
    try:
        bundle = store.version(session, which or "")
        return bundle if bundle.engine else None
    except (store.VersionMissing, store.VersionUnusable, EngineError):  # it may be just what stopped
        return None


def treat(
    actor: Actor, incident_id: str, act: str, said: str = "", request: Once | None = None, **more: Any
) -> Row | Stored:
    """One act of kinds.ACTS: the incident's row, or what was stored for the request (rendered from the row).

    Everything is kept or nothing. Raises IncidentResolved, IncidentActRefused, IncidentStands, NotFound,
    PermissionMissing, Stale, ReasonRequired, CaseBusy.
    """
    with reading() as session:
        row = visible(session, actor, incident_id)
        bundle = _bundle(session, row)
    require(actor, INCIDENT_RETRY, row["org_path"], incident_id)
    command = TreatIncident(row["case_id"], incident_id, act, said, **more)
    if row["case_id"] is None or bundle is None:
        return _alone(actor, command, bundle, request)
    try:
        moved = advance(command, actor, request)
    except EngineError as error:
        raise IncidentStands(opening.explain(error)) from error
    if isinstance(moved, Stored):
        return moved
    assert moved.made is not None
    return moved.made


def _alone(actor: Actor, command: TreatIncident, bundle: Bundle | None, request: Once | None) -> Row | Stored:
    """On what belongs to no case, or to one that cannot be loaded: that stands as it is."""

    def act(session: Session) -> tuple[Row, datetime]:
        now = clock.now(session)
        incident, _ = treating.taken_up(session, actor, command, now, bundle)
        told = treating.keep(session, actor, command, incident, now)
        row = rows.by_id(session, command.incident_id)
        heard = Event(ACTS[command.act], command.case_id or "", now, actor.id, told)
        events.publish(session, [heard])
        return row, now

    return once.answered(request, act)


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
        done = {"state": "resolved", "resolved_by": actor.id, "resolved_at": now, "note": reason}
        change = update(incidents).where(incidents.c.id == row.id)
        session.execute(change.values(**done, revision=row.revision + 1))
        line = {"id": new_id(), "incident_id": row.id, "at": now, "actor_id": actor.id, "act": RESOLVE}
        session.execute(incident_log.insert(), {**line, "text": reason})
        told = Event(ACTS[RESOLVE], case_id or "", now, actor.id, {"number": row.number})
        events.publish(session, [told])
