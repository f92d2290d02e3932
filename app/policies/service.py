"""The policies of a process, each with what it changed of the one before."""

from dataclasses import dataclass

from app.bundles import store
from app.cases.motion import Row
from app.clocks import policies
from app.clocks.policy import Policy
from app.clocks.policy_changes import changes
from app.core.db import reading
from app.core.errors import NotFound
from app.identity.actor import Actor
from app.identity.permissions import PROCESS_READ
from app.identity.scopes import require


@dataclass(frozen=True)
class Told:
    """One policy as its row says. `current`: new cases start with it."""

    row: Row
    changes: list[str]
    current: bool


def every(actor: Actor, key: str) -> list[Told]:
    """All policies of a process, the newest first. Raises PermissionMissing, NotFound."""
    require(actor, PROCESS_READ)
    with reading() as session:
        head = store.head(session, key)
        if head is None:
            raise NotFound
        current = policies.number_of(session, head.version_id)
        rows = [dict(row) for row in policies.of_key(session, key)]
    before = [Policy({}), *(Policy(row["files"]) for row in rows)]
    told = [
        Told(row, changes(was, now), row["number"] == current)
        for row, was, now in zip(rows, before, before[1:], strict=False)
    ]
    return told[::-1]
