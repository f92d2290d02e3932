"""What publications/api.py takes and gives."""

from marshmallow import fields

from app.core.http.fields import Answers, Flag, Identifier, ListOf, Moment, OneOf, Schema, Shape, Text, Whole
from app.core.http.pages import PageOut, PageQuery
from app.publications.acting import MOST_COMPANIONS
from app.publications.models import BOOKINGS, COMMENTS, STANDS
from app.publications.searching import MINE


class PublicationQuery(PageQuery):
    """Which publications."""

    section = Text(60, load_default=None)
    category = Text(200, load_default=None)
    status = Text(60, load_default=None, metadata={"description": "对外的状态"})
    state = OneOf(tuple(STANDS), load_default=None)
    words = Text(100, load_default=None, metadata={"description": "标题和内容里的文字，空格分开的都要有"})
    bbox = Text(100, load_default=None, metadata={"description": "地图的一块：西,南,东,北"})
    near = Text(100, load_default=None, metadata={"description": "附近：经度,纬度,米"})
    process = Identifier(60, load_default=None)
    case = Identifier(64, load_default=None)
    offered = OneOf(
        ("true", "false"),
        load_default=None,
        metadata={"description": "true：还能选的，没有结束、截止、报满；工作人员也看得到对全体居民公开的"},
    )
    about = Text(
        60,
        load_default=None,
        metadata={"description": "一件的编号：写着这个编号的（站点的项目、项目的站点、活动的点单）"},
    )
    mine = OneOf(tuple(MINE), load_default=None, metadata={"description": "居民本人点过赞、报过名……的"})


class CommentIn(Schema):
    """What somebody says."""

    text = Text(500, least=1, lines=True, required=True)


class StarsIn(Schema):
    """Stars for each aspect, and words."""

    stars = Answers(keys=Text(30, least=1), values=Whole(1, 5), required=True, least=1, most=10)
    text = Text(500, lines=True, load_default="")


class SignUpIn(Schema):
    """How many come along."""

    companions = Whole(0, MOST_COMPANIONS, load_default=0, metadata={"description": "同行几人"})


class BookingIn(Schema):
    """When, and what about."""

    wanted_at = Moment(required=True)
    text = Text(500, least=1, lines=True, required=True)


class HideIn(Schema):
    """Why a comment is hidden."""

    reason = Text(500, least=1, required=True)


class CheckInIn(Schema):
    """Who is there."""

    person = Text(60, least=1, required=True, metadata={"description": "居民账号"})


class SeatsIn(Schema):
    """How many places there are now, and why."""

    seats = Whole(0, 100_000, required=True)
    reason = Text(500, least=1, required=True)


class BookingAnswerIn(Schema):
    """Whether the time suits."""

    accepted = Flag(required=True)
    text = Text(500, lines=True, load_default="")


class LikedOut(Schema):
    """Whether I like it."""

    publication = fields.String(required=True)
    liked = fields.Boolean(required=True)


class RatedOut(Schema):
    """That I have rated it."""

    publication = fields.String(required=True)
    rated = fields.Boolean(required=True)


class CommentedOut(Schema):
    """A comment, and whether others see it."""

    id = fields.String(required=True)
    publication = fields.String(required=True)
    state = OneOf(tuple(COMMENTS), required=True)


class SignedUpOut(Schema):
    """For how many I have signed up, and how many places are left; null without a limit."""

    publication = fields.String(required=True)
    people = fields.Integer(required=True)
    left = fields.Integer(required=True, allow_none=True)


class CheckedInOut(Schema):
    """Who is there, with how many."""

    publication = fields.String(required=True)
    person = fields.String(required=True)
    people = fields.Integer(required=True)


class SeatsOut(Schema):
    """How many places there are."""

    publication = fields.String(required=True)
    case = fields.String(required=True)
    seats = fields.Integer(required=True)


class BookedOut(Schema):
    """A booking."""

    id = fields.String(required=True)
    publication = fields.String(required=True)
    state = OneOf(tuple(BOOKINGS), required=True)


