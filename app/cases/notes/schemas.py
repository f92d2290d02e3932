"""Notes over the wire."""

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut

KINDS = ("note", "instruction")


class NoteIn(Schema):
    """What is said."""

    text = Text(2000, least=1, lines=True, required=True)
    kind = OneOf(
        KINDS,
        load_default="note",
        metadata={"description": "note 备注 · instruction 领导批示：该办件从此排在最前"},
    )


class NoteOut(Schema):
    """A note or an instruction."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    kind = OneOf(KINDS, required=True)
    text = fields.String(required=True)
    author = fields.String(required=True)
    author_name = fields.String(required=True, allow_none=True)
    written_at = Moment(required=True)


class NotePage(Schema):
    """A page of notes, oldest first."""

    items = ListOf(Shape(NoteOut), required=True)
    page = Shape(PageOut, required=True)
