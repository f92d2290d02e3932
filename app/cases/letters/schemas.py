"""Letters over the wire."""

from marshmallow import fields

from app.cases.models import ANSWER, LETTER
from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut


class LetterIn(Schema):
    """What is written."""

    text = Text(2000, least=1, lines=True, required=True)


class LetterOut(Schema):
    """A letter of the committee, or the resident's answer."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    kind = OneOf((LETTER, ANSWER), required=True)
    text = fields.String(required=True)
    author_name = fields.String(required=True, allow_none=True)
    written_at = Moment(required=True)


class LetterPage(Schema):
    """Letters and answers, oldest first."""

    items = ListOf(Shape(LetterOut), required=True)
    page = Shape(PageOut, required=True)


class Letters(LetterPage):
    """The same for staff. `mayWrite`: the case is about a user of the platform, to whom I may write."""

    may_write = fields.Boolean(required=True)
