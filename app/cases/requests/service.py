"""Requests, as sentences: ask, and the lists of what was asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, false, or_, select, true

from app.cases import viewing
from app.cases.advance import Moved, advance
from app.cases.commands.asking import Ask, Include
from app.cases.models import cases
from app.cases.motion import Row
from app.cases.requests.errors import RequestOfOthers
from app.cases.requests.kinds import KINDS, KindUnknown
from app.cases.requests.models import case_requests
from app.core import events
from app.core.db import reading
from app.core.errors import FieldError, NotFound
from app.core.http.fields import out
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.models import people, units
from app.identity.permissions import CASE_READ
from app.identity.scopes import require, unit_scope

_parent, _child = cases.alias("parent"), cases.alias("child")
_asked_by, _decided_by = people.alias("asked_by"), people.alias("decided_by")

_ROWS = (
    select(
        case_requests,
        _parent.c.number.label("parent_number"),
        _parent.c.title.label("parent_title"),
        _child.c.number.label("number"),
        _child.c.status.label("status"),
        units.c.name.label("unit_name"),
        _asked_by.c.name.label("asked_by_name"),
        _decided_by.c.name.label("decided_by_name"),
    )
    .select_from(case_requests)
    .join(_parent, _parent.c.id == case_requests.c.parent_id)
    .join(_child, _child.c.id == case_requests.c.id)
    .outerjoin(units, units.c.code == case_requests.c.unit)
    .outerjoin(_asked_by, _asked_by.c.id == case_requests.c.asked_by)
    .outerjoin(_decided_by, _decided_by.c.id == case_requests.c.decided_by)
)
_OF_CASE = _ROWS.where(case_requests.c.parent_id == bindparam("parent")).order_by(case_requests.c.id)


def ask(
    actor: Actor, task_id: str, kind: str, answers: Mapping[str, Any], request: Once | None = None
) -> Moved | Stored:
    """申请. Raises KindUnknown, RequestPending, RequestOverdue, ExtensionRefused, VerbForbidden …"""
    if kind not in KINDS:
        names = "、".join(f"{key}（{each.called}）" for key, each in KINDS.items())
        raise KindUnknown(errors=[FieldError("/kind", "kind-unknown", f"可选：{names}。")])
    return advance(Ask(task_id, kind, answers), actor, request)


def include(
    actor: Actor, case_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """恢复计入. Raises NotExcluded, PermissionMissing, Stale …"""
    return advance(Include(case_id, reason, seen), actor, request)


def of_case(actor: Actor, case_id: str) -> list[dict[str, Any]]:
    """What was asked of a case, oldest first, for everybody who sees the case."""
    with reading() as session:
        viewing.visible(session, actor, case_id)
        return [view(dict(row)) for row in session.execute(_OF_CASE, {"parent": case_id}).mappings()]


def one(actor: Actor, request_id: str) -> dict[str, Any]:
    """A request. Raises RequestOfOthers for one of a unit that is neither the actor's nor below it."""
    require(actor, CASE_READ, subject=request_id)
    with reading() as session:
        which = _ROWS.add_columns(_may_see(actor).label("seen")).where(case_requests.c.id == request_id)
        row = session.execute(which).mappings().one_or_none()
    if row is None:
        raise NotFound
    if not row["seen"]:
        events.security("forbidden", actor.id, request_id, {"permission": CASE_READ})
        raise RequestOfOthers(permission=CASE_READ)
    return view(dict(row))


def page(actor: Actor, query: Mapping[str, Any], limit: int, after: Sequence[Any] | None) -> list[Row]:
    """At most `limit + 1` requests of the actor's own units and those below, the newest first."""
    require(actor, CASE_READ)
    with reading() as session:
        statement = _filtered(actor, query)
        if after is not None:
            statement = statement.where(case_requests.c.id < after[0])
        statement = statement.order_by(case_requests.c.id.desc()).limit(limit + 1)
        return [dict(row) for row in session.execute(statement).mappings()]


def view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "number": row["number"],
        "kind": row["kind"],
        "kindName": KINDS[row["kind"]].called,
        "case": row["parent_id"],
        "caseNumber": row["parent_number"],
        "caseTitle": row["parent_title"],
        "unit": row["unit"],
        "unitName": row["unit_name"],
        "askedBy": row["asked_by"],
        "askedByName": row["signature"] or row["asked_by_name"],
        "askedAt": out(row["asked_at"]),
        "reason": row["reason"],
        "state": row["state"],
        "stateName": KINDS[row["kind"]].state_called(row["state"]),
        "status": row["status"],
        "decidedBy": row["decided_by"],
        "decidedByName": row["decided_by_name"],
        "decidedAt": out(row["decided_at"]),
        "opinion": row["opinion"],
    }


def _filtered(actor: Actor, query: Mapping[str, Any]) -> Select[Any]:
    own = [each.unit_code for each in actor.appointments]
    which = [case_requests.c.unit.in_(own) if query.get("mine") else _may_see(actor)]
    for name in ("kind", "state", "unit"):
        if query.get(name) is not None:
            which.append(case_requests.c[name] == query[name])
    since: datetime | None = query.get("since")
    until: datetime | None = query.get("until")
    if since is not None:
        which.append(case_requests.c.asked_at >= since)
    if until is not None:
        which.append(case_requests.c.asked_at < until)
    return _ROWS.where(and_(*which))


def _may_see(actor: Actor) -> Any:
    """Requests of one's own units and of those below them: who merely knows the case learns them there."""
    if actor.kind == "system":
        return true()
    held = actor.permissions.get(CASE_READ, ())
    own = or_(case_requests.c.asked_by == actor.id, case_requests.c.hand_id == actor.id)
    return or_(unit_scope(held, units.c.path), own) if held else false()
