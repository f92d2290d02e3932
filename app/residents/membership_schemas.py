"""Accounts of residents and their memberships over the wire."""

from marshmallow import fields

from app.core.http.fields import Identifier, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.identity.memberships import HOUSEHOLDS, STATES, TENURES
from app.identity.schemas import ActorOut, Password
from app.residents.reviewing import MOST

LOGIN = r"[a-z0-9][a-z0-9._-]{1,59}"


class JoinIn(Schema):
    """To which community somebody wants to belong."""

    unit = Identifier(60, required=True, metadata={"description": "社区的代码"})
    household = OneOf(tuple(HOUSEHOLDS), load_default=None, metadata={"description": "户籍、流动"})
    tenure = OneOf(tuple(TENURES), load_default=None, metadata={"description": "住户、租户"})
    address = Text(200, load_default=None, metadata={"description": "小区、楼门、房号；加密保存"})


class ApplyIn(JoinIn):
    """The same of somebody who has an account; `moves` is the membership that ends once it is approved."""

    moves = Identifier(36, load_default=None, metadata={"description": "平移：通过后从这里迁出"})


class PersonIn(JoinIn):
    """Who somebody is: sealed, and shown covered."""

    login = Text(60, least=2, required=True, pattern=LOGIN)
    name = Text(20, load_default=None, metadata={"description": "称呼，别人看得到；不写就是遮盖的姓名"})
    real_name = Text(40, least=1, required=True)
    phone = Text(20, least=1, required=True)
    id_number = Text(30, least=1, required=True)


class RegisterIn(PersonIn):
    """A resident who registers himself."""

    password = Password(required=True)


class EnterIn(PersonIn):
    """A resident whom a worker enters; without a password he cannot sign in yet."""

    password = Password(load_default=None)


class OwnMembership(Schema):
    """A membership or an application as its resident sees it."""

    id = fields.String(required=True)
    unit = fields.String(required=True)
    unit_name = fields.String(required=True)
    state = OneOf(tuple(STATES), required=True)
    household = OneOf(tuple(HOUSEHOLDS), required=True, allow_none=True)
    tenure = OneOf(tuple(TENURES), required=True, allow_none=True)
    moves = fields.String(required=True, allow_none=True)
    applied_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    valid_from = Moment(required=True, allow_none=True)
    valid_to = Moment(required=True, allow_none=True)


class OwnMemberships(Schema):
    """All of somebody's, newest first."""

    items = ListOf(Shape(OwnMembership), required=True)


class MembershipOut(OwnMembership):
    """The same as workers see it: the person covered."""

    person = fields.String(required=True)
    login = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "称呼"})
    real_name = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    id_number = fields.String(required=True, allow_none=True)
    entered_by_worker = fields.Boolean(required=True)


class MembershipPage(Schema):
    """A page of memberships, newest first."""

    items = ListOf(Shape(MembershipOut), required=True)
    page = Shape(PageOut, required=True)


class MembershipQuery(PageQuery):
    """Which of them."""

    state = OneOf(tuple(STATES), load_default=None)
    unit = Identifier(60, load_default=None, metadata={"description": "单位代码，连同下级"})
    phone = Text(20, load_default=None, metadata={"description": "手机号，或末四位"})


class RegisteredOut(Schema):
    """A new account, signed in, and its application."""

    token = fields.String(required=True)
    expires_at = Moment(required=True)
    person = Shape(ActorOut, required=True)
    membership = Shape(OwnMembership, required=True)


class ProfileOut(Schema):
    """All that the house knows of oneself."""

    login = fields.String(required=True)
    name = fields.String(required=True)
    real_name = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    id_number = fields.String(required=True, allow_none=True)


class WholePerson(Schema):
    """Who an applicant is, whole."""

    membership = fields.String(required=True)
    real_name = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    id_number = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)


class ReviewIn(Schema):
    """One decision on many applications."""

    decision = OneOf(("approve", "refuse"), required=True)
    items = ListOf(Identifier(36), required=True, least=1, most=MOST)
    reason = Text(500, lines=True, load_default="", metadata={"description": "不通过时必须写"})


class ReviewProblem(Schema):
    """Why one of them was not decided."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    detail = fields.String(required=True, allow_none=True)


class ReviewResult(Schema):
    """What came of one of them."""

    membership = fields.String(required=True)
    status = fields.Integer(required=True)
    state = OneOf(tuple(STATES), required=True, allow_none=True)
    problem = Shape(ReviewProblem, required=True, allow_none=True)


class ReviewOut(Schema):
    """What came of each, in the order asked."""

    done = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    results = ListOf(Shape(ReviewResult), required=True)


class LeaveIn(Schema):
    """Why, if one wants to say so."""

    reason = Text(500, load_default="")
