"""What staff do beside what is shown, over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.advance import Moved
from app.cases.errors import CaseBusy, CaseClosed, CaseMerged, CaseSuspended, ReasonRequired
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import PUBLICATION_MANAGE
from app.publications import listing, managing
from app.publications.api import answering
from app.publications.errors import (
    BookingAnswered,
    NotOffered,
    NotSignedUp,
    PublicationClosed,
    PublicationRefused,
    SeatsBelowTaken,
)
from app.publications.models import SHOWN
from app.publications.schemas import (
    BookedOut,
    BookingAnswerIn,
    CheckedInOut,
    CheckInIn,
    CommentedOut,
    HideIn,
    SeatsIn,
    SeatsOut,
    SignUpPage,
)

blp = Blueprint(
    "managing-publications", __name__, url_prefix="/api/v1/publications", description="公示的管理"
)


@blp.post("/<id:publication_id>/comments/<id:comment_id>/hide")
@blp.moves
@blp.arguments(HideIn(), example={"reason": "与主题无关"})
@blp.response(200, CommentedOut())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden, CaseBusy)
def hide_comment(body: dict[str, Any], publication_id: str, comment_id: str) -> Response:
    """隐藏一条评论，写明原因；记入审计。"""
    once = answering(200)
    told = managing.decide(actor(), publication_id, comment_id, "hidden", body["reason"], once)
    return idempotent.send(told)


@blp.post("/<id:publication_id>/comments/<id:comment_id>/show")
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, CommentedOut())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden, CaseBusy)
def show_comment(body: dict[str, str], publication_id: str, comment_id: str) -> Response:
    """审核通过一条评论，或恢复显示。"""
    once = answering(200)
    return idempotent.send(managing.decide(actor(), publication_id, comment_id, SHOWN, request=once))


@blp.get("/<id:publication_id>/sign-ups")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, SignUpPage())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden)
def list_sign_ups(query: dict[str, Any], publication_id: str) -> Response:
    """谁报了名、几个人、来了没有。"""
    me = actor()
    load = partial(listing.signed_up, me, publication_id)
    return sent(pages.of_rows(me.id, f"sign-ups:{publication_id}", query, load))


@blp.post("/<id:publication_id>/check-ins")
@blp.moves
@blp.arguments(CheckInIn(), example={"person": "jumin1"})
@blp.response(200, CheckedInOut())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden, NotSignedUp, PublicationClosed, CaseBusy)
def check_in(body: dict[str, Any], publication_id: str) -> Response:
    """签到：报了名的人到了。"""
    return idempotent.send(managing.check_in(actor(), publication_id, body["person"], answering(200)))


@blp.post("/<id:publication_id>/seats")
@blp.moves
@blp.arguments(SeatsIn(), example={"seats": 40, "reason": "换了大一点的场地"})
@blp.response(200, SeatsOut())
@blp.tries(WouldOut)
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(
    NotFound,
    Forbidden,
    NotOffered,
    SeatsBelowTaken,
    ReasonRequired,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    CaseBusy,
)
def set_seats(body: dict[str, Any], publication_id: str) -> Response:
    """调整名额，写明原因；不能少于已经报名的人数；办件的时间线上有一行。"""

    def render(moved: Moved) -> Stored:
        told = {"publication": publication_id, "case": moved.case["id"], "seats": body["seats"]}
        return idempotent.stored(200, told)

    once = idempotent.once(render)
    return idempotent.send(managing.set_seats(actor(), publication_id, body["seats"], body["reason"], once))


@blp.post("/<id:publication_id>/bookings/<id:booking_id>/answer")
@blp.moves
@blp.arguments(BookingAnswerIn(), example={"accepted": True, "text": "请到社区服务站。"})
@blp.response(200, BookedOut())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden, BookingAnswered, PublicationRefused, CaseBusy)
def answer_booking(body: dict[str, Any], publication_id: str, booking_id: str) -> Response:
    """答复一个预约：约定，或说明为什么不行。"""
    accepted, text, once = body["accepted"], body["text"], answering(200)
    told = managing.answer(actor(), publication_id, booking_id, text, accepted=accepted, request=once)
    return idempotent.send(told)
