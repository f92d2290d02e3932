"""What people were told, as tests ask for it."""

from typing import Any

from app.core import db
from app.identity import org
from app.notices.models import notices
from tests.world import World


def told(world: World, **which: Any) -> list[tuple[str, str, str]]:
    """(who, class, text) of every notice, in the order in which they came."""
    rows = world.rows(notices, **which)
    with db.reading() as session:
        found = [(org.name_of(session, row["person_id"]), row["kind"], row["text"]) for row in rows]
    return sorted(found)
