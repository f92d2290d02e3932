"""The mailbox over HTTP: everybody's own."""

from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields

from app.core.db import reading
from app.core.errors import IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING, Answers, Flag, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import CursorInvalid, PageOut, PageQuery
from app.core.once import Stored
from app.identity.door import actor
from app.notices import mailbox
from app.notices.mailbox import ChoiceRefused

blp = Blueprint("notices", __name__, url_prefix="/api/v1", description="通知")


class NoticeQuery(PageQuery):
    """Which of my notices."""

    kind = Text(
        40, load_default=None, data_key="class", metadata={"description": "只看这一类，合并起来的也逐条列出"}
    )
    within = Text(64, load_default=None, metadata={"description": "汇总的一条里有哪些"})
    unread = OneOf(("true",), load_default=None, metadata={"description": "只看未读的"})


class NoticeOut(Schema):
    """One notice. `count` more than 1: it stands for so many, listed by `within`."""

    id = fields.String(required=True)
    kind = fields.String(required=True, data_key="class")
    class_label = fields.String(required=True)
    text = fields.String(required=True)
    case = fields.String(required=True, allow_none=True)
    case_number = fields.String(required=True, allow_none=True)
    case_title = fields.String(required=True, allow_none=True)
    by = fields.String(required=True, allow_none=True)
    urgent = fields.Boolean(required=True)
    at = Moment(required=True)
    told_at = Moment(required=True)
    read_at = Moment(required=True, allow_none=True)
    count = fields.Integer(required=True)
    within = fields.String(required=True, allow_none=True)


class NoticePage(Schema):
    """A page of notices, newest first."""

    items = ListOf(Shape(NoticeOut), required=True)
    page = Shape(PageOut, required=True)


class UnreadOut(Schema):
    """A count, exact to 999."""

    count = fields.Integer(required=True)
    total_exact = fields.Boolean(required=True, attribute="totalExact")


class ClassCountOut(Schema):
    """How many of a class are unread."""

    kind = fields.String(required=True, data_key="class")
    label = fields.String(required=True)
    count = fields.Integer(required=True)


class NoticeCountsOut(Schema):
    """What the bell shows."""

    unread = Shape(UnreadOut, required=True)
    urgent = fields.Integer(required=True)
    classes = ListOf(Shape(ClassCountOut), required=True)


class ReadIn(Schema):
    """What I have read."""

    kind = Text(40, load_default=None, data_key="class", metadata={"description": "只这一类；不写就是全部"})
    until = Moment(
        load_default=None,
        metadata={"description": "到这一刻为止收到的；不写就是现在"},
    )


class ChannelOut(Schema):
    """A channel that may be chosen."""

    channel = fields.String(required=True)
    label = fields.String(required=True)


class ClassOut(Schema):
    """A class, and whether I hear of it."""

    kind = fields.String(required=True, data_key="class")
    label = fields.String(required=True)
    urgent = fields.Boolean(required=True)
    must = fields.Boolean(required=True)
    wanted = fields.Boolean(required=True)


class WishesOut(Schema):
    """How I am told, and of what."""

    channels = ListOf(fields.String(), required=True)
    digest = fields.Boolean(required=True)
    quiet = fields.Boolean(required=True)
    revision = fields.Integer(required=True)
    available = ListOf(Shape(ChannelOut), required=True)
    classes = ListOf(Shape(ClassOut), required=True)


class WishesIn(Schema):
    """How I want to be told. Classes that are not named stay as they are."""

    channels = ListOf(Text(40, least=1), most=10, required=True, metadata={"description": "信箱以外的渠道"})
    digest = Flag(required=True, metadata={"description": "同时有好几条时合成一条"})
    quiet = Flag(required=True, metadata={"description": "工作时间以外只告诉紧急的"})
    classes = Answers(load_default=dict, metadata={"description": "类别 → true 要、false 不要"})


@blp.get("/notices")
@blp.everybody
@blp.arguments(NoticeQuery(), location="query")
@blp.response(200, NoticePage())
@blp.problems(CursorInvalid)
def list_notices(query: dict[str, Any]) -> Response:
    """我的通知，新的在前；合并起来的只列一条，用 within 展开。"""
    me, kind, within = actor(), query["kind"], query["within"]
    unread = query["unread"] is not None
    name = f"notices:{kind}:{within}:{unread}"
    found = pages.after(me.id, name, query["after"], 2)
    after = (datetime.fromisoformat(found[0]), str(found[1])) if found else None
    with reading() as session:
        rows = mailbox.page(session, me, query["limit"], after, kind=kind, within=within, unread=unread)
    return sent(
        pages.page(
            rows,
            query["limit"],
            principal=me.id,
            view=name,
            keys=lambda row: [row["tell_at"].isoformat(), row["id"]],
            item=mailbox.view,
        )
    )


@blp.get("/notices/counts")
@blp.everybody
@blp.response(200, NoticeCountsOut())
def count_notices() -> Response:
    """未读的通知有多少：铃铛上的数，和每一类的数。"""
    with reading() as session:
        return sent(mailbox.counts(session, actor()))


@blp.post("/notices/<id:notice_id>/read")
@blp.everybody
@blp.moves
@blp.arguments(NOTHING)
@blp.response(200, NoticeCountsOut())
@blp.problems(NotFound)
def read_notice(body: dict[str, Any], notice_id: str) -> Response:
    """已读一条通知，连同合并在里面的；回答还有多少未读。"""
    me = actor()
    return idempotent.write(lambda session: mailbox.read(session, me, notice_id), _counted)


@blp.post("/notices/read")
@blp.everybody
@blp.moves
@blp.arguments(ReadIn(), example={"until": "2026-03-02T09:00:00+08:00"})
@blp.response(200, NoticeCountsOut())
def read_notices(body: dict[str, Any]) -> Response:
    """全部已读，或这一类已读；回答还有多少未读。"""
    me = actor()
    return idempotent.write(
        lambda session: mailbox.read_all(session, me, body["kind"], body["until"]), _counted
    )


@blp.get("/notice-settings")
@blp.everybody
@blp.response(200, WishesOut())
def get_wishes() -> Response:
    """我怎样接收通知：渠道、汇总、免打扰，每一类要不要。"""
    with reading() as session:
        found = mailbox.wishes(session, actor())
    return sent(found, headers=etag.etag(found["revision"]))


@blp.put("/notice-settings")
@blp.everybody
@blp.moves
@blp.if_match
@blp.arguments(WishesIn(), example={"channels": [], "digest": True, "quiet": True, "classes": {"pool": True}})
@blp.response(200, WishesOut())
@blp.problems(ChoiceRefused, IfMatchMissing, Stale)
def choose_wishes(body: dict[str, Any]) -> Response:
    """修改我怎样接收通知；必须接收的类别不能关掉。"""
    me, seen = actor(), etag.if_match()
    return idempotent.write(
        lambda session: mailbox.choose(session, me, seen, body),
        lambda found: idempotent.stored(200, found, etag.etag(found["revision"])),
    )


def _counted(found: dict[str, Any]) -> Stored:
    return idempotent.stored(200, found)
