"""Policies over the wire."""

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, Schema, Shape


class BroughtByOut(Schema):
    """The published version that brought a policy."""

    id = fields.String(required=True)
    number = fields.Integer(required=True)


class PolicyOut(Schema):
    """One policy of a process."""

    number = fields.Integer(required=True, metadata={"description": "时限规则第几版，在一个流程里从 1 数起"})
    digest = fields.String(required=True, metadata={"description": "sla.yaml 和它用到的决策表的 SM3"})
    version = Shape(BroughtByOut, required=True, metadata={"description": "随哪一个流程版本发布"})
    valid_from = Moment(required=True)
    published_by = fields.String(required=True)
    current = fields.Boolean(required=True, metadata={"description": "新登记的办件用这一版"})
    changes = ListOf(
        fields.String(), required=True, metadata={"description": "与前一版相比改了什么，一条一句"}
    )


class PoliciesOut(Schema):
    """All policies of a process, the newest first."""

    items = ListOf(Shape(PolicyOut), required=True)
