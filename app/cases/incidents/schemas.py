"""Incidents over the wire."""

from marshmallow import fields

from app.cases.incidents.kinds import ACTS, ENDING, KINDS
from app.cases.schemas import ReasonIn
from app.core.http.fields import Answers, Identifier, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery

STATES = ("open", "resolved")


class IncidentOut(Schema):
    """Something stopped. `explanation` never holds what a person typed."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    kind_name = fields.String(required=True)
    case = fields.String(required=True, allow_none=True)
    case_number = fields.String(required=True, allow_none=True)
    process = fields.String(required=True)
    element = fields.String(required=True, allow_none=True)
    explanation = fields.String(required=True)
    cause = fields.String(required=True, metadata={"description": "起因相同的异常，这个值相同"})
    task = fields.String(required=True, allow_none=True)
    count = fields.Integer(required=True)
    first_at = Moment(required=True)
    last_at = Moment(required=True)
    state = OneOf(STATES, required=True)
    assignee = fields.String(required=True, allow_none=True)
    assignee_name = fields.String(required=True, allow_none=True)
    note = fields.String(
        required=True, allow_none=True, metadata={"description": "重试、办结或跳过时写的原因"}
    )
    revision = fields.Integer(required=True)


class WayOut(Schema):
    """An act that would end an incident: whether it is open now, and what it does or what to do instead."""

    action = OneOf(ENDING, required=True)
    open = fields.Boolean(required=True)
    says = fields.String(required=True)


class IncidentLine(Schema):
    """What somebody did with an incident."""

    at = Moment(required=True)
    action = OneOf(tuple(ACTS), required=True)
    by = fields.String(required=True)
    by_name = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    to = fields.String(required=True, allow_none=True)
    to_name = fields.String(required=True, allow_none=True)


class WholeIncident(IncidentOut):
    """An incident with what it means, what may be done about it now, and what was done."""

    kind_meaning = fields.String(required=True)
    process_name = fields.String(required=True, allow_none=True)
    element_name = fields.String(required=True, allow_none=True)
    error = fields.String(required=True)
    history = ListOf(Shape(IncidentLine), required=True)
    actions = ListOf(Shape(WayOut), required=True)


class CauseQuery(Schema):
    """Which incidents."""

    state = OneOf(STATES, load_default="open")
    kind = OneOf(tuple(KINDS), load_default=None)
    process = Identifier(60, load_default=None)
    case = Identifier(36, load_default=None, metadata={"description": "办件的 id"})
    assignee = Identifier(
        60, load_default=None, metadata={"description": "交给谁：人员的 id、me 我、none 还没有交给谁"}
    )
    cause = Identifier(64, load_default=None, metadata={"description": "同一起因（各条的 cause）"})


class IncidentQuery(CauseQuery, PageQuery):
    """Which incidents, a page of them."""


class IncidentPage(Schema):
    """A page of incidents, newest first."""

    items = ListOf(Shape(IncidentOut), required=True)
    page = Shape(PageOut, required=True)


class CauseOut(Schema):
    """What several incidents have in common: `incidents` lines in `cases` cases, `count` failures in all."""

    cause = fields.String(required=True)
    process = fields.String(required=True)
    kind = fields.String(required=True)
    kind_name = fields.String(required=True)
    element = fields.String(required=True, allow_none=True)
    error = fields.String(required=True)
    explanation = fields.String(required=True)
    incidents = fields.Integer(required=True)
    cases = fields.Integer(required=True)
    count = fields.Integer(required=True)
    first_at = Moment(required=True)
    last_at = Moment(required=True)


class CauseList(Schema):
    """At most 200 causes, the one that struck last first."""

    items = ListOf(Shape(CauseOut), required=True)


class SkipIn(ReasonIn):
    """Why, and what the step would have given, by the names the process declares."""

    results = Answers(
        load_default=dict, metadata={"description": "跳过的步骤本该给出的值，名字照流程声明；不知道的写 null"}
    )


class AnnotateIn(Schema):
    """What is worth knowing for whoever deals with it next."""

    text = Text(2000, least=1, lines=True, required=True)


class AssignIn(Schema):
    """Who deals with it."""

    to = Text(60, least=1, load_default=None, metadata={"description": "接手人的登录名；不写就是自己"})
