"""What staff do beside what is shown: hide a comment with a reason, check people in, change seats, answer."""

from typing import Any

from sqlalchemy import bindparam, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.advance import advance, answered
from app.cases.commands.beside import Amend
from app.cases.models import GOING
from app.core import clock, personal
from app.core.db import Session, reading
from app.core.errors import FieldError
from app.core.once import Once
from app.identity import org
from app.identity.actor import Actor
from app.identity.permissions import PUBLICATION_MANAGE
from app.identity.scopes import hidden
from app.notices import telling
from app.notices.rules import OTHER
from app.notices.telling import Notice
from app.publications import viewing
from app.publications.errors import (
    BookingAnswered,
    NotOffered,
    NotSignedUp,
    PublicationClosed,
    PublicationRefused,
)
from app.publications.models import (
    ASKED,
    BOOKINGS,
    CONFIRMED,
    DECLINED,
    OBJECTED,
    Row,
    bookings,
    comments,
    signups,
)

STREAM = "publications"
"""The audit stream of what staff did to what residents said and did."""

_COMMENT = select(comments).where(
    comments.c.id == bindparam("comment"),
    comments.c.publication_id == bindparam("which"),
    comments.c.state != OBJECTED,  # an objection is answered at its step, neither shown nor hidden
)
_DECIDE = update(comments).where(comments.c.id == bindparam("comment"))
_SIGNED = select(signups).where(
    signups.c.publication_id == bindparam("which"), signups.c.person_id == bindparam("person")
)
_CHECK_IN = update(signups).where(signups.c.id == bindparam("which"), signups.c.checked_in_at.is_(None))
_ANSWER = update(bookings).where(
    bookings.c.id == bindparam("booking"),
    bookings.c.publication_id == bindparam("which"),
    bookings.c.state == ASKED,
)


def decide(
    actor: Actor,
    publication_id: str,
    comment_id: str,
    state: str,
    reason: str = "",
    request: Once | None = None,
) -> Any:
    """A comment is hidden for a reason, or shown (again). Raises NotFound, PermissionMissing."""

    def act(session: Session) -> Row:
        viewing.seen(session, actor, publication_id, PUBLICATION_MANAGE)
        which = {"comment": comment_id, "which": publication_id}
        said = session.execute(_COMMENT, which).mappings().one_or_none()
        if said is None:
            raise hidden(actor, comment_id)
        now, why = clock.now(session), personal.covered(reason) or None
        decided = {"state": state, "decided_at": now, "decided_by": actor.id, "reason": why}
        if said["state"] != state:
            session.execute(_DECIDE.values(**decided), {"comment": comment_id})
            told = {"comment": comment_id, "was": said["state"], "reason": why}
            streams.append(session, Entry(STREAM, f"comment.{state}", actor.id, publication_id, told, now))
        return {"id": comment_id, "publication": publication_id, "state": state}

    return answered(act, request)


def check_in(actor: Actor, publication_id: str, login: str, request: Once | None = None) -> Any:
    """签到: somebody who signed up is there. Once is enough. Raises NotSignedUp, PublicationClosed."""

    def act(session: Session) -> Row:
        row = viewing.seen(session, actor, publication_id, PUBLICATION_MANAGE)
        if row["case_state"] not in GOING:
            raise PublicationClosed
        person = org.person_by_login(session, login)
        which = {"which": publication_id, "person": person.id if person else ""}
        found = session.execute(_SIGNED, which).mappings().one_or_none()
        if found is None:
            raise NotSignedUp(f"“{login}”没有报名。")
        now = clock.now(session)
        came = {"checked_in_at": now, "checked_in_by": actor.id}
        if session.execute(_CHECK_IN.values(**came), {"which": found["id"]}).rowcount:
            told = {"person": found["person_id"], "people": found["people"]}
            streams.append(session, Entry(STREAM, "signup.checked-in", actor.id, publication_id, told, now))
        return {"publication": publication_id, "person": login, "people": found["people"]}

    return answered(act, request)


def set_seats(actor: Actor, publication_id: str, seats: int, reason: str, request: Once | None = None) -> Any:
    """The number of places, in the case itself: its timeline tells who changed it and why.

    Raises SeatsBelowTaken, NotOffered, CaseClosed, PermissionMissing.
    """
    with reading() as session:
        row = viewing.seen(session, actor, publication_id, PUBLICATION_MANAGE)
    name = viewing.meant(row).seats
    if name is None:
        raise NotOffered("这里不用报名。")
    return advance(Amend(row["case_id"], PUBLICATION_MANAGE, {name: seats}, reason), actor, request)


def answer(
    actor: Actor,
    publication_id: str,
    booking_id: str,
    text: str,
    *,
    accepted: bool,
    request: Once | None = None,
) -> Any:
    """A booking is confirmed, or declined with words. Raises BookingAnswered, PublicationRefused."""

    def act(session: Session) -> Row:
        row = viewing.seen(session, actor, publication_id, PUBLICATION_MANAGE)
        if not accepted and not text:
            raise PublicationRefused(
                errors=[FieldError("/text", "required", "不能约定的，请说明原因或另约时间。")]
            )
        now, state = clock.now(session), CONFIRMED if accepted else DECLINED
        said = {
            "state": state,
            "answer": personal.covered(text) or None,
            "answered_at": now,
            "answered_by": actor.id,
        }
        which = {"booking": booking_id, "which": publication_id}
        if not session.execute(_ANSWER.values(**said), which).rowcount:
            raise BookingAnswered
        _tell(session, row, booking_id, said)
        told = {"booking": booking_id}
        streams.append(session, Entry(STREAM, f"booking.{state}", actor.id, publication_id, told, now))
        return {"id": booking_id, "publication": publication_id, "state": state}

    return answered(act, request)


def _tell(session: Session, row: Row, booking_id: str, said: Row) -> None:
    """Who asked for the talk hears the answer."""
    who = session.scalar(select(bookings.c.person_id).where(bookings.c.id == booking_id))
    how, words = BOOKINGS[said["state"]], said["answer"]
    text = f"您在“{row['title']}”的预约{how}" + (f"：{words}" if words else "。")
    notice = Notice(OTHER, text, booking_id, said["answered_at"], row["case_id"], said["answered_by"])
    telling.tell(session, [str(who)], notice)
