"""Searches and saved filters over the wire."""

from typing import Any

from marshmallow import fields, validates_schema
from marshmallow.exceptions import ValidationError

from app.core.http.fields import (
    Answers,
    Identifier,
    ListOf,
    Message,
    Moment,
    OneOf,
    Schema,
    Shape,
    Text,
    Whole,
)
from app.core.http.pages import MOST, USUAL, PageOut, PageQuery

KINDS = ("cases", "tasks")


class SortIn(Schema):
    """One order."""

    field = Text(40, least=1, required=True)
    order = OneOf(("asc", "desc"), load_default="desc")


class PageIn(Schema):
    """How much, and where to go on."""

    limit = Whole(1, MOST, load_default=USUAL)
    after = Text(2000, least=1, load_default=None, metadata={"description": "上一页给出的 page.next"})


def _filter() -> Any:
    return Answers(most=50, load_default=dict, metadata={"description": "字段 → 值，或 {操作: 值}"})


def _sort() -> Any:
    return ListOf(Shape(SortIn), most=1, load_default=list)


class SearchIn(Schema):
    """What to look for. `filterId` names a saved filter; what is written here must hold as well."""

    filter = _filter()
    filter_id = Identifier(64, load_default=None, metadata={"description": "保存的筛选"})
    sort = _sort()
    page = Shape(PageIn, load_default=lambda: {"limit": USUAL, "after": None})


class ShareIn(Schema):
    """Whom a filter is shared with: a role, or a unit and all below it."""

    role = Identifier(40, load_default=None)
    unit = Text(60, least=1, load_default=None)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("role") is None) == (data.get("unit") is None):
            raise ValidationError(Message("one-of", "请写 role 或 unit 中的一个。"))


class FilterChangeIn(Schema):
    """A question, its name, and whom it is shared with."""

    name = Text(60, least=1, required=True)
    filter = _filter()
    sort = _sort()
    share = ListOf(Shape(ShareIn), most=20, load_default=list)


class FilterIn(FilterChangeIn):
    """A new filter; whether it asks for cases or tasks stays as it is."""

    kind = OneOf(KINDS, required=True)


class FilterOut(Schema):
    """A saved filter. `own`: mine, not one shared with me."""

    id = fields.String(required=True)
    kind = OneOf(KINDS, required=True)
    name = fields.String(required=True)
    filter = fields.Dict(required=True)
    sort = ListOf(fields.Dict(), required=True)
    share = ListOf(fields.Dict(), required=True)
    owner = fields.String(required=True, allow_none=True)
    own = fields.Boolean(required=True)
    changed_at = Moment(required=True)
    revision = fields.Integer(required=True)


class FilterQuery(PageQuery):
    """Which filters."""

    kind = OneOf(KINDS, load_default=None)


class FilterPage(Schema):
    """A page of filters, newest first."""

    items = ListOf(Shape(FilterOut), required=True)
    page = Shape(PageOut, required=True)
