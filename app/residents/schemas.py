"""What residents send and read over the wire."""

from marshmallow import fields

from app.cases.attachments.schemas import AttachmentOut
from app.cases.models import CASE_STATES
from app.core.http.fields import Answers, Identifier, ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery


class MatterIn(Schema):
    """What somebody files for himself. `placeUnit` is one of his communities, by default the first."""

    process = Identifier(60, required=True)
    title = Text(200, least=1, required=True)
    answers = Answers(load_default=dict)
    place_unit = Identifier(60, load_default=None)


class RateIn(Schema):
    """What somebody thinks of how his matter was handled; the form of the step names the fields."""

    answers = Answers(load_default=dict)
    outcome = Text(60, load_default=None, metadata={"description": "评价的环节只有一个办理结论时不必写"})
    opinion = Text(2000, lines=True, load_default=None)


class OwnMatter(Schema):
    """One's own matter: `status` is the public word."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    process_name = fields.String(required=True)
    title = fields.String(required=True)
    place_unit = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)
    state = OneOf(CASE_STATES, required=True)
    received_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    revision = fields.Integer(required=True)


class Fileable(Schema):
    """What a resident may file: the process and the form of its filing."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    title = fields.String(required=True)
    schema = fields.Dict(required=True)


class FileableList(Schema):
    """All that a resident may file."""

    items = ListOf(Shape(Fileable), required=True)


class MatterField(Schema):
    """What was filled in."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    value = fields.Raw(required=True)


class AskedOut(Schema):
    """A step that waits for a resident; `rates` says that it is the rating."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    name = fields.String(required=True)
    rates = fields.Boolean(required=True)
    opened_at = Moment(required=True)
    due_at = Moment(required=True, allow_none=True)
    revision = fields.Integer(required=True)


class WholeMatter(OwnMatter):
    """With what was filled in, the steps that wait for the reporter, and the matters that came of it."""

    data = ListOf(Shape(MatterField), required=True)
    tasks = ListOf(Shape(AskedOut), required=True)
    filed = ListOf(Shape(OwnMatter), required=True)


class MattersQuery(PageQuery):
    """Which of one's matters."""

    process = Identifier(60, load_default=None, metadata={"description": "只看哪个流程的"})
    words = Text(100, load_default=None, metadata={"description": "标题、内容、编号里有的文字，都要有"})
    status = Text(
        60, least=1, load_default=None, metadata={"description": "对外的状态，例如 已解决；要写明 process"}
    )
    fact = ListOf(
        Text(260, least=3),
        load_default=list,
        most=10,
        metadata={"description": "名字:值，例如 channel:人民信箱；可以用表单里给我看的那些；要写明 process"},
    )


class MatterFact(MatterField):
    """The same, and how it reads: a category by its name."""

    text = fields.String(required=True)


class ListedMatter(OwnMatter):
    """One's own matter in the list, with what one may see of its facts: its source, its rating."""

    facts = ListOf(Shape(MatterFact), required=True)


class MatterPage(Schema):
    """A page of one's matters, newest first."""

    items = ListOf(Shape(ListedMatter), required=True)
    page = Shape(PageOut, required=True)


class AskedList(Schema):
    """The steps that wait for a resident."""

    items = ListOf(Shape(AskedOut), required=True)


class CourseStep(Schema):
    """What happened, in public words."""

    seq = fields.Integer(required=True)
    at = Moment(required=True)
    text = fields.String(required=True)


class Course(Schema):
    """The course of a matter, oldest first."""

    items = ListOf(Shape(CourseStep), required=True)


class OwnFiles(Schema):
    """The attachments that one brought oneself."""

    items = ListOf(Shape(AttachmentOut), required=True)
