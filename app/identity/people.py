"""Lists of the organisation: units of the tree, the people at work in them, roles."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select

from app.core import clock
from app.core.db import Session
from app.core.errors import FieldError, NotFound, Unprocessable
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import appointments, people, role_permissions, roles, units
from app.identity.permissions import ORG_READ
from app.identity.scopes import require, unit_scope


class UnitUnknown(Unprocessable):
    """没有这个代码的单位。"""


class RoleUnknown(Unprocessable):
    """没有这个角色。"""


_above = units.alias("above")
_below = units.alias("below")


def _there(at: datetime, table: Any = units) -> Any:
    return and_(
        or_(table.c.valid_from.is_(None), table.c.valid_from <= at),
        or_(table.c.valid_to.is_(None), table.c.valid_to > at),
    )


def _units(at: datetime) -> Any:
    leaf = ~exists().where(_below.c.parent_id == units.c.id, _there(at, _below))
    return select(
        units.c.code,
        units.c.name,
        units.c.kind,
        units.c.tier,
        units.c.path,
        _above.c.code.label("parent"),
        units.c.valid_from,
        units.c.valid_to,
        leaf.label("leaf"),
    ).select_from(units.outerjoin(_above, _above.c.id == units.c.parent_id))


def units_page(
    session: Session, asked: Mapping[str, Any], limit: int, after: str | None
) -> list[dict[str, Any]]:
    """Up to `limit + 1` units that exist at an instant, by path: a unit comes before what is below it.

    `asked` holds kind, tier, parent (a code: its children), under (a code: it and all below), q and at, each
    perhaps None. Unit codes are public to everybody signed in. Raises UnitUnknown.
    """
    at = asked["at"] or clock.wall()
    query = _units(at).where(_there(at)).order_by(units.c.path).limit(limit + 1)
    for name in ("kind", "tier"):
        if asked[name] is not None:
            query = query.where(units.c[name] == asked[name])
    if asked["parent"] is not None:
        query = query.where(units.c.parent_id == known_unit(session, asked["parent"], "?parent").id)
    if asked["under"] is not None:
        query = query.where(unit_scope((known_unit(session, asked["under"], "?under").path,), units.c.path))
    if asked["q"] is not None:
        query = query.where(
            or_(
                units.c.name.contains(asked["q"], autoescape=True),
                units.c.code.startswith(asked["q"], autoescape=True),
            )
        )
    if after is not None:
        query = query.where(units.c.path > after)
    return [dict(row) for row in session.execute(query).mappings()]


def unit(session: Session, code: str) -> dict[str, Any]:
    """One unit, whether it still exists or not. Raises NotFound."""
    row = session.execute(_units(clock.wall()).where(units.c.code == code)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return dict(row)


def people_page(
    session: Session, actor: Actor, asked: Mapping[str, Any], limit: int, after: str | None
) -> list[dict[str, Any]]:
    """Up to `limit + 1` people at work in the actor's units, by login, with what they do there.

    `asked` holds unit (a code), below (whether units below it count, too), role and q, each perhaps None.
    Raises PermissionMissing (403, also for a unit outside the actor's) and UnitUnknown.
    """
    require(actor, ORG_READ)
    held = [_serving(clock.wall()), unit_scope(actor.permissions.get(ORG_READ, ()), appointments.c.unit_path)]
    if asked["unit"] is not None:
        here = known_unit(session, asked["unit"], "?unit")
        require(actor, ORG_READ, here.path, here.code)
        below = unit_scope((here.path,), appointments.c.unit_path)
        held.append(below if asked["below"] == "true" else appointments.c.unit_id == here.id)
    if asked["role"] is not None:
        held.append(appointments.c.role == asked["role"])
    query = (
        select(people.c.id, people.c.login, people.c.name, people.c.kind, people.c.state)
        .where(exists().where(appointments.c.person_id == people.c.id, *held))
        .order_by(people.c.login)
        .limit(limit + 1)
    )
    if asked["q"] is not None:
        query = query.where(
            or_(
                people.c.name.contains(asked["q"], autoescape=True),
                people.c.login.startswith(asked["q"], autoescape=True),
            )
        )
    if after is not None:
        query = query.where(people.c.login > after)
    found = [{**row, "appointments": []} for row in session.execute(query).mappings()]
    by_id = {person["id"]: person for person in found}
    posts = (
        select(appointments.c.person_id, appointments.c.role, units.c.code, appointments.c.unit_path)
        .join(units, units.c.id == appointments.c.unit_id)
        .where(appointments.c.person_id.in_(by_id), *held)
        .order_by(appointments.c.id)
    )
    for row in session.execute(posts) if by_id else ():
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


def _serving(at: datetime) -> Any:
    """Appointments that hold at an instant."""
    return and_(
        or_(appointments.c.valid_from.is_(None), appointments.c.valid_from <= at),
        or_(appointments.c.valid_to.is_(None), appointments.c.valid_to > at),
    )


def known_unit(session: Session, code: str, at: str) -> org.Unit:
    """The unit of this code. Raises UnitUnknown, which points at the place where it was named."""
    found = org.unit_by_code(session, code)
    if found is None:
        message = f"没有代码为“{code[:60]}”的单位，请核对。"
        raise UnitUnknown(message, errors=[FieldError(at, "unit-unknown", message)])
    return found


def known_role(session: Session, key: str, at: str) -> str:
    """The role of this key. Raises RoleUnknown, which points at the place where it was named."""
    if session.scalar(select(roles.c.key).where(roles.c.key == key)) is None:
        message = f"没有“{key[:60]}”这个角色，请核对。"
        raise RoleUnknown(message, errors=[FieldError(at, "role-unknown", message)])
    return key
