"""Who is there to do a task, and which units may be chosen: asked of the organisation as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.bundles.choices import UnitQuery
from app.core.db import reading
from app.identity import login
from app.identity.actor import Actor, pool
from app.identity.models import appointments, people, units


@dataclass
class Crew:
    """Everybody in service, found once: pool → logins' ids, and the units that have somebody who handles."""

    pools: dict[str, list[str]] = field(default_factory=dict)
    places: list[Any] = field(default_factory=list)
    _actors: dict[str, Actor] = field(default_factory=dict)

    def actor(self, person_id: str) -> Actor:
        if person_id not in self._actors:
            with reading() as session:
                self._actors[person_id] = login.actor_by_id(session, person_id)
        return self._actors[person_id]

    def of(self, task: Any) -> list[str]:
        """Ids of those who may do a task: its assignee, or whoever stands in its pools."""
        if task["assignee_id"]:
            return [task["assignee_id"]]
        return [person for name in task["pools"] or () for person in self.pools.get(name, ())]

    def units(self, query: UnitQuery | None) -> Sequence[tuple[str, str]]:
        """(code, name) of the units that a field offers and in which somebody handles orders."""
        return [
            (unit.code, unit.name)
            for unit in self.places
            if query is None or query.fits(unit.kind, unit.tier)
        ]


def crew() -> Crew:
    found = Crew()
    with reading() as session:
        rows = session.execute(
            select(people.c.id, appointments.c.role, appointments.c.unit_path)
            .join(appointments, appointments.c.person_id == people.c.id)
            .where(people.c.state == "active", people.c.kind == "person")
            .order_by(people.c.login)
        )
        for row in rows:
            found.pools.setdefault(pool(row.role, row.unit_path), []).append(row.id)
        handled = {name.split("@")[1] for name in found.pools if name.startswith("handler@")}
        found.places = [
            unit
            for unit in session.execute(select(units).order_by(units.c.path))
            if unit.path in handled and unit.valid_to is None
        ]
    return found
