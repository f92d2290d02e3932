"""The swaps of a process as they stand, and the lines of their reports that somebody sees."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from app.bundles import store
from app.cases.models import cases
from app.cases.motion import Row
from app.core.db import Session, reading
from app.core.errors import NotFound
from app.identity.actor import Actor
from app.identity.permissions import POLICY_SWAP
from app.identity.scopes import require, unit_scope
from app.policies.swap_models import policy_swap_cases, policy_swaps


def every(actor: Actor, key: str) -> list[Row]:
    """The swaps of a process, the newest first, each with how many of the actor's cases were `moved` and
    `left`. Raises PermissionMissing, NotFound."""
    require(actor, POLICY_SWAP)
    within = actor.permissions.get(POLICY_SWAP, ())
    statement = select(policy_swaps).where(policy_swaps.c.process_key == key)
    with reading() as session:
        if store.head(session, key) is None:
            raise NotFound
        rows = session.execute(statement.order_by(policy_swaps.c.id.desc())).mappings().all()
        return [{**row, **counted(session, row["id"], within)} for row in rows]


def counted(session: Session, swap_id: str, within: Sequence[str] | None) -> dict[str, int]:
    """How many cases went over, and how many could not."""
    lines = _lines(swap_id, within).subquery()
    found = select(func.count().label("total"), func.count(lines.c.why).label("gone")).select_from(lines)
    row = session.execute(found).one()
    return {"moved": row.total - row.gone, "left": row.gone}


def lines(actor: Actor, key: str, swap_id: str, limit: int, after: str | None) -> list[Row]:
    """The report, by case; one line more than `limit` when there are more.

    Raises PermissionMissing, NotFound.
    """
    require(actor, POLICY_SWAP)
    known = select(policy_swaps.c.id).where(policy_swaps.c.id == swap_id, policy_swaps.c.process_key == key)
    with reading() as session:
        if session.scalar(known) is None:
            raise NotFound
        return of(session, swap_id, actor.permissions.get(POLICY_SWAP, ()), limit + 1, after)


def of(
    session: Session, swap_id: str, within: Sequence[str] | None, most: int, after: str | None = None
) -> list[Row]:
    """The lines themselves, each with the case's number."""
    statement = _lines(swap_id, within).order_by(policy_swap_cases.c.case_id).limit(most)
    if after is not None:
        statement = statement.where(policy_swap_cases.c.case_id > after)
    return [dict(row) for row in session.execute(statement).mappings()]


def _lines(swap_id: str, within: Sequence[str] | None) -> Select[Any]:
    statement = (
        select(policy_swap_cases, cases.c.number)
        .join(cases, cases.c.id == policy_swap_cases.c.case_id)
        .where(policy_swap_cases.c.swap_id == swap_id)
    )
    return statement if within is None else statement.where(unit_scope(tuple(within), cases.c.org_path))