class FieldOut(Schema):
    """What is shown of the case: the value, and what one reads. Of files the list of them."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    type = fields.String(required=True)
    value = fields.Raw(required=True)
    text = fields.String(required=True)


class ShownPointOut(Schema):
    """Where it is."""

    lng = fields.Float(required=True)
    lat = fields.Float(required=True)


class AspectOut(Schema):
    """The mean of one aspect, and of how many people."""

    aspect = fields.String(required=True)
    mean = fields.Float(required=True, allow_none=True)
    people = fields.Integer(required=True)


class RatingsOut(Schema):
    """Stars; `by` says who may give them."""

    by = OneOf(("everyone", "signed", "attendees"), required=True)
    mean = fields.Float(required=True, allow_none=True)
    people = fields.Integer(required=True)
    aspects = ListOf(Shape(AspectOut), required=True)


class SeatsView(Schema):
    """Places; `seats` and `left` are null without a limit, `said` is read: 报名中, 报满, 报名已截止."""

    seats = fields.Integer(required=True, allow_none=True)
    taken = fields.Integer(required=True)
    left = fields.Integer(required=True, allow_none=True)
    full = fields.Boolean(required=True)
    until = Moment(required=True, allow_none=True)
    over = fields.Boolean(required=True)
    said = fields.String(required=True)
    checked_in = fields.Integer(required=True)


class MyPartOut(Schema):
    """What I did with it; `signedUp` is for how many people."""

    liked = fields.Boolean(required=True)
    rated = fields.Boolean(required=True)
    signed_up = fields.Integer(required=True, allow_none=True)
    checked_in = fields.Boolean(required=True)


class PublicationOut(Schema):
    """What is shown of a case. Numbers are null where the thing is not offered; `mine` for residents."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    name = fields.String(required=True)
    section = fields.String(required=True)
    title = fields.String(required=True)
    category = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, allow_none=True)
    state = OneOf(tuple(STANDS), required=True)
    audience = OneOf(("everyone", "members"), required=True)
    shown_at = Moment(required=True)
    point = Shape(ShownPointOut, required=True, allow_none=True)
    likes = fields.Integer(required=True, allow_none=True)
    comments = fields.Integer(required=True, allow_none=True)
    reads = fields.Integer(
        required=True, metadata={"description": "看过的人次：一人一天算一次；管这一件的工作人员不算"}
    )
    comments_reviewed = fields.Boolean(required=True)
    takes_comments = fields.Boolean(required=True)
    takes_objections = fields.Boolean(required=True)
    takes_bookings = fields.Boolean(required=True)
    ratings = Shape(RatingsOut, required=True, allow_none=True)
    sign_up = Shape(SeatsView, required=True, allow_none=True)
    orders = fields.Integer(
        required=True, allow_none=True, metadata={"description": "在办的点单有几件；不能点单的是空的"}
    )
    mine = Shape(MyPartOut, required=True, allow_none=True)
    shown = ListOf(Shape(FieldOut), required=True, data_key="fields")


class PublicationPage(Schema):
    """A page of publications, newest first."""

    items = ListOf(Shape(PublicationOut), required=True)
    page = Shape(PageOut, required=True)


class CommentOut(Schema):
    """A comment; what was decided of it is for staff."""

    id = fields.String(required=True)
    by = fields.String(required=True)
    staff = fields.Boolean(required=True, metadata={"description": "工作人员说的"})
    text = fields.String(required=True)
    rating = fields.Boolean(required=True)
    state = OneOf(tuple(COMMENTS), required=True)
    at = Moment(required=True)
    reason = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)


class CommentPage(Schema):
    """A page of comments, newest first."""

    items = ListOf(Shape(CommentOut), required=True)
    page = Shape(PageOut, required=True)


class SignUpOut(Schema):
    """Who signed up, for how many, and whether they came."""

    id = fields.String(required=True)
    person = fields.String(required=True)
    name = fields.String(required=True)
    people = fields.Integer(required=True)
    at = Moment(required=True)
    checked_in_at = Moment(required=True, allow_none=True)


class SignUpPage(Schema):
    """A page of sign-ups, the last first."""

    items = ListOf(Shape(SignUpOut), required=True)
    page = Shape(PageOut, required=True)


class BookingOut(Schema):
    """A booking and its answer."""

    id = fields.String(required=True)
    by = fields.String(required=True)
    wanted_at = Moment(required=True)
    text = fields.String(required=True)
    state = OneOf(tuple(BOOKINGS), required=True)
    at = Moment(required=True)
    answer = fields.String(required=True, allow_none=True)
    answered_at = Moment(required=True, allow_none=True)


class BookingPage(Schema):
    """A page of bookings, the last first."""

    items = ListOf(Shape(BookingOut), required=True)
    page = Shape(PageOut, required=True)
