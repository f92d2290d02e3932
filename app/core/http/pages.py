"""Pages by keyset: a cursor says where the last row stood, signed for one person and one view."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from marshmallow import fields

from app.core.config import settings
from app.core.errors import FieldError, Unprocessable
from app.core.http.fields import QueryWhole, Schema, Text

MOST = 200
USUAL = 50
_MAC = 16


class CursorInvalid(Unprocessable):
    """翻页位置无效，请从第一页重新查看。"""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("?after", "cursor-invalid", "翻页位置无效。")])


class PageQuery(Schema):
    """`limit` and `after` of a list."""

    limit = QueryWhole(
        1, MOST, load_default=USUAL, metadata={"description": "一页最多多少条", "default": USUAL}
    )
    after = Text(2000, load_default=None, metadata={"description": "上一页给出的 page.next"})

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.allow_none = False  # a query cannot say null; leaving a name out is another matter


class PageOut(Schema):
    """Where the next page is; `total` is exact unless totalExact is false."""

    next = fields.String(required=True, allow_none=True)
    prev = fields.String(required=True, allow_none=True)
    total = fields.Integer(required=True, allow_none=True)
    # Named outside as inside, so that a prepared dict and a dumped one are the same.
    total_exact = fields.Boolean(required=True, attribute="totalExact")


def cursor(principal: str, view: str, keys: Sequence[Any]) -> str:
    """Where the next page begins. `keys` are the sort values of the last row shown: text, numbers, None."""
    body = orjson.dumps(list(keys))
    return base64.urlsafe_b64encode(_mac(principal, view, body) + body).rstrip(b"=").decode()


def after(principal: str, view: str, text: str | None, width: int) -> list[Any] | None:
    """The `width` keys inside a cursor, None for the first page.

    Raises CursorInvalid for a cursor that was forged, cut, or given to another person or view.
    """
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise CursorInvalid from None
    mac, body = raw[:_MAC], raw[_MAC:]
    if not hmac.compare_digest(mac, _mac(principal, view, body)):
        raise CursorInvalid
    keys = orjson.loads(body)
    if len(keys) != width:
        raise CursorInvalid
    return keys  # type: ignore[no-any-return]


def page(
    rows: Sequence[Any],
    limit: int,
    *,
    principal: str,
    view: str,
    keys: Callable[[Any], Sequence[Any]],
    item: Callable[[Any], Any],
    total: int | None = None,
    total_exact: bool = True,
) -> dict[str, Any]:
    """`{items, page}` from `limit + 1` rows: the extra one only tells that there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [item(row) for row in shown],
        "page": {
            "next": cursor(principal, view, keys(shown[-1])) if more else None,
            "prev": None,
            "total": total,
            "totalExact": total_exact if total is not None else False,
        },
    }


def of_rows(
    principal: str,
    view: str,
    asked: Mapping[str, Any],
    load: Callable[[int, Any], Sequence[Any]],
    item: Callable[[Any], Any] = dict,
    key: str = "id",
) -> dict[str, Any]:
    """A page of rows that lie in the order of one column, `key`. `asked` holds `limit` and `after`.

    `load` gets the limit and the key of the last row shown, None for the first page, and gives one row more
    than is shown. Raises CursorInvalid.
    """
    found = after(principal, view, asked["after"], 1)
    rows = load(asked["limit"], found[0] if found else None)
    return page(rows, asked["limit"], principal=principal, view=view, keys=lambda row: [row[key]], item=item)


def _mac(principal: str, view: str, body: bytes) -> bytes:
    bound = orjson.dumps([principal, view]) + b"\n" + body
    return hmac.digest(settings().secret, bound, "sha256")[:_MAC]
