"""Whoever acts: a person, a service or the system itself, with the places where each permission holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from app.identity.permissions import CASE_ATTACH, CASE_CREATE, CASE_READ, TASK_COMPLETE, TASK_READ

OF_RESIDENTS = frozenset((CASE_CREATE, CASE_READ, CASE_ATTACH, TASK_READ, TASK_COMPLETE))
"""What residents may do with what is their own; the gate lets them reach no view of staff with it."""


@dataclass(frozen=True)
class Appointment:
    """A role held in a unit."""

    role: str
    unit_id: str
    unit_code: str
    unit_path: str


@dataclass(frozen=True)
class Actor:
    """One who acts. `permissions` maps each permission to the unit paths under which it holds."""

    id: str
    login: str
    name: str
    kind: str = "person"  # person | service | resident | system
    appointments: tuple[Appointment, ...] = ()
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    own: frozenset[str] = frozenset()
    """Permissions that hold at no unit, only for what case_access knows as the actor's own."""
    stands_for: tuple["Standing", ...] = ()
    """Those whom this actor represents now (代理), each with the authority that is his own."""
    hand: "Actor | None" = None
    """Who really acts, where it is a substitute: this actor is then the one in whose name."""

    @cached_property
    def pools(self) -> frozenset[str]:
        """The pools this actor stands in, each "role@unit_path"."""
        return frozenset(pool(a.role, a.unit_path) for a in self.appointments)

    @property
    def doer(self) -> str:
        """The id of who really acts."""
        return self.hand.id if self.hand is not None else self.id

    @property
    def signature(self) -> str | None:
        """甲（代乙） where a substitute acts; nothing for who acts for himself."""
        return f"{self.hand.name}（代{self.name}）" if self.hand is not None else None

    @cached_property
    def unit_paths(self) -> tuple[str, ...]:
        """The paths of the units this actor was appointed to, in order, each once."""
        return tuple(dict.fromkeys(a.unit_path for a in self.appointments))

    def allows(self, permission: str, path: str | None) -> bool:
        """Whether the permission holds at a place: its unit or one above it."""
        if self.kind == "system":
            return True
        return path is not None and any(covers(held, path) for held in self.permissions.get(permission, ()))

    def holds(self, permission: str) -> bool:
        """Whether the permission holds anywhere."""
        return self.kind == "system" or bool(self.permissions.get(permission)) or permission in self.own


@dataclass(frozen=True)
class Standing:
    """That one represents somebody: whom, by which row, for which processes (None: all)."""

    id: str
    actor: Actor
    processes: frozenset[str] | None = None

    def covers(self, process: str) -> bool:
        return self.processes is None or process in self.processes

    def by(self, hand: Actor) -> Actor:
        """The represented person, as the substitute acts for him."""
        return replace(self.actor, hand=hand)


SYSTEM = Actor(id="system", login="system", name="系统", kind="system")
"""Who lets timers fire and answers itself what no person decides."""


SCHEDULE = Actor(id="system", login="schedule", name="定期任务", kind="system")
"""Who files what the calendar asks for."""


def pool(role: str, unit_path: str) -> str:
    """The name of a pool: everybody who holds the role in exactly this unit."""
    return f"{role}@{unit_path}"


def covers(held: str, path: str) -> bool:
    """Whether `path` is the unit `held` or lies below it."""
    return path == held or path.startswith(held + "/")


def widest(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths without those that another one covers."""
    found: list[str] = []
    for path in sorted(set(paths), key=len):
        if not any(covers(held, path) for held in found):
            found.append(path)
    return tuple(found)


def actor_of(
    person_id: str,
    login: str,
    name: str,
    kind: str,
    appointments: Iterable[Appointment],
    granted: Mapping[str, Iterable[str]],
) -> Actor:
    """An actor from its appointments and what each role grants."""
    held = tuple(dict.fromkeys(appointments))
    places: dict[str, list[str]] = {}
    for appointment in held:
        for permission in granted.get(appointment.role, ()):
            places.setdefault(permission, []).append(appointment.unit_path)
    permissions = MappingProxyType({name: widest(paths) for name, paths in places.items()})
    own = OF_RESIDENTS if kind == "resident" else frozenset()
    return Actor(person_id, login, name, kind, held, permissions, own)
