"""What a field over the wire may be: strict types, ranges, Chinese messages with codes for programs."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from app.core.clock import BEIJING
from app.core.errors import FieldError, Unprocessable
from app.core.http.strict_json import pointer
from app.core.typed import UNSEEN, normal

_LINE_ENDS = re.compile("[\r\n\t\u2028\u2029]")
_DIGITS = re.compile(r"-?[0-9]{1,19}\Z")
_ID = r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}"


class FieldsRefused(Unprocessable):
    """填写内容有误，请按提示修改。"""


class Message(str):
    """A Chinese sentence for a person that carries a code for a program."""

    __slots__ = ("code",)

    code: str

    def __new__(cls, code: str, text: str) -> "Message":
        message = super().__new__(cls, text)
        message.code = code
        return message

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # schemas get copied
        return self.code, str(self)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Schema(ma.Schema):
    """A shape over the wire: camelCase outside, snake_case inside, unknown fields refused."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {  # marshmallow reads it from the class
        "unknown": Message("unknown-field", "没有这个字段。"),
        "type": Message("not-an-object", "应为一个对象。"),
    }

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        if field_obj.data_key is None:
            field_obj.data_key = _camel(field_name)


class _Coded:
    """Field messages in Chinese, with the marshmallow key as code."""

    default_error_messages: Any = {
        "required": "必填。",
        "null": "不能为空。",
        "validator_failed": "填写有误。",
    }

    def make_error(self, key: str, **values: Any) -> ma.ValidationError:
        text = self.error_messages[key]  # type: ignore[attr-defined]
        code = {"null": "required", "invalid": "invalid"}.get(key, key.replace("_", "-"))
        return ma.ValidationError(Message(code, text.format(**values)))


