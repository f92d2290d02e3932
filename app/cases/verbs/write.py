"""来信 and 回信: staff write to the resident whom a case is about, at any time; he answers who wrote last."""

from sqlalchemy import bindparam, select

from app.cases.commands.beside import Write
from app.cases.errors import CaseMerged, NothingToAnswer, NotReached
from app.cases.models import LETTER, case_notes, cases
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.cases.verbs.note import keep
from app.core.db import Session
from app.core.errors import NotFound
from app.identity.models import people
from app.identity.permissions import CASE_WRITE
from app.identity.residents import RESIDENT

_REACHED = (
    select(people.c.id)
    .join(cases, cases.c.reporter_id == people.c.id)
    .where(cases.c.id == bindparam("case"), people.c.kind == RESIDENT, people.c.state == "active")
)
_LAST_AUTHOR = (
    select(case_notes.c.author_id)
    .where(case_notes.c.case_id == bindparam("case"), case_notes.c.kind == LETTER)
    .order_by(case_notes.c.id.desc())
    .limit(1)
)


def write(motion: Motion, command: Write) -> None:
    """Keeps the words as those of a note are kept; `to` is told. Raises NotReached, NothingToAnswer …"""
    if motion.case["state"] == "merged":
        raise CaseMerged(link=f"/api/v1/cases/{motion.case['merged_into']}")
    if command.kind == LETTER:
        to = _resident(motion)
        motion.tell("letter.sent", to=to, **keep(motion, command.text, LETTER))
    else:
        to = _author(motion)
        motion.tell("letter.answered", to=to, **keep(motion, command.text, command.kind))


def reached(session: Session, case_id: str) -> str | None:
    """The resident whom a letter of this case would reach: whom it is about, if he has an account."""
    found: str | None = session.scalar(_REACHED, {"case": case_id})
    return found


def _resident(motion: Motion) -> str:
    guard.right(motion, CASE_WRITE)
    found = reached(motion.session, motion.case["id"])
    if found is None:
        raise NotReached
    return found


def _author(motion: Motion) -> str:
    if motion.case["reporter_id"] != motion.actor.id:
        raise NotFound
    author: str | None = motion.session.scalar(_LAST_AUTHOR, {"case": motion.case["id"]})
    if author is None:
        raise NothingToAnswer
    return author
