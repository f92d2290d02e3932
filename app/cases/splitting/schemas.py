"""Splitting over the wire."""

from marshmallow import fields

from app.cases.schemas import CaseOut
from app.core.http.fields import Answers, Flag, Identifier, ListOf, Schema, Shape, Text


class SplitPart(Schema):
    """One part: what it is called, what is different from the case, which of its files it refers to."""

    title = Text(200, least=1, required=True)
    answers = Answers(
        load_default=dict,
        metadata={"description": "登记表里与原件不同的内容；没写的照原件，加密的内容留在原件"},
    )
    attachments = ListOf(
        Identifier(36),
        load_default=list,
        most=50,
        metadata={"description": "引用原件的哪些附件"},
    )


class SplitIn(Schema):
    """The parts, and why."""

    parts = ListOf(Shape(SplitPart), required=True, least=1, most=20)
    reason = Text(500, lines=True, load_default="")
    dry_run = Flag(load_default=False, metadata={"description": "只说会拆出什么，不保存"})


class PlannedPart(Schema):
    """A part as it would be."""

    title = fields.String(required=True)
    answers = fields.Dict(required=True)
    attachments = ListOf(fields.String(), required=True)


class SplitPrompt(Schema):
    """What one should know before."""

    code = fields.String(required=True)
    text = fields.String(required=True)


class SplitOut(Schema):
    """The case, and its parts; of a dry run what they would be."""

    dry_run = fields.Boolean(required=True)
    case = Shape(CaseOut, required=True, allow_none=True)
    parts = ListOf(Shape(CaseOut), required=True)
    planned = ListOf(Shape(PlannedPart), required=True)
    prompts = ListOf(Shape(SplitPrompt), required=True)
