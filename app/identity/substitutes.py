"""代理 while somebody acts by it, and when an account ends: whether it holds, and what ends with it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, or_, select, update

from app.core import dialects
from app.core.db import Instant, Session
from app.identity.actor import Standing
from app.identity.models import substitutions

_STANDS = dialects.locked(
    select(substitutions.c.id).where(
        substitutions.c.id == bindparam("which"),
        substitutions.c.ended_at.is_(None),
        substitutions.c.valid_from <= bindparam("at"),
        substitutions.c.valid_until > bindparam("at"),
    ),
    shared=True,
)
_FOR = select(substitutions.c.person_id, substitutions.c.substitute_id, substitutions.c.processes).where(
    dialects.one_of(substitutions.c.person_id, "people"),
    substitutions.c.ended_at.is_(None),
    substitutions.c.valid_from <= bindparam("at", type_=Instant),
    substitutions.c.valid_until > bindparam("at", type_=Instant),
)
_OF = (
    substitutions.c.ended_at.is_(None),
    substitutions.c.valid_until > bindparam("at"),
    or_(substitutions.c.person_id == bindparam("who"), substitutions.c.substitute_id == bindparam("who")),
)
_RUNNING = select(substitutions.c.id).where(*_OF).order_by(substitutions.c.id)
_END = update(substitutions).where(substitutions.c.id == bindparam("which"))


def still_stands(session: Session, standing: Standing, at: datetime) -> bool:
    """Whether it holds at this instant; whoever ends it waits until this transaction is over."""
    return session.scalar(_STANDS, {"which": standing.id, "at": at}) is not None


def acting_for(
    session: Session, people: Collection[str], at: datetime
) -> dict[str, list[tuple[str, list[str] | None]]]:
    """Who acts for these people now, each in which processes (None: all)."""
    found: dict[str, list[tuple[str, list[str] | None]]] = {}
    for row in session.execute(_FOR, {"people": sorted(people), "at": at}) if people else ():
        found.setdefault(row.person_id, []).append((row.substitute_id, row.processes))
    return found


def end_with_account(session: Session, person_id: str, by: str, reason: str, at: datetime) -> list[str]:
    """Nobody acts for, or through, somebody whose account ends; the ids of what ended."""
    ended = list(session.execute(_RUNNING, {"who": person_id, "at": at}).scalars())
    values = {"ended_at": at, "ended_by": by, "end_reason": reason}
    for which in ended:
        session.execute(_END.values(values), {"which": which})
    return ended
