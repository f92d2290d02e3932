"""Places over the wire."""

from typing import Any

from marshmallow import fields

from app.core.http.fields import Schema, Text
from app.core.http.pages import PageOut, PageQuery

_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]{1,8})?"
_KIND = "[a-z][a-z0-9_]{0,29}"


class Numbers(Text):
    """Some numbers with commas between them, such as 116.3,39.9."""

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(80, pattern=",".join([_NUMBER] * count), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return tuple(float(part) for part in text.split(","))


class PlaceQuery(PageQuery):
    """Which places: of some kinds, by words, within a box, or those nearest to a point."""

    kind = Text(
        200,
        load_default=None,
        pattern=f"{_KIND}(?:,{_KIND})*",
        metadata={"description": "哪一类，例如 practice_station；几类用逗号分开"},
    )
    q = Text(
        40,
        least=1,
        load_default=None,
        metadata={"description": "名称或地址里的文字；几个词用空格分开，都要有"},
    )
    bbox = Numbers(
        4, load_default=None, metadata={"description": "地图范围：西,南,东,北（经度、纬度，CGCS2000）"}
    )
    near = Numbers(
        2,
        load_default=None,
        metadata={"description": "经度,纬度：由近到远，只给最近的 limit 处，不翻页"},
    )


class PointOut(Schema):
    """A position, CGCS2000."""

    lng = fields.Float(required=True)
    lat = fields.Float(required=True)


class PlaceOut(Schema):
    """A unit on the map."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    point = fields.Nested(PointOut, required=True)
    address = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    metres = fields.Integer(
        required=True, allow_none=True, metadata={"description": "离 near 多远；没有写 near 是空的"}
    )


class PlacePage(Schema):
    items = fields.List(fields.Nested(PlaceOut), required=True)
    page = fields.Nested(PageOut, required=True)
