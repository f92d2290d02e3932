"""Lists of the organisation for those who may read it."""

from typing import Any

from sqlalchemy import and_, or_, select

from app.core import clock
from app.core.db import Session
from app.identity.actor import Actor
from app.identity.models import appointments, people, role_permissions, roles, units
from app.identity.permissions import ORG_READ
from app.identity.scopes import require, unit_scope


def units_page(
    session: Session, *, kind: str | None, tier: str | None, limit: int, after: str | None
) -> list[Any]:
    """Up to `limit + 1` valid units in order of path. Unit codes are public to everybody signed in."""
    query = (
        select(units.c.code, units.c.name, units.c.kind, units.c.tier, units.c.path)
        .where(or_(units.c.valid_to.is_(None), units.c.valid_to > clock.wall()))
        .order_by(units.c.path)
        .limit(limit + 1)
    )
    if kind is not None:
        query = query.where(units.c.kind == kind)
    if tier is not None:
        query = query.where(units.c.tier == tier)
    if after is not None:
        query = query.where(units.c.path > after)
    return [dict(row) for row in session.execute(query).mappings()]


def people_page(session: Session, actor: Actor, *, limit: int, after: str | None) -> list[dict[str, Any]]:
    """Up to `limit + 1` people appointed in the actor's units, by login. Raises PermissionMissing (403)."""
    require(actor, ORG_READ)
    mine = unit_scope(actor.permissions.get(ORG_READ, ()), appointments.c.unit_path)
    query = (
        select(people.c.id, people.c.login, people.c.name, people.c.kind, people.c.state)
        .where(select(appointments.c.id).where(and_(appointments.c.person_id == people.c.id, mine)).exists())
        .order_by(people.c.login)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(people.c.login > after)
    found = [{**row, "appointments": []} for row in session.execute(query).mappings()]
    by_id = {person["id"]: person for person in found}
    held = (
        select(appointments.c.person_id, appointments.c.role, units.c.code, appointments.c.unit_path)
        .join(units, units.c.id == appointments.c.unit_id)
        .where(appointments.c.person_id.in_(by_id), mine)
        .order_by(appointments.c.id)
    )
    for row in session.execute(held) if by_id else ():
        by_id[row.person_id]["appointments"].append(
            {"role": row.role, "unit": row.code, "unit_path": row.unit_path}
        )
    return found


def all_roles(session: Session) -> list[dict[str, Any]]:
    """Every role with its permissions, by key."""
    found = {
        row.key: {"key": row.key, "name": row.name, "permissions": []}
        for row in session.execute(select(roles.c.key, roles.c.name).order_by(roles.c.key))
    }
    for row in session.execute(select(role_permissions).order_by(role_permissions.c.permission)):
        found[row.role]["permissions"].append(row.permission)
    return list(found.values())
