"""Incidents over the wire."""

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape
from app.core.http.pages import PageOut, PageQuery


class IncidentOut(Schema):
    """Something stopped. `explanation` never holds what a person typed."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    case = fields.String(required=True, allow_none=True)
    case_number = fields.String(required=True, allow_none=True)
    process = fields.String(required=True)
    element = fields.String(required=True, allow_none=True)
    explanation = fields.String(required=True)
    task = fields.String(required=True, allow_none=True)
    count = fields.Integer(required=True)
    first_at = Moment(required=True)
    last_at = Moment(required=True)
    state = OneOf(("open", "resolved"), required=True)
    note = fields.String(required=True, allow_none=True)
    revision = fields.Integer(required=True)


class IncidentQuery(PageQuery):
    """Which incidents."""

    state = OneOf(("open", "resolved"), load_default="open")


class IncidentPage(Schema):
    """A page of incidents, newest first."""

    items = ListOf(Shape(IncidentOut), required=True)
    page = Shape(PageOut, required=True)
