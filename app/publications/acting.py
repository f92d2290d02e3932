"""What residents do with what they are shown: like, comment, rate once, sign up for seats, ask for a talk."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.bundles.publishing import ATTENDEES, REVIEWED, SIGNED
from app.cases.advance import answered
from app.core import clock, dialects, events, personal
from app.core.db import Session
from app.core.errors import FieldError
from app.core.events import Event
from app.core.ids import new_id
from app.core.once import Once
from app.identity.actor import Actor
from app.identity.permissions import PUBLICATION_MANAGE, PUBLICATION_READ
from app.identity.residents import RESIDENT
from app.publications import models, viewing
from app.publications.errors import (
    AlreadySignedUp,
    AlreadyStarred,
    BookingAnswered,
    BookingsEnough,
    NotAttended,
    NotOffered,
    NotSignedUp,
    PublicationClosed,
    PublicationRefused,
    SeatsTaken,
    SignUpOver,
)
from app.publications.models import (
    ASKED,
    CANCELLED,
    OPEN,
    PENDING,
    SHOWN,
    Row,
    bookings,
    likes,
    signups,
    stars,
)

MOST_COMPANIONS = 9
MOST_OPEN_BOOKINGS = 3

_UNLIKE = delete(likes).where(
    likes.c.publication_id == bindparam("which"), likes.c.person_id == bindparam("me")
)
_SIGNED = select(signups).where(
    signups.c.publication_id == bindparam("which"), signups.c.person_id == bindparam("me")
)
_LEAVE = delete(signups).where(signups.c.id == bindparam("which"))
_TAKE = (
    update(models.publications)
    .where(models.publications.c.id == bindparam("which"))
    .values(taken=models.publications.c.taken + bindparam("more"))
)
BOOKED, BOOKING_CANCELLED = "publication.booked", "publication.booking_cancelled"

_ASKED = (
    select(func.count())
    .select_from(bookings)
    .where(
        bookings.c.publication_id == bindparam("which"),
        bookings.c.person_id == bindparam("me"),
        bookings.c.state == ASKED,
    )
)
_CANCEL = (
    update(bookings)
    .where(
        bookings.c.id == bindparam("booking"),
        bookings.c.publication_id == bindparam("which"),
        bookings.c.person_id == bindparam("me"),
        bookings.c.state.in_((ASKED, models.CONFIRMED)),
    )
    .values(state=CANCELLED)
)


def like(actor: Actor, publication_id: str, request: Once | None = None) -> Any:
    """点赞, however often once. Raises NotOffered, PublicationClosed, NotFound."""

    def act(session: Session) -> Row:
        row = _open(session, actor, publication_id)
        if not viewing.meant(row).likes:
            raise NotOffered("这里不能点赞。")
        new = {"publication_id": publication_id, "person_id": actor.id, "at": clock.now(session)}
        session.execute(dialects.insert_ignore(session.dialect, likes), new)
        return {"publication": publication_id, "liked": True}

    return answered(act, request)


def unlike(actor: Actor, publication_id: str, request: Once | None = None) -> Any:
    """取消点赞."""

    def act(session: Session) -> Row:
        _open(session, actor, publication_id)
        session.execute(_UNLIKE, {"which": publication_id, "me": actor.id})
        return {"publication": publication_id, "liked": False}

    return answered(act, request)


def comment(actor: Actor, publication_id: str, text: str, request: Once | None = None) -> Any:
    """评论: shown at once, or after staff have looked at it; what staff say is looked at already. Personal
    numbers are covered. Raises NotOffered, PublicationClosed, PermissionMissing."""

    def act(session: Session) -> Row:
        row = _open(session, actor, publication_id, PUBLICATION_MANAGE)
        if viewing.meant(row).comments is None:
            raise NotOffered("这里不能评论。")
        return _say(session, actor, row, text, rating=False)

    return answered(act, request)


def rate(
    actor: Actor, publication_id: str, given: Mapping[str, int], text: str = "", request: Once | None = None
) -> Any:
    """评星: every aspect once, with words if one likes.

    Raises AlreadyStarred, NotAttended, PublicationRefused naming the aspect.
    """

    def act(session: Session) -> Row:
        row = _open(session, actor, publication_id)
        rule = viewing.meant(row)
        if not rule.ratings:
            raise NotOffered("这里不能评星。")
        signed = session.execute(_SIGNED, {"which": publication_id, "me": actor.id}).mappings().one_or_none()
        if rule.rated_by in (SIGNED, ATTENDEES) and signed is None:
            raise NotAttended("报了名的人才能评。")
        if rule.rated_by == ATTENDEES and signed is not None and signed["checked_in_at"] is None:
            raise NotAttended("签了到的人才能评。")
        _check_aspects(rule.ratings, given)
        now = clock.now(session)
        about = {"publication_id": publication_id, "person_id": actor.id, "at": now}
        try:
            session.execute(
                insert(stars), [{**about, "aspect": each, "stars": given[each]} for each in rule.ratings]
            )
        except IntegrityError:
            raise AlreadyStarred from None
        if text:
            _say(session, actor, row, text, rating=True)
        return {"publication": publication_id, "rated": True}

    return answered(act, request)


def sign_up(actor: Actor, publication_id: str, companions: int = 0, request: Once | None = None) -> Any:
    """报名, for oneself and those who come along: all of them or none.

    Raises SeatsTaken with how many are left, SignUpOver, AlreadySignedUp.
    """

    def act(session: Session) -> Row:
        viewing.seen(session, actor, publication_id)
        row = _locked_for_seats(session, publication_id)
        if session.execute(_SIGNED, {"which": publication_id, "me": actor.id}).first() is not None:
            raise AlreadySignedUp
        people, left = companions + 1, _left(row)
        if left is not None and people > left:
            told = "报满了。" if left == 0 else f"只剩 {left} 个名额，报不下 {people} 人。"
            raise SeatsTaken(told, left=left)
        new = {
            "id": new_id(),
            "publication_id": publication_id,
            "person_id": actor.id,
            "people": people,
            "at": clock.now(session),
        }
        session.execute(insert(signups), new)
        session.execute(_TAKE, {"which": publication_id, "more": people})
        return {"publication": publication_id, "people": people, "left": _less(left, people)}

    return answered(act, request)


def cancel(actor: Actor, publication_id: str, request: Once | None = None) -> Any:
    """取消报名: the seats are free again. Raises NotSignedUp, SignUpOver."""

    def act(session: Session) -> Row:
        viewing.seen(session, actor, publication_id)
        row = _locked_for_seats(session, publication_id)
        mine = session.execute(_SIGNED, {"which": publication_id, "me": actor.id}).mappings().one_or_none()
        if mine is None:
            raise NotSignedUp
        if mine["checked_in_at"] is not None:
            raise SignUpOver("已经签到，不能取消。")
        session.execute(_LEAVE, {"which": mine["id"]})
        session.execute(_TAKE, {"which": publication_id, "more": -mine["people"]})
        return {"publication": publication_id, "people": 0, "left": _less(_left(row), -mine["people"])}

    return answered(act, request)


def book(
    actor: Actor, publication_id: str, wanted_at: datetime, text: str, request: Once | None = None
) -> Any:
    """预约交流: when, and what about; whoever has the case in hand is told.

    Raises NotOffered, BookingsEnough, PublicationRefused."""

    def act(session: Session) -> Row:
        row = _open(session, actor, publication_id)
        if not viewing.meant(row).bookings:
            raise NotOffered("这里不能预约。")
        now = clock.now(session)
        if wanted_at <= now:
            raise PublicationRefused(errors=[FieldError("/wantedAt", "past", "预约的时间应晚于现在。")])
        if int(session.scalar(_ASKED, {"which": publication_id, "me": actor.id}) or 0) >= MOST_OPEN_BOOKINGS:
            raise BookingsEnough
        new = {
            "id": new_id(),
            "publication_id": publication_id,
            "person_id": actor.id,
            "wanted_at": wanted_at,
            "text": personal.covered(text),
            "state": ASKED,
            "at": now,
        }
        session.execute(insert(bookings), new)
        at = f"{wanted_at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}"
        told = {"title": row["title"], "by": actor.name, "at": at, "text": new["text"]}
        events.publish(session, [Event(BOOKED, row["case_id"], now, actor.id, told)])
        return {"id": new["id"], "publication": publication_id, "state": ASKED}

    return answered(act, request)


def cancel_booking(actor: Actor, publication_id: str, booking_id: str, request: Once | None = None) -> Any:
    """取消预约, one's own; told as the booking was. Raises BookingAnswered."""

    def act(session: Session) -> Row:
        row = viewing.seen(session, actor, publication_id)
        which = {"booking": booking_id, "which": publication_id, "me": actor.id}
        if not session.execute(_CANCEL, which).rowcount:
            raise BookingAnswered
        told = {"title": row["title"], "by": actor.name}
        gone = Event(BOOKING_CANCELLED, row["case_id"], clock.now(session), actor.id, told)
        events.publish(session, [gone])
        return {"id": booking_id, "publication": publication_id, "state": CANCELLED}

    return answered(act, request)


