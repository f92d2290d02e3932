"""Signing in and the organisation over the wire."""

import unicodedata
from typing import Any

from marshmallow import fields

from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape, Text
from app.core.http.pages import PageOut, PageQuery
from app.identity.models import TIERS


class Password(Text):
    """A password as typed: never trimmed, never repeated in an answer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(200, metadata={"format": "password"}, load_only=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not value:
            raise self.make_error("required")
        if len(value) > self.most:
            raise self.make_error("too_long", most=self.most)
        return unicodedata.normalize("NFC", value)


class SignIn(Schema):
    """Login and password."""

    login = Text(60, least=1, required=True)
    password = Password(required=True)


class AppointmentOut(Schema):
    """A role held in a unit."""

    role = fields.String(required=True)
    unit = fields.String(required=True, metadata={"description": "单位代码"})
    unit_path = fields.String(required=True)


class ActorOut(Schema):
    """Whoever is signed in: appointments, and each permission with the unit paths under which it holds."""

    id = fields.String(required=True)
    login = fields.String(required=True)
    name = fields.String(required=True)
    kind = OneOf(("person", "service", "resident"), required=True)
    appointments = ListOf(Shape(AppointmentOut), required=True)
    permissions = fields.Dict(fields.String(), fields.List(fields.String()), required=True)


class SignedInOut(Schema):
    """A fresh token; it is shown this once."""

    token = fields.String(required=True)
    expires_at = Moment(required=True)
    person = Shape(ActorOut, required=True)


class UnitOut(Schema):
    """A unit of the tree."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    tier = OneOf(TIERS, required=True)
    path = fields.String(required=True, metadata={"description": "从最上级起的代码，以 / 相连"})
    parent = fields.String(required=True, allow_none=True, metadata={"description": "上级单位的代码"})
    leaf = fields.Boolean(required=True, metadata={"description": "没有下级单位"})
    valid_from = Moment(required=True, allow_none=True)
    valid_to = Moment(required=True, allow_none=True)


class PersonOut(Schema):
    """A person or service, without what only the organisation's managers need."""

    id = fields.String(required=True)
    login = fields.String(required=True)
    name = fields.String(required=True)
    kind = OneOf(("person", "service"), required=True)
    state = OneOf(("active", "disabled"), required=True)
    appointments = ListOf(Shape(AppointmentOut), required=True)


class RoleOut(Schema):
    """A role and what it may do."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


class UnitPage(Schema):
    items = fields.List(fields.Nested(UnitOut), required=True)
    page = fields.Nested(PageOut, required=True)


class PersonPage(Schema):
    items = fields.List(fields.Nested(PersonOut), required=True)
    page = fields.Nested(PageOut, required=True)


class RoleList(Schema):
    items = fields.List(fields.Nested(RoleOut), required=True)


CODE = "[0-9A-Za-z][0-9A-Za-z._-]{0,59}"


class UnitQuery(PageQuery):
    """Which units: of a kind, of a tier, below another one, by name or code, at an instant."""

    kind = Text(30, load_default=None, pattern="[a-z][a-z_]*")
    tier = OneOf(TIERS, load_default=None)
    parent = Text(60, load_default=None, pattern=CODE, metadata={"description": "上级代码：只取下一级"})
    under = Text(60, load_default=None, pattern=CODE, metadata={"description": "单位代码：它和全部下级"})
    q = Text(40, least=1, load_default=None, metadata={"description": "名称里的文字，或代码的开头"})
    at = Moment(load_default=None, metadata={"description": "某一时刻存在的单位；默认现在"})


class PersonQuery(PageQuery):
    """Which people: of a unit, in a role, by name or login."""

    unit = Text(60, load_default=None, pattern=CODE, metadata={"description": "单位代码，须在我的范围内"})
    below = OneOf(("true", "false"), load_default="false", metadata={"description": "也要下级单位的"})
    role = Text(40, load_default=None, pattern="[a-z][a-z0-9_]*")
    q = Text(40, least=1, load_default=None, metadata={"description": "姓名里的文字，或账号的开头"})
