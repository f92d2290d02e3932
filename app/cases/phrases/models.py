"""The rows of kept phrases, and who may use one.

A phrase belongs to one holder: a person, a unit with everything below it, or the people of a role there.
"""

from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, bindparam, func, or_, select

from app.core.db import Id, Instant, metadata
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.permissions import PHRASE_SHARE
from app.identity.scopes import unit_scope

LONGEST = 500

phrases = Table(
    "phrases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("holder", String(320), nullable=False),  # person:<id> | unit:<path> | role:<key>@<path>
    Column("place", String(255)),  # the unit's path of one that is shared
    Column("author_id", String(60), nullable=False),
    Column("text", String(LONGEST), nullable=False),
    Column("process", String(60)),  # where it fits: nothing said, everywhere
    Column("step", String(60)),
    Column("field", String(60)),
    Column("changed_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("ix_phrases_holder", "holder", "id"),
)

_SHOWN = select(phrases, people.c.name.label("author_name")).outerjoin(
    people, people.c.id == phrases.c.author_id
)
held = select(func.count()).select_from(phrases).where(phrases.c.holder == bindparam("holder"))
"""How many a holder has."""


def own(actor: Actor) -> str:
    """The holder of what is the actor's alone."""
    return f"person:{actor.id}"


def shared_with(path: str, role: str | None) -> str:
    """The holder of what a unit shares, or the people of a role in it."""
    return f"unit:{path}" if role is None else f"role:{role}@{path}"


def holders(actor: Actor) -> list[str]:
    """All whose phrases the actor may use."""
    found = {own(actor): None}
    for appointment in actor.appointments:
        for path in org.ancestors(appointment.unit_path):
            found |= dict.fromkeys((shared_with(path, None), shared_with(path, appointment.role)))
    return list(found)


def shown(actor: Actor, limit: int, after: str | None) -> Any:
    """The actor's, those shared with the actor, and those that the actor looks after; newest first."""
    rows = _SHOWN.where(_visible(actor)).order_by(phrases.c.id.desc()).limit(limit)
    return rows if after is None else rows.where(phrases.c.id < after)


def one(actor: Actor, phrase_id: str) -> Any:
    """One of these."""
    return _SHOWN.where(_visible(actor), phrases.c.id == phrase_id)


def usable(actor: Actor, process: str, step: str, most: int) -> Any:
    """What the actor may use at a step: one's own before shared ones, those for this step before general
    ones, then the newest."""
    p = phrases.c
    return (
        select(p.id, p.holder, p.text, p.field)
        .where(
            p.holder.in_(holders(actor)),
            or_(p.process.is_(None), p.process == process),
            or_(p.step.is_(None), p.step == step),
        )
        .order_by(p.holder != own(actor), p.step.is_(None), p.process.is_(None), p.id.desc())
        .limit(most)
    )


def _visible(actor: Actor) -> Any:
    looked_after = unit_scope(actor.permissions.get(PHRASE_SHARE, ()), phrases.c.place)
    return or_(phrases.c.holder.in_(holders(actor)), looked_after)