def _open(session: Session, actor: Actor, publication_id: str, permission: str = PUBLICATION_READ) -> Row:
    """What one sees and may still do something with; staff need the permission.

    Raises PublicationClosed, NotFound, PermissionMissing.
    """
    row = viewing.seen(session, actor, publication_id, permission)
    if row["stands"] != OPEN:
        raise PublicationClosed
    return row


def _locked_for_seats(session: Session, publication_id: str) -> Row:
    row = models.locked(session, publication_id)
    assert row is not None  # it was seen a moment ago, and rows are never deleted
    if viewing.meant(row).seats is None:
        raise NotOffered("这里不用报名。")
    if row["stands"] != OPEN:
        raise PublicationClosed
    if row["until"] is not None and clock.now(session) > row["until"]:
        raise SignUpOver
    return row


def _left(row: Row) -> int | None:
    return max(0, row["seats"] - row["taken"]) if row["seats"] is not None else None


def _less(left: int | None, taken: int) -> int | None:
    return left - taken if left is not None else None


def _check_aspects(aspects: tuple[str, ...], given: Mapping[str, int]) -> None:
    errors = [
        FieldError(f"/stars/{each}", "aspect-missing", f"请给“{each}”评星。")
        for each in aspects
        if each not in given
    ]
    known = "、".join(aspects)
    errors += [
        FieldError(f"/stars/{each}", "aspect-unknown", f"没有这个方面；有：{known}。")
        for each in given
        if each not in aspects
    ]
    if errors:
        raise PublicationRefused("评星不完整。", errors=errors)


def _say(session: Session, actor: Actor, row: Row, text: str, *, rating: bool) -> Row:
    reviewed = viewing.meant(row).comments == REVIEWED and actor.kind == RESIDENT
    new = {
        "id": new_id(),
        "publication_id": row["id"],
        "person_id": actor.id,
        "text": personal.covered(text),
        "rating": rating,
        "state": PENDING if reviewed else SHOWN,
        "at": clock.now(session),
    }
    session.execute(insert(models.comments), new)
    return {"id": new["id"], "publication": row["id"], "state": new["state"]}
