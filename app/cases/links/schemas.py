"""Links over the wire."""

from marshmallow import fields

from app.cases.models import SPLIT_FROM
from app.core.http.fields import Identifier, ListOf, Moment, OneOf, Schema, Shape
from app.core.http.pages import PageOut

KINDS = ("duplicate_of", "caused_by", "related", "escalated_as")


SEEN = (*KINDS, SPLIT_FROM)
"""A split ties its parts by itself."""


class LinkIn(Schema):
    """To which case, and how."""

    to = Identifier(64, required=True, metadata={"description": "另一件办件的 id"})
    kind = OneOf(
        KINDS,
        required=True,
        metadata={
            "description": "duplicate_of 重复于 · caused_by 起因于 · related 相关 · escalated_as 上报为"
        },
    )


class LinkMade(Schema):
    """A link between two cases."""

    id = fields.String(required=True)
    from_ = fields.String(required=True, data_key="from")
    to = fields.String(required=True)
    kind = OneOf(SEEN, required=True)
    author = fields.String(required=True)
    at = Moment(required=True)


class OtherCase(Schema):
    """The case at the other end."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    process = fields.String(required=True)
    state = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)


class LinkOut(Schema):
    """A link as seen from one case; `outward` when it says something of this case, not of the other."""

    id = fields.String(required=True)
    kind = OneOf(SEEN, required=True)
    outward = fields.Boolean(required=True)
    author = fields.String(required=True)
    at = Moment(required=True)
    case = Shape(OtherCase, required=True)


class LinkPage(Schema):
    """A page of links to cases that one may see, oldest first."""

    items = ListOf(Shape(LinkOut), required=True)
    page = Shape(PageOut, required=True)
