"""Revealing over the wire."""

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, Schema, Shape, Text


class RevealIn(Schema):
    """Which sealed names, and why."""

    fields_ = ListOf(
        Text(60, least=1),
        most=20,
        required=True,
        data_key="fields",
        metadata={"description": "加密保存的名字；或 title、opinion、reason、note：其中的号码遮掩过的文字"},
    )
    reason = Text(500, least=1, required=True)


class WholeText(Schema):
    """A text as it was written; `origin` is the task or note it came with."""

    name = fields.String(required=True)
    origin = fields.String(required=True, allow_none=True)
    text = fields.Raw(required=True)


class RevealedOut(Schema):
    """Full values by name, and whole texts in which numbers are covered elsewhere."""

    case = fields.String(required=True)
    values = fields.Dict(required=True)
    texts = ListOf(Shape(WholeText), required=True)


class LookOut(Schema):
    """Somebody looked."""

    at = Moment(required=True)
    person = fields.String(required=True)
    person_name = fields.String(required=True, allow_none=True)
    fields_ = ListOf(fields.String(), required=True, data_key="fields")
    reason = fields.String(required=True)


class LooksOut(Schema):
    """Who looked, newest first, two hundred at most."""

    items = ListOf(Shape(LookOut), required=True)
