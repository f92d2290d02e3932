"""The organisation: loading it from its file, and the questions that routing asks of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, literal, or_, select, update

from app.core import clock, dialects, ids
from app.core.area import Point, contains
from app.core.db import Session
from app.identity import demo_residents, login, passwords, topics
from app.identity.actor import SYSTEM
from app.identity.memberships import memberships
from app.identity.models import appointments, people, role_permissions, roles, units
from app.identity.org_file import OrgFile, PersonLine, RoleLine, read_org
from app.identity.org_nodes import OrgRefused

__all__ = [
    "OrgFile",
    "OrgLoaded",
    "OrgRefused",
    "Person",
    "Unit",
    "ancestors",
    "load_org",
    "name_of",
    "people_by_login",
    "person_by_login",
    "read_org",
    "subtree",
    "unit_at",
    "unit_by_code",
    "unit_named",
    "units_by_code",
]


Look = Callable[[Session, OrgFile], None]
_looks: list[Look] = []


def when_loading(look: Look) -> None:
    """Whoever knows what the file may name looks at it before it is loaded. Raises OrgRefused."""
    if look not in _looks:
        _looks.append(look)


Along = Callable[[Session, "Unit", str, str], None]
_along: list[Along] = []


def when_moving(bring: Along) -> None:
    """Whoever keeps paths of units brings them along, in the transaction in which a unit moves.

    It is told the unit as it was, and its path before and after.
    """
    if bring not in _along:
        _along.append(bring)


SEALED = "~"
"""Before the path of a case that nobody above its unit is to see yet: no unit covers such a path."""


def bare(path: str) -> str:
    """The path of the unit itself, whether or not the case there is sealed."""
    return path.removeprefix(SEALED)


def moved(column: Any, old: str, new: str) -> ColumnElement[str]:
    """A path at or below the old one, as it is below the new one."""
    return literal(new) + func.substr(column, len(old) + 1)


class Unit(NamedTuple):
    """A unit as routing sees it."""

    id: str
    code: str
    name: str
    kind: str
    tier: str
    path: str
    valid_from: datetime | None
    valid_to: datetime | None

    @property
    def above(self) -> tuple[str, ...]:
        """The codes of the units it belongs to, the widest first."""
        return tuple(self.path.split("/")[:-1])

    def valid_at(self, now: datetime) -> bool:
        """Whether the unit exists at an instant: not yet founded, merged and closed units do not."""
        return (self.valid_from is None or self.valid_from <= now) and (
            self.valid_to is None or now < self.valid_to
        )


@dataclass(frozen=True)
class OrgLoaded:
    """How many units, roles, people and residents the file named."""

    units: int
    roles: int
    people: int
    residents: int


class Person(NamedTuple):
    """A person or service as others see it."""

    id: str
    login: str
    name: str
    kind: str
    state: str

    @property
    def active(self) -> bool:
        """Whether the account is in use."""
        return self.state == "active"


_PERSON = select(people.c.id, people.c.login, people.c.name, people.c.kind, people.c.state)
_BY_LOGINS = _PERSON.where(people.c.login.in_(bindparam("logins", expanding=True)))
_ONE_LOGIN = _PERSON.where(people.c.login == bindparam("login"))
_STATE = select(people.c.state).where(people.c.id == bindparam("id"))
_NAME = select(people.c.name).where(people.c.id == bindparam("id"))
_UNIT = (
    units.c.id,
    units.c.code,
    units.c.name,
    units.c.kind,
    units.c.tier,
    units.c.path,
    units.c.valid_from,
    units.c.valid_to,
)
_NOW_VALID = or_(units.c.valid_to.is_(None), units.c.valid_to > bindparam("now"))
_BY_CODE = select(*_UNIT).where(units.c.code.in_(bindparam("codes", expanding=True)))
_NAMED = select(*_UNIT).where(
    or_(units.c.code == bindparam("word"), units.c.name == bindparam("word")), _NOW_VALID
)
_BY_PATH = select(*_UNIT).where(units.c.path.in_(bindparam("paths", expanding=True)))
_BOUNDED = select(*_UNIT, units.c.boundary).where(units.c.boundary.is_not(None), _NOW_VALID)
_BOUNDARIES = (
    select(units.c.boundary)
    .where(units.c.boundary.is_not(None), units.c.tier == "district", _NOW_VALID)
    .order_by(units.c.path)
)


def units_by_code(session: Session, codes: Iterable[str]) -> dict[str, Unit]:
    """The units with these codes, whether still valid or not; unknown codes are simply missing."""
    wanted = list(dict.fromkeys(codes))
    if not wanted:
        return {}
    return {row.code: Unit._make(row) for row in session.execute(_BY_CODE, {"codes": wanted})}


def unit_named(session: Session, code_or_name: str) -> Unit | None:
    """The valid unit of this code, else of this name; None when there is none."""
    rows = session.execute(_NAMED, {"word": code_or_name, "now": clock.wall()}).all()
    found = [Unit._make(row) for row in rows]
    return next((u for u in found if u.code == code_or_name), found[0] if found else None)


def unit_by_code(session: Session, code: str) -> Unit | None:
    """The unit with this code, whether still valid or not."""
    return units_by_code(session, (code,)).get(code)


def unit_at(session: Session, path: str) -> Unit | None:
    """The unit at this path."""
    row = session.execute(_BY_PATH, {"paths": [path]}).one_or_none()
    return Unit._make(row) if row is not None else None


def units_by_path(session: Session, paths: Sequence[str]) -> list[Unit]:
    """The units at these paths, the lowest first."""
    rows = session.execute(_BY_PATH, {"paths": list(paths)})
    return sorted((Unit._make(row) for row in rows), key=lambda unit: -unit.path.count("/"))


def person_by_login(session: Session, login_name: str) -> Person | None:
    """The person or service with this login, active or not."""
    row = session.execute(_ONE_LOGIN, {"login": login_name}).one_or_none()
    return Person._make(row) if row is not None else None


def people_by_login(session: Session, logins: Iterable[str]) -> dict[str, Person]:
    """The people and services with these logins, active or not; unknown logins are simply missing."""
    wanted = list(dict.fromkeys(logins))
    if not wanted:
        return {}
    return {row.login: Person._make(row) for row in session.execute(_BY_LOGINS, {"logins": wanted})}


def name_of(session: Session, person_id: str) -> str:
    """A person's name, for a sentence; the id when nobody has it."""
    if person_id == SYSTEM.id:
        return SYSTEM.name
    return session.scalar(_NAME, {"id": person_id}) or person_id


