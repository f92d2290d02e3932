"""What stands under a unit and names it by its path goes with it when it moves: cases, tasks, shares."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.advance import move
from app.cases.commands.beside import UnitMoved
from app.cases.external.models import external_tasks
from app.cases.models import cases, incidents
from app.cases.phrases.models import phrases
from app.cases.search.saved import filter_shares
from app.core import clock
from app.core.db import Session
from app.identity import org
from app.identity.actor import SYSTEM
from app.identity.models import case_access
from app.identity.org import SEALED, Unit
from app.identity.scopes import unit_scope

UNDER_WAY = ("active", "suspended", "merged")
AT_ONCE = 100
"""Cases whose rows are in memory together."""


def install() -> None:
    """Called when a unit moves."""
    org.when_moving(bring_along)


def bring_along(session: Session, unit: Unit, old: str, new: str) -> None:
    """Cases under way hear of it, each in its chain, and their tasks lie in the pools of the new place; then
    everything else that names the path follows. One row of the audit stream says who moved where.
    """
    under_way = _under_way(session, old)
    for first in range(0, len(under_way), AT_ONCE):
        some = under_way[first : first + AT_ONCE]
        move(session, [UnitMoved(case_id, unit.name, old, new) for case_id in some], SYSTEM)
    placed = 0
    for table, before, after in (
        (cases, old, new),
        (cases, SEALED + old, SEALED + new),
        (incidents, old, new),
        (external_tasks, old, new),
    ):
        column = table.c.org_path
        under = update(table).where(unit_scope((before,), column))
        found = session.execute(under.values(org_path=org.moved(column, before, after))).rowcount
        placed += found if table is cases else 0
    for table in (case_access, filter_shares, phrases):
        for before, after in ((f"unit:{old}", f"unit:{new}"), (f"@{old}", f"@{new}")):
            column = table.c.holder
            follows = update(table).where(_named(column, before))
            session.execute(follows.values(holder=func.replace(column, before, after)))
    told = {"unit": unit.code, "was": old, "to": new, "placed": placed, "underWay": len(under_way)}
    streams.append(session, Entry(streams.ADMIN, "unit.moved", SYSTEM.id, unit.id, told, clock.now(session)))


def _under_way(session: Session, path: str) -> Sequence[str]:
    """Cases that are not over, placed there or once in a pool there, in the order of their ids."""
    pooled = select(case_access.c.case_id).where(
        or_(_named(case_access.c.holder, f"unit:{path}"), _named(case_access.c.holder, f"@{path}"))
    )
    placed = or_(unit_scope((path, SEALED + path), cases.c.org_path), cases.c.id.in_(pooled))
    query = select(cases.c.id).where(placed, cases.c.state.in_(UNDER_WAY)).order_by(cases.c.id)
    return list(session.execute(query).scalars())


def _named(column: Any, name: str) -> Any:
    """Holders that are the unit, something below it, or a role in one of them."""
    ahead = "" if name.startswith("unit:") else "%"
    return or_(column.like(f"{ahead}{name}"), column.like(f"{ahead}{name}/%"))
