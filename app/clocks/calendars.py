"""Whose calendar counts where: the house has one, a unit may name another for itself and all below it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, case, literal, null, select, union_all

from app.clocks import calendar_rows as kept
from app.clocks.calendar import Calendar
from app.clocks.calendar_models import calendars
from app.clocks.calendar_rows import Head
from app.core.config import settings
from app.core.db import Session
from app.identity import org
from app.identity.models import units
from app.identity.org import SEALED, OrgFile, OrgRefused, bare
from app.identity.scopes import unit_scope

_STATE = union_all(
    select(literal("").label("path"), *(calendars.c[name] for name in Head._fields)),
    select(units.c.path, units.c.region, null(), null(), null(), null()).where(units.c.region.is_not(None)),
)
"""Every calendar there is, and every unit that names one."""


@dataclass(frozen=True)
class InForce:
    """Which calendar counts at which unit now."""

    house: str
    """The region that counts wherever no unit says otherwise."""
    places: tuple[tuple[str, str], ...]
    """Path of a unit → the region that it names, the deepest first."""
    calendars: Mapping[str, Calendar]
    """Those regions, each at its newest version."""

    def region_at(self, path: str) -> str:
        """The region of a unit: what it names, or the nearest above it that names one."""
        place = bare(path)
        return next(
            (region for unit, region in self.places if f"{place}/".startswith(f"{unit}/")), self.house
        )

    def at(self, path: str | None = None) -> Calendar:
        """The calendar that counts at a unit; that of the house without one."""
        return self.calendars[self.house if path is None else self.region_at(path)]

    @property
    def newest(self) -> int:
        """The number of the newest version that counts anywhere; 0 before there is a calendar."""
        return max(calendar.version for calendar in self.calendars.values())

    def on(self, region: str) -> frozenset[str]:
        """The regions that a change of this one concerns: itself, and those that follow it."""
        return frozenset(
            name
            for name, calendar in self.calendars.items()
            if any(link.region == region for link in calendar.chain())
        )

    def changed(self, calendar: Calendar) -> "InForce":
        """The same once a calendar is as given."""
        after = {region: _with(each, calendar) for region, each in self.calendars.items()}
        return replace(self, calendars=MappingProxyType(after))

    def named(self, path_column: Any) -> ColumnElement[str]:
        """What `region_at` says, of a column of paths."""
        whens = [
            (unit_scope((unit, SEALED + unit), path_column), literal(region)) for unit, region in self.places
        ]
        return case(*whens, else_=literal(self.house)) if whens else literal(self.house)


def by_place(session: Session) -> InForce:
    """As it is now: one statement, while nobody changes a calendar."""
    heads: dict[str, Head] = {}
    places: list[tuple[str, str]] = []
    for row in session.execute(_STATE):
        if row.path:
            places.append((row.path, row.region))
        else:
            heads[row.region] = Head._make(row[1:])
    house = settings().calendar
    used = {region: kept.newest(session, heads, region) for region in {house, *dict(places).values()}}
    places.sort(key=lambda place: (-place[0].count("/"), place[0]))
    return InForce(house, tuple(places), MappingProxyType(used))


def in_force(session: Session, path: str | None = None) -> Calendar:
    """The calendar that counts at a unit now; that of the house without one."""
    return by_place(session).at(path)


def install() -> None:
    """A unit can only name a region that has a calendar."""
    org.when_loading(_look)


def _look(session: Session, file: OrgFile) -> None:
    """Raises OrgRefused with every region that nobody imported."""
    named = [unit for unit in file.units if unit.region is not None]
    known = kept.heads(session) if named else {}
    there = "、".join(known) or "还没有"
    lines = [
        (unit.region_line, f"没有“{unit.region}”这个日历，请先导入它；已有的：{there}。")
        for unit in named
        if unit.region not in known
    ]
    if lines:
        raise OrgRefused(lines)


def _with(calendar: Calendar, new: Calendar) -> Calendar:
    if calendar.region == new.region:
        return new
    if calendar.follows is None:
        return calendar
    follows = _with(calendar.follows, new)
    return replace(calendar, follows=follows, version=max(calendar.version, follows.version))
