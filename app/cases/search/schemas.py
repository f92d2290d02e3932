"""Searches over the wire."""

from app.core.http.fields import Answers, ListOf, OneOf, Schema, Shape, Text, Whole
from app.core.http.pages import MOST, USUAL


class SortIn(Schema):
    """One order."""

    field = Text(40, least=1, required=True)
    order = OneOf(("asc", "desc"), load_default="desc")


class PageIn(Schema):
    """How much, and where to go on."""

    limit = Whole(1, MOST, load_default=USUAL)
    after = Text(2000, least=1, load_default=None, metadata={"description": "上一页给出的 page.next"})


class SearchIn(Schema):
    """What to look for. `filterId` names a saved filter; what is written here must hold as well."""

    filter = Answers(most=50, load_default=dict, metadata={"description": "字段 → 值，或 {操作: 值}"})
    sort = ListOf(Shape(SortIn), most=1, load_default=list)
    page = Shape(PageIn, load_default=lambda: {"limit": USUAL, "after": None})