def is_active(session: Session, person_id: str) -> bool:
    """Whether the account is in use."""
    return bool(session.scalar(_STATE, {"id": person_id}) == "active")


def boundaries(session: Session, path: str | None = None) -> list[list[list[float]]]:
    """The borders of the districts that a path lies in; of all districts without a path."""
    query = _BOUNDARIES if path is None else _BOUNDARIES.where(units.c.path.in_(ancestors(path)))
    return list(session.execute(query, {"now": clock.wall()}).scalars())


def unit_around(session: Session, point: Point) -> Unit | None:
    """The lowest unit within whose border a position lies; None where none is known."""
    bounded = session.execute(_BOUNDED, {"now": clock.wall()})
    around = [Unit._make(row[:-1]) for row in bounded if contains([(x, y) for x, y in row.boundary], point)]
    return max(around, key=lambda unit: (unit.path.count("/"), unit.path), default=None)


def subtree(session: Session, path: str, *, kind: str | None = None, tier: str | None = None) -> list[Unit]:
    """The valid units at and below a path, by path."""
    from app.identity.scopes import unit_scope

    query = select(*_UNIT).where(unit_scope((path,), units.c.path), _NOW_VALID).order_by(units.c.path)
    if kind is not None:
        query = query.where(units.c.kind == kind)
    if tier is not None:
        query = query.where(units.c.tier == tier)
    return [Unit._make(row) for row in session.execute(query, {"now": clock.wall()})]


def ancestors(path: str) -> list[str]:
    """The paths from a unit up to its root, itself first."""
    steps = bare(path).split("/")
    return ["/".join(steps[:count]) for count in range(len(steps), 0, -1)]


def load_org(session: Session, data: bytes, *, with_passwords: bool = True) -> OrgLoaded:
    """Makes the organisation what the file says, as often as you like.

    Units, roles and people are found by code, key and login; roles get exactly the file's permissions, people
    exactly its appointments, residents at least its communities. What the file does not name stays.
    `with_passwords=False` leaves passwords (20 ms each) and what is sealed of residents alone. A unit that
    stands elsewhere in the file than before moves with all that is under way there. Raises OrgRefused with
    every finding.
    """
    org = read_org(data)
    for look in _looks:
        look(session, org)
    unit_ids = _load_units(session, org)
    _load_roles(session, org)
    _load_people(session, org, unit_ids, with_passwords)
    demo_residents.load(session, org.residents, unit_ids, with_passwords)
    login.grants_changed(session)
    return OrgLoaded(len(org.units), len(org.roles), len(org.people), len(org.residents))


