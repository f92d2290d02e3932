"""Suggestions over the wire."""

from typing import Any

from marshmallow import fields

from app.core.http.fields import Identifier, ListOf, Schema, Shape


class SuggestionOut(Schema):
    """What an adviser says of a field of a form, and what speaks for it."""

    field = fields.String(required=True)
    adviser = fields.String(required=True)
    value = fields.String(required=True)
    label = fields.String(required=True)
    why = ListOf(fields.String(), required=True)


class SuggestionQuery(Schema):
    """Of which process; nothing said: of all."""

    process = Identifier(60, load_default=None)

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.allow_none = False  # a query cannot say null


class SuggestionCount(Schema):
    """How often what was suggested for a field was taken, and how often something else was chosen."""

    process = fields.String(required=True)
    step = fields.String(required=True)
    field = fields.String(required=True)
    adviser = fields.String(required=True)
    taken = fields.Integer(required=True)
    changed = fields.Integer(required=True)


class SuggestionCounts(Schema):
    """All counts, by process, step and field."""

    items = ListOf(Shape(SuggestionCount), required=True)
