"""调整优先级, as a sentence."""

from app.cases.advance import Moved, advance
from app.cases.commands import Prioritise
from app.core.once import Once, Stored
from app.identity.actor import Actor


def adjust(
    actor: Actor, case_id: str, priority: int, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """The case moves in every list. Raises CaseClosed, Stale, IfMatchMissing, ReasonRequired."""
    return advance(Prioritise(case_id, priority, reason, seen), actor, request)