def _load_units(session: Session, org: OrgFile) -> dict[str, tuple[str, str]]:
    """Code → (id, path)."""
    known = {row.code: Unit._make(row) for row in session.execute(select(*_UNIT))}
    placed: dict[str, tuple[str, str]] = {}
    new: list[dict[str, Any]] = []
    for unit in org.units:
        old = known.get(unit.code)
        unit_id = old.id if old is not None else ids.new_id()
        placed[unit.code] = (unit_id, unit.path)
        row = {
            "name": unit.name,
            "kind": unit.kind,
            "tier": unit.tier,
            "parent_id": placed[unit.parent][0] if unit.parent is not None else None,
            "path": unit.path,
            "region": unit.region,
            "boundary": unit.boundary,
            "lng": unit.point[0] if unit.point is not None else None,
            "lat": unit.point[1] if unit.point is not None else None,
            "address": unit.address,
            "phone": unit.phone,
        }
        if old is not None:
            _move(session, old, unit.path)
            session.execute(update(units).where(units.c.id == unit_id).values(**row))
        else:
            new.append({"id": unit_id, "code": unit.code, **row})
    if new:
        session.execute(insert(units), new)
    return placed


def _move(session: Session, unit: Unit, new: str) -> None:
    """All that names the unit's path, or one below it, names the new one from now on."""
    from app.identity.scopes import unit_scope

    old = session.scalar(select(units.c.path).where(units.c.id == unit.id))  # a unit above may have moved it
    if old == new:
        return
    for bring in _along:
        bring(session, unit, old, new)
    for table, column in (
        (units, units.c.path),
        (appointments, appointments.c.unit_path),
        (memberships, memberships.c.unit_path),
    ):
        under = update(table).where(unit_scope((old,), column))
        session.execute(under.values({column: moved(column, old, new)}))


def role_lines(session: Session) -> tuple[RoleLine, ...]:
    """Every role with what it may do, as they are now."""
    permissions: dict[str, list[str]] = {}
    for row in session.execute(select(role_permissions).order_by(role_permissions.c.permission)):
        permissions.setdefault(row.role, []).append(row.permission)
    return tuple(
        RoleLine(row.key, row.name, tuple(permissions.get(row.key, ())))
        for row in session.execute(select(roles).order_by(roles.c.key))
    )


def _load_roles(session: Session, org: OrgFile) -> None:
    named = dialects.upsert(session.dialect, roles, ("key",))
    granted: list[dict[str, str]] = []
    for role in org.roles:
        session.execute(named, {"key": role.key, "name": role.name})
        granted += [{"role": role.key, "permission": permission} for permission in role.permissions]
    keys = [role.key for role in org.roles]
    session.execute(delete(role_permissions).where(role_permissions.c.role.in_(keys)))
    if granted:
        session.execute(insert(role_permissions), granted)


def _load_people(
    session: Session, org: OrgFile, unit_ids: Mapping[str, tuple[str, str]], with_passwords: bool
) -> None:
    query = select(people.c.login, people.c.id, people.c.password_hash)
    known = {row.login: row for row in session.execute(query)}
    for person in org.people:
        row = known.get(person.login)
        values: dict[str, Any] = {"name": person.name, "kind": person.kind}
        if with_passwords and person.password is not None:
            old = row.password_hash if row is not None else None
            if old is None or not passwords.matches(person.password, old):
                values["password_hash"] = passwords.hashed(person.password)
        if row is None:
            person_id = ids.new_id()
            session.execute(
                insert(people), {"id": person_id, "login": person.login, "state": "active", **values}
            )
        else:
            person_id = row.id
            session.execute(update(people).where(people.c.id == person_id).values(**values))
        _appoint(session, person_id, person, unit_ids)
        topics.grant(session, person_id, person.topics)


def _appoint(
    session: Session, person_id: str, person: PersonLine, unit_ids: Mapping[str, tuple[str, str]]
) -> None:
    session.execute(delete(appointments).where(appointments.c.person_id == person_id))
    rows: Sequence[dict[str, Any]] = [
        {
            "id": ids.new_id(),
            "person_id": person_id,
            "role": role,
            "unit_id": unit_ids[code][0],
            "unit_path": unit_ids[code][1],
        }
        for role, code in person.appointments
    ]
    session.execute(insert(appointments), rows)
