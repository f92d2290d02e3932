"""Requests over the wire."""

from marshmallow import fields

from app.cases.requests.kinds import KINDS, STATES
from app.core.http.fields import Answers, Identifier, ListOf, Moment, OneOf, Schema, Shape
from app.core.http.pages import PageOut, PageQuery

_CALLED = " · ".join(f"{key} {kind.called}" for key, kind in KINDS.items())
_STATES = " · ".join(f"{key} {name}" for key, name in STATES.items())


class AskIn(Schema):
    """What is asked for."""

    kind = OneOf(tuple(KINDS), required=True, metadata={"description": _CALLED})
    answers = Answers(load_default=dict, metadata={"description": "申请表的内容，名字照那种申请流程的登记表"})


class SuperviseIn(Schema):
    """The order of supervision."""

    answers = Answers(required=True, metadata={"description": "督办单的内容，名字照督办流程的登记表"})


class RequestOut(Schema):
    """A request; `id` is that of the small case that decides it, `case` the one it is about."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    kind = OneOf(tuple(KINDS), required=True)
    kind_name = fields.String(required=True)
    case = fields.String(required=True)
    case_number = fields.String(required=True)
    case_title = fields.String(required=True)
    unit = fields.String(required=True)
    unit_name = fields.String(required=True, allow_none=True)
    asked_by = fields.String(required=True)
    asked_by_name = fields.String(required=True, allow_none=True)
    asked_at = Moment(required=True)
    reason = fields.String(required=True)
    state = OneOf(tuple(STATES), required=True, metadata={"description": _STATES})
    state_name = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_by_name = fields.String(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)
    opinion = fields.String(required=True, allow_none=True)


class RequestsOut(Schema):
    """The requests of a case, oldest first."""

    items = ListOf(Shape(RequestOut), required=True)


class RequestPage(Schema):
    """A page of requests, newest first."""

    items = ListOf(Shape(RequestOut), required=True)
    page = Shape(PageOut, required=True)


class RequestQuery(PageQuery):
    """Which requests."""

    kind = OneOf(tuple(KINDS), load_default=None, metadata={"description": _CALLED})
    state = OneOf(tuple(STATES), load_default=None, metadata={"description": _STATES})
    unit = Identifier(60, load_default=None, metadata={"description": "申请单位的代码"})
    mine = OneOf(
        ("true", "false"), load_default="false", metadata={"description": "true：只看本单位的（已申请列表）"}
    )
    since = Moment(load_default=None, metadata={"description": "这一刻起申请的"})
    until = Moment(load_default=None, metadata={"description": "这一刻之前申请的"})
