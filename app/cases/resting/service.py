"""What stops a case and lets it go on, as sentences: 挂起, 激活, 终止, 撤诉, 重新打开."""

from app.cases.advance import Moved, advance
from app.cases.commands.resting import Reopen, Resume, Revoke, Suspend, Terminate
from app.core.once import Once, Stored
from app.identity.actor import Actor


def suspend(
    actor: Actor, case_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """挂起: nothing moves until it is resumed. Raises CaseSuspended, CaseClosed, CaseMerged, Stale …"""
    return advance(Suspend(case_id, reason, seen), actor, request)


def resume(
    actor: Actor, case_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """激活. Raises NotSuspended, Stale …"""
    return advance(Resume(case_id, reason, seen), actor, request)


def terminate(
    actor: Actor, case_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """终止 an active or suspended case. Raises CaseClosed, CaseMerged, ChildOpen, Stale …"""
    return advance(Terminate(case_id, reason, seen), actor, request)


def revoke(actor: Actor, case_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """撤诉 by who filed it. Raises Forbidden, CannotRevoke, CaseClosed …"""
    return advance(Revoke(case_id, reason), actor, request)


def reopen(actor: Actor, case_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """重新打开 an ended case. Raises CannotReopen with why …"""
    return advance(Reopen(case_id, reason), actor, request)
