"""Substitutions over the wire."""

from marshmallow import fields

from app.core.http.fields import Identifier, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.substitutes.service import STATES


class SubstitutionIn(Schema):
    """Who acts for whom, when and for what."""

    person = Text(60, least=1, load_default=None, metadata={"description": "本人的账号；不写就是自己"})
    substitute = Text(60, least=1, required=True, metadata={"description": "代理人的账号"})
    from_ = Moment(load_default=None, metadata={"description": "不写就是现在"})
    until = Moment(required=True)
    processes = ListOf(
        Identifier(60),
        most=50,
        load_default=None,
        metadata={"description": "流程的 key；不写就是全部流程"},
    )
    reason = Text(500, least=1, required=True)


class WhoOut(Schema):
    """A person."""

    id = fields.String(required=True)
    login = fields.String(required=True)
    name = fields.String(required=True)


class SubstitutionOut(Schema):
    """A substitution, and whether it holds now."""

    id = fields.String(required=True)
    person = Shape(WhoOut, required=True, metadata={"description": "本人"})
    substitute = Shape(WhoOut, required=True, metadata={"description": "代理人"})
    from_ = Moment(required=True)
    until = Moment(required=True)
    processes = fields.List(fields.String(), required=True, allow_none=True)
    reason = fields.String(required=True)
    state = OneOf(STATES, required=True)
    set_by = fields.String(required=True)
    set_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)
    ended_by = fields.String(required=True, allow_none=True)
    end_reason = fields.String(required=True, allow_none=True)


class SubstitutionPage(Schema):
    items = fields.List(fields.Nested(SubstitutionOut), required=True)
    page = fields.Nested(PageOut, required=True)


class SubstitutionQuery(PageQuery):
    """Whose, and whether they hold."""

    view = OneOf(
        ("mine", "forMe", "all"),
        load_default="mine",
        metadata={"description": "mine：谁代理我；forMe：我代理谁；all：我管的全部账号"},
    )
    state = OneOf(STATES, load_default=None)
