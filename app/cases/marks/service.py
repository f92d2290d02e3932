"""关注 keeps somebody's eyes on a case, also when it moves away; 收藏 is a bookmark that lets nobody in."""

from typing import Any

from sqlalchemy import bindparam, delete, literal

from app.audit import streams
from app.audit.streams import Entry
from app.cases import viewing
from app.cases.errors import CaseClosed
from app.cases.models import GOING, favourites
from app.core import clock, dialects
from app.core.db import Session
from app.identity.actor import Actor
from app.identity.models import case_access

FOLLOWED = "followed"

_UNFOLLOW = delete(case_access).where(
    case_access.c.case_id == bindparam("case"),
    case_access.c.holder == bindparam("holder"),
    case_access.c.reason == literal(FOLLOWED),
)
_FORGET = delete(favourites).where(
    favourites.c.person_id == bindparam("person"), favourites.c.case_id == bindparam("case")
)


def follow(session: Session, actor: Actor, case_id: str) -> dict[str, Any]:
    """关注 a case one sees. Raises NotFound, and CaseClosed: nothing more will happen to it."""
    case = viewing.visible(session, actor, case_id)
    if case["state"] not in GOING:
        raise CaseClosed(link=f"/api/v1/cases/{case_id}")
    row = {"case_id": case_id, "holder": f"person:{actor.id}", "reason": FOLLOWED}
    if session.execute(dialects.insert_ignore(session.dialect, case_access), row).rowcount:
        _tell(session, actor, case_id, "case.followed")
    return _marks(session, actor, case_id)


def unfollow(session: Session, actor: Actor, case_id: str) -> dict[str, Any]:
    """Takes the 关注 back; whoever saw the case only by it sees it no more."""
    viewing.visible(session, actor, case_id)
    if session.execute(_UNFOLLOW, {"case": case_id, "holder": f"person:{actor.id}"}).rowcount:
        _tell(session, actor, case_id, "case.unfollowed")
    return _marks(session, actor, case_id)


def keep(session: Session, actor: Actor, case_id: str) -> dict[str, Any]:
    """收藏 a case one sees, closed ones too. Raises NotFound."""
    viewing.visible(session, actor, case_id)
    row = {"person_id": actor.id, "case_id": case_id, "at": clock.now(session)}
    session.execute(dialects.insert_ignore(session.dialect, favourites), row)
    return _marks(session, actor, case_id)


def forget(session: Session, actor: Actor, case_id: str) -> dict[str, Any]:
    """Takes the 收藏 back."""
    viewing.visible(session, actor, case_id)
    session.execute(_FORGET, {"person": actor.id, "case": case_id})
    return _marks(session, actor, case_id)


def _marks(session: Session, actor: Actor, case_id: str) -> dict[str, Any]:
    return {"case": case_id, **viewing.marks(session, actor, case_id)}


def _tell(session: Session, actor: Actor, case_id: str, kind: str) -> None:
    """Who may see a case has changed: that is told to the audit."""
    streams.append(session, Entry(streams.ADMIN, kind, actor.id, case_id, {}, clock.now(session)))
