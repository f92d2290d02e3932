"""What a form asks of the world while it checks answers; cases asks identity, tests a fixed one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.core.area import Point


@dataclass(frozen=True)
class UnitFact:
    """A unit that may be chosen. `valid` is False once it was retired or merged."""

    code: str
    name: str
    kind: str
    tier: str
    valid: bool = True
    above: tuple[str, ...] = ()
    """The codes of the units it belongs to."""


@dataclass(frozen=True)
class PersonFact:
    """A person who may be named. `valid` is False once disabled."""

    login: str
    name: str
    valid: bool = True


@dataclass(frozen=True)
class CategoryFact:
    """A category that may be chosen now; `name` is its full name, `codes` run from the top down to itself."""

    code: str
    name: str
    leaf: bool
    codes: tuple[str, ...]

    @property
    def level(self) -> int:
        """1 at the top."""
        return len(self.codes)


@dataclass(frozen=True)
class CaseFact:
    """Another case that the one who answers may see; `closed_at` is None while it is under way."""

    number: str
    process: str
    closed_at: datetime | None


@dataclass(frozen=True)
class ShownFact:
    """What residents are shown of a case: `closed` for looking only, `over` past the last instant for signing
    up, `full` without a seat left."""

    number: str
    process: str
    title: str
    closed: bool = False
    over: bool = False
    full: bool = False


@dataclass(frozen=True)
class FileFact:
    """An attachment of this very case: its kind (image, pdf, office, audio, video) by content, its bytes."""

    id: str
    name: str
    kind: str
    size: int


class Lookups(Protocol):
    """Asked at most once each per check (categories once a table), and only for what an answer names."""

    @property
    def now(self) -> datetime:
        """The transaction's instant, aware."""

    def units(self, codes: Collection[str]) -> Mapping[str, UnitFact]:
        """The units of these codes; a code nobody has is absent."""

    def people(self, logins: Collection[str]) -> Mapping[str, PersonFact]:
        """The people of these logins; a login nobody has is absent."""

    def categories(self, table: str, codes: Collection[str]) -> Mapping[str, CategoryFact]:
        """The categories of these codes that may be chosen now; any other is absent."""

    def cases(self, numbers: Collection[str]) -> Mapping[str, CaseFact]:
        """The cases of these numbers that the one who answers may see; any other is absent."""

    def shown(self, numbers: Collection[str]) -> Mapping[str, ShownFact]:
        """What the one who answers may see of what residents are shown, by number; any other is absent."""

    def files(self, ids: Collection[str]) -> Mapping[str, FileFact]:
        """The attachments of this case with these ids; any other is absent."""

    def areas(self) -> Sequence[Sequence[Point]]:
        """The borders of the districts within which positions must lie; where none is known, anywhere."""


@dataclass(frozen=True)
class FixedLookups:
    """Lookups over values in memory, for tests and trial runs."""

    now: datetime
    all_units: Sequence[UnitFact] = field(default_factory=tuple)
    all_people: Sequence[PersonFact] = field(default_factory=tuple)
    all_categories: Mapping[str, Sequence[CategoryFact]] = field(default_factory=dict)
    all_cases: Sequence[CaseFact] = ()
    all_shown: Sequence[ShownFact] = ()
    all_files: Sequence[FileFact] = field(default_factory=tuple)
    all_areas: Sequence[Sequence[Point]] = ()

    def units(self, codes: Collection[str]) -> Mapping[str, UnitFact]:
        return {unit.code: unit for unit in self.all_units if unit.code in codes}

    def people(self, logins: Collection[str]) -> Mapping[str, PersonFact]:
        return {person.login: person for person in self.all_people if person.login in logins}

    def categories(self, table: str, codes: Collection[str]) -> Mapping[str, CategoryFact]:
        return {each.code: each for each in self.all_categories.get(table, ()) if each.code in codes}

    def cases(self, numbers: Collection[str]) -> Mapping[str, CaseFact]:
        return {each.number: each for each in self.all_cases if each.number in numbers}

    def shown(self, numbers: Collection[str]) -> Mapping[str, ShownFact]:
        return {each.number: each for each in self.all_shown if each.number in numbers}

    def files(self, ids: Collection[str]) -> Mapping[str, FileFact]:
        return {each.id: each for each in self.all_files if each.id in ids}

    def areas(self) -> Sequence[Sequence[Point]]:
        return self.all_areas
