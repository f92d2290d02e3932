"""Categories over the wire."""

from marshmallow import fields

from app.categories.category_file import CODE
from app.core.http.fields import Flag, ListOf, Moment, QueryWhole, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery


class CategoryQuery(PageQuery):
    """Which categories: at an instant, below one, of a level, with some words."""

    at = Moment(load_default=None, metadata={"description": "某一时刻有效的分类；默认现在"})
    parent = Text(60, least=1, load_default=None, pattern=CODE, metadata={"description": "上一级的编码"})
    level = QueryWhole(1, 6, load_default=None, metadata={"description": "第几级，1 为最高"})
    q = Text(40, least=1, load_default=None, metadata={"description": "名称、编码或常用词里的文字"})


class CategoryOut(Schema):
    """One category."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    parent = fields.String(required=True, allow_none=True)
    level = fields.Integer(required=True)
    path = fields.String(required=True, metadata={"description": "从最高一级起的编码，以 / 相连"})
    leaf = fields.Boolean(required=True, metadata={"description": "没有下一级"})
    keywords = ListOf(fields.String(), required=True)
    valid_from = Moment(required=True)
    valid_to = Moment(required=True, allow_none=True)


class CategoryPage(Schema):
    """A page of categories, by code."""

    items = ListOf(Shape(CategoryOut), required=True)
    page = Shape(PageOut, required=True)


class CategoryTableOut(Schema):
    """A table of categories."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    changed_at = Moment(required=True)


class CategoryTables(Schema):
    """Every table of categories."""

    items = ListOf(Shape(CategoryTableOut), required=True)


class ImportIn(Schema):
    """The file as it is kept under bpmn/_categories."""

    yaml = Text(300_000, least=1, lines=True, required=True)
    dry_run = Flag(load_default=False, metadata={"description": "只说会有什么变化，不保存"})


class SuggestIn(Schema):
    """What somebody is about to file, in his own words; it is not kept."""

    text = Text(2000, least=1, lines=True, required=True)


class ProposedOut(Schema):
    """A category that can be chosen now, and the words of the text that speak for it."""

    code = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "全名，从最高一级起"})
    words = ListOf(fields.String(), required=True)


class SuggestedOut(Schema):
    """The proposal; none where no word of the table is in the text."""

    suggestion = Shape(ProposedOut, required=True, allow_none=True)


class ChangedOut(Schema):
    """One category that changed; `was` is its former name, or the parent it had."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    was = fields.String(required=True, allow_none=True)


class ImportOut(Schema):
    """What an import did, or would do."""

    table = fields.String(required=True)
    name = fields.String(required=True)
    since = Moment(required=True, metadata={"description": "从这一时刻起"})
    dry_run = fields.Boolean(required=True)
    added = ListOf(Shape(ChangedOut), required=True)
    ended = ListOf(Shape(ChangedOut), required=True)
    renamed = ListOf(Shape(ChangedOut), required=True)
    moved = ListOf(Shape(ChangedOut), required=True)
    reworded = ListOf(Shape(ChangedOut), required=True)
    unchanged = fields.Integer(required=True)
