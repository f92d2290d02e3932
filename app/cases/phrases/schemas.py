"""Kept phrases over the wire."""

from marshmallow import fields

from app.cases.phrases.models import LONGEST
from app.core.http.fields import Identifier, ListOf, Moment, Schema, Shape, Text
from app.core.http.pages import PageOut


class PhraseShareIn(Schema):
    """Whom a phrase is shared with: a unit and all below it, there perhaps one role alone."""

    unit = Text(60, least=1, required=True)
    role = Identifier(40, load_default=None)


class PhraseIn(Schema):
    """Words, where they fit (nothing said: everywhere), and whom they are shared with (nobody: my own)."""

    text = Text(LONGEST, least=1, lines=True, required=True)
    process = Identifier(60, load_default=None, metadata={"description": "只用于这个流程"})
    step = Identifier(60, load_default=None, metadata={"description": "只用于这个环节"})
    field = Identifier(60, load_default=None, metadata={"description": "只用于这一项；opinion 是办理意见"})
    share = Shape(PhraseShareIn, load_default=None, allow_none=True)


class PhraseShareOut(Schema):
    """A unit, and perhaps a role in it."""

    unit = fields.String(required=True)
    role = fields.String(required=True, allow_none=True)


class PhraseOut(Schema):
    """A phrase. `own`: mine alone; `changeable`: by me."""

    id = fields.String(required=True)
    text = fields.String(required=True)
    process = fields.String(required=True, allow_none=True)
    step = fields.String(required=True, allow_none=True)
    field = fields.String(required=True, allow_none=True)
    share = Shape(PhraseShareOut, required=True, allow_none=True)
    author = fields.String(required=True, allow_none=True)
    own = fields.Boolean(required=True)
    changeable = fields.Boolean(required=True)
    changed_at = Moment(required=True)
    revision = fields.Integer(required=True)


class PhrasePage(Schema):
    """A page of phrases, newest first."""

    items = ListOf(Shape(PhraseOut), required=True)
    page = Shape(PageOut, required=True)


class OfferedPhrase(Schema):
    """A phrase that fits a form, and the fields that it may be put into."""

    id = fields.String(required=True)
    text = fields.String(required=True)
    into = ListOf(fields.String(), required=True)
    own = fields.Boolean(required=True)
