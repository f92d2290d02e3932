"""Attachments over the wire."""

from marshmallow import fields

from app.bundles.data_fields import FILE_KINDS
from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape
from app.core.http.pages import PageOut


class AttachmentOut(Schema):
    """A file of a case. `sm3` is of the bytes as they are kept: a picture was drawn anew."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    task = fields.String(required=True, allow_none=True)
    step = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    mime = fields.String(required=True)
    kind = OneOf(tuple(FILE_KINDS), required=True)
    size = fields.Integer(required=True)
    sm3 = fields.String(required=True)
    uploader = fields.String(required=True)
    uploader_name = fields.String(required=True, allow_none=True)
    state = OneOf(("kept", "withdrawn"), required=True)
    at = Moment(required=True)
    withdrawn_at = Moment(required=True, allow_none=True)


class LooseOut(Schema):
    """A file without a case: an attachment as soon as a filing names its id, else gone at `goneAt`."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    mime = fields.String(required=True)
    kind = OneOf(tuple(FILE_KINDS), required=True)
    size = fields.Integer(required=True)
    sm3 = fields.String(required=True)
    at = Moment(required=True)
    gone_at = Moment(required=True)


class AttachmentPage(Schema):
    """A page of attachments, oldest first."""

    items = ListOf(Shape(AttachmentOut), required=True)
    page = Shape(PageOut, required=True)
