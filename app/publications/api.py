"""What is shown to residents, over HTTP: lists and one of them, and what residents do with it."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.attachments.api import as_download
from app.cases.attachments.errors import AttachmentDamaged, StorageUnavailable
from app.cases.errors import CaseBusy
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING
from app.core.once import Once
from app.identity.door import actor
from app.identity.permissions import PUBLICATION_MANAGE, PUBLICATION_READ
from app.publications import acting, files, listing, looking, objecting, viewing
from app.publications.errors import (
    AlreadyObjected,
    AlreadySignedUp,
    AlreadyStarred,
    BookingAnswered,
    BookingsEnough,
    NotAttended,
    NotOffered,
    NotSignedUp,
    ObjectionsOver,
    PublicationClosed,
    PublicationRefused,
    SeatsTaken,
    SignUpOver,
)
from app.publications.schemas import (
    BookedOut,
    BookingIn,
    BookingPage,
    CommentedOut,
    CommentIn,
    CommentPage,
    LikedOut,
    PublicationOut,
    PublicationPage,
    PublicationQuery,
    RatedOut,
    SignedUpOut,
    SignUpIn,
    StarsIn,
)
from app.publications.searching import PlaceRefused

blp = Blueprint("publications", __name__, url_prefix="/api/v1/publications", description="公示和居民互动")


def answering(status: int) -> Once:
    """The identity of this request; its answer is what the act tells."""
    return idempotent.once(partial(idempotent.stored, status))


@blp.get("")
@blp.everybody
@blp.arguments(PublicationQuery(), location="query")
@blp.response(200, PublicationPage())
@blp.needs(PUBLICATION_READ)
@blp.problems(PlaceRefused)
def list_publications(query: dict[str, Any]) -> Response:
    """给居民看的，新的在前：居民看对他公开的，工作人员看范围内办件的；按栏目、类别、状态、文字、位置查。"""
    me = actor()
    asked = {name: value for name, value in query.items() if name not in ("limit", "after")}
    view = "publications:" + ":".join(f"{name}={value}" for name, value in sorted(asked.items()) if value)
    return sent(pages.of_rows(me.id, view, query, partial(viewing.page, me, asked)))


@blp.get("/<id:publication_id>")
@blp.everybody
@blp.response(200, PublicationOut())
@blp.needs(PUBLICATION_READ)
@blp.problems(NotFound, Forbidden)
def get_publication(publication_id: str) -> Response:
    """一件：此刻的内容、赞数、评论数、星级、名额，我做过什么；居民、观察员看了，一人一天算一次。"""
    return sent(looking.look(actor(), publication_id))


@blp.get("/<id:publication_id>/files/<id:attachment_id>")
@blp.everybody
@blp.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
@blp.needs(PUBLICATION_READ)
@blp.problems(NotFound, Forbidden, AttachmentDamaged, StorageUnavailable)
def get_shown_file(publication_id: str, attachment_id: str) -> Response:
    """下载公示内容里的一个附件。"""
    return as_download(*files.opened(actor(), publication_id, attachment_id))


@blp.post("/<id:publication_id>/like")
@blp.residents
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, LikedOut())
@blp.problems(NotFound, NotOffered, PublicationClosed, CaseBusy)
def like(body: dict[str, str], publication_id: str) -> Response:
    """点赞；一人一次，再点一次也是一次。"""
    return idempotent.send(acting.like(actor(), publication_id, answering(200)))


@blp.delete("/<id:publication_id>/like")
@blp.residents
@blp.moves
@blp.response(200, LikedOut())
@blp.problems(NotFound, PublicationClosed, CaseBusy)
def unlike(publication_id: str) -> Response:
    """取消点赞。"""
    return idempotent.send(acting.unlike(actor(), publication_id, answering(200)))


@blp.get("/<id:publication_id>/comments")
@blp.everybody
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, CommentPage())
@blp.needs(PUBLICATION_READ)
@blp.problems(NotFound, Forbidden)
def list_comments(query: dict[str, Any], publication_id: str) -> Response:
    """评论，新的在前：居民看显示着的和自己的，工作人员看全部。"""
    me = actor()
    load = partial(listing.said, me, publication_id)
    return sent(pages.of_rows(me.id, f"comments:{publication_id}", query, load))


@blp.post("/<id:publication_id>/comments")
@blp.everybody
@blp.moves
@blp.arguments(CommentIn(), example={"text": "希望多办几次。"})
@blp.response(201, CommentedOut())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden, NotOffered, PublicationClosed, CaseBusy)
def comment(body: dict[str, Any], publication_id: str) -> Response:
    """评论；要审核的，审核以后别人才看得到。工作人员在自己的范围内也可以说，标明是工作人员。"""
    return idempotent.send(acting.comment(actor(), publication_id, body["text"], answering(201)))


@blp.post("/<id:publication_id>/objections")
@blp.residents
@blp.moves
@blp.arguments(CommentIn(), example={"text": "占了消防通道。"})
@blp.response(201, CommentedOut())
@blp.problems(NotFound, NotOffered, ObjectionsOver, AlreadyObjected, CaseBusy)
def objection(body: dict[str, Any], publication_id: str) -> Response:
    """提异议：公示期内，一人一轮一次；工作人员收到通知，在评论里看得到，别的居民看不到。"""
    return idempotent.send(objecting.object_to(actor(), publication_id, body["text"], answering(201)))


@blp.post("/<id:publication_id>/ratings")
@blp.residents
@blp.moves
@blp.arguments(StarsIn(), example={"stars": {"活动内容": 5, "活动安排": 4}, "text": "很好。"})
@blp.response(201, RatedOut())
@blp.problems(
    NotFound, NotOffered, NotAttended, PublicationClosed, AlreadyStarred, PublicationRefused, CaseBusy
)
def rate(body: dict[str, Any], publication_id: str) -> Response:
    """评星：每个方面 1 到 5 星，一人评一次，不能改。"""
    told = acting.rate(actor(), publication_id, body["stars"], body["text"], answering(201))
    return idempotent.send(told)


@blp.post("/<id:publication_id>/sign-up")
@blp.residents
@blp.moves
@blp.arguments(SignUpIn(), example={"companions": 1})
@blp.response(201, SignedUpOut())
@blp.problems(NotFound, NotOffered, PublicationClosed, SignUpOver, SeatsTaken, AlreadySignedUp, CaseBusy)
def sign_up(body: dict[str, Any], publication_id: str) -> Response:
    """报名：自己和同行的人，名额不够就一个也不占。"""
    return idempotent.send(acting.sign_up(actor(), publication_id, body["companions"], answering(201)))


@blp.delete("/<id:publication_id>/sign-up")
@blp.residents
@blp.moves
@blp.response(200, SignedUpOut())
@blp.problems(NotFound, NotOffered, PublicationClosed, SignUpOver, NotSignedUp, CaseBusy)
def cancel_sign_up(publication_id: str) -> Response:
    """取消报名，名额让出来。"""
    return idempotent.send(acting.cancel(actor(), publication_id, answering(200)))


@blp.get("/<id:publication_id>/bookings")
@blp.everybody
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, BookingPage())
@blp.needs(PUBLICATION_MANAGE)
@blp.problems(NotFound, Forbidden)
def list_bookings(query: dict[str, Any], publication_id: str) -> Response:
    """预约，新的在前：居民看自己的，工作人员看全部。"""
    me = actor()
    load = partial(listing.booked, me, publication_id)
    return sent(pages.of_rows(me.id, f"bookings:{publication_id}", query, load))


@blp.post("/<id:publication_id>/bookings")
@blp.residents
@blp.moves
@blp.arguments(BookingIn(), example={"wantedAt": "2026-03-05T10:00:00+08:00", "text": "想谈谈楼道照明。"})
@blp.response(201, BookedOut())
@blp.problems(NotFound, NotOffered, PublicationClosed, BookingsEnough, PublicationRefused, CaseBusy)
def book(body: dict[str, Any], publication_id: str) -> Response:
    """预约交流：什么时候，谈什么。"""
    told = acting.book(actor(), publication_id, body["wanted_at"], body["text"], answering(201))
    return idempotent.send(told)


@blp.delete("/<id:publication_id>/bookings/<id:booking_id>")
@blp.residents
@blp.moves
@blp.response(200, BookedOut())
@blp.problems(NotFound, BookingAnswered, CaseBusy)
def cancel_booking(publication_id: str, booking_id: str) -> Response:
    """取消自己的预约。"""
    return idempotent.send(acting.cancel_booking(actor(), publication_id, booking_id, answering(200)))
