"""催办, as a sentence."""

from app.cases.advance import Moved, advance
from app.cases.commands import Urge
from app.core.once import Once, Stored
from app.identity.actor import Actor


def urge(actor: Actor, task_id: str, text: str, request: Once | None = None) -> Moved | Stored:
    """催办 a case by one of its tasks. Raises UrgedEnough, PermissionMissing, CaseClosed …"""
    return advance(Urge(task_id, text), actor, request)
