"""What a form asks of the world while it checks answers; cases asks identity, tests a fixed one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class UnitFact:
    """A unit that may be chosen. `valid` is False once it was retired or merged."""

    code: str
    name: str
    kind: str
    tier: str
    valid: bool = True


@dataclass(frozen=True)
class PersonFact:
    """A person who may be named. `valid` is False once disabled."""

    login: str
    name: str
    valid: bool = True


class Lookups(Protocol):
    """Asked at most once each per check, and only when an answer names a unit or a person."""

    @property
    def now(self) -> datetime:
        """The transaction's instant, aware."""

    def units(self, codes: Collection[str]) -> Mapping[str, UnitFact]:
        """The units of these codes; a code nobody has is absent."""

    def people(self, logins: Collection[str]) -> Mapping[str, PersonFact]:
        """The people of these logins; a login nobody has is absent."""


@dataclass(frozen=True)
class FixedLookups:
    """Lookups over values in memory, for tests and trial runs."""

    now: datetime
    all_units: Sequence[UnitFact] = field(default_factory=tuple)
    all_people: Sequence[PersonFact] = field(default_factory=tuple)

    def units(self, codes: Collection[str]) -> Mapping[str, UnitFact]:
        return {unit.code: unit for unit in self.all_units if unit.code in codes}

    def people(self, logins: Collection[str]) -> Mapping[str, PersonFact]:
        return {person.login: person for person in self.all_people if person.login in logins}