class Text(_Coded, fields.String):
    """Text of `least`–`most` characters, trimmed; one line unless `lines`; `pattern` is matched whole."""

    default_error_messages: Any = {
        "invalid": "应为文字。",
        "invalid_utf8": "文字编码有误。",
        "too_long": "最多 {most} 个字。",
        "too_short": "最少 {least} 个字。",
        "required": "必填。",
        "one_line": "只能写一行，不能换行。",
        "text_invalid_character": "文字中有看不见的控制字符，请删去后再提交。",
        "pattern": "格式不对。",
    }

    def __init__(
        self,
        most: int = 200,
        *,
        least: int = 0,
        lines: bool = False,
        pattern: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.most, self.least, self.lines = most, least, lines
        self.pattern = re.compile(pattern) if pattern else None
        metadata = dict(kwargs.pop("metadata", {}), maxLength=most)
        if least:
            metadata["minLength"] = least
        if pattern:
            metadata["pattern"] = f"^{pattern}$"
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        text = text.strip()
        if len(text) > self.most:
            raise self.make_error("too_long", most=self.most)
        if len(text) < self.least:
            raise self.make_error("too_short" if text else "required", least=self.least)
        if not self.lines:
            if _LINE_ENDS.search(text):
                raise self.make_error("one_line")
            if UNSEEN.search(text):
                raise self.make_error("text_invalid_character")
        if self.pattern is not None and not self.pattern.fullmatch(text):
            raise self.make_error("pattern")
        return text


class Identifier(Text):
    """A key, code or id: ASCII after full-width letters and digits were made plain (NFKC)."""

    def __init__(self, most: int = 64, *, pattern: str = _ID, **kwargs: Any) -> None:
        super().__init__(most, least=1, pattern=pattern, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            value = normal(value, "NFKC")
        return super()._deserialize(value, attr, data, **kwargs)


class Whole(_Coded, fields.Integer):
    """A whole number in a body: 1.0, "1" and true are refused."""

    default_error_messages: Any = {
        "invalid": "应为整数。",
        "too_large": "数字超出范围。",
        "range": "应在 {least} 到 {most} 之间。",
    }

    def __init__(self, least: int = 0, most: int = 2**31 - 1, **kwargs: Any) -> None:
        self.least, self.most = least, most
        metadata = dict(kwargs.pop("metadata", {}), minimum=least, maximum=most)
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid")
        return self._ranged(value)

    def _ranged(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise self.make_error("range", least=self.least, most=self.most)
        return value


class QueryWhole(Whole):
    """A whole number in a query, where everything is text: plain decimal digits only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _DIGITS.match(value):
            raise self.make_error("invalid")
        return self._ranged(int(value))


class Number(_Coded, fields.Float):
    """A number in a body, with decimals or without: "1.5" and true are refused."""

    default_error_messages: Any = {"invalid": "应为数字。", "range": "应在 {least} 到 {most} 之间。"}

    def __init__(self, least: float, most: float, **kwargs: Any) -> None:
        self.least, self.most = least, most
        metadata = dict(kwargs.pop("metadata", {}), minimum=least, maximum=most)
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) not in (int, float):
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise self.make_error("range", least=self.least, most=self.most)
        return float(value)


class Flag(_Coded, fields.Boolean):
    """true or false, nothing that merely looks like it."""

    default_error_messages: Any = {"invalid": "应为 true 或 false。"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not bool:
            raise self.make_error("invalid")
        return value


class OneOf(_Coded, fields.String):
    """One of a few words."""

    default_error_messages: Any = {
        "invalid": "应为文字。",
        "invalid_utf8": "文字编码有误。",
        "not_a_choice": "只能是：{choices}。",
    }

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        self.choices = tuple(choices)
        super().__init__(metadata=dict(kwargs.pop("metadata", {}), enum=list(choices)), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in self.choices:
            raise self.make_error("not_a_choice", choices="、".join(self.choices))
        return text


class Moment(_Coded, fields.DateTime):
    """An instant: ISO 8601 with an offset in, +08:00 out."""

    default_error_messages: Any = {
        "invalid": "应为带时区的时间，如 2026-03-02T09:00:00+08:00。",
        "invalid_awareness": "时间要写明时区，如 +08:00。",
        "format": "应为带时区的时间，如 2026-03-02T09:00:00+08:00。",
        "range": "时间应在 1970 年到 2200 年之间。",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) > 40:
            raise self.make_error("invalid")
        moment = super()._deserialize(value, attr, data, **kwargs)
        if moment.tzinfo is None:
            raise self.make_error("invalid_awareness")
        if not 1970 <= moment.year <= 2200:
            raise self.make_error("range")
        return moment

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return out(value)


class Day(_Coded, fields.Date):
    """A day, ISO 8601."""

    default_error_messages: Any = {
        "invalid": "应为日期，如 2026-03-02。",
        "format": "应为日期，如 2026-03-02。",
        "range": "日期应在 1900 年到 2200 年之间。",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        day: date = super()._deserialize(value, attr, data, **kwargs)
        if not 1900 <= day.year <= 2200:
            raise self.make_error("range")
        return day


class ListOf(_Coded, fields.List):
    """A list of `least`–`most` items."""

    default_error_messages: Any = {
        "invalid": "应为列表。",
        "too_many": "最多 {most} 项。",
        "too_few": "最少 {least} 项。",
    }

    def __init__(self, item: Any, most: int = 200, *, least: int = 0, **kwargs: Any) -> None:
        self.most, self.least = most, least
        metadata = dict(kwargs.pop("metadata", {}), maxItems=most, **({"minItems": least} if least else {}))
        super().__init__(item, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list):
            if len(value) > self.most:
                raise self.make_error("too_many", most=self.most)
            if len(value) < self.least:
                raise self.make_error("too_few", least=self.least)
        return super()._deserialize(value, attr, data, **kwargs)


class Shape(_Coded, fields.Nested):
    """An object of another schema."""

    default_error_messages: Any = {"type": "应为一个对象。"}


class Answers(_Coded, fields.Dict):
    """An object with `least`–`most` names of its own (form answers): its size is judged here, its content by
    the form, unless `keys` and `values` say what it is."""

    default_error_messages: Any = {
        "invalid": "应为一个对象。",
        "too_many": "最多 {most} 项。",
        "too_few": "最少 {least} 项。",
    }

    def __init__(self, most: int = 500, *, least: int = 0, **kwargs: Any) -> None:
        self.most, self.least = most, least
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        answers = super()._deserialize(value, attr, data, **kwargs)
        if len(answers) > self.most:
            raise self.make_error("too_many", most=self.most)
        if len(answers) < self.least:
            raise self.make_error("too_few", least=self.least)
        return answers


class Anything(_Coded, fields.Raw):
    """Any JSON value; for documents that describe themselves."""


def out(moment: datetime | None) -> str | None:
    """An instant as it is sent: ISO 8601 in +08:00, to the millisecond."""
    if moment is None:
        return None
    local = moment.astimezone(BEIJING)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def field_errors(messages: Mapping[Any, Any] | list[Any], root: str = "") -> list[FieldError]:
    """marshmallow's nested messages as a flat list with JSON pointers."""
    found: list[FieldError] = []
    if isinstance(messages, Mapping):
        for step, inner in messages.items():
            # marshmallow wraps the key of a dictionary's entry as {"value": …}; the pointer is the key's.
            at = root if step in ("_schema",) else root + pointer(step)
            found.extend(field_errors(inner, at) if isinstance(inner, Mapping | list) else [_one(inner, at)])
    else:
        for message in messages:
            if isinstance(message, Mapping):
                found.extend(field_errors(message, root))
            else:
                found.append(_one(message, root))
    return found


def _one(message: Any, at: str) -> FieldError:
    code = message.code if isinstance(message, Message) else "invalid"
    return FieldError(at, code, str(message))


NOTHING = Schema.from_dict({}, name="Nothing")()
"""The body of an act that needs no words: `{}`."""

__all__ = [
    "NOTHING",
    "Answers",
    "Anything",
    "Day",
    "Flag",
    "Identifier",
    "ListOf",
    "Message",
    "Moment",
    "OneOf",
    "QueryWhole",
    "Schema",
    "Shape",
    "Text",
    "Whole",
    "field_errors",
    "out",
    "validate",
]
